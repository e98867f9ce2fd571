//! Cells and the pages they stand in.
//!
//! A page is mapped once and never unmapped or moved: the address of a status word stays readable for the life of the process, whoever
//! it belongs to by then. Engines borrow pages from the process and give them back when the last call in flight has left them; the
//! lives of the cells go on above the old ones, so that a handle, a token or a parked writer of a former owner never meets its own life
//! again.

use std::collections::VecDeque;

use crate::cell::process::Root;
#[cfg(not(shuttle))]
use crate::cell::process::map_wiped;
use crate::cell::word::{MAX_LIFE, StatusCell, StatusWord, flag};
use crate::engine::Inner;
use crate::model::error::Error;
use crate::model::error::ErrorKind;
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::interest::InterestList;
use crate::summary::Summary;
use crate::sync::{ArcCell, AtomicU64, Mutex, Ordering, SplitCell};
use crate::writer::tally::Tallies;

/// One cache line for a check, an alias, a service, or a summary. The first two words are read from outside without a call.
#[repr(C, align(64))]
pub struct Cell {
    /// Of a check: its [status word](crate::cell::word). Of a summary: its [summary word](crate::summary::word).
    pub word: AtomicU64,
    /// Of an alias or service: life (16 bits) and address (48 bits) of the summary word it shows.
    pub link: AtomicU64,
    /// Of a check: when its writer last reported (see [`crate::writer::touch`]).
    pub touch: AtomicU64,
    /// Of a check and of a summary: where in the engine's order of changes the last one stands whose subscribers were all marked
    /// (see [`crate::subscribe::resume`]).
    pub position: AtomicU64,
    /// Of a check: its present state. Replaced by compare-and-swap alone: this is where a commit takes effect.
    pub snapshot: SplitCell<Snapshot>,
    /// Of a service or a summary: the summary.
    pub summary: ArcCell<Summary>,
    /// Who wants to know about changes.
    pub interest: SplitCell<InterestList>,
    /// Who was refused here and how often; each counts on a line of its own, so that rivals do not slow the holder.
    pub refused: ArcCell<Tallies>,
}

const LINK_ADDRESS: u64 = (1 << 48) - 1;

impl Cell {
    /// A cell in which nothing has lived yet.
    pub fn new() -> Self {
        Self {
            word: AtomicU64::new(0),
            link: AtomicU64::new(0),
            touch: AtomicU64::new(0),
            position: AtomicU64::new(0),
            snapshot: SplitCell::empty(),
            summary: ArcCell::empty(),
            interest: SplitCell::empty(),
            refused: ArcCell::empty(),
        }
    }

    /// The status word of a check's cell.
    #[inline]
    pub fn status(&self) -> StatusCell<'_> {
        StatusCell(&self.word)
    }

    /// The life that the next owner of this cell begins, or `None` if its lives are used up.
    pub fn next_life(&self) -> Option<u16> {
        let life = self.status().load().life().max(1);
        (life <= MAX_LIFE).then_some(life)
    }

    /// Begins `life` as one that shows `target` and has no snapshot of its own.
    pub fn show(&self, life: u16, target: &'static Cell) {
        self.set_link(life, target);
        // Its own status is never looked at; it only must not be that of a cell that is gone.
        self.status().publish(StatusWord::new(life, 1, Status::Critical, flag::DERIVED));
    }

    /// Lets the cell show `target` in `life`.
    pub fn set_link(&self, life: u16, target: &'static Cell) {
        let address = std::ptr::from_ref(&target.word) as u64;
        debug_assert!(address <= LINK_ADDRESS);
        self.link.store(u64::from(life) << 48 | address, Ordering::Release);
    }

    /// Ends what the cell shows.
    pub fn clear_link(&self) {
        self.link.store(0, Ordering::Release);
    }

    /// The link that stands as long as `life` lasts, and the address of the word that it shows; `None` if that life is over. One load.
    #[inline]
    pub fn shown(&self, life: u16) -> Option<(u64, *const u64)> {
        let link = self.link.load(Ordering::Acquire);
        (link >> 48 == u64::from(life)).then_some((link, (link & LINK_ADDRESS) as *const u64))
    }

    /// What an alias or service shows in `life`: the raw summary word, or `None` if that life is over. Wait-free: three loads.
    ///
    /// The load of the summary word is the linearization point. The link is read again after it: a link that still stands says that
    /// this life lasted until then, so the word read was the one this alias showed at that moment. It never comes back once it is gone.
    #[inline]
    pub fn linked_word(&self, life: u16) -> Option<u64> {
        // Acquire, all three: the summary word must not be read before the link, nor the link again before the word.
        let (link, word) = self.shown(life)?;
        // SAFETY: a link holds the address of the word of a cell; cells are never unmapped or moved.
        let word = unsafe { &*word.cast::<AtomicU64>() }.load(Ordering::Acquire);
        if mutated!("link-read-once") {
            return Some(word);
        }
        (self.link.load(Ordering::Acquire) == link).then_some(word)
    }
}

impl Default for Cell {
    fn default() -> Self {
        Self::new()
    }
}

/// A cell and its number. In twelve bytes, so that it takes sixteen with a life: there are long lists of those.
#[derive(Clone, Copy)]
#[repr(Rust, packed(4))]
pub struct Place {
    /// The process-wide number of the cell.
    pub slot: u32,
    /// The cell.
    pub cell: &'static Cell,
}

/// What the cells of a page are used for. Status words and summary words do not follow one another in the same cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageKind {
    /// Checks, aliases and services.
    Checks,
    /// Summaries.
    Summaries,
}

#[cfg(loom)]
pub use model::Arena;
#[cfg(not(loom))]
pub use real::Arena;
pub use real::Pages;

#[cfg_attr(loom, allow(dead_code))]
mod real {
    use super::*;
    use crate::cell::handle::SLOTS;
    use std::sync::Arc;
    use std::sync::atomic::AtomicPtr;

    /// Cells in a page: 64 KiB.
    const PAGE_CELLS: u32 = if cfg!(shuttle) { 8 } else { 1024 };
    const MAX_PAGES: u32 = if cfg!(shuttle) { 16 } else { SLOTS / PAGE_CELLS };

    struct Entry {
        base: AtomicPtr<Cell>,
        owner: ArcCell<Inner>,
        /// The same without owning it, for those who only ask whether it is they: one load.
        lent_to: AtomicPtr<Inner>,
    }

    impl Entry {
        fn new() -> Self {
            let (base, lent_to) = Default::default();
            Self { base, owner: ArcCell::empty(), lent_to }
        }

        fn set_owner(&self, owner: Option<Arc<Inner>>) {
            let lent_to = owner.as_ref().map_or(std::ptr::null(), Arc::as_ptr);
            self.lent_to.store(lent_to.cast_mut(), Ordering::Release);
            self.owner.store(owner);
        }
    }

    /// The pages of the process.
    pub struct Pages {
        entries: Box<[Entry]>,
        pool: Mutex<Pool>,
    }

    #[derive(Default)]
    struct Pool {
        mapped: u32,
        free: Vec<(PageKind, u32)>,
    }

    impl Pages {
        pub(crate) fn new() -> Self {
            Self {
                entries: (0..MAX_PAGES).map(|_| Entry::new()).collect(),
                pool: Mutex::new(Pool::default()),
            }
        }

        /// The cell with this number, if its page was ever mapped.
        pub fn cell(&self, slot: u32) -> Option<&'static Cell> {
            // Acquire pairs with the release in `borrow_page`: the cells of the page are constructed.
            let base = self.entries.get((slot / PAGE_CELLS) as usize)?.base.load(Ordering::Acquire);
            if base.is_null() {
                return None;
            }
            // SAFETY: a base that is set is the start of PAGE_CELLS constructed cells that are never unmapped.
            Some(unsafe { &*base.add((slot % PAGE_CELLS) as usize) })
        }

        /// The engine that the page of this cell is lent to.
        pub fn owner(&self, slot: u32) -> Option<Arc<Inner>> {
            self.entries.get((slot / PAGE_CELLS) as usize)?.owner.load()
        }

        /// Whether the page of this cell is lent to `engine`. One load.
        pub fn is_lent_to(&self, slot: u32, engine: &Inner) -> bool {
            let entry = self.entries.get((slot / PAGE_CELLS) as usize);
            entry.is_some_and(|entry| std::ptr::eq(entry.lent_to.load(Ordering::Acquire), engine))
        }

        fn borrow_page(&self, kind: PageKind) -> Result<u32, Error> {
            let mut pool = self.pool.lock();
            if let Some(at) = pool.free.iter().position(|(other, _)| *other == kind) {
                return Ok(pool.free.swap_remove(at).1);
            }
            let page = pool.mapped;
            if page == MAX_PAGES {
                return Err(Error::text(
                    ErrorKind::Limit,
                    format!("all {SLOTS} cells of the process are in use; deregister or close something"),
                ));
            }
            self.entries[page as usize].base.store(new_page()?, Ordering::Release);
            pool.mapped += 1;
            Ok(page)
        }

        /// Whether no page is lent to anybody.
        #[cfg(all(test, shuttle))]
        pub(crate) fn are_all_given_back(&self) -> bool {
            let pool = self.pool.lock();
            pool.free.len() == pool.mapped as usize
        }
    }

    /// The first of the cells of a page that stays for ever.
    #[cfg(not(shuttle))]
    fn new_page() -> Result<*mut Cell, Error> {
        let base = map_wiped(PAGE_CELLS as usize * size_of::<Cell>())?.cast::<Cell>();
        for index in 0..PAGE_CELLS as usize {
            // SAFETY: the mapping has room for PAGE_CELLS cells and is page-aligned, which is more than a cell asks for.
            unsafe { base.add(index).write(Cell::new()) };
        }
        Ok(base)
    }

    /// The same for a page that stays as long as the root of its schedule.
    #[cfg(shuttle)]
    fn new_page() -> Result<*mut Cell, Error> {
        let cells: Box<[Cell]> = (0..PAGE_CELLS).map(|_| Cell::new()).collect();
        Ok(Box::into_raw(cells).cast())
    }

    #[cfg(shuttle)]
    impl Drop for Pages {
        fn drop(&mut self) {
            let bases = self.entries.iter().map(|entry| entry.base.load(Ordering::Acquire));
            for base in bases.filter(|base| !base.is_null()) {
                let cells = std::ptr::slice_from_raw_parts_mut(base, PAGE_CELLS as usize);
                // SAFETY: it came from `Box::into_raw` in `new_page`, and with the root nobody is left who knows the cells.
                drop(unsafe { Box::from_raw(cells) });
            }
        }
    }

    /// The cells of one kind that an engine has borrowed.
    pub struct Arena {
        root: &'static Root,
        kind: PageKind,
        state: Mutex<State>,
    }

    #[derive(Default)]
    struct State {
        pages: Vec<u32>,
        fresh: VecDeque<u32>,
        // First in, first out: a cell rests as long as possible before its next life.
        free: VecDeque<u32>,
        owner: Option<Arc<Inner>>,
    }

    impl Arena {
        pub(crate) fn new(root: &'static Root, kind: PageKind) -> Self {
            Self { root, kind, state: Mutex::new(State::default()) }
        }

        /// The pages borrowed from now on and those already borrowed answer for `owner`; with `None` for nobody.
        pub(crate) fn set_owner(&self, owner: Option<Arc<Inner>>) {
            let mut state = self.state.lock();
            for page in &state.pages {
                self.root.pages.entries[*page as usize].set_owner(owner.clone());
            }
            state.owner = owner;
        }

        /// A cell for a new life. O(1), but for a page that must be mapped.
        pub fn allocate(&self) -> Result<Place, Error> {
            let mut state = self.state.lock();
            let slot = loop {
                if let Some(slot) = state.free.pop_front().or_else(|| state.fresh.pop_front()) {
                    break slot;
                }
                // Cells whose lives are used up are passed over, and so is a page that has no others.
                let page = self.root.pages.borrow_page(self.kind)?;
                self.root.pages.entries[page as usize].set_owner(state.owner.clone());
                state.pages.push(page);
                state.fresh.extend(page * PAGE_CELLS..(page + 1) * PAGE_CELLS);
                state.fresh.retain(|slot| {
                    self.kind == PageKind::Summaries
                        || self.root.pages.cell(*slot).is_some_and(|cell| cell.next_life().is_some())
                });
            };
            let cell = self.root.pages.cell(slot).expect("a borrowed page is mapped");
            Ok(Place { slot, cell })
        }

        /// Takes a cell back whose life has ended; one whose lives are used up is retired.
        pub fn release(&self, place: Place) {
            let retired = self.kind == PageKind::Checks && place.cell.next_life().is_none();
            // In a forked child the page is wiped, and the lock may be held by a thread that does not exist here.
            if retired || self.is_foreign_process() {
                return;
            }
            self.state.lock().free.push_back(place.slot);
        }

        fn is_foreign_process(&self) -> bool {
            crate::cell::process::root().is_none_or(|root| !std::ptr::eq(root, self.root))
        }

        /// Bytes of cells borrowed.
        pub fn bytes(&self) -> u64 {
            self.state.lock().pages.len() as u64 * u64::from(PAGE_CELLS) * size_of::<Cell>() as u64
        }

        /// Each cell borrowed by now, page by page.
        pub(crate) fn places(&self) -> impl Iterator<Item = Place> + use<> {
            let (root, pages) = (self.root, self.state.lock().pages.clone());
            pages
                .into_iter()
                .flat_map(|page| page * PAGE_CELLS..(page + 1) * PAGE_CELLS)
                .map(|slot| Place { slot, cell: root.pages.cell(slot).expect("a borrowed page is mapped") })
        }
    }

    impl Drop for Arena {
        fn drop(&mut self) {
            if self.is_foreign_process() {
                return; // The pages are wiped and belong to nobody.
            }
            self.places().for_each(|Place { cell, .. }| {
                if self.kind == PageKind::Checks {
                    end_life(cell);
                }
                cell.snapshot.store(None);
                cell.touch.store(0, Ordering::Release);
                // The next engine counts its positions from the beginning.
                cell.position.store(0, Ordering::Release);
                cell.interest.store(None);
                cell.refused.store(None);
                cell.summary.store(None);
            });
            let pages = std::mem::take(&mut self.state.lock().pages);
            let mut pool = self.root.pages.pool.lock();
            pool.free.extend(pages.into_iter().map(|page| (self.kind, page)));
        }
    }
}

/// Makes a check's cell read as gone, for ever as far as the life that ends is concerned.
pub fn end_life(cell: &Cell) {
    let word = cell.status().load();
    cell.clear_link();
    if mutated!("close-zeroes-word") {
        return cell.word.store(0, Ordering::Release);
    }
    if word.status().is_some() {
        cell.status().publish(StatusWord::gone_after(word.life()));
    }
}

#[cfg(loom)]
mod model {
    use super::*;
    use std::sync::atomic::AtomicU32;

    /// The model's stand-in: every cell is leaked on its own and none is used again.
    #[derive(Default)]
    pub struct Arena(AtomicU32);

    impl Arena {
        pub(crate) fn new(_root: &'static Root, _kind: PageKind) -> Self {
            Self::default()
        }

        pub(crate) fn set_owner(&self, _owner: Option<std::sync::Arc<Inner>>) {}

        pub fn allocate(&self) -> Result<Place, Error> {
            let slot = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(Place { slot, cell: Box::leak(Box::new(Cell::new())) })
        }

        pub fn release(&self, _place: Place) {}

        pub fn bytes(&self) -> u64 {
            0
        }

        pub(crate) fn places(&self) -> impl Iterator<Item = Place> + use<> {
            std::iter::empty()
        }
    }
}
