//! What a subscription owes its subscriber: S1–S7. For each check it is kept what was told last and what has to be told since; where the
//! contract leaves it open whether something is told, it *may* be.

use std::collections::{BTreeMap, HashMap};

use lifesign::Status;

use super::{Definition, Model};
use crate::op::Filter;

/// What a subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    All,
    Prefix(&'static str),
    Service(&'static str, bool),
    Check(usize),
}

/// Changes that were not told yet.
#[derive(Clone, Copy, Debug)]
pub struct Owed {
    /// The oldest version that makes an event right, and the newest that is wanted. Of an alias it is counted what it has shown.
    pub first: u64,
    pub last: u64,
    /// Whether there has to be an event, or merely may be.
    pub must: bool,
}

/// What was told last: version and epoch, and of an alias or summary what it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub numbers: (u64, u64),
    pub shown: Option<Face>,
}

/// What an alias or summary shows, with the number of its changes of status.
pub type Face = (Status, String, u64);

/// The end of a life that was not told yet.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    pub life: usize,
    pub id: &'static str,
    pub must: bool,
    pub may: bool,
    /// It was never told of, and what has to be told are edges before its end alone.
    pub is_slight: bool,
}

/// A state that was delivered.
pub struct StateTold {
    pub life: usize,
    pub id: &'static str,
    /// Its version, as `Owed` counts.
    pub at: u64,
    pub numbers: (u64, u64),
    /// What the alias showed.
    pub shown: Option<Face>,
    /// It is not the present state.
    pub is_old: bool,
    /// The target of an alias; the node is the empty id.
    pub target: Option<&'static str>,
    /// Its cell is shared, and what was to be told of another is taken for this one.
    pub inherits: bool,
}

/// One subscription.
#[derive(Clone)]
pub struct Subscription {
    pub wanted: Wanted,
    pub filter: Filter,
    pub least: Status,
    pub open: bool,
    /// It continues from a cursor, and may have to start from the whole state instead until all was taken.
    pub resumed: bool,
    /// How many lives there were at its cursor: their ends may be told, because the subscription before may have told of them.
    pub heir_of: usize,
    /// Its cursor was another engine's, and it has not said so yet.
    pub foreign: bool,
    /// The last take was a partial one.
    pub partial: bool,
    /// Something was registered, committed or ended since all was taken: it may be woken with nothing to find.
    pub stirred: bool,
    /// In which call everything was taken.
    pub drained_at: u64,
    pub told: HashMap<usize, Told>,
    pub owed: BTreeMap<usize, Owed>,
    pub ended: Vec<Ended>,
    /// How many lives have ended since all was taken, wanted or not.
    pub ends: usize,
    pub summary_told: Option<Told>,
    pub summary_owed: Option<Owed>,
    /// The targets that have shown something the filter lets through: any alias of them may be told, also one that came after.
    pub moved: Vec<&'static str>,
}

impl Subscription {
    /// One that was told nothing and is owed nothing.
    pub fn new(wanted: Wanted, filter: Filter, calls: u64) -> Self {
        Self {
            wanted,
            filter,
            least: filter.least,
            open: true,
            resumed: false,
            heir_of: 0,
            foreign: false,
            partial: false,
            stirred: true,
            drained_at: calls,
            told: HashMap::new(),
            owed: BTreeMap::new(),
            ended: Vec::new(),
            ends: 0,
            summary_told: None,
            summary_owed: None,
            moved: Vec::new(),
        }
    }

    pub fn takes_in(&self, life: usize, definition: &Definition) -> bool {
        self.open
            && match self.wanted {
                Wanted::All => true,
                Wanted::Prefix(prefix) => definition.id.starts_with(prefix),
                Wanted::Service(id, _) => definition.home == Some(id),
                Wanted::Check(wanted) => life == wanted,
            }
    }

    /// A change has to be told, or may be.
    pub fn owe(&mut self, life: usize, version: u64, must: bool) {
        let owed = self.owed.entry(life).or_insert(Owed { first: version, last: version, must });
        if must || !owed.must {
            (owed.last, owed.must) = (version, must);
        }
    }

    /// A life has ended; it has to be told if its last status, or an untold change, matches the filter.
    pub fn bury(&mut self, life: usize, id: &'static str, target: Option<&'static str>, matches: bool) {
        self.ends += 1;
        let owed = self.owed.remove(&life);
        let is_known = self.told.contains_key(&life);
        let must = matches || owed.is_some_and(|owed| owed.must);
        let moved = target.is_some_and(|target| self.moved.contains(&target));
        let may = must || owed.is_some() || moved || is_known || life < self.heir_of;
        let is_slight = !matches && !is_known;
        self.ended.push(Ended { life, id, must, may, is_slight });
    }

    /// What aliases of `target` show has changed between statuses of which `worst` is the worst.
    pub fn target_moved(&mut self, target: &'static str, worst: Status) {
        if self.open && worst >= self.least {
            self.moved.push(target);
        }
    }

    pub fn summary_changed(&mut self, id: &str, worst: Status, must: bool) {
        if self.open
            && matches!(self.wanted, Wanted::Service(wanted, true) if wanted == id)
            && worst >= self.least
        {
            self.summary_owed.get_or_insert(Owed { first: 0, last: 0, must }).must |= must;
        }
    }

    /// The service it is about.
    pub fn service(&self) -> Option<&'static str> {
        match self.wanted {
            Wanted::Service(id, _) => Some(id),
            _ => None,
        }
    }

    /// Takes in that a state was told.
    pub fn state_told(&mut self, state: StateTold) -> Result<(), String> {
        let StateTold { life, id, at, numbers, shown, is_old, target, inherits } = state;
        let comes_first =
            |ended: &Ended| ended.id == id && ended.life < life && ended.must && !ended.is_slight;
        if self.ended.iter().any(comes_first) {
            return Err("the state of a new life comes before the tombstone of the one before".into());
        }
        self.ended.retain(|ended| ended.id != id || ended.life >= life);
        if !is_old || !self.ended.iter().any(|ended| ended.life == life) {
            // What the subscription before has told, this one does not know.
            let again = life < self.heir_of && !self.told.contains_key(&life);
            let moved = inherits || again || target.is_some_and(|target| self.moved.contains(&target));
            let of_target = moved.then_some(Owed { first: 0, last: 0, must: false });
            let Some(owed) = self.owed.remove(&life).or(of_target) else {
                return Err("nothing has changed that it wants".into());
            };
            if at < owed.first && !moved {
                return Err(format!("what it wants begins with version {}", owed.first));
            }
            if at < owed.last {
                self.owed.insert(life, owed);
            } else if self.partial || is_old && target.is_some() {
                // The rest of a partial take is read anew and leaves its mark where it is, so that something that does not match may be told after
                // it; and what an alias shows tells one name of it not from the next.
                self.owed.insert(life, Owed { must: false, ..owed });
            }
        }
        let told = self.told.insert(life, Told { numbers, shown });
        rises(told, numbers)
    }

    /// Takes in that the end of `life` was told.
    pub fn tombstone_told(&mut self, life: usize, id: &str) -> Result<(), String> {
        // Those of several lives may be merged into the last.
        let merged = |ended: &&Ended| ended.id == id && ended.life <= life;
        let is_pending = self.ended.iter().any(|ended| ended.life == life);
        if !is_pending || !self.ended.iter().filter(merged).any(|ended| ended.may) {
            return Err("this end is not wanted, or was told before".into());
        }
        self.ended.retain(|ended| ended.id != id || ended.life > life);
        self.told.remove(&life);
        Ok(())
    }

    /// The ends so far need not be told any more.
    pub fn ends_may_rest(&mut self) {
        self.ended.iter_mut().for_each(|ended| ended.must = false);
    }

    /// The summary need not be told any more.
    pub fn summary_may_rest(&mut self) {
        self.summary_owed.iter_mut().for_each(|owed| owed.must = false);
    }

    /// Takes in that the summary was told.
    pub fn summary_told(&mut self, numbers: (u64, u64), shown: Face, is_old: bool) -> Result<(), String> {
        let again = self.heir_of > 0 && self.summary_told.is_none();
        if self.summary_owed.is_none() && !again {
            return Err("nothing has changed in the summary that it wants".into());
        }
        if self.partial {
            self.summary_may_rest();
        } else if !is_old {
            self.summary_owed = None;
        }
        let told = self.summary_told.replace(Told { numbers, shown: Some(shown) });
        rises(told, numbers)
    }

    /// Whether a subscriber to whom `told` was told learns nothing from `now`.
    fn is_same(&self, told: &Face, now: &Face) -> bool {
        if self.filter.transitions_only { told.2 == now.2 } else { told == now }
    }

    /// What still has to be told, after everything was taken.
    pub fn missing(&self, model: &Model) -> Option<String> {
        let id = |life: usize| model.lives[life].id();
        // What nobody was told of may end untold if it is an alias or its cell is used again: nobody believes anything wrong.
        let is_lost = |ended: &Ended| {
            ended.is_slight && (model.lives[ended.life].is_alias() || model.shares_cell(ended.life, self))
        };
        if let Some(ended) = self.ended.iter().find(|ended| ended.must && !is_lost(ended)) {
            return Some(format!("the end of check {:?}", ended.id));
        }
        for (life, owed) in self.owed.iter().filter(|(_, owed)| owed.must) {
            let (told, shown) = (self.told.get(life), &model.lives[*life].shown);
            // An alias that shows again what was told last has nothing new to say.
            let same = told.zip(shown.as_ref()).is_some_and(|(told, shown)| {
                told.shown.as_ref().is_some_and(|told| self.is_same(told, &shown.face()))
            });
            // A restored state is no transition: what it was before it, if nobody was told, need not be told now.
            let state = &model.lives[*life].state;
            let is_lost =
                told.is_none() && shown.is_none() && state.transitions == 0 && state.status < self.least;
            if !same && !is_lost {
                return Some(format!("the state of check {:?} since version {}", id(*life), owed.first));
            }
        }
        let now = self.service().and_then(|id| model.summaries.get(id));
        let told = self.summary_told.as_ref().and_then(|told| told.shown.as_ref());
        let same = now.zip(told).is_some_and(|(now, told)| self.is_same(told, &now.face()));
        if self.summary_owed.is_some_and(|owed| owed.must) && !same {
            return Some("the summary".into());
        }
        None
    }

    /// All was taken: what was not told by now is not told later.
    pub fn drained(&mut self, calls: u64) {
        self.drained_at = calls;
        self.owed.clear();
        self.ended.clear();
        self.ends = 0;
        self.stirred = false;
        self.resumed = false;
        self.summary_owed = None;
        self.moved.clear();
    }

    /// Whether so many ends are untold that it may, or has to, start anew.
    pub fn overflow(&self, pending: usize) -> (bool, bool) {
        let mut ids: Vec<_> = self.ended.iter().filter(|ended| ended.must).map(|ended| ended.id).collect();
        ids.sort_unstable();
        ids.dedup();
        (self.ends > pending, ids.len() > pending)
    }
}

/// Along a subscription (version, epoch) rises strictly.
fn rises(told: Option<Told>, numbers: (u64, u64)) -> Result<(), String> {
    match told {
        Some(told) if told.numbers >= numbers => {
            Err(format!("(version, epoch) {numbers:?} after {:?}", told.numbers))
        }
        _ => Ok(()),
    }
}
