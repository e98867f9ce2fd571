//! No more memory to map: whoever needs a new page of cells is told, nothing is half done, and everything that is there goes on.

use std::time::Instant;

use lifesign::{CheckSpec, Config, Engine, Error, ErrorKind, ServiceSpec, Status, SubscriptionFilter};

use crate::support::child::in_a_child;
use crate::support::{alias, breaks, check, drain, evidence, kilobytes, service};

/// Less than a page of cells.
const TOO_LITTLE: u64 = 32 << 10;
/// What Rust's allocator may need meanwhile: it is put by before, because its failure could not be caught.
const PUT_BY: usize = 16 << 20;

/// Bytes of address space that this process has.
fn address_space() -> u64 {
    kilobytes("VmSize:") << 10
}

/// Bounds the address space of this process.
fn bound(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a call with one struct, which lives until it returns.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}

/// Lets the allocator have free memory that it does not give back.
fn put_by() {
    // SAFETY: calls with values, which set how much is kept and what is mapped by itself.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 16 << 20);
    }
    let kept: Vec<Box<[u8; 4096]>> = (0..PUT_BY / 4096).map(|_| Box::new([1; 4096])).collect();
    drop(std::hint::black_box(kept));
}

/// Whether it is refused for want of memory, in words.
fn is_told<T>(result: Result<T, Error>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::Limit && error.to_string().contains("mapping"))
}

#[test]
fn without_memory_to_map_nothing_is_half_done() {
    let _alone = breaks::alone();
    let begun = Instant::now();
    let wrong = in_a_child(|| {
        let engine = Engine::open(Config::default()).unwrap();
        let web = service(&engine, "web");
        let first = check(&engine, "web:first", Some(&web));
        let mirror = alias(&engine, "mirror", None, "web");
        let token = engine.acquire(&first, "probe").unwrap();
        let everything = engine.subscribe(&SubscriptionFilter::all()).unwrap();
        put_by();
        bound(address_space() + TOO_LITTLE);
        let register = |number: usize| {
            let spec = CheckSpec::new(format!("web:{number}")).initial(Status::Passing);
            engine.register_check(&spec, Some(&web))
        };
        let mut registered = Vec::new();
        let refused = loop {
            match register(registered.len()) {
                Ok(check) => registered.push(check),
                Err(error) => break error,
            }
        };
        let before = engine.stats().unwrap();
        let number = registered.len();
        let mut answers = vec![
            // All cells of the first page were given out.
            (1000..1024).contains(&number),
            is_told::<()>(Err(refused)),
            before.checks == number as u64 + 2,
            engine.check(&format!("web:{number}")).is_err_and(|error| error.kind() == ErrorKind::NotFound),
            is_told(engine.register_check(&CheckSpec::alias("late", "nowhere"), Some(&web))),
            is_told(engine.register_check(&CheckSpec::new("late"), None)),
            is_told(engine.register_service(&ServiceSpec::new("late"))),
            is_told(Engine::open(Config::default())),
            engine.service("late").is_err() && engine.service("nowhere").is_err(),
            engine.stats().unwrap() == before,
            token.write(Status::Critical, "down").is_ok() && mirror.status() == Some(Status::Critical),
            drain(&everything).len() == number + 2,
            engine.audit().is_ok_and(|repaired| repaired == 0),
        ];
        // What is given back is used again.
        engine.deregister_check(&registered[0]).unwrap();
        answers.push(register(number).is_ok() && is_told(register(number + 1)));
        bound(libc::RLIM_INFINITY);
        answers.push(register(number + 1).is_ok() && Engine::open(Config::default()).is_ok());
        answers.push(engine.register_service(&ServiceSpec::new("late")).is_ok());
        answers.push(engine.audit().is_ok_and(|repaired| repaired == 0));
        answers
    });
    assert_eq!(wrong, 0, "question {wrong} was answered wrongly without memory to map");
    evidence::tell("faults", "no memory to map: told, and nothing half done", 1, begun);
}
