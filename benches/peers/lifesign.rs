//! The engine: readers have handles, the writer has tokens.

use std::sync::Arc;

use lifesign::{Check, Engine, Snapshot, Status, Token};

use crate::common::world::{acquire, check, engine, service};
use crate::{Reader, Whole, Writer, id};

pub struct Handles {
    engine: Engine,
    checks: Vec<Check>,
}

pub struct Tokens(Vec<Token>);

/// So many checks, ten to a service.
pub fn open(checks: usize) -> (Handles, Tokens) {
    let engine = engine();
    let homes: Vec<_> =
        (0..checks.div_ceil(10)).map(|number| service(&engine, &format!("web-{number}"))).collect();
    let checks: Vec<_> =
        (0..checks).map(|number| check(&engine, &id(number), Some(&homes[number / 10]))).collect();
    let tokens = checks.iter().map(|check| acquire(&engine, check)).collect();
    (Handles { engine, checks }, Tokens(tokens))
}

impl Reader for Handles {
    type State = Arc<Snapshot>;

    fn status(&self, check: usize) -> Status {
        self.checks[check].status().expect("a living check")
    }

    fn whole(&self, check: usize) -> Arc<Snapshot> {
        self.engine.snapshot(&self.checks[check]).expect("a living check")
    }

    fn parts(state: Arc<Snapshot>) -> Whole {
        // Of the versions, those of the acquisition and the like are no reports; here each report is a transition.
        Whole { status: state.status(), text: state.output().into(), version: state.transitions() }
    }
}

impl Writer for Tokens {
    fn report(&mut self, check: usize, status: Status, text: &str) {
        self.0[check].write(status, text).expect("the holder writes");
    }
}
