//! Registering, redefining and deregistering checks and aliases (see [`crate::engine::registration`]).

use std::sync::Arc;

use crate::alias::check_link;
use crate::cell::slab::Place;
use crate::cell::word::flag;
use crate::engine::registration::gone;
use crate::engine::{Check, Inner, Registry, Service};
use crate::model::definition::{CheckKind, CheckSpec};
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::{Definition, Snapshot};
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::delivery::Core;
use crate::subscribe::interest::{self, Change, Class};
use crate::summary::members::Input;
use crate::summary::{self, Bound, Edge, Summary, Target};
use crate::sync::Ordering;
use crate::writer::commit::{Next, commit};
use crate::writer::history::History;
use crate::writer::lease::Lease;
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

impl Inner {
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

    pub(super) fn register_check(&self, spec: &CheckSpec, service: Option<&Service>) -> Result<Check, Error> {
        self.check_open()?;
        spec.validate()?;
        self.check_restored(spec)?;
        let mut registry = self.registering()?;
        if let Some((place, known)) = self.place_of(&spec.id) {
            return match self.difference(&known.definition, spec, service)? {
                None => {
                    self.restore(spec, place, known.life);
                    Ok(Check { place, life: known.life })
                }
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

    fn check_restored(&self, spec: &CheckSpec) -> Result<(), Error> {
        let most = self.limits.max_output;
        match &spec.restored {
            Some(restored) if restored.output.len() > most => Err(Error::too_large(format!(
                "check {:?}: the restored output has {} bytes; at most {most} are kept",
                spec.id,
                restored.output.len()
            ))),
            _ => Ok(()),
        }
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
            history: (counted.is_some() && self.history > 0).then(|| Arc::new(History::new(self.history))),
        });
        self.interest(registry, &definition, place);
        let before = cell.snapshot.load();
        let now = self.clock.wall();
        let incarnation = self.revisions.draw();
        let restored = spec.restored.as_ref();
        let status = restored.map_or(spec.initial, |restored| restored.status);
        let snapshot = Arc::new(Snapshot {
            output: restored.map_or("", |restored| &restored.output).into(),
            incarnation,
            version: 1,
            transitions: 0,
            revision: incarnation,
            epoch: 0,
            time: now,
            since: restored.map_or(now, |restored| restored.since_ns),
            held_since: 0,
            // Above every generation of the cell's earlier lives.
            generation: before.map_or(0, |before| before.generation) + 1,
            writer: record::ENGINE,
            holder: if target.is_some() { record::ENGINE } else { 0 },
            lease: Lease::NONE,
            life,
            status,
            from: status,
            flags: match restored {
                _ if target.is_some() => flag::DERIVED,
                Some(_) => flag::RESTORED,
                None => flag::INITIAL,
            },
            gone: false,
            definition,
        });
        // What a former life left behind ends here, also what a late refusal of it has put there since.
        cell.refused.store(None);
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
        self.ids.insert(snapshot.definition.id.clone(), slot);
        // Ordered: who changes the target from here on finds the subscriptions that were attached to it.
        let begins = Change::start(target.as_ref().map_or(status, |target| target.word_ordered().shown()));
        self.board.mark(&cell.interest, slot, begins, Class::Own, true);
        self.board.mark(&home.cell().interest, slot, begins, Class::Member, false);
        cell.position.fetch_max(self.revisions.draw(), Ordering::AcqRel);
        home.stamp(&self.revisions);
        cell.status().settle(snapshot.word());
        Check { place, life }
    }

    /// Gives a check that has never reported what it showed before a restart; one that has keeps its own state, whatever the order in which
    /// the two come. The caller holds the registry's lock.
    fn restore(&self, spec: &CheckSpec, place: Place, life: u16) {
        let Some(restored) = &spec.restored else { return };
        let committed = commit(place.cell, &self.revisions, self.clock.wall(), |current| {
            let unreported = current.life == life && !current.gone && current.is_initial();
            Ok((unreported || mutated!("restore-over-report")).then(|| Next {
                status: restored.status,
                output: Some(restored.output.as_str().into()),
                flags: current.flags & !flag::INITIAL | flag::RESTORED,
                restored_since: Some(restored.since_ns),
                ..Next::like(current, record::ENGINE)
            }))
        });
        if let Ok(Some(committed)) = committed {
            self.complete(place, &committed);
        }
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

    pub(super) fn redefine_check(
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
            history: known.definition.history.clone(),
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
        if matches!(right, Right::Unheld) {
            self.expire_if_due(check.place, &known);
        }
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
                    Right::Holder(generation, _) if current.generation != *generation => {
                        Some(ErrorKind::Fenced)
                    }
                    Right::Holder(..) => current.is_orphaned().then_some(ErrorKind::Expired),
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
        let (committed, settled) = home.change(|table| {
            let committed = commit_tombstone()?;
            let epoch = last.as_ref().map_or(0, Snapshot::epoch);
            let settled = self.take_out(check, &committed.after, table, epoch);
            Ok((committed, settled))
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
        let worst = match &tombstone.definition.target {
            // What is not carried on yet may not be marked yet.
            Some(target) => tombstone.status.max(target.word().peak().unwrap_or(Status::Passing)),
            None if settled => tombstone.status,
            None => Status::Critical,
        };
        self.bury(&mut registry, check, &committed.after, &tombstone, worst);
        registry.checks -= 1;
        registry.aliases -= usize::from(tombstone.definition.is_alias());
        Ok(())
    }

    /// Takes a check whose tombstone is committed out of its summary; `epoch` is an alias's last. Tells whether all its commits before were paid.
    /// Cannot fail.
    fn take_out(&self, check: &Check, committed: &Snapshot, table: &mut summary::Table, epoch: u64) -> bool {
        let Place { slot, cell } = check.place;
        let definition = &committed.definition;
        let home = &definition.home;
        cell.clear_link();
        let replaced = cell.status().publish(committed.word());
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
        replaced.version() + 1 == committed.version && replaced.has(flag::SETTLED)
    }

    /// Tells the subscriptions and lets go of the cell; `worst` is the worst status that may not have been told. Cannot fail.
    fn bury(
        &self,
        registry: &mut Registry,
        check: &Check,
        committed: &Snapshot,
        tombstone: &Arc<Snapshot>,
        worst: Status,
    ) {
        let Place { slot, cell } = check.place;
        let definition = &committed.definition;
        self.ids.remove_if(&definition.id, |_, mapped| *mapped == slot);
        if let Some(target) = &definition.target {
            target.change(|table| table.aliases.retain(|bound| bound.place.slot != slot));
            target.mirrors.fetch_sub(1, Ordering::AcqRel);
        }
        let handle = self.check_handle(slot, check.life);
        let bury = |core: &Arc<Core>| core.bury(handle, slot, tombstone, worst);
        interest::for_each(&cell.interest, Class::Own, bury);
        interest::for_each(&definition.home.cell().interest, Class::Member, bury);
        interest::for_each(self.board.everything(), Class::Own, bury);
        definition.home.stamp(&self.revisions);
        registry.graves.add(handle, slot, tombstone.clone(), &self.revisions, self.limits.max_pending);
        interest::for_each(&cell.interest, Class::Own, |core| {
            core.attached.lock().remove(&slot);
        });
        cell.interest.store(None);
        cell.refused.store(None);
        // A cell near the end of its generations is retired: they must not start again.
        if committed.generation < MAX_GENERATION / 2 {
            self.checks.release(check.place);
        }
        if let Some(target) = &definition.target {
            self.release(target);
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
