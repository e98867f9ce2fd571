//! Polls, and what they deliver, held against what the model owes: S1–S7.

use lifesign::{ErrorKind, Event, Snapshot, Status};

use crate::model::derive::Shown;
use crate::model::subscription::{Face, StateTold, Wanted};
use crate::world::{Same, World, differ, same};

impl World {
    /// Polls once, or until nothing more is pending if `most` sets no bound.
    pub fn poll(&mut self, index: usize, most: usize) -> Same {
        loop {
            let batch = match self.subscriptions[index].poll(most) {
                Ok(batch) => batch,
                Err(error) if !self.model.subscriptions[index].open && error.kind() == ErrorKind::Closed => {
                    self.answer = error.to_string();
                    return Ok(());
                }
                Err(error) => differ!("the poll fails with {error}"),
            };
            if !self.model.subscriptions[index].open {
                differ!("a closed subscription delivers");
            }
            self.answer = format!("{} resync {} more {}", shown(&batch.events), batch.resync, batch.more);
            let (may, must) = self.model.subscriptions[index].overflow(self.model.quotas.pending);
            let foreign = self.model.subscriptions[index].foreign;
            let resumed = self.model.subscriptions[index].resumed;
            if batch.reset != (foreign && (!batch.events.is_empty() || !batch.more))
                || batch.reset && !batch.resync
            {
                differ!("reset {} of a cursor of another engine {foreign}", batch.reset);
            }
            self.model.subscriptions[index].foreign &= !batch.reset;
            match batch.resync {
                _ if batch.reset && must => self.model.start_anew(index),
                // Whether more has ended than it keeps cannot be told from this.
                _ if batch.reset && may => self.model.subscriptions[index].ends_may_rest(),
                _ if batch.reset => {}
                true if !may && !resumed => differ!("it starts anew without need: {}", self.answer),
                // After a partial take the rest comes first; and a batch that has nothing says nothing.
                false
                    if must
                        && !self.model.subscriptions[index].partial
                        && !(batch.events.is_empty() && batch.more) =>
                {
                    differ!("more ends are pending than it may keep, and it does not start anew")
                }
                true => self.model.start_anew(index),
                false => {}
            }
            if batch.events.len() > most {
                differ!("{} events, {most} were asked for", batch.events.len());
            }
            let order: Vec<_> = batch.events.iter().map(|event| (event.revision(), event.id())).collect();
            if !order.is_sorted() {
                differ!("not sorted by (revision, id): {order:?}");
            }
            same(|| "the cursor's engine".into(), batch.cursor.engine_id, self.engine.id())?;
            // A subscription that starts anew goes back to the start until it has told the whole state.
            if batch.cursor.position < self.positions[index] && !may && !resumed {
                differ!("the cursor goes back");
            }
            self.positions[index] = batch.cursor.position;
            for event in &batch.events {
                self.event(index, event)
                    .map_err(|text| format!("{}: {text}", shown(std::slice::from_ref(event))))?;
            }
            self.model.subscriptions[index].partial = batch.more;
            if !batch.more {
                if let Some(missing) = self.model.subscriptions[index].missing(&self.model) {
                    differ!("it is not told {missing}; it was told {}", self.answer);
                }
                self.model.subscriptions[index].drained(self.model.calls);
                self.keep(index, batch.cursor);
                return Ok(());
            }
            if most != usize::MAX {
                return Ok(());
            }
        }
    }

    fn event(&mut self, index: usize, event: &Event) -> Same {
        match event {
            Event::Trouble(_) => differ!("nobody asked for trouble"),
            Event::State { check, snapshot } => {
                let life = self.life(*check, snapshot.incarnation())?;
                let is_old = self.is_old(life, snapshot);
                if is_old && !self.may_be_old(index, self.shows_the_same(life, snapshot)) {
                    differ!("it is not the present state");
                }
                if is_old {
                    self.past(life, snapshot)?;
                } else {
                    self.snapshot(life, snapshot)?;
                }
                let at = self.counted(life, snapshot);
                let all: Vec<_> =
                    self.model.lives[life].shown_before.iter().chain(&self.model.lives[life].shown).collect();
                let transitions = at
                    .checked_sub(1)
                    .and_then(|at| all.get(at as usize))
                    .map_or(0, |shown| shown.transitions);
                let one = &self.model.lives[life];
                let told = StateTold {
                    life,
                    id: one.id(),
                    at,
                    numbers: (snapshot.version(), snapshot.epoch()),
                    shown: one.is_alias().then(|| face(snapshot.status(), snapshot.output(), transitions)),
                    is_old,
                    target: one.target().map(Option::unwrap_or_default),
                    inherits: self.model.shares_cell(life, &self.model.subscriptions[index]),
                };
                self.model.subscriptions[index].state_told(told)
            }
            Event::Tombstone { check, snapshot } => {
                let life = self.life(*check, snapshot.incarnation())?;
                if self.model.lives[life].alive {
                    differ!("a tombstone of a check that is alive");
                }
                same(|| "gone".into(), snapshot.is_gone(), true)?;
                if self.model.lives[life].is_alias() {
                    let state = &self.model.lives[life].state;
                    same(|| "its last status".into(), snapshot.status(), state.status)?;
                    same(|| "its last output".into(), snapshot.output(), state.output.as_str())?;
                } else {
                    self.snapshot(life, snapshot)?;
                }
                let id = self.model.lives[life].id();
                match self.model.subscriptions[index].tombstone_told(life, id) {
                    Err(_) if self.ends_share_cell(life, index) => Ok(()),
                    told => told,
                }
            }
            Event::Summary { state, .. } => {
                let Wanted::Service(id, true) = self.model.subscriptions[index].wanted else {
                    differ!("nobody asked for a summary")
                };
                let numbers = (state.version, state.epoch);
                let now = self.model.summaries[id].clone();
                let differs = (state.registered, state.status, &*state.output, state.own)
                    != (
                        now.registered,
                        now.status,
                        now.output.as_str(),
                        if now.registered { now.own } else { state.own },
                    );
                let seen = self.summaries.get(id).map(|seen| (seen.numbers.0, seen.numbers.1));
                let is_old =
                    (differs || seen.is_some_and(|seen| numbers < seen)) && self.may_be_old(index, !differs);
                if !is_old {
                    self.summary_told(id, &now, state)?;
                }
                let transitions = if is_old && differs { u64::MAX } else { now.transitions };
                let shown = face(state.status, &state.output, transitions);
                let subscription = &mut self.model.subscriptions[index];
                // What is old may be followed by the present one, or by nothing if that does not match.
                subscription.summary_may_rest();
                subscription.summary_told(numbers, shown, is_old)
            }
        }
    }

    /// Whether what is delivered may be older than the present: it is the rest of a partial take, and what happened since is no event, because it
    /// does not match or leaves an alias's text as it was.
    fn may_be_old(&self, index: usize, shows_the_same: bool) -> bool {
        let subscription = &self.model.subscriptions[index];
        let everything = subscription.least == Status::Passing && !subscription.filter.transitions_only;
        subscription.partial && (shows_the_same || !everything)
    }

    /// Whether a state of an alias is the present one but for its numbers.
    fn shows_the_same(&self, life: usize, snapshot: &Snapshot) -> bool {
        let one = &self.model.lives[life];
        let same =
            |shown: &Shown| (shown.status, shown.output.as_str()) == (snapshot.status(), snapshot.output());
        one.alive && one.shown.as_ref().is_some_and(same)
    }

    /// Whether a state is not the present one of its check.
    fn is_old(&self, life: usize, snapshot: &Snapshot) -> bool {
        let one = &self.model.lives[life];
        match &one.shown {
            _ if !one.alive => true,
            Some(_) => self.seen(life).is_none_or(|seen| {
                (seen.numbers.0, seen.numbers.1) != (snapshot.version(), snapshot.epoch())
            }),
            None => snapshot.version() < one.state.version,
        }
    }

    /// The version of a state, as the model counts.
    fn counted(&self, life: usize, snapshot: &Snapshot) -> u64 {
        let one = &self.model.lives[life];
        if !one.is_alias() {
            return snapshot.version();
        }
        // The latest that showed this; the present one comes last.
        let all: Vec<_> = one.shown_before.iter().chain(&one.shown).collect();
        let same =
            |shown: &&Shown| (shown.status, shown.output.as_str()) == (snapshot.status(), snapshot.output());
        all.iter().copied().rposition(|shown| same(&shown)).map_or(0, |at| at as u64 + 1)
    }

    /// Compares a state that is not the present one.
    fn past(&self, life: usize, snapshot: &Snapshot) -> Same {
        let one = &self.model.lives[life];
        if one.is_alias() {
            let shown = one.shown_before.iter().chain(&one.shown);
            let mut shown = shown.map(|shown| (shown.status, shown.output.as_str()));
            return same(
                || "it has shown this".into(),
                shown.any(|shown| shown == (snapshot.status(), snapshot.output())),
                true,
            );
        }
        let Some(state) = one.past.iter().find(|state| state.version == snapshot.version()) else {
            differ!("it never had version {}", snapshot.version())
        };
        same(|| "revision".into(), snapshot.revision(), state.revision)?;
        self.direct(state, snapshot)
    }

    /// Whether one of the lives whose ends may be merged into this one's shares its cell.
    fn ends_share_cell(&self, life: usize, index: usize) -> bool {
        let lives = (0..=life).filter(|one| self.model.lives[*one].id() == self.model.lives[life].id());
        lives.into_iter().any(|one| self.model.shares_cell(one, &self.model.subscriptions[index]))
    }

    /// Which life has this handle number and incarnation.
    fn life(&self, number: u64, incarnation: u64) -> Same<usize> {
        let found = self.model.lives.iter().position(|life| life.number == number);
        let Some(life) = found else { differ!("the handle number {number:#x} was never given out") };
        same(|| "incarnation".into(), incarnation, self.model.lives[life].incarnation)?;
        Ok(life)
    }
}

/// Events in short.
fn shown(events: &[Event]) -> String {
    let one = |event: &Event| match event {
        Event::State { snapshot, .. } => {
            let numbers = (snapshot.version(), snapshot.epoch(), snapshot.revision());
            format!("state {:?} {} {:?} {numbers:?}", snapshot.id(), snapshot.status(), snapshot.output())
        }
        Event::Tombstone { snapshot, .. } => format!("end {:?} {}", snapshot.id(), snapshot.status()),
        Event::Trouble(trouble) => format!("trouble {trouble:?}"),
        Event::Summary { state, .. } => format!("summary {:?} {} {:?}", state.id, state.status, state.output),
    };
    format!("[{}]", events.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn face(status: Status, output: &str, transitions: u64) -> Face {
    (status, output.to_owned(), transitions)
}
