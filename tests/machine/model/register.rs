//! Services and checks: W2, W3, W8, A4, A6, B8.

use std::collections::BTreeMap;

use lifesign::{ErrorKind, Status};

use super::{Definition, ENGINE, Life, Model, Outcome, Refusal, Service, State, unless};
use crate::flaw::Flaw;
use crate::op::{Kind, MAX_OUTPUT, Restored, Text};

impl Model {
    pub fn register_service(&mut self, id: &'static str, text: Text) -> Outcome<usize> {
        if let Some(present) = self.registered(id) {
            if self.services[present].text == text {
                return Ok(present);
            }
            return Err(vec![Refusal::about(
                ErrorKind::Exists,
                &[id, field(self.services[present].text, text)],
            )]);
        }
        let open = self.services.iter().filter(|one| one.alive).count();
        let full = open >= self.quotas.services;
        unless(full.then(|| Refusal::new(ErrorKind::Limit)).into_iter().collect(), || {
            self.services.push(Service { id, text, alive: true });
            self.services.len() - 1
        })
    }

    pub fn redefine_service(&mut self, service: usize, id: &'static str, text: Text) -> Outcome<()> {
        let one = &self.services[service];
        let mut reasons = Vec::new();
        if !one.alive {
            reasons.push(Refusal::new(ErrorKind::Gone));
        }
        if one.id != id {
            reasons.push(Refusal::new(ErrorKind::Invalid));
        }
        unless(reasons, || self.services[service].text = text)
    }

    pub fn deregister_service(&mut self, service: usize) -> Outcome<()> {
        let one = &self.services[service];
        if !one.alive {
            return Err(vec![Refusal::new(ErrorKind::Gone)]);
        }
        let bound: Vec<_> =
            self.alive().filter(|(_, life)| life.state.definition.home == Some(one.id)).collect();
        if !bound.is_empty() {
            return Err(bound
                .iter()
                .map(|(_, life)| Refusal::about(ErrorKind::Busy, &[life.id()]))
                .collect());
        }
        self.services[service].alive = false;
        Ok(())
    }

    pub fn register(
        &mut self,
        definition: Definition,
        home: Option<usize>,
        restored: Option<Restored>,
    ) -> Outcome<usize> {
        let mut reasons = Vec::new();
        if restored.is_some() && definition.kind != Kind::Direct {
            reasons.push(Refusal::new(ErrorKind::Invalid));
        }
        if restored.is_some_and(|restored| restored.output.len() > MAX_OUTPUT) {
            reasons.push(Refusal::new(ErrorKind::TooLarge));
        }
        if home.is_some_and(|home| !self.services[home].alive) {
            reasons.push(Refusal::about(ErrorKind::Gone, &[definition.id]));
        }
        if let Some(present) = self.living(definition.id) {
            let state = &self.lives[present].state;
            if state.definition == definition && reasons.is_empty() {
                self.restore(present, restored);
                return Ok(present);
            }
            for field in fields(&state.definition, &definition) {
                reasons.push(Refusal::about(ErrorKind::Exists, &[definition.id, field]));
            }
            return Err(reasons);
        }
        if let (Some(home), Kind::Alias(target)) = (definition.home, definition.kind)
            && self.depends(target, home)
            && !self.has(Flaw::LoopsAreAllowed)
        {
            reasons.push(Refusal::about(ErrorKind::Loop, &[definition.id, home, target]));
        }
        if self.alive().count() >= self.quotas.checks {
            reasons.push(Refusal::new(ErrorKind::Limit));
        }
        unless(reasons, || self.begin(definition, restored))
    }

    fn begin(&mut self, definition: Definition, restored: Option<Restored>) -> usize {
        let life = self.lives.len();
        let state = State {
            definition,
            version: 1,
            transitions: 0,
            status: restored.map_or(definition.initial, |restored| restored.status),
            output: restored.map_or(String::new(), |restored| restored.output.to_owned()),
            generation: 0,
            writer: ENGINE,
            holder: None,
            initial: definition.kind == Kind::Direct && restored.is_none(),
            restored: restored.is_some(),
            orphaned: false,
            lease: None,
            held_since: 0,
            names: None,
            call: self.calls,
            time: self.wall,
            since: restored.map_or(self.wall, |restored| restored.since),
            revision: 0,
            gone: false,
        };
        self.lives.push(Life {
            state,
            past: Vec::new(),
            alive: true,
            incarnation: 0,
            number: 0,
            heard: None,
            grace: None,
            history: Vec::new(),
            writers: BTreeMap::new(),
            ended_at: None,
            cell: 0,
            shown: None,
            shown_before: Vec::new(),
        });
        if definition.kind != Kind::Direct {
            // Told by `settle`, when it is known what it shows.
            return life;
        }
        for subscription in &mut self.subscriptions {
            if subscription.takes_in(life, &definition) && self.lives[life].state.status >= subscription.least
            {
                subscription.owe(life, 1, true);
            }
        }
        life
    }

    /// Lets a check that has never reported show what it showed before a restart.
    fn restore(&mut self, life: usize, restored: Option<Restored>) {
        let Some(restored) = restored else { return };
        if !self.lives[life].state.initial && !self.has(Flaw::RestoringReplacesReports) {
            return;
        }
        self.commit(life, ENGINE, |state| {
            (state.initial, state.restored) = (false, true);
            (state.status, state.output) = (restored.status, restored.output.to_owned());
            state.since = restored.since;
        });
    }

    /// Whether the summary of `from` depends on that of `wanted`, or is it.
    fn depends(&self, from: &str, wanted: &str) -> bool {
        from == wanted
            || self.alive().any(|(_, life)| match life.state.definition.kind {
                Kind::Alias(below) => life.state.definition.home == Some(from) && self.depends(below, wanted),
                _ => false,
            })
    }

    pub fn redefine(&mut self, life: usize, wanted: Definition, home: Option<usize>) -> Outcome<()> {
        let one = &self.lives[life];
        let mut reasons = Vec::new();
        if !one.alive {
            reasons.push(Refusal::new(ErrorKind::Gone));
        }
        if home.is_some_and(|home| !self.services[home].alive) {
            reasons.push(Refusal::new(ErrorKind::Gone));
        }
        let present = one.state.definition;
        let fixed = [
            (present.id != wanted.id, "id"),
            (present.kind != wanted.kind, "kind"),
            (present.home != wanted.home, "service"),
        ];
        for (differs, field) in fixed {
            if differs {
                reasons.push(Refusal::about(ErrorKind::Invalid, &[field]));
            }
        }
        unless(reasons, || {
            if present == wanted {
                return;
            }
            let reset = self.has(Flaw::RedefiningResets);
            self.commit(life, ENGINE, |state| {
                state.definition = wanted;
                if reset {
                    (state.status, state.initial) = (wanted.initial, true);
                }
            });
        })
    }

    /// Deregisters a check that nobody holds, or by force.
    pub fn deregister(&mut self, life: usize, force: Option<&'static str>) -> Outcome<()> {
        let mut reasons = Vec::new();
        let state = &self.lives[life].state;
        if !self.lives[life].alive {
            reasons.push(Refusal::new(ErrorKind::Gone));
        } else if let (Some(holder), None) = (state.holder, force) {
            let says = vec![self.lives[life].id(), holder];
            reasons.push(Refusal { kind: ErrorKind::Held, sides: None, says });
        }
        if force.is_some_and(|label| !self.can_intern(label)) {
            reasons.push(Refusal::new(ErrorKind::Limit));
        }
        unless(reasons, || self.end(life, force.unwrap_or(ENGINE)))
    }

    /// Ends the life of a check.
    pub fn end(&mut self, life: usize, writer: &'static str) {
        let one = &mut self.lives[life];
        one.alive = false;
        one.ended_at = Some(self.calls);
        let last = one.status();
        if let Some(shown) = &one.shown {
            (one.state.status, one.state.output) = (shown.status, shown.output.clone());
        }
        one.past.push(one.state.clone());
        one.state.version += 1;
        one.state.call = self.calls;
        one.state.names = None;
        one.state.gone = true;
        one.state.writer = writer;
        one.state.time = self.wall;
        one.state.revision = 0;
        self.counts.commits += 1;
        let definition = one.state.definition;
        let target = one.target().map(Option::unwrap_or_default);
        for subscription in &mut self.subscriptions {
            if subscription.takes_in(life, &definition) {
                subscription.bury(life, definition.id, target, last >= subscription.least);
            }
        }
    }

    /// Whether a record with this label exists or may be made.
    pub fn can_intern(&self, label: &'static str) -> bool {
        self.records.contains(&label) || self.records.len() < self.quotas.records
    }
}

/// The fields in which two definitions differ.
fn fields(one: &Definition, other: &Definition) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if one.home != other.home {
        fields.push("service");
    }
    if one.kind != other.kind {
        fields.push("kind");
        if matches!((one.kind, other.kind), (Kind::Alias(_), Kind::Alias(_))) {
            fields.push("target");
        }
    }
    if one.initial != other.initial {
        fields.push("initial");
    }
    if one.text != other.text {
        fields.push(field(one.text, other.text));
    }
    fields
}

/// Which field a text stands in: the first bit is the name, the second the data.
fn field(one: Text, other: Text) -> &'static str {
    if (one ^ other) & 1 != 0 { "name" } else { "data" }
}

/// The initial status of a definition: an alias has none.
pub fn initial(kind: Kind, initial: Status) -> Status {
    if kind == Kind::Direct { initial } else { Status::Critical }
}
