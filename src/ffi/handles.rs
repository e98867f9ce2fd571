//! Engines, tokens, subscriptions and claims that are known by handle.
//!
//! A slot holds one shared object at a time. A call borrows it, so a close in another thread takes it out of the table at once and frees it
//! when the last call in flight has left: there is nothing to guard and no call to wait for.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::cell::handle::{Kind, decode, encode};
use crate::cell::process::Root;
use crate::claim::Claim;
use crate::engine::{Engine, Inner, Subscription};
use crate::model::error::{Error, ErrorKind};
use crate::mutant::mutated;
use crate::sync::{ArcCell, AtomicPtr, Mutex, Ordering, fence};
use crate::writer::token::Token;

/// What a handle of this table refers to.
pub enum Object {
    /// An engine.
    Engine(Engine),
    /// A token.
    Token(Token),
    /// A subscription.
    Subscription(Subscription),
    /// A claim.
    Claim(Claim),
}

impl Object {
    fn engine(&self) -> &Inner {
        match self {
            Self::Engine(engine) => engine.inner(),
            Self::Token(token) => token.engine(),
            Self::Subscription(subscription) => subscription.engine(),
            Self::Claim(claim) => claim.engine(),
        }
    }
}

/// An object and the one number it is known by.
pub struct Entry {
    handle: u64,
    /// The object.
    pub object: Object,
}

const CHUNK: usize = 1024;
const CHUNKS: usize = if cfg!(shuttle) { 1 } else { 1 << 13 };
const MAX_LIFE: u16 = if cfg!(feature = "shrunk-counters") { 5 } else { u16::MAX };

type Chunk = [ArcCell<Entry>; CHUNK];

/// The table: chunks that are only ever added.
pub struct HandleTable {
    chunks: Box<[AtomicPtr<Chunk>]>,
    free: Mutex<Free>,
}

#[derive(Default)]
struct Free {
    // First in, first out, with the life that was used last.
    slots: VecDeque<(u32, u16)>,
    next: u32,
}

impl HandleTable {
    pub(crate) fn new() -> Self {
        let chunk = || AtomicPtr::new(std::ptr::null_mut());
        Self { chunks: (0..CHUNKS).map(|_| chunk()).collect(), free: Mutex::new(Free::default()) }
    }

    fn slot(&self, slot: u32) -> Option<&ArcCell<Entry>> {
        let chunk = self.chunks.get(slot as usize / CHUNK)?.load(Ordering::Acquire);
        // SAFETY: a chunk that is set came from `Box::into_raw` in `insert` and is never freed.
        unsafe { chunk.as_ref() }.map(|chunk| &chunk[slot as usize % CHUNK])
    }

    /// Makes an object and gives it a handle. The place is taken first: what `make` does is not undone for want of one. O(1).
    ///
    /// An engine that is closed meanwhile may have looked through the table before the object was in it: then it is taken out again.
    pub fn insert(
        &self,
        root: &Root,
        kind: Kind,
        make: impl FnOnce() -> Result<Object, Error>,
    ) -> Result<u64, Error> {
        let (slot, life) = self.take_slot()?;
        let object = match make() {
            Ok(object) => object,
            Err(error) => {
                self.free.lock().slots.push_back((slot, life - 1));
                return Err(error);
            }
        };
        let handle = encode(root.secret, kind, slot, life);
        let entry = Arc::new(Entry { handle, object });
        self.slot(slot).expect("its chunk was added").store(Some(entry.clone()));
        // With the one in `close_engine`: either this finds the engine closed, or that finds the entry.
        fence(Ordering::SeqCst);
        match entry.object.engine().check_open() {
            Ok(()) => Ok(handle),
            Err(error) => {
                let _ = self.remove(root, kind, handle);
                Err(error)
            }
        }
    }

    fn take_slot(&self) -> Result<(u32, u16), Error> {
        let mut free = self.free.lock();
        Ok(match free.slots.pop_front() {
            Some((slot, used)) => (slot, used + 1),
            None => {
                let slot = free.next;
                let Some(chunk) = self.chunks.get(slot as usize / CHUNK) else {
                    return Err(Error::text(
                        ErrorKind::Limit,
                        "all handles of the process are in use; close some",
                    ));
                };
                if chunk.load(Ordering::Acquire).is_null() {
                    let fresh: Box<Chunk> = Box::new(std::array::from_fn(|_| ArcCell::empty()));
                    chunk.store(Box::into_raw(fresh), Ordering::Release);
                }
                free.next += 1;
                (slot, 1)
            }
        })
    }

    /// The error of what was closed.
    pub fn closed(kind: Kind, handle: u64) -> Error {
        let closed = if mutated!("closed-is-revoked") { ErrorKind::Revoked } else { ErrorKind::Closed };
        let again = match kind {
            Kind::Engine => "open a new one",
            Kind::Token => "acquire the check again",
            Kind::Subscription => "subscribe again",
            Kind::Claim => "claim the name again",
            Kind::Service | Kind::Check => "register it again",
        };
        Error::text(closed, format!("the {} of handle {handle:#x} is closed; {again}", kind.as_str()))
    }

    /// The object of a handle. Lock-free, O(1).
    pub fn get(&self, root: &Root, kind: Kind, handle: u64) -> Result<Arc<Entry>, Error> {
        let slot = decode(root.secret, kind, handle).and_then(|parts| self.slot(parts.slot));
        let slot = slot.ok_or_else(|| root.unknown(kind, handle))?;
        slot.load().filter(|entry| entry.handle == handle).ok_or_else(|| Self::closed(kind, handle))
    }

    /// Takes an object out: exactly one of several callers gets it.
    pub fn remove(&self, root: &Root, kind: Kind, handle: u64) -> Result<Arc<Entry>, Error> {
        let entry = self.get(root, kind, handle)?;
        let parts = decode(root.secret, kind, handle).expect("decoded above");
        let slot = self.slot(parts.slot).expect("found above");
        if mutated!("closed-and-kept") {
            return Ok(entry);
        }
        if mutated!("closed-by-two") {
            std::thread::yield_now();
            slot.store(None);
        } else if !slot.replace(Some(&entry), None) {
            return Err(Self::closed(kind, handle));
        }
        if mutated!("object-kept-for-ever") {
            std::mem::forget(entry.clone());
        }
        if mutated!("object-freed-early") {
            // SAFETY: none, which is the point: one reference too many is given back.
            unsafe { Arc::decrement_strong_count(Arc::as_ptr(&entry)) };
        }
        if parts.life < MAX_LIFE {
            self.free.lock().slots.push_back((parts.slot, parts.life));
        }
        Ok(entry)
    }

    /// How many tokens of an engine are open although they cannot write any more: their owners have forgotten them. O(handles of the process).
    pub fn leaked(&self, engine: &Inner) -> u64 {
        let used = self.free.lock().next;
        let entries = (0..used).filter_map(|index| self.slot(index)?.load());
        let is_leaked = |entry: &Arc<Entry>| match &entry.object {
            Object::Token(token) => std::ptr::eq(token.engine(), engine) && !token.holds(),
            _ => false,
        };
        entries.filter(is_leaked).count() as u64
    }

    /// Takes out everything that belongs to an engine that was closed.
    pub(crate) fn close_engine(&self, engine: &Inner) {
        fence(Ordering::SeqCst);
        let used = self.free.lock().next;
        for index in 0..used {
            let Some(slot) = self.slot(index) else { continue };
            let Some(entry) = slot.load() else { continue };
            if std::ptr::eq(entry.object.engine(), engine) && slot.replace(Some(&entry), None) {
                let life = (entry.handle >> 24) as u16;
                if life < MAX_LIFE {
                    self.free.lock().slots.push_back((index, life));
                }
            }
        }
    }
}
