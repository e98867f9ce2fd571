//! The root of all state of the process, reached through one word that a fork wipes.
//!
//! Pages of cells and the page with the root pointer are private anonymous mappings with `MADV_WIPEONFORK`: in a child every status word
//! reads as gone and the root pointer as null, at the cost of the one load that each call makes anyway. `getpid` would cost two hundred
//! times that. A child that opens an engine gets a root, pages and handles of its own.

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

use crate::cell::handle::{Kind, decode};
use crate::cell::slab::Pages;
use crate::model::error::{Error, ErrorKind};

// The root pointer is no part of any protocol that the models explore, so it is a std atomic in every build.
use std::sync::atomic::{AtomicPtr, Ordering};

/// Everything that the engines of one process share.
pub struct Root {
    /// Tells this process from every other.
    pub uuid: [u8; 16],
    /// Keys the tags of handles.
    pub secret: u64,
    /// The pages of cells.
    pub pages: Pages,
    /// Engines, tokens, subscriptions and claims that are known by handle.
    pub handles: crate::ffi::handles::HandleTable,
    /// The root of the process that this one was forked from, if there was one: a copy of what it was then.
    parent: Option<&'static Root>,
}

impl Root {
    /// Whether a handle was given out by an ancestor of this process. O(generations of processes that have opened an engine).
    fn is_inherited(&self, kind: Kind, handle: u64) -> bool {
        std::iter::successors(self.parent, |root| root.parent)
            .any(|root| decode(root.secret, kind, handle).is_some())
    }

    /// Why a handle is none of this process: it is an ancestor's, or nobody's.
    pub fn unknown(&self, kind: Kind, handle: u64) -> Error {
        if self.is_inherited(kind, handle) {
            return Error::forked();
        }
        Error::text(
            ErrorKind::Forged,
            format!("{handle:#x} is no {}'s handle in this process", kind.as_str()),
        )
    }
}

/// The address of the word that points to the root, null before there is one. It never changes, and a child inherits it. No `OnceLock`: a fork
/// while another thread initialises that one would leave the child waiting for ever.
static ROOT: AtomicPtr<AtomicPtr<Root>> = AtomicPtr::new(std::ptr::null_mut());

/// The newest root, in memory that a fork does not wipe: to a child it is its parent's.
static NEWEST: AtomicPtr<Root> = AtomicPtr::new(std::ptr::null_mut());

/// Serialises the opening of the first engine of a process; never held while anything else is done.
static OPENING: OpeningLock = OpeningLock::new();

/// Maps `len` bytes of zeroes that a forked child sees as zeroes again.
pub fn map_wiped(len: usize) -> Result<*mut u8, Error> {
    let flags = MapFlags::PRIVATE;
    // SAFETY: a new anonymous mapping at an address of the kernel's choice aliases nothing.
    let mapped =
        unsafe { mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, flags) };
    let address = mapped.map_err(|error| {
        Error::text(ErrorKind::Limit, format!("mapping {len} bytes for cells failed: {error}"))
    })?;
    // SAFETY: the range was mapped just now, is private and anonymous as this advice demands, and nothing is stored in it yet.
    unsafe { madvise(address, len, Advice::LinuxWipeOnFork) }.map_err(|error| {
        Error::text(
            ErrorKind::Internal,
            format!("the kernel cannot wipe pages on fork ({error}); Linux 5.10 or newer is needed"),
        )
    })?;
    #[cfg(asan)]
    // SAFETY: the range was mapped just now, and stays so for the life of the process.
    unsafe {
        __lsan_register_root_region(address, len)
    };
    Ok(address.cast())
}

#[cfg(asan)]
unsafe extern "C" {
    /// Has LeakSanitizer look for pointers there too. Of itself it looks at no mapping, and would take for lost what a cell holds.
    fn __lsan_register_root_region(first: *const std::ffi::c_void, len: usize);
}

/// The word, if there is one yet.
#[cfg(not(shuttle))]
#[inline]
fn word() -> Option<&'static AtomicPtr<Root>> {
    // SAFETY: it is null or a page that stays mapped for the life of the process; acquire pairs with the release in `root_or_open`.
    unsafe { ROOT.load(Ordering::Acquire).as_ref() }
}

#[cfg(shuttle)]
use schedule::word;

/// The root, or `None` before the first engine was opened and in a forked child that has opened none.
#[inline]
pub fn root() -> Option<&'static Root> {
    // Acquire pairs with the release in `root_or_open`.
    let pointer = word()?.load(Ordering::Acquire);
    // SAFETY: the pointer is null or came from `Box::leak` in this very process: a fork wipes it.
    unsafe { pointer.as_ref() }
}

/// Whether an engine was opened in an ancestor of this process and none in this one.
pub fn is_forked() -> bool {
    word().is_some_and(|word| word.load(Ordering::Acquire).is_null())
}

/// The root, created if this process has none.
pub fn root_or_open() -> Result<&'static Root, Error> {
    if let Some(root) = root() {
        return Ok(root);
    }
    let _opening = OPENING.lock();
    if let Some(root) = root() {
        return Ok(root);
    }
    let word = match word() {
        Some(word) => word,
        None => {
            let page: *mut AtomicPtr<Root> = map_wiped(4096)?.cast();
            ROOT.store(page, Ordering::Release);
            // SAFETY: the page is mapped for the life of the process, aligned, and all zeroes is a null pointer.
            unsafe { &*page }
        }
    };
    let root = Box::leak(Box::new(Root {
        uuid: random_bytes(),
        secret: random_u64(),
        pages: Pages::new(),
        handles: crate::ffi::handles::HandleTable::new(),
        parent: parent(),
    }));
    NEWEST.store(root, Ordering::Relaxed);
    word.store(root, Ordering::Release);
    Ok(root)
}

/// The root of the process that this one was forked from. To be asked for under `OPENING`, and so are the orders of `NEWEST`.
fn parent() -> Option<&'static Root> {
    if cfg!(shuttle) {
        return None; // Each schedule is a process by itself, whose root is freed with it.
    }
    // SAFETY: null, or leaked by a process of whose memory this one's is a copy.
    unsafe { NEWEST.load(Ordering::Relaxed).as_ref() }
}

/// Sixteen random bytes from the kernel.
pub fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("the kernel gives no random numbers: {error}"),
        }
    }
    bytes
}

fn random_u64() -> u64 {
    let bytes = random_bytes();
    u64::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
}

/// A lock that a fork in the middle cannot leave locked for the child for ever: the child of a multi-threaded process would otherwise
/// hang in its first `Engine::open`.
struct OpeningLock(std::sync::atomic::AtomicU32);

struct Opening<'a>(&'a OpeningLock);

impl OpeningLock {
    const fn new() -> Self {
        Self(std::sync::atomic::AtomicU32::new(0))
    }

    fn lock(&self) -> Opening<'_> {
        // The lock is owned by a process id: a child takes over what its parent held when it forked.
        let own = rustix::process::getpid().as_raw_nonzero().get() as u32;
        loop {
            match self.0.compare_exchange(0, own, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Opening(self),
                Err(holder) if holder != own => {
                    if self.0.compare_exchange(holder, own, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                        return Opening(self);
                    }
                }
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Release);
    }
}

/// A process for each schedule: the engine's primitives belong to one execution of shuttle, and what one execution leaves in lives, free lists
/// and pages must not decide how another one goes.
#[cfg(shuttle)]
pub mod schedule {
    use super::*;

    thread_local! {
        // All threads of an execution are one thread of the system.
        static WORD: &'static AtomicPtr<Root> = Box::leak(Box::new(AtomicPtr::new(std::ptr::null_mut())));
    }

    pub(super) fn word() -> Option<&'static AtomicPtr<Root>> {
        Some(WORD.with(|word| *word))
    }

    /// Runs `script`, which ends all threads that it starts and lets go of all engines that it opens, in a process of its own.
    #[cfg(test)]
    pub fn alone(script: impl FnOnce()) {
        let word = WORD.with(|word| *word);
        // The root of an execution that has failed is leaked: its threads still stand in it.
        word.store(std::ptr::null_mut(), Ordering::Release);
        script();
        let root = word.swap(std::ptr::null_mut(), Ordering::AcqRel);
        if !root.is_null() {
            // SAFETY: it came from `Box::leak` in `root_or_open`; the script has let go of everything that refers to it.
            let root = unsafe { Box::from_raw(root) };
            assert!(
                root.pages.are_all_given_back(),
                "an engine is still referred to when everything has let go of it"
            );
        }
    }
}
