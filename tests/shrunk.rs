//! Past the end of lives and versions: a build with both shrunk to a few values goes where no other build comes in a lifetime.
#![cfg(feature = "shrunk-counters")]

mod support;

use std::collections::HashSet;

use lifesign::{Check, CheckSpec, ErrorKind, ServiceSpec, Status, SubscriptionFilter};

use support::{alias, check, drain, engine, kind, service, slot};

/// Lives of a cell and versions of a life in this build.
const LIVES: usize = 5;
const VERSIONS: u64 = 40;
/// Cells in a page.
const PAGE: usize = 1024;

/// The cell and life of a check, as it shows itself.
fn place(check: &Check) -> String {
    let text = format!("{check:?}");
    text.rsplit_once(',').expect("slot, life, status").0.to_owned()
}

#[test]
fn versions_end_with_a_refusal_and_do_not_wrap() {
    let engine = engine();
    let web = service(&engine, "web");
    let alive = check(&engine, "web:alive", Some(&web));
    let mirror = alias(&engine, "sidecar", None, "web");
    let token = engine.acquire(&alive, "U").unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let mut written = 0u64;
    let refused = loop {
        match token.write(Status::Warning, &written.to_string()) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert!(
        refused.to_string().contains("web:alive") && refused.to_string().contains("register it again"),
        "{refused}"
    );
    assert_eq!(written, VERSIONS - 2, "registering and acquiring were commits too");
    drain(&subscription);

    let last = format!("{:?}", engine.snapshot(&alive).unwrap());
    for _ in 0..3 {
        assert_eq!(kind(token.write(Status::Critical, "one more")), ErrorKind::Limit);
        assert_eq!(kind(engine.take_over(&alive, token.generation(), "N")), ErrorKind::Limit);
        let redefined =
            CheckSpec { name: "Alive".into(), ..CheckSpec::new("web:alive").initial(Status::Passing) };
        assert_eq!(kind(engine.redefine_check(&alive, &redefined, Some(&web))), ErrorKind::Limit);
    }
    assert_eq!(format!("{:?}", engine.snapshot(&alive).unwrap()), last, "what was refused changed nothing");
    assert_eq!((alive.status(), mirror.status()), (Some(Status::Warning), Some(Status::Warning)));
    assert!(drain(&subscription).is_empty());
    let text = engine.snapshot(&alive).unwrap().output().to_owned();
    token.write(Status::Warning, &text).expect("a heartbeat commits nothing and goes on");

    token.deregister_check().expect("the end of a life needs no version");
    assert_eq!((alive.status(), mirror.status()), (None, Some(Status::Passing)));
    let again = check(&engine, "web:alive", Some(&web));
    let next = engine.acquire(&again, "U").unwrap();
    next.write(Status::Critical, "a life of its own").unwrap();
    assert_eq!(mirror.status(), Some(Status::Critical));
    assert_eq!(kind(token.write(Status::Passing, "")), ErrorKind::Gone);
    assert_eq!(engine.audit().unwrap(), 0);
}

#[test]
fn a_token_given_back_at_the_last_version_leaves_the_check_to_force() {
    let engine = engine();
    let alive = check(&engine, "a", None);
    let token = engine.acquire(&alive, "U").unwrap();
    while token.write(Status::Critical, &engine.stats().unwrap().commits.to_string()).is_ok() {}
    drop(token);
    let refused = kind(engine.acquire(&alive, "N"));
    assert!([ErrorKind::Held, ErrorKind::Limit].contains(&refused), "{refused}");
    engine.deregister_check_by_force(&alive, "operator").unwrap();
    engine.acquire(&check(&engine, "a", None), "N").unwrap();
}

#[test]
fn a_cell_whose_lives_are_used_up_is_retired() {
    let engine = engine();
    let mut lives = Vec::new();
    let mut tokens = Vec::new();
    let first = loop {
        let alive = check(&engine, "a", None);
        tokens.push(engine.acquire(&alive, "U").unwrap());
        engine.deregister_check_by_force(&alive, "operator").unwrap();
        lives.push(alive);
        let first = slot(&lives[0]);
        if lives.len() > LIVES && slot(lives.last().unwrap()) != first {
            break first;
        }
        assert!(lives.len() <= LIVES + 1, "the cell lives longer than its lives last");
    };
    let in_first = lives.iter().filter(|check| slot(check) == first).count();
    assert!((1..=LIVES).contains(&in_first), "{in_first} lives in one cell");
    // Whatever comes now, it does not come to that cell, and nothing that is over comes back.
    for at in 0..50 {
        let other = check(&engine, &format!("other {at}"), None);
        assert_ne!(slot(&other), first);
        for (old, token) in lives.iter().zip(&tokens) {
            assert_ne!(*old, other);
            assert_eq!(old.status(), None);
            assert_eq!(kind(engine.snapshot(old)), ErrorKind::Gone);
            assert_eq!(kind(token.write(Status::Passing, "")), ErrorKind::Gone);
        }
    }
}

#[test]
fn no_cell_and_life_is_ever_given_out_twice() {
    let mut seen = HashSet::new();
    for round in 0..12 {
        let engine = engine();
        for at in 0..PAGE {
            let alive = engine.register_check(&CheckSpec::new(format!("{round}.{at}")), None);
            let alive = alive.expect("used-up cells are passed over, not reported");
            assert!(seen.insert(place(&alive)), "given out before: {}", place(&alive));
            if at % 2 == 0 {
                engine.deregister_check(&alive).unwrap();
            }
        }
    }
}

#[test]
fn services_use_up_lives_as_checks_do() {
    let engine = engine();
    let mirror = alias(&engine, "sidecar", None, "web");
    let mut old = Vec::new();
    for _ in 0..3 * LIVES {
        let web = service(&engine, "web");
        assert_eq!(mirror.status(), Some(Status::Passing));
        engine.deregister_service(&web).unwrap();
        assert_eq!(mirror.status(), Some(Status::Critical));
        assert_eq!(kind(engine.redefine_service(&web, &ServiceSpec::new("web"))), ErrorKind::Gone);
        assert!(old.iter().all(|one| *one != web), "no handle twice");
        old.push(web);
    }
    assert!(old.iter().all(|service| service.status().is_none()));
}
