//! What is not criterion's: a line of JSON for each figure, which the reporter reads.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

/// A file of figures, in the folder that `LIFESIGN_BENCH` names or in `build/bench`.
pub struct Lines(File);

impl Lines {
    /// Continues the file `NAME.jsonl`.
    pub fn open(name: &str) -> Self {
        let folder = std::env::var_os("LIFESIGN_BENCH").map_or_else(default_folder, PathBuf::from);
        create_dir_all(&folder).expect("a folder for the figures");
        let path = folder.join(format!("{name}.jsonl"));
        Self(OpenOptions::new().create(true).append(true).open(path).expect("a file for the figures"))
    }

    /// A figure.
    pub fn add(&mut self, id: &str, value: f64, unit: &str) {
        self.write(id, unit, &json!({ "id": id, "value": value, "unit": unit }));
    }

    /// The median of several measurements of the same, with its quartiles.
    pub fn add_median(&mut self, id: &str, mut values: Vec<f64>, unit: &str) {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        let line = json!({ "id": id, "value": at(0.5), "unit": unit, "low": at(0.25), "high": at(0.75) });
        self.write(id, unit, &line);
    }

    fn write(&mut self, id: &str, unit: &str, line: &serde_json::Value) {
        writeln!(self.0, "{line}").expect("the figure is written");
        println!("{id:<44} {:>14.2} {unit}", line["value"].as_f64().expect("a number"));
    }
}

fn default_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("build/bench")
}
