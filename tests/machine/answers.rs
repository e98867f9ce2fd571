//! Who holds a check, who wrote it, what happened to it: P2, P3; and what survives a restart: W9.

use std::time::Duration;

use lifesign::{CheckSpec, Config, Engine, Export};

use crate::model::ENGINE;
use crate::model::lease::Lease;
use crate::world::{Same, World, differ, same};

impl World {
    /// Compares what is remembered of a living check.
    pub fn answers(&self, life: usize) -> Same {
        let (check, one) = (&self.checks[life], &self.model.lives[life]);
        let what = |field: &'static str| move || format!("{field} of {:?}", one.id());
        let state = &one.state;
        let who = self.engine.who(check).map_err(|error| error.to_string())?;
        let holder = if one.is_alias() { Some(ENGINE) } else { state.holder };
        same(what("holder"), who.holder.as_ref().map(|record| &*record.label), holder)?;
        same(what("generation"), who.generation, state.generation)?;
        same(what("lease"), who.lease, state.lease.map(Lease::length))?;
        same(what("orphaned"), who.orphaned, state.orphaned)?;
        if !one.is_alias() {
            same(what("time of acquisition"), who.since_ns, state.held_since)?;
            let silent = one.heard.map(|heard| Duration::from_nanos(self.model.boot - heard));
            same(what("silence"), who.silent_for, silent)?;
        }
        self.history(life)?;
        self.writers(life)
    }

    fn history(&self, life: usize) -> Same {
        let one = &self.model.lives[life];
        let label =
            |record| self.engine.record(record).map_or(String::new(), |record| record.label.to_string());
        let history = self.engine.history(&self.checks[life]).map_err(|error| error.to_string())?;
        let told: Vec<_> = history
            .iter()
            .map(|one| {
                (
                    one.kind,
                    one.revision,
                    one.time_ns,
                    one.boot_ns,
                    label(one.writer),
                    one.generation,
                    one.from,
                    one.to,
                )
            })
            .collect();
        let revision = |version: u64| {
            one.past
                .iter()
                .chain([&one.state])
                .find(|state| state.version == version)
                .map_or(0, |state| state.revision)
        };
        let expected: Vec<_> = one
            .history
            .iter()
            .map(|one| {
                let writer = one.writer.to_owned();
                (
                    one.kind,
                    revision(one.version),
                    one.time,
                    one.boot,
                    writer,
                    one.generation,
                    one.from,
                    one.to,
                )
            })
            .collect();
        same(|| format!("history of {:?}", one.id()), told, expected)
    }

    fn writers(&self, life: usize) -> Same {
        let one = &self.model.lives[life];
        let writers = self.engine.writers(&self.checks[life]).map_err(|error| error.to_string())?;
        let order: Vec<_> =
            writers.iter().map(|one| (!one.holds, std::cmp::Reverse(one.accepted + one.refused))).collect();
        if !order.is_sorted() {
            differ!("the writers of {:?} are not in order: {writers:?}", one.id());
        }
        let times = |first: i64, last: i64| if self.model.set_back { (0, 0) } else { (first, last) };
        let mut told: Vec<_> = writers
            .iter()
            .map(|one| {
                let label = one.record.as_ref().map_or(String::new(), |record| record.label.to_string());
                (label, one.accepted, one.refused, times(one.first_ns, one.last_ns), one.holds)
            })
            .filter(|(label, ..)| label != ENGINE)
            .collect();
        told.sort();
        let expected: Vec<_> = one
            .writers
            .iter()
            .map(|(label, did)| {
                (
                    (*label).to_owned(),
                    did.accepted,
                    did.refused,
                    times(did.first, did.last),
                    one.state.holder == Some(label),
                )
            })
            .collect();
        same(|| format!("writers of {:?}", one.id()), told, expected)
    }

    /// Exports, reads it back, and begins anew from it.
    pub fn export(&mut self) -> Same {
        let directory = tempfile::tempdir_in(crate::scratch()).map_err(|error| error.to_string())?;
        let file = directory.path().join("export.json");
        let count = self.engine.export(&file).map_err(|error| error.to_string())?;
        let export = Export::read(&file).map_err(|error| error.to_string())?;
        same(|| "time of the export".into(), export.time_ns, self.model.wall)?;
        let reported = |one: &&crate::model::Life| !one.is_alias() && !one.state.initial;
        let expected: Vec<_> = self.model.alive().map(|(_, one)| one).filter(reported).collect();
        same(
            || "exported checks".into(),
            (count, export.checks().count()),
            (expected.len(), expected.len()),
        )?;
        let fresh = Engine::open(Config::default()).map_err(|error| error.to_string())?;
        for one in expected {
            let what = |field: &'static str| move || format!("{field} of {:?} after the restart", one.id());
            let Some(exported) = export.check(one.id()) else { differ!("{:?} is not exported", one.id()) };
            let spec = CheckSpec::new(one.id()).restored(exported.state.clone());
            let check = fresh.register_check(&spec, None).map_err(|error| error.to_string())?;
            let state = fresh.snapshot(&check).map_err(|error| error.to_string())?;
            same(what("status"), state.status(), one.state.status)?;
            same(what("output"), state.output(), one.state.output.as_str())?;
            same(what("since"), state.since_ns(), one.state.since)?;
            same(
                what("marks"),
                (state.is_restored(), state.is_initial(), state.transitions()),
                (true, false, 0),
            )?;
        }
        Ok(())
    }
}
