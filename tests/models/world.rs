//! What a model starts from: cells, summaries and checks of its own, built as the registrations build them.

use std::cell::RefCell;
use std::sync::Arc;

use crate::cell::slab::{Arena, Cell, Place};
use crate::cell::word::flag;
use crate::model::definition::CheckSpec;
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::{Definition, Snapshot};
use crate::model::status::Status;
use crate::subscribe::interest::Board;
use crate::summary::members::Input;
use crate::summary::{Edge, Summary};
use crate::sync::InFlight;
use crate::writer::commit::{Committed, Next, Revisions, commit, complete, complete_for, is_paid};
use crate::writer::lease::Lease;
use crate::writer::touch::start;

/// The record of whoever holds a token in a model.
pub const WRITER: u32 = 2;

/// An engine's worth of state for one execution.
pub struct World {
    pub revisions: Revisions,
    pub board: Board,
    arena: Arc<Arena>,
    // Not primitives of the model: filled before the threads start, emptied after they have ended.
    summaries: RefCell<Vec<Arc<Summary>>>,
    cells: RefCell<Vec<*const Cell>>,
    others: RefCell<Vec<Box<dyn std::any::Any>>>,
}

/// A check in one of its lives.
#[derive(Clone, Copy)]
pub struct Check {
    pub place: Place,
    pub life: u16,
    /// Where it counts in its home.
    pub counted: Option<u32>,
}

impl World {
    /// Runs `model` in a world of its own and takes it down again, unless the model panics: then other threads may still stand in it.
    pub fn with(model: impl FnOnce(&'static World)) {
        let world = Box::into_raw(Box::new(Self {
            revisions: Revisions::new(),
            board: Board::new(),
            arena: Arc::new(Arena::default()),
            summaries: RefCell::default(),
            cells: RefCell::default(),
            others: RefCell::default(),
        }));
        // SAFETY: it stays until the model has returned, and with it all its threads.
        model(unsafe { &*world });
        // SAFETY: it came from `Box::into_raw`, and nobody uses it any more.
        let world = unsafe { Box::from_raw(world) };
        let cells = world.cells.take();
        // Before the cells, because a summary gives its cell back.
        drop(world);
        for cell in cells {
            // SAFETY: the arena leaked each cell as a box of its own, and the threads that knew it have ended.
            drop(unsafe { Box::from_raw(cell.cast_mut()) });
        }
    }

    /// A summary that no node is an input of: the node's own, or a registered service on a node without checks.
    pub fn summary(&self, id: &str) -> Arc<Summary> {
        self.keep(Summary::new(id.into(), None, self.arena.clone()).unwrap())
    }

    /// A registered service's summary, which has the node's among its inputs.
    pub fn service(&self, id: &str, node: &Arc<Summary>) -> Arc<Summary> {
        let summary = self.keep(Summary::new(id.into(), Some(node.clone()), self.arena.clone()).unwrap());
        summary.set_registered(true);
        node.above.insert(Arc::new(Edge { above: summary.clone(), place: None }));
        summary.walk(None, true, &self.board);
        summary
    }

    /// Something else of the model's, for as long as the world stands.
    pub fn own<T: 'static>(&'static self, value: T) -> &'static T {
        let value = Box::new(value);
        let pointer: *const T = &*value;
        self.others.borrow_mut().push(value);
        // SAFETY: the box stays in the world, which outlives the model's threads.
        unsafe { &*pointer }
    }

    fn keep(&self, summary: Arc<Summary>) -> Arc<Summary> {
        self.cells.borrow_mut().push(summary.cell());
        self.summaries.borrow_mut().push(summary.clone());
        summary
    }

    /// An alias in `home` that mirrors `target`, entered at `place`.
    pub fn alias(&self, home: &Arc<Summary>, target: &Arc<Summary>, place: u32) {
        home.enter(target, place);
        home.walk(Some(place), true, &self.board);
    }

    /// A check of `home` that counts in it at `counted`, or in nothing; held with generation 1.
    pub fn check(&self, home: &Arc<Summary>, counted: Option<u32>, status: Status) -> Check {
        let place = self.arena.allocate().unwrap();
        self.cells.borrow_mut().push(place.cell);
        self.register(place, home, counted, status)
    }

    /// Brings a check to life in the cell, as a registration does. Its generation is above all of the cell's earlier lives.
    pub fn register(&self, place: Place, home: &Arc<Summary>, counted: Option<u32>, status: Status) -> Check {
        let cell = place.cell;
        let life = cell.next_life().unwrap();
        let spec = CheckSpec::new("check").initial(status);
        let definition = Definition::new("check".into(), &spec, home.clone(), None, counted, None);
        let definition = Arc::new(definition);
        let incarnation = self.revisions.draw();
        let snapshot = Arc::new(Snapshot {
            definition,
            output: "".into(),
            incarnation,
            version: 1,
            transitions: 0,
            revision: incarnation,
            epoch: 0,
            time: 0,
            since: 0,
            held_since: 0,
            generation: cell.snapshot.load().map_or(0, |before| before.generation) + 1,
            writer: WRITER,
            holder: WRITER,
            lease: Lease::NONE,
            life,
            status,
            from: status,
            worst: status,
            flags: flag::INITIAL,
            gone: false,
            in_flight: InFlight::new(),
        });
        start(&cell.touch, snapshot.generation);
        cell.snapshot.store(Some(snapshot.clone()));
        cell.status().publish(snapshot.word());
        if let Some(counted) = counted {
            home.members.set(counted, Input::Check(cell, life));
            home.walk(Some(counted), true, &self.board);
        }
        cell.status().settle(snapshot.word());
        Check { place, life, counted }
    }

    /// Takes a check out whoever holds it, as a deregistration does.
    pub fn deregister(&self, check: Check, home: &Arc<Summary>) -> Committed<'static> {
        let cell = check.place.cell;
        let committed = commit(cell, &self.revisions, |current, next| {
            next.by(WRITER, 0);
            (next.gone, next.holder, next.generation) = (true, 0, current.generation + 1);
            Ok(true)
        });
        let committed = committed.unwrap().unwrap();
        cell.status().publish(committed.after.word());
        if let Some(counted) = check.counted {
            home.members.clear(counted);
            home.walk(Some(counted), true, &self.board);
        }
        committed
    }

    /// A write by the token of `generation`: the whole call, to its return.
    pub fn write<'n>(
        &self,
        check: Check,
        generation: u32,
        change: impl Fn(&mut Next<'n>),
    ) -> Result<Committed<'static>, ErrorKind> {
        let committed = commit(check.place.cell, &self.revisions, |current, next| {
            if current.life != check.life || current.gone {
                return Err(Error::text(ErrorKind::Gone, ""));
            }
            if current.generation != generation {
                return Err(Error::text(ErrorKind::Fenced, ""));
            }
            next.by(WRITER, 0);
            change(next);
            Ok(true)
        });
        let committed = committed.map_err(|error| error.kind())?.expect("a registered check");
        complete(check.place, &committed, &self.revisions, &self.board);
        Ok(committed)
    }

    /// A write of a status by the first token, which may have lost the check.
    pub fn try_report(&self, check: Check, status: Status) -> Result<Committed<'static>, ErrorKind> {
        self.write(check, 1, |next| next.status = status)
    }

    /// A write of a status by the first token, which holds the check.
    pub fn report(&self, check: Check, status: Status) -> Committed<'static> {
        self.try_report(check, status).unwrap()
    }

    /// A write by the first token that changes the output alone.
    pub fn reword(&self, check: Check, output: &str) -> Committed<'static> {
        self.write(check, 1, |next| next.output = Some(output)).unwrap()
    }

    /// A write of a status by the first token that is a heartbeat if the check has this status already.
    pub fn repeat(&self, check: Check, status: Status) {
        let committed = commit(check.place.cell, &self.revisions, |current, next| {
            if current.status != status {
                next.by(WRITER, 0);
                next.status = status;
                return Ok(true);
            }
            if !is_paid(check.place, current) {
                complete_for(check.place, current, &self.revisions, &self.board);
            }
            Ok(false)
        });
        if let Some(committed) = committed.unwrap() {
            complete(check.place, &committed, &self.revisions, &self.board);
        }
    }
}

impl Check {
    /// Whether `summary`, read first, shows what `committed` wrote to this check, its only input, or something newer.
    pub fn is_shown_by(self, summary: &Summary, committed: &Committed<'_>) -> bool {
        let shown = summary.word().shown();
        let word = self.place.cell.status().load();
        word.version() != committed.after.version || shown == committed.after.status
    }
}
