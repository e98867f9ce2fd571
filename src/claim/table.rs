//! The claims of one engine: at most one of a name in a directory.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::claim::files::Files;
use crate::claim::held::{Held, Own};
use crate::claim::locked;
use crate::engine::Inner;
use crate::model::error::{ClaimRefusal, Error};

/// The claims of an engine; `None` once it is closed.
pub struct Claims(Mutex<Option<HashMap<Key, Place>>>);

type Key = (PathBuf, String);

enum Place {
    /// Somebody is about to claim it.
    Reserved,
    Held(Arc<Held>),
}

/// A place in [`Claims`] that is given up again unless it is filled.
pub struct Reservation<'a> {
    claims: &'a Claims,
    key: Option<Key>,
}

impl Claims {
    /// None yet.
    pub fn new() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }

    /// Reserves the place of a claim, unless this engine has it or is about to.
    pub fn reserve(&self, files: &Files, own: &Own) -> Result<Reservation<'_>, Error> {
        let key = key(files);
        let mut claims = locked(&self.0);
        let claims = claims.as_mut().ok_or_else(Error::closed)?;
        let since_ns = match claims.get(&key) {
            None => {
                claims.insert(key.clone(), Place::Reserved);
                return Ok(Reservation { claims: self, key: Some(key) });
            }
            Some(Place::Held(held)) => held.own.claimed_ns,
            Some(Place::Reserved) => own.claimed_ns,
        };
        Err(Error::claim_refused(ClaimRefusal {
            name: files.name.as_str().into(),
            directory: files.directory.clone(),
            caller: own.record.clone(),
            holder: Some(own.record.clone()),
            since_ns,
            holder_is_gone: false,
            not_left: None,
        }))
    }

    /// Whether a claim stands.
    pub fn has(&self, held: &Arc<Held>) -> bool {
        let claims = locked(&self.0);
        let place = claims.as_ref().and_then(|claims| claims.get(&key(&held.files)));
        matches!(place, Some(Place::Held(own)) if Arc::ptr_eq(own, held))
    }

    /// Releases a claim; `false` if somebody else has.
    pub fn remove(&self, held: &Arc<Held>) -> bool {
        if !self.has(held) {
            return false;
        }
        let key = key(&held.files);
        // Released before its place is free: another claim of this engine must not find the lock still held.
        held.release();
        let mut claims = locked(&self.0);
        let removed = claims.as_mut().and_then(|claims| match claims.get(&key) {
            Some(Place::Held(own)) if Arc::ptr_eq(own, held) => claims.remove(&key),
            _ => None,
        });
        removed.is_some()
    }

    /// Looks after every claim. What goes wrong is the claim's to tell.
    pub fn tick(&self, engine: &Inner) {
        for held in self.all() {
            held.tick(engine);
        }
    }

    fn all(&self) -> Vec<Arc<Held>> {
        let claims = locked(&self.0);
        let held = |place: &Place| match place {
            Place::Held(held) => Some(held.clone()),
            Place::Reserved => None,
        };
        claims.iter().flat_map(HashMap::values).filter_map(held).collect()
    }

    /// Releases all, and lets no more come.
    pub fn close(&self, engine: &Inner) {
        let claims = locked(&self.0).take();
        for place in claims.into_iter().flat_map(HashMap::into_values) {
            if let Place::Held(held) = place {
                engine.surely(0, || held.release());
            }
        }
    }
}

impl Reservation<'_> {
    /// Puts the claim there, unless the engine was closed meanwhile: then it is released.
    pub fn fill(mut self, held: Arc<Held>) -> Result<(), Error> {
        let key = self.key.take().expect("filled once");
        if let Some(claims) = locked(&self.claims.0).as_mut() {
            claims.insert(key, Place::Held(held));
            return Ok(());
        }
        held.release();
        Err(Error::closed())
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        if let Some(claims) = locked(&self.claims.0).as_mut() {
            claims.remove(&key);
        }
    }
}

fn key(files: &Files) -> Key {
    (files.directory.clone(), files.name.clone())
}
