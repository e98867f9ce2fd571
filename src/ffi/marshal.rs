//! States and events as they cross: fixed fields in structs, texts and bytes in one buffer of the caller's.

use std::ffi::c_char;
use std::sync::Arc;

use crate::cell::word::flag;
use crate::engine::reading::ServiceSnapshot;
use crate::ffi::boundary::Slots;
use crate::ffi::types::*;
use crate::model::definition::CheckKind;
use crate::model::error::{Error, ErrorKind};
use crate::model::event::{Event, SummaryState, Trouble, TroubleKind};
use crate::model::snapshot::Snapshot;
use crate::writer::record::{ENGINE, WriterRecord};

/// Bytes on their way into the caller's buffer.
#[derive(Default)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// Makes room for as many more, so that they are not moved while they are added.
    pub fn reserve(&mut self, len: usize) {
        self.0.reserve(len);
    }

    /// Adds some.
    pub fn push(&mut self, bytes: &[u8]) -> lifesign_span {
        let span = lifesign_span { offset: self.0.len() as u32, len: bytes.len() as u32 };
        self.0.extend_from_slice(bytes);
        span
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what came after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Hands them over; the caller has made sure that there is room.
    pub fn put(&self, buffer: &Slots<c_char>) {
        // SAFETY: a byte is a byte, whether its sign is told or not.
        buffer.fill(unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<c_char>(), self.0.len()) });
    }
}

/// A buffer that does not hold the answer.
pub fn too_small(what: &str, has: usize, needs: usize) -> Error {
    Error::text(
        ErrorKind::BufferTooSmall,
        format!("{what}: the buffer has room for {has}, the answer needs {needs}"),
    )
}

/// A check's state.
pub fn snapshot(check: u64, state: &Snapshot, bytes: &mut Bytes) -> lifesign_snapshot {
    let (kind, target) = match state.kind() {
        CheckKind::Direct => (LIFESIGN_KIND_CHECK, ""),
        CheckKind::AliasService(target) => (LIFESIGN_KIND_ALIAS_SERVICE, target.as_str()),
        CheckKind::AliasNode => (LIFESIGN_KIND_ALIAS_NODE, ""),
    };
    let service = state.service_id().unwrap_or("");
    let texts = [state.id(), state.name(), service, target, state.output()];
    bytes.reserve(texts.iter().map(|text| text.len()).sum::<usize>() + state.data().len());
    let crossing = [
        (flag::INITIAL, LIFESIGN_FLAG_INITIAL),
        (flag::ORPHANED, LIFESIGN_FLAG_ORPHANED),
        (flag::RESTORED, LIFESIGN_FLAG_RESTORED),
        (flag::DERIVED, LIFESIGN_FLAG_DERIVED),
    ];
    let set = crossing.iter().filter(|(own, _)| state.flags & own != 0).map(|(_, crossing)| crossing);
    lifesign_snapshot {
        struct_size: size_of::<lifesign_snapshot>() as u32,
        status: state.status().code() as lifesign_status,
        flags: set.sum::<u32>() | if state.is_gone() { LIFESIGN_FLAG_GONE } else { 0 },
        kind,
        check,
        incarnation: state.incarnation(),
        version: state.version(),
        transitions: state.transitions(),
        revision: state.revision(),
        generation: state.generation(),
        epoch: state.epoch(),
        time_ns: state.time_ns(),
        since_ns: state.since_ns(),
        writer: state.writer(),
        holder: state.holder(),
        id: bytes.push(state.id().as_bytes()),
        name: bytes.push(state.name().as_bytes()),
        service: bytes.push(service.as_bytes()),
        target: bytes.push(target.as_bytes()),
        data: bytes.push(state.data()),
        output: bytes.push(state.output().as_bytes()),
    }
}

fn summary(service: u64, state: &SummaryState, bytes: &mut Bytes) -> lifesign_snapshot {
    let id = bytes.push(state.id.as_bytes());
    let none = lifesign_span::default();
    lifesign_snapshot {
        struct_size: size_of::<lifesign_snapshot>() as u32,
        status: state.status.code() as lifesign_status,
        flags: LIFESIGN_FLAG_DERIVED | if state.registered { LIFESIGN_FLAG_REGISTERED } else { 0 },
        kind: LIFESIGN_KIND_ALIAS_SERVICE,
        check: service,
        incarnation: 0,
        version: state.version,
        transitions: state.transitions,
        revision: state.revision,
        generation: 0,
        epoch: state.epoch,
        time_ns: state.time,
        since_ns: state.since,
        writer: ENGINE,
        holder: ENGINE,
        id,
        name: none,
        service: id,
        target: none,
        data: none,
        output: bytes.push(state.output.as_bytes()),
    }
}

fn trouble(own: &Trouble, bytes: &mut Bytes) -> lifesign_trouble {
    let record = |record: &Option<Arc<WriterRecord>>| record.as_ref().map_or(0, |record| record.id);
    lifesign_trouble {
        kind: match own.kind {
            TroubleKind::Refusal => LIFESIGN_TROUBLE_REFUSAL,
            TroubleKind::TakeOver => LIFESIGN_TROUBLE_TAKE_OVER,
            TroubleKind::Lapse => LIFESIGN_TROUBLE_LAPSE,
            TroubleKind::RivalClaim => LIFESIGN_TROUBLE_RIVAL_CLAIM,
        },
        reason: own.reason.map_or(LIFESIGN_OK, |reason| reason as lifesign_result),
        offender: record(&own.offender),
        holder: record(&own.holder),
        check: own.check,
        generation: own.generation,
        count: own.count,
        first_ns: own.first_ns,
        last_ns: own.last_ns,
        id: bytes.push(own.id.as_bytes()),
    }
}

/// An event.
pub fn event(event: &Event, bytes: &mut Bytes) -> lifesign_event {
    let (kind, state) = match event {
        Event::State { check, snapshot: state } => (LIFESIGN_EVENT_STATE, snapshot(*check, state, bytes)),
        Event::Tombstone { check, snapshot: state } => (LIFESIGN_EVENT_GONE, snapshot(*check, state, bytes)),
        Event::Summary { service, state } => (LIFESIGN_EVENT_SUMMARY, summary(*service, state, bytes)),
        Event::Trouble(own) => {
            let (kind, state) = (LIFESIGN_EVENT_TROUBLE, lifesign_snapshot::default());
            return lifesign_event { kind, reserved: 0, state, trouble: trouble(own, bytes) };
        }
    };
    lifesign_event { kind, reserved: 0, state, trouble: lifesign_trouble::default() }
}

/// A service and its checks.
pub fn service(view: &ServiceSnapshot, bytes: &mut Bytes) -> (lifesign_service_view, Vec<lifesign_snapshot>) {
    let state = &view.summary;
    let crossing = lifesign_service_view {
        struct_size: size_of::<lifesign_service_view>() as u32,
        status: state.status.code() as lifesign_status,
        own: state.own.code() as lifesign_status,
        flags: if state.registered { LIFESIGN_FLAG_REGISTERED } else { 0 },
        incarnation: view.incarnation,
        version: state.version,
        epoch: state.epoch,
        checks: view.checks.len() as u32,
        reserved: 0,
        id: bytes.push(view.id.as_bytes()),
        name: bytes.push(view.name.as_bytes()),
        data: bytes.push(&view.data),
        output: bytes.push(state.output.as_bytes()),
    };
    let checks = view.checks.iter().map(|(check, state)| snapshot(*check, state, bytes)).collect();
    (crossing, checks)
}
