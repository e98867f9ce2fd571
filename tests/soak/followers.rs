//! Who waits for changes, each in its own way, and what it knows.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lifesign::{Batch, Cursor, ErrorKind, Event, Service, Status, Subscription, SubscriptionFilter};

use crate::support::wait_readable;
use crate::world::World;

/// What a follower knows of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub incarnation: u64,
    pub version: u64,
    pub epoch: u64,
    pub transitions: u64,
    pub status: Status,
    pub output: String,
}

/// What it follows.
#[derive(Clone)]
pub enum Wants {
    Everything,
    Prefix(&'static str),
    Service(Service),
    Transitions,
}

/// How it waits.
#[derive(Clone, Copy, PartialEq)]
enum Waits {
    Sleeping,
    OnDescriptor,
    /// It leaves after each batch and comes back at its cursor.
    Resuming,
}

pub struct Follower {
    pub name: &'static str,
    pub wants: Wants,
    waits: Waits,
    subscription: Option<Subscription>,
    cursor: Option<Cursor>,
    pub known: BTreeMap<String, Known>,
    /// The summary, of one who follows a service.
    pub summary: Option<(Status, String)>,
    seen: BTreeMap<String, ()>,
    stale: bool,
    events: u64,
}

impl Follower {
    pub fn all(world: &World) -> Vec<Self> {
        let new = |name, wants, waits| Self {
            name,
            wants,
            waits,
            subscription: None,
            cursor: None,
            known: BTreeMap::new(),
            summary: None,
            seen: BTreeMap::new(),
            stale: false,
            events: 0,
        };
        vec![
            new("everything", Wants::Everything, Waits::Sleeping),
            new("a prefix", Wants::Prefix("s3:"), Waits::OnDescriptor),
            new("a service", Wants::Service(world.services[2]), Waits::Sleeping),
            new("everything, resumed", Wants::Everything, Waits::Resuming),
            new("transitions", Wants::Transitions, Waits::OnDescriptor),
        ]
    }

    pub fn has_seen_enough(&self) -> bool {
        self.events > 100
    }

    fn subscribe(&mut self, world: &World) -> &Subscription {
        if self.subscription.is_none() {
            let filter = match &self.wants {
                Wants::Everything => SubscriptionFilter::all(),
                Wants::Transitions => SubscriptionFilter::all().transitions_only(),
                Wants::Prefix(prefix) => SubscriptionFilter::prefix(prefix),
                Wants::Service(service) => SubscriptionFilter::service(service, true),
            };
            let filter = match self.cursor {
                Some(cursor) => filter.since(cursor),
                None => filter,
            };
            self.subscription = Some(world.engine.subscribe(&filter).unwrap());
        }
        self.subscription.as_ref().expect("made just now")
    }

    /// Follows until the round is over.
    pub fn follow(&mut self, world: &World) {
        while !world.stop.load(Ordering::Relaxed) {
            let on_descriptor = self.waits == Waits::OnDescriptor;
            let subscription = self.subscribe(world);
            if on_descriptor {
                wait_readable(subscription.descriptor().unwrap(), Duration::from_millis(20));
            } else if let Err(error) = subscription.wait(Some(Duration::from_millis(20))) {
                assert_eq!(error.kind(), ErrorKind::Timeout);
            }
            self.poll(world);
            if self.waits == Waits::Resuming {
                self.subscription = None;
            }
        }
    }

    /// Takes what is pending.
    pub fn poll(&mut self, world: &World) {
        loop {
            let batch = self.subscribe(world).poll(100).unwrap();
            let more = batch.more;
            self.take(batch);
            if !more {
                return;
            }
        }
    }

    fn take(&mut self, batch: Batch) {
        assert!(!batch.reset, "the cursor is of this engine");
        if batch.resync {
            self.stale = true;
            self.seen.clear();
        }
        for event in batch.events {
            self.events += 1;
            match event {
                Event::State { snapshot, .. } => {
                    let known = Known {
                        incarnation: snapshot.incarnation(),
                        version: snapshot.version(),
                        epoch: snapshot.epoch(),
                        transitions: snapshot.transitions(),
                        status: snapshot.status(),
                        output: snapshot.output().to_owned(),
                    };
                    let order = |known: &Known| (known.incarnation, known.version, known.epoch);
                    if let Some(before) = self.known.get(snapshot.id()) {
                        // Whoever comes back at a cursor may be told once more what he knows.
                        assert!(order(before) <= order(&known), "{}: {before:?} before {known:?}", self.name);
                    }
                    self.seen.insert(snapshot.id().to_owned(), ());
                    self.known.insert(snapshot.id().to_owned(), known);
                }
                Event::Tombstone { snapshot, .. } => {
                    let ended = |known: &Known| known.incarnation <= snapshot.incarnation();
                    if self.known.get(snapshot.id()).is_none_or(ended) {
                        self.known.remove(snapshot.id());
                    }
                }
                Event::Summary { state, .. } => self.summary = Some((state.status, state.output.to_string())),
                other => panic!("{}: not asked for: {other:?}", self.name),
            }
        }
        self.cursor = Some(batch.cursor);
        if self.stale && !batch.more {
            // The whole state was told: what was not among it is gone.
            let seen = std::mem::take(&mut self.seen);
            self.known.retain(|id, _| seen.contains_key(id));
            self.stale = false;
        }
    }
}
