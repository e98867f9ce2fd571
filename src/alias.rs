//! Aliases are links and never run; what remains to be ruled out is a loop.
//!
//! An alias bound to service T with target S makes S an input of T's summary. The relation must stay a forest of shared branches without loops:
//! otherwise an alias would depend on itself and, once critical, hold itself critical. Loops are refused when the alias is registered,
//! under the registration lock, in whatever order the services come. The depth is bounded, because a writer climbs it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::error::{Error, ErrorKind};
use crate::mutant::mutated;
use crate::summary::Summary;

/// The most services one above the other.
pub const MAX_DEPTH: usize = 64;

/// Whether an alias `id`, bound to `home` and mirroring `target`, may exist. The caller holds the registration lock.
/// O(services below the target and above the home).
///
/// # Errors
/// `LOOP` with the path written out; `LIMIT` for a chain of more than 64 services.
pub(crate) fn check_link(id: &str, home: &Arc<Summary>, target: &Arc<Summary>) -> Result<(), Error> {
    let mut path = Vec::new();
    if find(target, home, &mut path, &mut HashSet::new()) && !mutated!("loop-check-skipped") {
        let path: Vec<_> = [home.id()].into_iter().chain(&path).map(|id| format!("{:?}", &**id)).collect();
        return Err(Error::text(
            ErrorKind::Loop,
            format!("alias {id:?} would depend on itself: {}", path.join(" -> ")),
        ));
    }
    let length = depth_below(target, &mut HashMap::new()) + depth_above(home, &mut HashMap::new());
    if length > MAX_DEPTH {
        return Err(Error::text(
            ErrorKind::Limit,
            format!("alias {id:?} would make a chain of {length} services; at most {MAX_DEPTH} are allowed"),
        ));
    }
    Ok(())
}

/// Looks for `wanted` from `from` downwards; leaves the way there in `path`.
fn find(
    from: &Arc<Summary>,
    wanted: &Arc<Summary>,
    path: &mut Vec<Arc<str>>,
    seen: &mut HashSet<u32>,
) -> bool {
    path.push(from.id().clone());
    if Arc::ptr_eq(from, wanted) {
        return true;
    }
    if seen.insert(from.slot()) {
        let below: Vec<_> = from.table.lock().targets.iter().map(|target| target.summary.clone()).collect();
        if below.iter().any(|below| find(below, wanted, path, seen)) {
            return true;
        }
    }
    path.pop();
    false
}

fn depth_below(from: &Arc<Summary>, known: &mut HashMap<u32, usize>) -> usize {
    if let Some(depth) = known.get(&from.slot()) {
        return *depth;
    }
    let below: Vec<_> = from.table.lock().targets.iter().map(|target| target.summary.clone()).collect();
    let depth = 1 + below.iter().map(|below| depth_below(below, known)).max().unwrap_or(0);
    known.insert(from.slot(), depth);
    depth
}

fn depth_above(from: &Arc<Summary>, known: &mut HashMap<u32, usize>) -> usize {
    if let Some(depth) = known.get(&from.slot()) {
        return *depth;
    }
    let mut highest = 0;
    if from.node().is_some() {
        from.above.for_each(|edge| highest = highest.max(depth_above(&edge.above, known)));
    }
    known.insert(from.slot(), highest + 1);
    highest + 1
}
