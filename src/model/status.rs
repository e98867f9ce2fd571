//! The status of a check and its code.

use std::fmt;

/// How a check does. The order is the order of severity, and the code is the number that stands in a status word.
///
/// Code 0 is no status: an all-zero word means that the check is gone, never that it is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Status {
    /// Healthy.
    Passing = 1,
    /// Degraded.
    Warning = 2,
    /// Unhealthy.
    Critical = 3,
}

impl Status {
    /// The status with this code, or `None` for 0 and everything else.
    pub const fn from_code(code: u64) -> Option<Self> {
        match code {
            1 => Some(Self::Passing),
            2 => Some(Self::Warning),
            3 => Some(Self::Critical),
            _ => None,
        }
    }

    /// The status with this lower-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Passing, Self::Warning, Self::Critical].into_iter().find(|status| status.as_str() == name)
    }

    /// The code in words and across the C ABI: 1, 2 or 3.
    pub const fn code(self) -> u64 {
        self as u64
    }

    /// The lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
