//! Who writes: the record that every token, commit and refusal carries.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, RwLock};

use crate::cell::process::random_bytes;
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::RecordId;

/// What tells this process from every other. A pid alone does not: in two containers both are 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Random, drawn once for each process.
    pub uuid: [u8; 16],
    /// The machine's boot id; zeroes where the kernel does not tell.
    pub boot_id: [u8; 16],
    /// Process id in its own namespace.
    pub pid: u64,
    /// Start of the process in clock ticks since boot.
    pub start: u64,
    /// Inode of the pid namespace.
    pub pid_namespace: u64,
    /// The machine's name.
    pub machine: String,
    /// Path of the executable.
    pub executable: String,
}

impl Process {
    /// Observes this process. Blocking: reads a few files under `/proc`.
    pub fn observe() -> Self {
        Self {
            uuid: random_bytes(),
            boot_id: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .ok()
                .and_then(|text| parse_uuid(text.trim()))
                .unwrap_or_default(),
            pid: std::process::id().into(),
            start: std::fs::read_to_string("/proc/self/stat")
                .ok()
                .and_then(|text| start_time(&text))
                .unwrap_or(0),
            pid_namespace: std::fs::metadata("/proc/self/ns/pid")
                .map(|meta| std::os::unix::fs::MetadataExt::ino(&meta))
                .unwrap_or(0),
            machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            executable: std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default(),
        }
    }
}

/// Field 22 of `/proc/PID/stat`; the second field is a name in parentheses that may contain anything.
fn start_time(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// The embedder's own name, version and build, given when the engine is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedder {
    /// Its name; at most 63 bytes are kept.
    pub name: String,
    /// Its version; at most 63 bytes are kept.
    pub version: String,
    /// Its build; at most 63 bytes are kept.
    pub build: String,
}

/// Who holds a token or made a commit. The engine's own record has the id 1.
#[derive(Clone, Debug)]
pub struct WriterRecord {
    /// The number in its engine that commits carry.
    pub id: RecordId,
    /// The process, observed by Lifesign itself.
    pub process: Arc<Process>,
    /// The program in it, as it told when the engine was opened.
    pub embedder: Arc<Embedder>,
    /// What the token is for, as told when it was acquired.
    pub label: Arc<str>,
}

impl fmt::Display for WriterRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Embedder { name, version, build } = &*self.embedder;
        write!(f, "{:?} (", &*self.label)?;
        for part in [name, version, build].into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{part} ")?;
        }
        write!(f, "pid {} on {})", self.process.pid, self.process.machine)
    }
}

/// The longest label in bytes.
pub const MAX_LABEL: usize = 127;

/// The records of an engine, interned: a commit carries one integer.
pub struct Records {
    process: Arc<Process>,
    embedder: Arc<Embedder>,
    limit: usize,
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    list: Vec<Arc<WriterRecord>>,
    by_label: HashMap<Arc<str>, RecordId>,
}

/// The record of the engine itself.
pub const ENGINE: RecordId = 1;

impl Records {
    /// The table with the engine's own record.
    pub fn new(embedder: Embedder, limit: usize) -> Self {
        let records = Self {
            process: Arc::new(Process::observe()),
            embedder: Arc::new(embedder),
            limit: limit.max(1),
            table: RwLock::default(),
        };
        records.intern("engine").expect("the first record fits");
        records
    }

    /// The record of this embedder with `label`. Blocking; O(1).
    ///
    /// # Errors
    /// `TOO_LARGE` for a label of more than 127 bytes, `INVALID` for one with a NUL, `LIMIT` when the engine has no more records.
    pub fn intern(&self, label: &str) -> Result<Arc<WriterRecord>, Error> {
        if label.len() > MAX_LABEL {
            return Err(Error::too_large(format!(
                "writer label {}: it has {} bytes; at most {MAX_LABEL} are kept",
                crate::model::definition::excerpt(label),
                label.len()
            )));
        }
        if label.contains('\0') {
            return Err(Error::invalid(format!("writer label {label:?} contains a NUL character")));
        }
        let mut table = self.table.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(id) = table.by_label.get(label) {
            return Ok(table.list[*id as usize - 1].clone());
        }
        if table.list.len() >= self.limit {
            return Err(Error::text(
                ErrorKind::Limit,
                format!(
                    "writer label {label:?}: the engine keeps {} writer records; use fewer distinct labels or raise max_records",
                    self.limit
                ),
            ));
        }
        let label: Arc<str> = label.into();
        let id = table.list.len() as RecordId + 1;
        let record = Arc::new(WriterRecord {
            id,
            process: self.process.clone(),
            embedder: self.embedder.clone(),
            label: label.clone(),
        });
        table.list.push(record.clone());
        table.by_label.insert(label, id);
        Ok(record)
    }

    /// The record with this id, `None` for 0 and ids never given out.
    pub fn get(&self, id: RecordId) -> Option<Arc<WriterRecord>> {
        let table = self.table.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        table.list.get((id as usize).checked_sub(1)?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_start_time() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21";
        assert_eq!(start_time(stat), Some(4242));
    }

    #[test]
    fn this_process_is_observed() {
        let process = Process::observe();
        assert_eq!(process.pid, u64::from(std::process::id()));
        assert!(process.start > 0 && process.pid_namespace > 0 && process.boot_id != [0; 16]);
    }

    #[test]
    fn records_are_interned_and_bounded() {
        let records = Records::new(Embedder::default(), 2);
        let first = records.intern("probe").unwrap();
        assert_eq!(records.intern("probe").unwrap().id, first.id);
        assert_eq!(records.intern("another").unwrap_err().kind(), ErrorKind::Limit);
        assert_eq!(&*records.get(ENGINE).unwrap().label, "engine");
        assert!(records.get(0).is_none() && records.get(3).is_none());
    }
}
