//! Draws runs of one schedule below one another: a column is a move of the schedule, a row an actor or the state of a check.

use lifesign::Status;
use svg::Document;
use svg::node::element::{Group, Line, Polygon, Rectangle, Text};

use crate::run::{End, Mark, Run, Told};
use crate::schedule::Actor;

const LEFT: f64 = 118.0;
const COLUMN: f64 = 150.0;
const VERDICT: f64 = 190.0;
const LINE: f64 = 14.0;
const BAND: f64 = 24.0;
const GAP: f64 = 16.0;
/// Characters that fit into a box.
const FIT: usize = 22;
const INK: &str = "#222222";
const GREY: &str = "#777777";
const BAD: &str = "#c62828";
const GOOD: &str = "#2e7d32";

/// One design's part of the picture.
pub struct Panel<'a> {
    pub title: &'a str,
    /// What the check is called that the runners write.
    pub mirror: &'a str,
    pub run: &'a Run,
    /// Why it ends as it does, in lines.
    pub because: &'a [&'a str],
}

/// The picture of `panels`, whose schedule has the moves that `captions` name.
pub fn draw(heading: &str, captions: &[&str], panels: &[Panel<'_>]) -> String {
    let width = LEFT + COLUMN * captions.len() as f64 + VERDICT;
    let key = "an arrow down: writes; dotted: reads; a cross: refused";
    let mut all = Group::new().add(text(12.0, 26.0, heading, INK, 16, true)).add(text(
        width - 330.0,
        26.0,
        key,
        GREY,
        11,
        false,
    ));
    for (at, caption) in captions.iter().enumerate() {
        for (line, part) in wrap(&format!("{} {caption}", at + 1), FIT - 2).into_iter().enumerate() {
            all = all.add(text(column(at) + 6.0, 50.0 + LINE * line as f64, &part, GREY, 12, false));
        }
    }
    let mut top = 84.0;
    for panel in panels {
        let (group, bottom) = draw_panel(panel, captions.len(), top, width);
        all = all.add(group);
        top = bottom + 22.0;
    }
    Document::new()
        .set("viewBox", (0.0, 0.0, width, top))
        .set("width", width)
        .set("height", top)
        .set("font-family", "DejaVu Sans, Verdana, Arial, sans-serif")
        .add(rectangle(0.0, 0.0, width, top, "#ffffff", "none"))
        .add(all)
        .to_string()
        + "\n"
}

fn column(at: usize) -> f64 {
    LEFT + COLUMN * at as f64
}

/// The steps of a move.
fn steps(run: &Run, at: usize) -> Vec<&Told> {
    run.steps.iter().filter(|step| step.at == at).collect()
}

fn lines(steps: &[&Told]) -> Vec<String> {
    steps.iter().filter(|step| !step.words.is_empty()).flat_map(|step| wrap(&step.words, FIT)).collect()
}

fn draw_panel(panel: &Panel<'_>, columns: usize, top: f64, width: f64) -> (Group, f64) {
    let moves: Vec<_> = (0..columns).map(|at| steps(panel.run, at)).collect();
    let height = |actor| {
        let of_actor = moves.iter().filter(|steps| steps.first().is_some_and(|step| step.actor == actor));
        LINE * of_actor.map(|steps| lines(steps).len()).max().unwrap_or(1) as f64 + 10.0
    };
    let u = top + 24.0;
    let target = u + height(Actor::U) + GAP;
    let o = target + BAND + GAP;
    let n = o + height(Actor::O) + GAP;
    let mirror = n + height(Actor::N) + GAP;
    let has_alias = panel.run.steps.iter().any(|step| step.shown.alias.is_some());
    let alias = mirror + BAND + 8.0;
    let bottom = if has_alias { alias } else { mirror } + BAND + 12.0;
    let row = |actor| match actor {
        Actor::U => u,
        Actor::O => o,
        Actor::N => n,
    };

    let mut group = Group::new()
        .add(rectangle(4.0, top, width - 8.0, bottom - top, "#fafafa", "#cccccc"))
        .add(text(12.0, top + 17.0, panel.title, INK, 13, true));
    for (label, note, y) in [
        ("U", "updates", u + 14.0),
        ("target", "", target + 16.0),
        ("O", "old runner", o + 14.0),
        ("N", "new runner", n + 14.0),
        (panel.mirror, if has_alias { "by hand" } else { "" }, mirror + 16.0),
        (if has_alias { "alias" } else { "" }, "derived", alias + 16.0),
    ] {
        group = group.add(text(12.0, y, label, INK, 12, true));
        if !note.is_empty() && !label.is_empty() {
            group = group.add(text(20.0 + 7.5 * label.len() as f64, y, note, GREY, 11, false));
        }
    }
    group = group.add(band(&moves, target, |step| Some(step.shown.target)));
    group = group.add(band(&moves, mirror, |step| Some(step.shown.mirror)));
    if has_alias {
        group = group.add(band(&moves, alias, |step| step.shown.alias));
    }
    if let Some(paused) = paused(&moves) {
        let (from, to) = (column(paused.start) - 4.0, column(paused.end) + 4.0);
        let words = "paused, with critical in hand";
        group = group
            .add(rectangle(from, o + 4.0, to - from, 20.0, "#eeeeee", GREY).set("stroke-dasharray", "3 3"));
        group = group.add(
            text(column(paused.start + 1) + 4.0, o + 18.0, words, GREY, 11, false).set("textLength", 142),
        );
    }
    for (at, steps) in moves.iter().enumerate() {
        if let Some(first) = steps.first() {
            group = group.add(draw_move(steps, at, row(first.actor), target, mirror));
        }
    }
    (group.add(verdict(panel, columns, mirror, bottom)), bottom)
}

/// What an actor did in one move, in its row at `y`, and what it read and wrote thereby.
fn draw_move(steps: &[&Told], at: usize, y: f64, target: f64, mirror: f64) -> Group {
    let lines = lines(steps);
    let (x, centre) = (column(at) + 4.0, column(at) + COLUMN / 2.0);
    let tall = LINE * lines.len() as f64 + 10.0;
    let marked = |mark| steps.iter().any(|step| step.mark == mark);
    let bad = marked(Mark::Refused) || marked(Mark::Harm);
    let edge = if bad { BAD } else { INK };
    // A step that reads or writes says so with its first word.
    let said = |verb: &str| steps.iter().any(|step| step.words.starts_with(verb));
    let updates = steps[0].actor == Actor::U;
    let mut group = Group::new();
    if said("reads") {
        group = group.add(arrow(x + 22.0, target + BAND, y, GREY, true));
    }
    if said("writes") {
        group = group.add(arrow(centre, y + tall, if updates { target } else { mirror }, edge, false));
    }
    if marked(Mark::Refused) {
        group = group.add(stopped(centre, y + tall, mirror - 14.0));
    }
    group = group.add(rectangle(x, y, COLUMN - 8.0, tall, "#ffffff", edge));
    for (line, part) in lines.iter().enumerate() {
        group = group.add(text(x + 6.0, y + 16.0 + LINE * line as f64, part, edge, 11, bad));
    }
    group
}

/// The columns in which the old runner stands with something in hand while others go on.
fn paused(moves: &[Vec<&Told>]) -> Option<std::ops::Range<usize>> {
    let of_o: Vec<usize> =
        (0..moves.len()).filter(|at| moves[*at].first().is_some_and(|step| step.actor == Actor::O)).collect();
    of_o.windows(2).find(|pair| pair[1] - pair[0] > 2).map(|pair| pair[0] + 1..pair[1])
}

/// A check's status along the columns.
fn band(moves: &[Vec<&Told>], y: f64, status: impl Fn(&Told) -> Option<Status>) -> Group {
    let mut parts = vec![(LEFT, Status::Passing)];
    for (at, steps) in moves.iter().enumerate() {
        let Some(shown) = steps.last().and_then(|step| status(step)) else { continue };
        if parts.last().is_some_and(|(_, before)| *before != shown) {
            parts.push((column(at) + COLUMN / 2.0, shown));
        }
    }
    let end = column(moves.len());
    let mut group = Group::new();
    for (index, (from, status)) in parts.iter().enumerate() {
        let to = parts.get(index + 1).map_or(end, |(next, _)| *next);
        let colour = if *status == Status::Passing { "#81c784" } else { "#e57373" };
        group = group.add(rectangle(*from, y, to - from, BAND, colour, "none"));
        group = group.add(text(from + 8.0, y + 16.0, status.as_str(), INK, 11, false));
    }
    group
}

fn verdict(panel: &Panel<'_>, columns: usize, top: f64, bottom: f64) -> Group {
    let (words, colour) = match panel.run.verdict.end {
        End::Right => ("RIGHT", GOOD),
        End::WrongUntilTimer => ("WRONG UNTIL THE TIMER", BAD),
        End::WrongForEver => ("WRONG FOR EVER", BAD),
    };
    let x = column(columns) + 12.0;
    let above = LINE * panel.because.len() as f64 + 12.0;
    let mut group = Group::new().add(rectangle(x, top, VERDICT - 28.0, BAND, colour, "none")).add(text(
        x + 10.0,
        top + 17.0,
        words,
        "#ffffff",
        13,
        true,
    ));
    let first = if bottom - top > above + BAND { top + BAND + 18.0 } else { top - above + 10.0 };
    for (line, part) in panel.because.iter().enumerate() {
        group = group.add(text(x, first + LINE * line as f64, part, INK, 11, false));
    }
    group
}

/// A write that does not arrive.
fn stopped(x: f64, from: f64, to: f64) -> Group {
    let stroke = |line: Line| line.set("stroke", BAD).set("stroke-width", 2);
    let line = |x1: f64, y1: f64, x2: f64, y2: f64| {
        stroke(Line::new().set("x1", x1).set("y1", y1).set("x2", x2).set("y2", y2))
    };
    Group::new().add(line(x, from, x, to)).add(line(x - 7.0, to - 7.0, x + 7.0, to + 7.0)).add(line(
        x - 7.0,
        to + 7.0,
        x + 7.0,
        to - 7.0,
    ))
}

fn arrow(x: f64, from: f64, to: f64, colour: &str, dashed: bool) -> Group {
    let mut line = Line::new()
        .set("x1", x)
        .set("y1", from)
        .set("x2", x)
        .set("y2", to - 5.0)
        .set("stroke", colour)
        .set("stroke-width", 1.5);
    if dashed {
        line = line.set("stroke-dasharray", "3 3");
    }
    let head = format!("{},{} {},{} {x},{to}", x - 4.0, to - 7.0, x + 4.0, to - 7.0);
    Group::new().add(line).add(Polygon::new().set("points", head).set("fill", colour))
}

fn rectangle(x: f64, y: f64, width: f64, height: f64, fill: &str, stroke: &str) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", width)
        .set("height", height)
        .set("fill", fill)
        .set("stroke", stroke)
        .set("rx", 3)
}

fn text(x: f64, y: f64, words: &str, colour: &str, size: u32, bold: bool) -> Text {
    Text::new(words)
        .set("x", x)
        .set("y", y)
        .set("fill", colour)
        .set("font-size", size)
        .set("font-weight", if bold { "bold" } else { "normal" })
}

/// `words` in lines of at most `fit` characters, broken between words.
fn wrap(words: &str, fit: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= fit {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
