//! From marks to events: in order, and each state once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::Inner;
use crate::model::event::{Event, SummaryState};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::delivery::{Buried, Consumer, Core};
use crate::subscribe::known::Delivered;
use crate::summary::view::View;
use crate::summary::{Bound, Service, Summary};

/// One portion of reading.
pub(super) struct Fill<'a> {
    core: &'a Core,
    engine: &'a Inner,
    /// By slot; the summary is held, so that its cell is not given to another while the view is in use.
    views: HashMap<u32, (Arc<Summary>, View)>,
    /// Cells in which a life was met that nothing was delivered of before: what was marked there may have been its predecessor.
    begun: Vec<u32>,
    pub events: Vec<Event>,
}

impl<'a> Fill<'a> {
    pub fn new(core: &'a Core, engine: &'a Inner) -> Self {
        Self { core, engine, views: HashMap::new(), begun: Vec::new(), events: Vec::new() }
    }

    /// Reads what stands in a marked cell.
    pub fn read(&mut self, slot: u32, consumer: &mut Consumer) {
        let Some(cell) = self.engine.cell(slot) else { return };
        // No check ever lives in the cell of a summary.
        let Some(snapshot) = cell.snapshot.load() else {
            let summary = cell.summary.load().filter(|summary| summary.slot() == slot);
            return summary.iter().for_each(|summary| self.expand(summary, consumer));
        };
        cell.status().raise(snapshot.word());
        if !self.core.filter.takes_in(slot, snapshot.life, &snapshot.definition) {
            return;
        }
        if snapshot.gone {
            self.end(slot, snapshot, consumer);
        } else {
            self.state(slot, snapshot, consumer);
        }
    }

    /// What was marked matched and is merged into the tombstone. That may still be on its way to the inbox while the write that was marked has
    /// returned, so it is told at once; an alias's, which is derived, comes from the inbox alone.
    fn end(&mut self, slot: u32, tombstone: Arc<Snapshot>, consumer: &mut Consumer) {
        let incarnation = tombstone.incarnation;
        if self.is_buried(slot, &tombstone) {
            // It is in the inbox still, or it was told, or it is older than what this subscription started from.
            self.begun.push(slot);
        } else if tombstone.definition.is_alias() {
            consumer.ended.insert(slot);
        } else {
            let handle = self.engine.check_handle(slot, tombstone.life);
            let (first, worst) = ((slot, incarnation), Status::Critical);
            self.bury(Buried { handle, slot, tombstone, first, worst }, consumer);
        }
    }

    /// Whether a tombstone that was found in its cell has come to every inbox. A mark that is found later must not tell it once more, nor after
    /// the end of a later life of the same id with which it was merged there (`end-told-from-cell`).
    fn is_buried(&self, slot: u32, tombstone: &Snapshot) -> bool {
        let word = self.engine.cell(slot).map(|cell| cell.status().load());
        word.is_none_or(|word| word > tombstone.word()) && !mutated!("end-told-from-cell")
    }

    /// The ends that were told and need not be remembered any longer.
    pub fn told_for_good(&self, consumer: &Consumer) -> Vec<(u32, u64)> {
        let stands = |(slot, incarnation): &(u32, u64)| {
            let last = self.engine.cell(*slot).and_then(|cell| cell.snapshot.load());
            last.is_some_and(|last| last.incarnation == *incarnation && !self.is_buried(*slot, &last))
        };
        consumer.told.iter().copied().filter(|end| !stands(end)).collect()
    }

    /// What an earlier take has left, read anew where something was marked since: a write that has returned is followed by no event from before it.
    pub fn renew(&mut self, event: Event, consumer: &mut Consumer) {
        let is_marked = |slot| self.core.dirty.is_marked(slot);
        match &event {
            Event::State { check, snapshot: left } => {
                let slot = self.engine.slot_of(*check);
                let Some(cell) = self.engine.cell(slot) else { return };
                let same = |present: &Arc<Snapshot>| present.incarnation == left.incarnation;
                // Where there is another, the end of this one is in the inbox.
                let Some(present) = cell.snapshot.load().filter(same) else { return };
                cell.status().raise(present.word());
                let target = left.definition.target.as_ref();
                let present = match present.gone {
                    true if self.is_buried(slot, &present) || mutated!("rest-ends-in-inbox") => return,
                    true if target.is_none() => return self.end(slot, present, consumer),
                    // The end of an alias comes from the inbox alone.
                    true => left.clone(),
                    false => present,
                };
                if is_marked(slot) || target.is_some_and(|target| is_marked(target.slot())) {
                    let present = self.shown(present);
                    if (present.version, present.epoch) > (left.version, left.epoch) {
                        return self.deliver(slot, present, consumer);
                    }
                }
            }
            Event::Summary { .. } => {
                if let Some(summary) = self.core.filter.summary().filter(|summary| is_marked(summary.slot()))
                {
                    return self.deliver_summary(summary, consumer);
                }
            }
            // An end stays as it is, and what was counted too.
            Event::Tombstone { .. } | Event::Trouble(_) => {}
        }
        self.events.push(event);
    }

    /// A mark on a summary stands for the summary itself and for every alias of it that matches.
    fn expand(&mut self, summary: &Arc<Summary>, consumer: &mut Consumer) {
        let transitions_only = self.core.filter.transitions_only;
        if self.core.filter.summary().is_some_and(|wanted| Arc::ptr_eq(wanted, summary)) {
            let view = &self.view(summary).state;
            let told = |last: &SummaryState| {
                last.transitions == view.transitions
                    && (transitions_only
                        || (last.own, last.registered, &last.output)
                            == (view.own, view.registered, &view.output))
            };
            if !consumer.summary.as_deref().is_some_and(told) {
                self.deliver_summary(summary, consumer);
            }
        }
        let aliases: Vec<Bound> = summary.table.lock().aliases.values().copied().collect();
        for Bound { place, life } in aliases {
            let Some(snapshot) = place.cell.snapshot.load() else { continue };
            if snapshot.life == life
                && !snapshot.gone
                && self.core.filter.takes_in(place.slot, life, &snapshot.definition)
            {
                self.state(place.slot, snapshot, consumer);
            }
        }
    }

    fn deliver_summary(&mut self, summary: &Arc<Summary>, consumer: &mut Consumer) {
        let view = self.view(summary);
        let (state, registered) = (Arc::new(view.state.clone()), view.service.clone());
        consumer.summary = Some(state.clone());
        let handle = |service: Arc<Service>| self.engine.service_handle(service.place.slot, service.life);
        self.events.push(Event::Summary { service: registered.map_or(0, handle), state });
    }

    fn view(&mut self, summary: &Arc<Summary>) -> &View {
        let collect = || (summary.clone(), self.engine.view(summary));
        &self.views.entry(summary.slot()).or_insert_with(collect).1
    }

    /// What a check shows: of an alias what its target does.
    fn shown(&mut self, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
        if !snapshot.is_derived() {
            return snapshot;
        }
        match &snapshot.definition.target {
            Some(target) => Arc::new(self.view(target).derive(&snapshot)),
            None => snapshot,
        }
    }

    fn state(&mut self, slot: u32, snapshot: Arc<Snapshot>, consumer: &mut Consumer) {
        let snapshot = self.shown(snapshot);
        let last = consumer.delivered.get(slot);
        if let Some(last) = last {
            if last.incarnation > snapshot.incarnation {
                return;
            }
            if last.incarnation == snapshot.incarnation {
                let newer = (snapshot.version, snapshot.epoch) > (last.version, last.epoch());
                // Equal statuses with more transitions are news; otherwise those who want transitions alone have it, and of an alias who
                // has seen its text.
                let told = |alias: &Arc<Snapshot>| {
                    alias.output == snapshot.output && Arc::ptr_eq(&alias.definition, &snapshot.definition)
                };
                let told = snapshot.transitions == last.transitions
                    && (self.core.filter.transitions_only || last.alias.as_ref().is_some_and(told));
                if !newer || told {
                    return;
                }
            }
        }
        if last.is_none_or(|last| last.incarnation < snapshot.incarnation) {
            self.begun.push(slot);
            // The mark may be of the cell's former life.
            if snapshot.worst < self.core.filter.least {
                return;
            }
        }
        self.deliver(slot, snapshot, consumer);
    }

    fn deliver(&mut self, slot: u32, snapshot: Arc<Snapshot>, consumer: &mut Consumer) {
        let delivered = Delivered {
            incarnation: snapshot.incarnation,
            version: snapshot.version,
            transitions: snapshot.transitions,
            alias: snapshot.is_derived().then(|| snapshot.clone()),
        };
        consumer.delivered.insert(slot, delivered);
        self.events.push(Event::State { check: self.engine.check_handle(slot, snapshot.life), snapshot });
    }

    /// Tells the end of a check if it matters: if its last commits may have matched, or the subscriber knows it.
    pub fn bury(&mut self, buried: Buried, consumer: &mut Consumer) {
        let Buried { handle, slot, tombstone, first, worst } = buried;
        if consumer.told.contains(&(slot, tombstone.incarnation)) {
            return;
        }
        let mut told = worst >= self.core.filter.least;
        let mut last = None;
        for (slot, incarnation) in [first, (slot, tombstone.incarnation)] {
            if consumer.delivered.get(slot).is_some_and(|last| last.incarnation == incarnation) {
                last = consumer.delivered.remove(slot);
                told = true;
            }
            told |= consumer.ended.remove(&slot) | self.begun.contains(&slot);
            // A mark that was not read yet may be of this life, which cannot be told when the cell has a new owner.
            told |= consumer.taken.binary_search(&slot).is_ok() || self.core.dirty.is_marked(slot);
            told |= incarnation <= consumer.since;
        }
        if !told {
            return;
        }
        consumer.told.insert((slot, tombstone.incarnation));
        let tombstone = if tombstone.definition.is_alias() {
            // An alias's state may have been derived after its life was over, from something newer: nothing of it may come after the end.
            let over = |event: &Event| {
                matches!(event, Event::State { snapshot, .. }
                    if snapshot.id() == tombstone.id() && snapshot.incarnation <= tombstone.incarnation)
            };
            self.events.retain(|event| !over(event));
            let last = last.filter(|last| last.incarnation == tombstone.incarnation);
            let version = last.map_or(tombstone.version, |last| tombstone.version.max(last.version) + 1);
            Arc::new(Snapshot { version, ..(*tombstone).clone() })
        } else {
            tombstone
        };
        self.events.push(Event::Tombstone { check: handle, snapshot: tombstone });
    }
}
