//! What must hold after a call, whatever it was given.

use std::sync::LazyLock;
use std::sync::atomic::Ordering;

use crate::abi::*;
use crate::call::{Call, Place};
use crate::memory::PATTERN;
use crate::pools::Kind;
use crate::world::Reader;

/// With LIFESIGN_FUZZ_TELL each call is told with its result: for reading an input that was found.
static TOLD: LazyLock<bool> = LazyLock::new(|| std::env::var_os("LIFESIGN_FUZZ_TELL").is_some());

impl Call<'_> {
    /// Judges what the call has answered and written; `ends` is the handle of what has ended if it succeeded.
    pub fn judge(&mut self, result: u32, ends: u64) {
        if *TOLD {
            eprintln!("{:?} {} {result}", std::thread::current().id(), self.function.name);
        }
        self.documented(result);
        self.error_filled(result);
        if result != OK {
            self.untouched(result);
            return;
        }
        let name = self.function.name;
        if let Some(handle) = self.ended {
            panic!("{name} succeeded with {handle:#x}, which had ended before the call");
        }
        if ends != 0 && !self.world.pools.end(ends) {
            panic!("{name} succeeded twice with {ends:#x}");
        }
        self.texts();
        self.told();
    }

    fn documented(&self, result: u32) {
        let documented = result == OK || result <= INTERNAL && self.function.documented >> result & 1 == 1;
        let name = self.function.name;
        assert!(
            documented || (self.wrong_error && result == INVALID),
            "{name} answers {result}, which its comment does not name"
        );
        assert!(!self.wrong_error || result == INVALID, "{name} takes an error of a wrong size");
        let (first, count) = self.writes;
        for at in 0..if result == OK { count } else { 0 } {
            // SAFETY: one of the writes that were lent.
            assert_eq!(
                unsafe { (*first.add(at)).result },
                OK,
                "{name}: the call succeeded and a write did not"
            );
        }
    }

    fn error_filled(&self, result: u32) {
        let name = self.function.name;
        if self.detail.is_null() {
            return;
        }
        // SAFETY: the place for the detail, whose bytes were all written when it was taken.
        let bytes =
            unsafe { std::slice::from_raw_parts(self.detail.cast::<u8>(), size_of::<lifesign_error>()) };
        if result == OK || self.wrong_error {
            assert!(bytes[4..].iter().all(|byte| *byte == PATTERN), "{name}: a detail that is none");
            return;
        }
        // SAFETY: as above.
        let (size, code) = unsafe { ((*self.detail).struct_size, (*self.detail).code) };
        assert_eq!((size as usize, code), (bytes.len(), result), "{name}: the detail's size and code");
        let message = &bytes[std::mem::offset_of!(lifesign_error, message)..];
        let end = message.iter().position(|byte| *byte == 0).expect("a message ends with a NUL");
        let message = std::str::from_utf8(&message[..end]).expect("a message is a text");
        assert!(!message.is_empty(), "{name}: no message");
    }

    /// What a call that fails may have written: a needed size or count, and that only for want of room.
    fn untouched(&self, result: u32) {
        for place in &self.places {
            let spared = match place.name {
                "count" | "bytes_needed" if result == BUFFER_TOO_SMALL => 0..place.size,
                "view" if result == BUFFER_TOO_SMALL => {
                    let at = std::mem::offset_of!(lifesign_service_view, checks);
                    at..at + 4
                }
                "batch" if result == BUFFER_TOO_SMALL => {
                    let at = std::mem::offset_of!(lifesign_batch, bytes);
                    at..at + 8
                }
                _ => 0..0,
            };
            let now = Self::now(place);
            let same = |range: std::ops::Range<usize>| now[range.clone()] == place.before[range];
            let untouched = same(0..spared.start) && same(spared.end..now.len());
            assert!(untouched, "{} answers {result}, and yet {} is touched", self.function.name, place.name);
        }
        if result == BUFFER_TOO_SMALL {
            self.needs();
        }
    }

    fn needs(&self) {
        let bytes = self.structure_at::<lifesign_batch>("batch").map(|batch| batch.bytes);
        if let Some(bytes) = self.value("bytes_needed").or(bytes) {
            self.world.bytes_needed.store(bytes as usize, Ordering::Relaxed);
        }
        let checks = self.structure_at::<lifesign_service_view>("view").map(|view| view.checks.into());
        if let Some(count) = self.value("count").or(checks) {
            self.world.count_needed.store(count as usize, Ordering::Relaxed);
        }
    }

    /// Every piece of the byte buffer lies in it, and what is a text is one.
    fn texts(&self) {
        let buffer = self.places.iter().find(|place| place.name == "bytes");
        let buffer = buffer.map_or(&[][..], Self::now);
        let written = |place: &&Place| place.name != "bytes" && place.size > 8;
        for place in self.places.iter().filter(written) {
            let answers = Self::now(place).chunks(place.size).zip(place.before.chunks(place.size));
            for (at, (now, before)) in answers.enumerate() {
                if now == before {
                    continue;
                }
                // SAFETY: the answer with this number, which the call has written.
                let spans = (place.spans)(unsafe { place.first.add(at * place.size) });
                for (span, is_text) in spans {
                    let end = span.offset as usize + span.len as usize;
                    let name = self.function.name;
                    assert!(end <= buffer.len(), "{name}: {}[{at}] points past the buffer", place.name);
                    let text = std::str::from_utf8(&buffer[span.offset as usize..end]);
                    assert!(!is_text || text.is_ok(), "{name}: {}[{at}] has a text that is none", place.name);
                }
            }
        }
    }

    /// What later calls go by.
    fn told(&self) {
        let world = self.world;
        for place in &self.places {
            let Some(kind) = place.fresh else { continue };
            let handle = self.value(place.name).expect("it is a number");
            assert!(handle != 0, "{} gives out 0", self.function.name);
            world.pools.add(kind, handle);
            if kind == Kind::Engine {
                world.engines.lock().unwrap().push(handle);
            }
        }
        if let Some(repaired) = self.value("repaired") {
            assert_eq!(repaired, 0, "the audit found a wrong summary");
        }
        if let Some(stats) = self.structure_at::<lifesign_stats>("stats") {
            assert_eq!((stats.repairs, stats.internal_errors), (0, 0), "repairs, internal errors");
        }
        if let Some(generation) = self.value("generation") {
            world.generation.store(generation, Ordering::Relaxed);
        }
        if let Some(who) = self.structure_at::<lifesign_who>("who") {
            world.generation.store(who.generation, Ordering::Relaxed);
        }
        if let Some(batch) = self.structure_at::<lifesign_batch>("batch") {
            *world.cursor.lock().unwrap() = batch.cursor;
        }
        if let Some(reader) = self.structure_at::<lifesign_reader>("reader") {
            let (word, link) = (reader.word as usize, reader.link as usize);
            world.readers.lock().unwrap().push(Reader { word, link, life: reader.life });
        }
    }
}
