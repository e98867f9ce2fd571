//! Numbers with stable names.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::error::ErrorKind;

/// What an engine has done so far and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commits of checks: reports that changed something, acquisitions, take-overs, releases, redefinitions, deregistrations.
    pub commits: u64,
    /// Commits that changed a status.
    pub transitions: u64,
    /// Reports that changed nothing.
    pub heartbeats: u64,
    /// Refused with `HELD`.
    pub refused_held: u64,
    /// Refused with `FENCED`.
    pub refused_fenced: u64,
    /// Refused with `GONE`.
    pub refused_gone: u64,
    /// Refused with `DERIVED`.
    pub refused_derived: u64,
    /// Refused with `EXPIRED`.
    pub refused_expired: u64,
    /// Refused for any other reason.
    pub refused_other: u64,
    /// Summaries that the audit found wrong and repaired. Anything but zero is a bug.
    pub repairs: u64,
    /// Steps of a write that a panic interrupted and that were completed. Anything but zero is a bug.
    pub internal_errors: u64,
    /// Leases that ran out.
    pub lapses: u64,
    /// Ticks that came more than half the shortest lease after the one before.
    pub clock_jumps: u64,
    /// Commits that a call found committed by another and not yet told, and told in its place.
    pub helps: u64,
    /// Times that a subscription had to start from the whole state.
    pub resyncs: u64,
    /// Times that a subscription was woken and found nothing.
    pub spurious_wakes: u64,
    /// Registered services.
    pub services: u64,
    /// Registered checks, aliases included.
    pub checks: u64,
    /// Registered aliases.
    pub aliases: u64,
    /// Open tokens.
    pub tokens: u64,
    /// Open subscriptions.
    pub subscriptions: u64,
    /// Bytes of cells borrowed; texts and definitions not included.
    pub bytes: u64,
}

/// One counter of [`Stats`].
#[derive(Clone, Copy)]
pub(crate) enum Count {
    /// Commits that are no transition.
    Unchanged,
    Transitions,
    Heartbeats,
    Held,
    Fenced,
    Gone,
    Derived,
    Expired,
    Other,
    Repairs,
    InternalErrors,
    Lapses,
    ClockJumps,
    Helps,
    Resyncs,
    SpuriousWakes,
}

const COUNTS: usize = Count::SpuriousWakes as usize + 1;
const STRIPES: usize = 16;

#[derive(Default)]
#[repr(align(128))]
struct Stripe([AtomicU64; COUNTS]);

/// Counters in stripes chosen by cell, so that writers of distinct checks rarely share a line.
#[derive(Default)]
pub(crate) struct Counters([Stripe; STRIPES]);

impl Counters {
    pub fn add(&self, slot: u32, count: Count, number: u64) {
        self.0[slot as usize % STRIPES].0[count as usize].fetch_add(number, Ordering::Relaxed);
    }

    pub fn get(&self, count: Count) -> u64 {
        self.0.iter().map(|stripe| stripe.0[count as usize].load(Ordering::Relaxed)).sum()
    }

    pub fn refused(&self, slot: u32, kind: ErrorKind) {
        let count = match kind {
            ErrorKind::Held => Count::Held,
            ErrorKind::Fenced => Count::Fenced,
            ErrorKind::Gone => Count::Gone,
            ErrorKind::Derived => Count::Derived,
            ErrorKind::Expired => Count::Expired,
            _ => Count::Other,
        };
        self.add(slot, count, 1);
    }
}
