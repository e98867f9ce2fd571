//! Who else wants the name: what is kept of it in a file and in memory.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::error::Error;
use crate::writer::record::{Embedder, MAX_LABEL, Process, Records, WriterRecord, uuid, uuid_text};

/// One engine that claims a name, as it writes itself down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimant {
    /// Its random id, which tells it from every other.
    #[serde(with = "uuid")]
    pub engine: [u8; 16],
    /// Its process.
    pub process: Process,
    /// The program in it.
    pub embedder: Embedder,
    /// The label of its record.
    pub label: String,
}

impl Claimant {
    /// What the own record of an engine says, to be written down.
    pub fn of(engine: [u8; 16], record: &WriterRecord) -> Self {
        Self {
            engine,
            process: Process::clone(&record.process),
            embedder: Embedder::clone(&record.embedder),
            label: record.label.to_string(),
        }
    }

    /// Its id as a part of a file's name.
    pub fn id(&self) -> String {
        uuid_text(&self.engine)
    }

    /// Its record in this engine.
    pub fn record(&self, records: &Records) -> Arc<WriterRecord> {
        records.observe(self.engine, &self.process, &self.embedder, &self.label)
    }

    /// Whether an engine can have written this: a file is anybody's to change.
    pub fn is_plausible(&self) -> bool {
        let Self { engine: _, process, embedder: Embedder { name, version, build }, label } = self;
        let texts: [(&str, usize); 6] = [
            (&process.machine, 64),
            (&process.executable, 4096),
            (name, 63),
            (version, 63),
            (build, 63),
            (label, MAX_LABEL),
        ];
        texts.iter().all(|(text, most)| text.len() <= *most && !text.contains('\0'))
    }

    /// Whether the process is known to have ended: it was seen from the same pid namespace of the same boot, and its pid is free or another's.
    /// Where `/proc` is hidden neither is known, and two unknown places are not one.
    pub fn is_gone(&self, seen_from: &Process) -> bool {
        let Process { boot_id, pid_namespace, pid, start, .. } = &self.process;
        let known = *boot_id != [0; 16] && *pid_namespace != 0 && *start != 0;
        if !known || (boot_id, pid_namespace) != (&seen_from.boot_id, &seen_from.pid_namespace) {
            return false;
        }
        let number = i32::try_from(*pid).ok().and_then(rustix::process::Pid::from_raw);
        let Some(number) = number else { return true };
        match rustix::process::test_kill_process(number) {
            Err(error) => error == rustix::io::Errno::SRCH,
            Ok(()) => crate::writer::record::start_of(*pid).is_some_and(|now| now != *start),
        }
    }

    /// Whether it is the same program in the same place. One that ends and starts again is one rival and not many.
    fn is_like(&self, other: &Self) -> bool {
        let place = |of: &Self| (of.process.boot_id, of.process.pid_namespace);
        place(self) == place(other)
            && self.process.machine == other.process.machine
            && self.process.executable == other.process.executable
            && self.embedder == other.embedder
    }
}

/// What a program in one place did about a name: tried to claim it, or claimed it as well.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sighting {
    /// Its newest process.
    #[serde(flatten)]
    pub claimant: Claimant,
    /// The first time, nanoseconds since 1970.
    pub first_ns: i64,
    /// The last time.
    pub last_ns: i64,
    /// How often.
    pub count: u64,
}

impl Sighting {
    /// Seen once.
    pub fn once(claimant: Claimant, now_ns: i64) -> Self {
        Self { claimant, first_ns: now_ns, last_ns: now_ns, count: 1 }
    }

    /// Adds what was seen of it later.
    pub fn add(&mut self, later: Self) {
        self.claimant = later.claimant;
        self.first_ns = self.first_ns.min(later.first_ns);
        self.last_ns = self.last_ns.max(later.last_ns);
        self.count = self.count.saturating_add(later.count);
    }

    /// Whether both are of the same program in the same place.
    pub fn is_like(&self, other: &Self) -> bool {
        self.claimant.is_like(&other.claimant)
    }
}

/// A program that wants a name which a [`Claim`](crate::Claim) is for: one that was refused, or, in a directory that cannot exclude, one that
/// has claimed it too. A program that ends and starts again in the same place is one rival, with the record of its newest process.
#[derive(Clone, Debug)]
pub struct Rival {
    /// Who. Its id is 0 when the engine keeps no more records of others.
    pub record: Arc<WriterRecord>,
    /// The first time that it was seen, nanoseconds since 1970: by the rival's own clock if it was refused, by this engine's if it was not.
    pub first_ns: i64,
    /// The last time.
    pub last_ns: i64,
    /// How many attempts, or how many of its heartbeats were seen.
    pub count: u64,
}

/// The most rivals that are kept; of more, those that were seen last.
const MAX_RIVALS: usize = 64;

/// What a claim tells of itself.
pub struct Report {
    rivals: Vec<(Sighting, Arc<WriterRecord>)>,
    /// Whether the name is this engine's, as of the last tick.
    pub held: bool,
    /// Ticks that looked at the directory.
    pub beats: u64,
    /// What went wrong at the last tick.
    pub trouble: Option<Error>,
}

impl Report {
    /// Of a claim that has just been made.
    pub fn new() -> Self {
        Self { rivals: Vec::new(), held: true, beats: 0, trouble: None }
    }

    /// Adds what was seen.
    pub fn add(&mut self, sighting: Sighting, record: Arc<WriterRecord>) {
        if let Some((known, newest)) = self.rivals.iter_mut().find(|(known, _)| known.is_like(&sighting)) {
            known.add(sighting);
            *newest = record;
            return;
        }
        if self.rivals.len() >= MAX_RIVALS {
            let oldest = self.rivals.iter().enumerate().min_by_key(|(_, (known, _))| known.last_ns);
            if let Some((at, _)) = oldest {
                self.rivals.swap_remove(at);
            }
        }
        self.rivals.push((sighting, record));
    }

    /// The rivals, the one seen last first.
    pub fn rivals(&self) -> Vec<Rival> {
        let rival = |(seen, record): &(Sighting, Arc<WriterRecord>)| Rival {
            record: record.clone(),
            first_ns: seen.first_ns,
            last_ns: seen.last_ns,
            count: seen.count,
        };
        let mut rivals: Vec<_> = self.rivals.iter().map(rival).collect();
        rivals.sort_by_key(|rival| std::cmp::Reverse(rival.last_ns));
        rivals
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rivals.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimant(process: Process) -> Claimant {
        Claimant { engine: [1; 16], process, embedder: Embedder::default(), label: String::new() }
    }

    #[test]
    fn a_process_is_gone_only_where_its_place_is_known() {
        let here = Process::observe([2; 16]);
        assert!(!claimant(here.clone()).is_gone(&here), "this process runs");
        let earlier = Process { start: here.start + 1, ..here.clone() };
        assert!(claimant(earlier.clone()).is_gone(&here), "its pid is another's");

        for hidden in [
            Process { boot_id: [0; 16], ..earlier.clone() },
            Process { pid_namespace: 0, ..earlier.clone() },
            Process { start: 0, ..earlier },
        ] {
            let here =
                Process { boot_id: hidden.boot_id, pid_namespace: hidden.pid_namespace, ..here.clone() };
            assert!(!claimant(hidden.clone()).is_gone(&here), "nobody can know: {hidden:?}");
        }
    }
}
