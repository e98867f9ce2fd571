//! Each call, made on the engine and on the model.

use std::fmt::Debug;
use std::time::Duration;

use lifesign::{
    Acquire, CheckSpec, Error, ErrorKind, Join, ServiceSpec, Status, SubscriptionFilter, Token, Write,
};

use crate::model::lease::Lease;
use crate::model::register::initial;
use crate::model::subscription::Wanted;
use crate::model::{Definition, Outcome};
use crate::op::{CursorTold, Expected, Filter, Home, Kind, Op, Restored, Scope, ServiceRef, Text, TokenRef};
use crate::support::slot;
use crate::world::{Same, World, check_kind, differ, same, wording};

impl World {
    /// Asks both; `None` if it names what there never was.
    pub fn dispatch(&mut self, op: &Op) -> Same<Option<()>> {
        // Asks the model first; what it says is then held against the engine.
        macro_rules! known {
            ($index:expr) => {
                match $index {
                    Some(index) => index,
                    None => return Ok(None),
                }
            };
        }
        match *op {
            Op::RegisterService { id, text } => {
                let actual = self.engine.register_service(&service_spec(id, text));
                let expected = self.model.register_service(id, text);
                if let Some((index, service)) = self.agree(expected, actual)? {
                    if index == self.services.len() && self.services.contains(&service) {
                        differ!("the handle {service:?} was given out before");
                    }
                    self.services.push_or_same(index, service)?;
                }
            }
            Op::RedefineService { service, id, text } => {
                let index = known!(self.model.service(service));
                let actual = self.engine.redefine_service(&self.services[index], &service_spec(id, text));
                let expected = self.model.redefine_service(index, id, text);
                self.agree(expected, actual)?;
            }
            Op::DeregisterService { service } => {
                let index = known!(self.model.service(service));
                let actual = self.engine.deregister_service(&self.services[index]);
                let expected = self.model.deregister_service(index);
                self.agree(expected, actual)?;
            }
            Op::Register { id, home, kind, initial, text, restored } => {
                let index = known!(self.model.home(home));
                self.register(define(id, home, kind, initial, text), index, restored)?;
            }
            Op::Again { check, restored } => {
                let life = known!(self.model.check(check));
                let definition = self.model.lives[life].state.definition;
                let home = definition.home.map(|id| self.model.service(ServiceRef(id, 0)));
                self.register(definition, home.flatten(), restored)?;
            }
            Op::Redefine { check, id, home, kind, initial, text } => {
                let life = known!(self.model.check(check));
                let index = known!(self.model.home(home));
                self.redefine(life, define(id, home, kind, initial, text), index)?;
            }
            Op::Rename { check, text } => {
                let life = known!(self.model.check(check));
                let definition = Definition { text, ..self.model.lives[life].state.definition };
                let home = definition.home.map(|id| self.model.service(ServiceRef(id, 0)));
                self.redefine(life, definition, home.flatten())?;
            }
            Op::Deregister { check } => {
                let life = known!(self.model.check(check));
                let actual = self.engine.deregister_check(&self.checks[life]);
                let expected = self.model.deregister(life, None);
                self.agree(expected, actual)?;
            }
            Op::DeregisterByForce { check, label } => {
                let life = known!(self.model.check(check));
                let actual = self.engine.deregister_check_by_force(&self.checks[life], label);
                let expected = self.model.deregister(life, Some(label));
                self.agree(expected, actual)?;
            }
            Op::DeregisterByHolder { token } => {
                let token = known!(self.model.token(token));
                let actual = self.tokens[token].deregister_check();
                let expected = self.model.deregister_by_holder(token);
                self.agree_by(token, expected, actual)?;
            }
            Op::Acquire { check, label, lease } => {
                let life = known!(self.model.check(check));
                let actual = self.engine.acquire(&self.checks[life], acquire(label, lease));
                let expected = self.model.take_token(life, None, label, lease);
                self.taken(life, label, expected, actual)?;
            }
            Op::TakeOver { check, expected, label, lease } => {
                let life = known!(self.model.check(check));
                let present = self.model.lives[life].state.generation;
                let seen = match expected {
                    Expected::Present => present,
                    Expected::Before => present.saturating_sub(1),
                    Expected::After => present + 1,
                };
                let actual = self.engine.take_over(&self.checks[life], seen, acquire(label, lease));
                let expected = self.model.take_token(life, Some(seen), label, lease);
                self.taken(life, label, expected, actual)?;
            }
            Op::Renew { token } => {
                let token = known!(self.model.token(token));
                let actual = self.tokens[token].renew();
                let expected = self.model.renew(token);
                self.agree_by(token, expected, actual)?;
            }
            Op::WriteBatch { writes } => self.write_batch(&writes)?,
            Op::Write { token, status, output } => {
                let token = known!(self.model.token(token));
                let actual = self.tokens[token].write(status, output);
                let expected = self.model.write(token, status, output);
                self.agree_by(token, expected, actual)?;
            }
            Op::Close { token } => {
                let token = known!(self.model.token(token));
                let actual = self.tokens[token].close();
                let expected = self.model.close_token(token);
                self.agree(expected, actual)?;
            }
            Op::Join { token, old, calls_only } => {
                let (token, old) = (known!(self.model.token(token)), known!(self.model.token(old)));
                let join = Join { timeout: Some(Duration::ZERO), calls_only };
                let actual = self.tokens[token].join(&self.tokens[old], join);
                let expected = self.model.join(token, old, calls_only);
                self.agree(expected, actual)?;
            }
            Op::Subscribe { filter } => {
                let expected = known!(self.model.subscribe(None, filter));
                let actual = self.engine.subscribe(&self.filter(filter));
                self.subscribed(expected, actual)?;
            }
            Op::SubscribeAsWriter { token, filter } => {
                let token = known!(self.model.token(token));
                let expected = known!(self.model.subscribe(Some(token), filter));
                let actual = self.tokens[token].subscribe(&self.filter(filter));
                if let Err(error) = &actual {
                    self.tally(token, error.kind());
                }
                self.subscribed(expected, actual)?;
            }
            Op::Resume { cursor, told } => return self.resume(cursor, told),
            Op::Poll { subscription, most } => {
                let index = known!(self.model.subscription(subscription));
                self.poll(index, most)?;
            }
            Op::Wait { subscription } => {
                let index = known!(self.model.subscription(subscription));
                self.wait(index)?;
            }
            Op::Unsubscribe { subscription } => {
                let index = known!(self.model.subscription(subscription));
                self.subscriptions[index].close();
                self.model.subscriptions[index].open = false;
            }
            Op::Tick { wall, boot } => {
                let (wall_now, boot_now) =
                    (self.model.wall + wall * 1_000_000, self.model.boot + boot * 1_000_000);
                let actual = self.engine.tick(wall_now, boot_now);
                self.agree(Ok(()), actual)?;
                let jumps = self.engine.stats().map_err(|error| error.to_string())?.clock_jumps;
                self.model.tick(wall, boot, jumps > self.model.counts.jumps)?;
            }
            Op::Export => self.export()?,
            Op::Audit => {
                let actual = self.engine.audit();
                if let Some((expected, repaired)) = self.agree(Ok(0), actual)? {
                    same(|| "repaired by the audit".into(), repaired, expected)?;
                }
            }
        }
        Ok(Some(()))
    }

    fn redefine(&mut self, life: usize, definition: Definition, home: Option<usize>) -> Same {
        let handle = home.map(|index| &self.services[index]);
        let actual = self.engine.redefine_check(&self.checks[life], &check_spec(&definition), handle);
        let expected = self.model.redefine(life, definition, home);
        self.agree(expected, actual).map(drop)
    }

    fn register(&mut self, definition: Definition, home: Option<usize>, restored: Option<Restored>) -> Same {
        let mut spec = check_spec(&definition);
        spec.restored = restored.map(|one| lifesign::Restored {
            status: one.status,
            output: one.output.to_owned(),
            since_ns: one.since,
        });
        let actual = self.engine.register_check(&spec, home.map(|index| &self.services[index]));
        let expected = self.model.register(definition, home, restored);
        if let Some((index, check)) = self.agree(expected, actual)? {
            if index == self.checks.len() && self.checks.contains(&check) {
                differ!("the handle {check:?} was given out before");
            }
            self.model.lives[index].cell = slot(&check);
            self.checks.push_or_same(index, check)?;
        }
        Ok(())
    }

    fn taken(
        &mut self,
        life: usize,
        label: &'static str,
        expected: Outcome<usize>,
        actual: Result<Token, Error>,
    ) -> Same {
        if let Err(error) = &actual
            && matches!(error.kind(), ErrorKind::Held | ErrorKind::Derived)
        {
            self.model.tally(life, label, false);
        }
        if let Some((index, token)) = self.agree(expected, actual)? {
            let model = &self.model.tokens[index];
            same(|| "the token's generation".into(), token.generation(), model.generation)?;
            same(|| "the token's label".into(), &*token.record().label, model.label)?;
            same(|| "the token's check".into(), token.check(), self.checks[model.life])?;
            same(|| "the token's check".into(), token.check_id(), self.model.lives[model.life].id())?;
            let lease = self.model.lives[model.life].state.lease;
            same(|| "the token's lease".into(), token.lease(), lease.map(Lease::length))?;
            self.tokens.push(token);
        }
        Ok(())
    }

    /// The same for a call of a token, whose refusals are counted.
    fn agree_by<T, U>(
        &mut self,
        token: usize,
        expected: Outcome<T>,
        actual: Result<U, Error>,
    ) -> Same<Option<(T, U)>> {
        if let Err(error) = &actual {
            self.tally(token, error.kind());
        }
        self.agree(expected, actual)
    }

    /// Counts a refusal of a token.
    fn tally(&mut self, token: usize, kind: ErrorKind) {
        if matches!(kind, ErrorKind::Fenced | ErrorKind::Expired) {
            self.model.tally(self.model.tokens[token].life, self.model.tokens[token].label, false);
        }
    }

    fn write_batch(&mut self, writes: &[(TokenRef, Status, &'static str)]) -> Same {
        let known: Vec<_> = writes
            .iter()
            .filter_map(|(token, status, output)| Some((self.model.token(*token)?, *status, *output)))
            .collect();
        let batch: Vec<_> = known
            .iter()
            .map(|(token, status, output)| Write { token: &self.tokens[*token], status: *status, output })
            .collect();
        let results =
            self.engine.write_batch(&batch).map_err(|error| format!("the batch fails with {error}"))?;
        same(|| "results of the batch".into(), results.len(), known.len())?;
        let mut answers = Vec::new();
        for ((token, status, output), actual) in known.into_iter().zip(results) {
            let expected = self.model.write(token, status, output);
            if let Some(((), revision)) = self.agree_by(token, expected, actual)? {
                self.answer = format!("revision {revision}");
                self.model.revised(self.model.tokens[token].life, revision)?;
                self.model.settle();
            }
            answers.push(std::mem::take(&mut self.answer));
        }
        self.answer = answers.join("; ");
        Ok(())
    }

    fn subscribed(
        &mut self,
        expected: Outcome<usize>,
        actual: Result<lifesign::Subscription, Error>,
    ) -> Same {
        if let Some((_, subscription)) = self.agree(expected, actual)? {
            self.subscriptions.push(subscription);
            self.positions.push(0);
        }
        Ok(())
    }

    fn filter(&self, filter: Filter) -> SubscriptionFilter<'_> {
        const EXISTS: &str = "the model has resolved the scope";
        let scope = match filter.scope {
            Scope::All => SubscriptionFilter::all(),
            Scope::Prefix(prefix) => SubscriptionFilter::prefix(prefix),
            Scope::Service(service, summary) => SubscriptionFilter::service(
                &self.services[self.model.service(service).expect(EXISTS)],
                summary,
            ),
            Scope::Check(check) => {
                SubscriptionFilter::check(&self.checks[self.model.check(check).expect(EXISTS)])
            }
        };
        let scope = scope.at_least(filter.least);
        if filter.transitions_only { scope.transitions_only() } else { scope }
    }

    fn resume(&mut self, back: u8, told: CursorTold) -> Same<Option<()>> {
        let Some(at) = self.cursors.len().checked_sub(1 + usize::from(back)) else { return Ok(None) };
        let (mut cursor, mark) = self.cursors[at].clone();
        match told {
            CursorTold::AsItWas => {}
            CursorTold::AnotherEngines => cursor.engine_id[0] ^= 1,
            CursorTold::FromTheFuture => cursor.position += 1 << 40,
        }
        let scope = match mark.wanted {
            Wanted::Service(id, summary) => Scope::Service(ServiceRef(id, 0), summary),
            // Not the newest of its id, maybe.
            Wanted::Check(_) => Scope::All,
            _ => mark.filter.scope,
        };
        let mut filter = self.filter(Filter { scope, ..mark.filter });
        if let Wanted::Check(life) = mark.wanted {
            filter = SubscriptionFilter::check(&self.checks[life]).at_least(mark.filter.least);
            filter = if mark.filter.transitions_only { filter.transitions_only() } else { filter };
        }
        let actual = self.engine.subscribe(&filter.since(cursor));
        let expected = self.model.resume(&mark, told);
        self.subscribed(expected, actual).map(Some)
    }
}

trait PushOrSame<T> {
    fn push_or_same(&mut self, index: usize, value: T) -> Same;
}

impl<T: PartialEq + Debug + Copy> PushOrSame<T> for Vec<T> {
    /// Keeps a new handle, or compares it with the one given out before.
    fn push_or_same(&mut self, index: usize, value: T) -> Same {
        if index == self.len() {
            self.push(value);
        }
        same(|| "the handle".into(), value, self[index])
    }
}

fn acquire(label: &str, lease: Option<Lease>) -> Acquire<'_> {
    match lease {
        Some(lease) => Acquire::new(label).lease(lease.length(), lease.on_lapse),
        None => Acquire::new(label),
    }
}

fn define(id: &'static str, home: Home, kind: Kind, status: lifesign::Status, text: Text) -> Definition {
    let home = home.map(|service| service.0);
    Definition { id, home, kind, initial: initial(kind, status), text }
}

fn service_spec(id: &str, text: Text) -> ServiceSpec {
    let (name, data) = wording(id, text);
    ServiceSpec { id: id.to_owned(), name, data }
}

fn check_spec(definition: &Definition) -> CheckSpec {
    let (name, data) = wording(definition.id, definition.text);
    CheckSpec { name, data, kind: check_kind(definition.kind), ..CheckSpec::new(definition.id) }
        .initial(definition.initial)
}
