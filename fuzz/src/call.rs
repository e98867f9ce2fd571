//! One call: its parameters, made up from a piece of the input, and the memory that is lent to it.
//!
//! A byte of 0 stands for what is right, so that a piece that says nothing is a call that makes sense.

use std::ffi::{CStr, c_char};
use std::sync::atomic::Ordering;

use crate::abi::*;
use crate::memory::{Memory, PATTERN};
use crate::number::number;
use crate::pools::Kind;
use crate::sequence::PIECE;
use crate::text::{Text, text};
use crate::world::World;

/// A structure that the caller fills.
pub trait Given: Copy {
    fn fill(value: &mut Self, it: &mut Call<'_>);
}

/// What a call writes.
pub trait Answer: Copy {
    /// It says its own size, which the caller has set.
    const SIZED: bool;

    /// Its pieces of the byte buffer, and whether each is a text.
    fn spans(&self) -> Vec<(lifesign_span, bool)>;
}

macro_rules! plain {
    ($($plain:ty),*) => {$(
        impl Answer for $plain {
            const SIZED: bool = false;
            fn spans(&self) -> Vec<(lifesign_span, bool)> { Vec::new() }
        }
    )*};
}
plain!(u32, i32, u64, usize, c_char, [u8; 16]);

/// A place that the call may write.
pub struct Place {
    pub name: &'static str,
    pub first: *mut u8,
    /// Of one answer, in bytes.
    pub size: usize,
    pub before: Vec<u8>,
    /// What the answer is a new handle of.
    pub fresh: Option<Kind>,
    /// The spans of one answer, at this address.
    pub spans: fn(*const u8) -> Vec<(lifesign_span, bool)>,
}

/// What is odd about a call; which pointer or which size counts down.
enum Odd {
    Nothing,
    Null(u8),
    Size(u8),
    NoError,
    WrongError,
}

/// A call in the making.
pub struct Call<'a> {
    pub world: &'a World,
    pub function: &'static Function,
    choices: std::slice::Iter<'a, u8>,
    odd: Odd,
    may_wait: bool,
    memory: Memory,
    pub places: Vec<Place>,
    /// Structures with texts that are given and written: their first, and how many.
    pub writes: (*mut lifesign_write, usize),
    pub detail: *mut lifesign_error,
    /// The place for the detail says a wrong size, so INVALID is the answer and nothing is to be filled in.
    pub wrong_error: bool,
    /// A handle that is given had ended before the call.
    pub ended: Option<u64>,
}

impl<'a> Call<'a> {
    pub fn new(
        world: &'a World,
        function: &'static Function,
        piece: &'a [u8; PIECE],
        may_wait: bool,
    ) -> Self {
        let odd = match piece[2] {
            200..214 => Odd::Null(piece[2] - 200),
            214..228 => Odd::Size(piece[2] - 214),
            228..232 => Odd::NoError,
            232..236 => Odd::WrongError,
            _ => Odd::Nothing,
        };
        let null = std::ptr::null_mut();
        Self {
            world,
            function,
            choices: piece[3..].iter(),
            odd,
            may_wait,
            memory: Memory::default(),
            places: Vec::new(),
            writes: (null, 0),
            detail: std::ptr::null_mut(),
            wrong_error: false,
            ended: None,
        }
    }

    fn choice(&mut self) -> u8 {
        self.choices.next().copied().unwrap_or(0)
    }

    /// Whether this pointer is the one that is NULL.
    fn is_null(&mut self) -> bool {
        let Odd::Null(left) = &mut self.odd else { return false };
        *left = left.wrapping_sub(1);
        *left == u8::MAX
    }

    /// The size that a structure says it has.
    pub fn size(&mut self, right: usize) -> u32 {
        let right = right as u32;
        let Odd::Size(left) = &mut self.odd else { return right };
        *left = left.wrapping_sub(1);
        if *left != u8::MAX {
            return right;
        }
        [0, 1, 4, right - 1, right + 8, u32::MAX][usize::from(self.choice()) % 6]
    }

    pub fn number(&mut self, name: &str) -> u64 {
        let choice = self.choice();
        number(self.world, name, choice, self.may_wait)
    }

    pub fn handle(&mut self, kind: Kind, ends: bool) -> u64 {
        let choice = self.choice();
        let handle = self.world.pools.choose(kind, choice);
        if ends && self.world.pools.has_ended(handle) {
            self.ended = Some(handle);
        }
        handle
    }

    /// A handle in a structure, where it may stand for nothing.
    pub fn handle_field(&mut self, kind: Option<Kind>) -> u64 {
        let choice = self.choice();
        match (kind, choice) {
            (Some(Kind::Service), 255) => 0,
            (Some(kind), _) => self.world.pools.choose(kind, choice),
            (None, 0..8) => 0,
            (None, _) => {
                let kind = if choice.is_multiple_of(2) { Kind::Check } else { Kind::Service };
                self.world.pools.choose(kind, (choice - 8) / 2)
            }
        }
    }

    pub fn text(&mut self, name: &str) -> (*const c_char, usize) {
        let null = self.is_null();
        match text(name, self.choice()) {
            Text::Bytes(bytes) if null => (std::ptr::null(), bytes.len()),
            Text::Bytes(bytes) => (self.memory.copy(&bytes).cast(), bytes.len()),
            Text::NullOf(len) => (std::ptr::null(), len),
        }
    }

    /// Fills an array of a structure: a text that ends with a NUL, or does not.
    pub fn array<T: Copy, const N: usize>(&mut self, array: &mut [T; N]) {
        let choice = self.choice();
        let mut bytes = [0; N];
        match choice {
            0..8 => bytes[..4].copy_from_slice(&[b'p', b'e', b'e', b'a' + choice]),
            8..12 => {}
            12..16 => bytes.fill(b'x'),
            16..20 => bytes[0] = 0xFF,
            _ => bytes[..N - 1].fill(choice),
        }
        assert!(size_of::<T>() == 1);
        // SAFETY: an array of bytes, whatever they are called.
        unsafe { std::ptr::from_mut(array).cast::<[u8; N]>().write(bytes) };
    }

    fn structure<T: Given>(&mut self) -> *mut T {
        self.structures(1)
    }

    fn structures<T: Given>(&mut self, count: usize) -> *mut T {
        let size = size_of::<T>() * count;
        let first = self.memory.take(size, align_of::<T>()).cast::<T>();
        for at in 0..count {
            // SAFETY: one of those just taken; each is of numbers and pointers alone, for which zeros are right.
            let value = unsafe {
                first.add(at).write_bytes(0, 1);
                &mut *first.add(at)
            };
            T::fill(value, self);
        }
        first
    }

    pub fn given<T: Given>(&mut self, optional: bool) -> *const T {
        if self.is_null() || (optional && self.choice() == 1) {
            return std::ptr::null();
        }
        self.structure()
    }

    /// A structure that another one points to and that need not be there.
    pub fn pointed<T: Given>(&mut self) -> *const T {
        if self.choice() == 0 { std::ptr::null() } else { self.structure() }
    }

    fn error_place(&mut self, size: u32) -> *mut lifesign_error {
        let first = self.memory.take(size_of::<lifesign_error>(), align_of::<lifesign_error>());
        let first = first.cast::<lifesign_error>();
        // SAFETY: just taken.
        unsafe { (*first).struct_size = size };
        first
    }

    /// A place for the detail of one write among several.
    pub fn detail(&mut self) -> *mut lifesign_error {
        if self.choice() == 0 {
            return std::ptr::null_mut();
        }
        let size = self.size(size_of::<lifesign_error>());
        self.error_place(size)
    }

    pub fn error(&mut self) -> *mut lifesign_error {
        self.detail = match self.odd {
            Odd::NoError => std::ptr::null_mut(),
            Odd::WrongError => {
                self.wrong_error = true;
                self.error_place(7)
            }
            _ => self.error_place(size_of::<lifesign_error>() as u32),
        };
        self.detail
    }

    fn place<T: Answer>(&mut self, name: &'static str, count: usize) -> *mut T {
        let size = size_of::<T>();
        let first = self.memory.take(size * count, align_of::<T>());
        for at in 0..if T::SIZED { count } else { 0 } {
            let said = self.size(size);
            // SAFETY: the size stands first in what was just taken.
            unsafe { first.add(at * size).cast::<u32>().write(said) };
        }
        let mut before = Vec::new();
        if count > 0 {
            // SAFETY: taken and filled above.
            before = unsafe { std::slice::from_raw_parts(first, size * count) }.to_vec();
        }
        // SAFETY: asked for answers that stand in this place alone.
        let spans = |at: *const u8| unsafe { &*at.cast::<T>() }.spans();
        self.places.push(Place { name, first, size, before, fresh: None, spans });
        first.cast()
    }

    pub fn out<T: Answer>(&mut self, name: &'static str) -> *mut T {
        if self.is_null() { std::ptr::null_mut() } else { self.place(name, 1) }
    }

    pub fn fresh(&mut self, kind: Kind) -> *mut u64 {
        let first: *mut u64 = self.out("handle");
        if let Some(place) = self.places.last_mut().filter(|_| !first.is_null()) {
            place.fresh = Some(kind);
        }
        first
    }

    /// A buffer and its capacity: enough for most, none, what was needed last, and a little less.
    pub fn places<T: Answer>(&mut self, name: &'static str) -> (*mut T, usize) {
        let null = self.is_null();
        let is_bytes = name == "bytes";
        let needed = if is_bytes { &self.world.bytes_needed } else { &self.world.count_needed };
        let needed = needed.load(Ordering::Relaxed).min(1 << 16);
        let cap = match self.choice() {
            0 => {
                if is_bytes {
                    4096
                } else {
                    16
                }
            }
            1 => needed,
            2 => needed.saturating_sub(1),
            3 => 0,
            choice => choice.into(),
        };
        (if null { std::ptr::null_mut() } else { self.place(name, cap) }, cap)
    }

    /// Several handles.
    pub fn handles(&mut self, kind: Kind) -> (*const u64, usize) {
        let null = self.is_null();
        let count = (usize::from(self.choice()) + 3) % 8;
        let mut handles = Vec::new();
        for _ in 0..count {
            let choice = self.choice();
            handles.push(self.world.pools.choose(kind, choice));
        }
        if null {
            return (std::ptr::null(), count);
        }
        let first = self.memory.take(8 * count, 8).cast::<u64>();
        for (at, handle) in handles.into_iter().enumerate() {
            // SAFETY: room for that many was just taken.
            unsafe { first.add(at).write(handle) };
        }
        (first, count)
    }

    /// An answer for each of several handles.
    pub fn answers<T: Answer>(&mut self, name: &'static str, count: usize) -> *mut T {
        if self.is_null() { std::ptr::null_mut() } else { self.place(name, count) }
    }

    pub fn writes(&mut self) -> (*mut lifesign_write, usize) {
        let null = self.is_null();
        let count = (usize::from(self.choice()) + 2) % 4;
        let first = self.structures(count);
        if null {
            return (std::ptr::null_mut(), count);
        }
        self.writes = (first, count);
        self.writes
    }

    /// What is at a place, byte by byte.
    pub fn now(place: &Place) -> &[u8] {
        if place.before.is_empty() {
            return &[];
        }
        // SAFETY: a place of this call, as long as it was before.
        unsafe { std::slice::from_raw_parts(place.first, place.before.len()) }
    }

    /// The number at a place, of as many bytes as it has.
    pub fn value(&self, name: &str) -> Option<u64> {
        let place = self.places.iter().find(|place| place.name == name && place.size <= 8)?;
        let mut bytes = [0; 8];
        bytes[..place.size].copy_from_slice(Self::now(place));
        Some(u64::from_le_bytes(bytes))
    }

    /// The structure at a place.
    pub fn structure_at<T: Answer>(&self, name: &str) -> Option<T> {
        let place = self.places.iter().find(|place| place.name == name && place.size == size_of::<T>())?;
        // SAFETY: a place for one of these; it is written, or full of the pattern.
        Some(unsafe { place.first.cast::<T>().read_unaligned() })
    }
}

impl Given for lifesign_cursor {
    fn fill(value: &mut Self, it: &mut Call<'_>) {
        *value = *it.world.cursor.lock().unwrap();
        match it.choice() {
            0..64 => {}
            64..128 => value.position = value.position.saturating_sub(1),
            128..160 => value.position += 1000,
            160..192 => value.engine_id[0] ^= 1,
            192..224 => value.position = u64::MAX,
            _ => value.engine_id = [PATTERN; 16],
        }
    }
}

/// The functions that cannot fail.
pub fn infallible(it: &mut Call<'_>) {
    let code = it.number("result") as u32;
    // SAFETY: they take no pointer, and their texts are static.
    let (abi, version, name, status) = unsafe {
        let (version, name, status) =
            (lifesign_version(), lifesign_result_name(code), lifesign_status_name(code));
        (lifesign_abi_version(), CStr::from_ptr(version), CStr::from_ptr(name), CStr::from_ptr(status))
    };
    assert!(abi == 1 && !version.is_empty() && !name.is_empty());
    assert_eq!(name == c"UNKNOWN", code > INTERNAL);
    assert_eq!(status == c"unknown", code > 3);
}
