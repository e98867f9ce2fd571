//! The engine: the state of one node, and what a Rust program calls.
//!
//! The parts: `registration` with `services` and `checks` (under one lock that neither reads nor writes know of), `writing`
//! (tokens and commits), `reading` (snapshots, views, the audit), `subscribing`, `clock`, `stats`.

pub mod acquiring;
mod checks;
pub mod clock;
mod deregistering;
mod expiring;
pub mod export;
pub mod reading;
mod refusing;
mod registration;
mod services;
pub mod stats;
mod subscribing;
pub mod telling;
pub mod writing;

use std::sync::Arc;

use dashmap::DashMap;

use crate::cell::handle::{self, Kind};
use crate::cell::process::{self, Root};
use crate::cell::slab::{Arena, Cell, PageKind, Place, end_life};
use crate::claim::table::Claims;
use crate::failpoint::pause;
use crate::model::error::{Error, ErrorKind};
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::delivery::Core;
use crate::subscribe::interest::{Board, Place as _};
use crate::subscribe::resume::Graves;
use crate::summary::Summary;
use crate::summary::word::SummaryWord;
use crate::sync::{AtomicBool, AtomicU64, HashState, Mutex, Ordering};
use crate::writer::commit::Revisions;
use crate::writer::joins::Joins;
use crate::writer::lease::Leases;
use crate::writer::record::{Embedder, Process, Records, WriterRecord};
use crate::writer::token::Shared;
use clock::{Clock, ClockSource};
use stats::{Count, Counters, Stats};

pub use subscribing::{Subscription, SubscriptionFilter};

/// The bounds of an engine. Past one of them a call fails with `LIMIT` or `TOO_LARGE` and nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest output in bytes; 4,096.
    pub max_output: usize,
    /// Registered services; 1,048,576.
    pub max_services: usize,
    /// Registered checks and aliases; 4,194,304.
    pub max_checks: usize,
    /// Open subscriptions; 65,536.
    pub max_subscriptions: usize,
    /// Open tokens; 4,194,304.
    pub max_tokens: usize,
    /// Distinct writer records; 65,536.
    pub max_records: usize,
    /// Tombstones that wait in one subscription before it starts anew from the whole state, and that the engine keeps for those who resume
    /// from a cursor; 4,096.
    pub max_pending: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_output: 4096,
            max_services: 1 << 20,
            max_checks: 1 << 22,
            max_subscriptions: 1 << 16,
            max_tokens: 1 << 22,
            max_records: 1 << 16,
            max_pending: 4096,
        }
    }
}

/// How to open an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The program that opens it: part of every writer record.
    pub embedder: Embedder,
    /// Whose clocks it goes by.
    pub clock: ClockSource,
    /// Its bounds.
    pub limits: Limits,
    /// Entries that are kept of each check's history; 0 keeps none and costs nothing.
    pub history: usize,
}

/// Entries of a check's history that are kept unless the embedder says otherwise.
pub const DEFAULT_HISTORY: usize = 16;

impl Default for Config {
    fn default() -> Self {
        let (embedder, clock, limits) = Default::default();
        Self { embedder, clock, limits, history: DEFAULT_HISTORY }
    }
}

/// The state of one node. Every method may be called from any thread; the engine starts no thread and calls nothing back.
///
/// Dropping the engine closes it.
pub struct Engine {
    inner: Arc<Inner>,
    /// Whether this value is the engine's owner, whose end closes it; the boundary makes others for the time of a call.
    owner: bool,
}

/// A registered service. A plain number-like value; the service stays when it is dropped.
#[derive(Clone, Copy)]
pub struct Service {
    pub(crate) place: Place,
    pub(crate) life: u16,
}

/// A registered check or alias. A plain number-like value; the check stays when it is dropped.
#[derive(Clone, Copy)]
pub struct Check {
    pub(crate) place: Place,
    pub(crate) life: u16,
}

impl Check {
    /// The status, or `None` once the check is deregistered or the engine closed.
    ///
    /// Wait-free: one atomic load for a check; for an alias a load of its own word, of its link, of its target's summary, and of the link
    /// again.
    #[inline]
    pub fn status(&self) -> Option<Status> {
        let word = self.place.cell.status().load();
        if word.has(crate::cell::word::flag::DERIVED) {
            let shown = self.place.cell.linked_word(self.life)?;
            return Some(SummaryWord(shown).shown());
        }
        word.status_in(self.life)
    }
}

impl Service {
    /// What the service shows: the worst of its checks and of the node's direct checks. `None` once it is deregistered or the engine closed.
    ///
    /// Wait-free: three atomic loads.
    #[inline]
    pub fn status(&self) -> Option<Status> {
        Some(SummaryWord(self.place.cell.linked_word(self.life)?).shown())
    }
}

macro_rules! identity {
    ($type:ident) => {
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                (self.place.slot, self.life) == (other.place.slot, other.life)
                    && std::ptr::eq(self.place.cell, other.place.cell)
            }
        }

        impl Eq for $type {}

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(
                    f,
                    concat!(stringify!($type), "(slot {}, life {}, {:?})"),
                    self.place.slot,
                    self.life,
                    self.status()
                )
            }
        }
    };
}
identity!(Check);
identity!(Service);

/// What handles, tokens and subscriptions hold on to.
pub(crate) struct Inner {
    pub id: [u8; 16],
    pub limits: Limits,
    pub revisions: Revisions,
    pub board: Board,
    pub records: Records,
    pub clock: Clock,
    pub counters: Counters,
    pub tokens: AtomicU64,
    pub leases: Leases,
    /// Who waits for a token to be over.
    pub joins: Joins<Shared>,
    pub history: usize,
    pub claims: Claims,
    root: &'static Root,
    closed: AtomicBool,
    node: Arc<Summary>,
    /// A cell that shows the node's summary, as that of a service shows its own: it ends with the engine.
    pub node_cell: Service,
    /// In which cell the check of an id lives, and in which life: to find it is to look at nothing else.
    ids: DashMap<Arc<str>, (u32, u16), HashState>,
    services: DashMap<Arc<str>, Arc<Summary>, HashState>,
    registry: Mutex<Registry>,
    // Last, so that what stands in the cells is dropped while the summaries' pages are still borrowed.
    checks: Arena,
    summaries: Arc<Arena>,
}

/// What registrations know, under one lock. Reads and writes never take it.
#[derive(Default)]
struct Registry {
    services: usize,
    checks: usize,
    aliases: usize,
    subscriptions: Vec<Arc<Core>>,
    prefixes: Vec<Arc<Core>>,
    /// The last deregistrations, for those who resume.
    graves: Graves,
}

impl Engine {
    /// Opens an engine of its own. Blocking: observes the process and maps memory.
    ///
    /// # Errors
    /// `INVALID` for a text of the embedder's that cannot be kept, `LIMIT` when there is no memory to map, `INTERNAL` when the kernel is
    /// too old.
    pub fn open(config: Config) -> Result<Self, Error> {
        let Config { embedder, clock, limits, history } = config;
        embedder.validate()?;
        let root = process::root_or_open()?;
        let summaries = Arc::new(Arena::new(root, PageKind::Summaries));
        let node = Summary::new("".into(), None, summaries.clone())?;
        node.cell().summary.store(Some(node.clone()));
        let checks = Arena::new(root, PageKind::Checks);
        let place = checks.allocate()?;
        let node_cell =
            Service { place, life: place.cell.next_life().expect("a cell without lives is not given out") };
        place.cell.show(node_cell.life, node.cell());
        let inner = Arc::new(Inner {
            id: process::random_bytes(),
            limits,
            revisions: Revisions::new(),
            board: Board::new(),
            records: Records::new(Process::observe(root.uuid), embedder, limits.max_records),
            clock: Clock::new(clock),
            counters: Counters::default(),
            tokens: AtomicU64::new(0),
            leases: Leases::default(),
            joins: Joins::new(),
            history,
            claims: Claims::new(),
            root,
            closed: AtomicBool::new(false),
            node,
            node_cell,
            ids: DashMap::default(),
            services: DashMap::default(),
            registry: Mutex::new(Registry::default()),
            checks,
            summaries,
        });
        inner.checks.set_owner(Some(inner.clone()));
        if mutated!("engine-starts-a-thread") {
            std::thread::spawn(std::thread::park);
        }
        Ok(Self { inner, owner: true })
    }

    /// Closes the engine: every wait ends with `CLOSED`, every word reads as gone, calls in flight finish, and the memory goes back when the
    /// last of them has left. Closing again does nothing. Blocking: waits for a registration under way. O(everything).
    pub fn close(&self) {
        self.inner.close();
    }

    /// The engine's random id.
    pub fn id(&self) -> [u8; 16] {
        self.inner.id
    }

    /// Tells the time, and ends the leases whose deadlines have passed: on a manual clock `wall` is nanoseconds since 1970 and `boot` nanoseconds on
    /// a clock that never stands still; the system's clocks are read instead and the arguments ignored. Then it looks after the engine's
    /// [claims](crate::Claim), last of all, for it may have to wait for their directories; what goes wrong there is theirs to tell and fails no
    /// tick. Call it about once a second, and at least four times in the shortest lease. Blocking for another tick; O(leases that are due ·
    /// log leases + claims).
    ///
    /// # Errors
    /// `INVALID` for a manual boot clock above 10.9 years, `CLOSED`, `FORKED`.
    pub fn tick(&self, wall: i64, boot: u64) -> Result<(), Error> {
        self.inner.check_open()?;
        self.inner.clock.check(boot)?;
        self.inner.tick(wall, boot);
        self.inner.release_trouble();
        self.inner.claims.tick(&self.inner);
        Ok(())
    }

    /// The writer record with this number, `None` for 0 and numbers never given out.
    pub fn record(&self, id: u32) -> Option<Arc<WriterRecord>> {
        self.inner.check_fork().ok()?;
        self.inner.records.get(id)
    }

    /// Counters and sizes. Blocking for registrations; O(subscriptions).
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`.
    pub fn stats(&self) -> Result<Stats, Error> {
        self.inner.check_open()?;
        Ok(self.inner.stats())
    }

    /// The engine for the time of a call; dropping it closes nothing.
    pub(crate) fn borrowed(inner: Arc<Inner>) -> Self {
        Self { inner, owner: false }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if !self.owner {
            return;
        }
        if self.inner.is_foreign_process() {
            // In a forked child the cells are wiped and locks may be held by threads that do not exist here: leave it all alone.
            std::mem::forget(self.inner.clone());
            return;
        }
        self.inner.close();
    }
}

impl Inner {
    /// Whether this process is a fork of the one that opened the engine. One load.
    pub fn is_foreign_process(&self) -> bool {
        !process::root().is_some_and(|root| std::ptr::eq(root, self.root))
    }

    pub fn check_fork(&self) -> Result<(), Error> {
        if self.is_foreign_process() { Err(Error::forked()) } else { Ok(()) }
    }

    pub fn check_open(&self) -> Result<(), Error> {
        self.check_fork()?;
        if self.closed.load(Ordering::Acquire) { Err(Error::closed()) } else { Ok(()) }
    }

    pub fn cell(&self, slot: u32) -> Option<&'static Cell> {
        self.root.pages.cell(slot)
    }

    pub fn check_handle(&self, slot: u32, life: u16) -> u64 {
        handle::encode(self.root.secret, Kind::Check, slot, life)
    }

    /// The cell that a handle of [`Self::check_handle`] is of.
    pub fn slot_of(&self, check: u64) -> u32 {
        handle::decode(self.root.secret, Kind::Check, check).expect("it was made by `check_handle`").slot
    }

    pub fn service_handle(&self, slot: u32, life: u16) -> u64 {
        handle::encode(self.root.secret, Kind::Service, slot, life)
    }

    /// Whether the cell belongs to this engine.
    fn owns(&self, slot: u32) -> bool {
        self.root.pages.is_lent_to(slot, self)
    }

    fn check_owned(&self, what: &str, slot: u32) -> Result<(), Error> {
        if self.owns(slot) {
            return Ok(());
        }
        // A close that came meanwhile has given the cell back.
        self.check_open()?;
        let text = format!(
            "the {what} belongs to another engine, or its engine is closed; use the engine it was registered with"
        );
        Err(Error::text(ErrorKind::ForeignEngine, text))
    }

    fn stats(&self) -> Stats {
        let get = |count| self.counters.get(count);
        let registry = self.registry.lock();
        let live =
            |count: fn(&Core) -> u64| registry.subscriptions.iter().map(|core| count(core)).sum::<u64>();
        Stats {
            commits: get(Count::Unchanged) + get(Count::Transitions),
            transitions: get(Count::Transitions),
            heartbeats: get(Count::Heartbeats),
            refused_held: get(Count::Held),
            refused_fenced: get(Count::Fenced),
            refused_gone: get(Count::Gone),
            refused_derived: get(Count::Derived),
            refused_expired: get(Count::Expired),
            refused_other: get(Count::Other),
            repairs: get(Count::Repairs),
            internal_errors: get(Count::InternalErrors),
            lapses: get(Count::Lapses),
            clock_jumps: get(Count::ClockJumps),
            helps: get(Count::Helps),
            resyncs: get(Count::Resyncs) + live(Core::resyncs),
            spurious_wakes: get(Count::SpuriousWakes) + live(Core::spurious_wakes),
            services: registry.services as u64,
            checks: registry.checks as u64,
            aliases: registry.aliases as u64,
            tokens: self.tokens.load(Ordering::Relaxed),
            subscriptions: registry.subscriptions.len() as u64,
            bytes: self.checks.bytes() + self.summaries.bytes(),
        }
    }

    fn close(&self) {
        if self.is_foreign_process() || self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        // It is closed, and a second call does nothing: all the rest has to be done, whatever happens.
        self.surely(0, || self.forget_everything());
        self.joins.end();
        self.claims.close(self);
        // Until here a handle of this engine answered for it; from now on the words alone say that it is closed.
        self.checks.set_owner(None);
        self.root.handles.close_engine(self);
    }

    /// Ends every word and every wait, and lets go of what is registered.
    fn forget_everything(&self) {
        pause!("close:begun");
        let mut registry = self.registry.lock();
        // Raised to a word that no writer in flight can pass: zeroing would let a late `fetch_max` bring the check back to life.
        self.checks.places().for_each(|place| end_life(place.cell));
        pause!("close:ended");
        registry.subscriptions.iter().for_each(|core| core.close());
        pause!("close:told");
        registry.subscriptions.clear();
        registry.prefixes.clear();
        registry.graves.clear();
        self.board.everything.put(None);
        self.board.trouble.put(None);
        let summaries = self.services.iter().map(|entry| entry.value().clone()).chain([self.node.clone()]);
        let summaries: Vec<_> = summaries.collect();
        for summary in &summaries {
            // The links between summaries go in circles through the node; without these cuts nothing would ever be dropped.
            summary.above.clear();
            summary.cell().interest.store(None);
            summary.cell().summary.store(None);
            summary.change(|table| table.targets.clear());
        }
        // The summaries are held here still: dropping one inside the index would take its arena's lock under the index's.
        self.services.clear();
        self.ids.clear();
        drop(summaries);
        self.checks.places().for_each(|place| {
            place.cell.interest.store(None);
            place.cell.summary.store(None);
        });
        drop(registry);
        pause!("close:forgotten");
    }
}
