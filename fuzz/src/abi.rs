//! The ABI as the header declares it, written anew from it by each build.

use std::ffi::c_char;

use crate::call::{Answer, Call, Given, infallible};
use crate::pools::Kind;

/// One function: what the header says it may answer, a bit for each code, and how it is called.
pub struct Function {
    pub name: &'static str,
    pub documented: u32,
    pub run: fn(&mut Call<'_>),
}

include!(concat!(env!("OUT_DIR"), "/abi.rs"));
