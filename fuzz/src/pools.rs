//! The handles that calls have given out, and those that have ended. Nothing here makes one thread wait for another where it looks a
//! handle up: that would put the calls in an order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Engine,
    Service,
    Check,
    Token,
    Subscription,
    Claim,
}

pub const KINDS: [Kind; 6] =
    [Kind::Engine, Kind::Service, Kind::Check, Kind::Token, Kind::Subscription, Kind::Claim];

const KEPT: usize = 8;
const ENDED: usize = 64;

struct Pool {
    handles: [AtomicU64; KEPT],
    added: AtomicUsize,
}

/// All of them.
pub struct Pools {
    pools: [Pool; KINDS.len()],
    ended: [AtomicU64; ENDED],
    endings: Mutex<Vec<u64>>,
}

impl Pools {
    pub fn new() -> Self {
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        Self {
            pools: std::array::from_fn(|_| Pool { handles: zeros(), added: AtomicUsize::new(0) }),
            ended: std::array::from_fn(|_| AtomicU64::new(0)),
            endings: Mutex::new(Vec::new()),
        }
    }

    /// Keeps a handle, in the place of the oldest of its kind.
    pub fn add(&self, kind: Kind, handle: u64) {
        let pool = &self.pools[kind as usize];
        let at = pool.added.fetch_add(1, Ordering::Relaxed) % KEPT;
        pool.handles[at].store(handle, Ordering::Relaxed);
    }

    /// The handle that was added so many before the newest; 0 if there were not as many.
    pub fn newest(&self, kind: Kind, before: usize) -> u64 {
        let pool = &self.pools[kind as usize];
        let added = pool.added.load(Ordering::Relaxed);
        let Some(number) = added.checked_sub(1 + before % KEPT) else { return 0 };
        pool.handles[number % KEPT].load(Ordering::Relaxed)
    }

    /// All that are kept of a kind.
    pub fn all(&self, kind: Kind) -> Vec<u64> {
        let all = self.pools[kind as usize].handles.iter().map(|handle| handle.load(Ordering::Relaxed));
        all.filter(|handle| *handle != 0).collect()
    }

    /// Notes that what a handle stands for has ended; false if that was so before.
    pub fn end(&self, handle: u64) -> bool {
        let mut endings = self.endings.lock().unwrap();
        if endings.contains(&handle) {
            return false;
        }
        self.ended[endings.len() % ENDED].store(handle, Ordering::SeqCst);
        endings.push(handle);
        true
    }

    /// Whether it had ended, as far as that is remembered.
    pub fn has_ended(&self, handle: u64) -> bool {
        handle != 0 && self.ended.iter().any(|ended| ended.load(Ordering::SeqCst) == handle)
    }

    /// A handle of `kind` by a byte of the input: one of the newest, one of another kind, a number that is none, a handle with one wrong bit.
    pub fn choose(&self, kind: Kind, choice: u8) -> u64 {
        match choice {
            0..16 => self.newest(kind, choice.into()),
            16..40 => self.newest(KINDS[usize::from(choice) % KINDS.len()], usize::from(choice) / 6 % KEPT),
            40..44 => 0,
            44..48 => u64::MAX,
            48..56 => 1 << 60,
            56..120 => self.newest(kind, 0) ^ 1 << (choice - 56),
            120..184 => self.newest(kind, 1) ^ 1 << (choice - 120),
            _ => self.newest(kind, choice.into()),
        }
    }
}
