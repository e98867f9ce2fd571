//! Forks while other threads are in the middle of something, locks held and words half-written: the child is told what it is, waits for nobody and
//! opens an engine of its own; the parent notices nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lifesign::failpoint::trace;
use lifesign::{
    Acquire, CheckSpec, Config, Engine, Error, ErrorKind, OnLapse, ServiceSpec, Status, SubscriptionFilter,
};

use crate::support::child::in_a_child;
use crate::support::every_call::EVERY_CALL;
use crate::support::{
    PATIENCE, alias, breaks, check, drain, engine, evidence, is_readable, parked, wait_readable,
};
use crate::world::World;

/// Seconds after which a child that hangs is killed, which fails the test.
const CHILD_PATIENCE: u32 = 60;

/// What is asked in a child: whether each answer is right.
fn asked(world: &World) -> Vec<bool> {
    // SAFETY: a call with a value; the signal ends this child alone.
    unsafe { libc::alarm(CHILD_PATIENCE) };
    let World { engine, web, check: main, everything, .. } = world;
    let things = world.things();
    let refused = EVERY_CALL.iter().map(|call| call.refusal(&things) == Some(ErrorKind::Forked));
    let gone = [
        main.status().is_none(),
        web.status().is_none(),
        world.mirror.status().is_none(),
        engine.node_status().is_none(),
        engine.record(1).is_none(),
        world.trouble.poll(1).is_err_and(|refused| refused.kind() == ErrorKind::Forked),
    ];
    let mut answers: Vec<bool> = refused.chain(gone).collect();
    // Closing what is the parent's does nothing, whoever holds which lock there.
    engine.close();
    everything.close();
    answers.push(own_engine().is_some_and(|right| right));
    answers.push(main.status().is_none());
    answers
}

/// Whether an engine that is opened here works.
fn own_engine() -> Option<bool> {
    let fresh = Engine::open(Config::default()).ok()?;
    let web = fresh.register_service(&ServiceSpec::new("web")).ok()?;
    let alive = fresh.register_check(&CheckSpec::new("web:alive"), Some(&web)).ok()?;
    let mirror = fresh.register_check(&CheckSpec::alias("mirror", "web"), None).ok()?;
    let mine = fresh.subscribe(&SubscriptionFilter::all()).ok()?;
    let descriptor = mine.descriptor().ok()?;
    drain(&mine);
    let token = fresh.acquire(&alive, "child").ok()?;
    token.write(Status::Warning, "child").ok()?;
    mine.wait(Some(PATIENCE)).ok()?;
    let told = is_readable(descriptor) && drain(&mine).len() == 2;
    let shown = (alive.status(), mirror.status()) == (Some(Status::Warning), Some(Status::Warning));
    Some(told && shown && fresh.audit().ok()? == 0)
}

fn right(wrong: i32, what: &str) {
    let name = (wrong as usize).checked_sub(1).and_then(|at| EVERY_CALL.get(at)).map(|call| call.name);
    assert_eq!(wrong, 0, "question {wrong} was answered wrongly in a child of a fork {what}: {name:?}");
}

#[test]
fn a_fork_beside_a_call_at_every_step() {
    let _alone = breaks::alone();
    let begun = Instant::now();
    type Call = fn(&World) -> Result<(), Error>;
    let calls: [(&str, Call); 4] = [
        ("write", |world| world.token.write(Status::Critical, "down")),
        ("registration", |world| {
            world.engine.register_check(&CheckSpec::new("web:late"), Some(&world.web)).map(drop)
        }),
        ("deregistration", |world| world.token.deregister_check()),
        ("poll", |world| world.everything.poll(usize::MAX).map(drop)),
    ];
    let mut forks = 0;
    for (name, call) in calls {
        let first = World::new();
        let (result, steps) = trace(|| call(&first));
        result.unwrap();
        // Where the same step comes again nothing else is held than the first time.
        let numbers = (0..steps.len()).filter(|number| !steps[..*number].contains(&steps[*number]));
        for number in numbers {
            let world = World::new();
            let mut followers = world.followers();
            world.sibling_token.write(Status::Warning, "something to poll").unwrap();
            let caller = std::sync::Arc::clone(&world);
            let standing = parked::at_number(number, move || call(&caller));
            right(in_a_child(|| asked(&world)), &format!("beside a {name} at {}", steps[number]));
            forks += 1;
            let reads_itself = name == "poll";
            standing.finish().unwrap();
            world.sibling_token.write(Status::Passing, "the parent goes on").unwrap();
            if !reads_itself {
                followers.read(&world);
                followers.agree_in_the_end(&world);
            }
            assert_eq!(world.engine.audit().unwrap(), 0);
        }
    }
    evidence::tell("faults", "forks beside a call that stands at a step", forks, begun);
}

#[test]
fn forks_beside_threads_at_work() {
    let _alone = breaks::alone();
    let begun = Instant::now();
    let forks = if std::env::var_os("LIFESIGN_LONG").is_some() { 5_000 } else { 150 };
    let world = World::new();
    let ball = engine();
    let table = check(&ball, "ball", None);
    let player = ball.acquire(&table, "player").unwrap();
    let readers = [0, 1].map(|_| ball.subscribe(&SubscriptionFilter::all()).unwrap());
    let descriptor = readers[1].descriptor().unwrap();
    readers.iter().for_each(|reader| _ = drain(reader));
    let (stop, thrown, caught) =
        (AtomicBool::new(false), AtomicU64::new(0), [AtomicU64::new(0), AtomicU64::new(0)]);
    let at_work = || !stop.load(Ordering::Acquire);
    let work = [(); 4].map(|()| AtomicU64::new(0));
    let followers = std::thread::scope(|scope| {
        // A ball that comes back only if every wake-up arrives: each is thrown when both have caught the one before.
        scope.spawn(|| {
            while at_work() {
                let number = thrown.load(Ordering::Acquire) + 1;
                player.write(Status::Passing, &number.to_string()).unwrap();
                thrown.store(number, Ordering::Release);
                let thrown_at = Instant::now();
                while caught.iter().any(|caught| caught.load(Ordering::Acquire) < number) && at_work() {
                    assert!(thrown_at.elapsed() < PATIENCE, "a wake-up was lost");
                    std::thread::yield_now();
                }
            }
        });
        for (at, reader) in readers.iter().enumerate() {
            let (caught, at_work) = (&caught[at], &at_work);
            scope.spawn(move || {
                while at_work() {
                    if at == 0 {
                        let _ = reader.wait(Some(Duration::from_millis(100)));
                    } else {
                        wait_readable(descriptor, Duration::from_millis(100));
                    }
                    for (_, state) in crate::support::states(&drain(reader)) {
                        caught.store(state.output().parse().unwrap(), Ordering::Release);
                    }
                }
            });
        }
        let (engine, web) = (&world.engine, &world.web);
        scope.spawn(|| {
            while at_work() {
                let late = check(engine, "web:late", Some(web));
                let mirror = alias(engine, "web:mirror", Some(web), "later");
                engine.deregister_check(&mirror).unwrap();
                engine.deregister_check(&late).unwrap();
                work[0].fetch_add(1, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            while at_work() {
                let round = work[1].fetch_add(1, Ordering::Relaxed);
                let how = format!("label {}", round % 64);
                let how = Acquire::new(&how).lease(Duration::from_secs(1), OnLapse::Keep);
                let held = engine.who(&world.check).unwrap().generation;
                let mine = engine.take_over(&world.check, held, how).unwrap();
                mine.write(Status::Critical, "at work").unwrap();
                assert!(engine.acquire(&world.check, "rival").is_err());
                mine.write(Status::Passing, "at work").unwrap();
            }
        });
        scope.spawn(|| {
            while at_work() {
                engine.service_snapshot(web).unwrap();
                assert_eq!(engine.audit().unwrap(), 0);
                drain(&engine.subscribe(&SubscriptionFilter::prefix("web:")).unwrap());
                work[2].fetch_add(1, Ordering::Relaxed);
            }
        });
        let follower = scope.spawn(|| {
            let mut followers = world.followers();
            while at_work() {
                world.sibling_token.write(Status::Warning, "at work").unwrap();
                world.sibling_token.write(Status::Passing, "at work").unwrap();
                followers.read(&world);
                work[3].fetch_add(1, Ordering::Relaxed);
            }
            followers
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for number in 0..forks {
                right(in_a_child(|| asked(&world)), &format!("with the number {number}"));
            }
        }));
        stop.store(true, Ordering::Release);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        follower.join().unwrap()
    });
    let rounds = work.map(|rounds| rounds.into_inner());
    assert!(rounds.iter().all(|rounds| *rounds > 0), "every thread was at work meanwhile: {rounds:?}");
    assert!(thrown.load(Ordering::Relaxed) > 2, "the ball went to and fro");
    assert_eq!(world.engine.audit().unwrap(), 0);
    followers.agree_in_the_end(&world);
    evidence::tell("faults", "forks beside threads at work", forks, begun);
}
