//! The attempts file: those who were refused leave their records in it, and the holder takes them in.
//!
//! Both are done in the [turn](crate::claim::lock), so nothing is lost between them and nothing taken twice.

use std::io::{Error, ErrorKind};

use serde::{Deserialize, Serialize};

use crate::claim::files::{self, Files, MAX_FILE};
use crate::claim::rival::Sighting;
use crate::failpoint::pause;
use crate::mutant::mutated;

/// What the file says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Attempts {
    /// Who tried, one row for a program in one place.
    pub rows: Vec<Sighting>,
    /// Attempts of others, for whom the file had no room.
    pub more: u64,
}

impl Attempts {
    /// Adds an attempt. Past the bound of the file it is only counted.
    fn add(&mut self, attempt: Sighting) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.is_like(&attempt)) {
            row.add(attempt);
            return;
        }
        self.rows.push(attempt);
        // Some room is left, for numbers grow.
        let fits = serde_json::to_vec(self).is_ok_and(|text| text.len() <= MAX_FILE - MAX_FILE / 8);
        if !fits && !mutated!("claim-attempts-unbounded") {
            self.rows.pop();
            self.more = self.more.saturating_add(1);
        }
    }
}

/// Leaves an attempt for the holder; to be called in the turn.
pub fn leave(files: &Files, attempt: Sighting) -> Result<(), Error> {
    // A file that cannot be understood gives way to one that can: the holder could make nothing of it either.
    let mut attempts: Attempts = match files::read(&files.attempts()) {
        Ok(found) => found.unwrap_or_default(),
        Err(error) if error.kind() == ErrorKind::InvalidData => Attempts::default(),
        Err(error) => return Err(error),
    };
    attempts.add(attempt);
    files::replace(&files.attempts(), &files.draft(None), &attempts, false)
}

/// Takes in what was left; to be called in the turn.
pub fn take(files: &Files) -> Result<Attempts, Error> {
    let path = files.attempts();
    let found = files::read::<Attempts>(&path);
    pause!("claim.attempts.read");
    if !matches!(found, Ok(None)) {
        // Also one that cannot be understood: it would be found again at each tick.
        std::fs::remove_file(&path)?;
    }
    let mut attempts = found?.unwrap_or_default();
    attempts.rows.retain(|row| row.claimant.is_plausible());
    Ok(attempts)
}
