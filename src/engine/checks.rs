//! Registering and redefining checks and aliases (see [`crate::engine::registration`]).

use std::sync::Arc;

use scopeguard::{ScopeGuard, guard};

use crate::alias::check_link;
use crate::cell::slab::{Cell, Place};
use crate::cell::word::flag;
use crate::engine::registration::gone;
use crate::engine::{Check, Inner, Registry, Service};
use crate::failpoint::pause;
use crate::model::definition::{CheckKind, CheckSpec};
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::{Definition, Snapshot};
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::interest::{self, Change, Class};
use crate::summary::members::Input;
use crate::summary::{self, Bound, Summary, Target};
use crate::sync::{InFlight, Ordering};
use crate::writer::commit::commit;
use crate::writer::history::History;
use crate::writer::lease::Lease;
use crate::writer::record;
use crate::writer::touch::start;

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
        } else if *known.kind() != spec.kind {
            Some("kind or target")
        } else if known.initial != spec.initial && spec.kind == CheckKind::Direct {
            Some("initial status")
        } else if known.name() != spec.name {
            Some("name")
        } else if known.data() != spec.data {
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
        // Until the check is committed everything that was taken for it goes back, also if a step panics.
        let target = match &spec.kind {
            CheckKind::Direct => None,
            CheckKind::AliasNode => Some(self.node.clone()),
            CheckKind::AliasService(id) => Some(self.mention(id)?),
        };
        let target = guard(target, |target| target.iter().for_each(|target| self.release(target)));
        if let Some(target) = &*target {
            self.admit_alias(&spec.id, &home, target)?;
        }
        pause!("register:admitted");
        let place = guard(self.checks.allocate()?, |place| self.checks.release(place));
        let counted = guard(target.is_none().then(|| home.table.lock().take_place()), |counted| {
            home.table.lock().free_places.extend(counted);
        });
        let snapshot = self.first_snapshot(spec, &home, target.as_ref(), *counted, place.cell);
        pause!("register:prepared");
        let place = ScopeGuard::into_inner(place);
        ScopeGuard::into_inner(counted);
        ScopeGuard::into_inner(target);
        self.insert_check(&registry, &snapshot, place);
        registry.checks += 1;
        registry.aliases += usize::from(snapshot.definition.is_alias());
        Ok(Check { place, life: snapshot.life })
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

    /// The first snapshot of a new life of `cell`.
    fn first_snapshot(
        &self,
        spec: &CheckSpec,
        home: &Arc<Summary>,
        target: Option<&Arc<Summary>>,
        counted: Option<u32>,
        cell: &Cell,
    ) -> Arc<Snapshot> {
        let history = (counted.is_some() && self.history > 0).then(|| Arc::new(History::new(self.history)));
        let id = spec.id.as_str().into();
        let definition = Arc::new(Definition::new(id, spec, home.clone(), target.cloned(), counted, history));
        let now = self.clock.wall();
        let incarnation = self.revisions.draw();
        let restored = spec.restored.as_ref();
        let status = restored.map_or(spec.initial, |restored| restored.status);
        Arc::new(Snapshot {
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
            generation: cell.snapshot.load().map_or(0, |before| before.generation) + 1,
            writer: record::ENGINE,
            holder: if target.is_some() { record::ENGINE } else { 0 },
            lease: Lease::NONE,
            life: cell.next_life().expect("a cell without lives is not given out"),
            status,
            from: status,
            worst: if target.is_some() { Status::Critical } else { status },
            flags: match restored {
                _ if target.is_some() => flag::DERIVED,
                Some(_) => flag::RESTORED,
                None => flag::INITIAL,
            },
            gone: false,
            in_flight: InFlight::new(),
            definition,
        })
    }

    /// Brings a check to life that was found admissible. Cannot fail.
    fn insert_check(&self, registry: &Registry, snapshot: &Arc<Snapshot>, place: Place) {
        let Place { slot, cell } = place;
        let life = snapshot.life;
        let Definition { home, target, .. } = &*snapshot.definition;
        // What a former life left behind ends here, also what a late refusal of it has put there since.
        cell.refused.store(None);
        start(&cell.touch, snapshot.generation);
        cell.snapshot.store(Some(snapshot.clone()));
        if let Some(target) = target {
            cell.set_link(life, target.cell());
        }
        self.surely(slot, || {
            pause!("register:committed");
            self.interest(registry, &snapshot.definition, place);
            cell.status().publish(snapshot.word());
        });
        let bound = Bound { place, life };
        if let Some(target) = target {
            target.mirrors.fetch_add(1, Ordering::AcqRel);
            target.change(|table| table.aliases.insert(slot, bound));
        }
        home.change(|table| {
            let entered = match (target, snapshot.definition.place()) {
                (None, Some(counted)) => {
                    home.members.set(counted, Input::Check(cell, life));
                    Some(counted)
                }
                (Some(target), _) if home.counts_aliases() => Some(enter_target(home, table, target)),
                _ => None,
            };
            match entered {
                Some(_) => table.checks.push(bound),
                None => _ = table.bystanders.insert(slot, bound),
            }
            self.surely(slot, || home.follow(entered, &self.board));
        });
        self.ids.insert(snapshot.definition.id.clone(), (slot, life));
        self.surely(slot, || {
            // Ordered: who changes the target from here on finds the subscriptions that were attached to it.
            let shown = target.as_ref().map_or(snapshot.status, |target| target.word_ordered().shown());
            let begins = Change::start(shown);
            self.board.mark(&cell.interest, slot, begins, Class::Own, true);
            self.board.mark(&home.cell().interest, slot, begins, Class::Member, false);
            cell.position.fetch_max(self.revisions.draw(), Ordering::AcqRel);
            self.stamp_home(&snapshot.definition);
            cell.status().settle(snapshot.word());
        });
    }

    /// Stamps the home of a check that has come or gone, unless it was a bystander: who resumes would be told of all that stands above.
    pub(super) fn stamp_home(&self, definition: &Definition) {
        if !definition.is_alias() || definition.home.counts_aliases() || mutated!("bystander-stamps") {
            definition.home.stamp(&self.revisions);
        }
    }

    /// Gives a check that has never reported what it showed before a restart; one that has keeps its own state, whatever the order in which
    /// the two come. The caller holds the registry's lock.
    fn restore(&self, spec: &CheckSpec, place: Place, life: u16) {
        let Some(restored) = &spec.restored else { return };
        let committed = commit(place.cell, &self.revisions, |current, next| {
            let unreported = current.life == life && !current.gone && current.is_initial();
            next.by(record::ENGINE, self.clock.wall());
            next.status = restored.status;
            next.output = Some(&restored.output);
            next.flags = current.flags & !flag::INITIAL | flag::RESTORED;
            next.restored_since = Some(restored.since_ns);
            Ok(unreported || mutated!("restore-over-report"))
        });
        if let Ok(Some(committed)) = committed {
            self.complete(place, &committed, None);
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
        let definition = Arc::new(known.definition.redefined(spec));
        let committed = commit(check.place.cell, &self.revisions, |current, next| {
            if current.life != check.life || current.gone {
                return Err(gone("check", self.check_handle(check.place.slot, check.life)));
            }
            next.by(record::ENGINE, self.clock.wall());
            next.definition = Some(&definition);
            Ok(true)
        })?;
        if let Some(committed) = committed {
            if let Some(target) = &definition.target {
                // An alias's version is its target's: it must rise for the new definition to be news.
                self.surely(check.place.slot, || {
                    target.refresh();
                    // And so must that of the service in which it stands, which shows the definition too.
                    if !mutated!("redefined-under-one-version") {
                        definition.home.refresh();
                    }
                });
            }
            self.complete(check.place, &committed, None);
        }
        Ok(())
    }
}

/// Enters `target` among the inputs of `home`: once, however many aliases mirror it.
fn enter_target(home: &Arc<Summary>, table: &mut summary::Table, target: &Arc<Summary>) -> u32 {
    if let Some(known) = table.targets.iter_mut().find(|known| Arc::ptr_eq(&known.summary, target)) {
        known.aliases += 1;
        return known.place;
    }
    let place = table.take_place();
    let edge = home.enter(target, place);
    table.targets.push(Target { summary: target.clone(), aliases: 1, place, edge });
    place
}
