//! Heartbeats, where a lock excludes nobody: each claimant keeps a file of its own fresh and looks at the others'.
//!
//! Clocks of two machines are never compared. A heartbeat that has changed between two looks of one's own comes from somebody alive, one that
//! has appeared between them too; one that was there at the first look and stays as it is says nothing. So of two claimants each
//! notices the other at its first tick after the other's.

use std::collections::HashMap;
use std::io::{Error, ErrorKind};

use serde::{Deserialize, Serialize};

use crate::claim::files::{self, Files, Holder};
use crate::mutant::mutated;

/// A heartbeat that has stood still for so long, by one's own clock, is taken away: an hour, in nanoseconds. If its owner was only stopped,
/// its next one is a new file, and alive.
const STALE_NS: u64 = 3_600_000_000_000;

/// The most claimants that are told apart.
const MAX_BEATS: usize = 1024;

/// What a heartbeat file says.
#[derive(Serialize, Deserialize)]
struct Beat {
    #[serde(flatten)]
    holder: Holder,
    beat: u64,
}

struct Seen {
    beat: u64,
    /// When it was seen to change, in nanoseconds since the engine was opened.
    since: u64,
}

/// One's own heartbeat and what was seen of the others'.
pub struct Beats {
    own: Beat,
    id: String,
    seen: HashMap<String, Seen>,
}

impl Beats {
    /// The first heartbeat, and the first look, after which whatever moves is alive.
    pub fn start(files: &Files, own: Holder, now: u64) -> Result<(Self, Vec<Holder>), Error> {
        let id = own.claimant.id();
        let mut beats = Self { own: Beat { holder: own, beat: 0 }, id, seen: HashMap::new() };
        let mut alive = beats.look(files, now)?;
        if !mutated!("claim-still-beat-is-alive") {
            alive.clear();
        }
        beats.beat(files)?;
        Ok((beats, alive))
    }

    /// The next heartbeat, and who else is alive. Also one who cannot write looks, so that this side at least can name the other.
    pub fn tick(&mut self, files: &Files, now: u64) -> (Vec<Holder>, Result<(), Error>) {
        let written = self.beat(files);
        match self.look(files, now) {
            Ok(alive) => (alive, written),
            Err(error) => (Vec::new(), Err(error)),
        }
    }

    /// Takes one's own heartbeat away.
    pub fn stop(&self, files: &Files) {
        files::remove(&files.beat(&self.id));
    }

    fn beat(&mut self, files: &Files) -> Result<(), Error> {
        self.own.beat += 1;
        files::replace(&files.beat(&self.id), &files.draft(Some(&self.id)), &self.own, true)
    }

    fn look(&mut self, files: &Files, now: u64) -> Result<Vec<Holder>, Error> {
        let mut alive = Vec::new();
        let mut there = Vec::new();
        for entry in std::fs::read_dir(&files.directory)? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| files.claimant_of(name)) else { continue };
            if id == self.id {
                continue;
            }
            let beat = match files::read::<Beat>(&files.beat(id)) {
                Ok(Some(beat)) if beat.holder.claimant.is_plausible() => beat,
                // Gone since, or not a heartbeat.
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::InvalidData => continue,
                Err(error) => return Err(error),
            };
            there.push(id.to_owned());
            if self.has_changed(files, id, beat.beat, now) {
                alive.push(beat.holder);
            }
        }
        self.seen.retain(|id, _| there.contains(id));
        Ok(alive)
    }

    fn has_changed(&mut self, files: &Files, id: &str, beat: u64, now: u64) -> bool {
        match self.seen.get(id) {
            Some(seen) if seen.beat == beat => {
                if now.saturating_sub(seen.since) >= STALE_NS {
                    files::remove(&files.beat(id));
                    files::remove(&files.draft(Some(id)));
                }
                false
            }
            None if self.seen.len() >= MAX_BEATS => false,
            _ => {
                self.seen.insert(id.to_owned(), Seen { beat, since: now });
                true
            }
        }
    }
}
