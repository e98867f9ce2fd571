//! The engine that all threads use: three services one above the other through aliases, a fourth alias at their end, and the node's own checks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use lifesign::failpoint::Pause;
use lifesign::{Check, CheckSpec, Engine, Service, Snapshot, Status, Token};

use crate::recording::{Claim, Clock, END, History, Life, Position, State, Text};
use crate::support::{alias, check, engine, service};

pub const STATUSES: [Status; 3] = [Status::Passing, Status::Warning, Status::Critical];
/// Which service each check is bound to; 3 is the node. Their ids are in the order of their numbers, and before those of the aliases.
pub const HOMES: [usize; 8] = [0, 0, 1, 1, 2, 2, 3, 3];
pub const NODE: usize = 3;
/// Besides the checks: the life of the lowest service, as a check that is critical while there is none.
pub const LIFE_OF_BASE: usize = 8;
/// What each summary derives from: those of the services, each with an alias of the one before it, and the node's.
pub const BELOW: [&[usize]; 4] = [
    &[0, 1, 6, 7, LIFE_OF_BASE],
    &[0, 1, 2, 3, 6, 7, LIFE_OF_BASE],
    &[0, 1, 2, 3, 4, 5, 6, 7, LIFE_OF_BASE],
    &[6, 7],
];
/// The services. An alias of each is bound to the next, the last one's and the node's own to the node.
pub const SERVICES: [&str; 3] = ["base", "web", "api"];
/// The aliases of the summaries.
pub const ALIASES: [&str; 4] = ["m0", "m1", "m2", "m3"];

pub fn id(check: usize) -> String {
    format!("c{check}")
}

/// The number of the check of this id; `None` for an alias.
pub fn number(id: &str) -> Option<usize> {
    id.strip_prefix('c')?.parse().ok()
}

/// A check in its present life.
#[derive(Clone)]
pub struct Living {
    pub check: Check,
    pub incarnation: u64,
    pub token: Arc<Token>,
}

/// The steps of a write at which a thread may be stopped.
pub const STEPS: [&str; 14] = [
    "commit:loaded",
    "commit:drawn",
    "commit:done",
    "commit:published",
    "refresh:loaded",
    "refresh:evaluated",
    "walk:refreshed",
    "walk:marked",
    "commit:propagated",
    "mark:leaf",
    "mark:wake",
    "commit:marked",
    "commit:stamped",
    "commit:settled",
];

pub struct World {
    pub engine: Engine,
    pub services: [RwLock<Service>; 3],
    pub aliases: [Check; 4],
    pub checks: Vec<RwLock<Living>>,
    pub clock: Clock,
    /// Writers that are stopped in the middle until somebody lets them go on.
    pub stopped: [Mutex<Option<Pause>>; 2],
    sequence: AtomicU64,
    done: AtomicBool,
}

impl World {
    pub fn new(history: &mut History) -> Self {
        let engine = engine();
        let services = SERVICES.map(|id| service(&engine, id));
        let homes = [Some(&services[1]), Some(&services[2]), None];
        let [m0, m1, m2] = [0, 1, 2].map(|at| alias(&engine, ALIASES[at], homes[at], SERVICES[at]));
        let m3 = engine.register_check(&CheckSpec::node_alias(ALIASES[3]), None).expect("an alias registers");
        let incarnation = engine.service_snapshot(&services[0]).expect("it is registered").incarnation;
        let mut world = Self {
            engine,
            services: services.map(RwLock::new),
            aliases: [m0, m1, m2, m3],
            checks: Vec::new(),
            clock: Clock::default(),
            stopped: Default::default(),
            sequence: AtomicU64::new(1),
            done: AtomicBool::new(false),
        };
        let span = world.clock.time(|| ()).0;
        history.begins.push(Life { span, check: LIFE_OF_BASE, incarnation });
        for at in 0..HOMES.len() {
            let living = world.register(at, history);
            world.checks.push(RwLock::new(living));
        }
        world
    }

    /// Begins a life of a check and takes its token.
    pub fn register(&self, at: usize, history: &mut History) -> Living {
        let home = self.services.get(HOMES[at]).map(|service| *service.read().unwrap());
        let (span, check) = self.clock.time(|| check(&self.engine, &id(at), home.as_ref()));
        let incarnation = self.engine.snapshot(&check).expect("it is registered").incarnation();
        history.begins.push(Life { span, check: at, incarnation });
        let (span, token) =
            self.clock.time(|| self.engine.acquire(&check, "first").expect("nobody knows it yet"));
        let outcome = Ok(token.generation());
        history.claims.push(Claim { span, check: at, incarnation, expected: None, outcome });
        Living { check, incarnation, token: Arc::new(token) }
    }

    pub fn living(&self, at: usize) -> Living {
        self.checks[at].read().unwrap().clone()
    }

    pub fn service(&self, at: usize) -> Service {
        *self.services[at].read().unwrap()
    }

    /// A number for a write, which is its text.
    pub fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets a writer that stands at its point go on.
    pub fn let_go(&self, which: usize) {
        if let Some(pause) = &*self.stopped[which].lock().unwrap()
            && pause.was_reached()
        {
            pause.release();
        }
    }

    pub fn finish(&self) {
        self.done.store(true, Ordering::SeqCst);
    }

    pub fn is_finished(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }
}

/// What a snapshot or a tombstone says.
pub fn state(snapshot: &Snapshot) -> State {
    State {
        position: position(snapshot),
        revision: snapshot.revision(),
        generation: snapshot.generation(),
        sequence: if snapshot.output().is_empty() {
            0
        } else {
            snapshot.output().parse().expect("a write's number")
        },
        status: snapshot.status(),
    }
}

pub fn position(snapshot: &Snapshot) -> Position {
    (snapshot.incarnation(), if snapshot.is_gone() { END } else { snapshot.version() })
}

/// What the text of a summary of this world says.
pub fn text(text: &str) -> Text {
    let check = || {
        let (id, rest) = text.strip_prefix("Check \"")?.split_once("\" is ")?;
        let (status, sequence) = rest.split_once(": ")?;
        let status = STATUSES.into_iter().find(|one| one.as_str() == status)?;
        Some(Text::Check { check: number(id)?, status, sequence: sequence.parse().ok()? })
    };
    match text {
        "All checks passing." => Text::AllPassing,
        "Service \"base\" is not registered." | "Alias \"m0\": Service \"base\" is not registered." => {
            Text::Missing
        }
        _ => check().unwrap_or_else(|| panic!("no summary of this world says {text:?}")),
    }
}
