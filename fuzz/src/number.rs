//! Numbers by a byte of the input: what is right for the name first, what is not in its domain among the rest.

use std::sync::atomic::Ordering;

use crate::world::World;

const SECOND: u64 = 1_000_000_000;
const WALL: u64 = 1_700_000_000 * SECOND;
const MAX: u64 = u64::MAX;

/// The number that stands for `choice`. Waits without an end are for where somebody can end them.
pub fn number(world: &World, name: &str, choice: u8, may_wait: bool) -> u64 {
    let of = |values: &[u64]| values[usize::from(choice) % values.len()];
    match name {
        "status" => of(&[1, 2, 3, 1, 2, 3, 0, 4, u32::MAX.into()]),
        "initial" | "on_lapse" => of(&[0, 2, 3, 1, 4, u32::MAX.into()]),
        "min_status" => of(&[0, 1, 2, 3, 4, u32::MAX.into()]),
        "kind" => of(&[0, 1, 2, 0, 1, 2, 3, u32::MAX.into()]),
        "scope" => of(&[0, 1, 2, 3, 4, 5, u32::MAX.into()]),
        "clock" => of(&[1, 0, 1, 1, 2, u32::MAX.into()]),
        "summary" | "transitions_only" | "flags" => of(&[0, 1, 0, 1, 2, u32::MAX.into()]),
        // Of what is allowed a history takes what it is told to.
        "history" => of(&[0, u32::MAX.into(), 1, 2, 64, 1000]),
        "max_output" => of(&[0, 1, 2, 64, 4096, 65536]),
        "lease_ms" => of(&[0, 1, 10, 1000, 60_000, MAX, MAX / 1_000_000, 1 << 40]),
        "expected_generation" => match choice {
            0..8 => world.generation.load(Ordering::Relaxed),
            _ => of(&[0, 1, 2, 3, 4, 5, 6, 7, MAX]),
        },
        "timeout_ms" => match choice % 16 {
            0..12 => 0,
            12 | 13 => 1,
            _ if may_wait => {
                world.endless.store(true, Ordering::Relaxed);
                if choice % 16 == 14 { -1_i64 as u64 } else { i64::MIN as u64 }
            }
            _ => 2,
        },
        "boot_ns" => {
            let pace = of(&[SECOND, SECOND / 10, 0, 60 * SECOND, 86_400 * SECOND, 1]);
            match choice {
                0..200 => world.boot.fetch_add(pace, Ordering::Relaxed) + pace,
                _ => {
                    of(&[0, 1, 1 << 58, (1 << 58) - 1, 1 << 63, MAX, world.boot.load(Ordering::Relaxed) / 2])
                }
            }
        }
        "wall_ns" => match choice {
            0..200 => WALL + world.boot.load(Ordering::Relaxed),
            _ => of(&[0, MAX, 1 << 63, (1 << 63) - 1, WALL - SECOND]),
        },
        _ => match choice {
            0..240 => choice.into(),
            _ => of(&[u32::MAX.into(), MAX, 1 << 31, 1 << 63, (1 << 63) - 1]),
        },
    }
}
