//! W6: a token with a lease must report in time; who is late is told so, and told apart from who was taken over.

use std::sync::Arc;
use std::time::Duration;

use lifesign::{Acquire, Check, ErrorKind, HistoryKind, OnLapse, Status, SubscriptionFilter, Token};

use crate::support::clock::{SECOND, Timed};
use crate::support::{breaks, check, drain, engine, kind, parked, states};

impl Timed {
    /// Lets the time be `second` at once, in a thread that stops at `point`.
    fn parked_at(&self, point: &'static str, second: f64) -> parked::Parked<()> {
        let timed = self.clone();
        parked::at(point, move || timed.jump(second))
    }

    fn acquire(&self, check: &Check, label: &str, seconds: u64, on_lapse: OnLapse) -> Arc<Token> {
        let how = Acquire::new(label).lease(Duration::from_secs(seconds), on_lapse);
        Arc::new(self.engine.acquire(check, how).unwrap())
    }
}

#[test]
fn w6_a_lease_lapses_at_its_deadline_and_not_before() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let check = check(&timed.engine, "web:alive", None);
    let token = timed.acquire(&check, "probe", 10, OnLapse::Critical);
    token.write(Status::Passing, "ok").unwrap();
    timed.at(0.0, 10.0);
    assert!(timed.engine.who(&check).unwrap().holder.is_some(), "not before");
    timed.at(10.0, 10.25);
    let state = timed.engine.snapshot(&check).unwrap();
    assert_eq!(
        (state.status(), state.holder(), state.writer()),
        (Status::Critical, 0, 1),
        "written by the engine"
    );
    assert!(state.is_orphaned() && state.output().contains("\"probe\""), "{}", state.output());
    assert_eq!(state.generation(), token.generation(), "nobody came");
    assert_eq!(check.status(), Some(Status::Critical));
    let who = timed.engine.who(&check).unwrap();
    assert!(who.holder.is_none() && who.orphaned);
    assert_eq!(who.silent_for, Some(Duration::from_millis(10_250)));
    assert_eq!(timed.engine.stats().unwrap().lapses, 1);
}

#[test]
fn w6_the_late_holder_is_told_that_it_expired_and_acquires_again() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let check = check(&timed.engine, "web:alive", None);
    let old = timed.acquire(&check, "probe", 1, OnLapse::Keep);
    timed.at(0.0, 2.0);
    for refused in [old.write(Status::Passing, "late"), old.renew(), old.deregister_check()] {
        let refused = refused.expect_err("the lease is over");
        assert_eq!(refused.kind(), ErrorKind::Expired);
        assert!(
            refused.holder().is_none() && refused.caller().is_some_and(|caller| &*caller.label == "probe")
        );
    }
    assert_eq!(kind(old.subscribe(&SubscriptionFilter::all())), ErrorKind::Expired);
    assert_eq!(timed.engine.stats().unwrap().refused_expired, 4);
    assert_eq!(check.status(), Some(Status::Passing), "it is kept as it was");
    let new = timed.acquire(&check, "probe", 1, OnLapse::Keep);
    assert!(!timed.engine.snapshot(&check).unwrap().is_orphaned());
    assert_eq!(kind(old.write(Status::Critical, "late")), ErrorKind::Fenced, "now somebody has come");
    drop(old);
    new.write(Status::Warning, "here").unwrap();
}

#[test]
fn w6_reports_heartbeats_and_renewals_keep_a_lease() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let check = check(&timed.engine, "web:alive", None);
    let token = timed.acquire(&check, "probe", 1, OnLapse::Keep);
    for step in 0..20 {
        let now = f64::from(step) * 0.75;
        timed.at(now - 0.75, now);
        match step % 3 {
            0 => token.write(Status::Passing, &format!("step {step}")).unwrap(),
            1 => token.write(Status::Passing, &format!("step {}", step - 1)).unwrap(),
            _ => token.renew().unwrap(),
        }
    }
    let stats = timed.engine.stats().unwrap();
    assert_eq!((stats.lapses, stats.heartbeats, stats.clock_jumps), (0, 7, 0));
}

#[test]
fn w6_whoever_comes_first_ends_the_lease() {
    let _whole = breaks::none();
    // A tick can be parked before it looks: then the next acquisition, renewal or write does its work.
    for first in ["acquire", "renew", "write", "deregister"] {
        let timed = Timed::new();
        let check = check(&timed.engine, "web:alive", None);
        let old = timed.acquire(&check, "old", 1, OnLapse::Warning);
        timed.at(0.0, 1.0);
        let ticking = timed.parked_at("tick:told", 1.25);
        match first {
            "acquire" => drop(timed.engine.acquire(&check, "new").expect("the lease is over")),
            "renew" => assert_eq!(kind(old.renew()), ErrorKind::Expired),
            "write" => assert_eq!(kind(old.write(Status::Passing, "")), ErrorKind::Expired),
            _ => timed.engine.deregister_check(&check).expect("nobody holds it any more"),
        }
        assert_eq!(timed.engine.stats().unwrap().lapses, 1, "{first} has ended it");
        ticking.finish();
        assert_eq!(timed.engine.stats().unwrap().lapses, 1, "and the tick does not do it again");
    }
}

#[test]
fn w6_a_lapse_that_is_under_way_is_finished_by_whoever_meets_it() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let check = check(&timed.engine, "web:alive", None);
    let old = timed.acquire(&check, "old", 1, OnLapse::Critical);
    timed.at(0.0, 1.0);
    let ticking = timed.parked_at("lapse:declared", 1.25);
    assert_eq!(kind(old.write(Status::Passing, "late")), ErrorKind::Expired);
    assert_eq!(check.status(), Some(Status::Critical));
    let new = timed.engine.acquire(&check, "new").unwrap();
    new.write(Status::Passing, "ok").unwrap();
    ticking.finish();
    assert_eq!(check.status(), Some(Status::Passing), "the late tick harms nobody");
    assert_eq!(timed.engine.stats().unwrap().lapses, 1);
}

#[test]
fn w6_an_old_token_never_renews_its_successors_lease() {
    let script = || {
        let timed = Timed::new();
        let check = check(&timed.engine, "web:alive", None);
        let old = timed.acquire(&check, "old", 1, OnLapse::Keep);
        timed.at(0.0, 0.5);
        let generation = old.generation();
        let late = parked::at("lease:touching", move || old.renew());
        let how = Acquire::new("new").lease(Duration::from_secs(1), OnLapse::Keep);
        let new = timed.engine.take_over(&check, generation, how).unwrap();
        timed.at(0.5, 1.25);
        let renewed = late.finish();
        timed.at(1.25, 1.75);
        assert_eq!(timed.engine.stats().unwrap().lapses, 1, "the successor has not reported");
        assert_eq!(kind(new.renew()), ErrorKind::Expired);
        assert_eq!(kind(renewed), ErrorKind::Fenced);
    };
    breaks::notices("lease-validate-then-store", "the successor has not reported", script);
}

#[test]
fn w6_a_renewal_that_was_accepted_is_not_followed_by_a_lapse() {
    let script = || {
        let timed = Timed::new();
        let check = check(&timed.engine, "web:alive", None);
        let token = timed.acquire(&check, "probe", 1, OnLapse::Keep);
        timed.at(0.0, 1.0);
        let renewing = parked::at("lease:touching", {
            let token = token.clone();
            move || token.renew()
        });
        let ticking = timed.parked_at("lapse:due", 1.25);
        renewing.finish().expect("the tick has not declared anything yet");
        ticking.finish();
        assert!(timed.engine.who(&check).unwrap().holder.is_some(), "an accepted renewal holds");
    };
    breaks::notices("lapse-without-claim", "an accepted renewal holds", script);
}

#[test]
fn w6_a_lapse_of_an_old_life_or_generation_touches_no_other() {
    let script = || {
        let timed = Timed::new();
        let check = check(&timed.engine, "web:alive", None);
        let old = timed.acquire(&check, "old", 1, OnLapse::Critical);
        timed.at(0.0, 1.0);
        let ticking = timed.parked_at("lapse:committing", 1.25);
        let new = timed.engine.take_over(&check, old.generation(), "new").unwrap();
        ticking.finish();
        new.write(Status::Passing, "ok").expect("a lapse of the old holder harms the new one");
    };
    breaks::notices("lapse-by-cell", "a lapse of the old holder harms the new one", script);
}

#[test]
fn w6_a_lapse_makes_nothing_better() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let check = check(&timed.engine, "web:alive", None);
    let token = timed.acquire(&check, "probe", 1, OnLapse::Warning);
    token.write(Status::Critical, "down").unwrap();
    timed.at(0.0, 2.0);
    assert_eq!(check.status(), Some(Status::Critical));
    assert!(timed.engine.snapshot(&check).unwrap().output().contains("ran out"));
}

#[test]
fn w6_after_a_jump_every_lease_gets_a_whole_one_once() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let (short, long) = (check(&timed.engine, "short", None), check(&timed.engine, "long", None));
    let one = timed.acquire(&short, "one", 10, OnLapse::Keep);
    let _other = timed.acquire(&long, "other", 60, OnLapse::Keep);
    timed.jump(1_000.0);
    assert_eq!(timed.engine.stats().unwrap().clock_jumps, 1);
    one.renew().expect("the machine was asleep, not the writer");
    assert_eq!(timed.engine.stats().unwrap().lapses, 0);
    timed.at(1_000.0, 1_010.0);
    assert_eq!(timed.engine.stats().unwrap().lapses, 0);
    timed.at(1_010.0, 1_010.25);
    assert_eq!(timed.engine.stats().unwrap().lapses, 1, "one whole lease, no more");
    timed.at(1_010.25, 1_060.25);
    assert_eq!(timed.engine.stats().unwrap().lapses, 2);
    // Somebody who ticks too seldom: each tick is a jump, and still a lease ends.
    let _again = timed.acquire(&short, "again", 10, OnLapse::Keep);
    for step in 1..=4 {
        timed.jump(1_060.25 + f64::from(step) * 6.0);
    }
    assert_eq!(timed.engine.stats().unwrap().lapses, 3, "the time that a jump gives is given once");
}

#[test]
fn w6_the_boot_clock_does_not_go_back() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let check = check(&timed.engine, "web:alive", None);
    let token = timed.acquire(&check, "probe", 10, OnLapse::Keep);
    timed.at(0.0, 5.0);
    token.renew().unwrap();
    timed.engine.tick(-1, 0).unwrap();
    token.renew().unwrap();
    timed.at(5.0, 15.0);
    assert_eq!(timed.engine.stats().unwrap().lapses, 0);
    assert_eq!(timed.engine.snapshot(&check).unwrap().time_ns(), 0, "the wall clock may go where it likes");
}

#[test]
fn w6_a_lapse_is_an_event_and_an_entry() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let check = check(&timed.engine, "web:alive", None);
    let subscription = timed.engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let _token = timed.acquire(&check, "probe", 1, OnLapse::Keep);
    drain(&subscription);
    timed.at(0.0, 1.25);
    let told = states(&drain(&subscription));
    assert!(told.len() == 1 && told[0].1.is_orphaned());
    let history = timed.engine.history(&check).unwrap();
    assert_eq!((history.len(), history[0].kind, history[0].writer), (1, HistoryKind::Lapse, 1));
}

#[test]
fn w6_a_lease_of_nothing_is_refused() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let refused = engine.acquire(&check, Acquire::new("probe").lease(Duration::ZERO, OnLapse::Keep));
    let refused = refused.expect_err("no time at all");
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("web:alive"), "{refused}");
    assert!(engine.who(&check).unwrap().holder.is_none());
}

#[test]
fn w6_a_time_that_cannot_be_measured_is_refused_and_stops_no_lease() {
    let _whole = breaks::none();
    let timed = Timed::new();
    let check = check(&timed.engine, "a", None);
    let token = timed.acquire(&check, "probe", 10, OnLapse::Keep);
    for never in [u64::MAX, 11 * 365 * 24 * 3600 * SECOND] {
        let error = timed.engine.tick(0, never).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(&never.to_string()), "{error}");
    }
    timed.at(0.0, 10.25);
    assert_eq!(kind(token.renew()), ErrorKind::Expired, "the time goes on from where it was");
}
