//! Writers: the fenced commit, tokens, who they are, and what happens to those who are refused.

pub mod commit;
pub mod record;
pub mod refusal;
pub mod token;
pub mod touch;
