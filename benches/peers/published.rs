//! What publishes whole states: a tokio watch channel for each check, and left-right's pair of maps.

use std::collections::HashMap;
use std::sync::Arc;

use left_right::{Absorb, ReadHandle, WriteHandle};
use lifesign::Status;
use tokio::sync::watch;

use crate::{Reader, Whole, Writer, id};

fn first() -> Whole {
    Whole { status: Status::Passing, text: "".into(), version: 0 }
}

pub struct Receivers(Vec<watch::Receiver<Whole>>);

pub struct Senders(Vec<watch::Sender<Whole>>);

/// A watch channel for each check.
pub fn watched(checks: usize) -> (Receivers, Senders) {
    let (senders, receivers) = (0..checks).map(|_| watch::channel(first())).unzip();
    (Receivers(receivers), Senders(senders))
}

impl Reader for Receivers {
    type State = Whole;

    fn status(&self, check: usize) -> Status {
        self.0[check].borrow().status
    }

    fn whole(&self, check: usize) -> Whole {
        self.0[check].borrow().clone()
    }

    fn parts(state: Whole) -> Whole {
        state
    }
}

impl Writer for Senders {
    fn report(&mut self, check: usize, status: Status, text: &str) {
        let text: Arc<str> = text.into();
        self.0[check].send_modify(|state| *state = Whole { status, text, version: state.version + 1 });
    }
}

/// Both copies of left-right's map.
#[derive(Clone, Default)]
struct Copy(HashMap<Arc<str>, Whole, foldhash::fast::RandomState>);

/// A report that has to reach both of them.
struct Report {
    id: Arc<str>,
    status: Status,
    text: Arc<str>,
}

impl Absorb<Report> for Copy {
    fn absorb_first(&mut self, report: &mut Report, _: &Self) {
        let Report { id, status, text } = report;
        let state = self.0.get_mut(id).expect("all ids were inserted");
        *state = Whole { status: *status, text: text.clone(), version: state.version + 1 };
    }

    fn sync_with(&mut self, first: &Self) {
        self.clone_from(first);
    }
}

pub struct Left {
    handle: ReadHandle<Copy>,
    ids: Vec<Arc<str>>,
}

pub struct Right {
    handle: WriteHandle<Copy, Report>,
    ids: Vec<Arc<str>>,
}

/// left-right over a map by id.
pub fn twice(checks: usize) -> (Left, Right) {
    let ids: Vec<Arc<str>> = (0..checks).map(|check| id(check).into()).collect();
    let map = Copy(ids.iter().map(|id| (id.clone(), first())).collect());
    let (writer, reader) = left_right::new_from_empty(map);
    (Left { handle: reader, ids: ids.clone() }, Right { handle: writer, ids })
}

impl Left {
    fn read<T>(&self, check: usize, look: impl FnOnce(&Whole) -> T) -> T {
        let map = self.handle.enter().expect("the writer lives");
        look(&map.0[&self.ids[check]])
    }
}

impl Reader for Left {
    type State = Whole;

    fn status(&self, check: usize) -> Status {
        self.read(check, |state| state.status)
    }

    fn whole(&self, check: usize) -> Whole {
        self.read(check, Whole::clone)
    }

    fn parts(state: Whole) -> Whole {
        state
    }
}

impl Writer for Right {
    fn report(&mut self, check: usize, status: Status, text: &str) {
        self.handle.append(Report { id: self.ids[check].clone(), status, text: text.into() });
        self.handle.publish();
    }
}
