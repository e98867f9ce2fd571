//! Aliases: several on one service, chains, loops, the node, a target that leaves and comes back; and writers that are stopped on their
//! way up, while another one returns.

use std::sync::Arc;
use std::time::Duration;

use lifesign::failpoint::Pause;
use lifesign::{Check, CheckSpec, Engine, ErrorKind, Service, Status, SubscriptionFilter, Token};

use crate::support::{alias, breaks, check, engine, parked, service};

#[test]
fn two_aliases_on_one_service_follow_together() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let (api, db) = (service(&engine, "api"), service(&engine, "db"));
    let aliases = [alias(&engine, "api:web", Some(&api), "web"), alias(&engine, "db:web", Some(&db), "web")];
    let u = engine.acquire(&check(&engine, "web:alive", Some(&web)), "U").unwrap();
    for (status, text) in [
        (Status::Critical, "Check \"web:alive\" is critical: text"),
        (Status::Passing, "All checks passing."),
        (Status::Warning, "Check \"web:alive\" is warning: text"),
    ] {
        u.write(status, "text").unwrap();
        let states = aliases.each_ref().map(|alias| engine.snapshot(alias).unwrap());
        for (alias, state) in aliases.iter().zip(&states) {
            assert_eq!((alias.status(), state.status(), state.output()), (Some(status), status, text));
        }
        assert_eq!(
            (states[0].version(), states[0].epoch()),
            (states[1].version(), states[1].epoch()),
            "both mirror one state of the target"
        );
    }
    engine.deregister_check(&aliases[0]).unwrap();
    u.write(Status::Critical, "text").unwrap();
    assert_eq!((aliases[0].status(), aliases[1].status()), (None, Some(Status::Critical)));
}

/// Services `a` ← `b` ← `c` ← `d`, each with an alias of the one before; a direct check in `a`.
struct Chain {
    engine: Engine,
    services: [Service; 4],
    checks: Vec<Arc<Token>>,
    aliases: [Check; 3],
}

/// The same with `checks` direct checks in `a`, all of them passing.
fn chain(checks: usize) -> Chain {
    let engine = engine();
    let services = ["a", "b", "c", "d"].map(|id| service(&engine, id));
    let aliases = [1, 2, 3].map(|at| {
        let (id, target) = (["a", "b", "c", "d"][at], ["a", "b", "c", "d"][at - 1]);
        alias(&engine, &format!("{id}:{target}"), Some(&services[at]), target)
    });
    let token = |at| {
        engine.acquire(&check(&engine, &format!("a:{at}"), Some(&services[0])), "U").map(Arc::new).unwrap()
    };
    let checks: Vec<_> = (0..checks).map(token).collect();
    for token in &checks {
        token.write(Status::Passing, "text").unwrap();
    }
    Chain { engine, services, checks, aliases }
}

impl Chain {
    fn statuses(&self) -> [Option<Status>; 3] {
        self.aliases.map(|alias| alias.status())
    }
}

#[test]
fn a_chain_of_three_follows_before_the_write_returns() {
    let _whole = breaks::none();
    let chain = chain(1);
    for status in [Status::Critical, Status::Warning, Status::Passing, Status::Critical] {
        chain.checks[0].write(status, "text").unwrap();
        assert_eq!(chain.statuses(), [Some(status); 3]);
        assert_eq!(chain.services.map(|service| service.status()), [Some(status); 4]);
    }
    let state = chain.engine.snapshot(&chain.aliases[2]).unwrap();
    assert_eq!(
        state.output(),
        "Check \"a:0\" is critical: text",
        "the root check is named, through all that is in between"
    );
    assert_eq!(state.revision(), chain.engine.snapshot(&chain.checks[0].check()).unwrap().revision());
    assert_eq!(chain.engine.audit().unwrap(), 0);
}

#[test]
fn a_loop_is_refused_with_its_path() {
    let _whole = breaks::none();
    let chain = chain(1);
    let before = chain.engine.stats().unwrap();
    for (id, home, target, path) in [
        ("self", 0, "a", "\"a\" -> \"a\""),
        ("short", 0, "b", "\"a\" -> \"b\" -> \"a\""),
        ("long", 0, "d", "\"a\" -> \"d\" -> \"c\" -> \"b\" -> \"a\""),
        ("middle", 1, "d", "\"b\" -> \"d\" -> \"c\" -> \"b\""),
    ] {
        let refused = chain.engine.register_check(&CheckSpec::alias(id, target), Some(&chain.services[home]));
        let refused = refused.expect_err("it would depend on itself");
        assert_eq!(refused.kind(), ErrorKind::Loop);
        assert!(refused.to_string().contains(path) && refused.to_string().contains(id), "{refused}");
    }
    assert_eq!(chain.engine.stats().unwrap(), before, "what was refused has left nothing behind");
    chain.checks[0].write(Status::Critical, "still").unwrap();
    assert_eq!(chain.statuses(), [Some(Status::Critical); 3]);
}

#[test]
fn a_loop_is_refused_in_any_order_of_registration() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    alias(&engine, "web:api", Some(&web), "api");
    let api = service(&engine, "api");
    let refused = engine.register_check(&CheckSpec::alias("api:web", "web"), Some(&api));
    assert_eq!(refused.expect_err("the other half is there").kind(), ErrorKind::Loop);
}

#[test]
fn a_node_check_counts_in_every_alias() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let own = check(&engine, "web:alive", Some(&web));
    let of_service = alias(&engine, "api:web", Some(&api), "web");
    let of_node = engine.register_check(&CheckSpec::node_alias("api:node"), Some(&api)).unwrap();
    let bound_to_node = alias(&engine, "node:web", None, "web");
    let disk = engine.acquire(&check(&engine, "disk", None), "U").unwrap();
    let aliases = [of_service, of_node, bound_to_node];
    disk.write(Status::Critical, "full").unwrap();
    for alias in &aliases {
        let state = engine.snapshot(alias).unwrap();
        assert_eq!(
            (alias.status(), state.output()),
            (Some(Status::Critical), "Check \"disk\" is critical: full")
        );
    }
    assert_eq!(engine.node_status(), Some(Status::Critical));
    assert_eq!((web.status(), own.status()), (Some(Status::Critical), Some(Status::Passing)));
    disk.write(Status::Passing, "free").unwrap();
    for alias in &aliases {
        assert_eq!(engine.snapshot(alias).unwrap().output(), "All checks passing.");
        assert_eq!(alias.status(), Some(Status::Passing));
    }
    // Aliases bound to the node count toward no alias.
    let u = engine.acquire(&own, "U").unwrap();
    u.write(Status::Critical, "down").unwrap();
    assert_eq!(
        (bound_to_node.status(), of_service.status()),
        (Some(Status::Critical), Some(Status::Critical))
    );
    assert_eq!((of_node.status(), engine.node_status()), (Some(Status::Passing), Some(Status::Passing)));
}

#[test]
fn a_target_that_leaves_is_critical_until_it_comes_back() {
    let _whole = breaks::none();
    let engine = engine();
    let api = service(&engine, "api");
    let mirror = alias(&engine, "api:web", Some(&api), "web");
    let above = alias(&engine, "sidecar", None, "api");
    for life in 0..3 {
        let state = engine.snapshot(&mirror).unwrap();
        assert_eq!(
            (mirror.status(), state.output()),
            (Some(Status::Critical), "Service \"web\" is not registered.")
        );
        assert_eq!(above.status(), Some(Status::Critical));
        assert_eq!(
            engine.snapshot(&above).unwrap().output(),
            "Alias \"api:web\": Service \"web\" is not registered.",
            "life {life}"
        );
        let web = service(&engine, "web");
        assert_eq!(engine.snapshot(&mirror).unwrap().output(), "No checks found.");
        assert_eq!((mirror.status(), above.status()), (Some(Status::Passing), Some(Status::Passing)));
        let alive = check(&engine, "web:alive", Some(&web));
        let u = engine.acquire(&alive, "U").unwrap();
        u.write(Status::Critical, "down").unwrap();
        assert_eq!((mirror.status(), above.status()), (Some(Status::Critical), Some(Status::Critical)));
        u.write(Status::Passing, "up").unwrap();
        assert_eq!((mirror.status(), above.status()), (Some(Status::Passing), Some(Status::Passing)));
        let busy = engine.deregister_service(&web).expect_err("it has a check");
        assert_eq!(busy.kind(), ErrorKind::Busy);
        u.deregister_check().unwrap();
        engine.deregister_service(&web).unwrap();
        assert_eq!(web.status(), None);
    }
    assert_eq!(engine.audit().unwrap(), 0);
}

/// One writer has evaluated the summary before the other has published; both are stopped before they swap their results in.
fn stale_refresh_wins_first() {
    let chain = chain(2);
    let (one, other) = (chain.checks[0].clone(), chain.checks[1].clone());
    let stale = parked::at("refresh:evaluated", move || one.write(Status::Warning, "one"));
    let second = parked::at("refresh:evaluated", move || other.write(Status::Critical, "other"));
    stale.finish().unwrap();
    second.finish().unwrap();
    assert_eq!(chain.statuses(), [Some(Status::Critical); 3], "the alias shows a write that has returned");
}

#[test]
fn a_stale_refresh_that_wins_is_repeated() {
    breaks::notices("refresh-once", "the alias shows a write that has returned", stale_refresh_wins_first);
}

/// A writer that finds its status already there meets a refresh that was computed before its publication.
fn stale_refresh_of_a_status_that_stays() {
    let chain = chain(2);
    chain.checks[0].write(Status::Critical, "text").unwrap();
    let one = chain.checks[0].clone();
    let recovering = parked::at("refresh:evaluated", move || one.write(Status::Passing, "text"));
    chain.checks[1].write(Status::Critical, "text").unwrap();
    recovering.finish().unwrap();
    assert_eq!(
        chain.statuses(),
        [Some(Status::Critical); 3],
        "the recovery of one hides no failure of the other"
    );
}

#[test]
fn a_refresh_that_changes_nothing_still_counts() {
    breaks::notices(
        "refresh-skip-if-equal",
        "hides no failure of the other",
        stale_refresh_of_a_status_that_stays,
    );
}

/// Services `s` ← `v` ← `w` and `s` ← `t` ← `v`: two ways lead from `s` to `v`. B recovers and comes to `v` the second time, with the change to carry
/// on; A passes it there and is stopped before it climbs.
fn ladder_with_two_climbers() {
    let engine = engine();
    let [s, t, w, v] = ["s", "t", "w", "v"].map(|id| service(&engine, id));
    for (home, id, target) in [(&v, "v:s", "s"), (&t, "t:s", "s"), (&v, "v:t", "t"), (&w, "w:v", "v")] {
        alias(&engine, id, Some(home), target);
    }
    let [a, b] = ["a", "b"].map(|id| Arc::new(engine.acquire(&check(&engine, id, Some(&s)), id).unwrap()));
    a.write(Status::Passing, "text").unwrap();
    b.write(Status::Critical, "text").unwrap();
    assert_eq!(w.status(), Some(Status::Critical));

    // The steps before the one that is meant are passed without stopping: B goes s, v, t, w, v, w; A goes s, v.
    let (climbed, marked) = (Pause::new(), Pause::new());
    let (arm_climbed, arm_marked) = (climbed.clone(), marked.clone());
    let pass = || {
        let pause = Pause::new();
        pause.release();
        pause
    };
    let recovering = std::thread::spawn(move || {
        (0..4).for_each(|_| pass().arm("refresh:loaded"));
        arm_climbed.arm("refresh:loaded");
        b.write(Status::Passing, "text")
    });
    climbed.reached();
    let passing_by = std::thread::spawn(move || {
        pass().arm("walk:marked");
        arm_marked.arm("walk:marked");
        a.write(Status::Warning, "text")
    });
    marked.reached();
    climbed.release();
    recovering.join().unwrap().unwrap();
    assert_ne!(w.status(), Some(Status::Critical), "whoever finds a change undone carries it on");
    marked.release();
    passing_by.join().unwrap().unwrap();
    assert_eq!(w.status(), Some(Status::Warning));
    assert_eq!(engine.audit().unwrap(), 0);
}

#[test]
fn a_walk_that_is_stopped_is_finished_by_the_next_writer() {
    breaks::notices(
        "settle-before-walk",
        "whoever finds a change undone carries it on",
        ladder_with_two_climbers,
    );
}

/// A writer is stopped on its way up; a reader helps, and that raises the version of what the writer has refreshed.
fn reader_helps_on_the_way() {
    let Chain { engine, checks, aliases, .. } = chain(1);
    let filter = SubscriptionFilter::check(&aliases[0]).transitions_only();
    let subscription = engine.subscribe(&filter).unwrap();
    while subscription.poll(16).unwrap().more {}
    let writer = checks[0].clone();
    let stopped = parked::at("walk:marked", move || writer.write(Status::Critical, "text"));
    assert_eq!(engine.snapshot(&aliases[0]).unwrap().status(), Status::Critical);
    stopped.finish().unwrap();
    while subscription.poll(16).unwrap().more {}
    checks[0].write(Status::Critical, "another text").unwrap();
    let woken = subscription.wait(Some(Duration::ZERO)).is_ok();
    assert!(!woken, "what was carried on is no transition any more");
}

#[test]
fn a_change_that_a_reader_has_helped_with_is_carried_on_once() {
    breaks::notices(
        "settle-gives-up",
        "what was carried on is no transition any more",
        reader_helps_on_the_way,
    );
}

/// The first writer has published its word and is stopped before the summaries; the second writes the same status with another text.
fn output_only_write_meets_a_stopped_one() {
    let chain = chain(1);
    let one = chain.checks[0].clone();
    let stopped = parked::at("commit:published", move || one.write(Status::Critical, "first"));
    chain.checks[0].write(Status::Critical, "second").unwrap();
    assert_eq!(
        chain.statuses(),
        [Some(Status::Critical); 3],
        "an output-only write leaves no stale alias behind"
    );
    assert_eq!(
        chain.engine.snapshot(&chain.aliases[2]).unwrap().output(),
        "Check \"a:0\" is critical: second"
    );
    stopped.finish().unwrap();
    assert_eq!(chain.statuses(), [Some(Status::Critical); 3]);
}

#[test]
fn an_output_only_write_finishes_what_it_finds_unfinished() {
    breaks::notices("skip-unsettled", "leaves no stale alias behind", output_only_write_meets_a_stopped_one);
}

#[test]
fn a_writer_stopped_anywhere_on_its_way_up_hides_no_other() {
    let _whole = breaks::none();
    for point in [
        "commit:done",
        "commit:published",
        "refresh:evaluated",
        "walk:refreshed",
        "walk:marked",
        "commit:propagated",
    ] {
        for (before, after) in [(Status::Passing, Status::Critical), (Status::Critical, Status::Passing)] {
            let chain = chain(2);
            chain.checks[0].write(before, "before").unwrap();
            let one = chain.checks[0].clone();
            let stopped = parked::at(point, move || one.write(after, "after"));
            for status in [Status::Critical, Status::Warning] {
                chain.checks[1].write(status, "other").unwrap();
                for alias in &chain.aliases {
                    let shown = alias.status().unwrap();
                    assert!(shown >= status, "{point}: {shown} after {status} was written");
                    let state = chain.engine.snapshot(alias).unwrap();
                    assert_eq!(state.status(), after.max(status), "{point}: a reader helps a stopped writer");
                }
            }
            stopped.finish().unwrap();
            assert_eq!(chain.statuses(), [Some(after.max(Status::Warning)); 3]);
            assert_eq!(chain.engine.audit().unwrap(), 0);
        }
    }
}

#[test]
fn a_reader_that_helps_never_shows_a_text_ahead_of_its_status() {
    let _whole = breaks::none();
    let chain = chain(1);
    let one = chain.checks[0].clone();
    let stopped = parked::at("commit:done", move || one.write(Status::Critical, "down"));
    let state = chain.engine.snapshot(&chain.aliases[2]).unwrap();
    let consistent = (state.status(), state.output());
    assert_eq!(consistent, (Status::Critical, "Check \"a:0\" is critical: down"));
    assert_eq!(chain.statuses()[2], Some(Status::Critical), "the word does not fall behind what was read");
    stopped.finish().unwrap();
}

/// One writer's stale swap wins, and before the other's second try the winner settles the word: that swap has read nothing and covers nothing.
fn settled_between_two_tries() {
    let chain = chain(2);
    let (a, b) = (chain.checks[0].clone(), chain.checks[1].clone());
    let (evaluated, marked) = (Pause::new(), Pause::new());
    let (arm_evaluated, arm_marked) = (evaluated.clone(), marked.clone());
    let winner = std::thread::spawn(move || {
        arm_evaluated.arm("refresh:evaluated");
        arm_marked.arm("walk:marked");
        b.write(Status::Warning, "text")
    });
    evaluated.reached();
    let (first, second) = (Pause::new(), Pause::new());
    let (arm_first, arm_second) = (first.clone(), second.clone());
    let loser = std::thread::spawn(move || {
        arm_first.arm("refresh:evaluated");
        arm_second.arm("refresh:evaluated");
        a.write(Status::Critical, "text")
    });
    first.reached();
    evaluated.release();
    marked.reached();
    first.release();
    second.reached();
    marked.release();
    winner.join().unwrap().unwrap();
    second.release();
    loser.join().unwrap().unwrap();
    assert_eq!(chain.statuses(), [Some(Status::Critical); 3], "a settled word covers no write");
}

#[test]
fn a_swap_lost_to_a_settled_word_is_repeated() {
    breaks::notices("refresh-counts-settle", "a settled word covers no write", settled_between_two_tries);
}

/// Two threads use one token; one has committed and is stopped before it publishes, the other reports the same.
fn heartbeat_beside_a_commit() {
    let chain = chain(1);
    let one = chain.checks[0].clone();
    let committing = parked::at("commit:done", move || one.write(Status::Critical, "text"));
    chain.checks[0].write(Status::Critical, "text").unwrap();
    assert_eq!(chain.statuses(), [Some(Status::Critical); 3], "a report that has returned is shown");
    committing.finish().unwrap();
}

#[test]
fn a_heartbeat_pays_what_the_commit_it_repeats_owes() {
    breaks::notices("heartbeat-unpaid", "a report that has returned is shown", heartbeat_beside_a_commit);
}

/// A refresh is stopped with an old word in hand, while the counter of changes goes on.
fn counter_beside_an_old_word() {
    let chain = chain(3);
    let transitions = || chain.engine.snapshot(&chain.aliases[0]).unwrap().transitions();
    let before = transitions();
    let slow = chain.checks[1].clone();
    let refreshing = parked::at("refresh:loaded", move || slow.write(Status::Warning, "text"));
    chain.checks[0].write(Status::Critical, "text").unwrap();
    chain.checks[2].write(Status::Warning, "text").unwrap();
    refreshing.finish().unwrap();
    chain.checks[2].write(Status::Passing, "text").unwrap();
    assert_eq!(transitions() - before, 1, "the alias has changed once");
}

#[test]
fn the_transitions_of_an_alias_are_counted_once() {
    breaks::notices("count-when-overtaken", "the alias has changed once", counter_beside_an_old_word);
}
