//! Sequences of calls of the C ABI, right and wrong, in up to three threads.
#![no_main]

libfuzzer_sys::fuzz_target!(init: lifesign_fuzz::root::make(), |input: &[u8]| lifesign_fuzz::run(input));
