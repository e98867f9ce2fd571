//! Who changes things. Several workers want the same checks; what one of them is refused is part of the work.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lifesign::{Acquire, CheckSpec, Error, ErrorKind, Join, OnLapse, ServiceSpec, Status, Token, Write};

use crate::support::random::Random;
use crate::world::{CHECKS, SERVICES, World};

const STATUSES: [Status; 4] = [Status::Passing, Status::Passing, Status::Warning, Status::Critical];

/// Tokens a worker keeps at most.
const KEPT: usize = 8;

pub struct Worker<'a> {
    world: &'a World,
    random: Random,
    label: String,
    tokens: Vec<Token>,
}

/// A refusal is to be expected beside rivals; anything else is a failure.
fn beside_rivals<T>(result: Result<T, Error>) -> Option<T> {
    use ErrorKind::{Busy, Expired, Fenced, Gone, Held, NotFound};
    match result {
        Ok(value) => Some(value),
        Err(refused) if matches!(refused.kind(), Busy | Expired | Fenced | Gone | Held | NotFound) => None,
        Err(failed) => panic!("{failed}"),
    }
}

impl<'a> Worker<'a> {
    pub fn new(world: &'a World, number: u64, seed: u64) -> Self {
        Self { world, random: Random::new(seed), label: format!("worker {number}"), tokens: Vec::new() }
    }

    /// Works until the round is over; closes its tokens then.
    pub fn run(mut self) {
        while !self.world.stop.load(Ordering::Relaxed) {
            for _ in 0..64 {
                self.step();
            }
            self.world.operations.fetch_add(64, Ordering::Relaxed);
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound as u64) as usize
    }

    fn status(&mut self) -> Status {
        STATUSES[self.below(STATUSES.len())]
    }

    fn step(&mut self) {
        match self.below(100) {
            0..=9 => self.take(),
            10..=54 => self.write(),
            55..=64 => self.repeat(),
            65..=69 => self.renew(),
            70..=79 => self.batch(),
            80..=86 => self.give_back(),
            87..=93 => self.deregister(),
            94..=95 => self.node(),
            96 => self.service(),
            97 => self.redefine(),
            98 => self.ask(),
            _ => self.read(),
        }
    }

    fn take(&mut self) {
        let (service, check) = (self.below(SERVICES), self.below(CHECKS));
        let Some(check) = beside_rivals(self.world.check(service, check)) else { return };
        let lapse = [OnLapse::Keep, OnLapse::Warning, OnLapse::Critical][self.below(3)];
        // From some ticks to more than the clock can jump.
        let seconds = [10, 60, 600, 4 * 3_600][self.below(4)];
        let lease = (self.below(4) > 0).then(|| Duration::from_secs(seconds));
        let declared = (self.below(4) == 0).then_some(self.world.peer);
        let how = Acquire { lease, on_lapse: lapse, declared, ..Acquire::new(&self.label) };
        let engine = &self.world.engine;
        let taken = match beside_rivals(engine.acquire(&check, how)) {
            Some(token) => Some(token),
            None => beside_rivals(engine.who(&check))
                .and_then(|who| beside_rivals(engine.take_over(&check, who.generation, how))),
        };
        if let Some(taken) = &taken {
            assert_eq!(taken.record().declared, declared.is_some(), "who was declared is marked so");
            // A token of its own that it has taken the check from, or another: nobody waits for long.
            if let Some(old) = self.tokens.first() {
                let over = taken
                    .join(old, Join { timeout: Some(Duration::ZERO), calls_only: self.random.below(2) == 0 });
                match over.map_err(|refused| refused.kind()) {
                    Ok(()) => _ = self.world.joined.fetch_add(1, Ordering::Relaxed),
                    Err(refused) => assert_eq!(refused, ErrorKind::StillRunning),
                }
            }
        }
        self.tokens.extend(taken);
        if self.tokens.len() > KEPT {
            self.tokens.remove(0);
        }
    }

    fn token(&mut self) -> Option<usize> {
        if self.tokens.is_empty() {
            return None;
        }
        Some(self.below(self.tokens.len()))
    }

    fn write(&mut self) {
        let (status, number) = (self.status(), self.below(8));
        if let Some(at) = self.token() {
            let written = self.tokens[at].write(status, &format!("output {number}"));
            if beside_rivals(written).is_none() && self.below(4) == 0 {
                self.tokens.remove(at);
            }
        }
    }

    fn repeat(&mut self) {
        let Some(at) = self.token() else { return };
        let token = &self.tokens[at];
        if let Some(state) = beside_rivals(self.world.engine.snapshot(&token.check())) {
            beside_rivals(token.write(state.status(), state.output()));
        }
    }

    fn renew(&mut self) {
        if let Some(at) = self.token() {
            beside_rivals(self.tokens[at].renew());
        }
    }

    fn batch(&mut self) {
        let status = self.status();
        let writes: Vec<_> =
            self.tokens.iter().map(|token| Write { token, status, output: "batch" }).collect();
        for result in self.world.engine.write_batch(&writes).unwrap() {
            beside_rivals(result);
        }
    }

    fn give_back(&mut self) {
        if let Some(at) = self.token() {
            self.tokens.remove(at);
        }
    }

    fn deregister(&mut self) {
        if self.below(2) == 0 {
            let Some(at) = self.token() else { return };
            beside_rivals(self.tokens[at].deregister_check());
            return;
        }
        let (service, check) = (self.below(SERVICES), self.below(CHECKS));
        let id = crate::world::id(service, check);
        let engine = &self.world.engine;
        if let Some(check) = beside_rivals(engine.check(&id)) {
            beside_rivals(engine.deregister_check_by_force(&check, &self.label));
        }
    }

    fn node(&mut self) {
        let status = self.status();
        let engine = &self.world.engine;
        let disk = engine.check("node:disk").unwrap();
        if let Some(token) = beside_rivals(engine.acquire(&disk, self.label.as_str())) {
            beside_rivals(token.write(status, "disk"));
        }
    }

    fn service(&mut self) {
        let engine = &self.world.engine;
        match engine.service("now-and-then") {
            Ok(service) => _ = beside_rivals(engine.deregister_service(&service)),
            Err(_) => _ = beside_rivals(engine.register_service(&ServiceSpec::new("now-and-then"))),
        }
    }

    fn redefine(&mut self) {
        let number = self.below(4);
        let disk = self.world.engine.check("node:disk").unwrap();
        let mut spec = CheckSpec::new("node:disk").initial(Status::Passing);
        spec.name = format!("disk {number}");
        self.world.engine.redefine_check(&disk, &spec, None).unwrap();
    }

    /// Who it is that has a check, and what has happened to it.
    fn ask(&mut self) {
        let id = crate::world::id(self.below(SERVICES), self.below(CHECKS));
        let engine = &self.world.engine;
        let Some(check) = beside_rivals(engine.check(&id)) else { return };
        if let Some(writers) = beside_rivals(engine.writers(&check)) {
            assert!(writers.iter().filter(|writer| writer.holds).count() <= 1, "two hold {id}: {writers:?}");
        }
        if let Some(history) = beside_rivals(engine.history(&check)) {
            assert!(history.is_sorted_by_key(|entry| entry.revision), "{id}: {history:?}");
            self.world.remembered.fetch_add(history.len() as u64, Ordering::Relaxed);
        }
    }

    fn read(&mut self) {
        let service = self.below(SERVICES);
        let whole = self.world.engine.service_snapshot(&self.world.services[service]).unwrap();
        let worst = whole.checks.iter().map(|(_, check)| check.status()).max().unwrap_or(Status::Passing);
        assert_eq!(whole.summary.own, worst, "a service is read whole");
        let mirror = self.world.engine.check(&format!("mirror:s{service}")).unwrap();
        self.world.engine.snapshot(&mirror).unwrap();
    }
}
