//! The engine's clocks: the system's, or the embedder's own.

use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Which clocks an engine goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockSource {
    /// The system's clocks.
    #[default]
    System,
    /// What the embedder says with each [`crate::Engine::tick`].
    Manual,
}

/// Wall clock and boot clock. Times order nothing here, so they are plain relaxed atomics outside the protocols.
#[derive(Debug)]
pub(crate) struct Clock {
    source: ClockSource,
    wall: AtomicI64,
    boot: AtomicU64,
    opened: AtomicU64,
}

fn read(id: ClockId) -> i64 {
    let time = clock_gettime(id);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

impl Clock {
    pub fn new(source: ClockSource) -> Self {
        let boot = match source {
            ClockSource::System => read(ClockId::Boottime) as u64,
            ClockSource::Manual => 0,
        };
        Self { source, wall: AtomicI64::new(0), boot: AtomicU64::new(boot), opened: AtomicU64::new(boot) }
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
        self.boot.load(Ordering::Relaxed).saturating_sub(self.opened.load(Ordering::Relaxed))
    }

    /// Takes the time: from the system, or as given.
    pub fn tick(&self, wall: i64, boot: u64) {
        match self.source {
            ClockSource::System => self.boot.store(read(ClockId::Boottime) as u64, Ordering::Relaxed),
            ClockSource::Manual => {
                self.wall.store(wall, Ordering::Relaxed);
                self.boot.store(boot, Ordering::Relaxed);
            }
        }
    }
}
