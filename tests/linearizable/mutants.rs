//! Breaks that short windows show to the general checker, with the unbroken engine passing the same windows.

use crate::support::breaks::dies_of;
use crate::support::evidence;
use crate::windows;

/// Runs windows in which calls are stopped where the break shows: many times as many as it takes. The view in which it shows is recorded.
fn noticed(name: &'static str, windows: usize, steps: &'static [&'static str]) {
    let (text, seconds) = dies_of(name, || _ = windows::run(11, windows, steps));
    let Some((view, _)) = text.split_once(": not linearizable: ") else {
        panic!("with {name} another assertion failed: {text}");
    };
    evidence::append("mutant", name, 1, seconds, &format!("killed: {view}: not linearizable"));
}

#[test]
fn a_commit_that_is_stored_after_its_test() {
    noticed("check-then-store", 600, &["commit:drawn"]);
}

#[test]
fn a_fence_that_is_tested_once() {
    noticed("fence-tested-once", 600, &["commit:drawn"]);
}

#[test]
fn a_word_that_is_put_back() {
    noticed("publish-store", 600, &["commit:done"]);
}

#[test]
fn a_word_that_is_put_back_by_settling_it() {
    noticed("settle-by-store", 600, &["commit:propagated"]);
}

#[test]
fn a_word_behind_a_snapshot_that_was_read() {
    noticed("read-without-raise", 1_500, &["commit:done"]);
}

#[test]
fn a_summary_that_is_refreshed_once() {
    noticed("refresh-once", 2_500, &["refresh:loaded", "refresh:evaluated"]);
}

#[test]
fn a_refresh_that_is_skipped_if_nothing_seems_to_change() {
    noticed("refresh-skip-if-equal", 600, &["refresh:evaluated"]);
}

#[test]
fn a_summary_above_that_only_the_winner_refreshes() {
    noticed("walk-winner-only", 600, &["walk:refreshed", "refresh:evaluated"]);
}

#[test]
fn a_commit_that_trusts_an_unsettled_one() {
    noticed("skip-unsettled", 600, &["commit:done", "commit:published"]);
}

#[test]
fn a_word_that_is_settled_before_the_summaries() {
    noticed("settle-before-summaries", 600, &["walk:refreshed", "refresh:loaded"]);
}

#[test]
fn a_repeated_report_that_does_not_pay_for_the_first() {
    noticed("heartbeat-unpaid", 600, &["commit:published"]);
}
