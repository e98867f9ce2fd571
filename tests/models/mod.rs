//! The protocols, explored by loom: every order of their steps that a bounded number of preemptions allows, and every value that a load
//! may return under the C11 memory model.
//!
//! A model runs the protocols that ship, through the facade [`crate::sync`], in two threads, or three where a claim is about what one passes
//! on of another; the few lines that an engine's calls put around them are written again in [`world`] and in the models, and the schedules run
//! the real ones. It is run in both roles (loom's first thread does the one's part or the other's: there are orders that it finds in one of
//! them only), at two preemptions to the end, once more with stepped atomics (see [`crate::sync::watched`]), and at three and four to the end
//! or to a cap, which the line it prints tells. What a call promises is tested *when it returns*, not only after all have: a protocol that is
//! late is wrong.
//!
//! Each claim has a text of its own. A mutant is a named one-line break in the source; it is run against a model whose claim it falsifies,
//! and fails its test if it dies of another claim or not at all. A panic that is no claim, of the code, of a model's own lines or of loom, shows
//! nothing and is a failure wherever it comes from.
//!
//! What loom cannot run is outside: the allocator, the reclamation of cells and of what arc-swap holds, mappings, descriptors and the futex. So are
//! the registrations' own lists, which are written under one lock; the models do in their place what concerns the readers and writers.
//!
//! [`orderings`] makes each ordering weaker in turn. `LIFESIGN_MODEL_SECONDS` is the cap at three preemptions, for each model and role, 2 by
//! default; at four it is a twentieth of that. `LIFESIGN_EVIDENCE` names a file for a table of what was found (see [`evidence`]).

mod atomic_start;
mod chain;
mod close;
#[allow(dead_code, reason = "other programs use the rest")]
#[path = "../support/evidence.rs"]
mod evidence;
mod fence_reregister;
mod fence_take_over;
mod history;
mod join;
mod lease;
mod link;
mod mark_take;
mod orderings;
mod publish;
mod refresh;
mod resume;
mod settled_skip;
mod split;
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

/// All models.
fn all() -> impl Iterator<Item = &'static Model> {
    [
        atomic_start::MODELS,
        chain::MODELS,
        close::MODELS,
        fence_reregister::MODELS,
        fence_take_over::MODELS,
        history::MODELS,
        join::MODELS,
        lease::MODELS,
        link::MODELS,
        mark_take::MODELS,
        publish::MODELS,
        refresh::MODELS,
        resume::MODELS,
        settled_skip::MODELS,
        split::MODELS,
        transitions::MODELS,
    ]
    .into_iter()
    .flatten()
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

/// How the texts of all claims begin: with the name of their family, or of what ships or stands in for it and makes them itself.
const CLAIMS: [&str; 18] = [
    "atomic_start: ",
    "chain: ",
    "close: ",
    "dirty: ",
    "fence: ",
    "history: ",
    "join: ",
    "lease: ",
    "link: ",
    "mark_take: ",
    "publish: ",
    "refresh: ",
    "reregister: ",
    "resume: ",
    "settled_skip: ",
    "signal: ",
    "split: ",
    "transitions: ",
];

/// What a panic has shown.
enum Death {
    /// A claim is false.
    Claim(String),
    /// loom's own claim is: two threads touch at once what is not shared yet, or no longer.
    Race(String),
    /// Nothing: it is the code's, a model's or loom's own.
    Stray(String),
}

/// What an exploration came to.
struct Explored {
    executions: usize,
    exhausted: bool,
    seconds: f64,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

impl Explored {
    /// What it died of, if it did.
    fn death(&self) -> Option<Death> {
        let panic = self.panic.as_ref()?;
        let text =
            panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let line = text.and_then(|text| text.lines().find(|line| !line.is_empty()));
        let line = line.unwrap_or("a panic without a text");
        // Of `assert_eq!` and its like the text comes after their own.
        let claim = line.strip_prefix("assertion `").and_then(|line| line.split_once("` failed: "));
        let text = claim.map_or(line, |(_, claim)| claim).trim().to_owned();
        let is_claim = CLAIMS.iter().any(|family| text.starts_with(family));
        Some(match text {
            claim if is_claim => Death::Claim(claim),
            race if race.starts_with("Causality violation: ") => Death::Race(race),
            stray => Death::Stray(stray),
        })
    }
}

/// Explores with atomics that are `stepped` or not (see [`crate::sync::watched`]).
fn explore_once(model: &Model, roles: Roles, bound: usize, stepped: bool, cap: Duration) -> Explored {
    // Of std, not of loom: it counts the executions from the outside.
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = executions.clone();
    let run = model.run;
    let mut builder = loom::model::Builder::new();
    builder.max_threads = 3;
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(bound);
    builder.max_duration = Some(cap);
    // Not for checkpoints: how often the clock is looked at.
    builder.checkpoint_interval = 64;
    crate::sync::watched::step(stepped);
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            World::with(|world| run(world, roles));
        });
    }));
    let took = started.elapsed();
    crate::sync::watched::step(false);
    Explored {
        executions: executions.load(Ordering::Relaxed),
        exhausted: result.is_ok() && took < cap,
        seconds: took.as_secs_f64(),
        panic: result.err(),
    }
}

fn print(what: &str, model: &Model, roles: Roles, bound: usize, stepped: bool, explored: &Explored) {
    let Explored { executions, exhausted, seconds, .. } = explored;
    let exhausted = if *exhausted { "yes" } else { "no" };
    let stepped = if stepped { "stepped" } else { "" };
    println!(
        "{what} {:<20} {roles:<8?} bound {bound} {stepped:<7}: {executions:>7} executions, exhausted {exhausted:<3} {seconds:>6.1} s",
        model.name
    );
}

/// Long enough for two preemptions on a slow machine; no model may need it.
const PATIENCE: Duration = Duration::from_secs(300);

fn cap() -> Duration {
    let seconds = std::env::var("LIFESIGN_MODEL_SECONDS").ok();
    Duration::from_secs(
        seconds.map_or(2, |seconds| seconds.parse().expect("LIFESIGN_MODEL_SECONDS is a number of seconds")),
    )
}

/// Explores the model as it is: every claim holds.
fn explore(model: &Model) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut executions, mut seconds, mut result) = (0, 0.0, String::new());
    for (bound, stepped, cap) in
        [(2, false, PATIENCE), (2, true, PATIENCE), (3, false, cap()), (4, false, cap() / 20)]
    {
        let mut exhausted = true;
        for roles in ROLES {
            let explored = explore_once(model, roles, bound, stepped, cap);
            print("model ", model, roles, bound, stepped, &explored);
            if let Some(panic) = explored.panic {
                resume_unwind(panic);
            }
            assert!(
                bound > 2 || explored.exhausted,
                "{}: two preemptions were not exhausted; make it smaller",
                model.name
            );
            executions += explored.executions;
            seconds += explored.seconds;
            exhausted &= explored.exhausted;
        }
        let how = if stepped { " stepped" } else { "" };
        let end = if exhausted { "exhausted" } else { "capped" };
        result += &format!("{}bound {bound}{how} {end}", if result.is_empty() { "" } else { ", " });
    }
    evidence::append("model", model.name, executions as u64, seconds, &result);
}

/// Runs `run` without the texts of panics: they are expected.
fn silently<R>(run: impl FnOnce() -> R) -> R {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(run));
    std::panic::set_hook(hook);
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Explores the model with `mutant` switched on until a claim fails: it must be the one with this text.
#[cfg(feature = "mutants")]
fn kill(mutant: &'static str, model: &Model, claim: &str) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut executions, mut seconds) = (0, 0.0);
    crate::mutant::select(Some(mutant));
    let mut attempts = [(2, false), (2, true), (3, false), (4, false)]
        .into_iter()
        .flat_map(|how| ROLES.map(|roles| (roles, how)));
    let died_of = silently(|| {
        attempts.find_map(|(roles, (bound, stepped))| {
            let explored = explore_once(model, roles, bound, stepped, PATIENCE);
            print("mutant", model, roles, bound, stepped, &explored);
            executions += explored.executions;
            seconds += explored.seconds;
            explored.death()
        })
    });
    crate::mutant::select(None);
    let died_of = match died_of {
        Some(Death::Claim(claim) | Death::Race(claim)) => claim,
        Some(Death::Stray(text)) => panic!("the mutant {mutant} died of {text:?}, which is no claim"),
        None => panic!("the mutant {mutant} survived the model {}", model.name),
    };
    assert!(died_of.contains(claim), "the mutant {mutant} died of {died_of:?} and not of {claim:?}");
    println!("mutant {mutant} killed: {claim}");
    let (name, result) = (format!("{mutant} in {}", model.name), format!("killed: {claim}"));
    evidence::append("mutant", &name, executions as u64, seconds, &result);
}

/// The tests of a model: itself, and each mutant with the claim that it falsifies.
macro_rules! models {
    ($($test:ident: $model:expr $(, $mutant:ident $name:literal $claim:expr)* ;)*) => {
        pub(super) const MODELS: &[Model] = &[$($model),*];
    $(
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
