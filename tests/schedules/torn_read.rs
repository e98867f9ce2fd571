//! Torn read: U commits states whose parts belong together, R compares what it reads, of the check and of an alias (R1, R3, R4).

use lifesign::{Snapshot, Status};
use shuttle::thread::scope;

use super::support::{alias, check, engine, service};
use super::{Script, reached, schedules};

const TORN: &str = "torn_read: a snapshot is a mix of two commits";
const BACK: &str = "torn_read: a snapshot is older than one that was read before";
const BEHIND: &str = "torn_read: the word is behind a snapshot that was read";
const AHEAD: &str = "torn_read: a snapshot is behind the word that was read before it";
const OWN: &str = "torn_read: a write has returned and is not read";
const HELD: &str = "torn_read: a snapshot changed after it was handed out";

const WHOLE: Script = Script {
    name: "torn_read",
    run: whole,
    overlaps: &[
        "a read between two commits",
        "a read that two commits span",
        "an alias read between two commits",
    ],
};

/// The states that U commits, the first of them before anybody reads. They only get worse, so that an older one is told by its status as well.
const STATES: [(Status, &str); 4] = [
    (Status::Passing, "zero"),
    (Status::Warning, "one"),
    (Status::Critical, "two"),
    (Status::Critical, "three"),
];

/// How many of the states come with a change of the status, up to and with the one of this number.
const TRANSITIONS: [u64; 4] = [0, 1, 2, 2];

/// The number of the commit that shows `status` and `output`, which an alias wraps.
fn number(status: Status, output: &str) -> usize {
    let number = match output {
        "All checks passing." => Some(0),
        _ => STATES.iter().position(|(_, text)| output.ends_with(text)),
    };
    let number = number.expect(TORN);
    assert_eq!(STATES[number].0, status, "{TORN}");
    number
}

fn whole() {
    let engine = engine();
    let web = service(&engine, "web");
    let check = check(&engine, "web:alive", Some(&web));
    let mirror = alias(&engine, "sidecar", None, "web");
    let token = engine.acquire(&check, "U").unwrap();
    token.write(STATES[0].0, STATES[0].1).unwrap();
    let (held, derived) = (engine.snapshot(&check).unwrap(), engine.snapshot(&mirror).unwrap());
    let before = (format!("{held:?}"), format!("{derived:?}"));
    let word = || check.place.cell.status().load().version();

    let read = || {
        let mut last = 0;
        for _ in 0..3 {
            let seen = word();
            let state = engine.snapshot(&check).unwrap();
            let behind = word() < state.version();
            let number = number(state.status(), state.output());
            assert_eq!(
                (state.version() - held.version(), state.transitions() - held.transitions()),
                (number as u64, TRANSITIONS[number]),
                "{TORN}"
            );
            assert!(number >= last, "{BACK}");
            assert!(state.version() >= seen, "{AHEAD}");
            assert!(!behind, "{BEHIND}");
            if 0 < number && number < STATES.len() - 1 {
                reached("a read between two commits");
            }
            if number > last + 1 {
                reached("a read that two commits span");
            }
            last = number;
        }
    };
    let read_alias = || {
        let mut last = derived.clone();
        for _ in 0..2 {
            let seen = mirror.status();
            let state = engine.snapshot(&mirror).unwrap();
            let shown = mirror.status();
            let number = number(state.status(), state.output());
            let is_older = |one: &Snapshot, other: &Snapshot| {
                (one.version(), one.epoch(), one.transitions())
                    < (other.version(), other.epoch(), other.transitions())
            };
            assert!(!is_older(&state, &last), "{BACK}");
            assert_eq!(state.epoch() - derived.epoch(), number as u64, "{TORN}");
            assert_eq!(state.transitions() - derived.transitions(), TRANSITIONS[number], "{TORN}");
            assert!(Some(state.status()) >= seen, "{AHEAD}");
            assert!(shown >= Some(state.status()), "{BEHIND}");
            if 0 < number && number < STATES.len() - 1 {
                reached("an alias read between two commits");
            }
            last = state;
        }
    };
    scope(|scope| {
        scope.spawn(read);
        scope.spawn(read_alias);
        for (status, output) in &STATES[1..] {
            token.write(*status, output).unwrap();
            assert_eq!((check.status(), mirror.status()), (Some(*status), Some(*status)), "{OWN}");
            assert_eq!(engine.snapshot(&check).unwrap().output(), *output, "{OWN}");
        }
    });
    assert_eq!((format!("{held:?}"), format!("{derived:?}")), before, "{HELD}");
    assert_eq!(engine.audit().unwrap(), 0);
}

schedules! {
    a_reader_beside_a_writer: WHOLE,
        read_without_raise "read-without-raise" BEHIND;
}
