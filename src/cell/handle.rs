//! Handles: 64-bit numbers that are checked for kind, slot, life and a tag, and never used twice.
//!
//! ```text
//!  63    60 59           40 39            24 23            0
//! [ kind   | tag: 20 bits  | life: 16 bits  | slot: 24 bits ]
//! ```
//!
//! The tag is a keyed hash of the other three under a secret drawn at random for each process, so that a number from elsewhere is told
//! from a stale one. It guards against mistakes, not against hostile code in the process.

/// What a handle refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// An engine.
    Engine = 1,
    /// A service.
    Service = 2,
    /// A check or alias.
    Check = 3,
    /// A writer token.
    Token = 4,
    /// A subscription.
    Subscription = 5,
    /// A claim.
    Claim = 6,
}

impl Kind {
    /// The name for messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Service => "service",
            Self::Check => "check",
            Self::Token => "token",
            Self::Subscription => "subscription",
            Self::Claim => "claim",
        }
    }
}

/// How many slots there are in a process: what a [dirty set](crate::subscribe::dirty) can name.
pub const SLOTS: u32 = 62 << 18;

/// The parts of a handle, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    /// The slot.
    pub slot: u32,
    /// The life of the slot.
    pub life: u16,
}

fn tag(secret: u64, kind: Kind, slot: u32, life: u16) -> u64 {
    // SplitMix64's finaliser (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    let mut mixed = secret ^ ((kind as u64) << 40 | u64::from(life) << 24 | u64::from(slot));
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ mixed >> 31) & 0xF_FFFF
}

/// The number for these parts.
pub fn encode(secret: u64, kind: Kind, slot: u32, life: u16) -> u64 {
    debug_assert!(slot < SLOTS);
    (kind as u64) << 60 | tag(secret, kind, slot, life) << 40 | u64::from(life) << 24 | u64::from(slot)
}

/// The parts of `handle` if it was given out for `kind` in this process.
pub fn decode(secret: u64, kind: Kind, handle: u64) -> Option<Handle> {
    let slot = handle as u32 & 0xFF_FFFF;
    let life = (handle >> 24) as u16;
    (slot < SLOTS && encode(secret, kind, slot, life) == handle).then_some(Handle { slot, life })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_out_decodes() {
        let secret = 0x1234_5678_9ABC_DEF0;
        let handle = encode(secret, Kind::Check, 77, 3);
        assert_eq!(decode(secret, Kind::Check, handle), Some(Handle { slot: 77, life: 3 }));
        assert_eq!(decode(secret, Kind::Token, handle), None);
        assert_eq!(decode(secret, Kind::Check, 0), None);
        assert_eq!(decode(secret, Kind::Check, handle ^ 1 << 45), None);
        assert_eq!(decode(secret + 1, Kind::Check, handle), None);
    }
}
