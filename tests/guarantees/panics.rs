//! B2: a panic before the commit point changes nothing, one past it cannot fail the call. A panic is injected at every step that a call passes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lifesign::failpoint::{panic_at, trace};
use lifesign::{
    Acquire, Check, CheckSpec, ClockSource, Config, Engine, OnLapse, Service, ServiceSpec, Status,
    Subscription, SubscriptionFilter, Token,
};

use crate::support::{alias, breaks, check as support_check, drain, service};

/// An engine in which everything that a call can touch is there: a chain of two aliases, a check of the node, subscriptions with and without a
/// descriptor, a history.
struct World {
    engine: Engine,
    web: Service,
    check: Check,
    token: Token,
    everything: Subscription,
    resumed: Subscription,
}

impl World {
    fn new() -> Self {
        let engine = Engine::open(Config { clock: ClockSource::Manual, ..Config::default() }).unwrap();
        engine.tick(1, 1).unwrap();
        let (web, api) = (service(&engine, "web"), service(&engine, "api"));
        let check = support_check(&engine, "web:http", Some(&web));
        alias(&engine, "api:web", Some(&api), "web");
        alias(&engine, "mirror", None, "api");
        let token = engine.acquire(&check, "probe").unwrap();
        token.write(Status::Passing, "ok").unwrap();
        let leased = support_check(&engine, "web:leased", Some(&web));
        let how = Acquire::new("late").lease(Duration::from_secs(1), OnLapse::Critical);
        std::mem::forget(engine.acquire(&leased, how).unwrap());
        (1..=4).for_each(|quarter| engine.tick(1, quarter * 250_000_000).unwrap());
        let everything = engine.subscribe(&SubscriptionFilter::all()).unwrap();
        everything.descriptor().unwrap();
        let resumed = engine.subscribe(&SubscriptionFilter::service(&web, true)).unwrap();
        drain(&everything);
        drain(&resumed);
        Self { engine, web, check, token, everything, resumed }
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
                let (id, status, output) = (state.id(), state.status(), state.output());
                let direct =
                    (!state.is_derived()).then(|| (state.version(), state.transitions(), state.holder()));
                format!("{id} {:?} {status} {output:?} {direct:?}", check.status())
            })
            .collect();
        let services: BTreeSet<_> = engine
            .services()
            .unwrap()
            .iter()
            .map(|service| {
                let state = engine.service_snapshot(service).unwrap();
                let ids: Vec<_> = state.checks.iter().map(|(_, check)| check.id().to_owned()).collect();
                format!("{} {} {ids:?}", state.id, state.summary.status)
            })
            .collect();
        let stats = engine.stats().unwrap();
        format!("{lines:#?} {services:#?} {:?}", (stats.services, stats.checks, stats.aliases, stats.tokens))
    }

    /// The states a subscriber ends with, by id: `None` for what is gone.
    fn told(&self, subscription: &Subscription) -> BTreeSet<(String, Option<Status>)> {
        let mut told = BTreeMap::new();
        for event in drain(subscription) {
            match event {
                lifesign::Event::State { snapshot, .. } => {
                    told.insert(snapshot.id().to_owned(), Some(snapshot.status()))
                }
                lifesign::Event::Tombstone { snapshot, .. } => told.insert(snapshot.id().to_owned(), None),
                lifesign::Event::Summary { state, .. } => {
                    told.insert(format!("service {}", state.id), Some(state.status))
                }
                other => panic!("not subscribed to: {other:?}"),
            };
        }
        told.into_iter().collect()
    }
}

/// A panic at each step of `call`: it fails with nothing changed, or does all that the call without a panic does. Returns how many steps there
/// were, and at how many of them the call failed.
fn at_every_step(name: &str, call: impl Fn(&World) -> Result<(), lifesign::Error>) -> (usize, usize) {
    let whole = World::new();
    let before = whole.shape();
    let (result, steps) = trace(|| call(&whole));
    result.unwrap_or_else(|refused| panic!("{name}: {refused}"));
    let after = whole.shape();
    let told = (whole.told(&whole.everything), whole.told(&whole.resumed));
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
                let seen = (world.told(&world.everything), world.told(&world.resumed));
                assert_eq!(seen, told, "{name}: who waits is told, panic at {step}");
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
                assert_eq!(world.told(&world.everything).len(), 0, "{name}: nobody is told, panic at {step}");
                // And nothing is left in the way: the same call goes through now.
                call(&world).unwrap_or_else(|refused| panic!("{name} after a panic at {step}: {refused}"));
                assert_eq!(world.shape(), after, "{name} after a panic at {step}");
            }
        }
        assert_eq!(world.engine.audit().unwrap(), 0, "{name}: every summary is right, panic at {step}");
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
        std::mem::forget(token);
        Ok(())
    });
    at_every_step("close", |world| world.token.close());
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
}

#[test]
fn b2_a_panic_at_every_step_of_a_deregistration() {
    let _whole = breaks::none();
    let (steps, failed) = at_every_step("deregister check", |world| world.token.deregister_check());
    assert!(failed >= 1 && steps > failed + 6);
    at_every_step("deregister alias", |world| {
        world.engine.deregister_check(&world.engine.check("api:web").unwrap())
    });
}

#[test]
fn b2_a_panic_at_every_step_of_a_lapse() {
    let _whole = breaks::none();
    // The lease of the world's other check is over a moment after its time.
    let (steps, failed) = at_every_step("lapse", |world| world.engine.tick(1, 1_250_000_000));
    assert!(failed >= 2 && steps > failed + 8);
}
