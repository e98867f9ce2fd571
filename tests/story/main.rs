//! The story of an alias that stayed critical for ever: the usual design and Lifesign under the same schedules.
//!
//! `make story` prints it and draws one run of it. The test asserts how often each design ends wrong: exactly where the order is forced.

#[path = "../support/mod.rs"]
mod support;

mod picture;
mod real;
mod run;
mod schedule;
mod tally;
mod usual;

use std::path::Path;
use std::time::Instant;

use picture::{Panel, draw};
use real::{Counts, Real};
use run::{End, Run, World, run};
use schedule::{Actor, Kind, Schedule};
use support::breaks;
use tally::{Row, Tally, table};
use usual::{Stage, Usual};

/// The stage that is told and drawn: torn reads and missed edges are cured, and a race that lasts for ever is left.
const TOLD: Stage = Stage::LooksAtStart;

fn is_long() -> bool {
    std::env::var_os("LIFESIGN_LONG").is_some()
}

/// Runs of each kind of schedule.
fn runs() -> u64 {
    if is_long() { 1_000 } else { 200 }
}

fn usual(stage: Stage, kind: Kind, seed: u64) -> Run {
    let schedule = Schedule::new(kind, seed);
    run(&mut Usual::new(stage, &schedule), schedule)
}

fn lifesign(kind: Kind, seed: u64) -> (Run, Counts) {
    let schedule = Schedule::new(kind, seed);
    let mut world = Real::new(&schedule);
    let run = run(&mut world, schedule);
    (run, world.end())
}

/// Lifesign under the schedules of this kind with the seeds below `runs`.
fn lifesign_often(kind: Kind, runs: u64) -> (Tally, Counts) {
    let (mut tally, mut counts) = (Tally::default(), Counts::default());
    for seed in 0..runs {
        let (run, counted) = lifesign(kind, seed);
        tally.count(run.verdict);
        counts.add(counted);
    }
    (tally, counts)
}

fn row(kind: Kind) -> Row {
    let (begun, runs) = (Instant::now(), runs());
    let mut stages = [Tally::default(); Stage::ALL.len()];
    for (stage, tally) in Stage::ALL.into_iter().zip(&mut stages) {
        (0..runs).for_each(|seed| tally.count(usual(stage, kind, seed).verdict));
    }
    let (lifesign, counts) = lifesign_often(kind, runs);
    Row { kind, runs, usual: stages, lifesign, counts, seconds: begun.elapsed().as_secs_f64() }
}

fn narrate(title: &str, run: &Run) {
    println!("{title}\n");
    for step in run.steps.iter().filter(|step| !step.words.is_empty()) {
        let shown = step.shown;
        let state = match shown.alias {
            Some(alias) => format!("target {}, mirror {}, alias {alias}", shown.target, shown.mirror),
            None => format!("target {}, alias {}", shown.target, shown.mirror),
        };
        println!("  {:?}  {:<50}  {state}", step.actor, step.words);
    }
    println!("  -> {}\n", run.verdict.end.words());
}

fn print_tables(rows: &[Row]) {
    println!(
        "{}",
        table("Runs that end wrong for ever (t: until a timer of a minute repairs them)", rows, Tally::wrong)
    );
    println!("{}", table("Runs with a torn read", rows, |tally| tally.torn.to_string()));
    let title = "Runs after which the new runner is not told of the next change";
    println!("{}", table(title, rows, |tally| tally.deaf.to_string()));
    let total = |count: fn(&Counts) -> u64| rows.iter().map(|row| count(&row.counts)).sum::<u64>();
    println!(
        "Lifesign in all these runs: {} calls stopped inside, {} reports and subscriptions of an old runner",
        total(|counts| counts.split),
        total(|counts| counts.fenced)
    );
    println!(
        "refused ({} of them decided before the take-over), {} looks at the alias, {} of them stale.",
        total(|counts| counts.fenced_inside),
        total(|counts| counts.looks),
        total(|counts| counts.stale)
    );
}

/// One run, drawn. The committed picture is this one.
fn draw_or_compare(old: &Run, new: &Run) {
    let captions = [
        "the old runner starts",
        "the target fails",
        "the old runner wakes, reads, is paused",
        "the new runner takes its place",
        "the target recovers",
        "the new runner follows",
        "the old runner goes on",
        "the old runner cleans up",
    ];
    let panels = [
        Panel {
            title: "The usual design, entries copied whole and a look at the start: a runner per alias, one channel per name, a stop that does not wait",
            mirror: "alias",
            run: old,
            because: &["Nobody is left who would", "write, and the channel is", "gone that would tell N."],
        },
        Panel {
            title: "Lifesign: the same two runners with tokens, and beside them an alias that needs none",
            mirror: "mirror",
            run: new,
            because: &["The late write was refused;", "N's subscription is its own."],
        },
    ];
    let drawn = draw("Overlapping lifetimes: the same schedule, twice", &captions, &panels);
    if let Some(path) = std::env::var_os("LIFESIGN_STORY_SVG") {
        std::fs::write(&path, drawn).expect("the picture is written");
        println!("\nThe picture: {}", Path::new(&path).display());
        return;
    }
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/story.svg");
    let committed = std::fs::read_to_string(committed).expect("the documentation has the picture");
    assert!(committed == drawn, "docs/story.svg is not the picture of this run: make story");
}

/// At which stages each forced order ends wrong for ever, and at which until the timer.
fn expected(kind: Kind) -> (&'static [Stage], &'static [Stage]) {
    use Stage::{AsFirstWritten, LooksAtStart, StopAlwaysWaits, StopWaits, Timer, WholeCopies};
    match kind {
        Kind::TornRead | Kind::Random => (&[], &[]),
        Kind::MissedEdge => (&[AsFirstWritten, WholeCopies], &[]),
        Kind::OverlappingLifetimes | Kind::LateUnsubscribe => {
            (&[AsFirstWritten, WholeCopies, LooksAtStart], &[Timer])
        }
        Kind::LateRegister => (&[AsFirstWritten, WholeCopies, LooksAtStart], &[Timer, StopWaits]),
        Kind::HeldUp => (&[StopWaits, StopAlwaysWaits], &[]),
    }
}

fn assert_usual(row: &Row) {
    for (stage, tally) in Stage::ALL.into_iter().zip(&row.usual) {
        let about = format!("{}, {}: {tally:?}", row.kind.name(), stage.name());
        let all_or_none = |all: bool| if all { row.runs } else { 0 };
        if row.kind == Kind::Random {
            assert_eq!(tally.for_ever > 0, stage < Stage::Timer, "{about}");
            let until_timer = matches!(stage, Stage::Timer | Stage::StopWaits);
            assert_eq!(tally.until_timer > 0, until_timer, "{about}");
            assert_eq!(tally.torn > 0, stage == Stage::AsFirstWritten, "{about}");
            continue;
        }
        let (for_ever, until_timer) = expected(row.kind);
        assert_eq!(tally.for_ever, all_or_none(for_ever.contains(&stage)), "{about}");
        assert_eq!(tally.until_timer, all_or_none(until_timer.contains(&stage)), "{about}");
        let torn = row.kind == Kind::TornRead && stage == Stage::AsFirstWritten;
        assert_eq!(tally.torn, all_or_none(torn), "{about}");
    }
}

fn assert_lifesign(kind: Kind, runs: u64, tally: Tally, counts: Counts) {
    let about = format!("{}: {tally:?}, {counts:?}", kind.name());
    assert_eq!(tally, Tally::default(), "Lifesign ends right in every run; {about}");
    assert_eq!(counts.wrong_after, 0, "Lifesign ends right when whoever was held up has come back; {about}");
    assert_eq!(counts.stale, 0, "the alias is never stale; {about}");
    match kind {
        Kind::OverlappingLifetimes | Kind::HeldUp => {
            assert_eq!(
                (counts.fenced, counts.fenced_inside),
                (runs, runs),
                "O stood inside its write; {about}"
            );
        }
        Kind::LateRegister => assert_eq!(counts.fenced, runs, "O came after its successor; {about}"),
        Kind::Random => {
            assert!(counts.split > runs && counts.fenced_inside > 0, "the runners overlapped; {about}");
        }
        Kind::TornRead | Kind::MissedEdge | Kind::LateUnsubscribe => {}
    }
}

/// The table of the documentation, which is of as many runs as the long ones, says what was counted.
fn assert_documented(rows: &[Row]) {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/races.md");
    let text = std::fs::read_to_string(text).expect("the documentation is there");
    for row in rows {
        let begins = format!("| {}", row.kind.name());
        let line = text.lines().find(|line| line.starts_with(&begins)).expect("every kind has its row");
        let told: Vec<_> = line.split('|').skip(2).map(|cell| cell.trim().replace(',', "")).collect();
        let cell = |tally: &Tally| match row.kind {
            Kind::TornRead => tally.torn.to_string(),
            _ => tally.wrong(),
        };
        let counted: Vec<_> = row.usual.iter().chain([&row.lifesign]).map(cell).collect();
        assert_eq!(told[..counted.len()], counted, "docs/races.md, {}", row.kind.name());
    }
}

#[test]
fn the_story() {
    let _whole = breaks::none();
    let kind = Kind::OverlappingLifetimes;
    let (old, new) = (usual(TOLD, kind, 0), lifesign(kind, 0).0);
    assert_eq!((old.verdict.end, new.verdict.end), (End::WrongForEver, End::Right));
    narrate("The usual design, with whole copies and a look at the start:", &old);
    narrate("Lifesign under the same schedule:", &new);

    let rows: Vec<Row> = Kind::FORCED.into_iter().chain([Kind::Random]).map(row).collect();
    print_tables(&rows);
    for row in &rows {
        assert_usual(row);
        assert_lifesign(row.kind, row.runs, row.lifesign, row.counts);
        row.record();
    }
    if is_long() {
        assert_documented(&rows);
    }
    draw_or_compare(&old, &new);
}

/// Runs under a break.
const BROKEN: u64 = 20;

/// The same orders with the fence taken out, or the clean-up made by name: Lifesign would end as the usual design does, in every one of them.
#[test]
fn the_story_depends_on_the_fence() {
    breaks::notices("fence-tested-once", "20 of 20 runs end wrong for ever", || {
        let (tally, counts) = lifesign_often(Kind::OverlappingLifetimes, BROKEN);
        assert!(tally.for_ever == 0, "{} of {BROKEN} runs end wrong for ever", tally.for_ever);
        assert_lifesign(Kind::OverlappingLifetimes, BROKEN, tally, counts);
    });
}

#[test]
fn the_story_depends_on_clean_up_by_identity() {
    breaks::notices("unregister-by-key", "in 20 of 20 runs the new runner is deaf", || {
        let (tally, counts) = lifesign_often(Kind::LateUnsubscribe, BROKEN);
        assert!(tally.deaf == 0, "in {} of {BROKEN} runs the new runner is deaf", tally.deaf);
        assert_lifesign(Kind::LateUnsubscribe, BROKEN, tally, counts);
    });
}

#[test]
fn an_alias_that_is_wrong_between_two_steps_would_be_noticed() {
    let _whole = breaks::none();
    let mut world = Real::new(&Schedule::new(Kind::Random, 0));
    world.step(Actor::O, 0);
    assert_eq!(world.counts().stale, 0);
    world.corrupt();
    world.step(Actor::O, 0);
    assert_eq!(world.counts().stale, 1);
}
