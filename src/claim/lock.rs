//! The lock under a claim: an open-file-description lock on two bytes of a file that is never removed.
//!
//! Byte 0 is held as long as the claim. Byte 1 is the turn: whoever reads or changes the files beside the lock has it, from before it tries
//! byte 0 until it is done. So a rival that finds byte 0 locked finds the record of the very process that locked it, however short ago that
//! was, and an attempt is neither lost nor taken in twice. The kernel gives both back when a process dies.
//!
//! A classic lock would vanish when any descriptor of the file in the process is closed, and would not keep two engines of one process
//! apart. An open-file-description lock is inherited by a fork: a child that outlives its parent would keep the parent's claim. So a
//! child closes its copies as it is born (see [`Slot`]); a process that was cloned past the C library's `fork` is not noticed.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::IntoRawFd;
use std::os::raw::{c_int, c_short};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::failpoint::pause;
use crate::mutant::mutated;

/// How long one waits for what takes others a few system calls: whoever takes longer was stopped.
const PATIENCE: Duration = Duration::from_secs(2);
const NAP: Duration = Duration::from_millis(1);

/// How often a file that is replaced under one's hands is opened again.
const TRIES: u32 = 64;

/// A part of the lock.
#[derive(Clone, Copy)]
enum Byte {
    Claim = 0,
    Turn = 1,
}

/// The open lock file of one claim.
pub struct LockFile {
    slot: Slot,
    device_and_inode: (u64, u64),
}

impl LockFile {
    /// Opens the file at `path`, made if it is not there, and takes the turn. `Ok(Err(file))` if another has had the turn all the time.
    pub fn open(path: &Path) -> Result<std::result::Result<Self, Self>> {
        for _ in 0..TRIES {
            let file = Self::open_once(path)?;
            pause!("claim.opened");
            if !file.take_turn()? {
                return Ok(Err(file));
            }
            // Somebody may have replaced the file since: then this lock excludes nobody.
            if file.is_at(path) || mutated!("claim-without-inode-check") {
                return Ok(Ok(file));
            }
        }
        Err(Error::new(ErrorKind::ResourceBusy, "the file is replaced again and again"))
    }

    fn open_once(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // Not through a link, and not for ever if somebody has put a pipe there.
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let (slot, meta) = Slot::fill(|| {
            let file = options.open(path)?;
            let meta = file.metadata()?;
            if !meta.is_file() {
                return Err(Error::new(ErrorKind::InvalidInput, "it is no regular file"));
            }
            Ok((file, meta))
        })?;
        Ok(Self { slot, device_and_inode: (meta.dev(), meta.ino()) })
    }

    /// Whether the file is still the one at `path`.
    pub fn is_at(&self, path: &Path) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|meta| (meta.dev(), meta.ino()) == self.device_and_inode)
    }

    /// Takes the turn; `false` if another has had it all the time.
    pub fn take_turn(&self) -> Result<bool> {
        within_patience(|| self.try_turn())
    }

    /// Takes the turn if nobody has it.
    pub fn try_turn(&self) -> Result<bool> {
        self.set(Byte::Turn, libc::F_WRLCK)
    }

    /// Ends the turn.
    pub fn end_turn(&self) {
        // To give back a byte that is held cannot fail; were it otherwise, closing the descriptor would still do it.
        let _ = self.set(Byte::Turn, libc::F_UNLCK);
    }

    /// Takes the claim if nobody holds it.
    pub fn try_claim(&self) -> Result<bool> {
        self.set(Byte::Claim, libc::F_WRLCK)
    }

    /// Takes the claim of a holder that has ended, once its lock does too; `false` if that takes too long. A child that it was just
    /// making has a copy of the descriptor, until it runs and closes it or becomes another program.
    pub fn outlast_a_birth(&self) -> Result<bool> {
        pause!("claim.holder.gone");
        if mutated!("claim-birth-is-a-holder") {
            return Ok(false);
        }
        within_patience(|| self.try_claim())
    }

    /// Gives everything back. Said in so many words, because a forked child that was not noticed may share the description.
    pub fn unlock(&self) {
        for byte in [Byte::Claim, Byte::Turn] {
            let _ = self.set(byte, libc::F_UNLCK);
        }
    }

    fn set(&self, byte: Byte, kind: c_int) -> Result<bool> {
        if matches!(byte, Byte::Turn) && mutated!("claim-without-turn") {
            return Ok(true);
        }
        let range = libc::flock {
            l_type: kind as c_short,
            l_whence: libc::SEEK_SET as c_short,
            l_start: byte as libc::off_t,
            l_len: 1,
            l_pid: 0,
        };
        let command = if mutated!("claim-classic-lock") { libc::F_SETLK } else { libc::F_OFD_SETLK };
        loop {
            // SAFETY: the command reads one `flock`, which lives until the call returns; a wrong descriptor is an error code.
            if unsafe { libc::fcntl(self.slot.descriptor(), command, &raw const range) } == 0 {
                return Ok(true);
            }
            let error = Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EACCES) => return Ok(false),
                Some(libc::EINTR) => {}
                _ => return Err(error),
            }
        }
    }
}

/// Tries until it succeeds or took too long.
fn within_patience(attempt: impl Fn() -> Result<bool>) -> Result<bool> {
    let deadline = Instant::now() + PATIENCE;
    while !attempt()? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::sleep(NAP);
    }
    Ok(true)
}

/// The claims that one process can hold at a time.
const SLOTS: usize = 256;
const FREE: c_int = -1;
const TAKEN: c_int = -2;

/// The descriptors of all lock files, where a forked child finds them without a lock and without memory to allocate.
static DESCRIPTORS: [AtomicI32; SLOTS] = [const { AtomicI32::new(FREE) }; SLOTS];

/// Forks that have begun and that are over. A descriptor that was opened while one happened may be in the child, in no slot.
static BEGUN: AtomicU64 = AtomicU64::new(0);
static OVER: AtomicU64 = AtomicU64::new(0);

/// A place of [`DESCRIPTORS`]; the descriptor in it is closed with it.
struct Slot(&'static AtomicI32);

impl Slot {
    /// Opens a file into a free slot, so that every child either does not have it or closes it.
    fn fill<M>(open: impl Fn() -> Result<(std::fs::File, M)>) -> Result<(Self, M)> {
        watch_forks()?;
        let take = |slot: &&AtomicI32| {
            slot.compare_exchange(FREE, TAKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        let slot = DESCRIPTORS.iter().find(take).map(Self).ok_or_else(|| {
            Error::new(ErrorKind::QuotaExceeded, format!("the process holds {SLOTS} claims; release some"))
        })?;
        loop {
            // Sequentially consistent, all of them: either a fork that begins meanwhile is seen below, or its child sees the slot filled. Were
            // the store and the load exchanged, a child could have the descriptor and not know it.
            let begun = BEGUN.load(Ordering::SeqCst);
            // One that has begun already may copy the descriptors after the file is opened and the slots before this one is filled.
            let none_under_way =
                || Ok(OVER.load(Ordering::SeqCst) == begun || BEGUN.load(Ordering::SeqCst) != begun);
            if !mutated!("claim-fork-under-way") && !within_patience(none_under_way)? {
                return Err(Error::new(ErrorKind::ResourceBusy, "a fork of this process does not end"));
            }
            let (file, meta) = open()?;
            pause!("claim.descriptor");
            slot.0.store(file.into_raw_fd(), Ordering::SeqCst);
            if BEGUN.load(Ordering::SeqCst) == begun || mutated!("claim-fork-unnoticed") {
                return Ok((slot, meta));
            }
            slot.close();
        }
    }

    fn descriptor(&self) -> c_int {
        self.0.load(Ordering::Relaxed)
    }

    fn close(&self) {
        let descriptor = self.0.swap(TAKEN, Ordering::Relaxed);
        if descriptor >= 0 {
            // SAFETY: the descriptor came from `into_raw_fd`, and the swap has made this the only one to close it.
            unsafe { libc::close(descriptor) };
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.close();
        self.0.store(FREE, Ordering::Relaxed);
    }
}

/// Has the C library call what is below at each fork from now on. Twice does no harm, so that nobody need wait for another to be done with it.
fn watch_forks() -> Result<()> {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if WATCHED.load(Ordering::Acquire) {
        return Ok(());
    }
    // SAFETY: the functions are static, touch only the statics above and make no call but `close`, so that the last of them may run in a
    // process that is the copy of one thread of many.
    match unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(in_child)) } {
        0 => WATCHED.store(true, Ordering::Release),
        status => return Err(Error::from_raw_os_error(status)),
    }
    Ok(())
}

extern "C" fn before_fork() {
    BEGUN.fetch_add(1, Ordering::SeqCst);
    pause!("claim.forking");
}

extern "C" fn after_fork() {
    OVER.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn in_child() {
    // Here nobody else forks.
    OVER.store(BEGUN.load(Ordering::SeqCst), Ordering::SeqCst);
    if mutated!("claim-child-keeps-lock") {
        return;
    }
    for slot in &DESCRIPTORS {
        // Free in the child: what referred to it belongs to the parent's engine, which the child leaves alone.
        let descriptor = slot.swap(FREE, Ordering::SeqCst);
        if descriptor >= 0 {
            // SAFETY: the child's own copy of a descriptor that the parent's slot owns there.
            unsafe { libc::close(descriptor) };
        }
    }
}
