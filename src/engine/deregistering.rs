//! Deregistering checks and aliases (see [`crate::engine::registration`]).

use std::cell::LazyCell;
use std::sync::Arc;

use crate::cell::slab::Place;
use crate::cell::word::flag;
use crate::engine::registration::gone;
use crate::engine::{Check, Inner, Registry};
use crate::failpoint::pause;
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::{Definition, Snapshot};
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::delivery::Core;
use crate::subscribe::interest::{self, Class};
use crate::summary::{self, Bound, Summary};
use crate::sync::Ordering;
use crate::writer::commit::commit;
use crate::writer::record::{self, WriterRecord};
use crate::writer::touch::MAX_GENERATION;

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
    pub(crate) fn deregister_check(&self, check: &Check, right: Right<'_>) -> Result<(), Error> {
        let mut registry = self.registering()?;
        let known = self.living(check)?;
        if matches!(right, Right::Unheld) {
            self.expire_if_due(check.place, &known);
        }
        let writer = match &right {
            Right::Unheld => record::ENGINE,
            Right::Holder(_, record) => record.id,
            Right::Force(record) => record.id,
        };
        let commit_tombstone = || {
            let Place { cell, .. } = check.place;
            let committed = commit(cell, &self.revisions, |current, next| {
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
                next.by(writer, self.clock.wall());
                next.generation += 1;
                (next.gone, next.holder) = (true, 0);
                Ok(true)
            })?;
            committed.ok_or_else(|| gone("check", self.check_handle(check.place.slot, check.life)))
        };
        // Inside the change of the table: who collects the service sees the check and what it counts for, or neither.
        let home = &known.definition.home;
        let (committed, settled) = home.change(|table| {
            let committed = commit_tombstone()?;
            let settled = self.take_out(check, &committed.after, table);
            Ok((committed, settled))
        })?;
        self.count(check.place.slot, &committed);
        self.forget_lease(check.place, &committed.before);
        let tombstone = match &known.definition.target {
            None => committed.after.to_arc(),
            // After its end: no write has returned before that and is not in it.
            Some(target) => {
                let last = self.surely(check.place.slot, || self.view(target).derive(&known));
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

    /// Takes a check whose tombstone is committed out of its summary. Tells whether all its commits before were paid. Cannot fail.
    fn take_out(&self, check: &Check, committed: &Snapshot, table: &mut summary::Table) -> bool {
        let Place { slot, cell } = check.place;
        let definition = &committed.definition;
        let home = &definition.home;
        // Before anybody can see the end: who then looks the id up does not find what has ended.
        let forget = || self.ids.remove_if(&definition.id, |_, (mapped, _)| *mapped == slot);
        if !mutated!("id-outlives-its-check") {
            forget();
        }
        cell.clear_link();
        let replaced = self.surely(slot, || {
            pause!("commit:done");
            cell.status().publish(committed.word())
        });
        if table.bystanders.remove(&slot).is_none() {
            table.checks.retain(|bound| bound.place.slot != slot);
        }
        let left = match (definition.place(), &definition.target) {
            (Some(counted), _) => {
                home.members.clear(counted);
                table.free_places.push(counted);
                table.retired += committed.version;
                Some(counted)
            }
            (None, Some(target)) if home.counts_aliases() => leave_target(home, table, target),
            _ => None,
        };
        self.surely(slot, || home.follow(left, &self.board));
        if mutated!("id-outlives-its-check") {
            forget();
        }
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
        if let Some(target) = &definition.target {
            target.change(|table| table.aliases.remove(&slot));
            target.mirrors.fetch_sub(1, Ordering::AcqRel);
            if !mutated!("ended-alias-stays-followed") {
                detach(check, definition, target);
            }
        }
        let handle = self.check_handle(slot, check.life);
        let bury = |core: &Arc<Core>| core.bury(handle, slot, tombstone, worst);
        self.surely(slot, || {
            interest::for_each(&cell.interest, Class::Own, bury);
            interest::for_each(&definition.home.cell().interest, Class::Member, bury);
            interest::for_each(&self.board.everything, Class::Own, bury);
        });
        // From here on who finds the cell ended need not tell it.
        cell.status().settle(committed.word());
        self.stamp_home(definition);
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

/// Lets go of the target's subscriptions that looked there for this alias and have no other alias to look for.
fn detach(check: &Check, definition: &Definition, target: &Arc<Summary>) {
    let Place { slot, .. } = check.place;
    let left = LazyCell::new(|| -> Vec<_> { target.table.lock().aliases.values().copied().collect() });
    let mut idle = Vec::new();
    interest::for_each(&target.cell().interest, Class::Derived, |core| {
        let filter = &core.filter;
        let matches = |bound: &Bound| {
            let alias = bound.place.cell.snapshot.load();
            alias.is_some_and(|alias| filter.takes_in(bound.place.slot, bound.life, &alias.definition))
        };
        let follows = filter.summary().is_some_and(|summary| Arc::ptr_eq(summary, target));
        if filter.takes_in(slot, check.life, definition) && !follows && !left.iter().any(matches) {
            idle.push(core.clone());
        }
    });
    for core in idle {
        interest::remove(&target.cell().interest, &core);
        core.attached.lock().remove(&target.slot());
    }
}

/// Takes one alias's mention of `target` back.
fn leave_target(home: &Arc<Summary>, table: &mut summary::Table, target: &Arc<Summary>) -> Option<u32> {
    let at = table.targets.iter().position(|known| Arc::ptr_eq(&known.summary, target))?;
    table.targets[at].aliases -= 1;
    let place = table.targets[at].place;
    if table.targets[at].aliases == 0 {
        let left = table.targets.swap_remove(at);
        home.members.clear(place);
        table.free_places.push(place);
        // Now, inside the change: whoever has seen more of the target has not seen it here.
        if !mutated!("alias-leaves-no-epoch") {
            table.retired += summary::view::epoch(target);
        }
        target.above.remove(left.edge);
    }
    Some(place)
}
