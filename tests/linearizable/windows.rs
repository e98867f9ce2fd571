//! Short windows: a few threads, a few calls each, some of them stopped at a step in the middle while the others go on; each window is compared with the
//! sequential specifications by a general checker, which knows nothing of versions.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use lifesign::failpoint::Pause;
use lifesign::{
    Check, Engine, ErrorKind, Event, Service, Snapshot, Status, Subscription, SubscriptionFilter, Token,
};
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};
use todc_utils::specifications::Specification;

use crate::recording::{Clock, Span, Text};
use crate::specification::{Object, ObjectSpecification, Operation, Shown, ShownSpecification};
use crate::support::random::Random;
use crate::support::{alias, check, engine, service};
use crate::world::{STATUSES, text};

const THREADS: usize = 3;
const CALLS: usize = 4;
/// How long a thread may stay stopped while another neither ends nor comes to a point: it may wait for just that one.
const STANDSTILL: Duration = Duration::from_millis(20);

/// Whose view an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Word and snapshot.
    Object,
    /// The service's summary and the alias of it.
    Near,
    /// The alias of a service with that alias.
    Far,
    /// What a subscriber knows.
    Events,
}

#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub span: Span,
    pub thread: usize,
    pub view: View,
    pub operation: Operation,
}

/// What was met in some windows.
#[derive(Debug, Default)]
pub struct Met {
    pub windows: usize,
    pub calls: usize,
    /// Calls that were stopped at a step.
    pub stopped: usize,
    /// Windows in which a call of one thread lay within that of another.
    pub nested: usize,
}

struct Stage {
    engine: Engine,
    service: Service,
    check: Check,
    near: Check,
    far: Check,
    subscription: Subscription,
    /// What the subscriber was told last, and by whom it is being asked.
    known: Mutex<Option<Arc<Snapshot>>>,
    /// All tokens of this window, the newest last.
    tokens: Mutex<Vec<Arc<Token>>>,
    /// What somebody wrote last, or is about to write.
    last: Mutex<Option<(Status, u64)>>,
    clock: Clock,
    sequence: AtomicU64,
}

/// One thread of a window.
struct Worker<'a> {
    stage: &'a Stage,
    thread: usize,
    random: Random,
    /// Where its calls may be stopped.
    steps: &'static [&'static str],
    stops: &'a Mutex<Vec<Pause>>,
    calls: Vec<Call>,
}

impl Stage {
    fn new() -> Self {
        let engine = engine();
        let (base, web) = (service(&engine, "base"), service(&engine, "web"));
        let check = check(&engine, "c0", Some(&base));
        let (near, far) = (alias(&engine, "m0", Some(&web), "base"), alias(&engine, "m1", None, "web"));
        let subscription = engine.subscribe(&SubscriptionFilter::check(&check)).expect("one may subscribe");
        let token = engine.acquire(&check, "first").expect("nobody holds it");
        let stage = Self {
            engine,
            service: base,
            check,
            near,
            far,
            subscription,
            known: Mutex::new(None),
            tokens: Mutex::new(vec![Arc::new(token)]),
            last: Mutex::new(None),
            clock: Clock::default(),
            sequence: AtomicU64::new(1),
        };
        stage.tokens.lock().unwrap()[0].write(Status::Passing, "0").expect("it is held");
        stage
    }

    fn object(&self) -> Object {
        object(&self.engine.snapshot(&self.check).expect("it is registered"))
    }

    /// A token of this window's own, and everything told.
    fn prepare(&self) -> Object {
        let present = self.object();
        let token =
            self.engine.take_over(&self.check, present.generation, "next").expect("nobody else is here");
        *self.tokens.lock().unwrap() = vec![Arc::new(token)];
        self.poll();
        self.object()
    }

    fn poll(&self) -> Option<Shown> {
        // One consumer at a time.
        let mut known = self.known.try_lock().ok()?;
        let batch = self.subscription.poll(usize::MAX).expect("a poll of one's own subscription");
        for event in batch.events {
            if let Event::State { snapshot, .. } = event {
                *known = Some(snapshot);
            }
        }
        let known = object(known.as_ref().expect("the present state comes first"));
        Some(Shown { status: known.status, sequence: Some(known.sequence) })
    }
}

fn object(snapshot: &Snapshot) -> Object {
    Object {
        version: snapshot.version(),
        status: snapshot.status(),
        sequence: snapshot.output().parse().expect("a write's number"),
        generation: snapshot.generation(),
        held: snapshot.holder() != 0,
    }
}

fn shown(status: Status, output: &str) -> Shown {
    let sequence = match text(output) {
        Text::Check { sequence, .. } => Some(sequence),
        _ => None,
    };
    Shown { status, sequence }
}

impl Worker<'_> {
    fn record(&mut self, view: View, call: impl FnOnce(&Stage) -> Option<Operation>) {
        let (span, operation) = self.stage.clock.time(|| call(self.stage));
        let thread = self.thread;
        self.calls.extend(operation.map(|operation| Call { span, thread, view, operation }));
    }

    fn act(&mut self) {
        let kind = self.random.below(19);
        if kind < 9 && self.random.below(3) > 0 {
            let pause = Pause::new();
            pause.arm(self.steps[self.random.below(self.steps.len() as u64) as usize]);
            self.stops.lock().unwrap().push(pause);
        }
        match kind {
            0..7 => self.write(),
            7..9 => self.claim(),
            9..11 => self.read_object(),
            11..14 => self.record(View::Object, |stage| stage.check.status().map(Operation::Word)),
            14 => self.record(View::Events, |stage| stage.poll().map(Operation::Show)),
            15..17 => self.read_near(),
            _ => self.read_far(),
        }
    }

    fn token(&mut self) -> Arc<Token> {
        let tokens = self.stage.tokens.lock().unwrap();
        let back = self.random.below(4).saturating_sub(2) as usize;
        tokens[(tokens.len() - 1).saturating_sub(back)].clone()
    }

    /// A flip mostly; the same status with another text; or the same again.
    fn write(&mut self) {
        let token = self.token();
        let sequence = self.stage.sequence.fetch_add(1, Ordering::Relaxed);
        let (status, sequence) = match (self.random.below(8), *self.stage.last.lock().unwrap()) {
            (0 | 1, Some(last)) => last,
            (2, Some((status, _))) => (status, sequence),
            _ => (STATUSES[self.random.below(3) as usize], sequence),
        };
        *self.stage.last.lock().unwrap() = Some((status, sequence));
        let generation = token.generation();
        self.record(View::Object, |_| {
            let fenced = match token.write(status, &sequence.to_string()) {
                Ok(()) => false,
                Err(error) if error.kind() == ErrorKind::Fenced => true,
                // Its owner has closed it: nobody was asked.
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Revoked, "{error}");
                    return None;
                }
            };
            Some(Operation::Write { generation, status, sequence, fenced })
        });
    }

    fn claim(&mut self) {
        let token = self.token();
        if self.random.below(4) == 0 {
            let generation = token.generation();
            self.record(View::Object, |_| token.close().is_ok().then_some(Operation::Close { generation }));
        }
        let expected = (self.random.below(3) > 0).then(|| token.generation());
        self.record(View::Object, |stage| {
            let claimed = match expected {
                Some(expected) => stage.engine.take_over(&stage.check, expected, "rival"),
                None => stage.engine.acquire(&stage.check, "rival"),
            };
            let outcome = match claimed {
                Ok(token) => {
                    let generation = token.generation();
                    let mut tokens = stage.tokens.lock().unwrap();
                    tokens.push(Arc::new(token));
                    tokens.sort_by_key(|token| token.generation());
                    Ok(generation)
                }
                Err(error) => Err(error.generation().expect("it names the holder")),
            };
            Some(Operation::Claim { expected, outcome })
        });
    }

    fn read_object(&mut self) {
        let of_service = self.random.below(2) == 0;
        self.record(View::Object, |stage| {
            Some(Operation::Snapshot(if of_service {
                let view = stage.engine.service_snapshot(&stage.service).expect("it is registered");
                object(&view.checks[0].1)
            } else {
                stage.object()
            }))
        });
    }

    fn read_near(&mut self) {
        let kind = self.random.below(4);
        self.record(View::Near, |stage| {
            let by_word =
                |status: Option<Status>| Shown { status: status.expect("it stays"), sequence: None };
            Some(Operation::Show(match kind {
                0 => by_word(stage.near.status()),
                1 => by_word(stage.service.status()),
                2 => {
                    let state = stage.engine.snapshot(&stage.near).expect("it stays");
                    shown(state.status(), state.output())
                }
                _ => {
                    let state =
                        stage.engine.service_snapshot(&stage.service).expect("it is registered").summary;
                    shown(state.status, &state.output)
                }
            }))
        });
    }

    fn read_far(&mut self) {
        let whole = self.random.below(2) == 0;
        self.record(View::Far, |stage| {
            Some(Operation::Show(if whole {
                let state = stage.engine.snapshot(&stage.far).expect("it stays");
                shown(state.status(), state.output())
            } else {
                Shown { status: stage.far.status().expect("it stays"), sequence: None }
            }))
        });
    }
}

/// Counts a thread that has ended, in whatever way.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// Lets one stopped call after the other go on, in any order, whenever nobody else can.
fn conduct(random: &mut Random, stops: &Mutex<Vec<Pause>>, done: &AtomicUsize) -> usize {
    let mut let_go = 0;
    let mut still = (Instant::now(), (0, 0));
    loop {
        let ended = done.load(Ordering::Acquire);
        if ended == THREADS {
            return let_go;
        }
        let mut stops = stops.lock().unwrap();
        let stopped: Vec<usize> = (0..stops.len()).filter(|at| stops[*at].was_reached()).collect();
        if still.1 != (ended, stopped.len()) {
            still = (Instant::now(), (ended, stopped.len()));
        }
        let nobody_runs = ended + stopped.len() == THREADS;
        if !stopped.is_empty() && (nobody_runs || still.0.elapsed() > STANDSTILL) {
            let at = stopped[random.below(stopped.len() as u64) as usize];
            stops.swap_remove(at).release();
            let_go += 1;
        }
        drop(stops);
        thread::yield_now();
    }
}

/// The calls that matter to `view`: its reads, and the writes; to views that follow, only those that were accepted.
fn of_view(calls: &[Call], view: View) -> Vec<Call> {
    let matters = |call: &&Call| {
        call.view == view
            || matches!(call.operation, Operation::Begin(_) | Operation::Write { fenced: false, .. })
    };
    calls.iter().filter(matters).copied().collect()
}

/// Whether one order of the calls, each at a moment between its beginning and its end, is one that `S` allows.
pub fn is_linearizable<S: Specification<Operation = Operation>>(calls: &[Call]) -> bool {
    let mut actions: Vec<(u64, usize, Action<Operation>)> = Vec::new();
    for call in calls {
        actions.push((call.span.start, call.thread, Action::Call(call.operation)));
        actions.push((call.span.end, call.thread, Action::Response(call.operation)));
    }
    actions.sort_by_key(|(moment, ..)| *moment);
    let actions = actions.into_iter().map(|(_, thread, action)| (thread, action)).collect();
    WGLChecker::<S>::is_linearizable(History::from_actions(actions))
}

/// Compares a window with the specifications.
pub fn verify(calls: &[Call]) {
    let object = of_view(calls, View::Object);
    assert!(
        is_linearizable::<ObjectSpecification>(&object),
        "word and snapshot: not linearizable: {object:#?}"
    );
    for (view, name) in [(View::Near, "near alias"), (View::Far, "far alias"), (View::Events, "subscriber")] {
        let shown = of_view(calls, view);
        assert!(is_linearizable::<ShownSpecification>(&shown), "{name}: not linearizable: {shown:#?}");
    }
}

/// Runs `count` windows, in which calls are stopped at `steps`, and compares each.
pub fn run(seed: u64, count: usize, steps: &'static [&'static str]) -> Met {
    let stage = Stage::new();
    let mut random = Random::new(seed);
    let mut met = Met::default();
    for _ in 0..count {
        let (span, begin) = stage.clock.time(|| stage.prepare());
        let begin = Call { span, thread: THREADS, view: View::Object, operation: Operation::Begin(begin) };
        let (stops, done) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
        let worker = |thread: usize, seed: u64| Worker {
            stage: &stage,
            thread,
            random: Random::new(seed),
            steps,
            stops: &stops,
            calls: Vec::new(),
        };
        let mut calls = vec![begin];
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let mut worker = worker(thread, random.next());
                    let done = &done;
                    scope.spawn(move || {
                        let _done = Done(done);
                        (0..CALLS).for_each(|_| worker.act());
                        worker.calls
                    })
                })
                .collect();
            met.stopped += conduct(&mut random, &stops, &done);
            for thread in threads {
                calls.extend(thread.join().unwrap());
            }
        });
        met.nested += usize::from(is_nested(&calls));
        let mut last = worker(THREADS, random.next());
        for _ in 0..2 {
            last.record(View::Object, |stage| stage.check.status().map(Operation::Word));
            last.read_object();
            last.read_near();
            last.read_far();
            last.record(View::Events, |stage| stage.poll().map(Operation::Show));
        }
        calls.append(&mut last.calls);
        met.calls += calls.len();
        met.windows += 1;
        verify(&calls);
    }
    assert_eq!(stage.engine.audit().unwrap(), 0, "nothing was wrong when all had returned");
    met
}

fn is_nested(calls: &[Call]) -> bool {
    let within =
        |one: &Call, other: &Call| one.span.start > other.span.start && one.span.end < other.span.end;
    calls.iter().any(|one| calls.iter().any(|other| within(one, other)))
}
