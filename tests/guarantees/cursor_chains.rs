//! S8 at length: who follows by resuming again and again has the same picture as who never left.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lifesign::{
    Batch, Check, CheckSpec, Cursor, Engine, Event, Limits, Service, Status, Subscription,
    SubscriptionFilter, Token,
};

use crate::support::random::Random;
use crate::support::{alias, breaks, check, limited, service};

const STATUSES: [Status; 3] = [Status::Passing, Status::Warning, Status::Critical];

/// What a subscriber makes of its batches: by id the last state, as text.
#[derive(Default, PartialEq, Eq, Debug)]
struct Picture(BTreeMap<String, String>);

impl Picture {
    fn take(&mut self, batch: &Batch) {
        if batch.resync {
            self.0.clear();
        }
        for event in &batch.events {
            match event {
                Event::State { snapshot, .. } => self.put(snapshot),
                Event::Tombstone { .. } => drop(self.0.remove(event.id())),
                Event::Trouble(_) => panic!("no trouble was asked for: {event:?}"),
                Event::Summary { state, .. } => {
                    let text = format!("{} {} {:?}", state.status, state.registered, state.output);
                    self.0.insert(format!("summary of {}", state.id), text);
                }
            }
        }
    }

    fn put(&mut self, state: &lifesign::Snapshot) {
        let text = format!(
            "{} {:?} {} {} {}",
            state.status(),
            state.output(),
            state.incarnation(),
            state.transitions(),
            state.name()
        );
        self.0.insert(state.id().to_owned(), text);
    }

    /// What there is, as far as `wanted`.
    fn present(engine: &Engine, wanted: impl Fn(&lifesign::Snapshot) -> bool) -> Self {
        let mut picture = Self::default();
        for check in engine.checks().unwrap() {
            let state = engine.snapshot(&check).unwrap();
            if wanted(&state) {
                picture.put(&state);
            }
        }
        picture
    }
}

/// Follows a filter through many subscriptions, each begun at the cursor of the one before.
struct Chain<'a> {
    filter: SubscriptionFilter<'a>,
    present: Subscription,
    picture: Picture,
    at: Cursor,
    resumed: u32,
    resyncs: u32,
}

impl<'a> Chain<'a> {
    fn begin(engine: &Engine, filter: SubscriptionFilter<'a>) -> Self {
        let present = engine.subscribe(&filter).unwrap();
        let at = present.poll(0).unwrap().cursor;
        Self { filter, present, picture: Picture::default(), at, resumed: 0, resyncs: 0 }
    }

    fn step(&mut self, engine: &Engine, random: &mut Random) {
        match random.below(4) {
            0 => {
                self.present.close();
                // Sometimes nobody is subscribed for a while.
                self.present = engine.subscribe(&self.filter.clone().since(self.at)).unwrap();
                self.resumed += 1;
            }
            1 => _ = self.poll(1 + random.below(3) as usize),
            2 => _ = self.poll(usize::MAX),
            _ => {
                if let Err(error) = self.present.wait(Some(Duration::ZERO)) {
                    self.at = error.bookmark().expect("a time-out");
                }
            }
        }
    }

    /// Tells whether there is more.
    fn poll(&mut self, most: usize) -> bool {
        let batch = self.present.poll(most).unwrap();
        self.picture.take(&batch);
        self.at = batch.cursor;
        self.resyncs += u32::from(batch.resync);
        batch.more
    }

    fn finish(&mut self) {
        while self.poll(7) {}
    }
}

/// Checks and aliases that come, report and go.
struct Town<'a> {
    engine: &'a Engine,
    services: [Service; 3],
    checks: Vec<Option<Token>>,
    aliases: [Option<Check>; 4],
}

const PLACES: usize = 12;

impl<'a> Town<'a> {
    fn new(engine: &'a Engine) -> Self {
        let services = ["s0", "s1", "s2"].map(|id| service(engine, id));
        Self { engine, services, checks: (0..PLACES).map(|_| None).collect(), aliases: [None; 4] }
    }

    fn step(&mut self, random: &mut Random) {
        let at = random.below(PLACES as u64) as usize;
        if random.below(6) == 0 {
            let at = at % 4;
            self.aliases[at] = match self.aliases[at].take() {
                Some(alias) => {
                    self.engine.deregister_check(&alias).unwrap();
                    None
                }
                // m0 shows s0 in s1, m1 s1 in s2, m2 s2 on the node, m3 s0 in s2.
                None => {
                    let (home, target) =
                        [(Some(1), "s0"), (Some(2), "s1"), (None, "s2"), (Some(2), "s0")][at];
                    let home = home.map(|home: usize| &self.services[home]);
                    Some(alias(self.engine, &format!("m{at}"), home, target))
                }
            };
            return;
        }
        let service = self.services.get(at % 4);
        match (&self.checks[at], random.below(8)) {
            (None, _) => {
                let check = check(self.engine, &format!("c{at}"), service);
                self.checks[at] = Some(self.engine.acquire(&check, "U").unwrap());
            }
            (Some(token), 0) => {
                token.deregister_check().unwrap();
                self.checks[at] = None;
            }
            (Some(token), 1) => {
                let spec = CheckSpec::new(format!("c{at}")).initial(Status::Passing);
                let spec = CheckSpec { name: format!("name {}", random.below(100)), ..spec };
                self.engine.redefine_check(&token.check(), &spec, service).unwrap();
            }
            (Some(token), _) => {
                let text = random.below(4).to_string();
                token.write(STATUSES[random.below(3) as usize], &text).unwrap();
            }
        }
    }
}

fn chains<'a>(engine: &Engine, services: &'a [Service; 3]) -> Vec<Chain<'a>> {
    let filters = [
        SubscriptionFilter::all(),
        SubscriptionFilter::prefix("m"),
        SubscriptionFilter::service(&services[1], true),
        SubscriptionFilter::service(&services[2], false),
    ];
    filters.into_iter().map(|filter| Chain::begin(engine, filter)).collect()
}

fn assert_same_picture(chain: &mut Chain<'_>, steady: &mut Chain<'_>) {
    chain.finish();
    steady.finish();
    assert_eq!(chain.picture, steady.picture, "{:?}", chain.filter);
}

/// All chains have the picture of one that never left, which is what there is.
fn assert_same(engine: &Engine, chains: &mut [Chain<'_>], steady: &mut [Chain<'_>]) {
    chains.iter_mut().zip(steady.iter_mut()).for_each(|(chain, steady)| assert_same_picture(chain, steady));
    assert_eq!(steady[0].picture, Picture::present(engine, |_| true), "everything");
    assert_eq!(steady[1].picture, Picture::present(engine, |state| state.id().starts_with('m')), "prefix");
}

#[test]
fn s8_a_chain_of_resumed_subscriptions_sees_what_one_sees_that_never_left() {
    let _whole = breaks::none();
    let (mut resumed, mut resyncs) = (0, 0);
    for (seed, max_pending) in (0..40).map(|seed| (seed, if seed % 2 == 0 { 4096 } else { 3 })) {
        let mut random = Random::new(seed);
        let engine = limited(Limits { max_pending, ..Limits::default() });
        let mut town = Town::new(&engine);
        let services = town.services;
        let (mut leaving, mut steady) = (chains(&engine, &services), chains(&engine, &services));
        for _ in 0..300 {
            (0..1 + random.below(6)).for_each(|_| town.step(&mut random));
            let which = random.below(leaving.len() as u64) as usize;
            leaving[which].step(&engine, &mut random);
            if random.below(4) == 0 {
                assert_same_picture(&mut leaving[which], &mut steady[which]);
            }
        }
        assert_same(&engine, &mut leaving, &mut steady);
        resumed += leaving.iter().map(|chain| chain.resumed).sum::<u32>();
        resyncs += leaving.iter().map(|chain| chain.resyncs).sum::<u32>();
    }
    assert!(resumed > 1_000 && resyncs > 100, "{resumed} resumed, {resyncs} whole states");
}

#[test]
fn s8_the_same_beside_threads_that_go_on() {
    const ROUNDS: u64 = 12;
    let _whole = breaks::none();
    let mut resumed = 0;
    for round in 0..ROUNDS {
        let engine =
            limited(Limits { max_pending: if round % 2 == 0 { 4096 } else { 8 }, ..Limits::default() });
        let mut town = Town::new(&engine);
        let services = town.services;
        let (mut leaving, mut steady) = (chains(&engine, &services), chains(&engine, &services));
        let shared = engine.acquire(&check(&engine, "shared", Some(&services[0])), "U").unwrap();
        let left = AtomicUsize::new(3);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = Random::new(round);
                (0..4_000).for_each(|_| town.step(&mut random));
                left.fetch_sub(1, Ordering::Relaxed);
            });
            for writer in 0..2 {
                // Two threads of one token: each pays for what the other has not paid yet.
                let (shared, left) = (&shared, &left);
                scope.spawn(move || {
                    let mut random = Random::new(100 + round * 2 + writer);
                    for _ in 0..20_000 {
                        let text = random.below(3).to_string();
                        shared.write(STATUSES[random.below(3) as usize], &text).unwrap();
                    }
                    left.fetch_sub(1, Ordering::Relaxed);
                });
            }
            for (at, chain) in leaving.iter_mut().enumerate() {
                let (engine, left) = (&engine, &left);
                scope.spawn(move || {
                    let mut random = Random::new(1_000 + round * 4 + at as u64);
                    while left.load(Ordering::Relaxed) > 0 {
                        chain.step(engine, &mut random);
                    }
                });
            }
        });
        assert_same(&engine, &mut leaving, &mut steady);
        resumed += leaving.iter().map(|chain| chain.resumed).sum::<u32>();
    }
    assert!(resumed > 100 * ROUNDS as u32, "only {resumed} subscriptions began beside the writers");
}
