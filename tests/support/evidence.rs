//! The results that go into the table of evidence.

use std::fs::File;
use std::io::Write as _;
use std::time::Instant;

/// Tells how much of what was done since `begun` without a failure: prints it, and appends it to the file that `LIFESIGN_EVIDENCE` names.
pub fn tell(kind: &str, name: &str, count: usize, begun: Instant) {
    let line = format!("{kind}\t{name}\t{count}\t{:.1}\tok\n", begun.elapsed().as_secs_f64());
    print!("{line}");
    if let Some(path) = std::env::var_os("LIFESIGN_EVIDENCE") {
        let file = File::options().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file of evidence can be written");
    }
}
