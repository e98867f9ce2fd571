//! The protocols, explored by loom: every order of their steps that a bounded number of preemptions allows, and every value that a load
//! may return under the C11 memory model.
//!
//! A model is the code that ships, through the facade [`crate::sync`], in the hands of two threads. It is run in both roles (loom's first
//! thread does the one's part or the other's: there are orders that it finds in one of them only), at two preemptions to the end and at
//! three and four to the end or to a cap, which the line it prints tells. What a call promises is tested *when it returns*, not only after
//! all have: a protocol that is late is wrong.
//!
//! Each claim has a text of its own. A mutant is a named one-line break in the source; it is run against a model whose claim it falsifies,
//! and fails its test if it dies of another claim or not at all.
//!
//! What loom cannot run is outside: the allocator, the reclamation of snapshots and cells, mappings, descriptors and the futex. So are
//! the registrations' own lists, which are written under one lock; the models do in their place what concerns the readers and writers.
//!
//! `LIFESIGN_MODEL_SECONDS` is the cap at three preemptions, for each model and role; at four it is a twentieth of that.

mod atomic_start;
mod chain;
mod fence_reregister;
mod fence_take_over;
mod history;
mod lease;
mod link;
mod mark_take;
mod publish;
mod refresh;
mod resume;
mod settled_skip;
mod transitions;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use world::World;

/// What the two threads do, and what is claimed of it.
struct Model {
    name: &'static str,
    run: fn(&'static World, Roles),
}

/// Whose part the model's first thread does.
#[derive(Clone, Copy, Debug)]
enum Roles {
    Straight,
    Swapped,
}

impl Roles {
    /// Does both parts at the same time and returns what they returned.
    fn run<A: 'static, B: 'static>(
        self,
        one: impl FnOnce() -> A + 'static,
        other: impl FnOnce() -> B + 'static,
    ) -> (A, B) {
        match self {
            Self::Straight => {
                let other = loom::thread::spawn(other);
                let one = one();
                (one, other.join().expect("a panic ends the model"))
            }
            Self::Swapped => {
                let one = loom::thread::spawn(one);
                let other = other();
                (one.join().expect("a panic ends the model"), other)
            }
        }
    }
}

const ROLES: [Roles; 2] = [Roles::Straight, Roles::Swapped];

/// The selection of a mutant is process-wide, and two explorations at once only slow one another down.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What an exploration came to.
struct Explored {
    executions: usize,
    exhausted: bool,
    seconds: f64,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

fn explore_once(model: &Model, roles: Roles, bound: usize, cap: Duration) -> Explored {
    // Of std, not of loom: it counts the executions from the outside.
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = executions.clone();
    let run = model.run;
    let mut builder = loom::model::Builder::new();
    builder.max_threads = 2;
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(bound);
    builder.max_duration = Some(cap);
    // Not for checkpoints: how often the clock is looked at.
    builder.checkpoint_interval = 64;
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            World::with(|world| run(world, roles));
        });
    }));
    let took = started.elapsed();
    Explored {
        executions: executions.load(Ordering::Relaxed),
        exhausted: result.is_ok() && took < cap,
        seconds: took.as_secs_f64(),
        panic: result.err(),
    }
}

fn print(what: &str, model: &Model, roles: Roles, bound: usize, explored: &Explored) {
    let Explored { executions, exhausted, seconds, .. } = explored;
    let exhausted = if *exhausted { "yes" } else { "no" };
    println!(
        "{what} {:<20} {roles:<8?} bound {bound}: {executions:>7} executions, exhausted {exhausted:<3} {seconds:>6.1} s",
        model.name
    );
}

/// Long enough for two preemptions on a slow machine; no model may need it.
const PATIENCE: Duration = Duration::from_secs(300);

fn cap() -> Duration {
    let seconds = std::env::var("LIFESIGN_MODEL_SECONDS").ok();
    Duration::from_secs(
        seconds.map_or(20, |seconds| seconds.parse().expect("LIFESIGN_MODEL_SECONDS is a number of seconds")),
    )
}

/// Explores the model as it is: every claim holds.
fn explore(model: &Model) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for roles in ROLES {
        for (bound, cap) in [(2, PATIENCE), (3, cap()), (4, cap() / 20)] {
            let explored = explore_once(model, roles, bound, cap);
            print("model ", model, roles, bound, &explored);
            if let Some(panic) = explored.panic {
                resume_unwind(panic);
            }
            assert!(
                bound > 2 || explored.exhausted,
                "{}: two preemptions were not exhausted; make it smaller",
                model.name
            );
        }
    }
}

/// Explores the model with `mutant` switched on until a claim fails: it must be the one with this text.
#[cfg(feature = "mutants")]
fn kill(mutant: &'static str, model: &Model, claim: &str) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    crate::mutant::select(Some(mutant));
    let mut attempts = [2, 3, 4].into_iter().flat_map(|bound| ROLES.map(|roles| (roles, bound)));
    let panic = attempts.find_map(|(roles, bound)| {
        let explored = explore_once(model, roles, bound, PATIENCE);
        print("mutant", model, roles, bound, &explored);
        explored.panic
    });
    crate::mutant::select(None);
    std::panic::set_hook(hook);
    let Some(panic) = panic else { panic!("the mutant {mutant} survived the model {}", model.name) };
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("a panic without a text");
    assert!(text.contains(claim), "the mutant {mutant} died of {text:?} and not of {claim:?}");
    println!("mutant {mutant} killed: {claim}");
}

/// The tests of a model: itself, and each mutant with the claim that it falsifies.
macro_rules! models {
    ($($test:ident: $model:expr $(, $mutant:ident $name:literal $claim:expr)* ;)*) => {$(
        #[test]
        fn $test() {
            super::explore(&$model);
        }
        $(
            #[cfg(feature = "mutants")]
            #[test]
            fn $mutant() {
                super::kill($name, &$model, $claim);
            }
        )*
    )*};
}
use models;
