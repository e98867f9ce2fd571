//! Writers: the fenced commit, tokens and their leases, who they are, what they did, and what happens to those who are refused.

pub mod commit;
pub mod history;
pub mod joins;
pub mod lease;
pub mod record;
pub mod tally;
pub mod token;
pub mod touch;
