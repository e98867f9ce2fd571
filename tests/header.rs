//! The committed header is what the sources say. `LIFESIGN_WRITE_HEADER=1` writes it instead.

use std::path::Path;

#[test]
fn the_committed_header_is_what_the_sources_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("include/lifesign.h");
    let config = cbindgen::Config::from_root_or_default(root);
    let mut generated = Vec::new();
    // In the order in which the header is to be read; the rest of the crate has no place in it.
    let sections = [
        "types",
        "version",
        "engine",
        "service",
        "check",
        "read",
        "token",
        "who",
        "subscription",
        "export",
        "claim",
    ];
    sections
        .iter()
        .fold(cbindgen::Builder::new(), |builder, section| {
            builder.with_src(root.join("src/ffi").join(section).with_extension("rs"))
        })
        .with_config(config)
        .generate()
        .expect("the header can be generated")
        .write(&mut generated);
    let generated = String::from_utf8(generated).unwrap();
    if std::env::var_os("LIFESIGN_WRITE_HEADER").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == generated, "include/lifesign.h is out of date: run `make header` and commit it");
}
