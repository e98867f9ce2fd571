//! The threads of the long history: who writes, who rivals, who registers, who reads.

use std::sync::Arc;
use std::thread;

use lifesign::failpoint::Pause;
use lifesign::{ErrorKind, ServiceSnapshot, Snapshot, SubscriptionFilter};

use crate::follower::Follower;
use crate::recording::{Claim, Derived, History, Life, Seen, Shown, Span, Whole, Word, Write};
use crate::support::random::Random;
use crate::support::service;
use crate::whole_service;
use crate::world::{
    HOMES, LIFE_OF_BASE, Living, NODE, SERVICES, STATUSES, STEPS, World, number, position, state, text,
};

/// A thread, with what it has recorded.
pub struct Actor<'a> {
    pub world: &'a World,
    pub random: Random,
    pub history: History,
    /// The checks as it knows them: it may not have heard of a take-over or a new life.
    met: [Option<Living>; HOMES.len()],
    /// What it has last written to each check.
    written: [Option<Write>; HOMES.len()],
    number: u64,
}

impl<'a> Actor<'a> {
    pub fn new(world: &'a World, number: u64, seed: u64) -> Self {
        let random = Random::new(seed << 8 | number);
        let (history, met) = (History::default(), Default::default());
        Self { world, random, history, met, written: [None; HOMES.len()], number }
    }

    /// Now and then, so that there is something to overlap with on a machine with few cores.
    fn let_others_in(&mut self) {
        match self.random.below(64) {
            0..8 => thread::yield_now(),
            8 => self.world.let_go(0),
            9 => self.world.let_go(1),
            _ => {}
        }
    }

    /// Mostly one of two, where everybody meets.
    fn any_check(&mut self) -> usize {
        match self.random.below(16) {
            check @ 0..8 => check as usize,
            at => [0, 3][at as usize % 2],
        }
    }

    /// Writes, and is stopped at some step of it until somebody else lets it go on.
    pub fn stall(&mut self) {
        let pause = Pause::new();
        pause.arm(STEPS[self.random.below(STEPS.len() as u64) as usize]);
        let stopped = &self.world.stopped[self.number as usize % 2];
        *stopped.lock().unwrap() = Some(pause.clone());
        self.write();
        *stopped.lock().unwrap() = None;
        // If it has not come to its point.
        pause.release();
    }

    /// Reports: another status mostly, the same with another text, or the same again.
    pub fn write(&mut self) {
        let check = self.any_check();
        let known = self.met[check].take().filter(|_| self.random.below(4) > 0);
        let living = known.unwrap_or_else(|| self.world.living(check));
        let Living { incarnation, ref token, .. } = living;
        let last = self.written[check].filter(|last| last.incarnation == incarnation);
        let (sequence, status, repeated) = match (self.random.below(10), last) {
            (0..2, Some(last)) => (last.sequence, last.status, true),
            (2..4, Some(last)) => (self.world.next_sequence(), last.status, false),
            _ => (self.world.next_sequence(), STATUSES[self.random.below(3) as usize], false),
        };
        self.let_others_in();
        let (span, result) = self.world.clock.time(|| token.write(status, &sequence.to_string()));
        let refused = result.err().map(|error| error.kind());
        let generation = token.generation();
        let thread = self.number;
        let write =
            Write { span, thread, check, incarnation, generation, sequence, status, refused, repeated };
        if refused.is_none() {
            self.written[check] = Some(write);
        }
        self.met[check] = Some(living);
        self.history.writes.push(write);
        self.history.operations += 1;
    }

    /// Takes a check over, or closes the present token and acquires the check, or tries to acquire what is held.
    pub fn rival(&mut self) {
        let check = self.any_check();
        let living = self.world.living(check);
        match self.random.below(4) {
            0 => {
                // Another rival may have closed it.
                let _ = living.token.close();
                self.history.operations += 1;
                self.claim(check, &living, None);
            }
            1 => _ = self.claim(check, &living, None),
            _ => {
                let seen = living.token.generation();
                if let Some(Err(present)) = self.claim(check, &living, Some(seen)) {
                    self.claim(check, &living, Some(present));
                }
            }
        }
        thread::yield_now();
    }

    fn claim(&mut self, check: usize, living: &Living, expected: Option<u64>) -> Option<Result<u64, u64>> {
        let engine = &self.world.engine;
        let (span, result) = self.world.clock.time(|| match expected {
            Some(expected) => engine.take_over(&living.check, expected, "rival"),
            None => engine.acquire(&living.check, "rival"),
        });
        self.history.operations += 1;
        let outcome = match result {
            Ok(token) => {
                let generation = token.generation();
                let mut present = self.world.checks[check].write().unwrap();
                if present.incarnation == living.incarnation && present.token.generation() < generation {
                    present.token = Arc::new(token);
                }
                Ok(generation)
            }
            Err(error) if error.kind() == ErrorKind::Held => {
                Err(error.generation().expect("it names the holder"))
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
                return None;
            }
        };
        let incarnation = living.incarnation;
        self.history.claims.push(Claim { span, check, incarnation, expected, outcome });
        Some(outcome)
    }

    /// Ends the life of a check and begins the next; now and then of a whole service, while its aliases show it missing.
    pub fn reregister(&mut self) {
        if self.random.below(8) == 0 {
            return self.reregister_base();
        }
        let check = self.any_check();
        self.deregister(check);
        let next = self.world.register(check, &mut self.history);
        self.history.operations += 2;
        *self.world.checks[check].write().unwrap() = next;
        thread::yield_now();
    }

    fn deregister(&mut self, check: usize) {
        let living = self.world.living(check);
        let by_holder = self.random.below(2) == 0;
        let (span, ()) = self.world.clock.time(|| {
            if !by_holder || living.token.deregister_check().is_err() {
                self.world
                    .engine
                    .deregister_check_by_force(&living.check, "operator")
                    .expect("nobody else deregisters");
            }
        });
        self.history.operations += 1;
        self.history.ends.push(Life { span, check, incarnation: living.incarnation });
    }

    fn reregister_base(&mut self) {
        let checks: Vec<usize> = (0..HOMES.len()).filter(|check| HOMES[*check] == 0).collect();
        checks.iter().for_each(|check| self.deregister(*check));
        let world = self.world;
        let base = world.service(0);
        let incarnation = world.engine.service_snapshot(&base).expect("it is registered").incarnation;
        let (span, ()) = world.clock.time(|| world.engine.deregister_service(&base).expect("it is empty"));
        self.history.ends.push(Life { span, check: LIFE_OF_BASE, incarnation });
        for _ in 0..4 {
            thread::yield_now();
        }
        let (span, base) = world.clock.time(|| service(&world.engine, SERVICES[0]));
        let incarnation = world.engine.service_snapshot(&base).expect("it is registered").incarnation;
        self.history.begins.push(Life { span, check: LIFE_OF_BASE, incarnation });
        *world.services[0].write().unwrap() = base;
        self.history.operations += 2;
        for check in checks {
            let next = world.register(check, &mut self.history);
            *world.checks[check].write().unwrap() = next;
            self.history.operations += 1;
        }
    }

    /// One read, of any view.
    pub fn read(&mut self) {
        let which = self.random.below(4) as usize;
        self.let_others_in();
        self.history.operations += 1;
        match self.random.below(256) {
            0..96 => self.read_word(),
            96..160 => self.read_snapshot(),
            160..196 => {
                let (span, status) = self.world.clock.time(|| self.world.aliases[which].status());
                let status = status.expect("aliases stay");
                self.history.shown.push(Shown { span, summary: which, status, text: None });
            }
            196..228 => self.read_summary(which),
            228..244 => {
                let (span, state) =
                    self.world.clock.time(|| self.world.engine.snapshot(&self.world.aliases[which]));
                let state = state.expect("aliases stay");
                self.history.derived.push(derived(span, which, &state));
            }
            244..255 => self.read_service(which),
            _ => self.subscribe_and_leave(),
        }
    }

    fn read_word(&mut self) {
        let check = self.any_check();
        let Living { check: handle, incarnation, .. } = self.world.living(check);
        let (span, status) = self.world.clock.time(|| handle.status());
        self.history.words.push(Word { span, check, incarnation, status });
    }

    fn read_snapshot(&mut self) {
        let check = self.any_check();
        let living = self.world.living(check);
        let (span, snapshot) = self.world.clock.time(|| self.world.engine.snapshot(&living.check));
        match snapshot {
            Ok(snapshot) => self.history.seen.push(Seen { span, check, state: state(&snapshot) }),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
                let incarnation = living.incarnation;
                self.history.words.push(Word { span, check, incarnation, status: None });
            }
        }
    }

    fn read_summary(&mut self, summary: usize) {
        let (span, status) = if summary == NODE {
            self.world.clock.time(|| self.world.engine.node_status())
        } else {
            let service = self.world.service(summary);
            self.world.clock.time(|| service.status())
        };
        if let Some(status) = status {
            self.history.shown.push(Shown { span, summary, status, text: None });
        }
    }

    fn read_service(&mut self, summary: usize) {
        let (span, view) = if summary == NODE {
            self.world.clock.time(|| self.world.engine.node_snapshot())
        } else {
            let service = self.world.service(summary);
            self.world.clock.time(|| self.world.engine.service_snapshot(&service))
        };
        match view {
            Ok(view) => self.saw_service(span, summary, &view),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Gone, "{error}"),
        }
    }

    fn saw_service(&mut self, span: Span, summary: usize, view: &ServiceSnapshot) {
        whole_service::verify_view(view);
        let (mut checks, mut alias) = (Vec::new(), None);
        for (_, snapshot) in &view.checks {
            match number(snapshot.id()) {
                Some(check) => {
                    self.history.seen.push(Seen { span, check, state: state(snapshot) });
                    checks.push((check, position(snapshot)));
                }
                // The node's aliases count for nothing there.
                None if summary == NODE => {}
                None => {
                    let seen = derived(span, summary - 1, snapshot);
                    alias = Some((seen.summary, seen.key));
                    self.history.derived.push(seen);
                }
            }
        }
        let state = &view.summary;
        let key = (state.version, state.epoch);
        self.history.wholes.push(Whole { span, summary, key, checks, alias });
        self.history.derived.push(Derived {
            span,
            summary,
            key,
            transitions: state.transitions,
            status: state.status,
            text: text(&state.output),
        });
    }

    /// The state that a subscription starts with is a read like any other.
    fn subscribe_and_leave(&mut self) {
        let filter = if self.random.below(2) == 0 {
            SubscriptionFilter::all()
        } else {
            SubscriptionFilter::prefix("c")
        };
        let start = self.world.clock.now();
        let mut follower = Follower::new(self.world, &filter);
        follower.poll_since(start, &mut self.random, &mut self.history);
    }
}

/// What the snapshot of an alias says of the summary it mirrors.
pub fn derived(span: Span, summary: usize, alias: &Snapshot) -> Derived {
    Derived {
        span,
        summary,
        key: (alias.version(), alias.epoch()),
        transitions: alias.transitions(),
        status: alias.status(),
        text: text(alias.output()),
    }
}
