//! One whole state of a service: its checks and its summary as of one (version, epoch).
//!
//! # Method
//!
//! A double collect (Y. Afek et al., *Atomic snapshots of shared memory*, J. ACM 1993): gather the snapshots of everything the summary
//! derives from, then gather again; if nothing differs, all of it stood together in between. The text of an alias must not run ahead of its
//! status, so between the two the reader helps as a writer would: where a word is behind its snapshot or its propagation is not known to be
//! complete, it raises the words and refreshes the summaries on the way. Where everything is settled it changes nothing.
//!
//! It starts again when a commit or a registration among the inputs falls into the interval: lock-free for everybody else, blocking for the
//! reader in the worst case. O(checks in the service and below it).

use std::sync::Arc;

use crate::cell::word::flag;
use crate::model::event::SummaryState;
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::model::text::cut;
use crate::mutant::mutated;
use crate::summary::word::SummaryWord;
use crate::summary::{Bound, Service, Summary};
use crate::sync::InFlight;
use crate::writer::lease::Lease;
use crate::writer::record;

/// A check of the service with its state.
pub struct Seen {
    /// Where it lives.
    pub bound: Bound,
    /// Its state; an alias's is derived from the same collect.
    pub snapshot: Arc<Snapshot>,
}

/// A service as of one (version, epoch).
pub struct View {
    /// The summary.
    pub state: SummaryState,
    /// The registered service.
    pub service: Option<Arc<Service>>,
    /// Its checks and aliases, by id; bystanders in the whole alone.
    pub checks: Vec<Seen>,
    /// Whether the word said what its inputs say. Anything else is a bug that [`crate::Engine::audit`] repairs.
    pub consistent: bool,
    /// How many commits of others were found that were not propagated, and propagated here.
    pub helped: u64,
    /// The word the collect was validated against.
    pub(crate) word: SummaryWord,
}

/// One summary and what is bound to it, gathered but not validated.
struct Level {
    summary: Arc<Summary>,
    sequence: u64,
    changes: u64,
    word: SummaryWord,
    service: Option<Arc<Service>>,
    checks: Vec<Seen>,
    retired: u64,
}

/// What decides: the root check, or an alias whose target is missing.
#[derive(Clone)]
struct Cause {
    status: Status,
    id: Arc<str>,
    text: Arc<str>,
    missing: bool,
}

/// What a validated level comes to.
struct Sum {
    own: Status,
    shown: Status,
    registered: bool,
    cause: Option<Cause>,
    any: bool,
    epoch: u64,
    revision: u64,
    time: i64,
    since: i64,
}

/// How much of what is bound to a summary is gathered; of the ones below it, what counts.
#[derive(Clone, Copy)]
pub enum Extent {
    /// What counts: all that a text is made of.
    Counting,
    /// Everything: the bystanders too.
    Whole,
}

/// Gathers `summary` and everything below it, inputs first. Waits while a registration is changing one of the tables.
fn gather(summary: &Arc<Summary>, extent: Extent, levels: &mut Vec<Level>) {
    if levels.iter().any(|level| Arc::ptr_eq(&level.summary, summary)) {
        return;
    }
    if let Some(node) = summary.node() {
        gather(node, Extent::Counting, levels);
    }
    let (sequence, service, bound, targets, retired) = {
        let table = summary.table.lock();
        let targets: Vec<_> = table.targets.iter().map(|target| target.summary.clone()).collect();
        let bound = match extent {
            Extent::Counting if !mutated!("text-of-bystanders") => table.checks.clone(),
            _ => table.bound(),
        };
        (table.changes, table.service.clone(), bound, targets, table.retired)
    };
    for target in &targets {
        gather(target, Extent::Counting, levels);
    }
    let checks = bound.into_iter().filter_map(|bound| {
        let snapshot = bound.place.cell.snapshot.load()?;
        (snapshot.life == bound.life && !snapshot.gone).then_some(Seen { bound, snapshot })
    });
    let checks = checks.collect();
    levels.push(Level {
        summary: summary.clone(),
        sequence,
        // Before the word: if the word was the same in an earlier gather, this is its count.
        changes: summary.changes(),
        word: summary.word_ordered(),
        service,
        checks,
        retired,
    });
}

fn same(one: &[Level], other: &[Level]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| {
            Arc::ptr_eq(&one.summary, &other.summary)
                && one.sequence == other.sequence
                && one.word.version() == other.word.version()
                && one.word.shown() == other.word.shown()
                && one.checks.len() == other.checks.len()
                && one
                    .checks
                    .iter()
                    .zip(&other.checks)
                    .all(|(one, other)| Arc::ptr_eq(&one.snapshot, &other.snapshot))
        })
}

/// Helps wherever a commit may not have been propagated; the levels come inputs first. Returns how many such commits there were.
fn help(levels: &[Level]) -> u64 {
    let mut behind = 0;
    for level in levels {
        let unsettled = |seen: &&Seen| {
            let (word, committed) = (seen.bound.place.cell.status().load(), seen.snapshot.word());
            word < committed || (word == committed && !word.has(flag::SETTLED))
        };
        behind += level.checks.iter().filter(unsettled).count() as u64;
        if behind > 0 {
            level.summary.help(level.checks.iter().map(|seen| (seen.bound.place.cell, &*seen.snapshot)));
        }
    }
    behind
}

fn sum(level: &Level, below: &[(Level, Sum)], max_output: usize) -> Sum {
    let find = |summary: &Arc<Summary>| {
        below.iter().find(|(level, _)| Arc::ptr_eq(&level.summary, summary)).map(|(_, sum)| sum)
    };
    let node = level.summary.node().and_then(find);
    let mut sum = Sum {
        own: Status::Passing,
        shown: Status::Passing,
        registered: level.service.is_some() || level.summary.node().is_none(),
        cause: None,
        any: node.is_some_and(|node| node.any),
        epoch: level.retired + node.map_or(0, |node| node.epoch),
        revision: level
            .service
            .as_ref()
            .map_or(0, |service| service.incarnation)
            .max(node.map_or(0, |node| node.revision)),
        time: node.map_or(0, |node| node.time),
        since: 0,
    };
    let mut sinces = Vec::new();
    if let Some(node) = node {
        sum.cause.clone_from(&node.cause);
        sinces.push((node.shown, node.since));
    }
    let mut counted = Vec::new();
    for seen in &level.checks {
        let snapshot = &seen.snapshot;
        let definition = &snapshot.definition;
        let (status, cause) = match &definition.target {
            // A bystander, in the whole of the node.
            Some(_) if !level.summary.counts_aliases() => continue,
            None => {
                sum.epoch += snapshot.version;
                sum.revision = sum.revision.max(snapshot.revision);
                sum.time = sum.time.max(snapshot.time);
                sinces.push((snapshot.status, snapshot.since));
                let cause = (snapshot.status > Status::Passing).then(|| Cause {
                    status: snapshot.status,
                    id: definition.id.clone(),
                    text: (&*snapshot.output).into(),
                    missing: false,
                });
                (snapshot.status, cause)
            }
            Some(target) => {
                let Some(below) = find(target) else { continue };
                if !counted.contains(&target.slot()) {
                    counted.push(target.slot());
                    sum.epoch += below.epoch;
                }
                sum.revision = sum.revision.max(below.revision).max(snapshot.revision);
                sum.time = sum.time.max(below.time).max(snapshot.time);
                sinces.push((below.shown, below.since));
                let missing = Cause {
                    status: Status::Critical,
                    id: definition.id.clone(),
                    text: missing_text(target, max_output),
                    missing: true,
                };
                (below.shown, if below.registered { below.cause.clone() } else { Some(missing) })
            }
        };
        sum.any = true;
        sum.own = sum.own.max(status);
        if let Some(cause) = cause.filter(|cause| cause.status > Status::Passing) {
            let heavier = |present: &Cause| (cause.status, &present.id) > (present.status, &cause.id);
            if sum.cause.as_ref().is_none_or(heavier) {
                sum.cause = Some(cause);
            }
        }
    }
    sum.shown = if sum.registered {
        sum.own.max(node.map_or(Status::Passing, |node| node.shown))
    } else {
        Status::Critical
    };
    // Bad since the first of those that are bad; good since the last of all became so.
    sum.since = if sum.shown == Status::Passing {
        sinces.iter().map(|(_, since)| *since).max().unwrap_or(0)
    } else {
        sinces.iter().filter(|(status, _)| *status == sum.shown).map(|(_, since)| *since).min().unwrap_or(0)
    };
    sum
}

fn missing_text(target: &Summary, max_output: usize) -> Arc<str> {
    cut(format!("Service {:?} is not registered.", &**target.id()), max_output)
}

fn text(summary: &Summary, sum: &Sum, max_output: usize) -> Arc<str> {
    match &sum.cause {
        _ if !sum.registered => missing_text(summary, max_output),
        _ if !sum.any => "No checks found.".into(),
        Some(cause) if cause.missing => cut(format!("Alias {:?}: {}", &*cause.id, cause.text), max_output),
        Some(cause) if cause.text.is_empty() => {
            cut(format!("Check {:?} is {}.", &*cause.id, cause.status), max_output)
        }
        Some(cause) => cut(format!("Check {:?} is {}: {}", &*cause.id, cause.status, cause.text), max_output),
        None => "All checks passing.".into(),
    }
}

/// How often a word that disagrees with its inputs is read again before it is believed to be wrong.
const DOUBTS: u32 = 64;

/// Collects `summary` as of one (version, epoch). See the module's text. When the engine is closed meanwhile the words end under the reader's eyes:
/// callers look whether it is open *after* this.
pub fn collect(summary: &Arc<Summary>, extent: Extent, max_output: usize) -> View {
    let (mut doubts, mut helped) = (0, 0);
    loop {
        let mut first = Vec::new();
        gather(summary, extent, &mut first);
        helped += help(&first);
        // Help may have moved the words since the first look, so what counts is the second and the third.
        let mut second = Vec::new();
        gather(summary, extent, &mut second);
        let mut levels = Vec::new();
        gather(summary, extent, &mut levels);
        if !same(&second, &levels) || is_behind(&levels) {
            crate::sync::yield_now();
            continue;
        }
        let below = summed(levels, max_output);
        let is_consistent = |(level, sum): &(Level, Sum)| {
            let word = level.word;
            (sum.shown, sum.own, sum.registered) == (word.shown(), word.own(), word.is_registered())
        };
        if !below.iter().all(is_consistent) && doubts < DOUBTS {
            doubts += 1;
            crate::sync::yield_now();
            continue;
        }
        let consistent = below.last().is_some_and(is_consistent);
        return view(below, consistent, helped, max_output);
    }
}

/// At least every epoch of `summary` that anybody was ever shown: each term of the sum rises, so one look at each of them will do. The caller holds
/// the registration lock, so that nothing is entered or taken out meanwhile.
pub fn epoch(summary: &Arc<Summary>) -> u64 {
    let mut levels = Vec::new();
    gather(summary, Extent::Counting, &mut levels);
    summed(levels, 0).last().map_or(0, |(_, sum)| sum.epoch)
}

/// What each level comes to, inputs first.
fn summed(levels: Vec<Level>, max_output: usize) -> Vec<(Level, Sum)> {
    let mut below: Vec<(Level, Sum)> = Vec::with_capacity(levels.len());
    for level in levels {
        let sum = sum(&level, &below, max_output);
        below.push((level, sum));
    }
    below
}

/// Whether a commit may be among these that is not propagated: then the words may not cover it yet.
fn is_behind(levels: &[Level]) -> bool {
    let mut checks = levels.iter().flat_map(|level| &level.checks);
    checks.any(|seen| seen.bound.place.cell.status().load() < seen.snapshot.word())
}

fn view(mut below: Vec<(Level, Sum)>, consistent: bool, helped: u64, max_output: usize) -> View {
    let (level, sum) = below.pop().expect("the summary itself was gathered");
    let state = state_of(&level, &sum, max_output);
    let mut checks: Vec<Seen> = level
        .checks
        .into_iter()
        .map(|seen| match &seen.snapshot.definition.target {
            None => seen,
            Some(target) => {
                let Some((level, sum)) = below.iter().find(|(level, _)| Arc::ptr_eq(&level.summary, target))
                else {
                    return seen;
                };
                let state = state_of(level, sum, max_output);
                Seen { snapshot: Arc::new(derive(&seen.snapshot, &state)), ..seen }
            }
        })
        .collect();
    checks.sort_by(|one, other| one.snapshot.id().cmp(other.snapshot.id()));
    View { state, service: level.service, checks, consistent, helped, word: level.word }
}

fn state_of(level: &Level, sum: &Sum, max_output: usize) -> SummaryState {
    SummaryState {
        id: level.summary.id().clone(),
        registered: sum.registered,
        status: level.word.shown(),
        own: level.word.own(),
        output: text(&level.summary, sum, max_output),
        version: level.word.version(),
        epoch: sum.epoch,
        transitions: level.changes,
        revision: sum.revision,
        time: sum.time,
        since: sum.since,
    }
}

/// The snapshot of `alias` while its target shows `state`.
fn derive(alias: &Snapshot, state: &SummaryState) -> Snapshot {
    Snapshot {
        definition: alias.definition.clone(),
        output: (&*state.output).into(),
        incarnation: alias.incarnation,
        version: state.version,
        transitions: state.transitions,
        revision: state.revision.max(alias.revision),
        epoch: state.epoch,
        time: state.time.max(alias.time),
        since: if state.since == 0 { alias.since } else { state.since },
        held_since: alias.held_since,
        generation: alias.generation,
        writer: record::ENGINE,
        holder: record::ENGINE,
        lease: Lease::NONE,
        life: alias.life,
        status: state.status,
        from: state.status,
        worst: alias.worst,
        flags: alias.flags,
        gone: alias.gone,
        in_flight: InFlight::new(),
    }
}

impl View {
    /// The snapshot of `alias`, whose target this is a view of.
    pub fn derive(&self, alias: &Snapshot) -> Snapshot {
        derive(alias, &self.state)
    }
}
