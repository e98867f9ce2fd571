//! Service snapshots: all of a service stood together at one moment, and each is one (version, epoch).

use lifesign::{ServiceSnapshot, Status};

use crate::commits::Commits;
use crate::recording::{History, Text, Whole};
use crate::timeline::Lifetimes;
use crate::world::{ALIASES, BELOW, HOMES, NODE, id, number, state, text};

/// What was checked.
#[derive(Debug, Default)]
pub struct Reads {
    pub checked: usize,
    /// Beside a write of one of the checks.
    pub concurrent: usize,
}

pub fn verify(history: &History, known: &[Commits]) -> Reads {
    let mut reads = Reads::default();
    let summaries: Vec<_> = (0..BELOW.len())
        .map(|summary| {
            let derived = history.derived.iter().filter(move |derived| derived.summary == summary);
            Lifetimes::new(derived.map(|derived| (derived.span, derived.key)), std::iter::empty())
        })
        .collect();
    for whole in &history.wholes {
        reads.checked += 1;
        verify_moment(whole, known, &summaries);
        let moved = |(check, _): &(usize, _)| known[*check].was_written(whole.span);
        reads.concurrent += usize::from(whole.checks.iter().any(moved));
    }
    for summary in 0..BELOW.len() {
        let mut wholes: Vec<_> = history.wholes.iter().filter(|whole| whole.summary == summary).collect();
        wholes.sort_by_key(|whole| whole.key);
        wholes.windows(2).for_each(|pair| verify_order(pair[0], pair[1]));
    }
    reads
}

/// There was a moment, during the call, at which every part stood.
fn verify_moment(whole: &Whole, known: &[Commits], summaries: &[Lifetimes<(u64, u64)>]) {
    let (mut from, mut until) = (whole.span.start, whole.span.end);
    let mut narrow = |(since, before): (u64, u64)| {
        from = from.max(since);
        until = until.min(before);
    };
    for (check, position) in &whole.checks {
        narrow(known[*check].lifetimes.of(position));
    }
    if let Some((summary, key)) = whole.alias {
        narrow(summaries[summary].of(&key));
    }
    narrow(summaries[whole.summary].of(&whole.key));
    assert!(
        from < until,
        "parts of {whole:?} never stood together: the last came after {from}, the first had gone by {until}"
    );
}

/// No part goes back, the same (version, epoch) is the same state, and each commit counts in the epoch.
fn verify_order(one: &Whole, other: &Whole) {
    if one.key == other.key {
        // The alias's target may have been refreshed to what it was.
        assert_eq!(one.checks, other.checks, "two states of one (version, epoch): {one:?}, {other:?}");
        return;
    }
    let mut commits = 0;
    for (check, position) in &one.checks {
        let Some((_, later)) = other.checks.iter().find(|(other, _)| other == check) else { continue };
        assert!(position <= later, "check {check} goes back from {one:?} to {other:?}");
        if position.0 == later.0 {
            commits += later.1 - position.1;
        }
    }
    assert!(one.alias.map(|(_, key)| key) <= other.alias.map(|(_, key)| key), "{one:?}, {other:?}");
    assert!(
        other.key.1 - one.key.1 >= commits,
        "{commits} commits are not counted in the epochs of {one:?} and {other:?}"
    );
}

/// The summary and its text are what the checks beside them say: the worst, then the smallest id.
pub fn verify_view(view: &ServiceSnapshot) {
    let is_node = view.id.is_empty();
    // What counts for nothing at the node is none of its inputs.
    let counted = || {
        view.checks.iter().map(|(_, state)| state).filter(|state| !is_node || number(state.id()).is_some())
    };
    let own = counted().map(|state| state.status()).max().unwrap_or(Status::Passing);
    assert_eq!(view.summary.own, own, "a service and its checks belong to different moments: {view:?}");
    let causes = counted().filter(|state| state.status() == own && own > Status::Passing).map(|seen| {
        let cause = match number(seen.id()) {
            Some(check) => Text::Check { check, status: own, sequence: state(seen).sequence },
            None => text(seen.output()),
        };
        let root = match cause {
            Text::Check { check, .. } => id(check),
            // The alias itself is the cause, and the lowest of those above it.
            _ => ALIASES[0].to_owned(),
        };
        (root, cause)
    });
    let cause = causes.min_by(|one, other| one.0.cmp(&other.0)).map_or(Text::AllPassing, |(_, cause)| cause);
    let said = text(&view.summary.output);
    let by_node = matches!(said, Text::Check { check, status, .. } if HOMES[check] == NODE && status == view.summary.status);
    assert!(view.summary.status >= own, "{view:?}");
    // Of equals the smallest id decides: the node's checks come after the others and before an alias that misses its target.
    let by_node_alone = view.summary.status > own || (cause == Text::Missing && by_node);
    assert!(if by_node_alone { by_node } else { said == cause }, "{view:?} does not say {cause:?}");
}
