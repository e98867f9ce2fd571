//! What survives a restart: every check's last state in a file, and how it comes back.
//!
//! The file is JSON, so that any language reads it. It is written beside the old one and put in its place by a rename, so that whoever reads it,
//! after a crash too, finds the one or the other whole. A registration carries the state of its check (see
//! [`CheckSpec::restored`](crate::CheckSpec::restored)); until it is reported anew the check shows it, marked as restored.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use scopeguard::{ScopeGuard, guard};
use serde::{Deserialize, Serialize};

use crate::engine::refusing::show;
use crate::engine::{Engine, Inner};
use crate::failpoint::pause;
use crate::model::definition::Restored;
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::writer::touch::{UNIT_NS, read};

/// What stands in the file; also its version.
const FORMAT: &str = "lifesign-export-1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    /// Wall clock of the export, nanoseconds since 1970.
    time_ns: i64,
    checks: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    status: String,
    output: String,
    since_ns: i64,
    reported_ns: i64,
}

/// One check of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its id.
    pub id: String,
    /// What a registration carries.
    pub state: Restored,
    /// Wall clock of its last report, heartbeats included, as well as the engine knew it: nanoseconds since 1970. For the embedder, who may have a time limit
    /// of its own to go on with.
    pub reported_ns: i64,
}

/// An export, read from its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// Wall clock of the export, nanoseconds since 1970.
    pub time_ns: i64,
    checks: HashMap<String, Exported>,
}

impl Export {
    /// Reads the file. Blocking; O(checks).
    ///
    /// # Errors
    /// `NOT_FOUND` if there is no such file, `INVALID` if it cannot be read or is no export, naming the place.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::text(ErrorKind::NotFound, format!("export {shown}: {error}")),
            _ => Error::invalid(format!("export {shown}: {error}")),
        })?;
        let document: Document = serde_json::from_str(&text)
            .map_err(|error| Error::invalid(format!("export {shown} is damaged: {error}")))?;
        if document.format != FORMAT {
            return Err(Error::invalid(format!(
                "export {shown}: the format is {:?}; this release reads {FORMAT:?}",
                document.format
            )));
        }
        let mut checks = HashMap::with_capacity(document.checks.len());
        for Line { id, status, output, since_ns, reported_ns } in document.checks {
            let status = Status::from_name(&status).ok_or_else(|| {
                Error::invalid(format!("export {shown}: check {id:?}: {status:?} is no status"))
            })?;
            let state = Restored { status, output, since_ns };
            checks.insert(id.clone(), Exported { id, state, reported_ns });
        }
        Ok(Self { time_ns: document.time_ns, checks })
    }

    /// What a check showed. O(1).
    pub fn check(&self, id: &str) -> Option<&Exported> {
        self.checks.get(id)
    }

    /// All of it, in no order.
    pub fn checks(&self) -> impl Iterator<Item = &Exported> {
        self.checks.values()
    }
}

impl Engine {
    /// Writes what every check shows that has ever reported or was restored, and returns how many those are. Each is whole by itself. On failure an earlier
    /// file stays as it was. Blocking: for registrations, and for the disk; O(checks).
    ///
    /// # Errors
    /// `LIMIT` when the disk or a quota is full or the process has no more descriptors, `INVALID` for a path that cannot be written, naming it and the reason, `CLOSED`, `FORKED`.
    pub fn export(&self, path: &Path) -> Result<usize, Error> {
        self.inner().export(path)
    }
}

impl Inner {
    fn export(&self, path: &Path) -> Result<usize, Error> {
        self.check_open()?;
        let wall = self.clock.wall();
        let mut checks: Vec<Line> = {
            let _registry = self.registry.lock();
            self.places()
                .filter(|(_, snapshot)| !snapshot.definition.is_alias() && !snapshot.is_initial())
                .inspect(|(place, snapshot)| show(*place, snapshot))
                .map(|(place, snapshot)| self.line(&snapshot, read(&place.cell.touch).time(), wall))
                .collect()
        };
        // What was read while the engine was being closed is not what anybody reported.
        self.check_open()?;
        pause!("export:collected");
        checks.sort_by(|one, other| one.id.cmp(&other.id));
        let count = checks.len();
        let document = Document { format: FORMAT.into(), time_ns: wall, checks };
        replace(path, &document).map_err(|error| {
            let text = format!("export to {}: {error}; an earlier export stays", path.display());
            let full = [libc::ENOSPC, libc::EDQUOT, libc::EFBIG, libc::EMFILE, libc::ENFILE, libc::ENOMEM];
            let limit = error.raw_os_error().is_some_and(|code| full.contains(&code));
            let kind = if limit { ErrorKind::Limit } else { ErrorKind::Invalid };
            Error::text(kind, text)
        })?;
        Ok(count)
    }

    fn line(&self, snapshot: &Snapshot, heard: Option<u64>, wall: i64) -> Line {
        let silent = heard.map(|heard| self.clock.since_open().saturating_sub(heard * UNIT_NS));
        Line {
            id: snapshot.id().into(),
            status: snapshot.status().as_str().into(),
            output: snapshot.output().into(),
            since_ns: snapshot.since_ns(),
            reported_ns: silent.map_or(snapshot.time_ns(), |silent| wall.saturating_sub_unsigned(silent)),
        }
    }
}

/// Writes `document` beside `path` and puts it in its place; the file beside it is gone in any case.
fn replace(path: &Path, document: &Document) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = name.as_bytes().to_vec();
    // Two exports at the same time do not write into the same file.
    beside.extend(format!(".{:016x}.new", u64::from_ne_bytes(random())).bytes());
    let beside = directory.join(PathBuf::from(std::ffi::OsStr::from_bytes(&beside)));
    // Opened before anything is written: nothing but the disk itself can fail once the new file has its place.
    let opened = File::open(directory)?;
    // Also when a step panics.
    let unless_renamed = guard(&beside, |beside| _ = fs::remove_file(beside));
    write(&beside, document)?;
    pause!("export:written");
    fs::rename(&beside, path)?;
    ScopeGuard::into_inner(unless_renamed);
    // The new name itself must outlast a crash too.
    opened.sync_all()
}

fn random() -> [u8; 8] {
    let bytes = crate::cell::process::random_bytes();
    std::array::from_fn(|at| bytes[at])
}

fn write(path: &Path, document: &Document) -> io::Result<()> {
    let mut file = io::BufWriter::new(File::create_new(path)?);
    serde_json::to_writer(&mut file, document)?;
    file.write_all(b"\n")?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
