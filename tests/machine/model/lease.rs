//! Time and leases: W6.

use std::time::Duration;

use lifesign::{HistoryKind, OnLapse, Status};

use super::{ENGINE, Model};
use crate::flaw::Flaw;

/// How long a holder may be silent, and what becomes of the status then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub milliseconds: u64,
    pub on_lapse: OnLapse,
}

impl Lease {
    pub fn length(self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }

    fn nanoseconds(self) -> u64 {
        self.milliseconds * 1_000_000
    }
}

impl Model {
    /// The checks that are held with a lease, and for how long.
    fn leased(&self) -> Vec<(usize, Lease)> {
        let lease = |life: usize| self.lives[life].state.lease.map(|lease| (life, lease));
        self.alive().map(|(life, _)| life).filter_map(lease).collect()
    }

    /// Lets the time be `wall` and `boot` later, and ends every lease whose deadline has passed. `jumped` is whether the engine took it for a jump.
    ///
    /// # Errors
    /// If it was wrong there.
    pub fn tick(&mut self, wall: i64, boot: u64, jumped: bool) -> Result<(), String> {
        self.wall += wall * 1_000_000;
        self.set_back |= wall < 0;
        self.boot += boot * 1_000_000;
        let live = self.leased();
        let must = live.iter().any(|(_, lease)| 2 * boot * 1_000_000 > lease.nanoseconds());
        if jumped != must {
            return Err(format!("a tick of {boot} ms is taken for a jump: {jumped}"));
        }
        let now = self.boot;
        if jumped {
            self.counts.jumps += 1;
            for (life, _) in live {
                if !self.has(Flaw::JumpsGiveNothing) {
                    self.lives[life].grace.get_or_insert(now);
                }
            }
        }
        let lapses = self.counts.lapses;
        for (life, lease) in self.leased() {
            let one = &self.lives[life];
            let heard = one.heard.expect("who holds a check was heard of");
            let slack = lease.nanoseconds() * u64::from(self.has(Flaw::LeasesRunLonger));
            if self.boot > one.grace.unwrap_or(heard) + lease.nanoseconds() + slack {
                self.lapse(life, lease.on_lapse);
                self.settle();
            }
        }
        self.several_lapses = self.counts.lapses > lapses + 1;
        Ok(())
    }

    /// The holder of a check is heard of.
    pub fn heard(&mut self, life: usize) {
        let boot = self.boot;
        let one = &mut self.lives[life];
        (one.heard, one.grace) = (Some(boot), None);
    }

    fn lapse(&mut self, life: usize, on_lapse: OnLapse) {
        let before = self.lives[life].state.status;
        let lost = self.lives[life].state.holder;
        let least = match on_lapse {
            OnLapse::Keep => None,
            OnLapse::Warning => Some(Status::Warning),
            OnLapse::Critical => Some(Status::Critical),
        };
        self.commit(life, ENGINE, |state| {
            (state.holder, state.lease, state.held_since, state.orphaned) = (None, None, 0, true);
            if let Some(least) = least {
                state.status = state.status.max(least);
                state.names = lost;
            }
        });
        self.counts.lapses += 1;
        self.remember(life, HistoryKind::Lapse, before);
    }
}
