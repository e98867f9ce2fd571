//! What is registered: services, checks and aliases, and the rules their definitions obey.

use crate::model::error::Error;
use crate::model::status::Status;

/// The longest id in bytes.
pub const MAX_ID: usize = 255;
/// The longest name in bytes.
pub const MAX_NAME: usize = 255;
/// The most opaque bytes of the embedder's on a service or check.
pub const MAX_DATA: usize = 4096;

/// The definition of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Unique in the engine; UTF-8, 1–255 bytes, compared bytewise.
    pub id: String,
    /// For people; up to 255 bytes.
    pub name: String,
    /// The embedder's own bytes (address, tags, meta), up to 4 KiB.
    pub data: Vec<u8>,
}

impl ServiceSpec {
    /// A service with this id and the same name.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self { name: id.clone(), id, data: Vec::new() }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        validate("service", &self.id, &self.name, &self.data)
    }
}

/// What a check is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CheckKind {
    /// Written by whoever holds its token.
    #[default]
    Direct,
    /// Derived from the summary of the service with this id, registered or not.
    AliasService(String),
    /// Derived from the node's own direct checks.
    AliasNode,
}

/// What a check showed before a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Its status.
    pub status: Status,
    /// Its text.
    pub output: String,
    /// Wall clock of the last status change, nanoseconds since 1970.
    pub since_ns: i64,
}

/// The definition of a check or alias. It is bound to a service or, with `None`, to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSpec {
    /// Unique in the engine; UTF-8, 1–255 bytes, compared bytewise.
    pub id: String,
    /// For people; up to 255 bytes.
    pub name: String,
    /// The embedder's own bytes, up to 4 KiB.
    pub data: Vec<u8>,
    /// Direct or alias; fixed for the life of the check.
    pub kind: CheckKind,
    /// The status before the first report; an alias has none.
    pub initial: Status,
    /// What the check showed before a restart, shown again until it is reported anew. It is no part of the definition: registering the same
    /// check with another one is no difference, and one that has reported keeps its own state. An alias has none.
    pub restored: Option<Restored>,
}

impl CheckSpec {
    /// A direct check, critical until it reports.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            name: id.clone(),
            id,
            data: Vec::new(),
            kind: CheckKind::Direct,
            initial: Status::Critical,
            restored: None,
        }
    }

    /// An alias of the service with the id `target`.
    pub fn alias(id: impl Into<String>, target: impl Into<String>) -> Self {
        Self { kind: CheckKind::AliasService(target.into()), ..Self::new(id) }
    }

    /// An alias of the node.
    pub fn node_alias(id: impl Into<String>) -> Self {
        Self { kind: CheckKind::AliasNode, ..Self::new(id) }
    }

    /// The same with another initial status.
    pub fn initial(self, initial: Status) -> Self {
        Self { initial, ..self }
    }

    /// The same with what it showed before a restart.
    pub fn restored(self, restored: Restored) -> Self {
        Self { restored: Some(restored), ..self }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.restored.is_some() && self.kind != CheckKind::Direct {
            return Err(Error::invalid(format!(
                "check {}: an alias is derived and cannot be restored",
                excerpt(&self.id)
            )));
        }
        validate("check", &self.id, &self.name, &self.data)?;
        if let CheckKind::AliasService(target) = &self.kind {
            validate_id("alias target", target)?;
        }
        Ok(())
    }
}

/// The first characters of an id, for a message: a 1 MiB id must not make a 1 MiB error.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 64;
    if text.len() <= SHOWN {
        return format!("{text:?}");
    }
    let cut = (0..=SHOWN).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{:?}… ({} bytes)", &text[..cut], text.len())
}

pub(crate) fn validate_id(what: &str, id: &str) -> Result<(), Error> {
    if id.is_empty() {
        return Err(Error::invalid(format!("{what}: the id is empty; an id has 1 to {MAX_ID} bytes")));
    }
    if id.len() > MAX_ID {
        return Err(Error::too_large(format!(
            "{what} {}: the id has {} bytes; an id has 1 to {MAX_ID}",
            excerpt(id),
            id.len()
        )));
    }
    if id.contains('\0') {
        return Err(Error::invalid(format!("{what} {}: the id contains a NUL character", excerpt(id))));
    }
    Ok(())
}

fn validate(what: &str, id: &str, name: &str, data: &[u8]) -> Result<(), Error> {
    validate_id(what, id)?;
    if name.len() > MAX_NAME {
        return Err(Error::too_large(format!(
            "{what} {}: the name has {} bytes; at most {MAX_NAME} are kept",
            excerpt(id),
            name.len()
        )));
    }
    if data.len() > MAX_DATA {
        return Err(Error::too_large(format!(
            "{what} {}: the data has {} bytes; at most {MAX_DATA} are kept",
            excerpt(id),
            data.len()
        )));
    }
    Ok(())
}
