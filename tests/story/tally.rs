//! Counts how runs end, and writes the counts as tables.

use std::fmt::Write;

use crate::real::Counts;
use crate::run::{End, Verdict};
use crate::schedule::Kind;
use crate::support::evidence;
use crate::usual::Stage;

/// How the runs of one design under one kind of schedule ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The mirror disagreed with its target, and nothing was left that would repair it.
    pub for_ever: u64,
    /// The same, and a timer was left that would.
    pub until_timer: u64,
    /// Status and text of two reports were seen in one.
    pub torn: u64,
    /// The new runner was not told of the next change.
    pub deaf: u64,
}

impl Tally {
    pub fn count(&mut self, verdict: Verdict) {
        self.for_ever += u64::from(verdict.end == End::WrongForEver);
        self.until_timer += u64::from(verdict.end == End::WrongUntilTimer);
        self.torn += u64::from(verdict.torn);
        self.deaf += u64::from(verdict.deaf);
    }

    /// The runs that ended wrong, those marked with `t` that a timer repairs.
    pub fn wrong(&self) -> String {
        match (self.for_ever, self.until_timer) {
            (for_ever, 0) => for_ever.to_string(),
            (0, until_timer) => format!("{until_timer} t"),
            (for_ever, until_timer) => format!("{for_ever} + {until_timer} t"),
        }
    }
}

/// All designs under one kind of schedule.
pub struct Row {
    pub kind: Kind,
    pub runs: u64,
    pub usual: [Tally; Stage::ALL.len()],
    pub lifesign: Tally,
    pub counts: Counts,
    pub seconds: f64,
}

impl Row {
    /// Leaves the result where the long run collects them.
    pub fn record(&self) {
        let usual: Vec<String> = self.usual.iter().map(Tally::wrong).collect();
        let torn: Vec<String> = self.usual.iter().map(|tally| tally.torn.to_string()).collect();
        let result = format!(
            "usual design wrong {}, torn {}; Lifesign wrong {}, torn {}",
            usual.join(" / "),
            torn.join(" / "),
            self.lifesign.wrong(),
            self.lifesign.torn
        );
        evidence::append("story", self.kind.name(), self.runs, self.seconds, &result);
    }
}

/// One cell of a table for each design.
pub fn table(title: &str, rows: &[Row], cell: impl Fn(&Tally) -> String) -> String {
    let mut text = format!("{title}\n\n{:<21}  {:>5}", "schedule", "runs");
    for stage in Stage::ALL {
        write!(text, "  {:>16}", stage.name()).expect("a string takes text");
    }
    writeln!(text, "  {:>8}", "Lifesign").expect("a string takes text");
    for row in rows {
        write!(text, "{:<21}  {:>5}", row.kind.name(), row.runs).expect("a string takes text");
        for tally in &row.usual {
            write!(text, "  {:>16}", cell(tally)).expect("a string takes text");
        }
        writeln!(text, "  {:>8}", cell(&row.lifesign)).expect("a string takes text");
    }
    text
}
