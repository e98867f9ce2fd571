//! What subscribers know after a poll: nothing older than what had returned before it, and nothing that is not there.

use lifesign::Status;

use crate::commits::Commits;
use crate::recording::History;

/// What was checked.
#[derive(Debug, Default)]
pub struct Reads {
    pub checked: usize,
    /// Beside a write of the check.
    pub concurrent: usize,
}

pub fn verify(history: &History, known: &[Commits]) -> Reads {
    let mut reads = Reads::default();
    for event in &history.events {
        let stretch = known[event.check].stretch_of_followers(event.span);
        let position = Some(event.state.position);
        assert!(stretch.low <= position, "{event:?} was known after {:?} had returned", stretch.low);
        assert!(
            stretch.high.is_none() || position <= stretch.high,
            "{event:?} was delivered, and later {:?} was seen",
            stretch.high
        );
        reads.checked += 1;
        reads.concurrent += usize::from(known[event.check].was_written(event.span));
    }
    for belief in &history.beliefs {
        let commits = &known[belief.check];
        let stretch = commits.stretch_of_followers(belief.span);
        let statuses = commits.statuses(stretch);
        let critical = Some(Status::Critical);
        let others = [None, Some(Status::Passing), Some(Status::Warning)];
        let may_be = if belief.critical {
            statuses.contains(critical)
        } else {
            others.into_iter().any(|status| statuses.contains(status))
        };
        assert!(may_be, "{belief:?} of a check that was one of {statuses:?}");
        reads.checked += 1;
        reads.concurrent += usize::from(commits.was_written(belief.span));
    }
    reads
}
