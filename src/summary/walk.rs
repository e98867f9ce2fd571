//! The walk: how a change climbs to every alias before the write returns.
//!
//! Aliases are links to a summary, so all aliases of a service follow in the one swap. What remains are the summaries above: those of the
//! services to which the aliases are bound, and of the node all. Whoever finds the summary's *peak* set after its own refresh walks on, never
//! only the winner of the swap (`walk-winner-only`): the winner may be paused before its next step. The graph has no loops (see
//! [`crate::alias`]).
//!
//! # Rounds
//!
//! What stands directly above the summaries of one round is the next round, each summary once (`gathered-each-way`), however many ways lead to
//! it from there: first those of its blocks that have an input in the round before (`gathered-first-block`), then its word. All these refreshes
//! are called after the words below were loaded, so by the double refresh (see [`crate::summary`]) they cover those words. An edge that was not
//! found was entered later, and whoever entered it walks himself ([`Summary::enter`]).
//!
//! Where ways of different length lead to a summary it comes up in several rounds. It is carried on again unless what it shows has not changed in
//! between (`second-way-ignored`): then what was or will be refreshed above for the earlier round covers this one too. So a walk refreshes each
//! summary once a round at most, and there are no more rounds than services one above the other. Only a service that has an alias of the node among
//! its checks, and to which two ways lead from the node therefore, is refreshed for each of them.
//!
//! # The peak
//!
//! Peaks are taken away when all rounds are over, each by a swap of the last word that the rounds have covered or of one that shows no change since, so
//! that what has changed since stays (`settle-before-walk`). So whoever refreshes a summary and finds no peak may turn back: what it shows has not changed since a word whose
//! peak somebody took away, who had then refreshed all that stands directly above and either carried each of those on or found it without a
//! peak, to which the same applies.
//!
//! A walk takes no lock, but it notes the summaries with something above them that it has come to, and asks the allocator for that if there are more
//! than four.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::failpoint::pause;
use crate::mutant::mutated;
use crate::subscribe::interest::Board;
use crate::summary::Summary;
use crate::summary::word::SummaryWord;
use crate::sync::HashState;

/// The summaries that a walk for a text has come through; allocates nothing as long as it is empty.
type Seen = HashSet<u32, HashState>;

/// So many visits are looked through without an index.
const FEW: usize = 16;

/// A summary with something above it that is carried on.
struct Visit {
    summary: Arc<Summary>,
    /// What is carried on, or has come since without a change.
    word: SummaryWord,
    /// Whether what is above is marked even if its status stays.
    text: bool,
}

/// A way up to be gone in this round.
struct Way {
    slot: u32,
    place: Option<u32>,
    above: Arc<Summary>,
    text: bool,
}

/// Where a walk has been. Allocates nothing for the first few visits.
struct Walk<'a> {
    board: &'a Board,
    visits: SmallVec<[Visit; 4]>,
    /// The last visit of each summary, by its cell; `None` as long as there are few.
    index: Option<HashMap<u32, usize, HashState>>,
}

impl Walk<'_> {
    fn last_visit(&self, slot: u32) -> Option<usize> {
        match &self.index {
            None => self.visits.iter().rposition(|visit| visit.summary.slot() == slot),
            Some(index) => index.get(&slot).copied(),
        }
    }

    fn note(&mut self, visit: Visit) {
        self.visits.push(visit);
        if self.visits.len() > FEW {
            let new = if self.index.is_none() { 0 } else { self.visits.len() - 1 };
            let slots = self.visits[new..].iter().map(|visit| visit.summary.slot());
            self.index.get_or_insert_default().extend(slots.zip(new..));
        }
    }

    /// Brings `summary` up to date, whose blocks are, and notes it if it is to be carried on.
    fn visit(&mut self, summary: &Arc<Summary>, text: bool) {
        let lost = mutated!("walk-winner-only").then(|| summary.word().version() + 1);
        let word = summary.refresh();
        pause!("walk:refreshed");
        let is_top = summary.above.is_empty();
        // One with nothing above it need not be remembered, marking it again does no harm.
        let last = if is_top { None } else { self.last_visit(summary.slot()) };
        let text = text && last.is_none();
        if word.peak().is_none() && !text {
            return;
        }
        if lost.is_some_and(|own| word.version() != own) {
            return;
        }
        if let Some(last) = last.map(|last| &mut self.visits[last])
            && last.covers(word)
        {
            last.word = word;
            return;
        }
        if mutated!("settle-before-walk") {
            summary.settle(word);
        }
        summary.mark(word, self.board);
        pause!("walk:marked");
        if !is_top {
            self.note(Visit { summary: summary.clone(), word, text });
        } else if word.peak().is_some() {
            summary.settle(word);
        }
    }

    /// Goes up, round by round, from what was visited.
    fn climb(&mut self) {
        let mut round = 0..self.visits.len();
        while !round.is_empty() {
            let next = self.visits.len();
            if round.len() == 1 {
                // What two ways lead to from the same summary is refreshed twice, which is less than to look for it.
                let Visit { summary, text, .. } = &self.visits[round.start];
                let (summary, text) = (summary.clone(), *text);
                summary.above.for_each(|edge| {
                    edge.above.members.refresh_blocks(edge.place);
                    self.visit(&edge.above, text);
                });
            } else {
                self.gather(round);
            }
            round = next..self.visits.len();
        }
        let carried = self.visits.iter().filter(|visit| visit.word.peak().is_some());
        carried.for_each(|visit| visit.summary.settle(visit.word));
    }

    /// What stands above the summaries of `round`, each once.
    fn gather(&mut self, round: std::ops::Range<usize>) {
        let mut ways = Vec::new();
        for Visit { summary, text, .. } in &self.visits[round] {
            summary.above.for_each(|edge| {
                let (above, text) = (edge.above.clone(), *text);
                ways.push(Way { slot: above.slot(), place: edge.place, above, text });
            });
        }
        ways.sort_by_key(|way| (way.slot, way.place));
        for ways in ways.chunk_by(|one, next| one.slot == next.slot && !mutated!("gathered-each-way")) {
            let blocks = if mutated!("gathered-first-block") { &ways[..1] } else { ways };
            ways[0].above.members.refresh_blocks(blocks.iter().filter_map(|way| way.place));
            self.visit(&ways[0].above, ways.iter().any(|way| way.text));
        }
    }
}

impl Visit {
    /// Whether what is carried on covers `word`, found later.
    fn covers(&self, word: SummaryWord) -> bool {
        word.shows_no_change_since(self.word) || mutated!("second-way-ignored")
    }
}

impl Summary {
    /// Brings this summary and everything above it up to date with what was published before the call, and marks the subscribers.
    ///
    /// `place` is where the changed input stands, `text` says that more than the status may have changed: then what is above is marked even
    /// if its status stays, because the text of an alias may follow.
    pub fn walk(self: &Arc<Self>, place: Option<u32>, text: bool, board: &Board) {
        self.members.refresh_blocks(place);
        let mut walk = Walk { board, visits: SmallVec::new(), index: None };
        walk.visit(self, text);
        walk.climb();
    }

    /// Pays what the coming or going of the input at `place` owes, or, without one, that of a bystander: nothing above shows it, and what is
    /// bound here is other content under another version.
    pub fn follow(self: &Arc<Self>, place: Option<u32>, board: &Board) {
        if place.is_some() || !mutated!("bystander-under-one-version") {
            self.walk(place, place.is_some() || mutated!("bystander-climbs"), board);
        }
    }

    /// Marks the subscribers of this summary and of everything above it, where no status has changed but a text may have.
    pub fn walk_text(self: &Arc<Self>, board: &Board) {
        match self.above.is_empty() {
            true => self.mark(self.word_ordered(), board),
            false => self.climb_text(board, &mut Seen::default()),
        }
    }

    fn climb_text(self: &Arc<Self>, board: &Board, seen: &mut Seen) {
        // One with nothing above it need not be remembered, marking it again does no harm.
        if self.above.is_empty() || seen.insert(self.slot()) {
            self.mark(self.word_ordered(), board);
            self.above.for_each(|edge| edge.above.climb_text(board, seen));
        }
    }
}
