//! Resident memory: the difference between before and after.

use lifesign::{CheckSpec, SubscriptionFilter};

use crate::common::lines::Lines;
use crate::world::{TO_A_SERVICE, aliases, checks, engine, services, write_once};

/// Of this process, in bytes.
fn resident() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").expect("the kernel tells");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).expect("it tells what is resident");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kilobytes") * 1024
}

/// Bytes for one of `count` things that `make` makes.
fn each<T>(count: usize, make: impl FnOnce() -> T) -> (T, f64) {
    let before = resident();
    let made = make();
    (made, resident().saturating_sub(before) as f64 / count as f64)
}

pub fn measure(size: usize, lines: &mut Lines) {
    // The first of everything maps pages that the rest shares.
    let first = engine();
    drop(write_once(&first, 0, &checks(&first, &services(&first, 1), 0..1)[0]));
    let engine = engine();
    let count = size.div_ceil(TO_A_SERVICE);
    let mut report = |row: &str, bytes| lines.add(&format!("{row}/lifesign/{size}"), bytes, "bytes");

    let (homes, bytes) = each(count, || services(&engine, size));
    report("memory-service", bytes);
    let (checks, bytes) = each(size, || {
        let mut made = Vec::with_capacity(size);
        for number in 0..size {
            let check = checks(&engine, &homes, number..number + 1)[0];
            write_once(&engine, number, &check).close().expect("an open token");
            made.push(check);
        }
        made
    });
    // The handles are the bench's own, and not small beside what they stand for.
    report("memory", bytes - size_of_val(&checks[0]) as f64);
    let (tokens, bytes) = each(size, || {
        let acquire = |check| engine.acquire(check, "the bench").expect("nobody holds the check");
        checks.iter().map(acquire).collect::<Vec<_>>()
    });
    report("memory-token", bytes);
    let specs = aliases(count);
    let (aliases, bytes) = each(count, || {
        let register = |(spec, home): &(CheckSpec, usize)| {
            engine.register_check(spec, Some(&homes[*home])).expect("an alias registers")
        };
        specs.iter().map(register).collect::<Vec<_>>()
    });
    report("memory-alias", bytes);
    let (subscriptions, bytes) = each(size / 100, || {
        let subscribe = |check| engine.subscribe(&SubscriptionFilter::check(check)).expect("it subscribes");
        checks.iter().step_by(100).map(subscribe).collect::<Vec<_>>()
    });
    report("memory-subscription", bytes);

    let stats = engine.stats().expect("an open engine");
    assert_eq!(stats.checks as usize, size + count, "everything that was measured is there");
    assert!(aliases.iter().all(|alias| alias.status() == checks[0].status()));
    drop((tokens, subscriptions));
}
