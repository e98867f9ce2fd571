//! Engines whose time passes when a test says so.

use std::sync::Arc;

use lifesign::{ClockSource, Config, Engine};

/// Nanoseconds in a second of an engine's clock.
pub const SECOND: u64 = 1_000_000_000;

/// An engine on a manual clock.
pub fn timed() -> Engine {
    Engine::open(Config { clock: ClockSource::Manual, ..Config::default() }).expect("an engine opens")
}

/// Lets time pass, from one nanosecond to another, in steps that no lease of at least a second takes for a jump.
pub fn pass(engine: &Engine, from: u64, to: u64) {
    let mut now = from;
    while now < to {
        now = now.saturating_add(SECOND / 4).min(to);
        engine.tick(now as i64, now).expect("a tick of an open engine");
    }
}

/// An engine on a manual clock that several threads use, its time in seconds.
#[derive(Clone)]
pub struct Timed {
    pub engine: Arc<Engine>,
}

impl Timed {
    pub fn new() -> Self {
        Self { engine: Arc::new(timed()) }
    }

    /// Lets the time be `second`, going there from `from` in steps that are no jump.
    pub fn at(&self, from: f64, second: f64) {
        pass(&self.engine, nanoseconds(from), nanoseconds(second));
    }

    /// Lets the time be `second` at once.
    pub fn jump(&self, second: f64) {
        let now = nanoseconds(second);
        self.engine.tick(now as i64, now).expect("a tick of an open engine");
    }
}

fn nanoseconds(second: f64) -> u64 {
    (second * SECOND as f64) as u64
}
