//! An entry of a history is whole, whoever writes beside the reader (P2).

use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::{Critical, Passing};
use crate::writer::history::{History, HistoryEntry, HistoryKind};

const WHOLE: &str = "history: an entry mixes two commits";
const NEWEST: &str = "history: the newest entry is gone";

const READ: Model = Model { name: "history_read", run: read };
const WRITE: Model = Model { name: "history_write", run: write };

fn entry(number: u64) -> HistoryEntry {
    HistoryEntry {
        kind: HistoryKind::Transition,
        revision: number,
        time_ns: number as i64,
        boot_ns: number,
        writer: number as u32,
        generation: number,
        from: Passing,
        to: Critical,
    }
}

fn is_whole(read: &HistoryEntry) -> bool {
    *read == entry(read.revision)
}

fn shared(world: &'static World) -> &'static History {
    world.own(History::new(1))
}

/// One writes two entries into the same place; the other reads.
fn read(world: &'static World, roles: Roles) {
    let history = shared(world);
    history.push(&entry(1));
    let writer = move || history.push(&entry(2));
    let reader = move || assert!(history.entries().iter().all(is_whole), "{WHOLE}");
    roles.run(writer, reader);
    assert_eq!(history.entries(), [entry(2)], "{NEWEST}");
}

/// Two write into the same place: what stands in the end is one of the two.
fn write(world: &'static World, roles: Roles) {
    let history = shared(world);
    roles.run(move || history.push(&entry(1)), move || history.push(&entry(2)));
    let left = history.entries();
    assert!(left.len() == 1 && is_whole(&left[0]), "{WHOLE}");
}

models! {
    an_entry_that_is_read: READ,
        history_without_sequence "history-without-sequence" WHOLE;
    two_that_write: WRITE,
        history_overtaken "history-overtaken" WHOLE;
}
