//! A process that is stopped for ten leases and goes on: its leases were not its writers' to keep meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lifesign::{Acquire, Config, Engine, OnLapse, Status, SubscriptionFilter};

use crate::support::{breaks, check, evidence, states};

/// Says that this is the process to be stopped.
const CHILD: &str = "LIFESIGN_FAULTS_STOPPED";
const LEASE: Duration = Duration::from_millis(200);
/// A step above half the shortest lease is a jump; it is measured from outside, and leases count in steps of 10 ms.
const JUMP: Duration = Duration::from_millis(100);
const SURELY_A_JUMP: Duration = Duration::from_millis(120);
const HOLDERS: usize = 3;

/// How many of the steps between ticks were jumps for certain, and how many may have been.
#[derive(Default)]
struct Steps {
    certain: AtomicU64,
    possible: AtomicU64,
}

/// An engine on the system's clock, a thread that ticks and three that renew in between, so that a machine that is late is late for all of them.
/// Says `ready`; then answers each line that it is sent.
fn stopped() {
    let before = Instant::now();
    let engine = Engine::open(Config::default()).unwrap();
    let opened = (before, Instant::now());
    let events = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let checks: Vec<_> = (0..HOLDERS).map(|at| check(&engine, &format!("check {at}"), None)).collect();
    let hold = |check| engine.acquire(check, Acquire::new("holder").lease(LEASE, OnLapse::Critical)).unwrap();
    let tokens: Vec<_> = checks.iter().map(hold).collect();
    let (over, dead, steps) = (AtomicBool::new(false), AtomicBool::new(false), Steps::default());
    let (accepted, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let (turn, last_turn) = (Barrier::new(HOLDERS + 1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = opened;
            loop {
                let before = Instant::now();
                engine.tick(0, 0).unwrap();
                let after = Instant::now();
                let (last_before, last_after) = std::mem::replace(&mut last, (before, after));
                steps.certain.fetch_add((before - last_after >= SURELY_A_JUMP).into(), Ordering::SeqCst);
                steps.possible.fetch_add((after - last_before >= JUMP).into(), Ordering::SeqCst);
                // Decided before the turn and read within it, so that all of them leave after the same one.
                last_turn.store(over.load(Ordering::SeqCst), Ordering::SeqCst);
                turn.wait();
                turn.wait();
                if last_turn.load(Ordering::SeqCst) {
                    break;
                }
                std::thread::sleep(LEASE / 20);
            }
        });
        for (at, token) in tokens.iter().enumerate() {
            let (turn, last_turn, dead, accepted, refused) = (&turn, &last_turn, &dead, &accepted, &refused);
            scope.spawn(move || {
                loop {
                    turn.wait();
                    if at > 0 || !dead.load(Ordering::SeqCst) {
                        let counted = if token.renew().is_ok() { accepted } else { refused };
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                    let last = last_turn.load(Ordering::SeqCst);
                    turn.wait();
                    if last {
                        break;
                    }
                }
            });
        }
        println!("\nsays ready");
        for line in std::io::stdin().lines() {
            match line.unwrap().as_str() {
                "ask" => {
                    let stats = engine.stats().unwrap();
                    let counts = [
                        stats.lapses,
                        stats.clock_jumps,
                        steps.certain.load(Ordering::SeqCst),
                        steps.possible.load(Ordering::SeqCst),
                        accepted.load(Ordering::SeqCst),
                        refused.load(Ordering::SeqCst),
                    ];
                    println!("says {}", counts.map(|count| count.to_string()).join(" "));
                }
                "die" => {
                    dead.store(true, Ordering::SeqCst);
                    while engine.stats().unwrap().lapses == 0 {
                        events.wait(None).unwrap();
                        states(&crate::support::drain(&events));
                    }
                    let lost = engine.snapshot(&checks[0]).unwrap();
                    let right = lost.is_orphaned() && lost.status() == Status::Critical;
                    println!("says {}", if right { "orphaned" } else { "wrong" });
                }
                _ => break,
            }
        }
        over.store(true, Ordering::SeqCst);
    });
}

/// Waits until the child has stopped.
fn wait_until_stopped(pid: i32) {
    let mut status = 0;
    // SAFETY: `status` is a place for one number, and `pid` is a child of this process that is not waited for yet.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, libc::WUNTRACED) }, pid);
    assert!(libc::WIFSTOPPED(status), "the child is stopped, and not over");
}

fn signal(pid: i32, signal: i32) {
    // SAFETY: a child that was not waited for to its end, so its number is its own.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

#[test]
fn a_process_that_was_stopped_loses_no_lease() {
    if std::env::var_os(CHILD).is_some() {
        return stopped();
    }
    let _whole = breaks::none();
    let begun = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stopped::a_process_that_was_stopped_loses_no_lease", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let (mut ask, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut answers = answers.lines().map(Result::unwrap);
    let mut answer =
        || answers.find_map(|line| line.strip_prefix("says ").map(str::to_owned)).expect("the child answers");
    assert_eq!(answer(), "ready");
    let rounds = if std::env::var_os("LIFESIGN_LONG").is_some() { 20 } else { 1 };
    for round in 1..=rounds {
        signal(pid, libc::SIGSTOP);
        wait_until_stopped(pid);
        std::thread::sleep(10 * LEASE);
        signal(pid, libc::SIGCONT);
        let mut counts = || -> Vec<u64> {
            writeln!(ask, "ask").unwrap();
            answer().split(' ').map(|count| count.parse().unwrap()).collect()
        };
        // Several whole turns after it.
        let renewed = counts()[4..].iter().sum::<u64>();
        let after = loop {
            let counts = counts();
            if counts[4] + counts[5] >= renewed + 10 * HOLDERS as u64 {
                break counts;
            }
        };
        let [lapses, jumps, certain, possible, _, refused] = after[..] else { panic!("{after:?}") };
        assert_eq!((lapses, refused), (0, 0), "no lease has lapsed, and every renewal was accepted");
        assert!(certain >= round, "the time that it was stopped is a step of its own");
        assert!((certain..=possible).contains(&jumps), "a jump is counted once: {after:?}");
    }
    writeln!(ask, "die").unwrap();
    assert_eq!(answer(), "orphaned", "who is really dead loses its lease");
    drop(ask);
    child.wait_with_output().map(|over| assert!(over.status.success())).unwrap();
    evidence::tell("faults", "stops of a process for ten leases: none is lost", rounds as usize, begun);
}
