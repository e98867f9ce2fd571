//! Subscribers: what each knows after every poll, and what the stream of events must be like.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lifesign::{Check, Event, Snapshot, Status, Subscription, SubscriptionFilter, SummaryState};

use crate::recording::{Belief, Derived, History, Seen, Shown, Span};
use crate::support::random::Random;
use crate::world::{ALIASES, HOMES, SERVICES, World, id, number, state, text};

/// How long a follower that has found nothing waits before it looks whether it is to go on, and how long it leaves the others alone.
const NAP: Duration = Duration::from_millis(2);
const BREAK: Duration = Duration::from_micros(300);

pub struct Follower<'a> {
    world: &'a World,
    subscription: Subscription,
    known: HashMap<String, Arc<Snapshot>>,
    summary: Option<Arc<SummaryState>>,
    /// It ends with the check it follows, and knows nothing of the next life.
    of_one_life: bool,
}

impl<'a> Follower<'a> {
    pub fn new(world: &'a World, filter: &SubscriptionFilter<'_>) -> Self {
        let subscription = world.engine.subscribe(filter).expect("one may subscribe");
        Self { world, subscription, known: HashMap::new(), summary: None, of_one_life: false }
    }

    /// Takes everything that is pending, in portions of any size, and records what is known from then on.
    pub fn poll(&mut self, random: &mut Random, history: &mut History) {
        self.poll_since(self.world.clock.now(), random, history);
    }

    pub fn poll_since(&mut self, start: u64, random: &mut Random, history: &mut History) {
        let mut fresh = Vec::new();
        // Whether the next poll looks for what is pending, and does not go on with a part of what it has found before.
        let mut looks = true;
        loop {
            let most = if looks && random.below(4) == 0 { 3 } else { usize::MAX };
            let batch = self.subscription.poll(most).expect("a poll of one's own subscription");
            history.operations += 1;
            history.polls += 1;
            assert!(!batch.resync, "nothing overflowed");
            let order = |event: &Event| (event.revision(), event.id().to_owned());
            assert!(
                batch.events.is_sorted_by_key(order),
                "a batch is sorted by (revision, id): {:?}",
                batch.events
            );
            let took_all = batch.events.len() < most;
            fresh.extend(batch.events);
            if !batch.more || (looks && took_all) {
                break;
            }
            looks = took_all;
        }
        let span = Span { start, end: self.world.clock.now() };
        for event in fresh {
            self.take(event, span, history);
        }
        for snapshot in self.known.values().filter(|known| !(self.of_one_life && known.is_gone())) {
            match number(snapshot.id()) {
                Some(check) => history.events.push(Seen { span, check, state: state(snapshot) }),
                None => history.shown.push(Shown {
                    span,
                    summary: mirrored(snapshot),
                    status: snapshot.status(),
                    text: Some(text(snapshot.output())),
                }),
            }
        }
        if let Some(known) = &self.summary {
            let (summary, status) = (service_of(known), known.status);
            history.shown.push(Shown { span, summary, status, text: Some(text(&known.output)) });
        }
    }

    /// Each event is newer than all before it of its check.
    fn take(&mut self, event: Event, span: Span, history: &mut History) {
        let mut derived = |summary, key, transitions, status, output: &str| {
            let text = text(output);
            history.derived.push(Derived { span, summary, key, transitions, status, text });
        };
        if let Event::Summary { state, .. } = event {
            let key = |state: &SummaryState| (state.version, state.epoch);
            if let Some(before) = &self.summary {
                assert!(key(&state) > key(before), "{state:?} after {before:?}");
            }
            derived(service_of(&state), key(&state), state.transitions, state.status, &state.output);
            self.summary = Some(state);
            return;
        }
        let (Event::State { snapshot, .. } | Event::Tombstone { snapshot, .. }) = event else {
            panic!("nobody asked for {event:?}")
        };
        let key = |state: &Snapshot| (state.incarnation(), state.is_gone(), state.version(), state.epoch());
        if let Some(before) = self.known.get(snapshot.id()) {
            assert!(key(&snapshot) > key(before), "{snapshot:?} after {before:?}");
        }
        if number(snapshot.id()).is_none() {
            let key = (snapshot.version(), snapshot.epoch());
            derived(mirrored(&snapshot), key, snapshot.transitions(), snapshot.status(), snapshot.output());
        }
        self.known.insert(snapshot.id().to_owned(), snapshot);
    }

    fn believes_critical(&self, check: usize) -> bool {
        self.known.get(&id(check)).is_some_and(|known| known.status() == Status::Critical && !known.is_gone())
    }

    /// When everybody else is done, what is known is what stands.
    fn verify_last(&self, expected: impl Fn(&str) -> bool) {
        let handles = self.world.checks.iter().map(|living| living.read().unwrap().check);
        for handle in handles.chain(self.world.aliases) {
            let last = self.world.engine.snapshot(&handle).expect("it is registered");
            if !expected(last.id()) {
                continue;
            }
            let known = self.known.get(last.id()).unwrap_or_else(|| panic!("nobody told of {last:?}"));
            let said = |state: &Snapshot| (state.incarnation(), state.status(), state.output().to_owned());
            assert_eq!(said(known), said(&last), "the last state of every check was delivered");
            let is_alias = number(last.id()).is_none();
            assert!(
                is_alias || known.version() == last.version(),
                "{known:?} was delivered, {last:?} stands"
            );
        }
    }

    fn verify_last_summary(&self) {
        let known = self.summary.as_ref().expect("it was asked for");
        let last = self.world.engine.service_snapshot(&self.world.service(service_of(known)));
        let last = last.expect("it is registered").summary;
        let said = |state: &SummaryState| (state.status, state.own, state.registered, state.output.clone());
        assert_eq!(said(known), said(&last), "the last state of the summary was delivered");
    }
}

fn mirrored(alias: &Snapshot) -> usize {
    ALIASES.iter().position(|one| *one == alias.id()).expect("an alias of this world")
}

fn service_of(state: &SummaryState) -> usize {
    SERVICES.iter().position(|one| **one == *state.id).expect("a service of this world")
}

/// Follows everything, the aliases and checks by prefix, and what is critical.
pub fn follow_all(world: &World, random: &mut Random, history: &mut History) {
    let mut all = Follower::new(world, &SubscriptionFilter::all());
    let mut direct = Follower::new(world, &SubscriptionFilter::prefix("c"));
    let mut aliases = Follower::new(world, &SubscriptionFilter::prefix("m"));
    let mut critical = Follower::new(world, &SubscriptionFilter::prefix("c").at_least(Status::Critical));
    loop {
        let last = world.is_finished();
        for follower in [&mut all, &mut direct, &mut aliases] {
            follower.poll(random, history);
        }
        let start = world.clock.now();
        let mut own = History::default();
        critical.poll_since(start, random, &mut own);
        history.operations += own.operations;
        history.polls += own.polls;
        let span = Span { start, end: world.clock.now() };
        let belief = |check| Belief { span, check, critical: critical.believes_critical(check) };
        history.beliefs.extend((0..HOMES.len()).map(belief));
        if last {
            break;
        }
        let _ = all.subscription.wait(Some(NAP));
        thread::sleep(BREAK);
    }
    all.verify_last(|_| true);
    direct.verify_last(|id| number(id).is_some());
    aliases.verify_last(|id| number(id).is_none());
    for check in 0..HOMES.len() {
        let status = world.living(check).check.status();
        assert_eq!(
            critical.believes_critical(check),
            status == Some(Status::Critical),
            "check {check} at the end"
        );
    }
    critical.verify_last(|id| number(id).is_some_and(|check| critical.believes_critical(check)));
}

/// Follows services with their summaries, one of them through its lives, and one check for a life at a time.
pub fn follow_some(world: &World, random: &mut Random, history: &mut History) {
    let mut services =
        [0, 2].map(|at| Follower::new(world, &SubscriptionFilter::service(&world.service(at), true)));
    let mut one: Option<(Check, Follower<'_>)> = None;
    loop {
        let last = world.is_finished();
        for follower in &mut services {
            follower.poll(random, history);
        }
        let living = world.living(0);
        if one.as_ref().is_none_or(|(check, _)| *check != living.check) {
            if let Some((_, mut over)) = one.take() {
                over.poll(random, history);
                let ended = over.known.values().all(|known| known.is_gone());
                assert!(ended, "the end of a check was told: {:?}", over.known);
            }
            one = match world.engine.subscribe(&SubscriptionFilter::check(&living.check)) {
                Ok(subscription) => {
                    let follower = Follower {
                        world,
                        subscription,
                        known: HashMap::new(),
                        summary: None,
                        of_one_life: true,
                    };
                    Some((living.check, follower))
                }
                // Deregistered again meanwhile.
                Err(_) => None,
            };
        }
        if let Some((_, follower)) = &mut one {
            follower.poll(random, history);
        }
        if last {
            break;
        }
        let _ = services[1].subscription.wait(Some(NAP));
        thread::sleep(BREAK);
    }
    let bound = |service: usize| move |id: &str| number(id).is_some_and(|check| HOMES[check] == service);
    services[0].verify_last(bound(0));
    services[1].verify_last(|id| bound(2)(id) || id == ALIASES[1]);
    services.iter().for_each(Follower::verify_last_summary);
    one.expect("nobody deregisters it any more").1.verify_last(|other| other == id(0));
}
