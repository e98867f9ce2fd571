//! Named one-line breaks. In a `mutants` build a test chooses one by name and must then see its assertion fail; in any other
//! build [`mutated!`](crate::mutant::mutated) is the constant `false` and the broken line is not compiled in.

/// Whether the break `name` is switched on.
macro_rules! mutated {
    ($name:literal) => {{
        #[cfg(feature = "mutants")]
        {
            const NAME: u64 = $crate::mutant::number($name);
            $crate::mutant::is_on(NAME)
        }
        #[cfg(not(feature = "mutants"))]
        {
            false
        }
    }};
}
pub(crate) use mutated;

#[cfg(feature = "mutants")]
pub use enabled::{is_on, select};

/// A break's number, which is what is compared: FNV-1a of its name (Fowler, Noll, Vo), and never 0.
#[cfg(feature = "mutants")]
pub const fn number(name: &str) -> u64 {
    let (bytes, mut number, mut at) = (name.as_bytes(), 0xcbf2_9ce4_8422_2325, 0);
    while at < bytes.len() {
        number = (number ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    number | 1
}

#[cfg(all(feature = "mutants", shuttle))]
mod enabled {
    use std::cell::Cell;

    thread_local! {
        // All threads of an execution are one thread of the system, and several executions may go on beside one another.
        static SELECTED: Cell<u64> = const { Cell::new(0) };
    }

    /// Switches one break on, or all off with `None`, in the executions of this thread.
    pub fn select(name: Option<&'static str>) {
        SELECTED.set(name.map_or(0, super::number));
    }

    /// Whether the break with this number is switched on.
    pub fn is_on(number: u64) -> bool {
        SELECTED.get() == number
    }
}

#[cfg(all(feature = "mutants", not(shuttle)))]
mod enabled {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    // Deliberately std and not the facade: choosing a mutant is not part of any model. A program that selects none, a bench, is given one from outside.
    // Relaxed, and no lock: what asks for it stands between the steps of the protocols, and a lock there would order what they do not, so that
    // ThreadSanitizer could find nothing.
    static SELECTED: LazyLock<AtomicU64> = LazyLock::new(|| {
        AtomicU64::new(std::env::var("LIFESIGN_BREAK").map_or(0, |name| super::number(&name)))
    });

    /// Switches one break on, or all off with `None`. Process-wide.
    pub fn select(name: Option<&'static str>) {
        SELECTED.store(name.map_or(0, super::number), Ordering::Relaxed);
    }

    /// Whether the break with this number is switched on.
    pub fn is_on(number: u64) -> bool {
        SELECTED.load(Ordering::Relaxed) == number
    }
}
