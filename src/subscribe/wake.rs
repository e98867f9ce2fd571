//! How a sleeping subscriber is woken: a futex for those who block, a descriptor for those who poll.
//!
//! The descriptor is an eventfd, non-blocking and close-on-exec, made when it is first asked for: ten thousand subscriptions need not have ten
//! thousand descriptors. Embedders poll it; the engine alone reads it, at the start of each call, *before* it takes: a wake that comes
//! in between leaves it readable. It is closed with the last reference, never while a writer may still write to it.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use crate::model::error::{Error, ErrorKind};
use crate::sync::Signal;

/// The two ways to be woken.
pub struct Wake {
    signal: Signal,
    descriptor: OnceLock<OwnedFd>,
}

impl Wake {
    /// Nobody asleep, no descriptor.
    pub fn new() -> Self {
        Self { signal: Signal::new(), descriptor: OnceLock::new() }
    }

    /// Wakes whoever sleeps. A system call or two: only for those who saw the subscription armed.
    pub fn wake(&self) {
        self.signal.notify();
        self.make_readable();
    }

    /// How often it was woken.
    pub fn count(&self) -> u32 {
        self.signal.current()
    }

    /// Sleeps until woken after `seen` was read, or until `deadline`.
    pub fn wait(&self, seen: u32, deadline: Option<Instant>) {
        self.signal.wait(seen, deadline);
    }

    /// The descriptor, made if there is none.
    pub fn descriptor(&self) -> Result<RawFd, Error> {
        if let Some(descriptor) = self.descriptor.get() {
            return Ok(descriptor.as_raw_fd());
        }
        let made = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).map_err(|error| {
            Error::text(
                ErrorKind::Limit,
                format!("no descriptor for the subscription: {error}; close some, raise the limit, or use a blocking wait"),
            )
        })?;
        Ok(self.descriptor.get_or_init(|| made).as_raw_fd())
    }

    /// Whether somebody polls a descriptor.
    pub fn has_descriptor(&self) -> bool {
        self.descriptor.get().is_some()
    }

    /// Makes the descriptor readable.
    pub fn make_readable(&self) {
        if let Some(descriptor) = self.descriptor.get() {
            // A full counter is readable already; nothing else can fail.
            let _ = rustix::io::write(descriptor.as_fd(), &1u64.to_ne_bytes());
        }
    }

    /// Makes the descriptor unreadable; tells whether it was readable.
    pub fn drain(&self) -> bool {
        let mut count = [0; 8];
        self.descriptor
            .get()
            .is_some_and(|descriptor| rustix::io::read(descriptor.as_fd(), &mut count).is_ok())
    }
}

impl Default for Wake {
    fn default() -> Self {
        Self::new()
    }
}
