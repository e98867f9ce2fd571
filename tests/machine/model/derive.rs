//! What services and aliases show: A1, A3, A4, A5.

use lifesign::Status;

use super::subscription::Wanted;
use super::{Life, Model};
use crate::flaw::Flaw;
use crate::op::{Kind, MAX_OUTPUT};

/// What a service, or an alias of it, shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub registered: bool,
    pub status: Status,
    /// Of its own checks alone.
    pub own: Status,
    pub output: String,
    /// How often the status has changed since it was first looked at.
    pub transitions: u64,
    /// In which call it came to show this.
    pub call: u64,
    /// Since when, where the guarantees and the documentation leave no doubt.
    pub since: Option<i64>,
}

/// A root: a direct check, or an alias whose target is missing.
struct Root {
    status: Status,
    id: &'static str,
    since: i64,
    text: String,
}

/// What an alias mirrors; `None` is the node.
type Target = Option<&'static str>;

impl Shown {
    /// What a subscriber is told of it.
    pub fn face(&self) -> (Status, String, u64) {
        (self.status, self.output.clone(), self.transitions)
    }
}

impl Life {
    /// Counts what an alias has shown: its own version, as far as the model knows.
    pub fn shown_count(&self) -> u64 {
        self.shown_before.len() as u64 + u64::from(self.shown.is_some())
    }

    /// Of an alias.
    pub fn target(&self) -> Option<Target> {
        match self.state.definition.kind {
            Kind::Direct => None,
            Kind::Alias(service) => Some(Some(service)),
            Kind::NodeAlias => Some(None),
        }
    }
}

impl Model {
    /// What `target` shows, computed from nothing but its inputs.
    pub fn shows(&self, target: Target) -> Shown {
        let mut roots = Vec::new();
        let mut any = false;
        let own = self.worst_of(target, &mut roots, &mut any);
        let mut status = own;
        if target.is_some() && !self.has(Flaw::TheNodeCountsForNobody) {
            status = status.max(self.worst_of(None, &mut roots, &mut any));
        }
        let registered = target.is_none_or(|id| self.registered(id).is_some());
        if !registered && !self.has(Flaw::MissingIsPassing) {
            status = Status::Critical;
        }
        let bad = roots.iter().filter(|root| root.status > Status::Passing);
        let decides = if self.has(Flaw::TheLargestIdDecides) {
            bad.max_by_key(|root| (root.status, root.id))
        } else {
            bad.min_by_key(|root| (std::cmp::Reverse(root.status), root.id))
        };
        let output = match (target, decides) {
            (Some(id), _) if !registered => missing(id),
            _ if !any => "No checks found.".to_owned(),
            (_, Some(root)) => cut(root.text.clone()),
            _ => "All checks passing.".to_owned(),
        };
        let doubtful = !registered || roots.iter().any(|root| root.since == 0) || roots.is_empty();
        let since = roots.iter().filter(|root| root.status == status).map(|root| root.since);
        let since = if status == Status::Passing { since.max() } else { since.min() };
        Shown {
            registered,
            status,
            own: if registered { own } else { Status::Passing },
            output,
            transitions: 0,
            call: self.calls,
            since: since.filter(|_| !doubtful),
        }
    }

    /// The worst of what is bound to `home`; its roots are added to `roots`.
    fn worst_of(&self, home: Target, roots: &mut Vec<Root>, any: &mut bool) -> Status {
        let mut worst = Status::Passing;
        for (_, life) in self.alive().filter(|(_, life)| life.state.definition.home == home) {
            let state = &life.state;
            match state.definition.kind {
                Kind::Direct => {
                    let text = match state.output.as_str() {
                        "" => format!("Check {:?} is {}.", life.id(), state.status),
                        output => format!("Check {:?} is {}: {output}", life.id(), state.status),
                    };
                    roots.push(Root { status: state.status, id: life.id(), since: state.since, text });
                    worst = worst.max(state.status);
                }
                // An alias bound to the node counts toward nothing.
                _ if home.is_none() => continue,
                Kind::NodeAlias => worst = worst.max(self.worst_of(None, roots, any)),
                Kind::Alias(target) if self.registered(target).is_some() => {
                    worst = worst.max(self.worst_of(Some(target), roots, any));
                    worst = worst.max(self.worst_of(None, roots, any));
                }
                Kind::Alias(target) => {
                    let text = format!("Alias {:?}: {}", life.id(), missing(target));
                    roots.push(Root { status: Status::Critical, id: life.id(), since: 0, text });
                    worst = Status::Critical;
                }
            }
            *any = true;
        }
        worst
    }

    /// Brings what aliases and services show up to date after a call, and tells the subscriptions.
    pub fn settle(&mut self) {
        if self.has(Flaw::AliasesLag) && self.counts.commits % 8 == 7 {
            return;
        }
        for life in 0..self.lives.len() {
            let one = &self.lives[life];
            let Some(target) = one.target().filter(|_| one.alive) else { continue };
            let definition = one.state.definition;
            let mut now = self.shows(target);
            let before = one.shown.clone();
            now.transitions = before.as_ref().map_or(0, |before| count(before, &now));
            let worst = before.as_ref().map_or(now.status, |before| before.status.max(now.status));
            let changed = before
                .as_ref()
                .is_none_or(|before| (before.status, &before.output) != (now.status, &now.output));
            let status_changed = before.as_ref().is_none_or(|before| before.status != now.status);
            if let (Some(before), false) = (&before, changed) {
                now.call = before.call;
            }
            let one = &mut self.lives[life];
            one.shown_before.extend(one.shown.replace(now).filter(|_| changed));
            let count = one.shown_count();
            for subscription in &mut self.subscriptions {
                let wants = if subscription.filter.transitions_only { status_changed } else { changed };
                if wants && subscription.takes_in(life, &definition) && worst >= subscription.least {
                    subscription.owe(life, count, true);
                }
            }
        }
        let mut node = self.shows(None);
        node.transitions = self.node.as_ref().map_or(0, |before| count(before, &node));
        if let Some(before) = self.node.replace(node.clone()) {
            self.told_above("", &before, &node);
        }
        let mentioned: Vec<&'static str> = self.mentioned().collect();
        self.summaries.retain(|id, _| mentioned.contains(id));
        for id in mentioned {
            let mut now = self.shows(Some(id));
            let before = self.summaries.get(id);
            now.transitions = before.map_or(0, |before| count(before, &now));
            if let Some(before) = self.summaries.insert(id, now.clone()) {
                self.told_above(id, &before, &now);
            }
        }
    }

    /// Tells the subscriptions that `target` shows something else.
    fn told_above(&mut self, target: &'static str, before: &Shown, now: &Shown) {
        let worst = before.status.max(now.status);
        let must = (before.status, &before.output) != (now.status, &now.output);
        let status_changed = before.status != now.status;
        if must || before.own != now.own {
            for subscription in &mut self.subscriptions {
                if status_changed || !subscription.filter.transitions_only {
                    subscription.summary_changed(target, worst, must);
                }
                subscription.target_moved(target, worst);
            }
        }
    }

    /// The ids that a service, an alias or a subscription refers to.
    fn mentioned(&self) -> impl Iterator<Item = &'static str> {
        let targets = self.alive().filter_map(|(_, life)| life.target().flatten());
        let services = self.services.iter().filter(|one| one.alive).map(|one| one.id);
        let wanted = self.subscriptions.iter().filter(|one| one.open).filter_map(|one| match one.wanted {
            Wanted::Service(id, _) => Some(id),
            _ => None,
        });
        services.chain(targets).chain(wanted)
    }
}

fn count(before: &Shown, now: &Shown) -> u64 {
    before.transitions + u64::from(before.status != now.status)
}

fn missing(id: &str) -> String {
    cut(format!("Service {id:?} is not registered."))
}

/// The text of an alias is bounded like any other, and cut at a character's edge.
fn cut(text: String) -> String {
    let edge = (0..=MAX_OUTPUT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text[..edge.unwrap_or(0)].to_owned()
}
