//! What was found, for a table: one line for each model, mutant and ordering in the file that `LIFESIGN_EVIDENCE` names.

use std::io::Write;

/// One line: the fields in this order, with tabs between.
pub struct Evidence<'a> {
    /// `model`, `mutant` or `ordering`.
    pub kind: &'a str,
    pub name: &'a str,
    /// Executions.
    pub count: usize,
    pub seconds: f64,
    pub result: &'a str,
}

/// Appends the line, if a file is named.
pub fn append(line: &Evidence<'_>) {
    let Some(path) = std::env::var_os("LIFESIGN_EVIDENCE") else { return };
    let Evidence { kind, name, count, seconds, result } = line;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .unwrap_or_else(|error| panic!("LIFESIGN_EVIDENCE {}: {error}", path.display()));
    let line = format!("{kind}\t{name}\t{count}\t{seconds:.1}\t{result}\n");
    file.write_all(line.as_bytes()).expect("the line of evidence can be written");
}
