//! What summaries and aliases show: each summary one object, read through its service's handle, through aliases of it, by snapshot or by word; and
//! all of them the worst of checks none of which is older than what has been written and returned.

use std::collections::HashMap;

use lifesign::Status;

use crate::commits::{Commits, Statuses};
use crate::recording::{Derived, History, Shown, Span, Text};
use crate::timeline::Timeline;
use crate::world::{BELOW, LIFE_OF_BASE};

/// What was checked.
#[derive(Debug, Default)]
pub struct Reads {
    pub checked: usize,
    /// Beside a write of a check below.
    pub concurrent: usize,
    /// Of statuses by handle, those that the versions of the summary alone leave no choice.
    pub determined: usize,
}

type Key = (u64, u64);

pub fn verify(history: &History, known: &[Commits]) -> Reads {
    let mut reads = Reads::default();
    let whole = history.derived.iter().map(|derived| Shown {
        span: derived.span,
        summary: derived.summary,
        status: derived.status,
        text: Some(derived.text),
    });
    for shown in history.shown.iter().copied().chain(whole) {
        reads.checked += 1;
        reads.concurrent += usize::from(verify_inputs(&shown, known));
    }
    let mut states: HashMap<(usize, Key), &Derived> = HashMap::new();
    for derived in &history.derived {
        let first = *states.entry((derived.summary, derived.key)).or_insert(derived);
        let content = |derived: &Derived| (derived.status, derived.text, derived.transitions);
        assert_eq!(
            content(first),
            content(derived),
            "two states of one (version, epoch): {first:?}, {derived:?}"
        );
    }
    for summary in 0..BELOW.len() {
        let mut of_summary: Vec<&Derived> =
            states.iter().filter(|((at, _), _)| *at == summary).map(|(_, derived)| *derived).collect();
        of_summary.sort_unstable_by_key(|derived| derived.key);
        verify_order(&of_summary);
        reads.determined += verify_one_object(history, summary, &of_summary);
    }
    reads
}

/// The status is the worst, and the text that of the one that decides, of checks none of which is too old. Whether any of them was written meanwhile.
fn verify_inputs(shown: &Shown, known: &[Commits]) -> bool {
    let mut any = Statuses::default();
    let mut moved = false;
    for &check in BELOW[shown.summary] {
        let commits = &known[check];
        let stretch = commits.stretch_of_followers(shown.span);
        let gone = if check == LIFE_OF_BASE { Status::Critical } else { Status::Passing };
        let statuses = commits.statuses(stretch).counting_gone_as(gone);
        assert!(
            statuses.least() <= Some(shown.status),
            "{shown:?} is better than check {check}, which is one of {statuses:?}"
        );
        any |= statuses;
        moved |= commits.was_written(shown.span);
    }
    assert!(
        any.contains(Some(shown.status)) || shown.status == Status::Passing,
        "{shown:?} is worse than all of its checks: {any:?}"
    );
    match shown.text {
        None => {}
        Some(Text::AllPassing) => assert_eq!(shown.status, Status::Passing, "{shown:?}"),
        Some(Text::Missing) => {
            let commits = &known[LIFE_OF_BASE];
            let statuses = commits.statuses(commits.stretch_of_followers(shown.span));
            assert!(statuses.contains(None), "{shown:?} while the service is registered");
            assert_eq!(shown.status, Status::Critical, "{shown:?}");
        }
        Some(Text::Check { check, status, sequence }) => {
            let commits = &known[check];
            let stretch = commits.stretch_of_followers(shown.span);
            assert!(commits.may_carry(stretch, sequence), "{shown:?} carries an old or unheard-of text");
            assert_eq!(shown.status, status, "status and text belong together: {shown:?}");
        }
    }
    moved
}

/// The epoch never falls while the version rises, nor does the number of transitions; without a transition there is no other status.
fn verify_order(states: &[&Derived]) {
    for pair in states.windows(2) {
        let (one, other) = (pair[0], pair[1]);
        assert!(one.key.1 <= other.key.1, "the epoch falls from {one:?} to {other:?}");
        assert!(one.transitions <= other.transitions, "transitions fall from {one:?} to {other:?}");
        assert!(
            one.transitions < other.transitions || one.status == other.status,
            "another status without a transition: {one:?}, {other:?}"
        );
    }
}

/// No read sees an older (version, epoch) than one before it, and a status by handle is one that was shown in between. How many had no choice.
fn verify_one_object(history: &History, summary: usize, states: &[&Derived]) -> usize {
    let of_summary = history.derived.iter().filter(|derived| derived.summary == summary);
    let wholes = history.wholes.iter().filter(|whole| whole.summary == summary);
    let keys = of_summary.clone().map(|derived| (derived.span, derived.key));
    let timeline = Timeline::of(keys.chain(wholes.map(|whole| (whole.span, whole.key))));
    let bounds = |span: Span| (timeline.before(span.start), timeline.after(span.end));
    for derived in of_summary {
        let (low, high) = bounds(derived.span);
        assert!(low.is_none_or(|low| low <= derived.key), "{derived:?} after {low:?} was shown");
        assert!(high.is_none_or(|high| derived.key <= high), "{derived:?} and later {high:?}");
    }
    let state = |key: Key| {
        let at = states.binary_search_by_key(&key, |derived| derived.key);
        states[at.expect("a bound is somebody's read")]
    };
    let mut determined = 0;
    // By events the text alone may be older: what changes nothing in it is no event.
    for shown in history.shown.iter().filter(|shown| shown.summary == summary && shown.text.is_none()) {
        let (Some(low), Some(high)) = bounds(shown.span) else { continue };
        let (low, high) = (state(low), state(high));
        let may_be = match high.transitions - low.transitions {
            0 => shown.status == low.status,
            1 => [low.status, high.status].contains(&shown.status),
            _ => continue,
        };
        assert!(may_be, "{shown:?} between {low:?} and {high:?}");
        determined += 1;
    }
    determined
}
