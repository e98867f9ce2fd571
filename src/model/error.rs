//! Errors: what happened, to which check, who else was involved and what to do.

use std::ffi::CStr;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::model::event::Cursor;
use crate::mutant::mutated;
use crate::writer::record::WriterRecord;

/// Why a call was refused. The numbers are the result codes of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Somebody holds the check's token, or the claimed name.
    Held = 1,
    /// A newer token exists: a rival took over.
    Fenced = 2,
    /// The lease ran out; nobody else came.
    Expired = 3,
    /// The token was closed by its owner.
    Revoked = 4,
    /// The check or service was deregistered.
    Gone = 5,
    /// Not a handle of this kind, or never given out.
    Forged = 6,
    /// The handle belongs to another engine.
    ForeignEngine = 7,
    /// An alias is written by the engine alone.
    Derived = 8,
    /// The process is a fork of the one that opened the engine.
    Forked = 9,
    /// The engine, token, subscription or claim was closed.
    Closed = 10,
    /// The id is taken by a different definition.
    Exists = 11,
    /// Nothing has this id.
    NotFound = 12,
    /// The alias would depend on itself.
    Loop = 13,
    /// An argument is outside its domain.
    Invalid = 14,
    /// A text or count is over its limit.
    TooLarge = 15,
    /// The caller's buffer does not hold the answer.
    BufferTooSmall = 16,
    /// A quota of the engine or the process is used up, or a disk is full.
    Limit = 17,
    /// Another call of the same subscription is running, or something still depends on it.
    Busy = 18,
    /// The time is up and nothing happened.
    Timeout = 19,
    /// The old token is not closed yet or a call of it is running.
    StillRunning = 20,
    /// The wait could only be ended by the one who waits.
    WouldDeadlock = 21,
    /// The cursor is ahead of the engine.
    FutureCursor = 22,
    /// A bug in Lifesign; nothing was changed.
    Internal = 23,
}

impl ErrorKind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Self; 23] = [
        Self::Held,
        Self::Fenced,
        Self::Expired,
        Self::Revoked,
        Self::Gone,
        Self::Forged,
        Self::ForeignEngine,
        Self::Derived,
        Self::Forked,
        Self::Closed,
        Self::Exists,
        Self::NotFound,
        Self::Loop,
        Self::Invalid,
        Self::TooLarge,
        Self::BufferTooSmall,
        Self::Limit,
        Self::Busy,
        Self::Timeout,
        Self::StillRunning,
        Self::WouldDeadlock,
        Self::FutureCursor,
        Self::Internal,
    ];

    /// The name as the C header spells it.
    pub const fn as_c_str(self) -> &'static CStr {
        match self {
            Self::Held => c"HELD",
            Self::Fenced => c"FENCED",
            Self::Expired => c"EXPIRED",
            Self::Revoked => c"REVOKED",
            Self::Gone => c"GONE",
            Self::Forged => c"FORGED",
            Self::ForeignEngine => c"FOREIGN_ENGINE",
            Self::Derived => c"DERIVED",
            Self::Forked => c"FORKED",
            Self::Closed => c"CLOSED",
            Self::Exists => c"EXISTS",
            Self::NotFound => c"NOT_FOUND",
            Self::Loop => c"LOOP",
            Self::Invalid => c"INVALID",
            Self::TooLarge => c"TOO_LARGE",
            Self::BufferTooSmall => c"BUFFER_TOO_SMALL",
            Self::Limit => c"LIMIT",
            Self::Busy => c"BUSY",
            Self::Timeout => c"TIMEOUT",
            Self::StillRunning => c"STILL_RUNNING",
            Self::WouldDeadlock => c"WOULD_DEADLOCK",
            Self::FutureCursor => c"FUTURE_CURSOR",
            Self::Internal => c"INTERNAL",
        }
    }

    /// The same for Rust.
    pub fn as_str(self) -> &'static str {
        self.as_c_str().to_str().unwrap_or_default()
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A refusal with both sides named. Making one formats nothing: a rival that is refused a million times a second costs the
/// holder no allocator traffic. The sentence is written when somebody reads it.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    detail: Detail,
}

#[derive(Clone)]
enum Detail {
    Text(Arc<str>),
    Refusal(Arc<Refusal>),
    Timeout(Cursor),
    Claim(Arc<ClaimRefusal>),
}

/// Both sides of a refused write, acquisition, take-over or deregistration.
pub(crate) struct Refusal {
    pub verb: &'static str,
    pub check: Arc<str>,
    pub caller: Option<Arc<WriterRecord>>,
    pub holder: Option<Arc<WriterRecord>>,
    /// Of the present holder, or the last one.
    pub generation: u64,
}

/// Both sides of a refused claim.
pub(crate) struct ClaimRefusal {
    pub name: Arc<str>,
    pub directory: PathBuf,
    pub caller: Arc<WriterRecord>,
    /// `None` if no readable record was there.
    pub holder: Option<Arc<WriterRecord>>,
    /// Since when it has the name, nanoseconds since 1970 by its own clock.
    pub since_ns: i64,
    /// Its process has ended, and yet something keeps its lock.
    pub holder_is_gone: bool,
    /// Why the attempt could not be left for the holder.
    pub not_left: Option<String>,
}

/// Runs a call, or a part of one that has a result of its own, past which no panic gets.
pub(crate) fn unless_it_panics<R>(call: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    if mutated!("boundary-lets-panics-through") {
        return call();
    }
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        Err(Error::text(
            ErrorKind::Internal,
            "a bug in Lifesign: the call panicked and changed nothing; please report it",
        ))
    })
}

impl Error {
    /// What kind of refusal it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Who called, when that is known.
    pub fn caller(&self) -> Option<&WriterRecord> {
        match &self.detail {
            Detail::Text(_) | Detail::Timeout(_) => None,
            Detail::Refusal(refusal) => refusal.caller.as_deref(),
            Detail::Claim(refusal) => Some(&refusal.caller),
        }
    }

    /// Who holds the check or the claimed name at present, when somebody does.
    pub fn holder(&self) -> Option<&WriterRecord> {
        match &self.detail {
            Detail::Text(_) | Detail::Timeout(_) => None,
            Detail::Refusal(refusal) => refusal.holder.as_deref(),
            Detail::Claim(refusal) => refusal.holder.as_deref(),
        }
    }

    /// The generation of the present holder: what [`crate::Engine::take_over`] wants to be told. A claim has none.
    pub fn generation(&self) -> Option<u64> {
        self.refusal().map(|refusal| refusal.generation)
    }

    fn refusal(&self) -> Option<&Refusal> {
        match &self.detail {
            Detail::Refusal(refusal) => Some(refusal),
            Detail::Text(_) | Detail::Timeout(_) | Detail::Claim(_) => None,
        }
    }

    /// Of a wait whose time was up: the cursor up to which everything that matches was delivered.
    pub fn bookmark(&self) -> Option<Cursor> {
        match &self.detail {
            Detail::Timeout(bookmark) => Some(*bookmark),
            Detail::Text(_) | Detail::Refusal(_) | Detail::Claim(_) => None,
        }
    }

    pub(crate) fn text(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, detail: Detail::Text(text.into().into()) }
    }

    pub(crate) fn refused(kind: ErrorKind, refusal: Refusal) -> Self {
        Self { kind, detail: Detail::Refusal(Arc::new(refusal)) }
    }

    pub(crate) fn timeout(bookmark: Cursor) -> Self {
        Self { kind: ErrorKind::Timeout, detail: Detail::Timeout(bookmark) }
    }

    pub(crate) fn claim_refused(refusal: ClaimRefusal) -> Self {
        Self { kind: ErrorKind::Held, detail: Detail::Claim(Arc::new(refusal)) }
    }

    /// The same error, saying what it is about. A refusal names its check by itself.
    pub(crate) fn about(self, what: impl std::fmt::Display) -> Self {
        match &self.detail {
            Detail::Text(text) => Self::text(self.kind, format!("{what}: {text}")),
            Detail::Refusal(_) | Detail::Timeout(_) | Detail::Claim(_) => self,
        }
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::text(ErrorKind::Invalid, text)
    }

    pub(crate) fn too_large(text: impl Into<String>) -> Self {
        Self::text(ErrorKind::TooLarge, text)
    }

    pub(crate) fn closed() -> Self {
        Self::text(ErrorKind::Closed, "the engine is closed; open a new one")
    }

    pub(crate) fn forked() -> Self {
        Self::text(
            ErrorKind::Forked,
            "this process was forked from the one that opened the engine; open a fresh engine here",
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusal = match &self.detail {
            Detail::Text(text) => return write!(f, "{}: {text}", self.kind),
            Detail::Refusal(refusal) => refusal,
            Detail::Timeout(_) => {
                return write!(f, "{}: the time is up and nothing that matches has changed", self.kind);
            }
            Detail::Claim(refusal) => return write!(f, "{}: {refusal}", self.kind),
        };
        write!(f, "{}: {} check {:?} was refused", self.kind, refusal.verb, refusal.check)?;
        if let Some(caller) = &refusal.caller {
            write!(f, " to {caller}")?;
        }
        match self.kind {
            ErrorKind::Gone => {
                write!(f, ": the check was deregistered; register it again and acquire a new token")
            }
            ErrorKind::Revoked => write!(f, ": its owner closed the token; acquire a new one"),
            ErrorKind::Derived => write!(
                f,
                ": it is an alias and the engine alone writes it; to compute a status yourself, register an ordinary check"
            ),
            ErrorKind::WouldDeadlock => {
                write!(f, ": a token cannot join itself; give the token that was taken over")
            }
            ErrorKind::StillRunning => {
                let old = refusal.holder.as_ref().map_or_else(String::new, ToString::to_string);
                write!(
                    f,
                    ": the old token of {old}, generation {}, is not closed yet or a call of it runs; its owner must close it",
                    refusal.generation
                )
            }
            kind => {
                match &refusal.holder {
                    Some(holder) => write!(f, ": {holder} holds it as generation {}", refusal.generation)?,
                    None => write!(f, ": nobody holds it, the last generation is {}", refusal.generation)?,
                }
                match kind {
                    ErrorKind::Fenced if refusal.holder.is_some() => {
                        write!(
                            f,
                            " and took over from the caller; stop writing, or take over from that generation"
                        )
                    }
                    ErrorKind::Fenced => write!(f, "; a rival took over and has left, acquire it again"),
                    ErrorKind::Expired => {
                        write!(f, "; the caller's lease ran out and nobody took over, acquire it again")
                    }
                    ErrorKind::Held if refusal.holder.is_some() => {
                        write!(f, "; wait until it is closed, or take over from that generation")
                    }
                    _ => write!(f, "; acquire it instead of taking it over"),
                }
            }
        }
    }
}

impl fmt::Display for ClaimRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, directory, caller, holder, since_ns, holder_is_gone, not_left } = self;
        write!(f, "claiming {name:?} in {} was refused to {caller}: ", directory.display())?;
        match holder {
            Some(holder) => {
                let since = UNIX_EPOCH + Duration::from_nanos((*since_ns).max(0) as u64);
                write!(f, "{holder} has held it since {}", humantime::format_rfc3339_seconds(since))?;
            }
            None => write!(f, "somebody holds it who has left no record that can be read")?,
        }
        if *holder_is_gone {
            write!(f, "; that process has ended, but one that it has cloned keeps its lock: end that one")?;
        } else {
            write!(f, "; stop one of the two, or claim another name")?;
        }
        match not_left {
            Some(reason) => write!(f, "; the holder cannot be told of this attempt: {reason}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {}
