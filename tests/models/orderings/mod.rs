//! Is each ordering needed? Every one in the protocols is made weaker, one at a time, and the models that touch it must fail by a claim.
//!
//! What no claim notices stands in [`survivors`] with the reason; a weaker ordering that survives and is not listed there fails the run, and
//! so does an entry that is killed by now or whose place is gone. Only what was explored to the end has survived, and only a claim kills, or
//! a race that loom finds where the list says so: a run that meets its cap, or another panic, fails too. Each runs at two preemptions and in both roles; where that is not enough for loom to
//! find the order, the list names a model and how deep to look. If `Relaxed` survives, what lies between is not tried: it allows less.
//!
//! `LIFESIGN_ORDERINGS=all` runs all of them; `deep` adds three preemptions and stepped atomics (see [`crate::sync::watched`]), as far as the
//! cap lets them, for those that survive two; any other value runs those with this text in their name. Without it a fixed share is run. The
//! list is compared with the source in any case.

mod source;
mod survivors;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::evidence;
use super::{Death, Model, ONE_AT_A_TIME, ROLES, all, explore_once, silently};
use crate::sync::watched::{self, Access, Ordering, Site, Weaker};
use source::Call;
use survivors::{SURVIVORS, Survivor, UNEXPLORED, Verdict};

/// A weaker run ends when a claim fails; one that is lost in a loop must not hold up the others.
const CAP: Duration = Duration::from_secs(60);
/// One of so many places is run by default.
const SHARE: u64 = 6;

/// A call in the source, what it asks for, and the models that come by it.
struct Explorable {
    call: Call,
    site: Site,
    access: Access,
    models: Vec<&'static Model>,
}

/// How a weaker ordering fared.
enum Outcome {
    Killed {
        by: String,
        claim: String,
    },
    /// By loom itself.
    Raced {
        by: String,
    },
    Survived,
    /// It shows nothing, for this reason.
    Open(String),
}

fn weaker(access: &Access) -> Vec<Vec<Weaker>> {
    // Of each group, what follows the first is tried only if the first is killed.
    let mut groups = vec![match access.order {
        Ordering::AcqRel => {
            [Ordering::Relaxed, Ordering::Acquire, Ordering::Release].map(Weaker::Order).to_vec()
        }
        Ordering::Acquire | Ordering::Release => vec![Weaker::Order(Ordering::Relaxed)],
        Ordering::Relaxed => vec![],
        other => panic!("{other:?} in a protocol: loom takes its accesses for AcqRel"),
    }];
    if access.failure == Some(Ordering::Acquire) {
        groups.push(vec![Weaker::Failure(Ordering::Relaxed)]);
    }
    if access.idle && access.order != Ordering::Relaxed {
        groups.push(vec![Weaker::Load]);
    }
    groups
}

fn describe(access: &Access, weaker: Weaker) -> String {
    match weaker {
        Weaker::Order(order) => format!("{:?} to {order:?}", access.order),
        Weaker::Failure(order) => format!("failure {:?} to {order:?}", access.failure.unwrap()),
        Weaker::Load => "read-modify-write to load".to_owned(),
    }
}

/// What each model comes by, with the cheapest models first.
fn explorable(calls: &[Call], problems: &mut Vec<String>) -> Vec<Explorable> {
    let mut places: HashMap<(String, u32, u32), &Call> = HashMap::new();
    for call in calls {
        places.insert((call.file.clone(), call.line, call.column), call);
    }
    let mut models: Vec<(usize, &'static Model, BTreeMap<Site, Access>)> = Vec::new();
    for model in all() {
        let mut executions = 0;
        let record = watched::record(|| {
            for roles in ROLES {
                let explored = explore_once(model, roles, 1, false, CAP);
                executions += explored.executions;
                if let Some(panic) = explored.panic {
                    std::panic::resume_unwind(panic);
                }
            }
        });
        models.push((executions, model, record));
    }
    models.sort_by_key(|(executions, ..)| *executions);
    let mut found: BTreeMap<Site, Explorable> = BTreeMap::new();
    for (_, model, record) in &models {
        for (site, access) in record {
            if weaker(access).iter().all(Vec::is_empty) {
                continue;
            }
            let Some(call) = places.get(&(site.file().to_owned(), site.line(), site.column())) else {
                if site.file().starts_with("src/") {
                    problems.push(format!("{site}: an access that was not found in the source"));
                }
                continue;
            };
            let new = || Explorable { call: (*call).clone(), site: *site, access: *access, models: vec![] };
            let entry = found.entry(*site).or_insert_with(new);
            entry.access.idle &= access.idle;
            entry.models.push(model);
        }
    }
    found.into_values().collect()
}

/// Explores the models, in both roles: until a claim fails, or all to the end.
fn explore(
    place: &Explorable,
    weaker: Weaker,
    models: &[&Model],
    bound: usize,
    stepped: bool,
) -> (Outcome, usize) {
    let (mut executions, mut open) = (0, None);
    for model in models {
        for roles in ROLES {
            watched::weaken(Some((place.site, weaker)));
            let explored = explore_once(model, roles, bound, stepped, CAP);
            watched::weaken(None);
            executions += explored.executions;
            let stepped = if stepped { ", stepped" } else { "" };
            let by = format!("{} ({roles:?}, bound {bound}{stepped})", model.name);
            match explored.death() {
                Some(Death::Claim(claim)) => return (Outcome::Killed { by, claim }, executions),
                Some(Death::Race(_)) => return (Outcome::Raced { by }, executions),
                Some(Death::Stray(text)) => {
                    return (Outcome::Open(format!("{by} died of {text:?}, which is no claim")), executions);
                }
                None if !explored.exhausted => {
                    open = Some(format!("{by} was not exhausted within {} s", CAP.as_secs()));
                }
                None => {}
            }
        }
    }
    (open.map_or(Outcome::Survived, Outcome::Open), executions)
}

/// Two preemptions in all models that come by the place, or what the list says; if it is asked for, all models at three and stepped too.
fn try_weaker(place: &Explorable, weaker: Weaker, deep: bool) -> (Outcome, usize) {
    if let Some(Verdict::Deeper { model, bound, stepped }) =
        listed(place, weaker).map(|listed| &listed.verdict)
    {
        let models: Vec<_> = place.models.iter().copied().filter(|known| known.name == *model).collect();
        return explore(place, weaker, &models, *bound, *stepped);
    }
    let (usual, mut executions) = explore(place, weaker, &place.models, 2, false);
    if matches!(usual, Outcome::Survived) && deep {
        for (bound, stepped) in [(3, false), (2, true)] {
            let (outcome, more) = explore(place, weaker, &place.models, bound, stepped);
            executions += more;
            // The cap may end these; what they look for is a claim that fails.
            if matches!(outcome, Outcome::Killed { .. }) {
                return (outcome, executions);
            }
        }
    }
    (usual, executions)
}

fn listed(place: &Explorable, weaker: Weaker) -> Option<&'static Survivor> {
    let (name, weaker) = (place.call.to_string(), describe(&place.access, weaker));
    SURVIVORS.iter().find(|survivor| survivor.place == name && survivor.weaker == weaker)
}

/// Whether the place belongs to the share that is run by default: a hash of its name (FNV-1a), so that the share stays the same.
fn is_in_share(call: &Call) -> bool {
    let hash = call.to_string().bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    hash % SHARE == 0
}

fn compare_lists(calls: &[Call], explorable: &[Explorable], problems: &mut Vec<String>) {
    let explored: BTreeSet<String> = explorable.iter().map(|place| place.call.to_string()).collect();
    let unexplored: BTreeSet<&str> = UNEXPLORED.iter().map(|(place, _)| *place).collect();
    for call in calls.iter().map(Call::to_string) {
        match (explored.contains(&call), unexplored.contains(&*call)) {
            (true, true) => problems.push(format!("{call}: listed as unexplored, but a model comes by it")),
            (false, false) => problems.push(format!("{call}: no model comes by it, and no reason is listed")),
            _ => {}
        }
    }
    let known: BTreeSet<String> = calls.iter().map(Call::to_string).collect();
    for place in unexplored.iter().filter(|place| !known.contains(**place)) {
        problems.push(format!("{place}: listed as unexplored, but not in the source"));
    }
    for survivor in SURVIVORS {
        let place = explorable.iter().find(|place| place.call.to_string() == survivor.place);
        let known = place.is_some_and(|place| {
            weaker(&place.access)
                .concat()
                .iter()
                .any(|weaker| describe(&place.access, *weaker) == survivor.weaker)
        });
        if !known {
            problems.push(format!(
                "{}, {}: listed as a survivor, but there is no such",
                survivor.place, survivor.weaker
            ));
        }
    }
}

/// Tries one place, and compares what is found with the list.
fn try_place(place: &Explorable, deep: bool, problems: &Mutex<Vec<String>>) -> [usize; 3] {
    let mut counts = [0; 3];
    let problem = |text| problems.lock().unwrap().push(text);
    for group in weaker(&place.access) {
        // Of what is ever stronger the first that survives is the last to be tried.
        for weaker in group {
            let started = Instant::now();
            let (outcome, executions) = try_weaker(place, weaker, deep);
            let seconds = started.elapsed().as_secs_f64();
            let survived = matches!(outcome, Outcome::Survived);
            let name = format!("{}, {}", place.call, describe(&place.access, weaker));
            let result = match (outcome, listed(place, weaker).map(|listed| &listed.verdict)) {
                (Outcome::Killed { by, claim }, None | Some(Verdict::Deeper { .. })) => {
                    counts[0] += 1;
                    format!("killed by {by}: {claim}")
                }
                (Outcome::Killed { by, claim }, Some(_)) => {
                    problem(format!("{name}: listed as a survivor, but killed by {by}: {claim}"));
                    format!("listed, but killed by {by}: {claim}")
                }
                (Outcome::Survived, Some(Verdict::Equivalent(why))) => {
                    counts[1] += 1;
                    format!("equivalent: {why}")
                }
                (Outcome::Survived, Some(Verdict::OutOfReach(why))) => {
                    counts[2] += 1;
                    format!("out of the models' reach: {why}")
                }
                (Outcome::Raced { by }, Some(Verdict::Race(what))) => {
                    counts[0] += 1;
                    format!("killed by {by}: loom: {what}")
                }
                (Outcome::Raced { by }, _) => {
                    problem(format!("{name}: loom found a race in {by}, and it is not listed as one"));
                    format!("open: loom found a race in {by}")
                }
                (Outcome::Open(why), _) => {
                    problem(format!("{name}: {why}"));
                    format!("open: {why}")
                }
                (Outcome::Survived, None | Some(Verdict::Deeper { .. } | Verdict::Race(_))) => {
                    let models: Vec<_> = place.models.iter().map(|model| model.name).collect();
                    problem(format!(
                        "{name}: survived {} and is not listed as a survivor",
                        models.join(", ")
                    ));
                    "survived, not listed".to_owned()
                }
            };
            println!("ordering {name}: {result}");
            evidence::append("ordering", &name, executions as u64, seconds, &result);
            if survived {
                break;
            }
        }
    }
    counts
}

/// Tries the places on all processors: what is chosen for a run is chosen for its thread.
fn try_all(chosen: &[&Explorable], deep: bool, problems: &Mutex<Vec<String>>) -> [usize; 3] {
    let next = AtomicUsize::new(0);
    let counts = Mutex::new([0; 3]);
    let work = || {
        while let Some(place) = chosen.get(next.fetch_add(1, Relaxed)) {
            let tried = try_place(place, deep, problems);
            let mut counts = counts.lock().unwrap();
            *counts = [0, 1, 2].map(|at| counts[at] + tried[at]);
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    counts.into_inner().unwrap()
}

#[test]
fn every_ordering_has_a_verdict() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = std::env::var("LIFESIGN_ORDERINGS").ok();
    let deep = wanted.as_deref() == Some("deep");
    let is_wanted = |call: &Call| match wanted.as_deref() {
        None => is_in_share(call),
        Some("all" | "deep") => true,
        Some(part) => call.to_string().contains(part),
    };
    let mut problems = Vec::new();
    let calls = source::calls();
    let places = explorable(&calls, &mut problems);
    compare_lists(&calls, &places, &mut problems);
    let chosen: Vec<_> = places.iter().filter(|place| is_wanted(&place.call)).collect();
    let problems = Mutex::new(problems);
    let [killed, equivalent, out_of_reach] = silently(|| try_all(&chosen, deep, &problems));
    for (place, why) in UNEXPLORED {
        println!("ordering {place}: no model comes by: {why}");
        evidence::append("unexplored", place, 0, 0.0, why);
    }
    println!(
        "orderings: {} of {} places tried; killed {killed}, equivalent {equivalent}, out of the models' reach {out_of_reach}; {} places that no model comes by",
        chosen.len(),
        places.len(),
        UNEXPLORED.len()
    );
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
