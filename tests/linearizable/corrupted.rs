//! Histories that no correct engine could have: each must be noticed by the check that is named.

use lifesign::{ErrorKind, Status};

use crate::commits::Commits;
use crate::recording::{
    Belief, Claim, Derived, END, History, Life, Seen, Shown, Span, State, Text, Whole, Word, Write,
};
use crate::specification::{Object, ObjectSpecification, Operation, ShownSpecification};
use crate::windows::{Call, View, is_linearizable};
use crate::world::{HOMES, LIFE_OF_BASE};
use crate::{delivery, derived, object, specification, tokens, whole_service};

const fn span(start: u64, end: u64) -> Span {
    Span { start, end }
}

fn seen(start: u64, end: u64, version: u64, sequence: u64, status: Status) -> Seen {
    let state = State { position: (1, version), revision: version * 10, generation: 2, sequence, status };
    Seen { span: span(start, end), check: 0, state }
}

fn write(start: u64, end: u64, sequence: u64, status: Status) -> Write {
    let (check, incarnation, generation) = (0, 1, 2);
    let span = span(start, end);
    Write {
        span,
        thread: 1,
        check,
        incarnation,
        generation,
        sequence,
        status,
        refused: None,
        repeated: false,
    }
}

fn word(start: u64, end: u64, status: Option<Status>) -> Word {
    Word { span: span(start, end), check: 0, incarnation: 1, status }
}

fn shown(start: u64, end: u64, status: Status, text: Option<Text>) -> Shown {
    Shown { span: span(start, end), summary: 0, status, text }
}

fn claim(start: u64, end: u64, generation: u64) -> Claim {
    Claim { span: span(start, end), check: 0, incarnation: 1, expected: None, outcome: Ok(generation) }
}

/// Write 1 makes version 3 warning, then write 2 makes version 4 critical; both are seen when they have returned.
fn good() -> History {
    let mut history = History::default();
    history.begins.extend((0..=LIFE_OF_BASE).map(|check| Life { span: span(1, 2), check, incarnation: 1 }));
    history.claims.push(claim(3, 4, 2));
    history.seen.push(seen(5, 6, 2, 0, Status::Passing));
    history.writes.push(write(10, 20, 1, Status::Warning));
    history.seen.push(seen(30, 31, 3, 1, Status::Warning));
    history.writes.push(write(40, 50, 2, Status::Critical));
    history.seen.push(seen(60, 61, 4, 2, Status::Critical));
    history
}

fn verify(history: &History) {
    let known: Vec<_> = (0..=LIFE_OF_BASE).map(|check| Commits::of(history, check)).collect();
    tokens::verify(history, HOMES.len());
    object::verify(history, &known);
    derived::verify(history, &known);
    whole_service::verify(history, &known);
    delivery::verify(history, &known);
}

/// What verifying `good` says once `spoil` has changed it.
fn notices(complaint: &str, spoil: impl FnOnce(&mut History)) {
    let mut history = good();
    verify(&history);
    spoil(&mut history);
    let outcome = std::panic::catch_unwind(|| verify(&history));
    let panic = outcome.expect_err("the history is accepted");
    let text = panic.downcast_ref::<String>().expect("an assertion with a text");
    assert!(text.contains(complaint), "another assertion failed: {text}");
}

#[test]
fn a_linearizable_history_is_accepted() {
    let mut history = good();
    for (start, end, status) in
        [(11, 15, Status::Passing), (11, 15, Status::Warning), (39, 45, Status::Critical)]
    {
        history.words.push(word(start, end, Some(status)));
        history.shown.push(shown(start, end, status, None));
    }
    verify(&history);
}

#[test]
fn readers_of_word_and_snapshot() {
    notices("was known", |history| history.seen.push(seen(55, 56, 3, 1, Status::Warning)));
    notices("shows none of", |history| history.words.push(word(55, 56, Some(Status::Warning))));
    // Nobody saw the first version of the second write, but it has returned.
    notices("shows none of", |history| {
        history.seen.retain(|seen| seen.state.sequence != 2);
        history.words.push(word(55, 56, Some(Status::Warning)));
    });
    notices("reads gone", |history| history.words.push(word(55, 56, None)));
    notices("before Write", |history| history.seen.push(seen(35, 36, 4, 2, Status::Critical)));
    notices("a refused write was seen", |history| history.writes[1].refused = Some(ErrorKind::Revoked));
    notices("two states of one version", |history| history.seen.push(seen(62, 63, 4, 1, Status::Warning)));
    notices("rise together", |history| history.seen[2].state.revision = 5);
}

#[test]
fn what_summaries_show() {
    let text = |sequence, status| Some(Text::Check { check: 0, status, sequence });
    notices("is better than", |history| history.shown.push(shown(55, 56, Status::Warning, None)));
    notices("is worse than", |history| history.shown.push(shown(25, 26, Status::Critical, None)));
    notices("old or unheard-of text", |history| {
        history.shown.push(shown(55, 56, Status::Critical, text(1, Status::Critical)));
    });
    notices("while the service is registered", |history| {
        history.shown.push(shown(55, 56, Status::Critical, Some(Text::Missing)));
    });
    let derived = |start, end, version, transitions, status, text: Option<Text>| Derived {
        span: span(start, end),
        summary: 0,
        key: (version, version),
        transitions,
        status,
        text: text.unwrap_or(Text::AllPassing),
    };
    let warning = |start, end, version, transitions| {
        derived(start, end, version, transitions, Status::Warning, text(1, Status::Warning))
    };
    let passing =
        |start, end, version, transitions| derived(start, end, version, transitions, Status::Passing, None);
    notices("two states of one (version, epoch)", |history| {
        history.derived.extend([warning(11, 15, 7, 1), passing(12, 14, 7, 1)]);
    });
    notices("without a transition", |history| {
        history.derived.extend([passing(11, 12, 7, 0), warning(14, 15, 8, 0)]);
    });
    notices("and later", |history| {
        history.derived.extend([warning(11, 12, 8, 1), passing(14, 15, 7, 0)]);
    });
    // Passing again, by handle, while the write is under way and after the summary has shown it.
    notices("between", |history| {
        history.derived.extend([warning(11, 12, 8, 1), warning(18, 19, 9, 1)]);
        history.shown.push(shown(14, 15, Status::Passing, None));
    });
}

#[test]
fn what_service_snapshots_say() {
    let whole = |start, end, key, versions: [u64; 2]| Whole {
        span: span(start, end),
        summary: 0,
        key,
        checks: versions.into_iter().enumerate().map(|(check, version)| (check, (1, version))).collect(),
        alias: None,
    };
    let other = |start, end, version, sequence, status| Seen {
        check: 1,
        ..seen(start, end, version, sequence, status)
    };
    // The second check's write began when the first check's had returned; one saw the new of the second and the old of the first.
    notices("never stood together", |history| {
        history.writes.push(Write { check: 1, thread: 2, ..write(51, 70, 3, Status::Warning) });
        history.seen.push(other(72, 73, 3, 3, Status::Warning));
        history.wholes.push(whole(35, 71, (9, 9), [3, 3]));
    });
    notices("goes back", |history| {
        history.wholes.extend([whole(42, 45, (9, 9), [4, 1]), whole(43, 46, (10, 10), [3, 1])])
    });
    notices("two states of one", |history| {
        history.wholes.extend([whole(42, 45, (9, 9), [4, 1]), whole(43, 46, (9, 9), [3, 1])]);
    });
    notices("not counted", |history| {
        history.wholes.extend([whole(42, 45, (9, 9), [3, 1]), whole(43, 46, (10, 9), [4, 1])])
    });
}

#[test]
fn what_subscribers_know() {
    notices("had returned", |history| history.events.push(seen(55, 56, 3, 1, Status::Warning)));
    notices("of a check that was one of", |history| {
        history.beliefs.push(Belief { span: span(55, 56), check: 0, critical: false });
    });
}

#[test]
fn what_writers_are_told() {
    notices("was accepted after", |history| history.claims.push(claim(32, 33, 3)));
    notices("given out twice", |history| history.claims.push(claim(32, 33, 2)));
    notices("nobody took over", |history| {
        history.writes.push(Write { refused: Some(ErrorKind::Fenced), ..write(70, 71, 3, Status::Passing) });
    });
    notices("nobody deregistered", |history| {
        history.writes.push(Write { refused: Some(ErrorKind::Gone), ..write(70, 71, 3, Status::Passing) });
    });
    notices(&format!("after Some((1, {END})) had come"), |history| {
        history.ends.push(Life { span: span(32, 33), check: 0, incarnation: 1 });
    });
}

/// Windows of hand: a write, and reads at these moments.
fn window(reads: &[(u64, u64, Operation)]) -> Vec<Call> {
    let begin = Object { version: 1, status: Status::Passing, sequence: 0, generation: 2, held: true };
    let write = Operation::Write { generation: 2, status: Status::Critical, sequence: 1, fenced: false };
    let call = |(thread, (start, end, operation)): (usize, (u64, u64, Operation))| Call {
        span: span(start, end),
        thread,
        view: View::Object,
        operation,
    };
    let calls = [(1, 2, Operation::Begin(begin)), (10, 20, write)];
    calls.into_iter().chain(reads.iter().copied()).enumerate().map(call).collect()
}

#[test]
fn windows_that_the_general_checker_must_refuse() {
    let word = |start, end, status| (start, end, Operation::Word(status));
    let is_object = |reads: &[_]| is_linearizable::<ObjectSpecification>(&window(reads));
    assert!(is_object(&[word(12, 13, Status::Passing), word(14, 15, Status::Critical)]));
    assert!(!is_object(&[word(12, 13, Status::Critical), word(14, 15, Status::Passing)]), "back");
    assert!(!is_object(&[word(21, 22, Status::Passing)]), "stale");
    assert!(!is_object(&[word(5, 6, Status::Critical)]), "too early");
    let object = Object { version: 2, status: Status::Critical, sequence: 1, generation: 2, held: true };
    let snapshot = |object| (30, 31, Operation::Snapshot(object));
    assert!(is_object(&[snapshot(object)]));
    for torn in [
        Object { version: 1, ..object },
        Object { sequence: 0, ..object },
        Object { generation: 3, ..object },
        Object { held: false, ..object },
    ] {
        assert!(!is_object(&[snapshot(torn)]), "{torn:?}");
    }
    let claim = |expected, outcome| (12, 13, Operation::Claim { expected, outcome });
    assert!(is_object(&[claim(Some(2), Ok(3))]), "the write may have come before");
    assert!(!is_object(&[claim(Some(1), Ok(3))]), "from a holder who is none");
    assert!(!is_object(&[claim(None, Ok(3))]), "although it is held");
    assert!(!is_object(&[claim(Some(2), Err(2))]), "although nobody else came");
    let late = Operation::Claim { expected: Some(2), outcome: Ok(3) };
    assert!(!is_object(&[(3, 4, late)]), "the write came after the take-over");

    let show = |start, end, status, sequence| {
        (start, end, Operation::Show(specification::Shown { status, sequence }))
    };
    let is_shown = |reads: &[_]| is_linearizable::<ShownSpecification>(&window(reads));
    assert!(is_shown(&[show(12, 13, Status::Passing, None), show(21, 22, Status::Critical, Some(1))]));
    assert!(!is_shown(&[show(21, 22, Status::Passing, None)]), "stale");
    assert!(
        !is_shown(&[show(12, 13, Status::Critical, Some(1)), show(14, 15, Status::Passing, None)]),
        "back"
    );
    assert!(!is_shown(&[show(21, 22, Status::Critical, Some(0))]), "with an old text");
}
