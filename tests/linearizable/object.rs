//! Word and snapshot as one object: no reader of either sees less than what had been seen, or written and returned, before he began.

use std::collections::HashMap;

use crate::commits::Commits;
use crate::recording::{END, History, Write};

/// What was checked.
#[derive(Debug, Default)]
pub struct Reads {
    pub checked: usize,
    /// Beside a write of the check.
    pub concurrent: usize,
    /// Of words, those that could have been only one thing.
    pub determined: usize,
}

pub fn verify(history: &History, known: &[Commits]) -> Reads {
    verify_origin(history);
    let mut reads = Reads::default();
    for seen in &history.seen {
        let stretch = known[seen.check].stretch(seen.span);
        let position = Some(seen.state.position);
        assert!(stretch.low <= position, "{seen:?} after {:?} was known", stretch.low);
        assert!(stretch.high.is_none() || position <= stretch.high, "{seen:?} and later {:?}", stretch.high);
        reads.checked += 1;
        reads.concurrent += usize::from(known[seen.check].was_written(seen.span));
    }
    for word in &history.words {
        let commits = &known[word.check];
        let stretch = commits.stretch(word.span);
        let end = Some((word.incarnation, END));
        reads.checked += 1;
        reads.concurrent += usize::from(commits.was_written(word.span));
        let Some(status) = word.status else {
            let high = stretch.high;
            assert!(high.is_none() || high >= end, "{word:?} reads gone, and later {high:?} was seen");
            continue;
        };
        assert!(stretch.low < end, "{word:?} after {:?} was known", stretch.low);
        let possible = commits.statuses(stretch.within(word.incarnation));
        assert!(possible.contains(Some(status)), "{word:?} shows none of {possible:?}");
        reads.determined += usize::from(possible.is_one());
    }
    reads
}

/// What was refused was never seen, and nothing was seen before somebody began to write it.
fn verify_origin(history: &History) {
    let firsts = history.writes.iter().filter(|write| !write.repeated);
    let writes: HashMap<u64, &Write> = firsts.map(|write| (write.sequence, write)).collect();
    for seen in history.seen.iter().chain(&history.events).filter(|seen| seen.state.sequence != 0) {
        let write = writes[&seen.state.sequence];
        assert!(write.refused.is_none(), "a refused write was seen: {write:?} in {seen:?}");
        assert_eq!(
            (write.check, write.status, write.incarnation),
            (seen.check, seen.state.status, seen.state.position.0),
            "{write:?} was seen as {seen:?}"
        );
        assert!(write.span.start < seen.span.end, "{seen:?} before {write:?}");
    }
}
