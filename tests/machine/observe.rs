//! Everything that can be looked at without taking anything, compared after each call: R1, R3–R5, A3–A5, P1, P5, B3, B4.

use lifesign::{Check, ErrorKind, ServiceSnapshot, Snapshot, SummaryState};

use crate::model::derive::Shown;
use crate::model::{Life, State};
use crate::op::{CHECKS, SERVICES};
use crate::world::{Same, Seen, World, check_kind, differ, same, wording};

impl World {
    /// Compares the whole observable state.
    pub fn observe(&mut self) -> Same {
        self.statuses()?;
        for index in 0..self.services.len() {
            self.service(index)?;
        }
        self.node()?;
        for life in 0..self.checks.len() {
            self.check(life)?;
        }
        self.lookups()?;
        self.numbers()
    }

    fn statuses(&self) -> Same {
        for (life, check) in self.model.lives.iter().zip(&self.checks) {
            let expected = life.alive.then(|| life.status());
            same(|| format!("the status of check {:?}", life.id()), check.status(), expected)?;
        }
        for (model, service) in self.model.services.iter().zip(&self.services) {
            let expected = model.alive.then(|| self.model.summaries[model.id].status);
            same(|| format!("the status of service {:?}", model.id), service.status(), expected)?;
        }
        same(
            || "the status of the node".into(),
            self.engine.node_status(),
            Some(self.model.shows(None).status),
        )
    }

    fn check(&mut self, life: usize) -> Same {
        let check = self.checks[life];
        let snapshot = match self.engine.snapshot(&check) {
            Err(error) if !self.model.lives[life].alive && error.kind() == ErrorKind::Gone => return Ok(()),
            other => other.map_err(|error| format!("check {:?}: {error}", self.model.lives[life].id()))?,
        };
        if !self.model.lives[life].alive {
            differ!("the deregistered check {:?} has a snapshot", self.model.lives[life].id());
        }
        self.snapshot(life, &snapshot)?;
        self.answers(life)
    }

    /// Compares the state of a check, and keeps the numbers that the engine alone knows.
    pub fn snapshot(&mut self, life: usize, snapshot: &Snapshot) -> Same {
        let model = &mut self.model;
        let one = &mut model.lives[life];
        let what = |field: &'static str| move || format!("{field} of check {:?}", snapshot.id());
        if one.incarnation == 0 {
            one.incarnation = snapshot.incarnation();
            one.state.generation += snapshot.generation();
        }
        same(what("incarnation"), snapshot.incarnation(), one.incarnation)?;
        if let Some(shown) = one.shown.clone().filter(|_| !one.state.gone) {
            return self.alias(life, &shown, snapshot);
        }
        let (version, gone) = (one.state.version, one.state.gone);
        if gone && one.state.revision == 0 {
            // Only events tell of an end, and of some sooner than of others.
            one.state.revision = snapshot.revision();
        } else {
            model
                .revised(life, snapshot.revision())
                .map_err(|text| format!("check {:?}: {text}", snapshot.id()))?;
        }
        if version == 1 {
            same(what("incarnation"), snapshot.incarnation(), snapshot.revision())?;
        }
        self.direct(&self.model.lives[life].state, snapshot)?;
        self.definition(&self.model.lives[life], snapshot)
    }

    /// Compares one commit.
    pub fn direct(&self, state: &State, snapshot: &Snapshot) -> Same {
        let what = |field: &'static str| move || format!("{field} of check {:?}", snapshot.id());
        let label = |record| self.engine.record(record).map(|record| record.label.clone());
        same(what("version"), snapshot.version(), state.version)?;
        same(what("status"), snapshot.status(), state.status)?;
        same(what("output"), snapshot.output(), state.output.as_str())?;
        same(what("transitions"), snapshot.transitions(), state.transitions)?;
        // To fence its holder a deregistration may take a generation of its own.
        let taken = u64::from(state.gone && snapshot.generation() > state.generation);
        same(what("generation"), snapshot.generation(), state.generation + taken)?;
        same(what("writer"), label(snapshot.writer()).as_deref(), Some(state.writer))?;
        same(what("holder"), label(snapshot.holder()).as_deref(), state.holder.filter(|_| !state.gone))?;
        same(what("initial"), snapshot.is_initial(), state.initial)?;
        same(what("restored"), snapshot.is_restored(), state.restored)?;
        same(what("orphaned"), snapshot.is_orphaned(), state.orphaned)?;
        same(what("time"), snapshot.time_ns(), state.time)?;
        same(what("since"), snapshot.since_ns(), state.since)?;
        same(what("gone"), snapshot.is_gone(), state.gone)?;
        same(what("derived"), snapshot.is_derived(), false)
    }

    fn definition(&self, life: &Life, snapshot: &Snapshot) -> Same {
        let what = |field: &'static str| move || format!("{field} of check {:?}", snapshot.id());
        let definition = &life.state.definition;
        let (name, data) = wording(definition.id, definition.text);
        same(what("id"), snapshot.id(), definition.id)?;
        same(what("name"), snapshot.name(), name.as_str())?;
        same(what("data"), snapshot.data(), data.as_slice())?;
        same(what("kind"), snapshot.kind(), &check_kind(definition.kind))?;
        same(what("service"), snapshot.service_id(), definition.home)
    }

    fn alias(&mut self, life: usize, shown: &Shown, snapshot: &Snapshot) -> Same {
        let what = |field: &'static str| move || format!("{field} of alias {:?}", snapshot.id());
        let one = &self.model.lives[life];
        same(what("status"), snapshot.status(), shown.status)?;
        same(what("output"), snapshot.output(), shown.output.as_str())?;
        same(what("derived"), snapshot.is_derived(), true)?;
        same(what("initial"), snapshot.is_initial(), false)?;
        same(what("gone"), snapshot.is_gone(), false)?;
        if let Some(since) = shown.since {
            same(what("since"), snapshot.since_ns(), since)?;
        }
        let target = one.target().flatten().unwrap_or("");
        self.definition(one, snapshot)?;
        let numbers = (snapshot.version(), snapshot.epoch(), snapshot.transitions());
        let of_target = if target.is_empty() {
            self.model.node.clone()
        } else {
            self.model.summaries.get(target).cloned()
        };
        let Some(shown) = of_target else {
            differ!("the model has forgotten the target of {:?}", snapshot.id())
        };
        self.numbers_of(target, &shown, numbers)
    }

    /// What is known of the target of an alias.
    pub fn seen(&self, life: usize) -> Option<&Seen> {
        self.summaries.get(self.model.lives[life].target()?.unwrap_or(""))
    }

    fn service(&mut self, index: usize) -> Same {
        let (id, text, alive) = (
            self.model.services[index].id,
            self.model.services[index].text,
            self.model.services[index].alive,
        );
        let seen = match self.engine.service_snapshot(&self.services[index]) {
            Err(error) if !alive && error.kind() == ErrorKind::Gone => return Ok(()),
            other => other.map_err(|error| format!("service {id:?}: {error}"))?,
        };
        if !alive {
            differ!("the deregistered service {id:?} has a snapshot");
        }
        same(|| "the service's id".into(), &*seen.id, id)?;
        same(
            || format!("the wording of service {id:?}"),
            (seen.name.clone(), seen.data.clone()),
            wording(id, text),
        )?;
        let shown = self.model.summaries[id].clone();
        self.summary_told(id, &shown, &seen.summary)?;
        self.members(Some(id), &seen)
    }

    /// Compares what a summary shows; its numbers rise whenever it shows something else.
    pub fn summary_told(&mut self, id: &'static str, shown: &Shown, state: &SummaryState) -> Same {
        let what = |field: &'static str| move || format!("{field} of the summary of {id:?}");
        same(what("id"), &*state.id, id)?;
        same(what("registered"), state.registered, shown.registered)?;
        same(what("status"), state.status, shown.status)?;
        same(what("output"), &*state.output, shown.output.as_str())?;
        if shown.registered {
            same(what("own"), state.own, shown.own)?;
        }
        if let Some(since) = shown.since {
            same(what("since"), state.since, since)?;
        }
        self.numbers_of(id, shown, (state.version, state.epoch, state.transitions))
    }

    /// Compares version, epoch and transitions of a summary: the same wherever they are seen, and rising whenever it shows something else.
    fn numbers_of(&mut self, id: &'static str, shown: &Shown, numbers: (u64, u64, u64)) -> Same {
        let what = |field: &'static str| move || format!("{field} of the summary of {id:?}");
        let (version, epoch, transitions) = numbers;
        let Some(before) = self.summaries.get_mut(id) else {
            self.summaries.insert(id, Seen { numbers, call: self.model.calls, shown: shown.clone() });
            return Ok(());
        };
        if before.call == self.model.calls {
            return same(what("(version, epoch, transitions)"), numbers, before.numbers);
        }
        let changed = (shown.status, &shown.output) != (before.shown.status, &before.shown.output);
        let rises = version >= before.numbers.0 && epoch >= before.numbers.1;
        if !rises || changed && (version, epoch) == (before.numbers.0, before.numbers.1) {
            differ!("(version, epoch) of the summary of {id:?}: {numbers:?} after {:?}", before.numbers);
        }
        let counted = shown.transitions - before.shown.transitions;
        let expected = before.numbers.2 + counted;
        if !self.model.several_lapses || !(expected.saturating_sub(2)..=expected + 2).contains(&transitions) {
            same(what("transitions"), transitions, expected)?;
        }
        *before = Seen { numbers, call: self.model.calls, shown: shown.clone() };
        Ok(())
    }

    fn members(&mut self, home: Option<&str>, seen: &ServiceSnapshot) -> Same {
        let mut expected: Vec<_> = self
            .model
            .alive()
            .filter(|(_, life)| life.state.definition.home == home)
            .map(|(at, life)| (life.id(), at))
            .collect();
        expected.sort_unstable();
        let ids: Vec<_> = seen.checks.iter().map(|(_, snapshot)| snapshot.id().to_owned()).collect();
        let wanted: Vec<_> = expected.iter().map(|(id, _)| (*id).to_owned()).collect();
        same(|| format!("the checks of {home:?}"), ids, wanted)?;
        for ((number, snapshot), (id, life)) in seen.checks.iter().zip(expected) {
            if self.model.lives[life].number == 0 {
                if self.model.lives.iter().any(|other| other.number == *number) {
                    differ!("the handle number of check {id:?} was given out before");
                }
                self.model.lives[life].number = *number;
            }
            same(|| format!("the handle number of check {id:?}"), *number, self.model.lives[life].number)?;
            self.snapshot(life, snapshot)?;
        }
        Ok(())
    }

    fn node(&mut self) -> Same {
        let seen = self.engine.node_snapshot().map_err(|error| error.to_string())?;
        let shown = self.model.shows(None);
        same(|| "the node's id".into(), &*seen.id, "")?;
        same(|| "the node's incarnation".into(), seen.incarnation, 0)?;
        same(|| "the node's status".into(), seen.summary.status, shown.status)?;
        same(|| "the node's output".into(), &*seen.summary.output, shown.output.as_str())?;
        self.members(None, &seen)
    }

    fn lookups(&self) -> Same {
        for id in CHECKS {
            let found = self.engine.check(id).map_err(|error| error.kind());
            let expected = self.model.living(id).map(|life| self.checks[life]).ok_or(ErrorKind::NotFound);
            same(|| format!("looking check {id:?} up"), found, expected)?;
        }
        for id in SERVICES {
            let found = self.engine.service(id).map_err(|error| error.kind());
            let expected = self.model.registered(id).map(|at| self.services[at]).ok_or(ErrorKind::NotFound);
            same(|| format!("looking service {id:?} up"), found, expected)?;
        }
        let mut listed = self.engine.checks().map_err(|error| error.to_string())?;
        let order = |check: &Check| self.checks.iter().position(|one| one == check);
        listed.sort_by_key(order);
        let expected: Vec<_> = self.model.alive().map(|(life, _)| self.checks[life]).collect();
        same(|| "all checks".into(), listed, expected)
    }

    fn numbers(&self) -> Same {
        let stats = self.engine.stats().map_err(|error| error.to_string())?;
        let model = &self.model;
        let count = |number: usize| number as u64;
        same(|| "repairs".into(), stats.repairs, 0)?;
        same(|| "internal errors".into(), stats.internal_errors, 0)?;
        same(
            || "services".into(),
            stats.services,
            count(model.services.iter().filter(|one| one.alive).count()),
        )?;
        same(|| "checks".into(), stats.checks, count(model.alive().count()))?;
        same(
            || "aliases".into(),
            stats.aliases,
            count(model.alive().filter(|(_, one)| one.is_alias()).count()),
        )?;
        same(|| "tokens".into(), stats.tokens, count(model.tokens.iter().filter(|one| !one.closed).count()))?;
        let open = model.subscriptions.iter().filter(|one| one.open).count();
        same(|| "subscriptions".into(), stats.subscriptions, count(open))?;
        same(|| "commits".into(), stats.commits, model.counts.commits)?;
        same(|| "transitions".into(), stats.transitions, model.counts.transitions)?;
        same(|| "heartbeats".into(), stats.heartbeats, model.counts.heartbeats)?;
        same(|| "derived".into(), stats.refused_derived, model.counts.derived)?;
        same(|| "held".into(), stats.refused_held, model.counts.held)?;
        same(|| "expired".into(), stats.refused_expired, model.counts.expired)?;
        same(|| "lapses".into(), stats.lapses, model.counts.lapses)?;
        same(|| "clock jumps".into(), stats.clock_jumps, model.counts.jumps)?;
        same(|| "fenced".into(), stats.refused_fenced, model.counts.fenced)
    }
}
