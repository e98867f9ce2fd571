//! The engine's clocks: the system's, or the embedder's own.

use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::model::error::Error;
use crate::sync::Mutex;
use crate::writer::touch::MAX_NS;

/// Which clocks an engine goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockSource {
    /// The system's clocks.
    #[default]
    System,
    /// What the embedder says with each [`crate::Engine::tick`].
    Manual,
}

/// Wall clock and boot clock.
#[derive(Debug)]
pub(crate) struct Clock {
    source: ClockSource,
    wall: AtomicI64,
    opened: u64,
    since_open: AtomicU64,
    ticking: Mutex<()>,
}

fn read(id: ClockId) -> i64 {
    let time = clock_gettime(id);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

impl Clock {
    pub fn new(source: ClockSource) -> Self {
        let opened = match source {
            ClockSource::System => read(ClockId::Boottime) as u64,
            ClockSource::Manual => 0,
        };
        let (wall, since_open, ticking) = (AtomicI64::new(0), AtomicU64::new(0), Mutex::default());
        Self { source, wall, opened, since_open, ticking }
    }

    /// Wall clock, nanoseconds since 1970; of the system the coarse one, which costs a few nanoseconds and is some milliseconds behind.
    pub fn wall(&self) -> i64 {
        match self.source {
            ClockSource::System => read(ClockId::RealtimeCoarse),
            ClockSource::Manual => self.wall.load(Ordering::Relaxed),
        }
    }

    /// Nanoseconds since the engine was opened, suspended time included, as of the last tick: reading that clock costs 30 ns, which a
    /// heartbeat has no use for.
    pub fn since_open(&self) -> u64 {
        // Acquire: who sees the time after a jump sees the jump, or would take a lease that has it to live for over.
        self.since_open.load(Ordering::Acquire)
    }

    /// Refuses a time of the embedder's beyond what leases can be measured with: as the clock never goes back, none would ever run out again.
    pub fn check(&self, boot: u64) -> Result<(), Error> {
        if self.source == ClockSource::Manual && boot > MAX_NS {
            return Err(Error::invalid(format!(
                "the time: {boot} ns on the boot clock, an engine measures up to {MAX_NS} (10.9 years); nothing was changed"
            )));
        }
        Ok(())
    }

    /// Takes the time: from the system, or as given. `moved` is told how far the boot clock has come, before and after in nanoseconds since the
    /// engine was opened, *before* anybody else can read the new time. That clock never goes back; the wall clock may. Blocking for another tick.
    pub fn tick(&self, wall: i64, boot: u64, moved: impl FnOnce(u64, u64)) {
        let _one = self.ticking.lock();
        let boot = match self.source {
            ClockSource::System => read(ClockId::Boottime) as u64,
            ClockSource::Manual => {
                self.wall.store(wall, Ordering::Relaxed);
                boot
            }
        };
        let (before, now) = (self.since_open(), boot.saturating_sub(self.opened));
        if now > before {
            moved(before, now);
            self.since_open.store(now, Ordering::Release);
        }
    }
}
