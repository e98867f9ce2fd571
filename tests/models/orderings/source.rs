//! The calls in `src` that name an ordering, found in the text: what a run must account for, and names that outlive a moved line.

use std::fmt;
use std::path::{Path, PathBuf};

/// What an atomic is asked for by.
const METHODS: [&str; 12] = [
    "load",
    "store",
    "swap",
    "compare_exchange",
    "compare_exchange_weak",
    "fetch_add",
    "fetch_sub",
    "fetch_and",
    "fetch_or",
    "fetch_xor",
    "fetch_max",
    "fetch_min",
];

/// A call of an atomic's method with an ordering other than `Relaxed`.
#[derive(Clone, Debug)]
pub struct Call {
    /// Relative to the crate.
    pub file: String,
    pub function: String,
    /// The receiver and the method, without blanks.
    pub expression: String,
    /// The how-manieth of this function that reads the same.
    pub nth: usize,
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.file, self.function, self.expression)?;
        if self.nth > 1 { write!(f, " #{}", self.nth) } else { Ok(()) }
    }
}

/// What only models and schedules are built with, and what nobody asks whether it could be weaker: the watching itself, shuttle's backing.
const NOT_SHIPPED: [&str; 2] = ["src/sync/watched.rs", "src/sync/schedule.rs"];

/// All calls that are built into a program, whichever atomics they are of, and those of the stand-ins.
pub fn calls() -> Vec<Call> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    let mut calls = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("the source can be read");
        let name = path.strip_prefix(root).expect("it is below the root").display().to_string();
        if !NOT_SHIPPED.contains(&&*name) {
            File::new(&name, &text).calls(&mut calls);
        }
    }
    calls
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// One file, without comments, strings and what neither a program nor a model compiles.
struct File<'a> {
    name: &'a str,
    text: Vec<char>,
}

impl<'a> File<'a> {
    fn new(name: &'a str, text: &str) -> Self {
        let mut file = Self { name, text: text.chars().collect() };
        file.blank_comments_and_strings();
        // Items of other builds.
        for attribute in
            ["#[cfg(shuttle)]", "#[cfg(test)]", "#[cfg(all(test, not(loom)))]", "#[cfg(all(test, shuttle))]"]
        {
            file.blank_blocks_after(attribute);
        }
        file.blank_blocks_after("#[cfg(feature = ");
        // Broken lines.
        file.blank_blocks_after("if mutated!(");
        file
    }

    fn at(&self, at: usize) -> char {
        self.text.get(at).copied().unwrap_or(' ')
    }

    fn blank(&mut self, from: usize, to: usize) {
        for char in &mut self.text[from..to] {
            if *char != '\n' {
                *char = ' ';
            }
        }
    }

    fn blank_comments_and_strings(&mut self) {
        let mut at = 0;
        while at < self.text.len() {
            let from = at;
            match (self.at(at), self.at(at + 1)) {
                ('/', '/') => {
                    while at < self.text.len() && self.at(at) != '\n' {
                        at += 1;
                    }
                    self.blank(from, at);
                }
                ('"', _) => {
                    at += 1;
                    while at < self.text.len() && self.at(at) != '"' {
                        at += if self.at(at) == '\\' { 2 } else { 1 };
                    }
                    self.blank(from + 1, at.min(self.text.len()));
                    at += 1;
                }
                ('\'', next) if next == '\\' || self.at(at + 2) == '\'' => {
                    at += if next == '\\' { 3 } else { 2 };
                    while self.at(at) != '\'' {
                        at += 1;
                    }
                    self.blank(from, at);
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    fn find(&self, what: &str, from: usize) -> Option<usize> {
        let what: Vec<char> = what.chars().collect();
        (from..self.text.len()).find(|&at| self.text[at..].starts_with(&what))
    }

    /// The end of the group that opens at `open`.
    fn close(&self, open: usize) -> usize {
        let mut depth = 0;
        for at in open..self.text.len() {
            match self.at(at) {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        panic!("{}: a group does not end", self.name)
    }

    /// Takes out what follows `mark`, if it is a block.
    fn blank_blocks_after(&mut self, mark: &str) {
        let mut from = 0;
        while let Some(start) = self.find(mark, from) {
            from = start + 1;
            let mut at = if mark.starts_with("#[") { self.close(start + 1) + 1 } else { start };
            loop {
                match self.at(at) {
                    '(' | '[' => at = self.close(at),
                    '{' => {
                        self.blank(at + 1, self.close(at));
                        break;
                    }
                    ';' | ',' | '}' => break,
                    _ if at >= self.text.len() => break,
                    _ => {}
                }
                at += 1;
            }
        }
    }

    fn is_word(&self, at: usize) -> bool {
        self.at(at).is_alphanumeric() || self.at(at) == '_'
    }

    fn word(&self, from: usize) -> String {
        (from..).take_while(|&at| self.is_word(at)).map(|at| self.at(at)).collect()
    }

    fn calls(&self, calls: &mut Vec<Call>) {
        let mut blocks: Vec<Option<String>> = Vec::new();
        let mut named = None;
        let mut groups = 0;
        let first = calls.len();
        for at in 0..self.text.len() {
            match self.at(at) {
                '(' | '[' => groups += 1,
                ')' | ']' => groups -= 1,
                '{' => blocks.push(named.take()),
                '}' => drop(blocks.pop()),
                ';' if groups == 0 => named = None,
                'f' if self.word(at) == "fn" && !self.is_word(at.wrapping_sub(1)) => {
                    named = Some(self.word(at + 3)).filter(|name| !name.is_empty()).or(named);
                }
                '.' => {
                    let method = self.word(at + 1);
                    let open = at + 1 + method.len();
                    if METHODS.contains(&&*method) && self.at(open) == '(' && self.is_ordered(open) {
                        let function = blocks.iter().rev().flatten().next().cloned().unwrap_or_default();
                        let expression = format!("{}.{method}", self.receiver(at));
                        let before = self.text[..=at].iter();
                        let line = before.clone().filter(|char| **char == '\n').count() + 1;
                        let column = before.rev().take_while(|char| **char != '\n').count() + 1;
                        let same = calls[first..]
                            .iter()
                            .filter(|call| (&call.function, &call.expression) == (&function, &expression));
                        calls.push(Call {
                            file: self.name.to_owned(),
                            nth: same.count() + 1,
                            function,
                            expression,
                            line: line as u32,
                            column: column as u32,
                        });
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether one of the arguments themselves is an ordering other than `Relaxed`.
    fn is_ordered(&self, open: usize) -> bool {
        let end = self.close(open);
        let mut at = open + 1;
        while at < end {
            if self.at(at) == '(' {
                at = self.close(at);
            } else if self.word(at) == "Ordering" && self.word(at + "Ordering::".len()) != "Relaxed" {
                return true;
            }
            at += 1;
        }
        false
    }

    /// What stands before the dot at `dot`.
    fn receiver(&self, dot: usize) -> String {
        let mut from = dot;
        while from > 0 {
            let before = self.at(from - 1);
            if self.is_word(from - 1) || ".:?".contains(before) {
                from -= 1;
            } else if ")]}".contains(before) {
                from = (0..from - 1).rev().find(|&open| self.is_group(open, from - 1)).unwrap_or(0);
            } else if before.is_whitespace() && self.at(from) == '.' {
                from -= 1;
                while self.at(from - 1).is_whitespace() {
                    from -= 1;
                }
                // What stands before the blanks belongs to the chain.
                continue;
            } else {
                break;
            }
        }
        self.text[from..dot].iter().filter(|char| !char.is_whitespace()).collect()
    }

    fn is_group(&self, open: usize, close: usize) -> bool {
        "([{".contains(self.at(open)) && self.close(open) == close
    }
}
