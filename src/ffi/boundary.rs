//! What every call goes through: panics, pointers, sizes, texts, and the detail of an error.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::cell::process::{self, Root};
use crate::ffi::types::*;
use crate::model::error::{Error, ErrorKind, unless_it_panics};
use crate::model::event::Cursor;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::writer::record::WriterRecord;

/// Runs a call: nothing unwinds across the boundary, and the detail is filled only on failure.
pub fn call(error: *mut lifesign_error, body: impl FnOnce() -> Result<(), Error>) -> lifesign_result {
    let checked = || {
        check_error(error)?;
        body()
    };
    match unless_it_panics(checked) {
        Ok(()) => LIFESIGN_OK,
        Err(refused) => {
            if check_error(error).is_ok() {
                fill_error(error, &refused);
            }
            refused.kind() as lifesign_result
        }
    }
}

/// A place for a detail: there is none, or it is of the right size.
pub fn check_error(error: *const lifesign_error) -> Result<(), Error> {
    if error.is_null() { Ok(()) } else { check_size("error", error.cast(), size_of::<lifesign_error>()) }
}

/// A struct of the caller's: there, and of the size that this release knows. It is the first, so there is no older one to accept.
pub fn check_size(what: &str, pointer: *const u32, expected: usize) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: not NULL, and each struct that crosses begins with a u32 that the caller has set; that much the header demands.
    let size = unsafe { pointer.read() } as usize;
    if size != expected {
        return Err(Error::invalid(format!(
            "{what}: struct_size is {size} and the struct has {expected} bytes; set it to its sizeof before the call"
        )));
    }
    Ok(())
}

/// The error for a NULL that must not be one.
pub fn null(what: &str) -> Error {
    Error::invalid(format!("{what} is NULL"))
}

/// A struct that the caller has filled.
pub fn input<'a, T>(what: &str, pointer: *const T) -> Result<&'a T, Error> {
    check_size(what, pointer.cast(), size_of::<T>())?;
    // SAFETY: not NULL and as large as `T`; the caller leaves it alone during the call, as the header demands.
    Ok(unsafe { &*pointer })
}

/// A place for an answer. It is written at the very end of a call that succeeds.
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place that must not be NULL.
    pub fn new(what: &str, pointer: *mut T) -> Result<Self, Error> {
        if pointer.is_null() { Err(null(what)) } else { Ok(Self(pointer)) }
    }

    /// A struct with a size of its own.
    pub fn sized(what: &str, pointer: *mut T) -> Result<Self, Error> {
        check_size(what, pointer.cast(), size_of::<T>())?;
        Ok(Self(pointer))
    }

    /// Writes the answer.
    pub fn put(self, value: T) {
        // SAFETY: not NULL, and the caller's to be written during the call.
        unsafe { self.0.write(value) };
    }
}

/// An array of the caller's that is filled from the front.
pub struct Slots<T> {
    first: *mut T,
    cap: usize,
}

impl<T> Slots<T> {
    /// `cap` places; NULL only if there are none.
    pub fn new(what: &str, first: *mut T, cap: usize) -> Result<Self, Error> {
        if first.is_null() && cap > 0 { Err(null(what)) } else { Ok(Self { first, cap }) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.cap
    }

    /// The place with this number, which must be below [`Slots::len`].
    pub fn at(&self, index: usize) -> *mut T {
        assert!(index < self.cap);
        // SAFETY: the caller says that there are `cap` places one after another.
        unsafe { self.first.add(index) }
    }

    /// Writes the place with this number, which must be below [`Slots::len`].
    pub fn put(&self, index: usize, value: T) {
        // SAFETY: `at` has made sure that it is one of the caller's places, which are the caller's to be written during the call.
        unsafe { self.at(index).write(value) };
    }

    /// Fills the first places; the caller has made sure that they are enough.
    pub fn fill(&self, values: &[T])
    where
        T: Copy,
    {
        assert!(values.len() <= self.cap);
        if !values.is_empty() {
            let count = values.len() + usize::from(mutated!("one-answer-too-many"));
            // SAFETY: room for that many, not overlapping with a buffer of our own.
            unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.first, count) };
        }
    }
}

/// An array of the caller's that is read.
pub struct Inputs<T> {
    first: *const T,
    len: usize,
}

impl<T: Copy> Inputs<T> {
    /// `len` values; NULL only if there are none.
    pub fn new(what: &str, first: *const T, len: usize) -> Result<Self, Error> {
        if first.is_null() && len > 0 { Err(null(what)) } else { Ok(Self { first, len }) }
    }

    /// The value with this number, which must be below the length.
    pub fn at(&self, index: usize) -> T {
        assert!(index < self.len);
        // SAFETY: the caller says that there are `len` values one after another, and leaves them alone during the call.
        unsafe { self.first.add(index).read() }
    }
}

/// Any output longer than this is refused before it is looked at; the engine's own limit is told by the engine.
pub const MAX_OUTPUT: usize = 1 << 31;

/// Bytes of the caller's, not longer than `most`.
pub fn bytes<'a>(what: &str, ptr: *const c_char, len: usize, most: usize) -> Result<&'a [u8], Error> {
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() {
        return Err(Error::invalid(format!("{what}: the pointer is NULL and the length {len}")));
    }
    if len > most {
        // SAFETY: the caller says that there are `len` bytes, of which the first few are shown.
        let shown = unsafe { std::slice::from_raw_parts(ptr.cast::<u8>(), len.min(48)) };
        return Err(Error::too_large(format!(
            "{what} {:?}…: it has {len} bytes; at most {most} are kept",
            String::from_utf8_lossy(shown)
        )));
    }
    let len = len + usize::from(mutated!("text-read-too-far"));
    // SAFETY: not NULL, and the caller says that there are `len` bytes which stay unchanged during the call.
    Ok(unsafe { std::slice::from_raw_parts(ptr.cast(), len) })
}

/// A text of the caller's.
pub fn text<'a>(what: &str, ptr: *const c_char, len: usize, most: usize) -> Result<&'a str, Error> {
    let bytes = bytes(what, ptr, len, most)?;
    std::str::from_utf8(bytes).map_err(|error| {
        let shown = &bytes[..bytes.len().min(48)];
        Error::invalid(format!(
            "{what} {:?}: not UTF-8 at byte {}",
            String::from_utf8_lossy(shown),
            error.valid_up_to()
        ))
    })
}

/// The longest path that the kernel takes.
const MAX_PATH: usize = 4095;

/// A path of the caller's, which need not be UTF-8.
pub fn path<'a>(what: &str, ptr: *const c_char, len: usize) -> Result<&'a Path, Error> {
    let given = bytes(what, ptr, len, MAX_PATH)?;
    if given.is_empty() || given.contains(&0) {
        return Err(Error::invalid(format!("{what}: it is empty or contains a NUL")));
    }
    Ok(Path::new(OsStr::from_bytes(given)))
}

/// A text of the caller's in an array that ends with a NUL.
pub fn array_text<'a>(what: &str, array: &'a [c_char]) -> Result<&'a str, Error> {
    let len = array.iter().position(|byte| *byte == 0);
    let len = len.ok_or_else(|| Error::invalid(format!("{what}: it does not end with a NUL")))?;
    text(what, array.as_ptr(), len, array.len())
}

/// A status of the caller's.
pub fn status(what: &str, code: lifesign_status) -> Result<Status, Error> {
    Status::from_code(code.into()).ok_or_else(|| {
        Error::invalid(format!("{what}: {code} is no status; 1 is passing, 2 warning, 3 critical"))
    })
}

/// The root, or why there is none.
pub fn root() -> Result<&'static Root, Error> {
    process::root().ok_or_else(|| {
        if process::is_forked() {
            Error::forked()
        } else {
            Error::text(ErrorKind::Forged, "no engine was opened in this process, so no handle can be valid")
        }
    })
}

/// A text in an array: it ends with a NUL and is cut at a character's edge.
pub fn put_text<const N: usize>(text: &str) -> [c_char; N] {
    let mut array = [0; N];
    let mut end = text.len().min(N - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (to, from) in array.iter_mut().zip(&text.as_bytes()[..end]) {
        *to = *from as c_char;
    }
    array
}

/// A record as it crosses.
pub fn record(record: Option<&WriterRecord>) -> lifesign_record {
    let mut crossing = lifesign_record {
        struct_size: size_of::<lifesign_record>() as u32,
        id: 0,
        process_uuid: [0; 16],
        boot_id: [0; 16],
        pid: 0,
        process_start: 0,
        pid_namespace: 0,
        declared: 0,
        reserved: 0,
        machine: [0; 65],
        executable: [0; 256],
        name: [0; 64],
        version: [0; 64],
        build: [0; 64],
        label: [0; 128],
    };
    if let Some(WriterRecord { id, process, embedder, label, declared }) = record {
        crossing.id = *id;
        crossing.declared = (*declared).into();
        crossing.process_uuid = process.uuid;
        crossing.boot_id = process.boot_id;
        crossing.pid = process.pid;
        crossing.process_start = process.start;
        crossing.pid_namespace = process.pid_namespace;
        crossing.machine = put_text(&process.machine);
        crossing.executable = put_text(&process.executable);
        crossing.name = put_text(&embedder.name);
        crossing.version = put_text(&embedder.version);
        crossing.build = put_text(&embedder.build);
        crossing.label = put_text(label);
    }
    crossing
}

/// A cursor as it crosses.
pub fn cursor(Cursor { engine_id, position }: Cursor) -> lifesign_cursor {
    lifesign_cursor { engine_id, position }
}

/// Fills a detail of the caller's, which [`check_error`] has found good.
pub fn fill_error(error: *mut lifesign_error, refused: &Error) {
    if error.is_null() {
        return;
    }
    let detail = lifesign_error {
        struct_size: size_of::<lifesign_error>() as u32,
        code: refused.kind() as lifesign_result,
        generation: refused.generation().unwrap_or(0),
        caller: record(refused.caller()),
        holder: record(refused.holder()),
        bookmark: refused.bookmark().map_or_else(lifesign_cursor::default, cursor),
        message: put_text(&refused.to_string()),
    };
    // SAFETY: not NULL, checked to be large enough, and the caller's to be written.
    unsafe { error.write(detail) };
}
