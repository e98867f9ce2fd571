//! What a subscriber wants to hear about.

use std::sync::Arc;

use crate::cell::slab::Place;
use crate::model::snapshot::Definition;
use crate::model::status::Status;
use crate::subscribe::interest::Change;
use crate::summary::Summary;

/// Which checks a subscription is about.
pub(crate) enum Scope {
    /// All checks.
    All,
    /// The checks bound to a service id, and its summary if asked for.
    Service { summary: Arc<Summary>, with_summary: bool },
    /// One check in one life.
    Check { place: Place, life: u16 },
    /// The checks whose id starts so.
    Prefix(Box<str>),
    /// No check at all, but what is reported as trouble.
    Trouble,
}

/// Which commits of which checks.
pub(crate) struct Filter {
    pub scope: Scope,
    /// A commit matches if the status before or after it is at least this.
    pub least: Status,
    /// Whether only commits that change the status match.
    pub transitions_only: bool,
}

impl Filter {
    /// Whether a change in the scope matches.
    pub fn wants(&self, change: Change) -> bool {
        change.severity >= self.least && (change.transition || !self.transitions_only)
    }

    /// Whether the scope takes in the check with this definition, in this cell and life.
    pub fn takes_in(&self, slot: u32, life: u16, definition: &Definition) -> bool {
        match &self.scope {
            Scope::All => true,
            // By id: a tombstone may be of a former life of the service, whose summary was another one.
            Scope::Service { summary, .. } => {
                Arc::ptr_eq(summary, &definition.home) || summary.id() == definition.home.id()
            }
            Scope::Check { place, life: wanted } => place.slot == slot && *wanted == life,
            Scope::Prefix(prefix) => definition.id.starts_with(&**prefix),
            Scope::Trouble => false,
        }
    }

    /// The summary that is delivered itself.
    pub fn summary(&self) -> Option<&Arc<Summary>> {
        match &self.scope {
            Scope::Service { summary, with_summary: true } => Some(summary),
            _ => None,
        }
    }
}
