//! Tokens: W1, W2, W4, W5, A2, P1.

use lifesign::{ErrorKind, HistoryKind, Status};

use super::lease::Lease;
use super::{ENGINE, Model, Outcome, Refusal, Token, unless};
use crate::flaw::Flaw;
use crate::op::MAX_OUTPUT;

impl Model {
    /// Takes the token of a check, away from the holder of generation `expected` if that is given.
    pub fn take_token(
        &mut self,
        life: usize,
        expected: Option<u64>,
        label: &'static str,
        lease: Option<Lease>,
    ) -> Outcome<usize> {
        let one = &self.lives[life];
        let (state, alive) = (&one.state, one.alive);
        let sides = Some((label, state.holder, state.generation));
        let mut reasons = Vec::new();
        if !alive {
            reasons.push(refusal(ErrorKind::Gone));
        } else if one.is_alias() {
            reasons.push(Refusal {
                sides: Some((label, Some(ENGINE), state.generation)),
                ..refusal(ErrorKind::Derived)
            });
        } else {
            let refused = match expected {
                None => state.holder.is_some() && !self.has(Flaw::AcquiringSteals),
                // A holder that has left since it was seen leaves the check to whoever has seen it.
                Some(expected) => expected != state.generation && !self.has(Flaw::AnyGenerationTakesOver),
            };
            if refused {
                reasons.push(Refusal { sides, ..refusal(ErrorKind::Held) });
            }
        }
        let open = self.tokens.iter().filter(|token| !token.closed).count();
        if open >= self.quotas.tokens || !self.can_intern(label) {
            reasons.push(Refusal::new(ErrorKind::Limit));
        }
        unless(reasons, || {
            let (before, wall) = (self.lives[life].state.status, self.wall);
            let was_held = self.lives[life].state.holder.is_some();
            self.commit(life, label, |state| {
                state.generation += 1;
                state.holder = Some(label);
                (state.lease, state.held_since, state.orphaned) = (lease, wall, false);
            });
            self.heard(life);
            self.tally(life, label, true);
            if was_held {
                self.remember(life, HistoryKind::TakeOver, before);
            }
            let generation = self.lives[life].state.generation;
            self.tokens.push(Token { life, generation, label, closed: false });
            self.tokens.len() - 1
        })
    }

    /// Why a call of this token is refused.
    pub fn against(&mut self, token: usize) -> Vec<Refusal> {
        let one = &self.tokens[token];
        let life = &self.lives[one.life];
        let mut reasons = Vec::new();
        if one.closed {
            reasons.push(Refusal::about(ErrorKind::Revoked, &[life.id(), one.label]));
        }
        if !life.alive {
            reasons.push(Refusal::about(ErrorKind::Gone, &[life.id(), one.label]));
        }
        if life.alive && life.state.generation != one.generation && !self.has(Flaw::NobodyIsFenced) {
            let sides = Some((one.label, life.state.holder, life.state.generation));
            reasons.push(Refusal { sides, ..refusal(ErrorKind::Fenced) });
        } else if life.alive && life.state.orphaned && !one.closed {
            let sides = Some((one.label, None, life.state.generation));
            reasons.push(Refusal { sides, ..refusal(ErrorKind::Expired) });
        }
        reasons
    }

    pub fn write(&mut self, token: usize, status: Status, output: &str) -> Outcome<()> {
        let mut reasons = self.against(token);
        if output.len() > MAX_OUTPUT {
            reasons.push(Refusal::new(ErrorKind::TooLarge));
        }
        unless(reasons, || {
            let (life, label) = (self.tokens[token].life, self.tokens[token].label);
            let state = &self.lives[life].state;
            let same = (state.status, state.output.as_str()) == (status, output);
            let same = same && !state.initial && !state.restored;
            let before = state.status;
            self.heard(life);
            if same && !self.has(Flaw::HeartbeatsCommit) {
                self.counts.heartbeats += 1;
                return;
            }
            self.commit(life, label, |state| {
                (state.status, state.output) = (status, output.to_owned());
                (state.initial, state.restored) = (false, false);
            });
            self.tally(life, label, true);
            if before != status {
                self.remember(life, HistoryKind::Transition, before);
            }
        })
    }

    /// Starts the lease anew.
    pub fn renew(&mut self, token: usize) -> Outcome<()> {
        let reasons = self.against(token);
        unless(reasons, || self.heard(self.tokens[token].life))
    }

    pub fn close_token(&mut self, token: usize) -> Outcome<()> {
        let one = &self.tokens[token];
        let (life, label) = (one.life, one.label);
        if one.closed {
            return Err(vec![refusal(ErrorKind::Revoked)]);
        }
        let state = &self.lives[life].state;
        let held = self.lives[life].alive && state.generation == one.generation && state.holder.is_some();
        self.tokens[token].closed = true;
        if held || self.has(Flaw::ClosingFreesWhoeverHolds) && self.lives[life].alive {
            self.commit(life, label, |state| (state.holder, state.lease, state.held_since) = (None, None, 0));
        }
        Ok(())
    }

    pub fn deregister_by_holder(&mut self, token: usize) -> Outcome<()> {
        let reasons = self.against(token);
        unless(reasons, || self.end(self.tokens[token].life, self.tokens[token].label))
    }

    pub fn join(&self, token: usize, old: usize, calls_only: bool) -> Outcome<()> {
        let mut reasons = Vec::new();
        if token == old {
            reasons.push(Refusal::new(ErrorKind::WouldDeadlock));
        } else if !calls_only && !self.tokens[old].closed {
            reasons.push(Refusal::new(ErrorKind::StillRunning));
        }
        unless(reasons, || ())
    }
}

fn refusal(kind: ErrorKind) -> Refusal {
    Refusal::new(kind)
}
