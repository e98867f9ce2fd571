//! The C ABI: one file for each section of `include/lifesign.h`, which is generated from here.
//!
//! Every function returns a result; answers are written at the very end, so a call that fails has changed nothing and written nothing but
//! the needed size and the optional detail. There is no thread-local last error: a caller may come back on another thread.

// Names and casing are those of the C header; the header's documentation speaks of its functions' pointers.
#![allow(non_camel_case_types, clippy::not_unsafe_ptr_arg_deref)]

mod boundary;
mod check;
mod claim;
mod engine;
mod export;
pub mod handles;
mod marshal;
mod read;
mod service;
mod subscription;
mod token;
mod types;
mod version;
mod who;
