//! The snapshot and its word are one object: neither goes back, and neither behind the other (R1, R3, R4).

use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::{Critical, Passing, Warning};
use crate::writer::commit::Committed;

const WORD: &str = "publish: the word is behind a write that returned";
const SNAPSHOT: &str = "publish: the snapshot is behind a write that returned";
const REVISION: &str = "publish: a commit has a lower revision than the one it replaced";
const RAISED: &str = "publish: the word is behind a snapshot that was read";
const ORDER: &str = "publish: a snapshot is older than the word that was read before it";

const WRITERS: Model = Model { name: "publish", run: writers };
const READER: Model = Model { name: "publish_read", run: reader };

/// Two calls write through the same token.
fn writers(world: &'static World, roles: Roles) {
    let check = world.check(&world.summary("home"), None, Passing);
    let write = move |status| {
        let committed: Committed<'_> = world.report(check, status);
        assert!(committed.before.revision < committed.after.revision, "{REVISION}");
        let word = check.place.cell.status().load();
        assert!(word.version() >= committed.after.version, "{WORD}");
        let snapshot = check.place.cell.snapshot.load().unwrap();
        assert!(snapshot.version >= committed.after.version, "{SNAPSHOT}");
        committed.after.version
    };
    let (one, other) = roles.run(move || write(Critical), move || write(Warning));
    let (word, snapshot) = (check.place.cell.status().load(), check.place.cell.snapshot.load().unwrap());
    assert_eq!(one.min(other) + 1, one.max(other), "publish: two commits have the same version");
    assert_eq!(word.version(), 3, "{WORD}");
    assert_eq!((snapshot.version, Some(snapshot.status)), (3, word.status()), "{SNAPSHOT}");
}

/// One writes, one reads the word, the snapshot and the word again.
fn reader(world: &'static World, roles: Roles) {
    let check = world.check(&world.summary("home"), None, Passing);
    let read = move || {
        let cell = check.place.cell;
        let first = cell.status().load();
        let snapshot = cell.snapshot.load().unwrap();
        assert!(snapshot.version >= first.version(), "{ORDER}");
        cell.status().raise(snapshot.word());
        assert!(cell.status().load().version() >= snapshot.version, "{RAISED}");
    };
    roles.run(move || world.report(check, Critical), read);
}

models! {
    two_writers: WRITERS,
        publish_store "publish-store" WORD,
        settle_by_store "settle-by-store" WORD,
        revision_before_load "revision-before-load" REVISION;
    a_writer_and_a_reader: READER,
        read_without_raise "read-without-raise" RAISED,
        word_relaxed_load "word-relaxed-load" ORDER;
}
