//! Aliases: two on one service, a chain of three, the node, a target that leaves and comes back, a loop (A1, A3, A4, A6).

use lifesign::{Check, CheckSpec, Engine, ErrorKind, Service, Status, Token};
use shuttle::thread::scope;

use super::support::{alias, check, engine, service};
use super::{Script, reached, schedules};

const SHOWN: &str = "aliases: a write has returned and what is above shows an older state";
const REPEATED: &str =
    "aliases: a report that found its state there has returned and an alias shows an older one";
const WHOLE: &str = "aliases: a snapshot of an alias does not say what its status says";
const COUNTED: &str = "aliases: changes of an alias are not counted once each";
const MISSING: &str = "aliases: an alias does not follow its target out and in";
const LOOP: &str = "aliases: two halves of a loop were both admitted, or both refused";

const CHAIN: Script = Script {
    name: "aliases_chain",
    run: chain,
    overlaps: &["the other had written", "the other had not written", "a text of U's", "a text of V's"],
};
const NODE: Script = Script {
    name: "aliases_node",
    run: node,
    overlaps: &["the other had written", "the other had not written"],
};
const RECOVERY: Script = Script {
    name: "aliases_recovery",
    run: recovery,
    overlaps: &["the other had written", "the other had not written"],
};
const LADDER: Script = Script {
    name: "aliases_ladder",
    run: ladder,
    overlaps: &["the other had written", "the other had not written"],
};
const SAME: Script = Script { name: "aliases_same", run: same, overlaps: &["a heartbeat", "two commits"] };
const COUNT: Script =
    Script { name: "aliases_count", run: count, overlaps: &["two changes", "four changes"] };
const TARGET: Script = Script {
    name: "aliases_target",
    run: target,
    overlaps: &["U wrote before the target left", "U found its check GONE"],
};
const HALVES: Script = Script {
    name: "aliases_loop",
    run: halves,
    overlaps: &["the one closed the loop", "the other closed the loop"],
};

/// Services `a` ← `b` ← `c` ← `d`, each with an alias of the one before; two direct checks in `a`, and a second alias of `a`.
struct Chain {
    engine: Engine,
    a: Service,
    tokens: [Token; 2],
    aliases: [Check; 4],
}

fn build() -> Chain {
    let engine = engine();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|id| service(&engine, id));
    let aliases = [
        alias(&engine, "b:a", Some(&b), "a"),
        alias(&engine, "c:b", Some(&c), "b"),
        alias(&engine, "d:c", Some(&d), "c"),
        alias(&engine, "sidecar", None, "a"),
    ];
    let tokens = ["a:u", "a:v"].map(|id| engine.acquire(&check(&engine, id, Some(&a)), id).unwrap());
    Chain { engine, a, tokens, aliases }
}

impl Chain {
    fn statuses(&self) -> [Option<Status>; 5] {
        let [one, two, three, other] = self.aliases.map(|alias| alias.status());
        [self.a.status(), one, two, three, other]
    }
}

/// U writes `critical` and recovers, V writes `warning`, both in `a`; R reads the top.
fn chain() {
    let chain = build();
    let top = &chain.aliases[2];
    let [u, v] = &chain.tokens;
    scope(|scope| {
        scope.spawn(|| {
            let state = chain.engine.snapshot(top).unwrap();
            let expected = match state.status() {
                Status::Passing => "All checks passing.",
                Status::Warning => "Check \"a:v\" is warning: V's",
                Status::Critical => "Check \"a:u\" is critical: U's",
            };
            assert_eq!(state.output(), expected, "{WHOLE}");
            reached(match state.status() {
                Status::Passing => "no text",
                Status::Warning => "a text of V's",
                Status::Critical => "a text of U's",
            });
        });
        scope.spawn(|| {
            v.write(Status::Warning, "V's").unwrap();
            let statuses = chain.statuses();
            assert!(statuses.iter().all(|status| *status >= Some(Status::Warning)), "{SHOWN}: {statuses:?}");
        });
        u.write(Status::Critical, "U's").unwrap();
        assert_eq!(chain.statuses(), [Some(Status::Critical); 5], "{SHOWN}");
        let warned = v.check().status() == Some(Status::Warning);
        u.write(Status::Passing, "U's").unwrap();
        let statuses = chain.statuses();
        assert!(statuses.iter().all(|status| *status < Some(Status::Critical)), "{SHOWN}: {statuses:?}");
        reached(if warned { "the other had written" } else { "the other had not written" });
    });
    assert_eq!(chain.statuses(), [Some(Status::Warning); 5], "{SHOWN}");
    assert_eq!(chain.engine.snapshot(top).unwrap().output(), "Check \"a:v\" is warning: V's", "{WHOLE}");
    assert_eq!(chain.engine.audit().unwrap(), 0, "{SHOWN}");
}

/// A check of the node becomes critical and recovers; U writes `warning` in `a`.
fn node() {
    let chain = build();
    let of_node = chain.engine.register_check(&CheckSpec::node_alias("node"), Some(&chain.a)).unwrap();
    let disk = chain.engine.acquire(&check(&chain.engine, "disk", None), "disk").unwrap();
    let u = &chain.tokens[0];
    scope(|scope| {
        scope.spawn(|| {
            u.write(Status::Warning, "slow").unwrap();
            let statuses = chain.statuses();
            assert!(statuses.iter().all(|status| *status >= Some(Status::Warning)), "{SHOWN}: {statuses:?}");
        });
        disk.write(Status::Critical, "full").unwrap();
        assert_eq!(
            (chain.statuses(), of_node.status()),
            ([Some(Status::Critical); 5], Some(Status::Critical)),
            "{SHOWN}"
        );
        let warned = u.check().status() == Some(Status::Warning);
        disk.write(Status::Passing, "free").unwrap();
        let statuses = chain.statuses();
        assert!(statuses.iter().all(|status| *status < Some(Status::Critical)), "{SHOWN}: {statuses:?}");
        assert_eq!(
            (of_node.status(), chain.engine.node_status()),
            (Some(Status::Passing), Some(Status::Passing)),
            "{SHOWN}"
        );
        reached(if warned { "the other had written" } else { "the other had not written" });
    });
    assert_eq!(
        (chain.statuses(), of_node.status()),
        ([Some(Status::Warning); 5], Some(Status::Passing)),
        "{SHOWN}"
    );
    assert_eq!(chain.engine.audit().unwrap(), 0, "{SHOWN}");
}

/// U becomes critical while V, which was, recovers: the status of `a` is there already when U comes to it.
fn recovery() {
    let chain = build();
    let [u, v] = &chain.tokens;
    v.write(Status::Critical, "V's").unwrap();
    scope(|scope| {
        scope.spawn(|| v.write(Status::Passing, "V's").unwrap());
        u.write(Status::Critical, "U's").unwrap();
        assert_eq!(chain.statuses(), [Some(Status::Critical); 5], "{SHOWN}");
        let recovered = v.check().status() == Some(Status::Passing);
        reached(if recovered { "the other had written" } else { "the other had not written" });
    });
    assert_eq!(chain.statuses(), [Some(Status::Critical); 5], "{SHOWN}");
    assert_eq!(chain.engine.audit().unwrap(), 0, "{SHOWN}");
}

/// Services `s` ← `v` ← `w` and `s` ← `t` ← `v`: two ways lead from `s` to `v`. One check of `s` recovers, the other becomes a warning.
fn ladder() {
    let engine = engine();
    // Ways of different length lead from `s` to `v`, and by the order of their cells `w` is looked at before `v` comes up again.
    let [s, t, w, v] = ["s", "t", "w", "v"].map(|id| service(&engine, id));
    for (home, id, target) in [(&v, "v:s", "s"), (&t, "t:s", "s"), (&v, "v:t", "t"), (&w, "w:v", "v")] {
        alias(&engine, id, Some(home), target);
    }
    let tokens = ["one", "other"].map(|id| engine.acquire(&check(&engine, id, Some(&s)), id).unwrap());
    tokens[0].write(Status::Critical, "text").unwrap();
    scope(|scope| {
        scope.spawn(|| {
            tokens[1].write(Status::Warning, "text").unwrap();
            assert!(w.status() >= Some(Status::Warning), "{SHOWN}");
        });
        tokens[0].write(Status::Passing, "text").unwrap();
        assert!(w.status() < Some(Status::Critical), "{SHOWN}");
        let warned = tokens[1].check().status() == Some(Status::Warning);
        reached(if warned { "the other had written" } else { "the other had not written" });
    });
    assert_eq!(w.status(), Some(Status::Warning), "{SHOWN}");
    assert_eq!(engine.audit().unwrap(), 0, "{SHOWN}");
}

/// Three threads report the same status with one token, two of them with the same text.
fn same() {
    let chain = build();
    let u = &chain.tokens[0];
    let before = chain.engine.stats().unwrap();
    let write = |output, claim: &'static str| {
        let chain = &chain;
        move || {
            u.write(Status::Critical, output).unwrap();
            assert_eq!(chain.statuses(), [Some(Status::Critical); 5], "{claim}");
        }
    };
    scope(|scope| {
        scope.spawn(write("text", REPEATED));
        scope.spawn(write("text", REPEATED));
        write("other", REPEATED)();
    });
    let after = chain.engine.stats().unwrap();
    reached(if after.heartbeats > before.heartbeats { "a heartbeat" } else { "two commits" });
    assert_eq!(chain.engine.audit().unwrap(), 0, "{SHOWN}");
}

/// U becomes critical and recovers while V does; the alias may change twice or four times, and never three or more.
fn count() {
    let chain = build();
    let top = chain.aliases[2];
    let transitions = || chain.engine.snapshot(&top).unwrap().transitions();
    let before = transitions();
    let flip = |token: &Token| {
        token.write(Status::Critical, "down").unwrap();
        token.write(Status::Passing, "up").unwrap();
    };
    scope(|scope| {
        scope.spawn(|| flip(&chain.tokens[0]));
        flip(&chain.tokens[1]);
    });
    reached(match transitions() - before {
        2 => "two changes",
        4 => "four changes",
        other => panic!("{COUNTED}: {other}"),
    });
    assert_eq!(chain.statuses(), [Some(Status::Passing); 5], "{SHOWN}");
}

/// The target is deregistered with its check, and registered again; U writes until its check is gone.
fn target() {
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let alive = check(&engine, "web:alive", Some(&web));
    let u = engine.acquire(&alive, "U").unwrap();
    let aliases = [alias(&engine, "api:web", Some(&api), "web"), alias(&engine, "sidecar", None, "api")];
    let statuses = || aliases.map(|alias| alias.status());
    scope(|scope| {
        scope.spawn(|| match u.write(Status::Warning, "slow") {
            Ok(()) => reached("U wrote before the target left"),
            Err(gone) => {
                assert_eq!(gone.kind(), ErrorKind::Gone);
                reached("U found its check GONE");
            }
        });
        engine.deregister_check_by_force(&alive, "operator").unwrap();
        assert_eq!(statuses(), [Some(Status::Passing); 2], "{MISSING}");
        engine.deregister_service(&web).unwrap();
        assert_eq!((statuses(), web.status()), ([Some(Status::Critical); 2], None), "{MISSING}");
        let state = engine.snapshot(&aliases[1]).unwrap();
        assert_eq!(state.output(), "Alias \"api:web\": Service \"web\" is not registered.", "{WHOLE}");
        let web = service(&engine, "web");
        assert_eq!(statuses(), [Some(Status::Passing); 2], "{MISSING}");
        let alive = check(&engine, "web:alive", Some(&web));
        engine.acquire(&alive, "N").unwrap().write(Status::Critical, "down").unwrap();
        assert_eq!(statuses(), [Some(Status::Critical); 2], "{MISSING}");
    });
    assert_eq!(statuses(), [Some(Status::Critical); 2], "{MISSING}");
    assert_eq!(engine.audit().unwrap(), 0, "{SHOWN}");
}

/// Two threads register the two halves of a loop while U writes below it.
fn halves() {
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let u = engine.acquire(&check(&engine, "web:alive", Some(&web)), "U").unwrap();
    let register = |id, home: &Service, target| {
        let registered = engine.register_check(&CheckSpec::alias(id, target), Some(home));
        registered.map(|_| ()).map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Loop, "{LOOP}");
            assert!(
                error.to_string().contains("\"web\" -> \"api\" -> \"web\"")
                    || error.to_string().contains("\"api\" -> \"web\" -> \"api\""),
                "{LOOP}"
            );
        })
    };
    let (one, other) = scope(|scope| {
        let one = scope.spawn(|| register("api:web", &api, "web"));
        scope.spawn(|| u.write(Status::Critical, "down").unwrap());
        let other = register("web:api", &web, "api");
        (one.join().unwrap(), other)
    });
    match (one, other) {
        (Ok(()), Err(())) => reached("the other closed the loop"),
        (Err(()), Ok(())) => reached("the one closed the loop"),
        both => panic!("{LOOP}: {both:?}"),
    }
    assert_eq!(web.status(), Some(Status::Critical), "{SHOWN}");
    assert_eq!(api.status() == Some(Status::Critical), one.is_ok(), "{SHOWN}");
    u.write(Status::Passing, "up").unwrap();
    assert_eq!((web.status(), api.status()), (Some(Status::Passing), Some(Status::Passing)), "{SHOWN}");
    assert_eq!(engine.audit().unwrap(), 0, "{SHOWN}");
}

schedules! {
    a_chain: CHAIN,
        refresh_once "refresh-once" SHOWN,
        walk_winner_only "walk-winner-only" SHOWN;
    a_failure_beside_a_recovery: RECOVERY,
        refresh_skip_if_equal "refresh-skip-if-equal" SHOWN;
    a_ladder: LADDER,
        settle_before_walk "settle-before-walk" SHOWN;
    the_node: NODE,
        walk_winner_only_from_the_node "walk-winner-only" SHOWN;
    the_same_from_three_threads: SAME,
        heartbeat_unpaid "heartbeat-unpaid" REPEATED,
        skip_unsettled "skip-unsettled" REPEATED,
        settle_before_summaries "settle-before-summaries" REPEATED;
    the_changes_of_an_alias: COUNT,
        count_when_overtaken "count-when-overtaken" COUNTED;
    a_target_that_leaves: TARGET,
        walk_winner_only_from_a_target "walk-winner-only" MISSING;
    two_halves_of_a_loop: HALVES,
        refresh_once_in_half_a_loop "refresh-once" SHOWN;
}
