//! Rare orders that the histories and the windows came upon, forced here.

use std::sync::Arc;

use lifesign::{ErrorKind, Status, SubscriptionFilter};

use crate::support::{breaks, check, drain, engine, kind, parked, slot};

/// Neither the write nor the take-over after it has published its word when a third learns that there is a new holder.
fn refused_between_commit_and_word() {
    let engine = Arc::new(engine());
    let check = check(&engine, "web:alive", None);
    let token = Arc::new(engine.acquire(&check, "O").unwrap());
    let (writer, taker) = (token.clone(), engine.clone());
    let generation = token.generation();
    let write = parked::at("commit:done", move || writer.write(Status::Critical, "down"));
    let take_over = parked::at("commit:done", move || taker.take_over(&check, generation, "N"));
    assert_eq!(kind(engine.take_over(&check, generation, "third")), ErrorKind::Held);
    assert_eq!(check.status(), Some(Status::Critical), "the word is not behind what a refusal has told");
    assert_eq!(kind(token.write(Status::Passing, "up")), ErrorKind::Fenced);
    write.finish().unwrap();
    take_over.finish().unwrap();
}

#[test]
fn whoever_is_refused_sees_no_older_word() {
    breaks::notices("told-without-raise", "what a refusal has told", refused_between_commit_and_word);
}

/// The end of a check's first life is merged into that of its second, which lived in another cell; then a mark comes that was owed to the first.
fn late_mark_on_a_former_life() {
    let engine = engine();
    let other = check(&engine, "other", None);
    let first = check(&engine, "web:alive", None);
    let token = engine.acquire(&first, "O").unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    drain(&subscription);
    let write = parked::at("commit:propagated", move || token.write(Status::Critical, "down"));
    engine.deregister_check(&other).unwrap();
    engine.deregister_check_by_force(&first, "operator").unwrap();
    let second = check(&engine, "web:alive", None);
    assert_ne!(slot(&first), slot(&second), "the first life's cell has no new owner");
    let incarnation = engine.snapshot(&second).unwrap().incarnation();
    engine.deregister_check(&second).unwrap();
    let ends = drain(&subscription);
    assert!(ends.iter().any(|end| end.id() == "web:alive" && end.revision() > incarnation), "{ends:?}");
    write.finish().unwrap();
    let late = drain(&subscription);
    assert!(late.is_empty(), "the end of an earlier life comes late: {late:?}");
}

#[test]
fn the_end_of_an_earlier_life_is_not_told_after_that_of_a_later() {
    breaks::notices(
        "end-told-from-cell",
        "the end of an earlier life comes late",
        late_mark_on_a_former_life,
    );
}
