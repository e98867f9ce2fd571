//! How often each call on the hot paths allocates. The counts are exact, so they are asserted where something is promised.

mod common;

use std::hint::black_box;

use common::counting::{Counting, allocations};
use common::lines::Lines;
use common::world::{DOWN, Flipper, UP, alias, engine};
use lifesign::{Status, SubscriptionFilter};

#[global_allocator]
static COUNTING: Counting = Counting;

/// So many calls are counted, to show what happens only now and then.
const CALLS: u64 = 1_000;

fn main() {
    let engine = engine();
    let mut writer = Flipper::alone(&engine, "web");
    let check = writer.token.check();
    let mirror = alias(&engine, "mirror", None, "web");
    // What is made once, when a thread or a check is used for the first time, is no cost of a call.
    writer.flip();
    let _subscription = engine.subscribe(&SubscriptionFilter::check(&check)).expect("it subscribes");

    let mut lines = Lines::open("allocations");
    let mut report = |row: &str, call: &mut dyn FnMut()| {
        call();
        let counted = allocations(|| (0..CALLS).for_each(|_| call()));
        lines.add(&format!("{row}-allocations/lifesign"), counted as f64 / CALLS as f64, "allocs");
        counted
    };
    assert_eq!(report("status", &mut || _ = black_box((check.status(), mirror.status()))), 0);
    assert_eq!(report("lookup", &mut || _ = black_box(engine.check("web"))), 0);
    assert_eq!(report("snapshot", &mut || _ = black_box(engine.snapshot(&check))), 0);
    report("flip", &mut || writer.flip());
    let heartbeat = || writer.token.write(Status::Passing, UP).expect("the holder writes");
    assert_eq!(report("heartbeat", &mut || heartbeat()), 0, "a heartbeat does not allocate");
    let successor = engine.take_over(&check, writer.token.generation(), "the successor");
    let successor = successor.expect("the holder it has seen");
    report("refused", &mut || drop(writer.token.write(Status::Critical, DOWN).expect_err("a stale token")));
    assert_eq!(successor.check(), check);
}
