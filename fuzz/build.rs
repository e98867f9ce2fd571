//! Has the ABI written as Rust from the header: declarations, and one call for each function.

use std::path::Path;
use std::process::Command;

fn main() {
    for input in ["generate.py", "functions.txt", "../ffi-tests/c/generate_abuse.py", "../include/lifesign.h"]
    {
        println!("cargo:rerun-if-changed={input}");
    }
    let made = Command::new("python3").arg("generate.py").output().expect("python3 is needed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let folder = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&folder).join("abi.rs"), made.stdout).expect("the folder can be written");
}
