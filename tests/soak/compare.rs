//! While all stand still: every view of the same thing says the same.

use lifesign::{CheckSpec, Engine, Export, Snapshot, Status};

use crate::followers::{Follower, Wants};
use crate::world::World;

/// Compares everything with everything; returns how many comparisons that were.
pub fn all(world: &World, followers: &mut [Follower]) -> u64 {
    let engine = &world.engine;
    let mut compared = checks(engine) + services(world);
    assert_eq!(engine.audit().unwrap(), 0, "the audit finds nothing to repair");
    for follower in followers {
        follower.poll(world);
        compared += follows(world, follower);
    }
    compared + restart(world)
}

/// Each check: word and snapshot; each alias: what it mirrors.
fn checks(engine: &Engine) -> u64 {
    let checks = engine.checks().unwrap();
    for check in &checks {
        let state = engine.snapshot(check).unwrap();
        assert_eq!(check.status(), Some(state.status()), "{}: word and snapshot", state.id());
        if state.is_orphaned() {
            assert!(engine.who(check).unwrap().holder.is_none(), "{}: orphaned and held", state.id());
        }
    }
    checks.len() as u64
}

fn worst<'a>(checks: impl Iterator<Item = &'a Snapshot>) -> Status {
    checks.map(Snapshot::status).max().unwrap_or(Status::Passing)
}

/// Each service: its summary is the worst of its checks and of the node's own, and every alias of it shows just that.
fn services(world: &World) -> u64 {
    let engine = &world.engine;
    let node = engine.node_snapshot().unwrap();
    let own = worst(node.checks.iter().map(|(_, check)| &**check).filter(|check| !check.is_derived()));
    assert_eq!(engine.node_status(), Some(own), "the node");
    let mut compared = 1;
    for (number, service) in world.services.iter().enumerate() {
        let whole = engine.service_snapshot(service).unwrap();
        let shown = worst(whole.checks.iter().map(|(_, check)| &**check)).max(own);
        assert_eq!((whole.summary.status, service.status()), (shown, Some(shown)), "service {number}");
        let mirror = engine.check(&format!("mirror:s{number}")).unwrap();
        let state = engine.snapshot(&mirror).unwrap();
        assert_eq!(
            (mirror.status(), state.status(), state.output()),
            (Some(shown), shown, &*whole.summary.output),
            "the alias of service {number}"
        );
        compared += 3;
    }
    let missing = engine.service("now-and-then").is_err();
    let waiting = engine.check("mirror:now-and-then").unwrap().status();
    assert_eq!(
        waiting,
        Some(if missing { Status::Critical } else { own }),
        "the alias of what comes and goes"
    );
    compared + 1
}

/// What a follower knows is what there is.
fn follows(world: &World, follower: &Follower) -> u64 {
    let engine = &world.engine;
    let mut left = follower.known.clone();
    let mut compared = 0;
    for check in engine.checks().unwrap() {
        let state = engine.snapshot(&check).unwrap();
        let wanted = match &follower.wants {
            Wants::Everything | Wants::Transitions => true,
            Wants::Prefix(prefix) => state.id().starts_with(prefix),
            Wants::Service(service) => {
                let whole = engine.service_snapshot(service).unwrap();
                state.service_id() == Some(&*whole.id)
            }
        };
        if !wanted {
            continue;
        }
        let known = left
            .remove(state.id())
            .unwrap_or_else(|| panic!("{} does not know {}", follower.name, state.id()));
        assert_eq!(
            (known.incarnation, known.status, known.transitions),
            (state.incarnation(), state.status(), state.transitions()),
            "{} of {}",
            follower.name,
            state.id()
        );
        if !matches!(follower.wants, Wants::Transitions) {
            assert_eq!(known.output, state.output(), "{} of {}", follower.name, state.id());
        }
        compared += 1;
    }
    assert!(left.is_empty(), "{} knows what is gone: {left:?}", follower.name);
    if let (Wants::Service(service), Some(known)) = (&follower.wants, &follower.summary) {
        let whole = engine.service_snapshot(service).unwrap().summary;
        assert_eq!(*known, (whole.status, whole.output.to_string()), "{}: the summary", follower.name);
        compared += 1;
    }
    compared
}

/// What an engine that starts anew restores is what was exported.
fn restart(world: &World) -> u64 {
    let engine = &world.engine;
    engine.export(&world.export()).unwrap();
    let export = Export::read(&world.export()).unwrap();
    let fresh = crate::support::engine();
    let mut compared = 0;
    for exported in export.checks() {
        let spec = CheckSpec::new(&exported.id).restored(exported.state.clone());
        let check = fresh.register_check(&spec, None).unwrap();
        let before = engine.snapshot(&engine.check(&exported.id).unwrap()).unwrap();
        let after = fresh.snapshot(&check).unwrap();
        assert_eq!(
            (before.status(), before.output(), before.since_ns()),
            (after.status(), after.output(), after.since_ns()),
            "{} after a restart",
            exported.id
        );
        assert!(after.is_restored() && after.transitions() == 0);
        compared += 1;
    }
    compared
}
