//! Claims: an engine as the only holder of a name in a directory, across processes and machines.
//!
//! Where the file system excludes, the [lock](lock) decides, the record beside it says who won, and who lost leaves its own in the
//! [attempts](attempts), so that each side can name the other. Where it cannot exclude, every claimant keeps a [heartbeat](beats) and sees
//! the others'. The engine has no thread: what has to be done again and again is done by [`Engine::tick`].

mod attempts;
mod beats;
mod files;
mod held;
mod lock;
pub mod rival;
pub mod table;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::stats::Count;
use crate::engine::{Engine, Inner};
use crate::model::error::{Error, ErrorKind};
use crate::model::event::TroubleKind;
use crate::subscribe::trouble;
use crate::writer::record::{ENGINE, WriterRecord};
use files::Files;
use held::{Held, Own};
use rival::{Report, Rival, Sighting};

/// A name that this engine holds in a directory. Dropping it releases it; closing the engine does too.
///
/// [`Engine::tick`] looks after it: it takes in who was refused, writes the heartbeat where a lock excludes nobody, and makes sure that the
/// lock is still the one at its path. What goes wrong there is told by [`Claim::state`] and never fails a tick.
pub struct Claim {
    engine: Arc<Inner>,
    held: Arc<Held>,
}

/// How a claim stands, as of the last tick.
#[derive(Clone, Debug)]
pub struct ClaimState {
    /// Whether the directory cannot exclude: others may hold the name as well, and are found by their heartbeats.
    pub advisory: bool,
    /// Whether the name is this engine's. `false` after somebody removed the lock file and another engine claimed the name on a new one; each
    /// tick tries to have it back.
    pub held: bool,
    /// Since when, nanoseconds since 1970.
    pub claimed_ns: i64,
    /// Ticks that have looked after it.
    pub beats: u64,
    /// Programs that want the name too.
    pub rivals: usize,
    /// What went wrong at the last tick.
    pub trouble: Option<Error>,
}

impl Engine {
    /// Makes the engine the only holder of `name` in `directory`. Whoever else claims it is refused, until the claim is released, the engine
    /// closed or its process ended. On a file system that cannot exclude, or in a directory with a file `.lifesign-advisory`, the claim is
    /// advisory: it succeeds, and rivals are found by their heartbeats within two ticks.
    ///
    /// In the directory there are then `NAME.lock`, which stays for ever, and `NAME.holder`, with `NAME.attempts` from time to time; or a
    /// `NAME.ENGINE.beat` for each claimant.
    ///
    /// Blocking: some file operations, and up to two seconds if somebody was stopped in the middle of them.
    ///
    /// # Errors
    /// `HELD` with the holder's record; `INVALID` for a bad name, and for a directory that is missing or not to be written; `TOO_LARGE` for a
    /// name over 200 bytes; `LIMIT` for a full disk, and past 256 claims in a process; `BUSY` if another claimant stands still in the middle
    /// of its claim; `CLOSED`, `FORKED`.
    pub fn claim(&self, directory: &Path, name: &str) -> Result<Claim, Error> {
        let inner = self.inner();
        inner.check_open()?;
        let files = Files::new(directory, name)?;
        let own = Own::of(inner);
        let place = inner.claims.reserve(&files, &own)?;
        let held = Held::claim(files, own, inner).inspect_err(|error| {
            if error.kind() == ErrorKind::Held {
                inner.counters.add(0, Count::Held, 1);
            }
        })?;
        let held = Arc::new(held);
        place.fill(held.clone())?;
        Ok(Claim { engine: inner.clone(), held })
    }
}

impl Claim {
    /// The claimed name.
    pub fn name(&self) -> &str {
        &self.held.files.name
    }

    /// The directory, without links in its path.
    pub fn directory(&self) -> &Path {
        &self.held.files.directory
    }

    /// Whether the directory cannot exclude, so that others may hold the name as well.
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`.
    pub fn is_advisory(&self) -> Result<bool, Error> {
        self.state().map(|state| state.advisory)
    }

    /// How the claim stands. O(1); never waits for the directory.
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`.
    pub fn state(&self) -> Result<ClaimState, Error> {
        let report = self.report()?;
        Ok(ClaimState {
            advisory: self.held.advisory,
            held: report.held,
            claimed_ns: self.held.own.claimed_ns,
            beats: report.beats,
            rivals: report.count(),
            trouble: report.trouble.clone(),
        })
    }

    /// Who else wants the name, the one seen last first; at most 64. O(rivals); never waits for the directory.
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`.
    pub fn rivals(&self) -> Result<Vec<Rival>, Error> {
        self.report().map(|report| report.rivals())
    }

    /// Gives the name back. Blocking: some file operations.
    ///
    /// # Errors
    /// `CLOSED` when it was released before or the engine is closed, `FORKED`.
    pub fn release(&self) -> Result<(), Error> {
        self.engine.check_open()?;
        if self.give_back() { Ok(()) } else { Err(self.released()) }
    }

    pub(crate) fn engine(&self) -> &Inner {
        &self.engine
    }

    /// `false` if it was given back before. What has begun to be given back is no more, so that it has to be.
    fn give_back(&self) -> bool {
        self.engine.surely(0, || self.engine.claims.remove(&self.held))
    }

    fn report(&self) -> Result<MutexGuard<'_, Report>, Error> {
        self.engine.check_open()?;
        if !self.engine.claims.has(&self.held) {
            return Err(self.released());
        }
        Ok(locked(&self.held.report))
    }

    fn released(&self) -> Error {
        Error::text(ErrorKind::Closed, format!("the claim {:?} is released", self.name()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.engine.is_foreign_process() {
            // The parent's: its descriptor is closed here already, and its locks may be held by threads that do not exist here.
            std::mem::forget((self.engine.clone(), self.held.clone()));
            return;
        }
        self.give_back();
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim({:?} in {})", self.name(), self.directory().display())
    }
}

impl Inner {
    /// A rival for the name of a claim was seen: tells those who subscribed to trouble, and returns its record in this engine.
    pub(crate) fn rival_claim(&self, name: &str, rival: &Sighting) -> Arc<WriterRecord> {
        let record = rival.claimant.record(&self.records);
        self.trouble(|| trouble::Report {
            kind: TroubleKind::RivalClaim,
            reason: None,
            check: 0,
            id: name.into(),
            offender: record.id,
            holder: ENGINE,
            generation: 0,
            count: rival.count,
        });
        record
    }
}

/// A mutex of `std`, not of the facade: claims are no part of any protocol that the models explore.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
