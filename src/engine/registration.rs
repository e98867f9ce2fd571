//! Registering, redefining and deregistering: everything that changes what there is.
//!
//! All of it runs under the registry's lock, one at a time. Readers and writers never take that lock: they see each step as it is published,
//! and the steps are ordered so that each intermediate state is a true one. A call that fails has changed nothing.

use std::sync::Arc;

use crate::alias::check_link;
use crate::cell::handle::Kind;
use crate::cell::slab::Place;
use crate::cell::word::{StatusWord, flag};
use crate::engine::{Check, Engine, Inner, Registry, Service};
use crate::model::definition::{CheckKind, CheckSpec, ServiceSpec, excerpt};
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::{Definition, Snapshot};
use crate::model::status::Status;
use crate::subscribe::interest::{self, Class};
use crate::summary::members::Input;
use crate::summary::{self, Bound, Edge, Summary, Target};
use crate::sync::{Guard, Ordering};
use crate::writer::commit::{Next, commit, complete};
use crate::writer::record::{self, WriterRecord};
use crate::writer::touch::{MAX_GENERATION, start};

/// Why a check may be deregistered.
pub(crate) enum Right<'a> {
    /// Nobody holds it.
    Unheld,
    /// The caller holds it with this generation.
    Holder(u32, &'a Arc<WriterRecord>),
    /// Somebody insists, and is recorded.
    Force(Arc<WriterRecord>),
}

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

    /// The service with this id. Blocks only while the index is being changed at the same place; O(1).
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
        self.inner().check_open()?;
        let _registry = self.inner().registry.lock();
        Ok(self.inner().places().map(|(place, snapshot)| Check { place, life: snapshot.life }).collect())
    }
}

fn gone(what: &str, handle: u64) -> Error {
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
        found.ok_or_else(|| {
            Error::text(ErrorKind::NotFound, format!("no service {} is registered", excerpt(id)))
        })
    }

    pub fn find_check(&self, id: &str) -> Result<Check, Error> {
        self.check_open()?;
        crate::model::definition::validate_id("check", id)?;
        self.place_of(id).map(|(place, snapshot)| Check { place, life: snapshot.life }).ok_or_else(|| {
            Error::text(ErrorKind::NotFound, format!("no check {} is registered", excerpt(id)))
        })
    }

    /// The living check with this id.
    fn place_of(&self, id: &str) -> Option<(Place, Arc<Snapshot>)> {
        let slot = *self.ids.get(id)?;
        let cell = self.cell(slot)?;
        let snapshot = cell.snapshot.load()?;
        (!snapshot.gone && &*snapshot.definition.id == id).then_some((Place { slot, cell }, snapshot))
    }

    /// All living checks. The caller holds the registry's lock.
    pub(super) fn places(&self) -> impl Iterator<Item = (Place, Arc<Snapshot>)> + '_ {
        self.ids.iter().filter_map(|entry| {
            let (slot, cell) = (*entry.value(), self.cell(*entry.value())?);
            cell.snapshot
                .load()
                .filter(|snapshot| !snapshot.gone)
                .map(|snapshot| (Place { slot, cell }, snapshot))
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
    fn mention(&self, id: &str) -> Result<Arc<Summary>, Error> {
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
        summary.walk(None, false, &self.board);
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

    fn register_service(&self, spec: &ServiceSpec) -> Result<Service, Error> {
        self.check_open()?;
        spec.validate()?;
        let mut registry = self.registering()?;
        let known = self.services.get(&*spec.id).and_then(|entry| entry.value().table.lock().service.clone());
        if let Some(known) = known {
            let differs = if known.spec.name != spec.name {
                Some("name")
            } else if known.spec.data != spec.data {
                Some("data")
            } else {
                None
            };
            return match differs {
                None => Ok(Service { place: known.place, life: known.life }),
                Some(field) => Err(Error::text(
                    ErrorKind::Exists,
                    format!(
                        "service {:?} is registered with a different {field}; redefine it to change that",
                        spec.id
                    ),
                )),
            };
        }
        if registry.services >= self.limits.max_services {
            return Err(Error::text(
                ErrorKind::Limit,
                format!("service {:?}: the engine has {} services, its limit", spec.id, registry.services),
            ));
        }
        let place = self.checks.allocate()?;
        let summary = match self.mention(&spec.id) {
            Ok(summary) => summary,
            Err(error) => {
                self.checks.release(place);
                return Err(error);
            }
        };
        let life = place.cell.next_life().expect("a cell without lives is not given out");
        place.cell.summary.store(Some(summary.clone()));
        place.cell.set_link(life, summary.cell());
        place.cell.status().publish(StatusWord::new(life, 1, Status::Critical, flag::DERIVED));
        let incarnation = self.revisions.draw();
        let service = Arc::new(summary::Service { spec: spec.clone(), place, life, incarnation });
        summary.change(|table| {
            table.service = Some(service);
            summary.set_registered(true);
            summary.walk(None, true, &self.board);
        });
        registry.services += 1;
        Ok(Service { place, life })
    }

    fn redefine_service(&self, service: &Service, spec: &ServiceSpec) -> Result<(), Error> {
        self.check_open()?;
        spec.validate()?;
        let _registry = self.registering()?;
        let (summary, known) = self.summary_of(service)?;
        if known.spec.id != spec.id {
            return Err(Error::invalid(format!(
                "service {:?}: its id cannot become {:?}",
                known.spec.id, spec.id
            )));
        }
        let next = summary::Service { spec: spec.clone(), ..*known };
        summary.change(|table| table.service = Some(Arc::new(next)));
        Ok(())
    }

    fn deregister_service(&self, service: &Service) -> Result<(), Error> {
        let mut registry = self.registering()?;
        let (summary, known) = self.summary_of(service)?;
        let bound = summary.table.lock().checks.first().and_then(|bound| bound.place.cell.snapshot.load());
        if let Some(bound) = bound {
            return Err(Error::text(
                ErrorKind::Busy,
                format!(
                    "service {:?} still has checks, {:?} among them; deregister them first",
                    known.spec.id,
                    bound.id()
                ),
            ));
        }
        let Place { cell, .. } = known.place;
        crate::cell::slab::end_life(cell);
        cell.summary.store(None);
        summary.change(|table| {
            table.service = None;
            summary.set_registered(false);
            summary.walk(None, true, &self.board);
        });
        self.checks.release(known.place);
        registry.services -= 1;
        self.release(&summary);
        Ok(())
    }

    /// The field in which `spec` differs from what is registered.
    fn difference(
        &self,
        known: &Definition,
        spec: &CheckSpec,
        service: Option<&Service>,
    ) -> Result<Option<&'static str>, Error> {
        let home = match service {
            Some(service) => {
                self.summary_of(service).map_err(|error| error.about(format_args!("check {:?}", spec.id)))?.0
            }
            None => self.node.clone(),
        };
        Ok(if !Arc::ptr_eq(&home, &known.home) {
            Some("service")
        } else if known.kind != spec.kind {
            Some("kind or target")
        } else if known.initial != spec.initial && spec.kind == CheckKind::Direct {
            Some("initial status")
        } else if *known.name != *spec.name {
            Some("name")
        } else if *known.data != *spec.data {
            Some("data")
        } else {
            None
        })
    }

    fn register_check(&self, spec: &CheckSpec, service: Option<&Service>) -> Result<Check, Error> {
        self.check_open()?;
        spec.validate()?;
        let mut registry = self.registering()?;
        if let Some((place, known)) = self.place_of(&spec.id) {
            return match self.difference(&known.definition, spec, service)? {
                None => Ok(Check { place, life: known.life }),
                Some(field) => Err(Error::text(
                    ErrorKind::Exists,
                    format!(
                        "check {:?} is registered with a different {field}; redefine it, or deregister it first",
                        spec.id
                    ),
                )),
            };
        }
        let home = match service {
            Some(service) => {
                self.summary_of(service).map_err(|error| error.about(format_args!("check {:?}", spec.id)))?.0
            }
            None => self.node.clone(),
        };
        if registry.checks >= self.limits.max_checks {
            return Err(Error::text(
                ErrorKind::Limit,
                format!("check {:?}: the engine has {} checks, its limit", spec.id, registry.checks),
            ));
        }
        let target = match &spec.kind {
            CheckKind::Direct => None,
            CheckKind::AliasNode => Some(self.node.clone()),
            CheckKind::AliasService(id) => Some(self.mention(id)?),
        };
        if let Some(target) = &target
            && let Err(error) = self.admit_alias(&spec.id, &home, target)
        {
            self.release(target);
            return Err(error);
        }
        let place = match self.checks.allocate() {
            Ok(place) => place,
            Err(error) => {
                target.iter().for_each(|target| self.release(target));
                return Err(error);
            }
        };
        let is_alias = target.is_some();
        let check = self.insert_check(&registry, spec, home, target, place);
        registry.checks += 1;
        registry.aliases += usize::from(is_alias);
        Ok(check)
    }

    fn admit_alias(&self, id: &str, home: &Arc<Summary>, target: &Arc<Summary>) -> Result<(), Error> {
        // The node's summary has its direct checks as its only inputs: what is bound to the node counts toward no alias.
        if home.node().is_none() || target.node().is_none() { Ok(()) } else { check_link(id, home, target) }
    }

    /// Brings a check to life that was found admissible. Cannot fail.
    fn insert_check(
        &self,
        registry: &Registry,
        spec: &CheckSpec,
        home: Arc<Summary>,
        target: Option<Arc<Summary>>,
        place: Place,
    ) -> Check {
        let Place { slot, cell } = place;
        let life = cell.next_life().expect("a cell without lives is not given out");
        let counted = target.is_none().then(|| home.table.lock().take_place());
        let definition = Arc::new(Definition {
            id: spec.id.as_str().into(),
            name: spec.name.as_str().into(),
            data: spec.data.as_slice().into(),
            kind: spec.kind.clone(),
            initial: spec.initial,
            home: home.clone(),
            target: target.clone(),
            place: counted,
        });
        self.interest(registry, &definition, place);
        let before = cell.snapshot.load();
        let now = self.clock.wall();
        let incarnation = self.revisions.draw();
        let snapshot = Arc::new(Snapshot {
            output: "".into(),
            incarnation,
            version: 1,
            transitions: 0,
            revision: incarnation,
            epoch: 0,
            time: now,
            since: now,
            // Above every generation of the cell's earlier lives.
            generation: before.map_or(0, |before| before.generation) + 1,
            writer: record::ENGINE,
            holder: if target.is_some() { record::ENGINE } else { 0 },
            life,
            status: spec.initial,
            from: spec.initial,
            flags: if target.is_some() { flag::DERIVED } else { flag::INITIAL },
            gone: false,
            definition,
        });
        // What a former life left behind ends here, also what a late refusal of it has put there since.
        cell.offenders.store(None);
        start(&cell.touch, snapshot.generation);
        cell.snapshot.store(Some(snapshot.clone()));
        if let Some(target) = &target {
            cell.set_link(life, target.cell());
        }
        cell.status().publish(snapshot.word());
        let bound = Bound { place, life };
        if let Some(target) = &target {
            target.mirrors.fetch_add(1, Ordering::AcqRel);
            target.change(|table| table.aliases.push(bound));
        }
        home.change(|table| {
            table.checks.push(bound);
            let entered = match (&target, counted) {
                (None, Some(counted)) => {
                    home.members.set(counted, Input::Check(cell, life));
                    Some(counted)
                }
                (Some(target), _) if home.node().is_some() => Some(enter_target(&home, table, target)),
                _ => None,
            };
            home.walk(entered, true, &self.board);
        });
        cell.status().settle(snapshot.word());
        self.ids.insert(snapshot.definition.id.clone(), slot);
        // Ordered: who changes the target from here on finds the subscriptions that were attached to it.
        let severity = target.as_ref().map_or(spec.initial, |target| target.word_ordered().shown());
        self.board.mark(&cell.interest, slot, severity, Class::Own, true);
        self.board.mark(&home.cell().interest, slot, severity, Class::Member, false);
        Check { place, life }
    }

    /// Puts the subscriptions that want this new check into the lists its writers will look at.
    fn interest(&self, registry: &Registry, definition: &Definition, place: Place) {
        for core in &registry.prefixes {
            if core.filter.takes_in(place.slot, 0, definition) {
                self.attach(core, place.slot, place.cell, Class::Own);
                if let Some(target) = &definition.target {
                    self.attach(core, target.slot(), target.cell(), Class::Derived);
                }
            }
        }
        if let Some(target) = &definition.target {
            interest::for_each(&definition.home.cell().interest, Class::Member, |core| {
                self.attach(core, target.slot(), target.cell(), Class::Derived);
            });
        }
    }

    fn redefine_check(
        &self,
        check: &Check,
        spec: &CheckSpec,
        service: Option<&Service>,
    ) -> Result<(), Error> {
        self.check_open()?;
        spec.validate()?;
        let _registry = self.registering()?;
        let known = self.living(check)?;
        if *known.definition.id != *spec.id {
            return Err(Error::invalid(format!(
                "check {:?}: its id cannot become {:?}",
                known.id(),
                spec.id
            )));
        }
        match self.difference(&known.definition, spec, service)? {
            None => return Ok(()),
            Some("name" | "data" | "initial status") => {}
            Some(field) => {
                return Err(Error::invalid(format!(
                    "check {:?}: its {field} cannot change while it lives; deregister it and register it again",
                    spec.id
                )));
            }
        }
        let definition = Arc::new(Definition {
            id: known.definition.id.clone(),
            name: spec.name.as_str().into(),
            data: spec.data.as_slice().into(),
            kind: spec.kind.clone(),
            initial: spec.initial,
            home: known.definition.home.clone(),
            target: known.definition.target.clone(),
            place: known.definition.place,
        });
        let committed = commit(check.place.cell, &self.revisions, self.clock.wall(), |current| {
            if current.life != check.life || current.gone {
                return Err(gone("check", self.check_handle(check.place.slot, check.life)));
            }
            Ok(Some(Next { definition: Some(definition.clone()), ..Next::like(current, record::ENGINE) }))
        })?;
        if let Some(committed) = committed {
            if let Some(target) = &definition.target {
                // An alias's version is its target's: it must rise for the new definition to be news.
                target.refresh();
            }
            self.complete(check.place, &committed);
        }
        Ok(())
    }

    pub(crate) fn deregister_check(&self, check: &Check, right: Right<'_>) -> Result<(), Error> {
        let mut registry = self.registering()?;
        let known = self.living(check)?;
        let last = known
            .definition
            .target
            .as_ref()
            .map(|target| crate::summary::view::collect(target, self.limits.max_output).derive(&known));
        let writer = match &right {
            Right::Unheld => record::ENGINE,
            Right::Holder(_, record) => record.id,
            Right::Force(record) => record.id,
        };
        let commit_tombstone = || {
            let Place { cell, .. } = check.place;
            let committed = commit(cell, &self.revisions, self.clock.wall(), |current| {
                if current.life != check.life || current.gone {
                    return Err(gone("check", self.check_handle(check.place.slot, check.life)));
                }
                let refused = match &right {
                    Right::Unheld => {
                        (current.holder != 0 && !current.definition.is_alias()).then_some(ErrorKind::Held)
                    }
                    Right::Holder(generation, _) => {
                        (current.generation != *generation).then_some(ErrorKind::Fenced)
                    }
                    Right::Force(_) => None,
                };
                if let Some(kind) = refused {
                    let caller = match &right {
                        Right::Holder(_, record) => Some((*record).clone()),
                        _ => None,
                    };
                    return Err(self.refuse("deregistering", kind, check.place, current, caller));
                }
                let generation = current.generation + 1;
                Ok(Some(Next { gone: true, holder: 0, generation, ..Next::like(current, writer) }))
            })?;
            committed.ok_or_else(|| gone("check", self.check_handle(check.place.slot, check.life)))
        };
        // Inside the change of the table: who collects the service sees the check and what it counts for, or neither.
        let home = &known.definition.home;
        let committed = home.change(|table| {
            let committed = commit_tombstone()?;
            self.take_out(check, &committed.after, table, last.as_ref().map_or(0, Snapshot::epoch));
            Ok(committed)
        })?;
        self.count(check.place.slot, &committed);
        let tombstone = match last {
            None => committed.after.clone(),
            Some(last) => {
                let Snapshot { revision, time, writer, gone, .. } = *committed.after;
                Arc::new(Snapshot {
                    revision: revision.max(last.revision),
                    time,
                    writer,
                    gone,
                    holder: 0,
                    ..last
                })
            }
        };
        self.bury(check, &committed.after, &tombstone);
        registry.checks -= 1;
        registry.aliases -= usize::from(tombstone.definition.is_alias());
        Ok(())
    }

    /// Takes a check whose tombstone is committed out of its summary; `epoch` is an alias's last. Cannot fail.
    fn take_out(&self, check: &Check, committed: &Snapshot, table: &mut summary::Table, epoch: u64) {
        let Place { slot, cell } = check.place;
        let definition = &committed.definition;
        let home = &definition.home;
        cell.clear_link();
        cell.status().publish(committed.word());
        table.checks.retain(|bound| bound.place.slot != slot);
        let left = match (definition.place, &definition.target) {
            (Some(counted), _) => {
                home.members.clear(counted);
                table.free_places.push(counted);
                table.retired += committed.version;
                Some(counted)
            }
            (None, Some(target)) if home.node().is_some() => leave_target(home, table, target, epoch),
            _ => None,
        };
        home.walk(left, true, &self.board);
    }

    /// Tells the subscriptions and lets go of the cell. Cannot fail.
    fn bury(&self, check: &Check, committed: &Snapshot, tombstone: &Arc<Snapshot>) {
        let Place { slot, cell } = check.place;
        let definition = &committed.definition;
        self.ids.remove_if(&definition.id, |_, mapped| *mapped == slot);
        if let Some(target) = &definition.target {
            target.change(|table| table.aliases.retain(|bound| bound.place.slot != slot));
            target.mirrors.fetch_sub(1, Ordering::AcqRel);
        }
        let handle = self.check_handle(slot, check.life);
        let bury = |core: &Arc<crate::subscribe::delivery::Core>| core.bury(handle, slot, tombstone);
        interest::for_each(&cell.interest, Class::Own, bury);
        interest::for_each(&definition.home.cell().interest, Class::Member, bury);
        interest::for_each(self.board.everything(), Class::Own, bury);
        interest::for_each(&cell.interest, Class::Own, |core| {
            core.attached.lock().remove(&slot);
        });
        cell.interest.store(None);
        cell.offenders.store(None);
        // A cell near the end of its generations is retired: they must not start again.
        if committed.generation < MAX_GENERATION / 2 {
            self.checks.release(check.place);
        }
        if let Some(target) = &definition.target {
            self.release(target);
        }
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
            _ => Err(gone("check", self.check_handle(check.place.slot, check.life))),
        }
    }

    /// Pays what a commit owes, even if a step of it panics: past its commit point a call cannot fail.
    pub(crate) fn complete(&self, place: Place, committed: &crate::writer::commit::Committed) {
        self.count(place.slot, committed);
        let pay = || complete(place, committed, &self.board);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(pay)).is_err() {
            self.counters.add(place.slot, crate::engine::stats::Count::InternalErrors, 1);
            pay();
        }
    }
}

/// Enters `target` among the inputs of `home`: once, however many aliases mirror it.
fn enter_target(home: &Arc<Summary>, table: &mut summary::Table, target: &Arc<Summary>) -> u32 {
    if let Some(known) = table.targets.iter_mut().find(|known| Arc::ptr_eq(&known.summary, target)) {
        known.aliases += 1;
        return known.place;
    }
    let place = table.take_place();
    let edge = target.above.insert(Arc::new(Edge { above: home.clone(), place: Some(place) }));
    home.members.set(place, Input::Summary(target.cell()));
    // A writer that has changed the target either finds the edge or comes before this in the word's order: then the walk that follows
    // sees its change.
    target.word_ordered();
    table.targets.push(Target { summary: target.clone(), aliases: 1, place, edge });
    place
}

/// Takes one alias's mention of `target` back.
fn leave_target(
    home: &Arc<Summary>,
    table: &mut summary::Table,
    target: &Arc<Summary>,
    epoch: u64,
) -> Option<u32> {
    let at = table.targets.iter().position(|known| Arc::ptr_eq(&known.summary, target))?;
    table.targets[at].aliases -= 1;
    let place = table.targets[at].place;
    if table.targets[at].aliases == 0 {
        let left = table.targets.swap_remove(at);
        home.members.clear(place);
        table.free_places.push(place);
        table.retired += epoch;
        target.above.remove(left.edge);
    }
    Some(place)
}
