//! The cell that snapshots are published in: nobody looks at what is freed, what is replaced is freed, and once (R1).

#![allow(clippy::arc_with_non_send_sync, reason = "loom runs the threads of a model on one")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::cell::UnsafeCell;

use super::world::World;
use super::{Model, Roles, models};
use crate::sync::split::{Held, InFlight, Published, SplitCell};

const KEPT: &str = "split: the cell has given up what somebody is inside of";
const FREED: &str = "split: the cell has not given up what it replaced";
const FENCED: &str = "split: two replaced the same value";
const RACE: &str = "Causality violation";

const READERS: Model = Model { name: "split_readers", run: readers };
const MEMORY: Model = Model { name: "split_memory", run: memory };
const WRITERS: Model = Model { name: "split_writers", run: writers };
const AGAIN: Model = Model { name: "split_again", run: again };
const EMPTIED: Model = Model { name: "split_emptied", run: emptied };

/// A value; its memory is written when it is made and when it is freed, and read whenever it is looked at.
struct Value {
    number: usize,
    in_flight: InFlight,
    memory: UnsafeCell<()>,
    freed: Arc<AtomicUsize>,
}

impl Value {
    fn new(number: usize, freed: &Arc<AtomicUsize>) -> Arc<Self> {
        let memory = UnsafeCell::new(());
        memory.with_mut(|_| ());
        Arc::new(Self { number, in_flight: InFlight::new(), memory, freed: freed.clone() })
    }

    fn look(&self) -> usize {
        self.memory.with(|_| ());
        self.number
    }
}

impl Published for Value {
    fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // loom ends a model in which this does not come after all looks; a panic on the way out of that would end the program.
        if !std::thread::panicking() {
            self.memory.with_mut(|_| ());
        }
        self.freed.fetch_add(1, Ordering::Relaxed);
    }
}

type Cell = Arc<SplitCell<Value>>;

/// Three values that the model has one reference to each, so that what is given up too early is noticed and not touched.
type Values = Arc<[Arc<Value>; 3]>;

fn kept() -> (Cell, Values) {
    let (cell, freed) = (Arc::new(SplitCell::empty()), Arc::default());
    let values = Arc::new([0, 1, 2].map(|number| Value::new(number, &freed)));
    cell.store(Some(values[0].clone()));
    (cell, values)
}

/// The model's reference, and the cell's or one that it gave away.
fn assert_inside(held: &Held<'_, Value>, values: &Values) {
    assert!(Arc::strong_count(&values[held.number]) >= 2, "{KEPT}");
}

fn assert_given_up(cell: Cell, values: &Values) {
    let present = cell.load().map(|value| value.number);
    for value in values.iter() {
        let expected = if present == Some(value.number) { 2 } else { 1 };
        assert!(Arc::strong_count(value) <= expected, "{FREED}");
        assert!(Arc::strong_count(value) >= expected, "{KEPT}");
    }
    drop(cell);
    assert!(values.iter().all(|value| Arc::strong_count(value) == 1), "{FREED}");
}

/// Two hold and own the value, one replaces it.
fn readers(_: &'static World, roles: Roles) {
    let (cell, values) = kept();
    let read = || {
        let (cell, values) = (cell.clone(), values.clone());
        move || {
            let held = cell.hold().expect("it is never empty");
            // The next access is a place to be interrupted at.
            let owned = cell.load();
            assert_inside(&held, &values);
            drop((held, owned));
        }
    };
    let third = loom::thread::spawn(read());
    let (replaced, second) = (cell.clone(), values[1].clone());
    roles.run(read(), move || replaced.store(Some(second)));
    third.join().expect("a panic ends the model");
    assert_given_up(cell, &values);
}

/// One looks twice, one replaces twice, and nobody else keeps the values alive.
fn memory(_: &'static World, roles: Roles) {
    let freed: Arc<AtomicUsize> = Arc::default();
    let cell = Arc::new(SplitCell::empty());
    cell.store(Some(Value::new(0, &freed)));
    let (read, made) = (cell.clone(), freed.clone());
    let look = move || {
        let first = read.hold().map(|held| held.look());
        let second = read.hold().map(|held| held.look());
        assert!(first <= second, "split: what is read goes back");
    };
    let replace = move || {
        let held = cell.hold().expect("it is never empty");
        held.look();
        let replaced = held.replace(Value::new(1, &made));
        let (before, published) = replaced.expect("split: nobody else writes, and it was not replaced");
        // At once: how the counts of an `Arc` order its end is not known to loom.
        drop(before);
        published.look();
        drop(published);
        cell.store(Some(Value::new(2, &made)));
        cell
    };
    let ((), cell) = roles.run(look, replace);
    assert_eq!(freed.load(Ordering::Relaxed), 2, "{FREED}");
    drop(cell);
    assert_eq!(freed.load(Ordering::Relaxed), 3, "{FREED}");
}

/// Two replace what they hold.
fn writers(_: &'static World, roles: Roles) {
    let (cell, values) = kept();
    let write = |number: usize| {
        let (cell, values) = (cell.clone(), values.clone());
        move || {
            let mut attempts = 0;
            loop {
                attempts += 1;
                let held = cell.hold().expect("it is never empty");
                assert_inside(&held, &values);
                if let Some((before, published)) = held.replace(values[number].clone()) {
                    assert!(Arc::strong_count(&before) >= 2, "{KEPT}");
                    assert_inside(&published, &values);
                    break (attempts, before.number);
                }
            }
        }
    };
    let (one, other) = roles.run(write(1), write(2));
    assert_ne!(one.1, other.1, "{FENCED}");
    assert_eq!(one.0.min(other.0), 1, "split: nobody was the first");
    assert_given_up(cell, &values);
}

/// One holds twice, in turns, while another replaces what he holds, twice.
fn again(_: &'static World, roles: Roles) {
    let (cell, values) = kept();
    let (read, known) = (cell.clone(), values.clone());
    let hold = move || {
        let held = read.hold().expect("it is never empty");
        let other = read.hold().expect("it is never empty");
        assert_inside(&held, &known);
        drop(held);
        assert_inside(&other, &known);
    };
    let (written, new) = (cell.clone(), values.clone());
    let replace = move || {
        for value in &new[1..] {
            let replaced = written.hold().expect("it is never empty").replace(value.clone());
            let (_, published) = replaced.expect("split: nobody else writes, and it was not replaced");
            assert_inside(&published, &new);
        }
    };
    roles.run(hold, replace);
    assert_given_up(cell, &values);
}

/// One reads while the cell is emptied and filled.
fn emptied(_: &'static World, roles: Roles) {
    let (cell, values) = kept();
    let (read, known) = (cell.clone(), values.clone());
    let look = move || {
        let (held, other) = (read.hold(), read.hold());
        for held in held.iter().chain(&other) {
            assert_inside(held, &known);
        }
    };
    let (written, second) = (cell.clone(), values[1].clone());
    let empty = move || {
        written.store(None);
        written.store(Some(second));
        written.store(None);
    };
    roles.run(look, empty);
    assert_given_up(cell, &values);
}

models! {
    two_readers_and_a_replacer: READERS,
        readers_forgotten "split-forgets-readers" KEPT;
    what_is_freed: MEMORY,
        memory_forgotten "split-forgets-readers" RACE;
    two_replacers: WRITERS,
        the_refused_is_kept "split-keeps-the-refused" FREED;
    a_replacer_goes_on: AGAIN,
        left_blindly "split-leaves-blindly" FREED,
        replaced_alone "split-replaces-alone" KEPT;
    a_cell_that_is_emptied: EMPTIED;
}
