//! The race scripts under shuttle: the whole engine as it ships, in the hands of a scheduler that chooses at each step who goes on.
//!
//! Where `tests/scripts` forces one order by stopping a thread at a named point, a script here is run in many thousands of orders, drawn at random
//! (a fair choice at each step) and by PCT (S. Burckhardt et al., *A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs*,
//! ASPLOS 2010: random priorities, changed at a few random steps; depth 3). What a call promises is tested *when it returns*, in the thread
//! that called. A wake that is missed is found because in a schedule nothing else ever wakes the sleeper: shuttle reports a deadlock.
//!
//! Shuttle is sequentially consistent: it is good for orders of steps and blind to weak memory orderings, which are what the models in
//! `tests/models` are for. Each script also counts how often the overlap it is about came about, and fails if it never did; and it is run against
//! named breaks of the source, of which each must be noticed by the assertion that is named for it.
//!
//! When a script fails, shuttle prints the schedule; `LIFESIGN_SCHEDULE='910102…'` runs every script named on the command line in that
//! schedule alone. `LIFESIGN_SCHEDULES` is the number of schedules for each script and scheduler.
//!
//! What shuttle does not see takes no step: the eyes of a script itself (std atomics), the allocator, the index of ids, descriptors.

#[path = "../support/mod.rs"]
mod support;

mod aliases;
mod join;
mod late_register;
mod late_unsubscribe;
mod missed_edge;
mod overlapping_lifetimes;
mod parked_writer;
mod re_creation;
mod restart;
mod torn_read;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lifesign::{Event, Status, Subscription};
use shuttle::scheduler::{
    PctScheduler, RandomScheduler, ReplayScheduler, Scheduler,
    UncontrolledNondeterminismCheckScheduler as Uncontrolled,
};
use shuttle::thread::Scope;
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// What the threads of a race script do and claim, and the overlaps of which each must have come about in some schedule.
struct Script {
    name: &'static str,
    run: fn(),
    overlaps: &'static [&'static str],
}

/// What shuttle says when everybody sleeps and nobody is left to wake them.
const ASLEEP: &str = "deadlock!";

/// Sleeps until a state with this status is delivered.
fn wait_for(subscription: &Subscription, status: Status) {
    let is_wanted =
        |event: &Event| matches!(event, Event::State { snapshot, .. } if snapshot.status() == status);
    loop {
        subscription.wait(None).expect("nobody closes the engine");
        if support::drain(subscription).iter().any(is_wanted) {
            return;
        }
    }
}

/// A scope whose closure runs in a thread of its own and may sleep: the end of the last thread of a scope makes shuttle resume whoever opened
/// it, wherever that one sleeps.
fn scope<'env, T, F>(run: F) -> T
where
    T: Send + 'env,
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T + Send + 'env,
{
    shuttle::thread::scope(|scope| scope.spawn(move || run(scope)).join().expect("a panic ends the schedule"))
}

/// How the next thread is chosen.
#[derive(Clone, Debug)]
enum Order {
    Random,
    Pct,
    /// At random, and each schedule a second time: shuttle compares which threads could go on at each step.
    Twice,
    Replay(String),
}

/// Schedules for each script and scheduler when nobody says how many.
const SHARE: usize = 4_000;
/// Schedules for each scheduler after which a mutant has survived.
const PATIENCE: usize = 50_000;

/// Where the schedules of a mutant begin: always the same ones, so that it always dies of the same claim. A script as it is looks where nobody
/// has looked.
const SEED: u64 = 1;

/// What one exploration has seen so far. Several go on beside one another, each in a thread of its own.
#[derive(Default)]
struct Seen {
    reached: Mutex<BTreeMap<&'static str, usize>>,
    /// What the first panic said; not for people where a break is switched on.
    said: Mutex<Option<String>>,
    is_broken: bool,
}

thread_local! {
    static SEEN: OnceCell<Arc<Seen>> = const { OnceCell::new() };
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that something came about in this schedule.
fn reached(what: &'static str) {
    SEEN.with(|seen| {
        let seen = seen.get().expect("a script runs in an exploration");
        *lock(&seen.reached).entry(what).or_default() += 1;
    });
}

/// What an exploration came to.
struct Explored {
    schedules: usize,
    seconds: f64,
    reached: BTreeMap<&'static str, usize>,
    said: Option<String>,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

const BEGUN: &str = "schedules begun";

/// Lets panics under a break be noted and not printed. Shuttle puts its own hook over the one that is there at its first execution: that is over
/// before this one is put over both.
fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        shuttle::check_random(|| {}, 1);
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let seen = SEEN.with(|seen| seen.get().cloned());
            let Some(seen) = seen.filter(|seen| seen.is_broken) else { return print(panic) };
            let payload = panic.payload();
            let text =
                payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref().copied());
            lock(&seen.said).get_or_insert_with(|| text.unwrap_or("a panic without a text").to_owned());
        }));
    });
}

fn explore_once(
    script: &Script,
    order: Order,
    schedules: usize,
    persistence: FailurePersistence,
    mutant: Option<&'static str>,
) -> Explored {
    listen();
    let seen = Arc::new(Seen { is_broken: mutant.is_some(), ..Seen::default() });
    let (own, run) = (seen.clone(), script.run);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let seed = if mutant.is_some() { SEED } else { clock.as_nanos() as u64 };
    let started = Instant::now();
    // In a thread of its own: what a failed execution leaves half unwound ends with it.
    let explorer = std::thread::spawn(move || {
        SEEN.with(|seen| _ = seen.set(own));
        #[cfg(feature = "mutants")]
        crate::mutant::select(mutant);
        let mut config = Config::new();
        config.stack_size = 1 << 18;
        config.max_steps = MaxSteps::FailAfter(100_000);
        config.silence_warnings = true;
        config.failure_persistence = persistence;
        config.ungraceful_shutdown_config.immediately_return_on_panic = true;
        match order {
            Order::Random => explore_with(RandomScheduler::new_from_seed(seed, schedules), config, run),
            Order::Pct => explore_with(PctScheduler::new_from_seed(seed, 3, schedules), config, run),
            Order::Twice => {
                let random = RandomScheduler::new_from_seed(seed, schedules);
                explore_with(Uncontrolled::new(random), config, run)
            }
            Order::Replay(schedule) => {
                explore_with(ReplayScheduler::new_from_encoded(&schedule), config, run)
            }
        }
    });
    let panic = explorer.join().err();
    let seconds = started.elapsed().as_secs_f64();
    let mut reached = std::mem::take(&mut *lock(&seen.reached));
    let said = lock(&seen.said).take();
    Explored { schedules: reached.remove(BEGUN).unwrap_or(0), seconds, reached, said, panic }
}

fn explore_with(scheduler: impl Scheduler + 'static, config: Config, run: fn()) {
    Runner::new(scheduler, config).run(move || {
        reached(BEGUN);
        crate::cell::process::schedule::alone(run);
    });
}

fn print(what: &str, script: &Script, order: &Order, explored: &Explored) {
    let Explored { schedules, seconds, reached, .. } = explored;
    let reached: Vec<_> = reached.iter().map(|(what, count)| format!("{what}: {count}")).collect();
    let order = match order {
        Order::Random => "random",
        Order::Pct => "pct",
        Order::Twice => "twice",
        Order::Replay(_) => "replay",
    };
    println!(
        "{what} {:<28} {order:<6} {schedules:>7} schedules {seconds:>6.1} s  {}",
        script.name,
        reached.join(", ")
    );
}

fn share() -> usize {
    let schedules = std::env::var("LIFESIGN_SCHEDULES").ok();
    schedules
        .map_or(SHARE, |schedules| schedules.parse().expect("LIFESIGN_SCHEDULES is a number of schedules"))
}

/// Runs the script as it is: every claim holds, and every overlap comes about.
fn explore(script: &Script) {
    if let Ok(schedule) = std::env::var("LIFESIGN_SCHEDULE") {
        return run(script, Order::Replay(schedule), 1).panic.map_or((), |panic| resume_unwind(panic));
    }
    let mut all = BTreeMap::new();
    for (order, schedules) in [(Order::Random, share()), (Order::Pct, share()), (Order::Twice, share() / 20)]
    {
        let explored = run(script, order, schedules);
        if let Some(panic) = explored.panic {
            resume_unwind(panic);
        }
        all.extend(explored.reached);
    }
    for overlap in script.overlaps {
        assert!(all.contains_key(overlap), "{}: {overlap:?} came about in no schedule", script.name);
    }
}

fn run(script: &Script, order: Order, schedules: usize) -> Explored {
    let explored = explore_once(script, order.clone(), schedules, FailurePersistence::Print, None);
    print("script", script, &order, &explored);
    let result = if explored.panic.is_none() { "ok" } else { "failed" };
    let Explored { schedules, seconds, .. } = &explored;
    support::evidence::append("schedule", script.name, *schedules as u64, *seconds, result);
    explored
}

/// Runs the script with `mutant` switched on until a claim fails: it must be the one with this text.
#[cfg(feature = "mutants")]
fn kill(mutant: &'static str, script: &Script, claim: &str) {
    let mut seconds = 0.0;
    let died = [Order::Pct, Order::Random].into_iter().find_map(|order| {
        let explored = explore_once(script, order.clone(), PATIENCE, FailurePersistence::None, Some(mutant));
        print("mutant", script, &order, &explored);
        seconds += explored.seconds;
        explored.panic.map(|_| explored.said.expect("whoever panics says something"))
    });
    let text = died.unwrap_or_else(|| panic!("the mutant {mutant} survived the script {}", script.name));
    assert!(text.contains(claim), "the mutant {mutant} died of {text:?} and not of {claim:?}");
    println!("mutant {mutant} killed: {claim}");
    let told = if claim == ASLEEP { "a sleeper that nobody wakes (shuttle: deadlock)" } else { claim };
    support::evidence::append("mutant", mutant, 1, seconds, &format!("killed: {told}"));
}

/// The tests of a script: itself, and each mutant with the claim that it falsifies.
macro_rules! schedules {
    ($($test:ident: $script:expr $(, $mutant:ident $name:literal $claim:expr)* ;)*) => {$(
        #[test]
        fn $test() {
            super::explore(&$script);
        }
        $(
            #[cfg(feature = "mutants")]
            #[test]
            fn $mutant() {
                super::kill($name, &$script, $claim);
            }
        )*
    )*};
}
use schedules;
