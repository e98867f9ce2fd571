//! Which named break is on. The choice is process-wide, so a test that wants none shares the process with its like only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use super::evidence;

static CHOICE: RwLock<()> = RwLock::new(());

/// No break is on as long as this lives; other tests of this kind run beside it.
pub fn none() -> RwLockReadGuard<'static, ()> {
    CHOICE.read().unwrap_or_else(PoisonError::into_inner)
}

/// No break is on, and no other test of this program runs.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    CHOICE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `script` whole, then with the break `name`, under which exactly the assertion that says `assertion` must fail.
pub fn notices(name: &'static str, assertion: &str, script: impl Fn()) {
    let (text, seconds) = dies_of(name, script);
    assert!(text.contains(assertion), "with {name} another assertion failed: {text}");
    evidence::append("mutant", name, 1, seconds, &format!("killed: {assertion}"));
}

/// Runs `script` whole, then with the break `name`, under which some assertion must fail; returns its text, and how many seconds it all took.
pub fn dies_of(name: &'static str, script: impl Fn()) -> (String, f64) {
    let _alone = alone();
    let begun = Instant::now();
    script();
    lifesign::mutant::select(Some(name));
    let outcome = catch_unwind(AssertUnwindSafe(&script));
    lifesign::mutant::select(None);
    let panic = outcome.expect_err("the script does not notice the break");
    let text = match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => (*text).to_owned(),
        _ => String::new(),
    };
    (text, begun.elapsed().as_secs_f64())
}
