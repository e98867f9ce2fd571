//! Versions and names: the calls that cannot fail.

use std::ffi::c_char;

use crate::ffi::types::*;
use crate::model::error::ErrorKind;

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
        LIFESIGN_STATUS_GONE => c"gone",
        LIFESIGN_STATUS_PASSING => c"passing",
        LIFESIGN_STATUS_WARNING => c"warning",
        LIFESIGN_STATUS_CRITICAL => c"critical",
        _ => c"unknown",
    };
    name.as_ptr()
}
