//! No more descriptors: whoever needs one is told in words, the rest works without, and nothing leaks.

use std::os::fd::OwnedFd;
use std::time::Instant;

use lifesign::{Engine, Error, ErrorKind, Status, SubscriptionFilter};

use crate::support::child::in_a_child;
use crate::support::{PATIENCE, breaks, check, drain, engine, evidence, is_readable};

/// Takes all descriptors but `left` that this process may still have.
fn use_up(left: usize) -> Vec<OwnedFd> {
    let limit = libc::rlimit { rlim_cur: 128, rlim_max: 128 };
    // SAFETY: a call with one struct, which lives until it returns.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let null = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let mut taken: Vec<OwnedFd> = std::iter::from_fn(|| null.try_clone().ok()).collect();
    taken.truncate(taken.len() - left);
    taken.push(null);
    taken
}

/// How many descriptors this process has, without opening one.
fn open() -> usize {
    // SAFETY: asks for the flags of a number, which need not be open.
    (0..128).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0).count()
}

fn is_told<T>(result: Result<T, Error>, word: &str) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::Limit && error.to_string().contains(word))
}

#[test]
fn without_descriptors_waits_and_polls_still_work() {
    let _alone = breaks::alone();
    let begun = Instant::now();
    let wrong = in_a_child(|| {
        let engine = engine();
        let alive = check(&engine, "alive", None);
        let token = engine.acquire(&alive, "probe").unwrap();
        let [early, late] = [0, 1].map(|_| engine.subscribe(&SubscriptionFilter::all()).unwrap());
        let descriptor = early.descriptor().unwrap();
        drain(&early);
        drain(&late);
        let mut taken = use_up(0);
        let before = open();
        let mut answers = vec![is_told(late.descriptor(), "use a blocking wait")];
        let waited = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| late.wait(Some(PATIENCE)));
            token.write(Status::Critical, "down").unwrap();
            waiting.join().unwrap()
        });
        answers.push(waited.is_ok() && drain(&late).len() == 1);
        answers.push(is_readable(descriptor) && drain(&early).len() == 1 && !is_readable(descriptor));
        answers.push((0..1000).all(|_| is_told(late.descriptor(), "descriptor")));
        // An engine needs none.
        answers.push(Engine::open(lifesign::Config::default()).is_ok_and(|other| other.audit().is_ok()));
        answers.push(open() == before);
        drop(taken.pop());
        let made = late.descriptor();
        answers.push(made.is_ok() && open() == before);
        token.write(Status::Passing, "up").unwrap();
        answers.push(made.is_ok_and(is_readable));
        drop((early, late));
        // The last reference to a subscription may be one that a writer has borrowed; here nobody writes.
        answers.push(open() == before - 2);
        answers
    });
    assert_eq!(wrong, 0, "question {wrong} was answered wrongly without descriptors");
    evidence::tell("faults", "no descriptors: told, waits and polls still work", 1, begun);
}

#[test]
fn without_descriptors_a_claim_and_an_export_are_refused_and_leave_nothing() {
    let _alone = breaks::alone();
    let directory = tempfile::tempdir().unwrap();
    let (path, file) = (directory.path(), directory.path().join("state"));
    let names = || {
        let entries = std::fs::read_dir(path).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let wrong = in_a_child(|| {
        let engine = engine();
        let alive = check(&engine, "alive", None);
        let token = engine.acquire(&alive, "probe").unwrap();
        token.write(Status::Warning, "slow").unwrap();
        engine.export(&file).unwrap();
        let earlier = std::fs::read(&file).unwrap();
        token.write(Status::Passing, "up").unwrap();
        let mut answers = Vec::new();
        for left in 0..2 {
            let taken = use_up(left);
            let before = open();
            answers.push(is_told(engine.export(&file), "state"));
            answers.push(left > 0 || is_told(engine.claim(path, "node"), "node.lock"));
            answers.push(open() == before);
            drop(taken);
            answers.push(std::fs::read(&file).is_ok_and(|now| now == earlier));
            answers.push(left > 0 || names() == ["state"]);
        }
        answers.push(engine.export(&file).is_ok_and(|count| count == 1) && names() == ["state"]);
        answers
            .push(engine.claim(path, "node").is_ok_and(|claim| claim.state().is_ok_and(|state| state.held)));
        answers
    });
    assert_eq!(wrong, 0, "question {wrong} was answered wrongly without descriptors");
}
