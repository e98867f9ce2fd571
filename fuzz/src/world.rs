//! What a sequence is run in: an engine of its own, and what its calls have told so far.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::abi::*;
use crate::call::Answer;
use crate::pools::{Kind, Pools};
use crate::scratch;

/// The world of one sequence.
pub struct World {
    pub pools: Pools,
    /// Every engine that was opened, to be closed at the end.
    pub engines: Mutex<Vec<u64>>,
    /// Where statuses stand that were asked for.
    pub readers: Mutex<Vec<Reader>>,
    /// The cursor that was told last.
    pub cursor: Mutex<lifesign_cursor>,
    /// The generation that was told last.
    pub generation: AtomicU64,
    /// What a buffer lacked last.
    pub bytes_needed: AtomicUsize,
    pub count_needed: AtomicUsize,
    /// The manual clock.
    pub boot: AtomicU64,
    /// A call may wait until somebody closes what it waits for.
    pub endless: AtomicBool,
}

/// A reader of statuses, as numbers: any thread may use it.
pub struct Reader {
    pub word: usize,
    pub link: usize,
    pub life: u64,
}

impl Reader {
    /// What `lifesign_read` of the header does.
    fn status(&self) -> u64 {
        // SAFETY: the addresses stay mapped for the life of the process.
        let load = |at: usize| unsafe { AtomicU64::from_ptr(at as *mut u64) }.load(Ordering::Acquire);
        let word = load(self.word);
        let life = if self.link == 0 { word >> 48 << 48 } else { load(self.link) };
        if life == self.life { word >> 6 & 3 } else { 0 }
    }
}

fn answer<T: Answer>() -> T {
    // SAFETY: answers are of numbers and addresses alone.
    let mut value: T = unsafe { std::mem::zeroed() };
    if T::SIZED {
        // SAFETY: the size stands first.
        unsafe { std::ptr::from_mut(&mut value).cast::<u32>().write(size_of::<T>() as u32) };
    }
    value
}

impl World {
    /// Opens an engine on a manual clock. No files of another sequence are there.
    pub fn open() -> Self {
        scratch::clear();
        let pools = Pools::new();
        // SAFETY: zeros are right for a structure of numbers and addresses.
        let mut config: lifesign_config = unsafe { std::mem::zeroed() };
        (config.struct_size, config.clock) = (size_of::<lifesign_config>() as u32, 1);
        let mut engine = 0;
        // SAFETY: what is lent is ours.
        let opened = unsafe { lifesign_engine_open(&config, &mut engine, std::ptr::null_mut()) };
        assert_eq!(opened, OK, "an engine cannot be opened");
        pools.add(Kind::Engine, engine);
        Self {
            pools,
            engines: Mutex::new(vec![engine]),
            readers: Mutex::default(),
            cursor: Mutex::new(lifesign_cursor { engine_id: [0; 16], position: 0 }),
            generation: AtomicU64::new(1),
            bytes_needed: AtomicUsize::new(0),
            count_needed: AtomicUsize::new(0),
            boot: AtomicU64::new(0),
            endless: AtomicBool::new(false),
        }
    }

    /// Closes every engine, so that whoever waits is woken.
    pub fn close_engines(&self) {
        let engines = self.engines.lock().unwrap().clone();
        for engine in engines {
            // SAFETY: no memory is lent.
            let closed = unsafe { lifesign_engine_close(engine, std::ptr::null_mut()) };
            match closed {
                OK => assert!(self.pools.end(engine), "an engine was closed twice"),
                _ => assert_eq!(closed, CLOSED, "close"),
            }
        }
    }

    /// The end of a sequence: no engine has found a bug in itself, and what has ended answers so.
    pub fn close(&self) {
        for engine in self.engines.lock().unwrap().iter() {
            self.examine(*engine);
        }
        self.close_engines();
        for reader in self.readers.lock().unwrap().iter() {
            assert_eq!(reader.status(), 0, "a status reads as something after its engine was closed");
        }
        self.nothing_answers();
    }

    fn examine(&self, engine: u64) {
        let (mut repaired, mut stats) = (0, answer::<lifesign_stats>());
        // SAFETY: what is lent is ours.
        let told = unsafe { lifesign_engine_audit(engine, &mut repaired, std::ptr::null_mut()) };
        if told == CLOSED && self.pools.has_ended(engine) {
            return;
        }
        assert_eq!((told, repaired), (OK, 0), "the audit");
        // SAFETY: as above.
        let told = unsafe { lifesign_engine_stats(engine, &mut stats, std::ptr::null_mut()) };
        assert_eq!((told, stats.repairs, stats.internal_errors), (OK, 0, 0), "repairs, internal errors");
    }

    /// A cheap call for each handle that is kept.
    fn nothing_answers(&self) {
        let (mut status, mut generation, mut fd) = (0_u32, 0_u64, 0_i32);
        let mut view = answer::<lifesign_claim_view>();
        let none = std::ptr::null_mut();
        let refused = |kind: Kind, call: &mut dyn FnMut(u64) -> u32| {
            for handle in self.pools.all(kind) {
                let told = call(handle);
                assert!([CLOSED, GONE, FORGED].contains(&told), "a {kind:?} after the close answers {told}");
            }
        };
        // SAFETY: what is lent is ours.
        unsafe {
            refused(Kind::Engine, &mut |handle| lifesign_engine_node_status(handle, &mut status, none));
            refused(Kind::Service, &mut |handle| lifesign_service_status(handle, &mut status, none));
            refused(Kind::Check, &mut |handle| lifesign_check_status(handle, &mut status, none));
            refused(Kind::Token, &mut |handle| lifesign_token_generation(handle, &mut generation, none));
            refused(Kind::Subscription, &mut |handle| {
                lifesign_subscription_descriptor(handle, &mut fd, none)
            });
            refused(Kind::Claim, &mut |handle| lifesign_claim_state(handle, &mut view, none));
        }
    }
}
