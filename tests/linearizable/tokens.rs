//! Who may write: the generations of a check as acquisitions and take-overs have won them, and what every writer was told.

use std::collections::HashSet;

use lifesign::ErrorKind;

use crate::recording::{Claim, END, History, Life, Span, Write};
use crate::timeline::Timeline;

/// Which writer of which life.
type Fence = (u64, u64);

/// What was met.
#[derive(Debug, Default)]
pub struct Meetings {
    pub accepted: usize,
    pub refused: usize,
    pub claims_lost: usize,
    /// Writes that ran beside one by another token of the same check.
    pub rivals: usize,
    /// Writes during which their check was taken over or acquired.
    pub overtaken: usize,
    /// Writes during which their check was deregistered.
    pub ended: usize,
}

pub fn verify(history: &History, checks: usize) -> Meetings {
    let mut meetings = Meetings::default();
    for check in 0..checks {
        let claims: Vec<_> = history.claims.iter().filter(|claim| claim.check == check).collect();
        let writes: Vec<_> = history.writes.iter().filter(|write| write.check == check).collect();
        let ends: Vec<_> = history.ends.iter().filter(|end| end.check == check).collect();
        verify_check(&claims, &writes, &ends, &mut meetings);
    }
    meetings
}

fn verify_check(claims: &[&Claim], writes: &[&Write], ends: &[&Life], meetings: &mut Meetings) {
    let won =
        || claims.iter().filter_map(|claim| Some((claim.span, (claim.incarnation, claim.outcome.ok()?))));
    let mut fences: HashSet<Fence> = HashSet::new();
    for (_, fence) in won() {
        assert!(fences.insert(fence), "generation {fence:?} was given out twice");
    }
    let ended = || ends.iter().map(|end| (end.span, (end.incarnation, END)));
    let timeline = Timeline::of(won().chain(ended()));
    // The greatest that somebody had begun to win, by the beginning.
    let mut begun: Vec<(u64, Fence)> =
        won().chain(ended()).map(|(span, fence)| (span.start, fence)).collect();
    begun.sort_unstable();
    for at in 1..begun.len() {
        begun[at].1 = begun[at].1.max(begun[at - 1].1);
    }
    let greatest = |span: Span| {
        let at = begun.partition_point(|(start, _)| *start < span.end);
        at.checked_sub(1).map(|at| begun[at].1)
    };
    for (span, fence) in won() {
        let low = timeline.before(span.start);
        assert!(low.is_none_or(|low| low < fence), "{fence:?} was won after {low:?}");
    }
    for claim in claims.iter().filter(|claim| claim.outcome.is_err()) {
        let holder = (claim.incarnation, claim.outcome.unwrap_err());
        let low = timeline.before(claim.span.start);
        assert!(
            low <= Some(holder) && Some(holder) <= greatest(claim.span),
            "{claim:?} is told of another holder"
        );
        assert!(claim.expected != Some(holder.1), "{claim:?} was refused by the holder it expected");
        meetings.claims_lost += 1;
    }
    for write in writes {
        let fence = (write.incarnation, write.generation);
        let (low, greatest) = (timeline.before(write.span.start), greatest(write.span));
        match write.refused {
            None => {
                assert!(low <= Some(fence), "{write:?} was accepted after {low:?} had come");
                meetings.accepted += 1;
            }
            Some(kind) => {
                meetings.refused += 1;
                match kind {
                    ErrorKind::Fenced => assert!(greatest > Some(fence), "{write:?}: nobody took over"),
                    ErrorKind::Gone => {
                        assert!(greatest >= Some((fence.0, END)), "{write:?}: nobody deregistered the check");
                    }
                    ErrorKind::Revoked => {}
                    kind => panic!("{write:?} was refused with {kind}"),
                }
            }
        }
    }
    meetings.rivals += count_rivals(writes);
    let during = |spans: &[Span], write: &Write| {
        let at = spans.partition_point(|span| span.end < write.span.start);
        spans.get(at).is_some_and(|span| span.start < write.span.end)
    };
    let sorted = |spans: &mut Vec<Span>| spans.sort_unstable_by_key(|span| span.end);
    let (mut wins, mut lives): (Vec<_>, Vec<_>) =
        (won().map(|(span, _)| span).collect(), ends.iter().map(|end| end.span).collect());
    sorted(&mut wins);
    sorted(&mut lives);
    meetings.overtaken += writes.iter().filter(|write| during(&wins, write)).count();
    meetings.ended += writes.iter().filter(|write| during(&lives, write)).count();
}

/// Writes that began while one by another token was running.
fn count_rivals(writes: &[&Write]) -> usize {
    let mut by_start = writes.to_vec();
    by_start.sort_unstable_by_key(|write| write.span.start);
    let mut running: Vec<&Write> = Vec::new();
    let mut rivals = 0;
    for write in by_start {
        running.retain(|other| other.span.end > write.span.start);
        let fence = |write: &Write| (write.incarnation, write.generation);
        rivals += usize::from(running.iter().any(|other| fence(other) != fence(write)));
        running.push(write);
    }
    rivals
}
