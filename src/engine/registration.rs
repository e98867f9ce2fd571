//! Registering, redefining and deregistering: everything that changes what there is.
//!
//! All of it runs under the registry's lock, one at a time. Readers and writers never take that lock: they see each step as it is published,
//! and the steps are ordered so that each intermediate state is a true one. A call that fails has changed nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::cell::handle::Kind;
use crate::cell::slab::Place;
use crate::engine::deregistering::Right;
use crate::engine::stats::Count;
use crate::engine::{Check, Engine, Inner, Registry, Service};
use crate::model::definition::{CheckSpec, ServiceSpec, excerpt};
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::Snapshot;
use crate::mutant::mutated;
use crate::subscribe::interest::{self, Class};
use crate::summary::{self, Edge, Summary};
use crate::sync::Guard;
use crate::writer::commit::{Committed, complete};
use crate::writer::history::HistoryKind;

impl Engine {
    /// Registers a service. The same definition again returns the same service and commits nothing. Blocking; O(checks above the service).
    ///
    /// # Errors
    /// `EXISTS` naming the field in which a registered service of this id differs, `INVALID`, `TOO_LARGE`, `LIMIT`, `CLOSED`, `FORKED`.
    pub fn register_service(&self, spec: &ServiceSpec) -> Result<Service, Error> {
        self.inner().register_service(spec)
    }

    /// Gives a service another name or other data. Blocking.
    ///
    /// # Errors
    /// `INVALID` for another id, `GONE`, `FOREIGN_ENGINE`, `TOO_LARGE`, `CLOSED`, `FORKED`.
    pub fn redefine_service(&self, service: &Service, spec: &ServiceSpec) -> Result<(), Error> {
        self.inner().redefine_service(service, spec)
    }

    /// Deregisters a service that has no checks. Aliases of it become critical and say why. Blocking.
    ///
    /// # Errors
    /// `BUSY` naming a check that is still bound to it, `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn deregister_service(&self, service: &Service) -> Result<(), Error> {
        self.inner().deregister_service(service)
    }

    /// The service with this id. Blocks only while the index is being changed at the same place, or the service itself; O(1).
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID`, `TOO_LARGE`, `CLOSED`, `FORKED`.
    pub fn service(&self, id: &str) -> Result<Service, Error> {
        self.inner().find_service(id)
    }

    /// Registers a check or alias, bound to `service` or, with `None`, to the node. The same definition again returns the same check and
    /// commits nothing. Blocking; O(checks above it).
    ///
    /// # Errors
    /// `EXISTS` naming the field in which a registered check of this id differs, `GONE` for a service that is not there any more, `LOOP` with
    /// the path, `INVALID`, `TOO_LARGE`, `LIMIT`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn register_check(&self, spec: &CheckSpec, service: Option<&Service>) -> Result<Check, Error> {
        self.inner().register_check(spec, service)
    }

    /// Gives a check another name or other data; incarnation, status and token stay. What a check is bound to and what it mirrors is part of
    /// what it is: to change that, deregister it and register it again. Blocking.
    ///
    /// # Errors
    /// `INVALID` naming the field that cannot change, `GONE`, `FOREIGN_ENGINE`, `TOO_LARGE`, `CLOSED`, `FORKED`.
    pub fn redefine_check(
        &self,
        check: &Check,
        spec: &CheckSpec,
        service: Option<&Service>,
    ) -> Result<(), Error> {
        self.inner().redefine_check(check, spec, service)
    }

    /// Deregisters a check that nobody holds. Blocking; O(checks above it).
    ///
    /// # Errors
    /// `HELD` naming the holder, `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn deregister_check(&self, check: &Check) -> Result<(), Error> {
        self.inner().deregister_check(check, Right::Unheld)
    }

    /// Deregisters a check whoever holds it; `label` is recorded as the one who did. Blocking.
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `TOO_LARGE`, `LIMIT`, `CLOSED`, `FORKED`.
    pub fn deregister_check_by_force(&self, check: &Check, label: &str) -> Result<(), Error> {
        self.inner().check_open()?;
        let record = self.inner().records.intern(label)?;
        self.inner().deregister_check(check, Right::Force(record))
    }

    /// The check with this id. Blocks only while the index is being changed at the same place; O(1).
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID`, `TOO_LARGE`, `CLOSED`, `FORKED`.
    pub fn check(&self, id: &str) -> Result<Check, Error> {
        self.inner().find_check(id)
    }

    /// All services, in no order. Blocking; O(services).
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`.
    pub fn services(&self) -> Result<Vec<Service>, Error> {
        self.inner().check_open()?;
        let _registry = self.inner().registry.lock();
        let service = |summary: &Arc<Summary>| {
            summary
                .table
                .lock()
                .service
                .as_ref()
                .map(|service| Service { place: service.place, life: service.life })
        };
        Ok(self.inner().services.iter().filter_map(|entry| service(entry.value())).collect())
    }

    /// All checks and aliases, in no order. Blocking; O(checks).
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`.
    pub fn checks(&self) -> Result<Vec<Check>, Error> {
        let _registry = self.inner().registering()?;
        Ok(self.inner().places().map(|(place, snapshot)| Check { place, life: snapshot.life }).collect())
    }
}

/// The error for what a handle does not refer to any more.
pub(super) fn gone(what: &str, handle: u64) -> Error {
    Error::text(
        ErrorKind::Gone,
        format!("the {what} of handle {handle:#x} was deregistered; register it again"),
    )
}

impl Inner {
    /// The lock, with the engine still open under it.
    pub(super) fn registering(&self) -> Result<Guard<'_, Registry>, Error> {
        self.check_open()?;
        let registry = self.registry.lock();
        self.check_open()?;
        Ok(registry)
    }

    pub fn find_service(&self, id: &str) -> Result<Service, Error> {
        self.check_open()?;
        crate::model::definition::validate_id("service", id)?;
        let summary = self.services.get(id).map(|entry| entry.value().clone());
        let found = summary.and_then(|summary| {
            summary
                .table
                .lock()
                .service
                .as_ref()
                .map(|service| Service { place: service.place, life: service.life })
        });
        found.ok_or_else(|| self.missing("service", id))
    }

    pub fn find_check(&self, id: &str) -> Result<Check, Error> {
        self.check_open()?;
        let found = self.ids.get(id).map(|found| *found);
        // An entry goes before the end of its check can be seen, so nobody has seen that when this began.
        let check = found
            .and_then(|(slot, life)| Some(Check { place: Place { slot, cell: self.cell(slot)? }, life }));
        check.ok_or_else(|| match crate::model::definition::validate_id("check", id) {
            Err(error) => error,
            Ok(()) => self.missing("check", id),
        })
    }

    /// Why nothing was found under an id: what is looked up while the engine is being closed is missing for that.
    fn missing(&self, what: &str, id: &str) -> Error {
        let none = || Error::text(ErrorKind::NotFound, format!("no {what} {} is registered", excerpt(id)));
        self.check_open().err().unwrap_or_else(none)
    }

    /// The living check with this id.
    pub(super) fn place_of(&self, id: &str) -> Option<(Place, Arc<Snapshot>)> {
        let (slot, _) = *self.ids.get(id)?;
        let cell = self.cell(slot)?;
        let snapshot = cell.snapshot.load()?;
        (!snapshot.gone && &*snapshot.definition.id == id).then_some((Place { slot, cell }, snapshot))
    }

    /// All living checks, in the order of their cells, in which memory is read fastest. The caller holds the registry's lock.
    pub(super) fn places(&self) -> impl Iterator<Item = (Place, Arc<Snapshot>)> {
        self.checks.places().filter_map(|place| {
            let snapshot = place.cell.snapshot.load().filter(|snapshot| !snapshot.gone);
            snapshot.map(|snapshot| (place, snapshot))
        })
    }

    /// The summary and definition of a service handle, which must be alive. The caller holds the registry's lock.
    pub(super) fn summary_of(
        &self,
        service: &Service,
    ) -> Result<(Arc<Summary>, Arc<summary::Service>), Error> {
        self.check_owned(Kind::Service.as_str(), service.place.slot)?;
        let summary = service.place.cell.summary.load();
        let registered = summary.and_then(|summary| {
            let registered = summary.table.lock().service.clone()?;
            let same = registered.life == service.life && registered.place.slot == service.place.slot;
            same.then_some((summary, registered))
        });
        registered.ok_or_else(|| gone("service", self.service_handle(service.place.slot, service.life)))
    }

    /// The summary of a service id, made at its first mention. The caller holds the registry's lock.
    pub(super) fn mention(&self, id: &str) -> Result<Arc<Summary>, Error> {
        if let Some(known) = self.services.get(id) {
            return Ok(known.value().clone());
        }
        let id: Arc<str> = id.into();
        let summary = Summary::new(id.clone(), Some(self.node.clone()), self.summaries.clone())?;
        summary.cell().summary.store(Some(summary.clone()));
        let edge = self.node.above.insert(Arc::new(Edge { above: summary.clone(), place: None }));
        summary.table.lock().node_edge = edge;
        self.services.insert(id, summary.clone());
        // A node check may have changed before the edge was there; as in `enter_target`.
        self.node.word_ordered();
        self.surely(summary.slot(), || summary.walk(None, false, &self.board));
        Ok(summary)
    }

    /// Lets a summary go that neither a service nor an alias nor a subscription refers to. The caller holds the registry's lock.
    pub(super) fn release(&self, summary: &Arc<Summary>) {
        if Arc::ptr_eq(summary, &self.node) {
            return;
        }
        let edge = {
            let table = summary.table.lock();
            if table.service.is_some() || !table.aliases.is_empty() || table.subscribers > 0 {
                return;
            }
            table.node_edge
        };
        self.services.remove(&**summary.id());
        self.node.above.remove(edge);
        for class in [Class::Member, Class::Derived] {
            interest::for_each(&summary.cell().interest, class, |core| {
                core.attached.lock().remove(&summary.slot());
            });
        }
        summary.cell().interest.store(None);
        // The cell itself goes back when the last writer on its way up has let go of the summary.
        summary.cell().summary.store(None);
    }

    /// The present snapshot of a check handle that is alive.
    pub(super) fn living(&self, check: &Check) -> Result<Arc<Snapshot>, Error> {
        self.check_owned(Kind::Check.as_str(), check.place.slot)?;
        match check.place.cell.snapshot.load() {
            Some(snapshot) if snapshot.life == check.life && !snapshot.gone => Ok(snapshot),
            // As long as the cell has no new owner the tombstone knows the name.
            Some(tombstone) if tombstone.life == check.life => Err(Error::text(
                ErrorKind::Gone,
                format!("check {:?} was deregistered; register it again", tombstone.id()),
            )),
            _ => {
                // A close that came meanwhile has emptied the cell.
                self.check_open()?;
                Err(gone("check", self.check_handle(check.place.slot, check.life)))
            }
        }
    }

    /// Pays what a commit owes and enters it into the check's history as `kind`.
    pub(crate) fn complete(&self, place: Place, committed: &Committed<'_>, kind: Option<HistoryKind>) {
        self.count(place.slot, committed);
        if let Some(kind) = kind {
            self.surely(place.slot, || self.remember(kind, committed));
        }
        self.surely(place.slot, || complete(place, committed, &self.revisions, &self.board));
    }

    /// Runs a step of a call that is past its commit point and cannot fail any more: should the step panic, that is counted and it is run
    /// again. It does no harm to be run twice.
    pub(crate) fn surely<R>(&self, slot: u32, step: impl Fn() -> R) -> R {
        if mutated!("past-commit-unguarded") {
            return step();
        }
        catch_unwind(AssertUnwindSafe(&step)).unwrap_or_else(|_| {
            self.counters.add(slot, Count::InternalErrors, 1);
            step()
        })
    }
}
