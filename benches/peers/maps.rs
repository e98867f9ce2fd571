//! Maps by id: under one lock, in shards, and papaya's, which readers go through without one.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, RwLock};

use dashmap::DashMap;
use lifesign::Status;

use crate::{Reader, Whole, Writer, id};

/// The engine's own, so that the maps differ in nothing else.
type Hasher = foldhash::fast::RandomState;

/// A map that readers and the writer share.
pub trait Map: Send + Sync + 'static {
    fn insert(&self, id: &str, state: Whole);
    fn read<T>(&self, id: &str, look: impl FnOnce(&Whole) -> T) -> T;
    fn report(&self, id: &str, status: Status, text: Arc<str>);
}

/// The map with the ids in the order of the checks.
pub struct Shared<M> {
    map: Arc<M>,
    ids: Arc<[String]>,
}

impl<M> Clone for Shared<M> {
    fn clone(&self) -> Self {
        Self { map: self.map.clone(), ids: self.ids.clone() }
    }
}

fn filled<M: Map>(map: M, checks: usize) -> (Shared<M>, Shared<M>) {
    let ids: Arc<[String]> = (0..checks).map(id).collect();
    for id in ids.iter() {
        map.insert(id, Whole { status: Status::Passing, text: "".into(), version: 0 });
    }
    let shared = Shared { map: Arc::new(map), ids };
    (shared.clone(), shared)
}

/// `RwLock<HashMap>`.
pub fn locked(checks: usize) -> (impl Reader, impl Writer) {
    filled(RwLock::new(HashMap::<String, Whole, Hasher>::default()), checks)
}

/// DashMap alone.
pub fn sharded(checks: usize) -> (impl Reader, impl Writer) {
    filled(DashMap::<String, Whole, Hasher>::default(), checks)
}

/// papaya.
pub fn concurrent(checks: usize) -> (impl Reader, impl Writer) {
    filled(papaya::HashMap::<String, Whole, Hasher>::default(), checks)
}

impl<M: Map> Reader for Shared<M> {
    type State = Whole;

    fn status(&self, check: usize) -> Status {
        self.map.read(&self.ids[check], |state| state.status)
    }

    fn whole(&self, check: usize) -> Whole {
        self.map.read(&self.ids[check], Whole::clone)
    }

    fn parts(state: Whole) -> Whole {
        state
    }
}

impl<M: Map> Writer for Shared<M> {
    fn report(&mut self, check: usize, status: Status, text: &str) {
        self.map.report(&self.ids[check], status, text.into());
    }
}

const KNOWN: &str = "all ids were inserted";

impl<S: BuildHasher + Send + Sync + 'static> Map for RwLock<HashMap<String, Whole, S>> {
    fn insert(&self, id: &str, state: Whole) {
        self.write().expect("nobody panics").insert(id.to_owned(), state);
    }

    fn read<T>(&self, id: &str, look: impl FnOnce(&Whole) -> T) -> T {
        look(self.read().expect("nobody panics").get(id).expect(KNOWN))
    }

    fn report(&self, id: &str, status: Status, text: Arc<str>) {
        let mut map = self.write().expect("nobody panics");
        let state = map.get_mut(id).expect(KNOWN);
        *state = Whole { status, text, version: state.version + 1 };
    }
}

impl<S: BuildHasher + Clone + Send + Sync + 'static> Map for DashMap<String, Whole, S> {
    fn insert(&self, id: &str, state: Whole) {
        self.insert(id.to_owned(), state);
    }

    fn read<T>(&self, id: &str, look: impl FnOnce(&Whole) -> T) -> T {
        look(self.get(id).expect(KNOWN).value())
    }

    fn report(&self, id: &str, status: Status, text: Arc<str>) {
        let mut state = self.get_mut(id).expect(KNOWN);
        *state = Whole { status, text, version: state.version + 1 };
    }
}

impl<S: BuildHasher + Send + Sync + 'static> Map for papaya::HashMap<String, Whole, S> {
    fn insert(&self, id: &str, state: Whole) {
        self.pin().insert(id.to_owned(), state);
    }

    fn read<T>(&self, id: &str, look: impl FnOnce(&Whole) -> T) -> T {
        look(self.pin().get(id).expect(KNOWN))
    }

    fn report(&self, id: &str, status: Status, text: Arc<str>) {
        let raised = |state: &Whole| Whole { status, text: text.clone(), version: state.version + 1 };
        self.pin().update(id.to_owned(), raised).expect(KNOWN);
    }
}
