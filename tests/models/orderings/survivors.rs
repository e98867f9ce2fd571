//! The orderings that can be made weaker without a claim failing, and why.

/// What is to be said of a weaker ordering that survives.
pub enum Verdict {
    /// The weaker one is enough.
    Equivalent(&'static str),
    /// It may not be, but these models cannot show it.
    OutOfReach(&'static str),
    /// It does not survive, but what notices it is no claim of a model: loom finds this race.
    Race(&'static str),
    /// It does not survive, but only this model at this bound finds it.
    Deeper { model: &'static str, bound: usize, stepped: bool },
}
use Verdict::{Deeper, Equivalent, OutOfReach, Race};

/// A weaker ordering that no model notices.
pub struct Survivor {
    /// File, function, receiver and method.
    pub place: &'static str,
    pub weaker: &'static str,
    pub verdict: Verdict,
}

const fn survivor(place: &'static str, weaker: &'static str, verdict: Verdict) -> Survivor {
    Survivor { place, weaker, verdict }
}

const BLOCK_TWICE: Verdict = Deeper { model: "refresh_twice_block", bound: 3, stepped: false };

const TO_RELAXED: &str = "Acquire to Relaxed";
const STORE: &str = "Release to Relaxed";
const UPDATE: &str = "AcqRel to Relaxed";
const NO_RELEASE: &str = "AcqRel to Acquire";
const NO_ACQUIRE: &str = "AcqRel to Release";

const LOCKED: Verdict = Equivalent("under the lock that all its writers hold");
const OWN: Verdict = Equivalent("stored by this very thread just before, or under the lock that it holds");
const PUT_BACK: Verdict = Equivalent(
    "the only reader puts back what it took: a writer that finds the bit need know nothing, and the update passes on what earlier marks released",
);
const EITHER: Verdict = Equivalent(
    "a block is published by its pointer and by the length; either is enough, and who must see the entry is ordered after it by the word",
);
const UNSEEN: Verdict = Race("what this pointer leads to is used by who has not seen it constructed");
const REUSED: Verdict = Race("what is freed is not seen constructed by who frees it, or is still looked at");
const SWAPPED: Verdict = Equivalent(
    "the inputs were read before it, and who goes on loads the summary word by an update that acquires; what earlier swaps released it passes on",
);
const WANTED: Verdict = Equivalent(
    "whoever must be found has put himself into the list before his read-modify-write of the word, and the writer looks after his own of the same word: that orders the two",
);
const REPLACED: Verdict = Equivalent("what is replaced is not looked into");
const WORD_ORDERS: Verdict = Equivalent(
    "whoever must see it has loaded the summary word by a read-modify-write after the one who wrote it: that orders the two",
);

const DRAWN: Verdict = OutOfReach(
    "loom's updates take place in the order it runs them in; elsewhere a reader's `take` may come before the marks of a draw it has read, unless the draw releases and the look acquires",
);
const STAMP: Verdict = Equivalent(
    "who trusts the stamp has found the word settled, by an update that acquires; the word was settled after the stamp, by one that releases",
);
const ENDED: Verdict = Equivalent(
    "the order of this word's updates decides; what follows begins with a load of the snapshot and ends with a commit",
);

pub const SURVIVORS: &[Survivor] = &[
    survivor(
        "src/cell/slab.rs clear_link self.link.store",
        STORE,
        Equivalent(
            "nothing before it is published by it; what comes after it, the target's changes, is released by the target's word",
        ),
    ),
    survivor(
        "src/cell/slab.rs linked_word self.link.load",
        TO_RELAXED,
        Equivalent("the load of the word before it acquires; nothing is read after it"),
    ),
    survivor(
        "src/cell/word.rs settle self.0.compare_exchange",
        NO_ACQUIRE,
        Equivalent("who settles has finished: it reads nothing afterwards"),
    ),
    survivor("src/subscribe/dirty.rs grow pointer.load", TO_RELAXED, UNSEEN),
    survivor("src/subscribe/dirty.rs grow pointer.compare_exchange", UPDATE, UNSEEN),
    survivor("src/subscribe/dirty.rs grow pointer.compare_exchange", NO_RELEASE, UNSEEN),
    survivor("src/subscribe/dirty.rs grow pointer.compare_exchange", "failure Acquire to Relaxed", UNSEEN),
    survivor(
        "src/subscribe/dirty.rs grow pointer.compare_exchange",
        NO_ACQUIRE,
        Equivalent("what it replaces is null, which publishes nothing"),
    ),
    survivor(
        "src/subscribe/dirty.rs set word.load",
        TO_RELAXED,
        Equivalent(
            "the mark in the leaf comes before it and acquires what a reader released that has passed there; if none has, the reader finds the mark",
        ),
    ),
    survivor(
        "src/subscribe/dirty.rs arm self.top.fetch_or",
        UPDATE,
        Equivalent(
            "arming and marking meet in one word, whose order decides; what is found is read by the updates of `take`",
        ),
    ),
    survivor(
        "src/subscribe/dirty.rs take_other self.top.fetch_and",
        NO_RELEASE,
        Equivalent("nothing below this bit is cleared without the lock of the inbox"),
    ),
    survivor(
        "src/subscribe/dirty.rs is_pending self.top.load",
        TO_RELAXED,
        Equivalent("it says whether to take, and `take` loads by updates of its own"),
    ),
    survivor("src/subscribe/dirty.rs is_marked self.upper[at(3)].load", TO_RELAXED, UNSEEN),
    survivor("src/subscribe/dirty.rs is_marked upper.lower[at(2)].load", TO_RELAXED, UNSEEN),
    survivor(
        "src/subscribe/dirty.rs is_marked lower.leaves[at(1)].load",
        TO_RELAXED,
        Equivalent(
            "nothing is read after it, and what must be found was marked before the tombstone was noted in the top word",
        ),
    ),
    survivor("src/subscribe/dirty.rs take self.top.fetch_or", UPDATE, PUT_BACK),
    survivor("src/subscribe/dirty.rs take self.top.fetch_or #2", UPDATE, PUT_BACK),
    survivor("src/subscribe/dirty.rs take self.top.fetch_or #3", UPDATE, PUT_BACK),
    survivor("src/subscribe/dirty.rs take upper.bits.fetch_or", UPDATE, PUT_BACK),
    survivor("src/subscribe/dirty.rs take upper.bits.fetch_or #2", UPDATE, PUT_BACK),
    survivor("src/subscribe/dirty.rs take_lower lower.bits.fetch_or", UPDATE, PUT_BACK),
    survivor(
        "src/subscribe/dirty.rs take self.top.fetch_and",
        NO_RELEASE,
        Equivalent("no bit stands above the top one; the words below are released by their own swaps"),
    ),
    survivor(
        "src/subscribe/dirty.rs take self.upper[upper_at].load",
        TO_RELAXED,
        Equivalent("the bit above it was read by an update that acquires, and set after the node was there"),
    ),
    survivor(
        "src/subscribe/dirty.rs take upper.lower[lower_at].load",
        TO_RELAXED,
        Equivalent("the bit above it was read by an update that acquires, and set after the node was there"),
    ),
    survivor(
        "src/subscribe/dirty.rs take_lower lower.bits.swap",
        NO_ACQUIRE,
        Equivalent("the leaves below are read by swaps, which find the newest"),
    ),
    survivor("src/summary/list.rs entry next.load", TO_RELAXED, LOCKED),
    survivor("src/summary/list.rs entry next.load #2", TO_RELAXED, OWN),
    survivor("src/summary/list.rs insert self.len.load", TO_RELAXED, LOCKED),
    survivor("src/summary/list.rs insert self.len.fetch_max", UPDATE, EITHER),
    survivor(
        "src/summary/list.rs is_empty self.len.load",
        TO_RELAXED,
        Equivalent("it saves remembering a visit, no more"),
    ),
    survivor("src/summary/list.rs for_each self.len.load", TO_RELAXED, EITHER),
    survivor("src/summary/list.rs entry next.store", STORE, EITHER),
    survivor("src/summary/list.rs for_each next.load", TO_RELAXED, EITHER),
    survivor("src/summary/members.rs blocks next.load", TO_RELAXED, UNSEEN),
    survivor("src/summary/members.rs block next.store", STORE, UNSEEN),
    survivor("src/summary/members.rs put entries.store", STORE, UNSEEN),
    survivor("src/summary/members.rs worst_of entry.load", TO_RELAXED, UNSEEN),
    survivor("src/summary/members.rs refresh self.word.compare_exchange", NO_ACQUIRE, SWAPPED),
    survivor("src/summary/members.rs refresh self.word.fetch_or", NO_RELEASE, BLOCK_TWICE),
    survivor("src/summary/members.rs block next.load", TO_RELAXED, LOCKED),
    survivor("src/summary/members.rs block next.load #2", TO_RELAXED, OWN),
    survivor("src/summary/members.rs set self.used.fetch_max", UPDATE, WORD_ORDERS),
    survivor("src/summary/members.rs worst self.used.load", TO_RELAXED, WORD_ORDERS),
    survivor(
        "src/summary/mod.rs new place.cell.word.load",
        TO_RELAXED,
        Equivalent("the cell has come from the arena's lock, and its last owner put it there"),
    ),
    survivor("src/summary/mod.rs evaluate self.registered.load", TO_RELAXED, WORD_ORDERS),
    survivor("src/summary/mod.rs set_registered self.registered.store", STORE, WORD_ORDERS),
    survivor(
        "src/summary/mod.rs mark self.mirrors.load",
        TO_RELAXED,
        OutOfReach(
            "the registration of an alias raises it; the models' aliases are entered without their own cells",
        ),
    ),
    survivor(
        "src/summary/mod.rs settle self.place.cell.word.compare_exchange",
        NO_ACQUIRE,
        Equivalent("who settles has finished: it reads nothing afterwards"),
    ),
    survivor("src/sync/model.rs load self.pointer.load", TO_RELAXED, UNSEEN),
    survivor("src/sync/model.rs store self.pointer.swap", UPDATE, UNSEEN),
    survivor("src/sync/model.rs store self.pointer.swap", NO_RELEASE, UNSEEN),
    survivor("src/sync/model.rs replace self.pointer.compare_exchange", UPDATE, UNSEEN),
    survivor("src/sync/model.rs replace self.pointer.compare_exchange", NO_RELEASE, UNSEEN),
    survivor("src/sync/model.rs store self.pointer.swap", NO_ACQUIRE, REPLACED),
    survivor("src/sync/model.rs replace self.pointer.compare_exchange", NO_ACQUIRE, REPLACED),
    survivor(
        "src/summary/mod.rs refresh self.changes.load",
        TO_RELAXED,
        Deeper { model: "refresh_count", bound: 2, stepped: true },
    ),
    survivor(
        "src/summary/mod.rs refresh self.changes.fetch_max",
        NO_ACQUIRE,
        Equivalent("what it finds there is not used"),
    ),
    survivor("src/writer/commit.rs draw self.0.fetch_add", UPDATE, DRAWN),
    survivor("src/writer/commit.rs current self.0.load", TO_RELAXED, DRAWN),
    survivor("src/writer/commit.rs pay cell.position.fetch_max", UPDATE, STAMP),
    survivor("src/subscribe/resume.rs is_changed cell.position.load", TO_RELAXED, STAMP),
    survivor(
        "src/writer/touch.rs start word.store",
        STORE,
        Equivalent("the life whose reports it begins is published after it, by the store of its snapshot"),
    ),
    survivor("src/writer/touch.rs expire word.compare_exchange", UPDATE, ENDED),
    survivor("src/writer/touch.rs expire word.compare_exchange", "failure Acquire to Relaxed", ENDED),
    survivor(
        "src/writer/token.rs enter self.state.fetch_add",
        UPDATE,
        Equivalent(
            "whether a call enters is decided by the order of updates of this word; nothing has happened in it yet",
        ),
    ),
    survivor(
        "src/writer/token.rs leave self.state.fetch_sub",
        NO_ACQUIRE,
        Equivalent("it learns whether to wake, and reads nothing else"),
    ),
    survivor(
        "src/writer/token.rs is_over self.state.load",
        TO_RELAXED,
        Equivalent(
            "a handle is then taken out of its table under a lock; the token itself is freed by the last to let go",
        ),
    ),
    survivor("src/subscribe/interest.rs is_present self.present.load", TO_RELAXED, WANTED),
    survivor("src/subscribe/interest.rs put self.present.store", STORE, WANTED),
    survivor("src/sync/split.rs drop self.cell.word.compare_exchange", STORE, REUSED),
    survivor("src/sync/split.rs expect self.0.fetch_add", NO_RELEASE, REUSED),
    survivor("src/sync/split.rs expect self.0.fetch_add", UPDATE, REUSED),
    survivor("src/sync/split.rs expect self.0.fetch_add", NO_ACQUIRE, REUSED),
    survivor("src/sync/split.rs hold self.word.fetch_add", TO_RELAXED, REUSED),
    survivor("src/sync/split.rs leave self.0.fetch_sub", NO_RELEASE, REUSED),
    survivor("src/sync/split.rs leave self.0.fetch_sub", UPDATE, REUSED),
    survivor("src/sync/split.rs leave self.0.fetch_sub", NO_ACQUIRE, REUSED),
    survivor("src/sync/split.rs replace cell.word.compare_exchange", NO_RELEASE, REUSED),
    survivor("src/sync/split.rs replace cell.word.compare_exchange", UPDATE, REUSED),
    survivor("src/sync/split.rs replace cell.word.compare_exchange", NO_ACQUIRE, REUSED),
    survivor("src/sync/split.rs store self.word.swap", NO_RELEASE, REUSED),
    survivor("src/sync/split.rs store self.word.swap", UPDATE, REUSED),
    survivor("src/sync/split.rs store self.word.swap", NO_ACQUIRE, REUSED),
];

const PAGES: &str = "pages are mapped memory; across_the_next_owner_of_its_page runs it";
const CLOSING: &str = "an engine does not fit a model; calls_that_meet_a_close_finish_or_say_so runs it";
const HANDLES: &str = "the table of handles is locked but for reading; the C programs run it";
const CONSUMER: &str = "a delivery needs an engine; the scripts of missed_edge run it";
const TABLE: &str =
    "the tables of the registrations and their readers need an engine; every_view_is_linearizable runs them";

const ROOT: &str = "the root is mapped memory that a child finds wiped; faults::forks::a_fork_beside_a_call_at_every_step runs it";
const OPENING: &str = "who opens first in a process or a child; guarantees::fork::b6_a_child_opens_an_engine_of_its_own and faults::forks run it";
const FORKED: &str = "a fork copies the process; guarantees::claims::x1_a_child_forked_in_the_middle_keeps_nothing and x1_a_child_of_a_fork_that_had_begun_keeps_nothing run it";
const CLOCK: &str = "a tick needs an engine; the tests of faults::clocks run it, in one thread: a lease that takes a time from before a jump is not forced";
const FUTEX: &str = "models have a stand-in for the futex; scripts::missed_edge and guarantees::waking::s9_a_sleeping_consumer_is_woken_by_either_way run it";

const COUNTED: &str = "who is listed between a count and its first time would show a wrong time once; guarantees::provenance::p3 runs it";
const STAMPED: &str = "stamped and looked at under the registration lock; s8_registrations_below_an_alias_are_changes_of_it runs it";

/// The calls that no model comes by, and why.
pub const UNEXPLORED: &[(&str, &str)] = &[
    ("src/cell/process.rs word ROOT.load", ROOT),
    ("src/cell/process.rs root word()?.load", ROOT),
    ("src/cell/process.rs is_forked word.load", ROOT),
    ("src/cell/process.rs root_or_open ROOT.store", OPENING),
    ("src/cell/process.rs root_or_open word.store", OPENING),
    ("src/cell/process.rs lock self.0.compare_exchange", OPENING),
    ("src/cell/process.rs lock self.0.compare_exchange #2", OPENING),
    ("src/cell/process.rs drop self.0.0.store", OPENING),
    ("src/cell/slab.rs cell self.entries.get((slot/PAGE_CELLS)asusize)?.base.load", PAGES),
    ("src/cell/slab.rs borrow_page self.entries[pageasusize].base.store", PAGES),
    ("src/cell/slab.rs set_owner self.lent_to.store", PAGES),
    ("src/cell/slab.rs is_lent_to entry.lent_to.load", PAGES),
    ("src/cell/slab.rs drop cell.touch.store", PAGES),
    ("src/cell/slab.rs drop cell.position.store", PAGES),
    ("src/claim/lock.rs fill BEGUN.load", FORKED),
    ("src/claim/lock.rs fill OVER.load", FORKED),
    ("src/claim/lock.rs fill BEGUN.load #2", FORKED),
    ("src/claim/lock.rs fill BEGUN.load #3", FORKED),
    ("src/claim/lock.rs fill slot.0.store", FORKED),
    ("src/claim/lock.rs watch_forks WATCHED.load", FORKED),
    ("src/claim/lock.rs watch_forks WATCHED.store", FORKED),
    ("src/claim/lock.rs before_fork BEGUN.fetch_add", FORKED),
    ("src/claim/lock.rs after_fork OVER.fetch_add", FORKED),
    ("src/claim/lock.rs in_child OVER.store", FORKED),
    ("src/claim/lock.rs in_child BEGUN.load", FORKED),
    ("src/claim/lock.rs in_child slot.swap", FORKED),
    ("src/engine/clock.rs since_open self.since_open.load", CLOCK),
    ("src/engine/clock.rs tick self.since_open.store", CLOCK),
    ("src/engine/checks.rs insert_check target.mirrors.fetch_add", TABLE),
    ("src/engine/checks.rs insert_check cell.position.fetch_max", STAMPED),
    ("src/engine/deregistering.rs bury target.mirrors.fetch_sub", TABLE),
    ("src/engine/mod.rs check_open self.closed.load", CLOSING),
    ("src/engine/mod.rs close self.closed.swap", CLOSING),
    ("src/ffi/handles.rs slot self.chunks.get(slotasusize/CHUNK)?.load", HANDLES),
    ("src/ffi/handles.rs take_slot chunk.load", HANDLES),
    ("src/ffi/handles.rs take_slot chunk.store", HANDLES),
    ("src/subscribe/delivery.rs close self.closed.store", CONSUMER),
    ("src/subscribe/delivery.rs check_open self.closed.load", CONSUMER),
    ("src/subscribe/delivery.rs wait self.closed.load", CONSUMER),
    ("src/subscribe/delivery.rs drop core.closed.load", CONSUMER),
    ("src/subscribe/dirty.rs disarm self.top.fetch_and", CONSUMER),
    ("src/subscribe/resume.rs is_changed summary.cell().position.load", STAMPED),
    ("src/summary/mod.rs stamp self.place.cell.position.fetch_max", STAMPED),
    ("src/summary/list.rs clear 0..self.len.load", CLOSING),
    ("src/writer/tally.rs count self.count.fetch_add", COUNTED),
    ("src/writer/tally.rs read self.count.load", COUNTED),
    ("src/sync/program.rs current self.0.load", FUTEX),
    ("src/sync/program.rs notify self.0.fetch_add", FUTEX),
];
