//! Abuse of the C ABI by sequences of calls that a fuzzer makes up: what is called and with what stands in `call`, what must hold
//! afterwards in `judge` and at the end of a sequence in `world`.

#[allow(non_camel_case_types, dead_code)]
mod abi;
mod call;
mod judge;
mod memory;
mod number;
mod pools;
pub mod root;
pub mod scratch;
mod sequence;
mod text;
mod world;

pub use sequence::run;
