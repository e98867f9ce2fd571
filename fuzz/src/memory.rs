//! What is lent to a call: each piece an allocation of its own and not a byte too long, so that the sanitizer sees a step past its end.

use std::alloc::{Layout, alloc, dealloc};

/// What an untouched place looks like.
pub const PATTERN: u8 = 0xA5;

/// Allocations that are given back together.
#[derive(Default)]
pub struct Memory(Vec<(*mut u8, Layout)>);

impl Memory {
    /// So many bytes, filled with the pattern; NULL for none.
    pub fn take(&mut self, size: usize, align: usize) -> *mut u8 {
        if size == 0 {
            return std::ptr::null_mut();
        }
        let layout = Layout::from_size_align(size, align).expect("no size of ours is out of reach");
        // SAFETY: the size is not zero, and the bytes are ours until they are given back.
        let first = unsafe {
            let first = alloc(layout);
            first.write_bytes(PATTERN, size);
            first
        };
        self.0.push((first, layout));
        first
    }

    /// A copy of these bytes.
    pub fn copy(&mut self, bytes: &[u8]) -> *mut u8 {
        let first = self.take(bytes.len(), 1);
        if !bytes.is_empty() {
            // SAFETY: just taken, and as long.
            unsafe { first.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        }
        first
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for (first, layout) in self.0.drain(..) {
            // SAFETY: taken with this layout, and given back once.
            unsafe { dealloc(first, layout) };
        }
    }
}
