//! Named one-line breaks. In a `mutants` build a test chooses one by name and must then see its assertion fail; in any other
//! build [`mutated!`](crate::mutant::mutated) is the constant `false` and the broken line is not compiled in.

/// Whether the break `name` is switched on.
macro_rules! mutated {
    ($name:literal) => {{
        #[cfg(feature = "mutants")]
        {
            $crate::mutant::is_on($name)
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

#[cfg(all(feature = "mutants", shuttle))]
mod enabled {
    use std::cell::Cell;

    thread_local! {
        // All threads of an execution are one thread of the system, and several executions may go on beside one another.
        static SELECTED: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Switches one break on, or all off with `None`, in the executions of this thread.
    pub fn select(name: Option<&'static str>) {
        SELECTED.set(name);
    }

    /// Whether the break `name` is switched on.
    pub fn is_on(name: &str) -> bool {
        SELECTED.get() == Some(name)
    }
}

#[cfg(all(feature = "mutants", not(shuttle)))]
mod enabled {
    use std::sync::{LazyLock, RwLock};

    // Deliberately std and not the facade: choosing a mutant is not part of any model. A program that selects none, a bench, is given one from outside.
    static SELECTED: LazyLock<RwLock<Option<&'static str>>> =
        LazyLock::new(|| RwLock::new(std::env::var("LIFESIGN_BREAK").ok().map(|name| &*name.leak())));

    /// Switches one break on, or all off with `None`. Process-wide.
    pub fn select(name: Option<&'static str>) {
        *SELECTED.write().unwrap() = name;
    }

    /// Whether the break `name` is switched on.
    pub fn is_on(name: &str) -> bool {
        *SELECTED.read().unwrap() == Some(name)
    }
}
