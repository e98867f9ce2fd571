//! Who writes: the record that every token, commit and refusal carries.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};

use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::RecordId;
use crate::mutant::mutated;

/// What tells this process from every other. A pid alone does not: in two containers both are 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Random, drawn once for each process and anew after a fork.
    #[serde(with = "uuid")]
    pub uuid: [u8; 16],
    /// The machine's boot id; zeroes where the kernel does not tell.
    #[serde(with = "uuid")]
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
    /// Observes this process, which is known by `uuid`. Blocking: reads a few files under `/proc`.
    pub(crate) fn observe(uuid: [u8; 16]) -> Self {
        Self {
            uuid,
            boot_id: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .ok()
                .and_then(|text| parse_uuid(text.trim()))
                .unwrap_or_default(),
            pid: std::process::id().into(),
            start: start_of(std::process::id().into()).unwrap_or(0),
            pid_namespace: std::fs::metadata("/proc/self/ns/pid")
                .map(|meta| std::os::unix::fs::MetadataExt::ino(&meta))
                .unwrap_or(0),
            machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            executable: std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default(),
        }
    }
}

/// When the process `pid` was started, in clock ticks since boot, if it can be seen.
pub fn start_of(pid: u64) -> Option<u64> {
    start_time(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of `/proc/PID/stat`; the second field is a name in parentheses that may contain anything.
fn start_time(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// A uuid as people and files write it.
pub fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        text.push_str(&format!("{dash}{byte:02x}"));
    }
    text
}

/// Uuids in files are texts.
pub mod uuid {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(bytes: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::uuid_text(bytes))
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(from)?;
        super::parse_uuid(&text).ok_or_else(|| D::Error::custom(format_args!("{text:?} is no uuid")))
    }
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Embedder {
    /// Its name; at most 63 bytes are kept.
    pub name: String,
    /// Its version; at most 63 bytes are kept.
    pub version: String,
    /// Its build; at most 63 bytes are kept.
    pub build: String,
}

impl Embedder {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let Self { name, version, build } = self;
        [("embedder's name", name), ("embedder's version", version), ("embedder's build", build)]
            .into_iter()
            .try_for_each(|(what, text)| check_text(what, text, 63))
    }
}

/// Whether a text of a record can be kept.
fn check_text(what: &str, text: &str, most: usize) -> Result<(), Error> {
    if text.len() > most || text.contains('\0') {
        return Err(Error::invalid(format!(
            "the {what} {}: at most {most} bytes and no NUL are kept",
            crate::model::definition::excerpt(text)
        )));
    }
    Ok(())
}

/// A writer that is not this process, as an embedder that fronts it tells: see [`crate::Engine::declare_writer`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeclaredWriter {
    /// Its process; what is not known stays empty.
    pub process: Process,
    /// The program in it.
    pub embedder: Embedder,
    /// What it writes for.
    pub label: String,
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
    /// Whether an embedder has declared this writer, a remote peer say, or Lifesign has observed the process.
    pub declared: bool,
}

impl fmt::Display for WriterRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Embedder { name, version, build } = &*self.embedder;
        match &*self.label {
            "" => write!(f, "a writer without a label (")?,
            label => write!(f, "{label:?} (")?,
        }
        for part in [name, version, build].into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{part} ")?;
        }
        let declared = if self.declared { ", as declared" } else { "" };
        write!(f, "pid {} on {}{declared})", self.process.pid, self.process.machine)
    }
}

/// The longest label in bytes.
pub const MAX_LABEL: usize = 127;

/// Whether a label can be kept.
fn check_label(label: &str) -> Result<(), Error> {
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
    Ok(())
}

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
    /// Those of this process.
    by_label: HashMap<Arc<str>, RecordId>,
    /// Those that embedders declare.
    declared: HashMap<DeclaredWriter, RecordId>,
    /// Records of other engines, by engine id.
    observed: HashMap<[u8; 16], RecordId>,
}

/// The record of the engine itself.
pub const ENGINE: RecordId = 1;

impl Records {
    /// The table with the engine's own record.
    pub fn new(process: Process, embedder: Embedder, limit: usize) -> Self {
        let records = Self {
            process: Arc::new(process),
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
        check_label(label)?;
        let mut table = self.table.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(id) = table.by_label.get(label) {
            return Ok(table.list[*id as usize - 1].clone());
        }
        let label: Arc<str> = label.into();
        let record =
            self.add(&mut table, self.process.clone(), self.embedder.clone(), label.clone(), false)?;
        table.by_label.insert(label, record.id);
        Ok(record)
    }

    /// The record of a writer that an embedder declares. Blocking; O(1).
    ///
    /// # Errors
    /// `TOO_LARGE` or `INVALID` for a text that cannot be kept, and those of [`Records::intern`].
    pub fn declare(&self, writer: &DeclaredWriter) -> Result<Arc<WriterRecord>, Error> {
        let DeclaredWriter { process, embedder, label } = writer;
        check_text("machine", &process.machine, 64)?;
        check_text("executable", &process.executable, 255)?;
        embedder.validate()?;
        check_label(label)?;
        let mut table = self.table.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(id) = table.declared.get(writer) {
            return Ok(table.list[*id as usize - 1].clone());
        }
        let (process, embedder) = (Arc::new(process.clone()), Arc::new(embedder.clone()));
        let declared = !mutated!("declared-not-marked");
        let record = self.add(&mut table, process, embedder, label.as_str().into(), declared)?;
        table.declared.insert(writer.clone(), record.id);
        Ok(record)
    }

    /// The record with this number, which must have been declared.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub fn declared(&self, id: RecordId) -> Result<Arc<WriterRecord>, Error> {
        self.get(id).filter(|record| record.declared).ok_or_else(|| {
            Error::text(ErrorKind::NotFound, format!("no writer with the record {id} was declared"))
        })
    }

    fn add(
        &self,
        table: &mut Table,
        process: Arc<Process>,
        embedder: Arc<Embedder>,
        label: Arc<str>,
        declared: bool,
    ) -> Result<Arc<WriterRecord>, Error> {
        if table.list.len() >= self.limit {
            return Err(Error::text(
                ErrorKind::Limit,
                format!(
                    "writer label {label:?}: the engine keeps {} writer records; use fewer distinct labels or raise max_records",
                    self.limit
                ),
            ));
        }
        let id = table.list.len() as RecordId + 1;
        let record = Arc::new(WriterRecord { id, process, embedder, label, declared });
        table.list.push(record.clone());
        Ok(record)
    }

    /// The record of the engine with the id `engine`, as that one wrote it down. A quarter of the records may be of this kind: rivals that come again and again
    /// must not use up what this engine's own writers need. One past that has the id 0, and only who holds it knows it. Blocking; O(1).
    pub fn observe(
        &self,
        engine: [u8; 16],
        process: &Process,
        embedder: &Embedder,
        label: &str,
    ) -> Arc<WriterRecord> {
        let mut table = self.table.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(id) = table.observed.get(&engine) {
            return table.list[*id as usize - 1].clone();
        }
        let kept = table.observed.len() < self.limit / 4 && table.list.len() < self.limit;
        let record = Arc::new(WriterRecord {
            id: if kept { table.list.len() as RecordId + 1 } else { 0 },
            process: Arc::new(process.clone()),
            embedder: Arc::new(embedder.clone()),
            label: label.into(),
            declared: false,
        });
        if kept {
            table.observed.insert(engine, record.id);
            table.list.push(record.clone());
        }
        record
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

    const UUID: [u8; 16] = [7; 16];

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_start_time() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21";
        assert_eq!(start_time(stat), Some(4242));
    }

    #[test]
    fn this_process_is_observed() {
        let process = Process::observe(UUID);
        assert_eq!(process.pid, u64::from(std::process::id()));
        assert!(process.start > 0 && process.pid_namespace > 0 && process.boot_id != [0; 16]);
    }

    #[test]
    fn a_process_is_written_and_read() {
        let process = Process::observe(UUID);
        let text = serde_json::to_string(&process).unwrap();
        assert!(text.contains(&uuid_text(&process.uuid)), "{text}");
        assert_eq!(serde_json::from_str::<Process>(&text).unwrap(), process);
        assert!(serde_json::from_str::<Process>(&text.replacen('-', "z", 1)).is_err());
    }

    #[test]
    fn rivals_use_up_a_quarter_of_the_records_and_no_more() {
        let records = Records::new(Process::default(), Embedder::default(), 8);
        let process = Process::observe(UUID);
        let observe = |engine| records.observe([engine; 16], &process, &Embedder::default(), "engine").id;
        assert_eq!([1, 2, 3].map(observe), [2, 3, 0], "of engines in one process too");
        assert_eq!(observe(1), 2, "interned");
        assert_eq!(*records.get(3).unwrap().process, process);
        assert_eq!(records.intern("own").unwrap().id, 4);
    }

    #[test]
    fn records_are_interned_and_bounded() {
        let records = Records::new(Process::default(), Embedder::default(), 2);
        let first = records.intern("probe").unwrap();
        assert_eq!(records.intern("probe").unwrap().id, first.id);
        assert_eq!(records.intern("another").unwrap_err().kind(), ErrorKind::Limit);
        assert_eq!(&*records.get(ENGINE).unwrap().label, "engine");
        assert!(records.get(0).is_none() && records.get(3).is_none());
    }
}
