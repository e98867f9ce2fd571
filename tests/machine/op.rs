//! The calls a sequence is made of. They name what they are about by its id and its age, so that a sequence can be read, and shrinks
//! without changing its meaning.

use std::fmt;

use lifesign::Status;

use crate::model::lease::Lease;

/// The ids of services. The last one is rare, so that targets that never come stay about.
pub const SERVICES: [&str; 4] = ["web", "api", "db", "é"];
/// The ids of checks: some share a prefix, some sort before or after it.
pub const CHECKS: [&str; 7] = ["a", "web", "web:1", "web:2", "api:1", "z\"", "é"];
/// What tokens are for.
pub const LABELS: [&str; 4] = ["one", "two", "rival", "late"];
/// What filters ask for.
pub const PREFIXES: [&str; 5] = ["", "web", "web:", "api:1", "nothing"];
/// The longest output the engines of these runs take.
pub const MAX_OUTPUT: usize = 48;
/// Reports: the last but one just fits, the last does not.
pub const OUTPUTS: [&str; 6] =
    ["", "up", "down", "no answer for 30 s", "éééééééééééééééééééééééé", "éééééééééééééééééééééééé."];

/// A service id and which of its handles: 0 is the one given out last, 1 the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ServiceRef(pub &'static str, pub u8);

/// A check id and which of its handles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CheckRef(pub &'static str, pub u8);

/// A check id and which of the tokens ever given out for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenRef(pub &'static str, pub u8);

macro_rules! shown_as_call {
    ($($type:ident $name:literal),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($name, "({:?}"), self.0)?;
                if self.1 > 0 {
                    write!(f, ", {} before", self.1)?;
                }
                f.write_str(")")
            }
        }
    )*};
}
shown_as_call!(ServiceRef "service", CheckRef "check", TokenRef "token");

/// What a check is bound to.
pub type Home = Option<ServiceRef>;

/// What a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Direct,
    Alias(&'static str),
    NodeAlias,
}

/// What a check showed before a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    pub status: Status,
    pub output: &'static str,
    pub since: i64,
}

/// What a subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    Prefix(&'static str),
    Service(ServiceRef, bool),
    Check(CheckRef),
}

/// What to subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    pub scope: Scope,
    pub least: Status,
    pub transitions_only: bool,
}

/// How a cursor is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorTold {
    AsItWas,
    AnotherEngines,
    FromTheFuture,
}

/// Which generation a take-over says it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Present,
    Before,
    After,
}

/// The part of a definition that may change; 0 is the usual one.
pub type Text = u8;

/// One call.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    RegisterService {
        id: &'static str,
        text: Text,
    },
    RedefineService {
        service: ServiceRef,
        id: &'static str,
        text: Text,
    },
    DeregisterService {
        service: ServiceRef,
    },
    Register {
        id: &'static str,
        home: Home,
        kind: Kind,
        initial: Status,
        text: Text,
        restored: Option<Restored>,
    },
    /// The definition that stands, registered again.
    Again {
        check: CheckRef,
        restored: Option<Restored>,
    },
    Redefine {
        check: CheckRef,
        id: &'static str,
        home: Home,
        kind: Kind,
        initial: Status,
        text: Text,
    },
    /// The definition that stands, with another text: what a reload does.
    Rename {
        check: CheckRef,
        text: Text,
    },
    Deregister {
        check: CheckRef,
    },
    DeregisterByForce {
        check: CheckRef,
        label: &'static str,
    },
    DeregisterByHolder {
        token: TokenRef,
    },
    Acquire {
        check: CheckRef,
        label: &'static str,
        lease: Option<Lease>,
    },
    TakeOver {
        check: CheckRef,
        expected: Expected,
        label: &'static str,
        lease: Option<Lease>,
    },
    Renew {
        token: TokenRef,
    },
    WriteBatch {
        writes: [(TokenRef, Status, &'static str); 3],
    },
    Write {
        token: TokenRef,
        status: Status,
        output: &'static str,
    },
    Close {
        token: TokenRef,
    },
    Join {
        token: TokenRef,
        old: TokenRef,
        calls_only: bool,
    },
    Subscribe {
        filter: Filter,
    },
    SubscribeAsWriter {
        token: TokenRef,
        filter: Filter,
    },
    /// Subscribes with the filter of one of the cursors that were come to.
    Resume {
        cursor: u8,
        told: CursorTold,
    },
    Poll {
        subscription: u8,
        most: usize,
    },
    Wait {
        subscription: u8,
    },
    Unsubscribe {
        subscription: u8,
    },
    /// Both clocks in milliseconds.
    Tick {
        wall: i64,
        boot: u64,
    },
    Export,
    Audit,
}

/// The bounds of an engine: so wide that nothing meets them, or so tight that much does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    Wide,
    Tight,
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Sequence {
    pub bounds: Bounds,
    pub ops: Vec<Op>,
}
