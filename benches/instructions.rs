//! Instructions on the hot paths, counted by valgrind: they do not depend on what else the machine does, so what grows has grown. `instructions.py`
//! runs this, and compares with the counts of `instructions.json`.

#![allow(missing_docs, reason = "the macros make public items")]

mod common;

use std::hint::black_box;

use common::world::{DOWN, Flipper, UP, alias, check, engine, service};
use gungraun::prelude::*;
use lifesign::{Check, Engine, Status, Subscription, SubscriptionFilter, Token};

/// Each call is made so often, and the count divided: what happens only now and then has its share.
const CALLS: usize = 64;

/// Everything that a hot path touches, each part used before: what is made once is no cost of a call.
struct World {
    engine: Engine,
    direct: Check,
    mirror: Check,
    writer: Flipper,
    stale: Token,
    steady: Token,
    ids: Vec<String>,
    followed: Flipper,
    follower: Subscription,
}

fn world() -> Box<World> {
    let engine = engine();
    let crowd = service(&engine, "crowd");
    let ids: Vec<_> = (0..1_000).map(|number| format!("service:web{number:07}:http")).collect();
    ids.iter().for_each(|id| _ = check(&engine, id, Some(&crowd)));

    let first = Flipper::alone(&engine, "web").token;
    let successor = engine.take_over(&first.check(), first.generation(), "the successor");
    let mut writer = Flipper::of(successor.expect("the holder it has seen"));
    let direct = first.check();
    let mirror = alias(&engine, "mirror", None, "web");
    let steady = Flipper::alone(&engine, "steady").token;
    let mut followed = Flipper::alone(&engine, "followed");
    let follower =
        engine.subscribe(&SubscriptionFilter::check(&followed.token.check())).expect("it subscribes");

    for _ in 0..4 {
        writer.flip();
        followed.flip();
        assert_eq!(follower.poll(16).expect("an open subscription").events.len(), 1);
        steady.write(Status::Passing, UP).expect("the holder writes");
        first.write(Status::Critical, DOWN).expect_err("a stale token");
        assert_eq!((direct.status(), mirror.status()), (Some(writer.shows()), Some(writer.shows())));
        assert!(engine.snapshot(&direct).is_ok() && engine.check(&ids[7]).is_ok());
    }
    // Boxed, so that handing it on costs nothing that would be counted.
    Box::new(World { engine, direct, mirror, writer, stale: first, steady, ids, followed, follower })
}

macro_rules! hot_path {
    ($name:ident, |$parts:ident, $time:ident| $call:expr) => {
        #[library_benchmark]
        #[bench::hot(world())]
        fn $name(mut world: Box<World>) -> Box<World> {
            let $parts = &mut *world;
            for $time in 0..CALLS {
                let _ = black_box(($time, $call));
            }
            world
        }
    };
}

hot_path!(status, |world, time| black_box(&world.direct).status());
hot_path!(alias_status, |world, time| black_box(&world.mirror).status());
hot_path!(snapshot, |world, time| world.engine.snapshot(black_box(&world.direct)));
hot_path!(heartbeat, |world, time| world.steady.write(Status::Passing, black_box(UP)));
hot_path!(flip, |world, time| world.writer.flip());
hot_path!(refused, |world, time| world.stale.write(Status::Critical, black_box(DOWN)));
hot_path!(lookup, |world, time| world.engine.check(&world.ids[time * 15]));
hot_path!(flip_and_poll, |world, time| (world.followed.flip(), world.follower.poll(16)));

library_benchmark_group!(
    name = hot,
    benchmarks = [status, alias_status, snapshot, heartbeat, flip, refused, lookup, flip_and_poll]
);

main!(library_benchmark_groups = hot);
