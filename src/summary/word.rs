//! The summary word: what a service id shows, in 64 bits.
//!
//! ```text
//!  63                         10 9         8 7   6 5  4 3   2 1          0
//! [ version: 54 bits            | changes % 4 | shown | own | peak | registered | – ]
//! ```
//!
//! *Shown* is the worst of the service's own checks (*own*) and of the node's direct checks, or critical while no such service is
//! registered. It stands where a check's status stands in its own word. Every refresh raises the version, also one that changes nothing:
//! that is what makes a stale refresh fail. *Peak* is 0 once everything above shows this status; until then it is the worst status
//! that was shown, before or after, by any change that is not known to have been carried on: who finds it carries it on and wakes
//! exactly those subscribers whose least severity it reaches. *Changes* are the low bits of a counter whose rest stands beside it.
//!
//! The version needs no life: a summary word is only ever read through a link, and a link has one. 54 bits last 28 years at twenty million
//! refreshes a second.

use crate::cell::word::STATUS_SHIFT;
use crate::model::status::Status;

const VERSION_SHIFT: u32 = 10;
const CHANGES_SHIFT: u32 = 8;
const OWN_SHIFT: u32 = 4;
const PEAK_SHIFT: u32 = 2;
const REGISTERED: u64 = 1 << 1;

/// The value of a summary word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SummaryWord(pub u64);

impl SummaryWord {
    /// How many refreshes there were.
    pub fn version(self) -> u64 {
        self.0 >> VERSION_SHIFT
    }

    /// The low two bits of how often the shown status changed.
    pub fn changes_low(self) -> u64 {
        self.0 >> CHANGES_SHIFT & 3
    }

    /// What the service shows.
    pub fn shown(self) -> Status {
        // Code 0 stands only in a word that was never refreshed: nothing is registered there.
        Status::from_code(self.0 >> STATUS_SHIFT & 3).unwrap_or(Status::Critical)
    }

    /// The worst of the service's own checks.
    pub fn own(self) -> Status {
        Status::from_code(self.0 >> OWN_SHIFT & 3).unwrap_or(Status::Passing)
    }

    /// The worst status of the changes not yet carried on, or `None` if all were.
    pub fn peak(self) -> Option<Status> {
        Status::from_code(self.0 >> PEAK_SHIFT & 3)
    }

    /// Whether what it shows has not changed since `earlier`, where that can be told: fewer than four refreshes, after which the changes count the same,
    /// were none that changed it.
    pub fn shows_no_change_since(self, earlier: Self) -> bool {
        self.version().wrapping_sub(earlier.version()) < 4 && self.changes_low() == earlier.changes_low()
    }

    /// Whether the service is registered.
    pub fn is_registered(self) -> bool {
        self.0 & REGISTERED != 0
    }

    /// The next version, showing `shown`. Whether that is a change decides about peak and changes.
    pub fn refreshed(self, shown: Status, own: Status, registered: bool) -> Self {
        let changed = self.0 >> STATUS_SHIFT & 3 != shown.code();
        let peak = if changed { self.peak().max(Some(self.shown())).max(Some(shown)) } else { self.peak() };
        let changes = (self.changes_low() + u64::from(changed)) & 3;
        Self(
            (self.version() + 1) << VERSION_SHIFT
                | changes << CHANGES_SHIFT
                | shown.code() << STATUS_SHIFT
                | own.code() << OWN_SHIFT
                | peak.map_or(0, Status::code) << PEAK_SHIFT
                | if registered { REGISTERED } else { 0 },
        )
    }

    /// The same with all changes carried on.
    pub fn carried_on(self) -> Self {
        Self(self.0 & !(3 << PEAK_SHIFT))
    }
}

impl std::fmt::Debug for SummaryWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{{version {}, shown {}, own {}, peak {:?}, registered {}}}",
            self.version(),
            self.shown(),
            self.own(),
            self.peak(),
            self.is_registered()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_is_told_only_where_it_is_certain() {
        let refreshed = |word: SummaryWord, shown| word.refreshed(shown, shown, true);
        let first = refreshed(SummaryWord(0), Status::Passing);
        let same = (0..3).fold(first, |word, _| refreshed(word, Status::Passing));
        assert!(same.shows_no_change_since(first) && same.carried_on().shows_no_change_since(first));
        assert!(
            !refreshed(same, Status::Passing).shows_no_change_since(first),
            "four refreshes may be four changes"
        );
        let back = refreshed(refreshed(first, Status::Warning), Status::Passing);
        assert!(!back.shows_no_change_since(first), "two changes that end where they began");
    }

    #[test]
    fn a_refresh_raises_the_version_and_keeps_the_peak() {
        let word = SummaryWord(0).refreshed(Status::Passing, Status::Passing, true);
        assert_eq!((word.version(), word.shown(), word.peak()), (1, Status::Passing, Some(Status::Critical)));
        let settled = word.carried_on();
        assert_eq!(settled.peak(), None);
        let same = settled.refreshed(Status::Passing, Status::Passing, true);
        assert_eq!((same.version(), same.peak(), same.changes_low()), (2, None, 1));
        let worse = same.refreshed(Status::Warning, Status::Warning, true);
        let back = worse.refreshed(Status::Passing, Status::Passing, true);
        assert_eq!((back.peak(), back.changes_low()), (Some(Status::Warning), 3));
    }
}
