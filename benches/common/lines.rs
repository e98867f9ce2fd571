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
    pub fn add_median(&mut self, id: &str, values: Vec<f64>, unit: &str) {
        let [low, value, high] = quartiles(values);
        self.write(id, unit, &json!({ "id": id, "value": value, "unit": unit, "low": low, "high": high }));
    }

    /// What was measured in turns with another: the median of the other, and that times the median of the turns' ratios. A machine that is slower for some
    /// of the turns is so for both, and the ratio is that of turns beside one another.
    pub fn add_turns(&mut self, (id, values): (&str, &[f64]), (other, others): (&str, &[f64]), unit: &str) {
        let ratios = values.iter().zip(others).map(|(value, other)| value / other).collect();
        let beside = quartiles(others.to_vec())[1];
        let [low, value, high] = quartiles(ratios).map(|ratio| ratio * beside);
        self.write(id, unit, &json!({ "id": id, "value": value, "unit": unit, "low": low, "high": high }));
        self.write(other, unit, &json!({ "id": other, "value": beside, "unit": unit }));
    }

    fn write(&mut self, id: &str, unit: &str, line: &serde_json::Value) {
        writeln!(self.0, "{line}").expect("the figure is written");
        println!("{id:<44} {:>14.2} {unit}", line["value"].as_f64().expect("a number"));
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|share| values[((values.len() - 1) as f64 * share).round() as usize])
}

fn default_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("build/bench")
}
