//! A sequence: pieces of the input, each a call, in one thread or beside one another in up to three.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::abi::FUNCTIONS;
use crate::call::Call;
use crate::world::World;

/// What a call is made of: which function, which thread, what is odd about it, and what its parameters are chosen by.
pub const PIECE: usize = 16;

/// More calls than these tell nothing new.
const MOST: usize = 64;

/// How long a phase may wait for somebody to end its waits, before everything is closed.
const PATIENCE: Duration = Duration::from_millis(5);

/// Runs the calls that the input stands for, and panics if anything that they must keep is broken.
pub fn run(input: &[u8]) {
    let pieces: Vec<[u8; PIECE]> = input
        .chunks(PIECE)
        .take(MOST)
        .map(|chunk| std::array::from_fn(|at| chunk.get(at).copied().unwrap_or(0)))
        .collect();
    let world = World::open();
    for phase in pieces.chunk_by(|one, other| (lane(one) == 0) == (lane(other) == 0)) {
        let lanes: Vec<Vec<&[u8; PIECE]>> = (0..=3)
            .map(|number| phase.iter().filter(|piece| lane(piece) == number).collect::<Vec<_>>())
            .filter(|lane| !lane.is_empty())
            .collect();
        match &lanes[..] {
            [alone] => alone.iter().for_each(|piece| call(&world, piece, false)),
            lanes => beside(&world, lanes),
        }
    }
    world.close();
}

/// Which thread a piece belongs to; 0 stands for none beside which another runs.
fn lane(piece: &[u8; PIECE]) -> u8 {
    if piece[1] < 160 { 0 } else { 1 + piece[1] % 3 }
}

fn call(world: &World, piece: &[u8; PIECE], may_wait: bool) {
    let function = &FUNCTIONS[usize::from(piece[0]) % FUNCTIONS.len()];
    (function.run)(&mut Call::new(world, function, piece, may_wait));
}

/// Runs each lane in a thread of its own. They start together.
fn beside(world: &World, lanes: &[Vec<&[u8; PIECE]>]) {
    let (ready, left) = (AtomicUsize::new(0), AtomicUsize::new(lanes.len()));
    let main = std::thread::current();
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for lane in lanes {
            let (ready, left, main) = (&ready, &left, &main);
            threads.push(scope.spawn(move || {
                ready.fetch_add(1, Ordering::SeqCst);
                while ready.load(Ordering::SeqCst) < lanes.len() {
                    std::thread::yield_now();
                }
                lane.iter().for_each(|piece| call(world, piece, true));
                left.fetch_sub(1, Ordering::SeqCst);
                main.unpark();
            }));
        }
        let begun = Instant::now();
        while left.load(Ordering::SeqCst) > 0 {
            std::thread::park_timeout(PATIENCE);
            if begun.elapsed() > PATIENCE && world.endless.load(Ordering::SeqCst) {
                world.close_engines();
            }
        }
        // The scope waits for what a thread does and not for its end, in the middle of which LeakSanitizer takes what is its own for lost.
        threads.into_iter().for_each(|thread| thread.join().expect("a panic aborts"));
    });
}
