//! The results that go into the table of evidence: a line each in the file that `LIFESIGN_EVIDENCE` names.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Appends a line: what kind of evidence, of what, how much of it, how long it took and what came of it.
pub fn append(kind: &str, name: &str, count: u64, seconds: f64, result: &str) {
    let Some(path) = std::env::var_os("LIFESIGN_EVIDENCE") else { return };
    let line = format!("{kind}\t{name}\t{count}\t{seconds:.1}\t{result}\n");
    let file = File::options().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .unwrap_or_else(|error| panic!("LIFESIGN_EVIDENCE {}: {error}", path.display()));
}

/// Tells how much of what was done since `begun` without a failure: prints it, and appends it.
pub fn tell(kind: &str, name: &str, count: usize, begun: Instant) {
    tell_of(kind, name, count, begun.elapsed());
}

/// The same of what took so long.
pub fn tell_of(kind: &str, name: &str, count: usize, took: Duration) {
    let seconds = took.as_secs_f64();
    println!("{kind}: {name}: {count} in {seconds:.1} s");
    append(kind, name, count as u64, seconds, "ok");
}
