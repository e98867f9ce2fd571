//! Snapshots, whole services, and the audit.

use std::sync::Arc;

use crate::cell::handle::Kind;
use crate::engine::stats::Count;
use crate::engine::{Check, Engine, Inner, Service};
use crate::model::error::{Error, ErrorKind};
use crate::model::event::SummaryState;
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::summary::Summary;
use crate::summary::view::{Extent, View, collect};

/// A service's checks and summary as of one (version, epoch).
#[derive(Clone, Debug)]
pub struct ServiceSnapshot {
    /// The service's id; empty for the node.
    pub id: Arc<str>,
    /// Its name.
    pub name: String,
    /// The embedder's own bytes.
    pub data: Vec<u8>,
    /// Which life of the id this is; 0 for the node.
    pub incarnation: u64,
    /// What the service shows.
    pub summary: SummaryState,
    /// Its checks and aliases with their handle numbers, by id.
    pub checks: Vec<(u64, Arc<Snapshot>)>,
}

impl Engine {
    /// The whole present state of a check: one commit, never a mix. Lock-free for a direct check; for an alias it reads until it has seen its
    /// target stand still for a moment (blocking in the worst case).
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn snapshot(&self, check: &Check) -> Result<Arc<Snapshot>, Error> {
        // Right too and only slower, for the test that the benches tell.
        drop(mutated!("snapshot-read-twice").then(|| self.inner().snapshot(check)));
        self.inner().snapshot(check)
    }

    /// A service's checks and summary as of one (version, epoch). Reads until it has seen them stand still for a moment; O(checks below it).
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn service_snapshot(&self, service: &Service) -> Result<ServiceSnapshot, Error> {
        self.inner().service_snapshot(service)
    }

    /// The node's own checks and aliases, as a service without an id.
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`.
    pub fn node_snapshot(&self) -> Result<ServiceSnapshot, Error> {
        self.inner().check_open()?;
        let view = self.inner().gather(&self.inner().node, Extent::Whole);
        self.inner().check_open()?;
        Ok(self.inner().present(view))
    }

    /// The worst of the node's own direct checks; `None` once the engine is closed. Wait-free: three atomic loads.
    pub fn node_status(&self) -> Option<Status> {
        self.inner().node_cell.status()
    }

    /// Compares every summary with its inputs, after helping as any writer does, and repairs those that are wrong. Returns how many were: any
    /// number but zero is a bug. Run it on a timer, once a minute say. O(everything).
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`.
    pub fn audit(&self) -> Result<u64, Error> {
        self.inner().audit()
    }

    /// Makes the summary of `service` wrong, as a bug would: for the test of the audit.
    #[cfg(feature = "failpoints")]
    pub fn corrupt_summary(&self, service: &Service) {
        self.inner().summary_of(service).expect("a living service").0.corrupt();
    }
}

impl Inner {
    /// What a summary shows, as of one (version, epoch).
    pub(crate) fn view(&self, summary: &Arc<Summary>) -> View {
        self.gather(summary, Extent::Counting)
    }

    /// A summary as of one (version, epoch); what it helped with is counted.
    fn gather(&self, summary: &Arc<Summary>, extent: Extent) -> View {
        let view = collect(summary, extent, self.limits.max_output);
        if view.helped > 0 {
            self.counters.add(summary.slot(), Count::Helps, view.helped);
        }
        view
    }

    fn snapshot(&self, check: &Check) -> Result<Arc<Snapshot>, Error> {
        self.check_open()?;
        let snapshot = self.living(check)?;
        // Whoever looks at the word after this must not see an older version.
        check.place.cell.status().raise(snapshot.word());
        Ok(match &snapshot.definition.target {
            None => snapshot,
            Some(target) => {
                let derived = self.view(target).derive(&snapshot);
                self.check_open()?;
                Arc::new(derived)
            }
        })
    }

    fn service_snapshot(&self, service: &Service) -> Result<ServiceSnapshot, Error> {
        self.check_open()?;
        self.check_owned(Kind::Service.as_str(), service.place.slot)?;
        let gone = || {
            let handle = self.service_handle(service.place.slot, service.life);
            Error::text(
                ErrorKind::Gone,
                format!("the service of handle {handle:#x} was deregistered; register it again"),
            )
        };
        let summary = service.place.cell.summary.load();
        self.check_open()?;
        let summary = summary.ok_or_else(gone)?;
        let view = self.view(&summary);
        self.check_open()?;
        let same = |registered: &Arc<crate::summary::Service>| {
            registered.life == service.life && registered.place.slot == service.place.slot
        };
        if view.service.as_ref().is_some_and(same) { Ok(self.present(view)) } else { Err(gone()) }
    }

    fn present(&self, view: View) -> ServiceSnapshot {
        let is_node = view.state.id.is_empty();
        let spec = view.service.as_ref().map(|service| service.spec.clone()).unwrap_or_default();
        ServiceSnapshot {
            id: view.state.id.clone(),
            name: spec.name,
            data: spec.data,
            incarnation: view.service.map_or(0, |service| service.incarnation),
            summary: view.state,
            checks: view
                .checks
                .into_iter()
                .map(|seen| {
                    let handle = self.check_handle(seen.bound.place.slot, seen.bound.life);
                    match &seen.snapshot.definition.target {
                        // The node depends on no alias, so its view derives none: each is read as of its own target.
                        Some(target) if is_node => {
                            let derived = collect(target, Extent::Counting, self.limits.max_output)
                                .derive(&seen.snapshot);
                            (handle, Arc::new(derived))
                        }
                        _ => (handle, seen.snapshot),
                    }
                })
                .collect(),
        }
    }

    fn audit(&self) -> Result<u64, Error> {
        self.check_open()?;
        let services = self.services.iter().map(|entry| entry.value().clone());
        let summaries: Vec<Arc<Summary>> = [self.node.clone()].into_iter().chain(services).collect();
        let mut repaired = 0;
        for summary in summaries {
            let view = collect(&summary, Extent::Counting, self.limits.max_output);
            self.check_open()?;
            // Wrong, and still the same version: no call in flight has touched it since it was collected.
            if !view.consistent && summary.word() == view.word {
                // The lock is for the stamp alone: who resumes must find it, or be marked.
                let _registry = self.registry.lock();
                summary.walk(None, true, &self.board);
                summary.stamp(&self.revisions);
                self.counters.add(summary.slot(), Count::Repairs, 1);
                repaired += 1;
            }
        }
        Ok(repaired)
    }
}
