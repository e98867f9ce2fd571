//! One claim that stands: how it comes about, what a tick does for it, and how it ends.

use std::sync::{Arc, Mutex, TryLockError};

use crate::claim::attempts::{self, Attempts};
use crate::claim::beats::Beats;
use crate::claim::files::{self, Files, Holder};
use crate::claim::lock::LockFile;
use crate::claim::locked;
use crate::claim::rival::{Claimant, Report, Sighting};
use crate::engine::Inner;
use crate::failpoint::pause;
use crate::model::error::{ClaimRefusal, Error, ErrorKind};
use crate::mutant::mutated;
use crate::writer::record::{ENGINE, WriterRecord};

/// Who claims: this engine, and since when.
pub struct Own {
    /// The engine's id.
    pub engine: [u8; 16],
    /// The engine's own record.
    pub record: Arc<WriterRecord>,
    /// Since when, nanoseconds since 1970.
    pub claimed_ns: i64,
}

impl Own {
    /// This engine, from now on.
    pub fn of(engine: &Inner) -> Self {
        let record = engine.records.get(ENGINE).expect("the engine's own record is the first");
        Self { engine: engine.id, record, claimed_ns: engine.clock.wall() }
    }

    fn holder(&self) -> Holder {
        Holder { claimant: Claimant::of(self.engine, &self.record), claimed_ns: self.claimed_ns }
    }

    /// Takes the lock and writes the record, or leaves an attempt and says who has it. Nothing is left behind by a failure.
    fn lock(&self, files: &Files, engine: &Inner) -> Result<LockFile, Error> {
        let path = files.lock();
        let locking = |error: std::io::Error| files.failed("locking", &path, &error);
        let lock = match LockFile::open(&path).map_err(locking)? {
            Ok(lock) => lock,
            Err(lock) => return Err(self.without_the_turn(&lock, files, engine)),
        };
        if !lock.try_claim().map_err(locking)? {
            let holder = self.holder_of(files);
            if !(self.is_gone(holder.as_ref()) && lock.outlast_a_birth().map_err(locking)?) {
                let own = Sighting::once(self.holder().claimant, engine.clock.wall());
                let refusal = self.held_by(holder, files, engine, attempts::leave(files, own).err());
                lock.end_turn();
                return Err(refusal);
            }
        }
        pause!("claim.locked");
        let written = files::replace(&files.holder(), &files.draft(None), &self.holder(), false);
        if let Err(error) = written {
            if mutated!("claim-failure-keeps-lock") {
                std::mem::forget(lock);
            } else {
                lock.unlock();
            }
            return Err(files.failed("writing the record", &files.holder(), &error));
        }
        pause!("claim.written");
        // Whoever was refused by an earlier holder is no rival of this one, which may be its own next process.
        files::remove(&files.attempts());
        lock.end_turn();
        Ok(lock)
    }

    /// Somebody was stopped in the middle of its turn: a holder can still be told from another claimant.
    fn without_the_turn(&self, lock: &LockFile, files: &Files, engine: &Inner) -> Error {
        match lock.try_claim() {
            Ok(false) => {
                let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "the holder stands still");
                self.held_by(self.holder_of(files), files, engine, Some(late))
            }
            _ => {
                lock.unlock();
                Error::text(
                    ErrorKind::Busy,
                    format!(
                        "claim {:?}: another process stands still in the middle of claiming it in {}; look for one that is stopped, and try again",
                        files.name,
                        files.directory.display()
                    ),
                )
            }
        }
    }

    /// Who the record says has the name, if it can be read.
    fn holder_of(&self, files: &Files) -> Option<Holder> {
        let holder: Option<Holder> = files::read(&files.holder()).ok().flatten();
        holder.filter(|holder| holder.claimant.is_plausible())
    }

    fn is_gone(&self, holder: Option<&Holder>) -> bool {
        holder.is_some_and(|holder| holder.claimant.is_gone(&self.record.process))
    }

    fn held_by(
        &self,
        holder: Option<Holder>,
        files: &Files,
        engine: &Inner,
        not_left: Option<std::io::Error>,
    ) -> Error {
        Error::claim_refused(ClaimRefusal {
            name: files.name.as_str().into(),
            directory: files.directory.clone(),
            caller: self.record.clone(),
            since_ns: holder.as_ref().map_or(0, |holder| holder.claimed_ns),
            holder_is_gone: self.is_gone(holder.as_ref()),
            holder: holder.map(|holder| holder.claimant.record(&engine.records)),
            not_left: not_left.map(|error| error.to_string()),
        })
    }
}

/// A claim that stands.
pub struct Held {
    /// Where its files are.
    pub files: Files,
    /// Who claims.
    pub own: Own,
    /// Whether the directory cannot exclude.
    pub advisory: bool,
    /// Held while the directory is worked on, which may take as long as the file system likes.
    work: Mutex<Work>,
    /// What callers are told; never held while anything is waited for.
    pub report: Mutex<Report>,
}

enum Work {
    Exclusive(LockFile),
    Advisory(Box<Beats>),
    Released,
}

/// What a look at the directory has shown.
struct Look {
    seen: Vec<Sighting>,
    held: bool,
    trouble: Option<Error>,
}

impl Held {
    /// Claims the name. A failure leaves nothing behind but an attempt, if another holds it.
    pub fn claim(files: Files, own: Own, engine: &Inner) -> Result<Self, Error> {
        let advisory = files.cannot_exclude()?;
        let (work, alive) = if advisory {
            let (beats, alive) = Beats::start(&files, own.holder(), engine.clock.since_open())
                .map_err(|error| beating(&files, &error))?;
            (Work::Advisory(Box::new(beats)), alive)
        } else {
            (Work::Exclusive(own.lock(&files, engine)?), Vec::new())
        };
        let report = Mutex::new(Report::new());
        let held = Self { files, own, advisory, work: Mutex::new(work), report };
        held.report_rivals(engine, sightings(alive, engine));
        Ok(held)
    }

    /// Looks after the claim, unless another thread does already.
    pub fn tick(&self, engine: &Inner) {
        let mut work = match self.work.try_lock() {
            Ok(work) => work,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let Look { seen, held, trouble } = match &mut *work {
            Work::Exclusive(lock) => self.take_in(lock, engine),
            Work::Advisory(beats) => {
                let (alive, written) = beats.tick(&self.files, engine.clock.since_open());
                let trouble = written.err().map(|error| beating(&self.files, &error));
                Look { seen: sightings(alive, engine), held: true, trouble }
            }
            Work::Released => return,
        };
        self.report_rivals(engine, seen);
        let mut report = locked(&self.report);
        report.beats += 1;
        report.held = held;
        report.trouble = trouble;
    }

    /// Takes the attempts in, after making sure that the lock still is the one that others see.
    fn take_in(&self, lock: &mut LockFile, engine: &Inner) -> Look {
        let files = &self.files;
        if !lock.is_at(&files.lock()) {
            // Somebody has removed or replaced the lock file, so that it excludes nobody any more.
            match self.own.lock(files, engine) {
                Ok(new) => *lock = new,
                Err(error) => return Look { seen: self.usurper(), held: false, trouble: Some(error) },
            }
        }
        let path = files.attempts();
        let look = |seen, trouble| Look { seen, held: true, trouble };
        let failed = |error| look(Vec::new(), Some(files.failed("taking in", &path, &error)));
        match lock.try_turn() {
            Ok(true) => {}
            // A claimant is about to leave an attempt: the next tick finds it.
            Ok(false) => return look(Vec::new(), None),
            Err(error) => return failed(error),
        }
        if mutated!("claim-attempts-out-of-turn") {
            lock.end_turn();
        }
        let taken = attempts::take(files);
        lock.end_turn();
        match taken {
            Ok(Attempts { rows, more: 0 }) => look(rows, None),
            Ok(Attempts { rows, more }) => {
                let told =
                    format!("claim {:?}: {more} more attempts had no room in {}", files.name, path.display());
                look(rows, Some(Error::text(ErrorKind::Limit, told)))
            }
            Err(error) => failed(error),
        }
    }

    /// Who has the name instead of this engine.
    fn usurper(&self) -> Vec<Sighting> {
        let other = |holder: &Holder| holder.claimant.engine != self.own.engine;
        let seen = |holder: Holder| Sighting::once(holder.claimant, holder.claimed_ns);
        self.own.holder_of(&self.files).filter(other).map(seen).into_iter().collect()
    }

    fn report_rivals(&self, engine: &Inner, seen: Vec<Sighting>) {
        for sighting in seen {
            let record = engine.rival_claim(&self.files.name, &sighting);
            locked(&self.report).add(sighting, record);
        }
    }

    /// Gives the name back. Again, it does nothing; should it panic, it goes on where it was.
    pub fn release(&self) {
        let mut work = locked(&self.work);
        match &*work {
            Work::Exclusive(lock) => {
                // The record goes while the name is still held, and only if it is one's own. Where the turn cannot be had it stays:
                // the next holder replaces it.
                if lock.take_turn().unwrap_or(false) && lock.is_at(&self.files.lock()) {
                    files::remove(&self.files.holder());
                }
                pause!("claim.releasing");
                lock.unlock();
            }
            Work::Advisory(beats) => {
                pause!("claim.releasing");
                beats.stop(&self.files);
            }
            Work::Released => {}
        }
        *work = Work::Released;
    }
}

/// Heartbeats that moved, as seen now by this engine's clock.
fn sightings(alive: Vec<Holder>, engine: &Inner) -> Vec<Sighting> {
    let now = engine.clock.wall();
    alive.into_iter().map(|holder| Sighting::once(holder.claimant, now)).collect()
}

fn beating(files: &Files, error: &std::io::Error) -> Error {
    files.failed("keeping a heartbeat in", &files.directory, error)
}
