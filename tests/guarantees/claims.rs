//! X1: one holder of a name in a directory; both sides can name each other; what goes wrong leaves nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, sleep, spawn};
use std::time::{Duration, Instant};

use lifesign::failpoint::Pause;
use lifesign::{Claim, Config, Embedder, Engine, Error, ErrorKind, Event, SubscriptionFilter, TroubleKind};
use tempfile::{TempDir, tempdir};

use crate::support::child::{Standing, in_a_child, kill_stray, leave_a_copy};
use crate::support::clock::timed;
use crate::support::disk;
use crate::support::{breaks, drain, engine, kind, parked};

/// An engine of a program with this build.
fn build(build: &str) -> Engine {
    let embedder = Embedder { name: "agent".into(), version: "1.0".into(), build: build.into() };
    Engine::open(Config { embedder, ..Config::default() }).unwrap()
}

fn directory() -> TempDir {
    tempdir().expect("a directory")
}

/// A directory in which the lock is turned off.
fn without_lock() -> TempDir {
    let directory = directory();
    std::fs::write(directory.path().join(".lifesign-advisory"), "").unwrap();
    directory
}

fn tick(engine: &Engine) {
    engine.tick(0, 0).expect("a tick of an open engine");
}

fn held(result: Result<Claim, Error>, because: &str) -> Error {
    let Err(error) = result else { panic!("{because}") };
    assert_eq!(error.kind(), ErrorKind::Held, "{error}");
    error
}

/// Build and count of each rival.
fn rivals(claim: &Claim) -> Vec<(String, u64)> {
    let rivals = claim.rivals().unwrap();
    rivals.iter().map(|rival| (rival.record.embedder.build.clone(), rival.count)).collect()
}

/// Kills a holder that has left a copy of itself: the name is free, though the copy lives on.
fn ends_with_its_claim(child: &mut Standing, path: &Path) {
    child.kill();
    let outcome = build("west").claim(path, "node").map(drop);
    kill_stray(child.told);
    assert!(outcome.is_ok(), "the child does not keep the claim: {outcome:?}");
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn x1_a_name_has_one_holder() {
    breaks::notices("claim-classic-lock", "the name is held", || {
        let directory = directory();
        let (west, east) = (build("west"), build("east"));
        let claim = west.claim(directory.path(), "node").unwrap();
        assert!(!claim.is_advisory().unwrap() && claim.state().unwrap().held);
        // What makes a classic lock vanish.
        drop(std::fs::File::open(directory.path().join("node.lock")).unwrap());
        held(east.claim(directory.path(), "node"), "the name is held");
        assert_eq!(east.stats().unwrap().refused_held, 1);
        let other = east.claim(directory.path(), "node.b").expect("another name is free");
        claim.release().unwrap();
        let claim = east.claim(directory.path(), "node").expect("a released name is free");
        drop((claim, other));
        let claim = west.claim(directory.path(), "node").expect("a dropped claim is released");
        west.close();
        assert_eq!(kind(claim.state()), ErrorKind::Closed);
        east.claim(directory.path(), "node").expect("a closed engine holds nothing");
        assert_eq!(files(directory.path()), ["node.b.lock", "node.lock"], "only the locks stay");
    });
}

#[test]
fn x1_each_side_names_the_other() {
    let _whole = breaks::none();
    let directory = directory();
    let (west, east) = (build("west-7"), build("east-8"));
    let claim = west.claim(directory.path(), "node").unwrap();
    let error = held(east.claim(directory.path(), "node"), "the name is held");
    let (caller, holder) = (error.caller().unwrap(), error.holder().unwrap());
    assert_eq!((&*caller.embedder.build, &*holder.embedder.build), ("east-8", "west-7"));
    assert_eq!(holder.process.pid, u64::from(std::process::id()));
    assert_eq!(holder.process, west.record(1).unwrap().process, "all that identifies a process");
    assert_eq!(east.record(holder.id).unwrap().process, holder.process, "interned");
    let text = error.to_string();
    let (pid, machine) = (holder.process.pid.to_string(), &holder.process.machine);
    for part in
        ["\"node\"", "west-7", "east-8", &pid, machine, " since 20", &*directory.path().to_string_lossy()]
    {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    assert_eq!(error.generation(), None);

    assert!(rivals(&claim).is_empty(), "not before a tick");
    tick(&west);
    assert_eq!(rivals(&claim), [("east-8".into(), 1)]);
    let seen = &claim.rivals().unwrap()[0];
    assert_eq!(seen.record.process, east.record(1).unwrap().process);
    assert!(seen.first_ns > 0 && seen.first_ns == seen.last_ns);
    assert_eq!(west.record(seen.record.id).unwrap().process, seen.record.process, "interned");
    tick(&west);
    assert_eq!(rivals(&claim), [("east-8".into(), 1)], "taken in once");
    for _ in 0..3 {
        held(east.claim(directory.path(), "node"), "the name is held");
    }
    held(build("north-9").claim(directory.path(), "node"), "the name is held");
    tick(&west);
    let mut all = rivals(&claim);
    all.sort();
    assert_eq!(all, [("east-8".into(), 4), ("north-9".into(), 1)]);
    assert_eq!(claim.state().unwrap().beats, 3);

    // The same engine again is refused too, and is no rival of itself.
    let again = held(west.claim(directory.path(), "node"), "the name is held");
    assert_eq!(again.holder().unwrap().id, 1);
    tick(&west);
    assert_eq!(claim.rivals().unwrap().len(), 2);

    // Who comes next is not told of the attempts against others.
    held(east.claim(directory.path(), "node"), "the name is held");
    claim.release().unwrap();
    let claim = east.claim(directory.path(), "node").unwrap();
    tick(&east);
    assert!(rivals(&claim).is_empty());
}

#[test]
fn x1_a_rival_is_trouble() {
    let _whole = breaks::none();
    let directory = directory();
    let (west, east) = (build("west"), build("east"));
    let claim = west.claim(directory.path(), "node").unwrap();
    let trouble = west.subscribe(&SubscriptionFilter::trouble()).unwrap();
    for _ in 0..3 {
        held(east.claim(directory.path(), "node"), "the name is held");
    }
    assert!(drain(&trouble).is_empty(), "not before a tick");
    tick(&west);
    let events = drain(&trouble);
    let [Event::Trouble(told)] = &events[..] else { panic!("one event: {events:?}") };
    assert_eq!((told.kind, &*told.id, told.check, told.count), (TroubleKind::RivalClaim, "node", 0, 3));
    let (offender, holder) = (told.offender.as_ref().unwrap(), told.holder.as_ref().unwrap());
    assert_eq!((&*offender.embedder.build, &*holder.embedder.build), ("east", "west"));
    assert!(claim.state().unwrap().held);
}

#[test]
fn x1_the_lock_is_the_one_at_the_path() {
    breaks::notices("claim-without-inode-check", "a lock that is gone excludes nobody", || {
        let directory = directory();
        let path = directory.path().to_owned();
        let late = parked::at("claim.opened", move || {
            let east = build("east");
            east.claim(&path, "node").map(|claim| (east, claim))
        });
        std::fs::remove_file(directory.path().join("node.lock")).unwrap();
        let west = build("west");
        let _claim = west.claim(directory.path(), "node").unwrap();
        held(late.finish().map(|(_, claim)| claim), "a lock that is gone excludes nobody");
    });
}

#[test]
fn x1_a_lost_lock_is_noticed_by_both() {
    let _whole = breaks::none();
    let directory = directory();
    let (west, east) = (build("west"), build("east"));
    let first = west.claim(directory.path(), "node").unwrap();
    std::fs::remove_file(directory.path().join("node.lock")).unwrap();
    let second = east.claim(directory.path(), "node").expect("the new file is free");
    tick(&west);
    let state = first.state().unwrap();
    assert!(!state.held && state.trouble.is_some_and(|error| error.kind() == ErrorKind::Held));
    assert_eq!(rivals(&first), [("east".into(), 1)]);
    tick(&east);
    assert_eq!(rivals(&second), [("west".into(), 1)]);
    assert!(second.state().unwrap().held);
    second.release().unwrap();
    tick(&west);
    let state = first.state().unwrap();
    assert!(state.held && state.trouble.is_none(), "{state:?}");
    held(east.claim(directory.path(), "node"), "it is back in force");

    // Nobody else came: it is simply had back.
    std::fs::remove_file(directory.path().join("node.lock")).unwrap();
    tick(&west);
    assert!(first.state().unwrap().held);
    held(east.claim(directory.path(), "node"), "it is back in force");
}

/// Waits until a thread has ended or has had time enough to come to where it must wait.
fn ended_or_waiting<T>(thread: &std::thread::JoinHandle<T>) {
    for _ in 0..200 {
        if thread.is_finished() {
            return;
        }
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn x1_an_attempt_is_neither_lost_nor_taken_twice() {
    breaks::notices("claim-attempts-out-of-turn", "each attempt is taken in once", || {
        let directory = directory();
        let path = directory.path().to_owned();
        let west = std::sync::Arc::new(build("west"));
        let claim = west.claim(&path, "node").unwrap();
        held(build("east").claim(&path, "node"), "the name is held");
        let ticker = west.clone();
        let reading = parked::at("claim.attempts.read", move || tick(&ticker));
        let rival = spawn(move || held(build("north").claim(&path, "node"), "the name is held").to_string());
        ended_or_waiting(&rival);
        reading.finish();
        let text = rival.join().unwrap();
        assert!(!text.contains("cannot be told"), "it was left: {text}");
        tick(&west);
        let mut all = rivals(&claim);
        all.sort();
        assert_eq!(all, [("east".into(), 1), ("north".into(), 1)], "each attempt is taken in once");
    });
}

#[test]
fn x1_the_loser_never_comes_before_the_record() {
    breaks::notices("claim-without-turn", "the loser can name the holder", || {
        let directory = directory();
        let (path, other) = (directory.path().to_owned(), directory.path().to_owned());
        let winning = parked::at("claim.locked", move || {
            let west = build("west");
            west.claim(&path, "node").map(|claim| (west, claim))
        });
        let rival = spawn(move || held(build("east").claim(&other, "node"), "the name is held"));
        ended_or_waiting(&rival);
        let _claim = winning.finish().unwrap();
        let error = rival.join().unwrap();
        let named = error.holder().map(|holder| holder.embedder.build.clone());
        assert_eq!(named.as_deref(), Some("west"), "the loser can name the holder");
    });
}

#[test]
fn x1_the_attempts_are_bounded() {
    breaks::notices("claim-attempts-unbounded", "the file is bounded", || {
        let directory = directory();
        let west = build("west");
        let claim = west.claim(directory.path(), "node").unwrap();
        let number = 250;
        let mut text = Vec::new();
        for rival in 0..number {
            held(build(&format!("build {rival}")).claim(directory.path(), "node"), "the name is held");
            text = std::fs::read(directory.path().join("node.attempts")).unwrap();
            assert!(text.len() <= 64 << 10, "the file is bounded");
        }
        let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let (rows, more) = (file["rows"].as_array().unwrap().len() as u64, file["more"].as_u64().unwrap());
        assert_eq!(rows + more, number, "what has no room is counted");
        assert!(rows > 64 && more > 0, "{rows} {more}");
        tick(&west);
        assert_eq!(claim.rivals().unwrap().len(), 64, "the list is bounded");
        let trouble = claim.state().unwrap().trouble.expect("it says so");
        assert_eq!(trouble.kind(), ErrorKind::Limit);
        assert!(trouble.to_string().contains(&format!(" {more} more attempts")), "{trouble}");
        // A file that cannot be understood is said once, and makes room.
        std::fs::write(directory.path().join("node.attempts"), "{").unwrap();
        tick(&west);
        assert!(claim.state().unwrap().trouble.is_some_and(|error| error.kind() == ErrorKind::Invalid));
        tick(&west);
        assert!(claim.state().unwrap().trouble.is_none());
    });
}

#[test]
fn x1_claims_of_many_threads_exclude_each_other() {
    let _whole = breaks::none();
    let directory = directory();
    let path = directory.path();
    let (taken, wins, refusals) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (taken, wins, refusals) = (&taken, &wins, &refusals);
            scope.spawn(move || {
                let engine = build(&number.to_string());
                while wins.load(Ordering::Relaxed) < 200 || refusals.load(Ordering::Relaxed) < 200 {
                    match engine.claim(path, "node") {
                        Ok(claim) => {
                            assert!(!taken.swap(true, Ordering::SeqCst), "two holders at a time");
                            wins.fetch_add(1, Ordering::Relaxed);
                            tick(&engine);
                            std::thread::yield_now();
                            taken.store(false, Ordering::SeqCst);
                            claim.release().unwrap();
                        }
                        Err(error) => {
                            let error = held(Err(error), "an error");
                            let holder = error.holder().expect("the holder is named");
                            assert_ne!(holder.embedder.build, number.to_string(), "{error}");
                            refusals.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn x1_without_a_lock_both_name_each_other_within_two_heartbeats() {
    let _whole = breaks::none();
    let directory = without_lock();
    let (west, east) = (build("west"), build("east"));
    let first = west.claim(directory.path(), "node").unwrap();
    let second = east.claim(directory.path(), "node").expect("nothing excludes");
    assert!(first.is_advisory().unwrap() && second.is_advisory().unwrap());
    assert!(rivals(&first).is_empty() && rivals(&second).is_empty(), "nothing has moved yet");
    tick(&west);
    assert_eq!(rivals(&first), [("east".into(), 1)]);
    tick(&east);
    assert_eq!(rivals(&second), [("west".into(), 1)]);
    tick(&west);
    tick(&east);
    assert_eq!((rivals(&first), rivals(&second)), (vec![("east".into(), 2)], vec![("west".into(), 2)]));
    tick(&east);
    assert_eq!(rivals(&second), [("west".into(), 2)], "who does not move is not seen again");
    held(west.claim(directory.path(), "node"), "an engine is no rival of itself");
    let third = east.claim(directory.path(), "node.b").expect("another name");
    tick(&west);
    assert_eq!(rivals(&first), [("east".into(), 3)], "its own heartbeat, not that of the other name");
    drop((first, second, third));
    assert_eq!(files(directory.path()), [".lifesign-advisory"]);
}

#[test]
fn x1_a_heartbeat_that_stands_still_is_nobodys() {
    breaks::notices("claim-still-beat-is-alive", "a heartbeat that stands still is nobody's", || {
        let directory = without_lock();
        let path = directory.path();
        let mut child = Standing::after(|| {
            let engine = build("east");
            let claim = engine.claim(path, "node").unwrap();
            ((engine, claim), 0)
        });
        child.kill();
        let west = timed();
        let claim = west.claim(path, "node").unwrap();
        let hour = 3_600_000_000_000;
        let beats = || files(path).iter().filter(|name| name.ends_with(".beat")).count();
        for now in [0, 1, hour - 1] {
            west.tick(now as i64, now).unwrap();
            assert!(rivals(&claim).is_empty(), "a heartbeat that stands still is nobody's");
            assert_eq!(beats(), 2);
        }
        west.tick(hour as i64, hour).unwrap();
        assert_eq!(beats(), 1, "and is taken away after an hour");
    });
}

#[test]
fn x1_the_dead_hold_nothing_and_the_stopped_do() {
    let _alone = breaks::alone();
    let directory = directory();
    let path = directory.path();
    let mut child = Standing::after(|| {
        let engine = build("east");
        let claim = engine.claim(path, "node").unwrap();
        ((engine, claim), 0)
    });
    child.signal(libc::SIGSTOP);
    let west = build("west");
    let error = held(west.claim(path, "node"), "who is stopped holds it");
    assert_eq!(error.holder().unwrap().process.pid, child.pid());
    child.signal(libc::SIGCONT);
    child.kill();
    let claim = west.claim(path, "node").expect("who is killed holds nothing");
    let record = std::fs::read_to_string(path.join("node.holder")).unwrap();
    assert!(record.contains("west") && !record.contains("east"), "{record}");
    assert!(claim.state().unwrap().held);
}

#[test]
fn x1_a_forked_child_keeps_nothing() {
    breaks::notices("claim-child-keeps-lock", "the child does not keep the claim", || {
        let directory = directory();
        let path = directory.path();
        let mut child = Standing::after(|| {
            let engine = build("east");
            let claim = engine.claim(path, "node").unwrap();
            ((engine, claim), leave_a_copy(true))
        });
        ends_with_its_claim(&mut child, path);
    });
}

#[test]
fn x1_a_child_forked_in_the_middle_keeps_nothing() {
    breaks::notices("claim-fork-unnoticed", "the child does not keep the claim", || {
        let directory = directory();
        let path = directory.path();
        let mut child = Standing::after(|| {
            let own = path.to_owned();
            let claiming = parked::at("claim.descriptor", move || {
                let engine = build("east");
                let claim = engine.claim(&own, "node").unwrap();
                (engine, claim)
            });
            let copy = leave_a_copy(true);
            (claiming.finish(), copy)
        });
        held(build("west").claim(path, "node"), "the name is held");
        ends_with_its_claim(&mut child, path);
    });
}

#[test]
fn x1_a_child_of_a_fork_that_had_begun_keeps_nothing() {
    breaks::notices("claim-fork-under-way", "the child does not keep the claim", || {
        let directory = directory();
        let path = directory.path();
        let mut child = Standing::after(|| {
            let forking = parked::at("claim.forking", || leave_a_copy(true));
            let (own, opened) = (path.to_owned(), Pause::new());
            let arm = opened.clone();
            let claiming = thread::spawn(move || {
                arm.arm("claim.descriptor");
                let engine = build("east");
                let claim = engine.claim(&own, "node").unwrap();
                (engine, claim)
            });
            // Either it waits for the fork, or it has the file open when the child is made.
            let deadline = Instant::now() + Duration::from_millis(300);
            while !opened.was_reached() && Instant::now() < deadline {
                thread::yield_now();
            }
            let copy = forking.finish();
            opened.release();
            (claiming.join().unwrap(), copy)
        });
        held(build("west").claim(path, "node"), "the name is held");
        ends_with_its_claim(&mut child, path);
    });
}

#[test]
fn x1_a_copy_made_past_the_library_is_told_from_a_holder() {
    let _alone = breaks::alone();
    let directory = directory();
    let path = directory.path();
    let mut child = Standing::after(|| {
        let engine = build("east");
        let claim = engine.claim(path, "node").unwrap();
        ((engine, claim), leave_a_copy(false))
    });
    let (copy, pid) = (child.told, child.pid());
    child.kill();
    let west = build("west");
    let outcome = west.claim(path, "node");
    kill_stray(copy);
    let error = held(outcome, "the copy keeps the lock");
    assert_eq!(error.holder().unwrap().process.pid, pid);
    assert!(error.to_string().contains("that process has ended"), "{error}");
}

#[test]
fn x1_a_child_that_is_just_being_born_is_outlasted() {
    breaks::notices("claim-birth-is-a-holder", "the newborn is outlasted", || {
        let directory = directory();
        let path = directory.path();
        let mut child = Standing::after(|| {
            let engine = build("east");
            let claim = engine.claim(path, "node").unwrap();
            ((engine, claim), leave_a_copy(false))
        });
        child.kill();
        let own = path.to_owned();
        let claiming = parked::at("claim.holder.gone", move || build("west").claim(&own, "node").map(drop));
        kill_stray(child.told);
        let outcome = claiming.finish();
        assert!(outcome.is_ok(), "the newborn is outlasted: {outcome:?}");
    });
}

/// Makes room again.
type Room = Box<dyn Fn()>;

fn a_record_of_before(directory: &Path) {
    std::fs::write(directory.join("node.holder"), "whoever was before\n").unwrap();
}

fn full_disk(directory: &Path) -> Room {
    match disk::fill(directory, || a_record_of_before(directory)) {
        Some(room) => Box::new(room),
        None => short_files(directory),
    }
}

fn short_files(directory: &Path) -> Room {
    a_record_of_before(directory);
    disk::limit_files(Some(8));
    Box::new(|| disk::limit_files(None))
}

fn without_room(full: fn(&Path) -> Room) {
    let directory = directory();
    let path = directory.path();
    let wrong = in_a_child(|| {
        let room = full(path);
        let (west, east) = (build("west"), build("east"));
        let refused = west.claim(path, "node").map(drop);
        let (before, left) = (std::fs::read_to_string(path.join("node.holder")), files(path));
        room();
        let later = east.claim(path, "node");
        vec![
            before.is_ok_and(|text| text == "whoever was before\n"),
            refused.is_err_and(|error| {
                error.kind() == ErrorKind::Limit && error.to_string().contains("node.holder")
            }),
            !left.iter().any(|name| name.ends_with(".draft")),
            later.is_ok_and(|claim| claim.state().is_ok_and(|state| state.held)),
        ]
    });
    let said =
        ["", "the record is whole", "it is LIMIT and names the file", "no draft is left", "the lock is free"];
    assert_eq!(wrong, 0, "without room: {}", said.get(wrong as usize).unwrap_or(&"the child failed"));
}

#[test]
fn x1_a_failed_write_leaves_the_record_whole() {
    breaks::notices("claim-record-in-place", "the record is whole", || without_room(short_files));
}

#[test]
fn x1_a_full_disk_leaves_no_lock_held() {
    breaks::notices("claim-failure-keeps-lock", "the lock is free", || without_room(full_disk));
}

#[test]
fn x1_what_cannot_be_claimed_is_said() {
    let _whole = breaks::none();
    let directory = directory();
    let engine = engine();
    let refuses = |path: &Path, name: &str, kind: ErrorKind, part: &str| {
        let Err(error) = engine.claim(path, name) else { panic!("{name:?} is refused") };
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(text.contains(part) && text.len() < 1_000, "{part:?} is missing: {text}");
    };
    let path = directory.path();
    refuses(path, "", ErrorKind::Invalid, "empty");
    refuses(path, "a/b", ErrorKind::Invalid, "'/'");
    refuses(path, "..", ErrorKind::Invalid, "'.'");
    refuses(path, ".hidden", ErrorKind::Invalid, "\".hidden\"");
    refuses(path, "a\0b", ErrorKind::Invalid, "NUL");
    refuses(path, &"n".repeat(201), ErrorKind::TooLarge, "201 bytes");
    refuses(path, &"n".repeat(1 << 20), ErrorKind::TooLarge, "1048576 bytes");
    refuses(&path.join("absent"), "node", ErrorKind::Invalid, "absent\": No such file");
    refuses(Path::new(""), "node", ErrorKind::Invalid, "No such file");
    refuses(Path::new("a\0b"), "node", ErrorKind::Invalid, "\"a\\0b\"");
    std::fs::write(path.join("file"), "").unwrap();
    refuses(&path.join("file"), "node", ErrorKind::Invalid, "file");
    std::fs::create_dir(path.join("blocked.lock")).unwrap();
    refuses(path, "blocked", ErrorKind::Invalid, "blocked.lock");
    std::os::unix::fs::symlink("/dev/null", path.join("link.lock")).unwrap();
    refuses(path, "link", ErrorKind::Invalid, "link.lock");
    assert_eq!(files(path), ["blocked.lock", "file", "link.lock"], "nothing was made");
    let longest = engine.claim(path, &"n".repeat(200)).expect("a long name");
    tick(&engine);
    assert!(longest.state().unwrap().trouble.is_none());
    assert_eq!(kind(longest.release().and_then(|()| longest.release())), ErrorKind::Closed);
}

#[test]
fn x1_a_directory_that_may_not_be_written_is_said() {
    let _alone = breaks::alone();
    let directory = directory();
    let path = directory.path();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o555)).unwrap();
    let wrong = in_a_child(|| {
        // SAFETY: plain calls; whoever may do anything becomes somebody who may not.
        let became = unsafe { libc::geteuid() != 0 || libc::setuid(65534) == 0 };
        let Err(error) = engine().claim(path, "node") else { return vec![false] };
        vec![
            became,
            error.kind() == ErrorKind::Invalid,
            error.to_string().contains("node.lock: Permission denied"),
        ]
    });
    assert_eq!(wrong, 0, "question {wrong} was answered wrongly");
}

#[test]
fn x1_a_tick_never_fails_for_a_claim() {
    let _whole = breaks::none();
    for directory in [directory(), without_lock()] {
        let engine = engine();
        let claim = engine.claim(directory.path(), "node").unwrap();
        tick(&engine);
        assert!(claim.state().unwrap().trouble.is_none());
        directory.close().unwrap();
        tick(&engine);
        let trouble = claim.state().unwrap().trouble.expect("it is told");
        assert_eq!(trouble.kind(), ErrorKind::Invalid, "{trouble}");
        claim.release().expect("it can be given up");
    }
}

#[test]
fn x1_a_process_has_so_many_claims() {
    let _alone = breaks::alone();
    let directory = directory();
    let engine = engine();
    let claim = |number: usize| engine.claim(directory.path(), &number.to_string());
    let claims: Vec<_> = (0..256).map(|number| claim(number).unwrap()).collect();
    assert_eq!(kind(claim(256)), ErrorKind::Limit);
    drop(claims);
    claim(256).expect("there is room again");
}
