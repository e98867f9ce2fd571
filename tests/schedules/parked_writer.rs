//! A writer parked between its commit and its publication, across a deregistration and the next owner of its cell, across a close, and across the
//! next owner of its page (W3, B4). Across a take-over: see `overlapping_lifetimes`.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lifesign::{ErrorKind, Status, SubscriptionFilter};
use shuttle::thread::scope;

use super::support::{alias, check, drain, engine, kind, service, slot};
use super::{Script, reached, schedules};

const OWNER: &str = "parked_writer: a late step of O's touches what came after it in its cell";
const DEAD: &str = "parked_writer: a late publication wakes the dead";
const REFUSED: &str = "parked_writer: a call after the end is refused with another reason, or not at all";

const CELL: Script = Script {
    name: "parked_writer_cell",
    run: cell,
    overlaps: &["O was GONE", "O returned before the end", "O was under way when its cell had another owner"],
};
const CLOSE: Script = Script {
    name: "parked_writer_close",
    run: close,
    overlaps: &["O was refused", "O returned before the end", "O returned after the end"],
};
const PAGE: Script = Script {
    name: "parked_writer_page",
    run: page,
    overlaps: &["O held its page back", "the page had another owner", "O was refused"],
};

/// O's check is deregistered and its cell goes to a check of another service.
fn cell() {
    let engine = engine();
    let (api, other) = (service(&engine, "api"), service(&engine, "other"));
    let old = check(&engine, "api:web", Some(&api));
    let mirror = alias(&engine, "sidecar", None, "api");
    let o = engine.acquire(&old, "O").unwrap();
    let begun = AtomicBool::new(false);
    let (new, n, subscription) = scope(|scope| {
        scope.spawn(|| match o.write(Status::Critical, "O's") {
            Ok(()) if begun.load(Relaxed) => reached("O was under way when its cell had another owner"),
            Ok(()) => reached("O returned before the end"),
            Err(gone) => {
                assert_eq!(gone.kind(), ErrorKind::Gone, "{REFUSED}");
                reached("O was GONE");
            }
        });
        engine.deregister_check_by_force(&old, "operator").unwrap();
        assert_eq!((old.status(), mirror.status()), (None, Some(Status::Passing)), "{OWNER}");
        let new = check(&engine, "other:check", Some(&other));
        assert_eq!(slot(&new), slot(&old), "the cell has a new owner");
        let subscription = engine.subscribe(&SubscriptionFilter::check(&new)).unwrap();
        begun.store(true, Relaxed);
        let n = engine.acquire(&new, "N").expect(OWNER);
        n.write(Status::Warning, "N's").expect(OWNER);
        assert_eq!((new.status(), other.status()), (Some(Status::Warning), Some(Status::Warning)), "{OWNER}");
        drain(&subscription);
        (new, n, subscription)
    });
    assert_eq!((old.status(), mirror.status()), (None, Some(Status::Passing)), "{OWNER}");
    let shown = (new.status(), other.status());
    let state = engine.snapshot(&new).expect(OWNER);
    assert_eq!((state.status(), state.output()), (Status::Warning, "N's"), "{OWNER}");
    assert_eq!(shown, (Some(Status::Warning), Some(Status::Warning)), "{OWNER}");
    assert!(drain(&subscription).is_empty(), "{OWNER}");
    n.write(Status::Passing, "N's").expect(OWNER);
    assert_eq!((new.status(), other.status()), (Some(Status::Passing), Some(Status::Passing)), "{OWNER}");
    assert_eq!(engine.audit().unwrap(), 0);
}

/// The engine is closed while O writes and R sleeps.
fn close() {
    let engine = engine();
    let api = service(&engine, "api");
    let check = check(&engine, "api:web", Some(&api));
    let mirror = alias(&engine, "sidecar", None, "api");
    let o = engine.acquire(&check, "O").unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::check(&check)).unwrap();
    drain(&subscription);
    let ended = AtomicBool::new(false);
    let is_gone = || {
        let statuses = (check.status(), mirror.status(), api.status(), engine.node_status());
        assert_eq!(statuses, (None, None, None, None), "{DEAD}");
    };
    scope(|scope| {
        scope.spawn(|| {
            match o.write(Status::Critical, "O's") {
                Ok(()) if ended.load(Relaxed) => reached("O returned after the end"),
                Ok(()) => reached("O returned before the end"),
                Err(closed) => {
                    assert_eq!(closed.kind(), ErrorKind::Closed, "{REFUSED}");
                    reached("O was refused");
                }
            }
            if ended.load(Relaxed) {
                is_gone();
            }
        });
        scope.spawn(|| {
            // One state at most comes before the end does.
            let closed = loop {
                match subscription.wait(None).and_then(|()| subscription.poll(usize::MAX)) {
                    Ok(_) => {}
                    Err(closed) => break closed,
                }
            };
            assert_eq!(closed.kind(), ErrorKind::Closed, "{REFUSED}");
        });
        engine.close();
        ended.store(true, Relaxed);
        is_gone();
        assert_eq!(kind(engine.snapshot(&check)), ErrorKind::Closed, "{REFUSED}");
    });
    is_gone();
    assert_eq!(kind(o.write(Status::Passing, "")), ErrorKind::Closed, "{REFUSED}");
}

/// The engine is dropped while O writes with a token of its own, and another engine opens: it gets O's page when O has left, and not before.
fn page() {
    let old = engine();
    let check = check(&old, "api:web", None);
    let o = old.acquire(&check, "O").unwrap();
    let ended = AtomicBool::new(false);
    scope(|scope| {
        scope.spawn(|| {
            if let Err(closed) = o.write(Status::Critical, "O's") {
                assert_eq!(closed.kind(), ErrorKind::Closed, "{REFUSED}");
                reached("O was refused");
            }
            // The token keeps the page.
            if ended.load(Relaxed) {
                assert_eq!(check.status(), None, "{DEAD}");
            }
            drop(o);
        });
        drop(old);
        ended.store(true, Relaxed);
        assert_eq!(check.status(), None, "{DEAD}");
        let engine = engine();
        let new = super::support::check(&engine, "neighbour", None);
        reached(if slot(&new) == slot(&check) {
            "the page had another owner"
        } else {
            "O held its page back"
        });
        let n = engine.acquire(&new, "N").unwrap();
        n.write(Status::Warning, "N's").expect(OWNER);
        assert_eq!(
            (new.status(), engine.node_status()),
            (Some(Status::Warning), Some(Status::Warning)),
            "{OWNER}"
        );
        let state = engine.snapshot(&new).expect(OWNER);
        assert_eq!((state.status(), state.output()), (Status::Warning, "N's"), "{OWNER}");
        assert_eq!(check.status(), None, "{DEAD}");
    });
    assert_eq!(check.status(), None, "{DEAD}");
}

schedules! {
    across_the_next_owner_of_its_cell: CELL,
        publish_store "publish-store" OWNER,
        fence_tested_once "fence-tested-once" OWNER;
    across_a_close: CLOSE,
        publish_store_after_a_close "publish-store" DEAD;
    across_the_next_owner_of_its_page: PAGE,
        publish_store_before_the_next_owner "publish-store" DEAD;
}
