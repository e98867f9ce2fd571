//! A close of the engine that stands still in the middle, for ever: every other call is told that the engine is closed, and none waits for it.

use std::time::Instant;

use lifesign::failpoint::trace;
use lifesign::{ErrorKind, Status};

use crate::support::every_call::EVERY_CALL;
use crate::support::{breaks, evidence, parked};
use crate::watch::in_time;
use crate::world::World;

#[test]
fn a_close_that_stands_still_delays_nobody() {
    let _whole = breaks::none();
    let begun = Instant::now();
    let first = World::new();
    let ((), steps) = trace(|| first.engine.close());
    for (number, step) in steps.iter().enumerate() {
        let world = World::new();
        let caller = world.clone();
        let standing = parked::at_number(number, move || caller.engine.close());
        let shared = world.clone();
        in_time(format!("beside a close that stands at {}", step), move |progress| {
            let World { engine, web, check, .. } = &*shared;
            // Until the words are ended they may still say what they said.
            assert!(number == 0 || (check.status(), web.status()) == (None, None));
            let things = shared.things();
            for call in EVERY_CALL {
                progress.at(call.name);
                assert_eq!(call.refusal(&things), call.when_closed, "{}", call.name);
            }
            progress.at("a second close");
            engine.close();
        });
        standing.finish();
        assert_eq!((world.check.status(), world.web.status()), (None, None));
    }
    assert!(steps.len() >= 4, "only {steps:?}");
    evidence::tell("faults", "a close stands still at a step: nobody waits for it", steps.len(), begun);
}

#[test]
fn a_writer_that_stands_still_delays_no_close() {
    let _whole = breaks::none();
    let first = World::new();
    let (result, steps) = trace(|| first.token.write(Status::Critical, "down"));
    result.unwrap();
    for (number, step) in steps.iter().enumerate() {
        let world = World::new();
        let caller = world.clone();
        let standing = parked::at_number(number, move || caller.token.write(Status::Critical, "down"));
        let shared = world.clone();
        in_time(format!("a close beside a writer at {}", step), move |_| shared.engine.close());
        assert_eq!((world.check.status(), world.web.status()), (None, None));
        let late = standing.finish();
        assert!(late.is_ok() || late.is_err_and(|refused| refused.kind() == ErrorKind::Closed));
        assert_eq!(
            (world.check.status(), world.web.status()),
            (None, None),
            "a late publication wakes no dead"
        );
    }
}
