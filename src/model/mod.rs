//! Plain data: what a check, a service, a state and an error are. Nothing here touches an atomic.

pub mod definition;
pub mod error;
pub mod event;
pub mod snapshot;
pub mod status;
pub mod text;
