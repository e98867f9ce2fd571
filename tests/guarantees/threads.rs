//! B5: the engine starts no thread.

use std::time::Duration;

use lifesign::{ErrorKind, Status, SubscriptionFilter};

use crate::support::child::in_a_child;
use crate::support::{breaks, drain, engine, kind, token};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc is there").count()
}

#[test]
fn b5_no_thread_is_started() {
    // In a child, which begins with one thread and has no other test beside it.
    breaks::notices("engine-starts-a-thread", "the engine has no thread", || {
        let directory = tempfile::tempdir().unwrap();
        let wrong = in_a_child(|| {
            let before = threads();
            let engine = engine();
            let claim = engine.claim(directory.path(), "node").unwrap();
            let token = token(&engine, "a");
            let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
            subscription.descriptor().unwrap();
            drain(&subscription);
            let waited = kind(subscription.wait(Some(Duration::from_millis(1))));
            token.write(Status::Critical, "down").unwrap();
            engine.tick(0, 0).unwrap();
            engine.audit().unwrap();
            engine.export(&directory.path().join("export")).unwrap();
            let during = threads();
            drop((claim, subscription, token, engine));
            vec![before == 1, waited == ErrorKind::Timeout, during == 1, threads() == 1]
        });
        assert_eq!(wrong, 0, "the engine has no thread: answer {wrong}");
    });
}
