//! A registration, deregistration, redefinition or subscription that stands still for ever, at every step: reads by handle, snapshots of direct
//! checks, writes, tokens and waits go on. Whoever waits for it is through once it goes on.

use std::time::Instant;

use lifesign::failpoint::trace;
use lifesign::{CheckSpec, Error, Restored, ServiceSpec, Status, SubscriptionFilter};

use crate::support::{breaks, evidence, parked};
use crate::watch::{in_time, start};
use crate::world::World;

type Call = fn(&World) -> Result<(), Error>;

/// Whether the check that others write to and take over stays.
#[derive(Clone, Copy, PartialEq)]
enum Check {
    Stays,
    Goes,
}

fn beside(name: &'static str, check: Check, call: Call) -> usize {
    let first = World::new();
    drop(first.followers());
    let (result, steps) = trace(|| call(&first));
    result.unwrap_or_else(|refused| panic!("{name}: {refused}"));
    for (number, step) in steps.iter().enumerate() {
        let world = World::new();
        let mut followers = world.followers();
        let caller = world.clone();
        let standing = parked::at_number(number, move || call(&caller));
        let what = format!("beside a {name} that stands at {step}, step {number}");
        let shared = world.clone();
        in_time(what.clone(), move |progress| {
            shared.reads_and_writes(progress);
            if check == Check::Stays {
                shared.take_over(progress);
            }
        });
        // These may wait for it, and for nothing else.
        let (views, polls, changes) = (world.clone(), world.clone(), world.clone());
        let views = start(format!("views {what}"), move |progress| {
            progress.at("the snapshot of a service");
            views.engine.service_snapshot(&views.web).unwrap();
            progress.at("the audit");
            assert_eq!(views.engine.audit().unwrap(), 0);
            views.engine.stats().unwrap();
        });
        let polls = start(format!("polls {what}"), move |_| {
            followers.read(&polls);
            followers
        });
        let changes = start(format!("changes {what}"), move |_| {
            let another = ServiceSpec::new("another");
            let another = changes.engine.register_service(&another).unwrap();
            changes.engine.register_check(&CheckSpec::new("another:check"), Some(&another)).unwrap();
            changes.engine.subscribe(&SubscriptionFilter::service(&another, true)).unwrap();
        });
        standing.finish().unwrap_or_else(|refused| panic!("{what}: {refused}"));
        views.finish();
        changes.finish();
        let followers = polls.finish();
        let shared = world.clone();
        in_time(what, move |progress| shared.wakes_a_sleeper(progress));
        assert_eq!(world.engine.audit().unwrap(), 0);
        followers.agree_in_the_end(&world);
    }
    println!("{name}: {} steps", steps.len());
    steps.len()
}

fn register(world: &World) -> Result<(), Error> {
    world.engine.register_check(&CheckSpec::new("web:late"), Some(&world.web)).map(drop)
}

fn register_alias(world: &World) -> Result<(), Error> {
    world.engine.register_check(&CheckSpec::alias("web:late", "later"), Some(&world.web)).map(drop)
}

fn register_service(world: &World) -> Result<(), Error> {
    world.engine.register_service(&ServiceSpec::new("later")).map(drop)
}

fn restore(world: &World) -> Result<(), Error> {
    let state = Restored { status: Status::Warning, output: "as it was".into(), since_ns: 7 };
    let spec = CheckSpec::new("web:late").restored(state);
    world.engine.register_check(&spec, Some(&world.web)).map(drop)
}

fn redefine(world: &World) -> Result<(), Error> {
    let spec =
        CheckSpec { name: "another name".into(), ..CheckSpec::new("web:http").initial(Status::Passing) };
    world.engine.redefine_check(&world.check, &spec, Some(&world.web))
}

fn subscribe(world: &World) -> Result<(), Error> {
    world.engine.subscribe(&SubscriptionFilter::all()).map(drop)
}

fn deregister(world: &World) -> Result<(), Error> {
    world.token.deregister_check()
}

fn deregister_by_force(world: &World) -> Result<(), Error> {
    world.engine.deregister_check_by_force(&world.check, "operator")
}

fn deregister_alias(world: &World) -> Result<(), Error> {
    world.engine.deregister_check(&world.engine.check("api:web")?)
}

#[test]
fn a_registration_that_stands_still_delays_no_read_and_no_write() {
    let _whole = breaks::none();
    let begun = Instant::now();
    let calls: [(&'static str, Check, Call); 8] = [
        ("registration", Check::Stays, register),
        ("registration of an alias", Check::Stays, register_alias),
        ("registration of a service", Check::Stays, register_service),
        ("registration of a restored check", Check::Stays, restore),
        ("redefinition", Check::Stays, redefine),
        ("subscription", Check::Stays, subscribe),
        ("deregistration", Check::Goes, deregister),
        ("deregistration by force", Check::Goes, deregister_by_force),
    ];
    let steps: usize = calls.into_iter().map(|(name, check, call)| beside(name, check, call)).sum();
    assert!(steps > 8 * 6, "only {steps} steps");
    evidence::tell("faults", "a registration stands still at a step: reads and writes go on", steps, begun);
}

#[test]
fn the_deregistration_of_an_alias_that_stands_still_delays_no_read_and_no_write() {
    let _whole = breaks::none();
    let world = World::new();
    let (result, steps) = trace(|| deregister_alias(&world));
    result.unwrap();
    for number in 0..steps.len() {
        let world = World::new();
        let caller = world.clone();
        let standing = parked::at_number(number, move || deregister_alias(&caller));
        let shared = world.clone();
        in_time("beside the deregistration of an alias", move |progress| {
            shared.direct_reads_and_writes(progress);
        });
        standing.finish().unwrap();
        assert_eq!(world.engine.audit().unwrap(), 0);
    }
}
