//! One engine with a thousand to a million checks, a tenth as many services and aliases, a hundredth as many subscriptions: what each costs in
//! memory and time, and what reads notice of the others.
//!
//! Each part runs in a process of its own, because memory that was given back once is no measure of the next. `--quick` leaves out the million.

mod common;
#[path = "scale/growth.rs"]
mod growth;
#[path = "scale/memory.rs"]
mod memory;
#[path = "scale/tails.rs"]
mod tails;
#[path = "scale/world.rs"]
mod world;

use std::process::Command;

use common::lines::Lines;

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [part, name, size] = &arguments[..]
        && part == "--part"
    {
        let (size, mut lines) = (size.parse().expect("a number of checks"), Lines::open("scale"));
        return match name.as_str() {
            "memory" => memory::measure(size, &mut lines),
            "growth" => growth::measure(size, &mut lines),
            "prefixes" => growth::prefixes(size, &mut lines),
            "node" => growth::node_aliases(size, &mut lines),
            _ => tails::measure(size, &mut lines),
        };
    }
    let largest = if arguments.iter().any(|argument| argument == "--quick") { 100_000 } else { 1_000_000 };
    for size in SIZES.into_iter().filter(|size| *size <= largest) {
        run("memory", size);
        run("growth", size);
    }
    run("node", 100);
    run("node", 1_000);
    run("prefixes", 10_000);
    run("tails", 100_000);
}

fn run(part: &str, size: usize) {
    let program = std::env::current_exe().expect("this program has a path");
    let child = Command::new(program).args(["--part", part, &size.to_string()]).status();
    assert!(child.expect("it starts").success(), "{part} {size} failed");
}
