//! B2: a panic before the commit point changes nothing, one past it cannot fail the call. A panic is injected at every step that a call passes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use lifesign::failpoint::{panic_at, trace};
use lifesign::{
    Acquire, Check, CheckSpec, Engine, ErrorKind, Event, OnLapse, Restored, Service, ServiceSpec, Status,
    Subscription, SubscriptionFilter, Token, Write,
};
use tempfile::{TempDir, tempdir};

use crate::support::clock::timed;
use crate::support::{alias, breaks, check as support_check, drain, engine, is_readable, kind, service};

/// An engine in which everything that a call can touch is there: a chain of two aliases, checks of the node, a service without checks that an
/// alias mirrors, subscriptions of every kind, with and without a descriptor, a history, a directory.
struct World {
    engine: Engine,
    web: Service,
    spare: Service,
    check: Check,
    token: Token,
    leased: Token,
    free: Check,
    /// By the number of its kind.
    subscriptions: RefCell<Vec<(usize, Subscription)>>,
    /// What calls have given.
    tokens: RefCell<Vec<Token>>,
    directory: TempDir,
}

/// Kinds of subscriptions.
const KINDS: [&str; 5] = ["everything", "a service", "a prefix", "a check", "trouble"];
const ALL: usize = 0;
const TROUBLE: usize = 4;

impl World {
    fn new() -> Self {
        let engine = timed();
        engine.tick(1, 1).unwrap();
        let (web, api, spare) = (service(&engine, "web"), service(&engine, "api"), service(&engine, "spare"));
        let check = support_check(&engine, "web:http", Some(&web));
        let free = support_check(&engine, "free", None);
        alias(&engine, "api:web", Some(&api), "web");
        alias(&engine, "mirror", None, "api");
        alias(&engine, "of spare", None, "spare");
        let token = engine.acquire(&check, "probe").unwrap();
        token.write(Status::Passing, "ok").unwrap();
        let leased = support_check(&engine, "web:leased", Some(&web));
        let how = Acquire::new("late").lease(Duration::from_secs(1), OnLapse::Critical);
        let leased = engine.acquire(&leased, how).unwrap();
        (1..=4).for_each(|quarter| engine.tick(1, quarter * 250_000_000).unwrap());
        let (subscriptions, tokens) = Default::default();
        let directory = tempdir().unwrap();
        let world = Self { engine, web, spare, check, token, leased, free, subscriptions, tokens, directory };
        for at in 0..KINDS.len() {
            world.subscribe(at).unwrap();
        }
        world.subscriptions.borrow()[ALL].1.descriptor().unwrap();
        world.told();
        world
    }

    /// One more subscription of a kind.
    fn subscribe(&self, at: usize) -> Result<(), lifesign::Error> {
        let filter = match at {
            ALL => SubscriptionFilter::all(),
            1 => SubscriptionFilter::service(&self.web, true),
            2 => SubscriptionFilter::prefix("web:"),
            3 => SubscriptionFilter::check(&self.check),
            _ => SubscriptionFilter::trouble(),
        };
        let subscription = self.engine.subscribe(&filter)?;
        self.subscriptions.borrow_mut().push((at, subscription));
        Ok(())
    }

    /// Keeps a token, whose end would be a call of its own.
    fn keep(&self, token: Token) {
        self.tokens.borrow_mut().push(token);
    }

    fn export(&self) -> PathBuf {
        self.directory.path().join("state.json")
    }

    /// Everything that can be seen, without what a lost attempt may use up (revisions and positions).
    fn shape(&self) -> String {
        let engine = &self.engine;
        let mut checks = engine.checks().unwrap();
        checks.sort_by_key(|check| engine.snapshot(check).unwrap().id().to_owned());
        let lines: Vec<_> = checks
            .iter()
            .map(|check| {
                let state = engine.snapshot(check).unwrap();
                let (id, status, output, name) = (state.id(), state.status(), state.output(), state.name());
                let direct =
                    (!state.is_derived()).then(|| (state.version(), state.transitions(), state.holder()));
                let who = engine.who(check).unwrap();
                let who = (who.lease, who.orphaned);
                format!("{id} {name} {:?} {status} {output:?} {direct:?} {who:?}", check.status())
            })
            .collect();
        let services: BTreeSet<_> = engine
            .services()
            .unwrap()
            .iter()
            .map(|service| {
                let state = engine.service_snapshot(service).unwrap();
                let ids: Vec<_> = state.checks.iter().map(|(_, check)| check.id().to_owned()).collect();
                format!("{} {} {} {ids:?}", state.id, state.name, state.summary.status)
            })
            .collect();
        let stats = engine.stats().unwrap();
        let counts = (stats.services, stats.checks, stats.aliases, stats.tokens, stats.subscriptions);
        let files: BTreeMap<_, _> = std::fs::read_dir(self.directory.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()))
            .collect();
        // One beside the other: a tick moves both.
        let heard = [self.check, self.leased.check()].map(|check| engine.who(&check).ok()?.silent_for);
        let apart = heard[0].zip(heard[1]).map(|(one, other)| one.as_secs_f64() - other.as_secs_f64());
        format!("{lines:#?} {services:#?} {counts:?} {files:#?} {apart:?}")
    }

    /// What each subscriber ends with, by id: `None` for what is gone, and for trouble.
    fn told(&self) -> Vec<BTreeMap<String, Option<Status>>> {
        self.subscriptions.borrow().iter().map(|(_, subscription)| states(drain(subscription))).collect()
    }

    /// Nothing was lost: what happens next reaches everybody.
    fn goes_on(&self, after: &str) {
        let new = support_check(&self.engine, "web:next", None);
        let token = self.engine.acquire(&new, "next").unwrap();
        token.write(Status::Critical, "next").unwrap();
        assert_eq!(kind(self.engine.acquire(&new, "rival")), ErrorKind::Held);
        for (told, (kind, _)) in self.told().iter().zip(self.subscriptions.borrow().iter()) {
            let next = match *kind {
                TROUBLE => told.contains_key("Refusal of web:next"),
                ALL => told.get("web:next") == Some(&Some(Status::Critical)),
                _ => continue,
            };
            assert!(next, "{after}: who wants {} is told what comes next: {told:?}", KINDS[*kind]);
        }
        assert_eq!(self.engine.audit().unwrap(), 0, "{after}: every summary is right");
    }
}

fn states(events: Vec<Event>) -> BTreeMap<String, Option<Status>> {
    let state = |event| match event {
        Event::State { snapshot, .. } => (snapshot.id().to_owned(), Some(snapshot.status())),
        Event::Tombstone { snapshot, .. } => (snapshot.id().to_owned(), None),
        Event::Summary { state, .. } => (format!("service {}", state.id), Some(state.status)),
        Event::Trouble(trouble) => (format!("{:?} of {}", trouble.kind, trouble.id), None),
    };
    events.into_iter().map(state).collect()
}

/// A panic at each step of `call`: it fails with nothing changed, or does all that the call without a panic does. Returns how many steps there
/// were, and at how many of them the call failed.
fn at_every_step(name: &str, call: impl Fn(&World) -> Result<(), lifesign::Error>) -> (usize, usize) {
    let whole = World::new();
    let before = whole.shape();
    let (result, steps) = trace(|| call(&whole));
    result.unwrap_or_else(|refused| panic!("{name}: {refused}"));
    let after = whole.shape();
    let told = whole.told();
    assert_ne!(before, after, "{name} changes something");
    let mut failed = 0;
    for (number, step) in steps.iter().enumerate() {
        let world = World::new();
        let (result, injected) = panic_at(number, || call(&world));
        assert!(injected, "{name}: the panic at {step} came");
        let shape = world.shape();
        match result {
            Ok(result) => {
                result.unwrap_or_else(|refused| panic!("{name}, panic at {step}: {refused}"));
                assert_eq!(shape, after, "{name}: past its commit point it is completed, panic at {step}");
                assert_eq!(world.told(), told, "{name}: who waits is told, panic at {step}");
                assert!(
                    world.engine.stats().unwrap().internal_errors > 0,
                    "{name}: it is counted, panic at {step}"
                );
            }
            Err(_) => {
                failed += 1;
                assert_eq!(
                    shape, before,
                    "{name}: before its commit point nothing is changed, panic at {step}"
                );
                assert!(
                    world.told().iter().all(BTreeMap::is_empty),
                    "{name}: nobody is told, panic at {step}"
                );
                // And nothing is left in the way: the same call goes through now.
                call(&world).unwrap_or_else(|refused| panic!("{name} after a panic at {step}: {refused}"));
                assert_eq!(world.shape(), after, "{name} after a panic at {step}");
            }
        }
        world.goes_on(&format!("{name}, panic at {step}"));
    }
    println!("{name}: a panic at each of {} steps, {failed} before the commit point", steps.len());
    (steps.len(), failed)
}

#[test]
fn b2_a_panic_at_every_step_of_a_write() {
    let _whole = breaks::none();
    let (steps, failed) = at_every_step("write", |world| world.token.write(Status::Critical, "down"));
    assert!(failed >= 2 && steps > failed + 8);
    at_every_step("output", |world| world.token.write(Status::Passing, "still ok"));
    at_every_step("take-over", |world| {
        let token = world.engine.take_over(&world.check, world.token.generation(), "rival")?;
        world.keep(token);
        Ok(())
    });
    at_every_step("close", |world| world.token.close());
}

#[test]
fn b2_a_panic_at_every_step_of_an_acquisition() {
    let _whole = breaks::none();
    let acquire = |world: &World, how: Acquire<'_>| {
        world.keep(world.engine.acquire(&world.free, how)?);
        Ok(())
    };
    let (steps, failed) = at_every_step("acquire", |world| acquire(world, Acquire::new("new")));
    assert!(failed >= 2 && steps > failed + 6);
    let how = Acquire::new("new").lease(Duration::from_secs(5), OnLapse::Warning);
    at_every_step("acquire with a lease", |world| acquire(world, how));
    let (_, failed) = at_every_step("renew", |world| world.token.renew());
    assert!(failed >= 1);
    let (_, failed) = at_every_step("renew a lease", |world| world.leased.renew());
    assert!(failed >= 1);
}

/// Each write of a batch is one for itself.
fn batch() {
    let (mut failed, mut completed) = (BTreeSet::new(), 0);
    for number in 0.. {
        let world = World::new();
        let [one, other] = [&world.token, &world.leased].map(|token| Write {
            token,
            status: Status::Critical,
            output: "down",
        });
        let (result, injected) = panic_at(number, || world.engine.write_batch(&[one, other]));
        if !injected {
            break;
        }
        let results = result.expect("a batch has a result for each write").unwrap();
        assert_eq!(results.len(), 2);
        for (at, (write, result)) in [one, other].iter().zip(&results).enumerate() {
            let status = write.token.check().status();
            match result {
                Ok(_) => assert_eq!(status, Some(Status::Critical), "step {number}"),
                Err(refused) => {
                    assert_eq!((refused.kind(), status), (ErrorKind::Internal, Some(Status::Passing)));
                    failed.insert((at, number));
                    write.token.write(Status::Critical, "again").expect("nothing is left in the way");
                }
            }
        }
        let internal = world.engine.stats().unwrap().internal_errors;
        assert_eq!(internal > 0, results.iter().all(Result::is_ok), "step {number}");
        completed += usize::from(internal > 0);
        world.told();
        world.goes_on(&format!("a batch, panic at step {number}"));
    }
    let of = |at: usize| failed.iter().filter(|(write, _)| *write == at).count();
    assert!(of(0) >= 2 && of(1) >= 2 && completed > 16, "{failed:?}, {completed}");
}

#[test]
fn b2_a_panic_at_every_step_of_a_batch() {
    breaks::notices("boundary-lets-panics-through", "a batch has a result for each write", batch);
}

#[test]
fn b2_a_panic_at_every_step_of_a_registration() {
    let _whole = breaks::none();
    let (steps, failed) = at_every_step("register check", |world| {
        let spec = CheckSpec::new("web:new").initial(Status::Warning);
        world.engine.register_check(&spec, Some(&world.web)).map(drop)
    });
    assert!(failed >= 2 && steps > failed + 8);
    at_every_step("register alias", |world| {
        world.engine.register_check(&CheckSpec::alias("web:later", "later"), Some(&world.web)).map(drop)
    });
    at_every_step("register service", |world| {
        world.engine.register_service(&ServiceSpec::new("later")).map(drop)
    });
    let restored = Restored { status: Status::Critical, output: "was down".into(), since_ns: 4 };
    at_every_step("register what is restored", |world| {
        let spec = CheckSpec::new("web:new").restored(restored.clone());
        world.engine.register_check(&spec, Some(&world.web)).map(drop)
    });
    let (steps, failed) = at_every_step("restore what has not reported", |world| {
        let spec = CheckSpec::new("free").initial(Status::Passing).restored(restored.clone());
        world.engine.register_check(&spec, None).map(drop)
    });
    assert!(failed >= 2 && steps > failed + 6);
}

fn redefine_alias(world: &World) -> Result<(), lifesign::Error> {
    let (spec, api) = (
        CheckSpec { name: "new".into(), ..CheckSpec::alias("api:web", "web") },
        world.engine.service("api")?,
    );
    world.engine.redefine_check(&world.engine.check("api:web")?, &spec, Some(&api))
}

#[test]
fn b2_a_panic_at_every_step_of_a_redefinition() {
    breaks::notices("past-commit-unguarded", "before its commit point nothing is changed", || {
        at_every_step("redefine alias", redefine_alias);
    });
    let _whole = breaks::none();
    let (steps, failed) = at_every_step("redefine check", |world| {
        let spec = CheckSpec::new("web:http").initial(Status::Passing);
        let spec = CheckSpec { name: "new".into(), ..spec };
        world.engine.redefine_check(&world.check, &spec, Some(&world.web))
    });
    assert!(failed >= 2 && steps > failed + 6);
    let (_, failed) = at_every_step("redefine service", |world| {
        world
            .engine
            .redefine_service(&world.web, &ServiceSpec { name: "new".into(), ..ServiceSpec::new("web") })
    });
    assert!(failed >= 1);
}

#[test]
fn b2_a_panic_at_every_step_of_a_deregistration() {
    let _whole = breaks::none();
    let (steps, failed) = at_every_step("deregister check", |world| world.token.deregister_check());
    assert!(failed >= 1 && steps > failed + 6);
    at_every_step("deregister alias", |world| {
        world.engine.deregister_check(&world.engine.check("api:web").unwrap())
    });
    at_every_step("deregister by force", |world| {
        world.engine.deregister_check_by_force(&world.check, "operator")
    });
    let (steps, failed) =
        at_every_step("deregister service", |world| world.engine.deregister_service(&world.spare));
    assert!(failed >= 1 && steps > failed);
}

#[test]
fn b2_a_panic_at_every_step_of_a_subscription() {
    for (at, kind) in KINDS.into_iter().enumerate() {
        let subscribe = || _ = at_every_step(&format!("subscribe to {}", kind), |world| world.subscribe(at));
        breaks::notices("past-commit-unguarded", "before its commit point nothing is changed", subscribe);
        let unsubscribe = || {
            at_every_step(&format!("unsubscribe from {}", kind), |world| {
                world.subscriptions.borrow()[at].1.close();
                world.subscriptions.borrow_mut().remove(at);
                Ok(())
            });
        };
        // Half-way it is neither there nor gone.
        breaks::notices("past-commit-unguarded", "a poll of one's own subscription", unsubscribe);
    }
}

#[test]
fn b2_a_panic_at_every_step_of_an_export() {
    let _whole = breaks::none();
    let (steps, failed) = at_every_step("export", |world| world.engine.export(&world.export()).map(drop));
    assert_eq!((steps, failed), (2, 2), "it is over when the file has its name");
}

/// A close is through when it has begun.
fn close() {
    for number in 0.. {
        let world = World::new();
        let claim = world.engine.claim(world.directory.path(), "node").unwrap();
        let descriptor = world.subscriptions.borrow()[ALL].1.descriptor().unwrap();
        assert!(!is_readable(descriptor));
        let (result, injected) = panic_at(number, || world.engine.close());
        if !injected {
            assert!(number >= 5, "only {number} steps");
            break;
        }
        assert!(result.is_ok(), "a close that has begun is completed, panic at step {number}");
        assert_eq!((world.check.status(), world.web.status()), (None, None), "step {number}");
        assert!(is_readable(descriptor), "who polls is woken, step {number}");
        for (_, subscription) in world.subscriptions.borrow().iter() {
            assert_eq!(kind(subscription.wait(None)), ErrorKind::Closed, "step {number}");
        }
        assert_eq!(kind(claim.state()), ErrorKind::Closed);
        engine().claim(world.directory.path(), "node").expect("the name is free");
    }
}

#[test]
fn b2_a_panic_at_every_step_of_a_close() {
    breaks::notices("past-commit-unguarded", "a close that has begun is completed", close);
}

#[test]
fn b2_a_panic_at_every_step_of_a_claim() {
    let _whole = breaks::none();
    let mut steps = 0;
    for number in 0.. {
        let world = World::new();
        let path = world.directory.path();
        let (result, injected) = panic_at(number, || world.engine.claim(path, "node"));
        if !injected {
            break;
        }
        steps += 1;
        assert!(result.is_err(), "all its steps come before it stands");
        engine().claim(path, "node").expect("nobody has it").release().unwrap();
        let claim = world.engine.claim(path, "node").expect("nothing is left in the way");
        assert!(claim.state().unwrap().held);
    }
    assert!(steps >= 4, "only {steps}");
}

/// A name that has begun to be given back is free.
fn release() {
    for advisory in [false, true] {
        let world = World::new();
        let path = world.directory.path();
        if advisory {
            std::fs::write(path.join(".lifesign-advisory"), "").unwrap();
        }
        let claim = world.engine.claim(path, "node").unwrap();
        let (result, injected) = panic_at(0, || claim.release());
        assert!(injected, "it has a step");
        result.expect("a release that has begun is completed").unwrap();
        assert_eq!(world.engine.stats().unwrap().internal_errors, 1);
        let left: Vec<_> = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name()).collect();
        let kept = |name: &std::ffi::OsString| name == "node.lock" || name == ".lifesign-advisory";
        assert!(left.iter().all(kept), "{left:?}");
        engine().claim(path, "node").expect("the name is free");
        assert_eq!(kind(claim.release()), ErrorKind::Closed, "once");
    }
}

#[test]
fn b2_a_panic_at_every_step_of_a_release() {
    breaks::notices("past-commit-unguarded", "a release that has begun is completed", release);
}

#[test]
fn b2_a_panic_at_every_step_of_a_lapse() {
    let _whole = breaks::none();
    // The lease of the world's other check is over a moment after its time.
    let (steps, failed) = at_every_step("lapse", |world| world.engine.tick(1, 1_250_000_000));
    assert!(failed >= 2 && steps > failed + 8);
}
