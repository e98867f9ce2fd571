//! Names the shared library as programs ask for it, by the number of its ABI. Plain cargo gives it no name of its own.

fn main() {
    println!("cargo::rerun-if-changed=include/lifesign.h");
    let header = std::fs::read_to_string("include/lifesign.h").expect("the header is part of the crate");
    let abi = header.lines().find_map(|line| line.strip_prefix("#define LIFESIGN_ABI_VERSION "));
    let abi = abi.expect("the header has the number of the ABI");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liblifesign.so.{abi}");
    // Never unloaded: threads may still have something of it.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
