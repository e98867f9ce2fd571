//! Registering, redefining and deregistering services (see [`crate::engine::registration`]).

use std::sync::Arc;

use crate::cell::slab::Place;
use crate::engine::{Inner, Service};
use crate::failpoint::pause;
use crate::model::definition::ServiceSpec;
use crate::model::error::{Error, ErrorKind};
use crate::mutant::mutated;
use crate::summary;

impl Inner {
    pub(super) fn register_service(&self, spec: &ServiceSpec) -> Result<Service, Error> {
        self.check_open()?;
        spec.validate()?;
        let mut registry = self.registering()?;
        let known = self.services.get(&*spec.id).and_then(|entry| entry.value().table.lock().service.clone());
        if let Some(known) = known {
            let differs = if known.spec.name != spec.name {
                Some("name")
            } else if known.spec.data != spec.data {
                Some("data")
            } else {
                None
            };
            return match differs {
                None => Ok(Service { place: known.place, life: known.life }),
                Some(field) => Err(Error::text(
                    ErrorKind::Exists,
                    format!(
                        "service {:?} is registered with a different {field}; redefine it to change that",
                        spec.id
                    ),
                )),
            };
        }
        if registry.services >= self.limits.max_services {
            return Err(Error::text(
                ErrorKind::Limit,
                format!("service {:?}: the engine has {} services, its limit", spec.id, registry.services),
            ));
        }
        let place = self.checks.allocate()?;
        let summary = match self.mention(&spec.id) {
            Ok(summary) => summary,
            Err(error) => {
                self.checks.release(place);
                return Err(error);
            }
        };
        let life = place.cell.next_life().expect("a cell without lives is not given out");
        place.cell.summary.store(Some(summary.clone()));
        place.cell.show(life, summary.cell());
        let incarnation = self.revisions.draw();
        let service = Arc::new(summary::Service { spec: spec.clone(), place, life, incarnation });
        summary.change(|table| {
            table.service = Some(service);
            summary.set_registered(true);
            self.surely(place.slot, || summary.walk(None, true, &self.board));
        });
        summary.stamp(&self.revisions);
        registry.services += 1;
        Ok(Service { place, life })
    }

    pub(super) fn redefine_service(&self, service: &Service, spec: &ServiceSpec) -> Result<(), Error> {
        self.check_open()?;
        spec.validate()?;
        let _registry = self.registering()?;
        let (summary, known) = self.summary_of(service)?;
        if known.spec.id != spec.id {
            return Err(Error::invalid(format!(
                "service {:?}: its id cannot become {:?}",
                known.spec.id, spec.id
            )));
        }
        let next = summary::Service { spec: spec.clone(), ..*known };
        pause!("redefine:admitted");
        summary.change(|table| {
            table.service = Some(Arc::new(next));
            // Another content under another version.
            if !mutated!("redefined-under-one-version") {
                self.surely(known.place.slot, || summary.refresh());
            }
        });
        Ok(())
    }

    pub(super) fn deregister_service(&self, service: &Service) -> Result<(), Error> {
        let mut registry = self.registering()?;
        let (summary, known) = self.summary_of(service)?;
        let bound = summary.table.lock().checks.first().and_then(|bound| bound.place.cell.snapshot.load());
        if let Some(bound) = bound {
            return Err(Error::text(
                ErrorKind::Busy,
                format!(
                    "service {:?} still has checks, {:?} among them; deregister them first",
                    known.spec.id,
                    bound.id()
                ),
            ));
        }
        pause!("deregister:admitted");
        let Place { cell, .. } = known.place;
        crate::cell::slab::end_life(cell);
        cell.summary.store(None);
        summary.change(|table| {
            table.service = None;
            summary.set_registered(false);
            self.surely(known.place.slot, || summary.walk(None, true, &self.board));
        });
        summary.stamp(&self.revisions);
        self.checks.release(known.place);
        registry.services -= 1;
        self.release(&summary);
        Ok(())
    }
}
