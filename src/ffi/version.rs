//! Versions and names: the calls that cannot fail.

use std::ffi::c_char;

use crate::ffi::types::{LIFESIGN_ABI_VERSION, lifesign_result, lifesign_status};
use crate::model::error::ErrorKind;
use crate::model::status::Status;

/// The ABI of the library at hand; compare it with `LIFESIGN_ABI_VERSION` of the header. Any thread, also after a fork.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_abi_version() -> u32 {
    LIFESIGN_ABI_VERSION
}

/// The library's version, such as "0.1.0"; static. Any thread, also after a fork.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The name of a result, such as "HELD"; "UNKNOWN" for a number that is none; static. Any thread, also after a fork.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_result_name(result: lifesign_result) -> *const c_char {
    let name: &'static std::ffi::CStr = match ErrorKind::ALL.iter().find(|kind| **kind as u32 == result) {
        None if result == 0 => c"OK",
        None => c"UNKNOWN",
        Some(kind) => kind.as_c_str(),
    };
    name.as_ptr()
}

/// The name of a status: "gone", "passing", "warning" or "critical"; "unknown" for a number that is none; static. Any thread, also after a fork.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_status_name(status: lifesign_status) -> *const c_char {
    let name: &'static std::ffi::CStr = match status {
        0 => c"gone",
        status if status == Status::Passing as u32 => c"passing",
        status if status == Status::Warning as u32 => c"warning",
        status if status == Status::Critical as u32 => c"critical",
        _ => c"unknown",
    };
    name.as_ptr()
}
