//! A writer parked between its commit and its publication, across a take-over, a deregistration, a close, the reuse of its cell, and the
//! next owner of its page.

use std::sync::Arc;

use lifesign::{Check, Engine, ErrorKind, Status, SubscriptionFilter, Token};

use crate::support::parked::{self, Parked};
use crate::support::{alias, breaks, check, drain, engine, service, slot};

/// Before the commit, after it, and between each two of the steps that it owes.
const POINTS: [&str; 7] = [
    "commit:drawn",
    "commit:done",
    "commit:published",
    "refresh:evaluated",
    "walk:marked",
    "commit:propagated",
    "commit:settled",
];

/// Cells in a page.
const PAGE: u32 = 1024;

fn page(check: &Check) -> u32 {
    slot(check) / PAGE
}

struct Scene {
    engine: Engine,
    check: Check,
    mirror: Check,
    token: Arc<Token>,
    writer: Parked<Result<(), lifesign::Error>>,
}

/// O writes `critical` and is parked at `point`.
fn scene(point: &'static str) -> Scene {
    let engine = engine();
    let service = service(&engine, "api");
    let check = check(&engine, "api:web", Some(&service));
    let mirror = alias(&engine, "sidecar", None, "api");
    let token = Arc::new(engine.acquire(&check, "O").unwrap());
    token.write(Status::Passing, "").unwrap();
    let old = token.clone();
    let writer = parked::at(point, move || old.write(Status::Critical, "O's"));
    Scene { engine, check, mirror, token, writer }
}

#[test]
fn across_a_take_over() {
    let _whole = breaks::none();
    for point in POINTS {
        let Scene { engine, check, mirror, token, writer } = scene(point);
        let n = engine.take_over(&check, token.generation(), "N").unwrap();
        n.write(Status::Passing, "N's").unwrap();
        let version = engine.snapshot(&check).unwrap().version();
        let outcome = writer.finish().map_err(|error| error.kind());
        let expected = if point == "commit:drawn" { Err(ErrorKind::Fenced) } else { Ok(()) };
        assert_eq!(outcome, expected, "{point}");
        let state = engine.snapshot(&check).unwrap();
        assert_eq!((state.version(), state.output()), (version, "N's"), "{point}");
        assert_eq!(
            (check.status(), mirror.status()),
            (Some(Status::Passing), Some(Status::Passing)),
            "{point}"
        );
        assert_eq!(engine.audit().unwrap(), 0, "{point}");
    }
}

#[test]
fn across_a_deregistration() {
    let _whole = breaks::none();
    for point in POINTS {
        let Scene { engine, check, mirror, writer, .. } = scene(point);
        engine.deregister_check_by_force(&check, "operator").unwrap();
        assert_eq!((check.status(), mirror.status()), (None, Some(Status::Passing)), "{point}");
        let outcome = writer.finish().map_err(|error| error.kind());
        let expected = if point == "commit:drawn" { Err(ErrorKind::Gone) } else { Ok(()) };
        assert_eq!(outcome, expected, "{point}");
        assert_eq!((check.status(), mirror.status()), (None, Some(Status::Passing)), "{point}");
        assert_eq!(engine.snapshot(&mirror).unwrap().output(), "No checks found.", "{point}");
        assert_eq!(engine.audit().unwrap(), 0, "{point}");
    }
}

#[test]
fn across_the_reuse_of_its_cell_by_another_service() {
    let _whole = breaks::none();
    for point in POINTS {
        let Scene { engine, check: old, mirror, writer, .. } = scene(point);
        let other = service(&engine, "other");
        engine.deregister_check_by_force(&old, "operator").unwrap();
        let new = check(&engine, "other:check", Some(&other));
        assert_eq!(slot(&new), slot(&old), "the cell has a new owner");
        let subscription = engine.subscribe(&SubscriptionFilter::check(&new)).unwrap();
        drain(&subscription);
        let n = engine.acquire(&new, "N").unwrap();
        n.write(Status::Warning, "N's").unwrap();
        let before = format!("{:?}", engine.snapshot(&new).unwrap());
        drain(&subscription);
        let _ = writer.finish();
        assert_eq!(format!("{:?}", engine.snapshot(&new).unwrap()), before, "{point}");
        assert_eq!((new.status(), other.status()), (Some(Status::Warning), Some(Status::Warning)), "{point}");
        assert_eq!((old.status(), mirror.status()), (None, Some(Status::Passing)), "{point}");
        assert!(drain(&subscription).is_empty(), "{point}");
        n.write(Status::Passing, "N's").unwrap();
        assert_eq!((new.status(), other.status()), (Some(Status::Passing), Some(Status::Passing)), "{point}");
        assert_eq!(engine.audit().unwrap(), 0, "{point}");
    }
}

#[test]
fn across_a_close() {
    let _whole = breaks::none();
    for point in POINTS {
        let Scene { engine, check, mirror, token, writer } = scene(point);
        engine.close();
        assert_eq!((check.status(), mirror.status()), (None, None), "{point}: closed reads as gone");
        if let Err(error) = writer.finish() {
            assert_eq!(error.kind(), ErrorKind::Closed, "{point}");
        }
        assert_eq!(
            (check.status(), mirror.status()),
            (None, None),
            "{point}: a late publication wakes no dead"
        );
        let refused = token.write(Status::Passing, "").expect_err("the engine is closed");
        assert_eq!(refused.kind(), ErrorKind::Closed);
    }
}

/// Engines with one check each, all of them open.
fn neighbours(count: usize) -> Vec<(Engine, Check)> {
    let open = |_| {
        let engine = engine();
        let check = check(&engine, "neighbour", None);
        (engine, check)
    };
    (0..count).map(open).collect()
}

#[test]
fn across_the_next_owner_of_its_page() {
    // Pages are the process's, so nobody else may open or close engines meanwhile.
    let _alone = breaks::alone();
    for point in POINTS {
        let Scene { engine, check: old, token, writer, .. } = scene(point);
        let parked_in = page(&old);
        drop(token);
        drop(engine);
        let while_parked = neighbours(64);
        assert!(
            while_parked.iter().all(|(_, check)| page(check) != parked_in),
            "{point}: the page of a parked writer has no other owner"
        );
        let _ = writer.finish();
        assert_eq!(old.status(), None, "{point}");
        // The writer has left, and with it the last reference to its engine: now somebody gets the page.
        let mut owners = Vec::new();
        let next = loop {
            owners.extend(neighbours(1));
            let (engine, check) = owners.last().unwrap();
            if page(check) == parked_in {
                break (engine, check);
            }
            assert!(owners.len() < 512, "{point}: the page of a writer that has left comes back into use");
        };
        let (engine, check) = next;
        let first_life_over = format!("{check:?}");
        assert!(
            !first_life_over.contains("life 1,") || slot(check) != slot(&old),
            "{point}: lives go on: {first_life_over}"
        );
        assert_eq!((check.status(), old.status()), (Some(Status::Passing), None), "{point}");
        let n = engine.acquire(check, "N").unwrap();
        n.write(Status::Critical, "N's").unwrap();
        assert_eq!((check.status(), old.status()), (Some(Status::Critical), None), "{point}");
        assert!(while_parked.iter().all(|(_, check)| check.status() == Some(Status::Passing)));
    }
}
