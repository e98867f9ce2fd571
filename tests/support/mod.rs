//! What the integration tests share: an engine with a few things in it, and how to look at what comes out.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::fmt::Debug;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use lifesign::{
    Check, CheckSpec, Config, Engine, Error, ErrorKind, Event, Limits, Service, ServiceSpec, Snapshot,
    Subscription, Token,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

#[cfg(feature = "mutants")]
pub mod breaks;
pub mod child;
pub mod clock;
pub mod disk;
pub mod every_call;
pub mod evidence;
#[cfg(not(any(loom, shuttle)))]
pub mod overlap;
#[cfg(feature = "failpoints")]
pub mod parked;
pub mod random;

/// How long a test waits for what must come before it fails: far longer than anything takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An engine with the defaults.
pub fn engine() -> Engine {
    Engine::open(Config::default()).expect("an engine opens")
}

/// An engine with these bounds.
pub fn limited(limits: Limits) -> Engine {
    Engine::open(Config { limits, ..Config::default() }).expect("an engine opens")
}

/// A service of this id.
pub fn service(engine: &Engine, id: &str) -> Service {
    engine.register_service(&ServiceSpec::new(id)).expect("a service registers")
}

/// A direct check that starts as `passing`.
pub fn check(engine: &Engine, id: &str, service: Option<&Service>) -> Check {
    engine
        .register_check(&CheckSpec::new(id).initial(lifesign::Status::Passing), service)
        .expect("a check registers")
}

/// A check of the node that starts as `passing`, and the token of its writer.
pub fn token(engine: &Engine, id: &str) -> Token {
    engine.acquire(&check(engine, id, None), "U").expect("nobody holds a new check")
}

/// An alias of the service `target`.
pub fn alias(engine: &Engine, id: &str, service: Option<&Service>, target: &str) -> Check {
    engine.register_check(&CheckSpec::alias(id, target), service).expect("an alias registers")
}

/// Who was refused at the check and how often, the heaviest first; 0 stands for all the others together.
pub fn refusals(engine: &Engine, check: &Check) -> Vec<(u32, u64)> {
    let writers = engine.writers(check).expect("a living check");
    let mut refused: Vec<_> = writers
        .iter()
        .filter(|writer| writer.refused > 0)
        .map(|writer| (writer.record.as_ref().map_or(0, |record| record.id), writer.refused))
        .collect();
    refused.sort_by_key(|(record, count)| (*record == 0, std::cmp::Reverse(*count)));
    refused
}

/// What a call was refused with.
pub fn kind<T: Debug>(result: Result<T, Error>) -> ErrorKind {
    result.expect_err("the call is refused").kind()
}

/// Everything that is pending.
pub fn drain(subscription: &Subscription) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let batch = subscription.poll(usize::MAX).expect("a poll of one's own subscription");
        events.extend(batch.events);
        if !batch.more {
            return events;
        }
    }
}

/// The snapshots of state events, with their ids.
pub fn states(events: &[Event]) -> Vec<(String, Arc<Snapshot>)> {
    let state = |event: &Event| match event {
        Event::State { snapshot, .. } => Some((snapshot.id().to_owned(), snapshot.clone())),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

/// The ids of state events, sorted.
pub fn ids(events: &[Event]) -> Vec<String> {
    let mut ids: Vec<_> = states(events).into_iter().map(|(id, _)| id).collect();
    ids.sort();
    ids
}

/// Whether the descriptor is readable at this moment.
pub fn is_readable(descriptor: i32) -> bool {
    wait_readable(descriptor, Duration::ZERO)
}

/// Whether the descriptor is readable, or becomes so in time.
pub fn wait_readable(descriptor: i32, timeout: Duration) -> bool {
    // SAFETY: the caller's subscription is alive and owns the descriptor.
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let timeout = Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() };
    poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&timeout)).expect("poll works") == 1
}

/// What the kernel says of this process under a name like `VmRSS:`, in kilobytes.
pub fn kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel says it");
    line.trim().trim_end_matches(" kB").parse().expect("a number of kilobytes")
}

/// The number of the cell that a check lives in.
pub fn slot(check: &Check) -> u32 {
    let text = format!("{check:?}");
    let digits = text.split_once("slot ").and_then(|(_, rest)| rest.split_once(','));
    digits.expect("a check shows its slot").0.parse().expect("a slot is a number")
}
