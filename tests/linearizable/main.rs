//! Linearizability: real threads write, take over, deregister, register again and read by every view there is; what they saw is recorded
//! and then checked by the order of versions.

#[path = "../support/mod.rs"]
mod support;

mod history;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, RwLock};
use std::thread;

use lifesign::{Check, Engine, Event, Service, Snapshot, Status, SubscriptionFilter, Token};

use history::{AliasRead, END, History, Read, Register, SummaryRead, Word, Write};
use support::random::Random;
use support::{alias, breaks, check, engine, service};

/// Which service each check is bound to; 3 is the node.
const HOMES: [usize; 8] = [0, 0, 0, 0, 1, 1, 2, 3];
/// The checks that each alias depends on: of service 0 in 1, of 1 in 2, of 2 at the node.
const BELOW: [&[usize]; 3] = [&[0, 1, 2, 3, 7], &[0, 1, 2, 3, 4, 5, 7], &[0, 1, 2, 3, 4, 5, 6, 7]];
const STATUSES: [Status; 3] = [Status::Passing, Status::Warning, Status::Critical];

/// A check in its present life.
#[derive(Clone)]
struct Life {
    check: Check,
    incarnation: u64,
    token: Arc<Token>,
}

struct World {
    engine: Engine,
    services: [Service; 3],
    aliases: [Check; 3],
    lives: Vec<RwLock<Life>>,
    clock: AtomicU64,
    sequence: AtomicU64,
    done: AtomicBool,
}

fn id(check: usize) -> String {
    format!("check {check}")
}

impl World {
    fn new() -> Self {
        let engine = engine();
        let services = ["s0", "s1", "s2"].map(|id| service(&engine, id));
        let aliases = [
            alias(&engine, "m0", Some(&services[1]), "s0"),
            alias(&engine, "m1", Some(&services[2]), "s1"),
            alias(&engine, "m2", None, "s2"),
        ];
        let lives = (0..HOMES.len()).map(|at| RwLock::new(Self::begin(&engine, &services, at))).collect();
        let (clock, sequence, done) = (AtomicU64::new(1), AtomicU64::new(1), AtomicBool::new(false));
        Self { engine, services, aliases, lives, clock, sequence, done }
    }

    fn begin(engine: &Engine, services: &[Service; 3], at: usize) -> Life {
        let check = check(engine, &id(at), services.get(HOMES[at]));
        let token = Arc::new(engine.acquire(&check, "first").unwrap());
        let incarnation = engine.snapshot(&check).unwrap().incarnation();
        Life { check, incarnation, token }
    }

    fn life(&self, at: usize) -> Life {
        self.lives[at].read().unwrap().clone()
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn write(&self, random: &mut Random, history: &mut History) {
        let check = random.below(HOMES.len() as u64) as usize;
        let life = self.life(check);
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let status = STATUSES[random.below(3) as usize];
        let_others_in(random);
        let start = self.now();
        let accepted = life.token.write(status, &sequence.to_string()).is_ok();
        history.writes.push(Write { start, end: self.now(), check, sequence, status, accepted });
    }

    /// Takes a check over, or ends its life and begins the next.
    fn churn(&self, random: &mut Random, history: &mut History) {
        let at = random.below(HOMES.len() as u64) as usize;
        let mut life = self.life(at);
        if random.below(3) > 0 {
            life.token =
                Arc::new(self.engine.take_over(&life.check, life.token.generation(), "next").unwrap());
        } else {
            let start = self.now();
            if random.below(2) == 0 {
                life.token.deregister_check().unwrap();
            } else {
                self.engine.deregister_check_by_force(&life.check, "operator").unwrap();
            }
            let end = self.now();
            history.ends.push(Register { start, end, check: at, incarnation: life.incarnation });
            let start = self.now();
            life = Self::begin(&self.engine, &self.services, at);
            history.begins.push(Register {
                start,
                end: self.now(),
                check: at,
                incarnation: life.incarnation,
            });
        }
        *self.lives[at].write().unwrap() = life;
        thread::yield_now();
    }

    fn read(&self, random: &mut Random, history: &mut History) {
        let check = random.below(HOMES.len() as u64) as usize;
        let which = random.below(3) as usize;
        let life = self.life(check);
        let start = self.now();
        let_others_in(random);
        match random.below(10) {
            0..4 => {
                let status = life.check.status();
                history.words.push(Word {
                    start,
                    end: self.now(),
                    check,
                    incarnation: life.incarnation,
                    status,
                });
            }
            4..6 => {
                if let Ok(state) = self.engine.snapshot(&life.check) {
                    history.reads.push(observed(start, self.now(), check, &state));
                }
            }
            6 => {
                let status = self.aliases[which].status().unwrap();
                history.aliases.push(AliasRead { start, end: self.now(), alias: which, status });
            }
            7 => {
                let status = self.services[which].status().unwrap();
                history.aliases.push(AliasRead { start, end: self.now(), alias: which, status });
            }
            8 => {
                let state = self.engine.snapshot(&self.aliases[which]).unwrap();
                let end = self.now();
                history.aliases.push(AliasRead { start, end, alias: which, status: state.status() });
                let (version, epoch) = (state.version(), state.epoch());
                let text = state.output().to_owned();
                history.summaries.push(SummaryRead {
                    start,
                    end,
                    summary: which,
                    version,
                    epoch,
                    status: state.status(),
                    text,
                });
            }
            _ => self.read_service(which, history),
        }
    }

    fn read_service(&self, which: usize, history: &mut History) {
        let start = self.now();
        let view = self.engine.service_snapshot(&self.services[which]).unwrap();
        let end = self.now();
        let worst = view.checks.iter().map(|(_, state)| state.status()).max().unwrap_or(Status::Passing);
        assert_eq!(view.summary.own, worst, "a service and its checks belong to different moments: {view:?}");
        let states = view.checks.iter().filter_map(|(_, state)| Some((index(state.id())?, state)));
        history.reads.extend(states.map(|(check, state)| observed(start, end, check, state)));
        let (version, epoch, status) = (view.summary.version, view.summary.epoch, view.summary.status);
        let text = view.summary.output.to_string();
        history.aliases.push(AliasRead { start, end, alias: which, status });
        history.summaries.push(SummaryRead { start, end, summary: which, version, epoch, status, text });
    }

    /// Follows everything by events; what was delivered last is this reader's view of each check.
    fn follow(&self, history: &mut History) {
        let subscription = self.engine.subscribe(&SubscriptionFilter::all()).unwrap();
        let mut known: HashMap<String, Arc<Snapshot>> = HashMap::new();
        loop {
            let last = self.done.load(Ordering::SeqCst);
            let start = self.now();
            let mut previous = (0, String::new());
            loop {
                let batch = subscription.poll(usize::MAX).unwrap();
                assert!(!batch.resync, "nothing overflowed");
                for event in batch.events {
                    let (Event::State { snapshot, .. } | Event::Tombstone { snapshot, .. }) = &event else {
                        panic!("no summary was asked for: {event:?}")
                    };
                    let order = (event.revision(), event.id().to_owned());
                    assert!(order >= previous, "{order:?} after {previous:?}");
                    previous = order;
                    if let Some(before) = known.insert(snapshot.id().to_owned(), snapshot.clone()) {
                        let key = |state: &Snapshot| {
                            (state.incarnation(), state.is_gone(), state.version(), state.epoch())
                        };
                        assert!(key(snapshot) > key(&before), "{snapshot:?} after {before:?}");
                    }
                }
                previous = (0, String::new());
                if !batch.more {
                    break;
                }
            }
            let end = self.now();
            let states = known.values().filter_map(|state| Some((index(state.id())?, state)));
            history.events.extend(states.map(|(check, state)| observed(start, end, check, state)));
            for (at, mirror) in ["m0", "m1", "m2"].iter().enumerate() {
                let state = &known[*mirror];
                history.aliases.push(AliasRead { start, end, alias: at, status: state.status() });
            }
            if last {
                break;
            }
            thread::yield_now();
        }
        for (at, life) in self.lives.iter().enumerate() {
            let state = self.engine.snapshot(&life.read().unwrap().check).unwrap();
            assert_eq!(
                known[&id(at)].version(),
                state.version(),
                "the last state of every check was delivered"
            );
        }
    }
}

/// Now and then, so that there is something to overlap with on a machine with few cores.
fn let_others_in(random: &mut Random) {
    if random.below(8) == 0 {
        thread::yield_now();
    }
}

fn index(id: &str) -> Option<usize> {
    id.strip_prefix("check ")?.parse().ok()
}

fn observed(start: u64, end: u64, check: usize, state: &Snapshot) -> Read {
    Read {
        start,
        end,
        check,
        position: (state.incarnation(), if state.is_gone() { END } else { state.version() }),
        revision: state.revision(),
        sequence: state.output().parse().unwrap_or(0),
        status: state.status(),
    }
}

#[test]
fn every_view_is_linearizable() {
    let _whole = breaks::none();
    let rounds = if std::env::var_os("LIFESIGN_LONG").is_some() { 500_000 } else { 60_000 };
    let world = World::new();
    let mut history = History::new(HOMES.len(), &BELOW);
    for (at, life) in world.lives.iter().enumerate() {
        let incarnation = life.read().unwrap().incarnation;
        history.begins.push(Register { start: 0, end: 0, check: at, incarnation });
    }
    let together = Barrier::new(7);
    thread::scope(|scope| {
        let (world, together) = (&world, &together);

        let record = |seed: u64, step: fn(&World, &mut Random, &mut History), rounds: u64| {
            scope.spawn(move || {
                let mut history = History::new(HOMES.len(), &BELOW);
                let mut random = Random::new(seed);
                together.wait();
                for _ in 0..rounds {
                    step(world, &mut random, &mut history);
                }
                history
            })
        };
        let follower = scope.spawn(|| {
            let mut history = History::new(HOMES.len(), &BELOW);
            world.follow(&mut history);
            history
        });
        let mut threads = vec![record(9, World::churn, rounds / 10)];
        threads.extend((0..3).map(|seed| record(seed, World::write, rounds)));
        threads.extend((3..6).map(|seed| record(seed, World::read, rounds)));
        for thread in threads {
            history.append(thread.join().unwrap());
        }
        world.done.store(true, Ordering::SeqCst);
        history.append(follower.join().unwrap());
    });
    assert_eq!(world.engine.audit().unwrap(), 0);
    let stats = world.engine.stats().unwrap();
    assert_eq!((stats.repairs, stats.internal_errors), (0, 0));
    let report = history.verify();
    assert!(report.operations >= 200_000, "{report:?}");
    assert!(
        report.refused > 10 && report.lives > 100,
        "writers met neither take-overs nor new lives: {report:?}"
    );
    assert!(report.overlapping > 1_000, "reads did not overlap with writes: {report:?}");
    assert!(
        report.words_decided > 1_000 && report.aliases_decided > 1_000,
        "too little was decided: {report:?}"
    );
}
