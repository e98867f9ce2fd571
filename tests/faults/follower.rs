//! A subscriber that keeps what it was told, to be compared with what is.

use std::collections::BTreeMap;

use lifesign::{Batch, Engine, Event, Status, Subscription};

/// What a subscriber knows: the checks by id.
#[derive(Default)]
pub struct Follower {
    known: BTreeMap<String, (Status, String)>,
    /// How often it was told to forget what it knew.
    pub resyncs: u64,
    /// Ends that it was told.
    pub tombstones: usize,
}

impl Follower {
    /// Takes a batch in.
    pub fn take_in(&mut self, batch: Batch) {
        if batch.resync {
            self.known.clear();
            self.resyncs += 1;
        }
        for event in batch.events {
            match event {
                Event::State { snapshot, .. } => {
                    let state = (snapshot.status(), snapshot.output().to_owned());
                    self.known.insert(snapshot.id().to_owned(), state);
                }
                Event::Tombstone { snapshot, .. } => {
                    self.tombstones += 1;
                    self.known.remove(snapshot.id());
                }
                Event::Summary { .. } | Event::Trouble(_) => {}
            }
        }
    }

    /// Takes in everything that is pending.
    pub fn read(&mut self, subscription: &Subscription) {
        loop {
            let batch = subscription.poll(usize::MAX).expect("a poll of one's own subscription");
            let more = batch.more;
            self.take_in(batch);
            if !more {
                return;
            }
        }
    }

    /// What it knows, as far as `wanted` takes it in.
    pub fn known(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, (Status, String)> {
        self.known
            .iter()
            .filter(|(id, _)| wanted(id))
            .map(|(id, state)| (id.clone(), state.clone()))
            .collect()
    }
}

/// What is: every check and alias by id, as far as `wanted` takes it in.
pub fn truth(engine: &Engine, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, (Status, String)> {
    let checks = engine.checks().expect("an open engine");
    let states = checks.iter().map(|check| {
        let state = engine.snapshot(check).expect("a living check");
        assert_eq!(check.status(), Some(state.status()), "{}: the word and the snapshot", state.id());
        (state.id().to_owned(), (state.status(), state.output().to_owned()))
    });
    states.filter(|(id, _)| wanted(id)).collect()
}
