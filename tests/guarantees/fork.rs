//! B6: in a child every word reads gone and every call says so; a fresh engine can be opened there.

use lifesign::{Config, Engine, ErrorKind, Status, SubscriptionFilter};

use crate::support::child::in_a_child;
use crate::support::every_call::{EVERY_CALL, OneOfEach};
use crate::support::{alias, breaks, check, drain, engine, service};

#[test]
fn b6_a_child_is_told_that_it_is_one() {
    let _alone = breaks::alone();
    let all = OneOfEach::new();
    let OneOfEach { engine, web, alive, mirror, writer, subscription, .. } = &all;
    writer.write(Status::Warning, "slow").unwrap();
    let things = all.things();
    let wrong = in_a_child(|| {
        let refused = EVERY_CALL.iter().map(|call| call.refusal(&things) == Some(ErrorKind::Forked));
        let gone = [
            alive.status().is_none(),
            mirror.status().is_none(),
            web.status().is_none(),
            engine.node_status().is_none(),
            engine.record(1).is_none(),
        ];
        refused.chain(gone).collect()
    });
    let name = (wrong as usize).checked_sub(1).and_then(|at| EVERY_CALL.get(at)).map(|call| call.name);
    assert_eq!(wrong, 0, "question {wrong} was answered wrongly in the child: {name:?}");
    assert_eq!(
        (alive.status(), mirror.status()),
        (Some(Status::Warning), Some(Status::Warning)),
        "the parent goes on"
    );
    writer.write(Status::Passing, "up").unwrap();
    assert!(!drain(subscription).is_empty());
}

#[test]
fn b6_a_child_opens_an_engine_of_its_own() {
    let _alone = breaks::alone();
    let parent = engine();
    let process = parent.record(1).unwrap().process.uuid;
    let old = check(&parent, "a", None);
    let subscription = parent.subscribe(&SubscriptionFilter::all()).unwrap();
    drain(&subscription);
    let wrong = in_a_child(|| {
        let Ok(fresh) = Engine::open(Config::default()) else { return vec![false] };
        let web = service(&fresh, "web");
        let alive = check(&fresh, "a", Some(&web));
        let mirror = alias(&fresh, "sidecar", None, "web");
        let mine = fresh.subscribe(&SubscriptionFilter::all()).unwrap();
        drain(&mine);
        let token = fresh.acquire(&alive, "child").unwrap();
        let outcome = token.write(Status::Critical, "down");
        vec![
            true,
            fresh.id() != parent.id(),
            outcome.is_ok(),
            alive.status() == Some(Status::Critical),
            mirror.status() == Some(Status::Critical),
            drain(&mine).len() == 2,
            token.record().process.pid == u64::from(std::process::id()),
            token.record().process.uuid != process,
            old.status().is_none() || old == alive,
            parent.snapshot(&old).is_err_and(|error| error.kind() == ErrorKind::Forked),
            fresh.audit().is_ok_and(|repaired| repaired == 0),
        ]
    });
    assert_eq!(wrong, 0, "question {wrong} was answered wrongly in the child");
    assert_eq!(old.status(), Some(Status::Passing));
    assert!(drain(&subscription).is_empty(), "the child's writes are its own");
}

#[test]
fn b6_dropping_in_a_child_harms_nobody() {
    let _alone = breaks::alone();
    let engine = engine();
    let alive = check(&engine, "a", None);
    let token = engine.acquire(&alive, "U").unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let descriptor = subscription.descriptor().unwrap();
    drain(&subscription);
    let directory = tempfile::tempdir().unwrap();
    let claim = engine.claim(directory.path(), "node").unwrap();
    let mut all = Some((engine, token, subscription, claim));
    let wrong = in_a_child(|| {
        drop(all.take());
        vec![alive.status().is_none()]
    });
    assert_eq!(wrong, 0);
    let (engine, token, subscription, claim) = all.expect("the parent's own");
    assert!(!crate::support::is_readable(descriptor), "the child wakes nobody in the parent");
    token.write(Status::Critical, "").unwrap();
    assert!(crate::support::is_readable(descriptor));
    assert_eq!(drain(&subscription).len(), 1);
    assert_eq!(engine.stats().unwrap().tokens, 1);
    assert!(claim.state().unwrap().held);
    let refused = crate::support::engine().claim(directory.path(), "node");
    assert_eq!(crate::support::kind(refused), ErrorKind::Held, "the child gave nothing back");
}
