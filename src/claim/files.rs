//! The files of a claim, and how they are read and replaced.
//!
//! Everything but the lock file is JSON that is written beside its place and renamed into it, so that it is whole at every moment, also
//! for somebody who looks at it with `cat`, and after a full disk.

use std::fs::OpenOptions;
use std::io::{Error as IoError, ErrorKind as IoKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::claim::rival::Claimant;
use crate::model::definition::{excerpt, validate_id};
use crate::model::error::{Error, ErrorKind};
use crate::mutant::mutated;

/// The longest name in bytes: file names are made of it.
pub const MAX_NAME: usize = 200;

/// The most that is read of a file or written to one.
pub const MAX_FILE: usize = 64 << 10;

/// A directory that holds a file of this name is one that cannot exclude, whatever its file system says of itself.
const ADVISORY: &str = ".lifesign-advisory";

/// Where the files of one claim are.
#[derive(Debug)]
pub struct Files {
    /// The directory, without links in its path.
    pub directory: PathBuf,
    /// The claimed name.
    pub name: String,
}

impl Files {
    /// The files of `name` in `directory`.
    pub fn new(directory: &Path, name: &str) -> Result<Self, Error> {
        let about = || format!("claim {}", excerpt(name));
        validate_id("claim", name)?;
        if name.len() > MAX_NAME {
            return Err(Error::too_large(format!(
                "{}: the name has {} bytes; a file is named after it, so it has 1 to {MAX_NAME}",
                about(),
                name.len()
            )));
        }
        if name.contains('/') || name.starts_with('.') {
            return Err(Error::invalid(format!(
                "{}: a file is named after it, so it has no '/' and does not start with '.'",
                about()
            )));
        }
        let found = std::fs::canonicalize(directory).and_then(|directory| {
            if directory.is_dir() { Ok(directory) } else { Err(IoKind::NotADirectory.into()) }
        });
        match found {
            Ok(directory) => Ok(Self { directory, name: name.into() }),
            Err(error) => Err(refused(format_args!("{}: the directory {directory:?}", about()), &error)),
        }
    }

    fn path(&self, suffix: &str) -> PathBuf {
        self.directory.join(format!("{}.{suffix}", self.name))
    }

    /// The lock file.
    pub fn lock(&self) -> PathBuf {
        self.path("lock")
    }

    /// The holder's record.
    pub fn holder(&self) -> PathBuf {
        self.path("holder")
    }

    /// What was refused since the holder last looked.
    pub fn attempts(&self) -> PathBuf {
        self.path("attempts")
    }

    /// The heartbeat of one claimant.
    pub fn beat(&self, claimant: &str) -> PathBuf {
        self.path(&format!("{claimant}.beat"))
    }

    /// What is written before it takes its place. In a directory that excludes one claimant at a time writes, elsewhere each has its own.
    pub fn draft(&self, claimant: Option<&str>) -> PathBuf {
        let Self { directory, name } = self;
        directory.join(claimant.map_or_else(|| format!(".{name}.draft"), |id| format!(".{name}.{id}.draft")))
    }

    /// Whose heartbeat a file of this name is.
    pub fn claimant_of<'a>(&self, file: &'a str) -> Option<&'a str> {
        let id = file.strip_prefix(&self.name)?.strip_prefix('.')?.strip_suffix(".beat")?;
        // Ids contain no dots and all have one length, so a claim whose name goes on after ours is not taken for it.
        (id.len() == 36 && !id.contains('.')).then_some(id)
    }

    /// Whether a lock in this directory excludes nobody, or nobody on another machine.
    pub fn cannot_exclude(&self) -> Result<bool, Error> {
        if self.directory.join(ADVISORY).exists() {
            return Ok(true);
        }
        match rustix::fs::statfs(&self.directory) {
            Ok(system) => Ok(!excludes(system.f_type as u64)),
            Err(error) => Err(self.failed("asking for the file system of", &self.directory, &error.into())),
        }
    }

    /// The error for a failed step: what was done to which file, and why it could not be.
    pub fn failed(&self, step: &str, path: &Path, error: &IoError) -> Error {
        refused(format_args!("claim {:?}: {step} {}", self.name, path.display()), error)
    }
}

/// File systems on which one kernel sees all locks. Of any other it is not known, network file systems and FUSE among them.
fn excludes(magic: u64) -> bool {
    const LOCAL: [(u64, &str); 11] = [
        (0xEF53, "ext2, ext3, ext4"),
        (0x5846_5342, "xfs"),
        (0x9123_683E, "btrfs"),
        (0xF2F5_2010, "f2fs"),
        (0x2FC1_2FC1, "zfs"),
        (0xCA45_1A4E, "bcachefs"),
        (0x5265_4973, "reiserfs"),
        (0x3153_464A, "jfs"),
        (0x794C_7630, "overlayfs"),
        (0x0102_1994, "tmpfs"),
        (0x8584_58F6, "ramfs"),
    ];
    LOCAL.iter().any(|(known, _)| *known == magic)
}

/// What an error of the file system means to the caller.
fn refused(what: impl std::fmt::Display, error: &IoError) -> Error {
    let full =
        [libc::ENOSPC, libc::EDQUOT, libc::EFBIG, libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOLCK];
    let limit = error.raw_os_error().is_some_and(|code| full.contains(&code))
        || error.kind() == IoKind::QuotaExceeded;
    Error::text(if limit { ErrorKind::Limit } else { ErrorKind::Invalid }, format!("{what}: {error}"))
}

/// Reads a file, `None` if it is not there; what cannot be understood is `InvalidData`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, IoError> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = match options.open(path) {
        Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = Vec::new();
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
    if text.len() > MAX_FILE {
        return Err(IoError::new(IoKind::InvalidData, format!("it has more than {MAX_FILE} bytes")));
    }
    match serde_json::from_slice(&text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(IoError::new(IoKind::InvalidData, error)),
    }
}

/// Replaces a file by way of its draft. On failure what stood there stands, and no draft is left.
///
/// A network file system tells that its disk is full only when asked to `flush`. Where a lock excludes there is no need to: what a power cut
/// spoils was of a holder that it has ended.
pub fn replace(path: &Path, draft: &Path, value: &impl Serialize, flush: bool) -> Result<(), IoError> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    if mutated!("claim-record-in-place") {
        return std::fs::write(path, text);
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).custom_flags(libc::O_NOFOLLOW);
    let written = options.open(draft).and_then(|mut file| {
        file.write_all(&text)?;
        if flush { file.sync_data() } else { Ok(()) }
    });
    written.and_then(|()| std::fs::rename(draft, path)).inspect_err(|_| remove(draft))
}

/// Removes a file that nobody needs any more; one that is there all the same does no harm.
pub fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

/// The record beside the lock, and what a heartbeat says.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// Who.
    #[serde(flatten)]
    pub claimant: Claimant,
    /// Since when, nanoseconds since 1970 by its own clock.
    pub claimed_ns: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_do_not_exclude() {
        let (nfs, smb, cifs, smb2, fuse, ceph, plan9) =
            (0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x6573_5546, 0x00C3_6400, 0x0102_1997);
        for magic in [nfs, smb, cifs, smb2, fuse, ceph, plan9, 0] {
            assert!(!excludes(magic), "{magic:#x}");
        }
        for magic in [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630] {
            assert!(excludes(magic), "{magic:#x}");
        }
    }

    #[test]
    fn a_name_that_goes_on_is_another_claim() {
        let id = "6f1c2d3e-0000-4000-8000-0123456789ab";
        let files = Files { directory: "/".into(), name: "node".into() };
        assert_eq!(files.claimant_of(&format!("node.{id}.beat")), Some(id));
        for other in [
            format!("node.b.{id}.beat"),
            format!("nodes.{id}.beat"),
            "node.lock".into(),
            format!("node.{id}"),
        ] {
            assert_eq!(files.claimant_of(&other), None, "{other}");
        }
    }
}
