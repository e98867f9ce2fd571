//! B2 and B3 at the C boundary: no panic crosses it, and a call that fails leaves its out-parameters alone.

use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};

use lifesign::failpoint::panic_at;

use crate::support::breaks;
use crate::support::child::ended;

const OK: u32 = 0;
const INTERNAL: u32 = 23;
const PASSING: u32 = 1;
const CRITICAL: u32 = 3;
/// What stands in an out-parameter that nobody has written.
const UNTOUCHED: u64 = 0xA5A5_A5A5_A5A5_A5A5;

/// `lifesign_str`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Text {
    ptr: *const c_char,
    len: usize,
}

/// `lifesign_check_spec`.
#[repr(C)]
struct CheckSpec {
    struct_size: u32,
    kind: u32,
    initial: u32,
    reserved: u32,
    service: u64,
    id: Text,
    name: Text,
    data: Text,
    target: Text,
    restored: *const c_void,
}

/// `lifesign_write`.
#[repr(C)]
struct Write {
    struct_size: u32,
    status: u32,
    token: u64,
    output: Text,
    result: u32,
    reserved: u32,
    revision: u64,
    detail: *mut c_void,
}

// As in include/lifesign.h; the details of errors are not asked for.
unsafe extern "C" {
    safe fn lifesign_engine_open(config: *const c_void, engine: *mut u64, error: *mut c_void) -> u32;
    safe fn lifesign_engine_close(engine: u64, error: *mut c_void) -> u32;
    safe fn lifesign_check_find(
        engine: u64,
        id: *const c_char,
        len: usize,
        check: *mut u64,
        error: *mut c_void,
    ) -> u32;
    safe fn lifesign_check_register(
        engine: u64,
        spec: *const CheckSpec,
        check: *mut u64,
        error: *mut c_void,
    ) -> u32;
    safe fn lifesign_check_status(check: u64, status: *mut u32, error: *mut c_void) -> u32;
    safe fn lifesign_token_acquire(
        check: u64,
        how: *const c_void,
        token: *mut u64,
        error: *mut c_void,
    ) -> u32;
    safe fn lifesign_token_write(
        token: u64,
        status: u32,
        output: *const c_char,
        len: usize,
        error: *mut c_void,
    ) -> u32;
    safe fn lifesign_token_write_batch(writes: *mut Write, count: usize, error: *mut c_void) -> u32;
}

fn text(text: &'static str) -> Text {
    Text { ptr: text.as_ptr().cast(), len: text.len() }
}

fn open() -> u64 {
    let mut engine = 0;
    assert_eq!(lifesign_engine_open(null(), &raw mut engine, null_mut()), OK);
    engine
}

/// Registers a check of the node that starts as passing: the result, and what then stands in the out-parameter.
fn register(engine: u64, id: &'static str) -> (u32, u64) {
    let none = Text { ptr: null(), len: 0 };
    let spec = CheckSpec {
        struct_size: size_of::<CheckSpec>() as u32,
        kind: 0,
        initial: PASSING,
        reserved: 0,
        service: 0,
        id: text(id),
        name: none,
        data: none,
        target: none,
        restored: null(),
    };
    let mut check = UNTOUCHED;
    let result = lifesign_check_register(engine, &raw const spec, &raw mut check, null_mut());
    (result, check)
}

fn acquire(check: u64) -> (u32, u64) {
    let mut token = UNTOUCHED;
    let result = lifesign_token_acquire(check, null(), &raw mut token, null_mut());
    (result, token)
}

fn write(token: u64) -> u32 {
    let Text { ptr, len } = text("down");
    lifesign_token_write(token, CRITICAL, ptr, len, null_mut())
}

fn status(check: u64) -> u32 {
    let mut status = 0;
    assert_eq!(lifesign_check_status(check, &raw mut status, null_mut()), OK);
    status
}

fn is_registered(engine: u64, id: &'static str) -> bool {
    let (Text { ptr, len }, mut check) = (text(id), 0);
    lifesign_check_find(engine, ptr, len, &raw mut check, null_mut()) == OK
}

/// A panic at each step of `call`, in an engine with a check and its token. `judge` is told what the call returned.
fn at_every_step<R>(call: impl Fn(u64, u64, u64) -> R, mut judge: impl FnMut(u64, u64, u64, R)) -> usize {
    for number in 0.. {
        let engine = open();
        let (_, check) = register(engine, "a");
        let (_, token) = acquire(check);
        let (result, injected) = panic_at(number, || call(engine, check, token));
        if injected {
            judge(engine, check, token, result.expect("nothing unwinds"));
        }
        assert_eq!(lifesign_engine_close(engine, null_mut()), OK);
        if !injected {
            return number;
        }
    }
    unreachable!("a call has an end")
}

/// How many steps there were and at how many of them the call failed.
fn writes() -> (usize, usize) {
    let mut failed = 0;
    let steps = at_every_step(
        |_, _, token| write(token),
        |_, check, token, result| {
            assert!([OK, INTERNAL].contains(&result), "{result}");
            assert_eq!(status(check), if result == OK { CRITICAL } else { PASSING });
            failed += usize::from(result == INTERNAL);
            assert_eq!(write(token), OK, "nothing is left in the way");
        },
    );
    (steps, failed)
}

fn registrations() -> (usize, usize) {
    let mut failed = 0;
    let steps = at_every_step(
        |engine, _, _| register(engine, "new"),
        |engine, _, _, (result, check)| {
            assert!([OK, INTERNAL].contains(&result), "{result}");
            assert_eq!(is_registered(engine, "new"), result == OK);
            assert_eq!(check == UNTOUCHED, result == INTERNAL, "{check:#x}");
            failed += usize::from(result == INTERNAL);
            assert_eq!(register(engine, "new").0, OK, "nothing is left in the way");
        },
    );
    (steps, failed)
}

fn acquisitions() -> (usize, usize) {
    let mut failed = 0;
    let steps = at_every_step(
        |engine, _, _| acquire(register(engine, "new").1),
        |engine, _, _, (result, token)| {
            // The panics of the registration before it are judged there.
            if is_registered(engine, "new") && result != OK {
                assert_eq!((result, token), (INTERNAL, UNTOUCHED));
                failed += 1;
                assert_eq!(acquire(register(engine, "new").1).0, OK, "nothing is left in the way");
            }
        },
    );
    (steps, failed)
}

fn batches() -> (usize, usize) {
    let mut failed = 0;
    let steps = at_every_step(
        |engine, _, token| {
            let other = register(engine, "other").1;
            let tokens = [token, acquire(other).1];
            let mut writes = tokens.map(|token| Write {
                struct_size: size_of::<Write>() as u32,
                status: CRITICAL,
                token,
                output: text("down"),
                result: u32::MAX,
                reserved: 0,
                revision: UNTOUCHED,
                detail: null_mut(),
            });
            let result = lifesign_token_write_batch(writes.as_mut_ptr(), writes.len(), null_mut());
            (other, result, writes)
        },
        |_, check, _, (other, result, writes)| {
            // A panic before the batch has left it a check or token too few.
            if writes.iter().any(|write| ![OK, INTERNAL].contains(&write.result)) {
                return;
            }
            for (check, write) in [check, other].into_iter().zip(&writes) {
                let right = if write.result == OK { CRITICAL } else { PASSING };
                assert_eq!(status(check), right, "each by itself");
                assert_eq!(write.revision == UNTOUCHED, write.result == INTERNAL);
            }
            let internal = writes.iter().filter(|write| write.result == INTERNAL).count();
            assert_eq!(result, if internal == 0 { OK } else { INTERNAL });
            failed += internal;
        },
    );
    (steps, failed)
}

#[test]
fn b2_no_panic_crosses_the_boundary() {
    // In a child: where a panic crosses, it ends the process.
    breaks::notices("boundary-lets-panics-through", "a panic in a call does not end the process", || {
        let outcome = ended(|| {
            std::panic::set_hook(Box::new(|_| {}));
            let enough =
                |(steps, failed): (usize, usize), least: usize| failed >= least && steps > failed + 3;
            vec![
                enough(writes(), 2),
                enough(registrations(), 2),
                enough(acquisitions(), 2),
                enough(batches(), 4),
            ]
        });
        assert_ne!(outcome, Err(libc::SIGABRT), "a panic in a call does not end the process");
        let said = ["", "writes", "registrations", "acquisitions", "batches"];
        let answered = outcome.expect("the child ended by itself");
        assert_eq!(answered, 0, "{}", said.get(answered as usize).unwrap_or(&"the child failed"));
    });
}
