//! Texts by a byte of the input: a few ids that meet one another, and everything that is at or past a limit.

use std::os::unix::ffi::OsStrExt;

use crate::scratch;

/// A text, and whether the pointer to it is NULL.
pub enum Text {
    Bytes(Vec<u8>),
    NullOf(usize),
}

const IDS: [&str; 16] = [
    "a",
    "b",
    "c",
    "d",
    "web",
    "web:http",
    "web:tcp",
    "db",
    "node",
    "all good",
    "it does not answer",
    "ab",
    "é",
    "a\u{10FFFF}",
    "x",
    "A",
];

/// Lengths around every limit of the ABI.
const LENGTHS: [usize; 20] = [
    1, 63, 64, 127, 128, 200, 201, 254, 255, 256, 257, 4095, 4096, 4097, 5000, 1023, 1024, 65535, 65536,
    70000,
];

/// The text that stands for `choice`; paths lead into the folder for files.
pub fn text(name: &str, choice: u8) -> Text {
    match plain(name, choice) {
        Text::Bytes(bytes) if matches!(name, "dir" | "path") && !bytes.is_empty() => {
            let folder = scratch::folder().as_os_str().as_bytes();
            Text::Bytes([folder, b"/", &bytes[..]].concat())
        }
        text => text,
    }
}

fn plain(name: &str, choice: u8) -> Text {
    let bytes = |bytes: &[u8]| Text::Bytes(bytes.to_vec());
    match (name, choice) {
        ("dir", 0..8) => return bytes(b"claims"),
        ("dir", 8..12) => return bytes(b"advisory"),
        ("dir", 12..14) => return bytes(b"export.json"),
        ("path", 0..8) => return bytes(b"export.json"),
        ("path", 8..10) => return bytes(b"claims"),
        ("path", 10..12) => return bytes(b"nowhere/export.json"),
        ("path", 12..14) => return bytes(b"claims/a.holder"),
        // Only an alias has one.
        ("target", 0) => return bytes(b""),
        _ => {}
    }
    match choice {
        0..16 => bytes(IDS[usize::from(choice)].as_bytes()),
        16 => Text::NullOf(0),
        17 => Text::NullOf(1),
        18 => Text::NullOf(usize::MAX),
        19 => bytes(b""),
        20 => bytes(b"\xff"),
        21 => bytes(b"a\0b"),
        22 => bytes(b"\0"),
        23 => bytes(b"\xed\xa0\x80"),
        24 => bytes(b"a\xf0\x9f"),
        25 => bytes("é".repeat(2048).as_bytes()),
        26 => bytes(b"../a"),
        27 => bytes(b"a/b"),
        28 => bytes(b"\"\\\n\t"),
        32..52 => Text::Bytes(vec![b'l'; LENGTHS[usize::from(choice) - 32]]),
        52..72 => Text::Bytes("é".repeat(LENGTHS[usize::from(choice) - 52]).into_bytes()),
        _ => Text::Bytes(vec![choice]),
    }
}
