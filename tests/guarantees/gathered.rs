//! A1 where many ways lead to a service: it shows what came by each of them when the write returns, and is not brought up to date for each.

use lifesign::{Check, Engine, Service, Status, Token};

use crate::support::{alias, breaks, check, engine, service};

/// More than a service has places before its blocks, and several blocks of them.
const WAYS: usize = 100;

/// `s`, critical at first, below as many services as there are ways, all of them gathered in `top`.
struct Gathered {
    engine: Engine,
    below: Token,
    node: Token,
    between: Vec<Service>,
    top: Service,
    mirror: Check,
}

impl Gathered {
    fn new() -> Self {
        let engine = engine();
        let (s, top) = (service(&engine, "s"), service(&engine, "top"));
        let [below, node] = [("s:alive", Some(&s)), ("disk", None)]
            .map(|(id, home)| engine.acquire(&check(&engine, id, home), "U").unwrap());
        below.write(Status::Critical, "down").unwrap();
        let between = (0..WAYS).map(|at| {
            let home = service(&engine, &format!("between {at}"));
            alias(&engine, &format!("between {at}:s"), Some(&home), "s");
            alias(&engine, &format!("top:{at}"), Some(&top), &format!("between {at}"));
            home
        });
        let between = between.collect();
        let mirror = alias(&engine, "mirror", None, "top");
        Self { engine, below, node, between, top, mirror }
    }

    /// How often the summary of `top` was brought up to date.
    fn version(&self) -> u64 {
        self.engine.service_snapshot(&self.top).unwrap().summary.version
    }

    /// Whether everything shows `status`.
    fn follows(&self, status: Status) -> bool {
        self.mirror.status() == Some(status)
            && self.between.iter().all(|service| service.status() == Some(status))
    }
}

const STEPS: [Status; 6] =
    [Status::Passing, Status::Critical, Status::Warning, Status::Passing, Status::Critical, Status::Passing];

#[test]
fn a1_what_many_ways_lead_to_is_refreshed_once() {
    breaks::notices("gathered-each-way", "it was refreshed for each way", || {
        let world = Gathered::new();
        for (writer, most) in [(&world.below, 1), (&world.node, 2)] {
            for status in STEPS {
                let before = world.version();
                writer.write(status, "text").unwrap();
                let refreshed = world.version() - before;
                assert!(world.follows(status), "and shows it");
                assert!(refreshed <= most, "it was refreshed for each way: {refreshed} times");
            }
        }
        assert_eq!(world.engine.audit().unwrap(), 0);
    });
}

#[test]
fn a1_what_comes_by_any_of_many_ways_is_shown() {
    breaks::notices("gathered-first-block", "a way has not led there", || {
        let world = Gathered::new();
        for status in STEPS {
            world.below.write(status, "text").unwrap();
            assert!(world.follows(status), "a way has not led there: {:?}", world.mirror.status());
        }
    });
}

/// `s` ← `v` and `s` ← `t` ← `v` ← `w`: what recovers comes to `v` by the shorter way while the longer one is critical still.
#[test]
fn a1_what_comes_by_the_longer_way_is_carried_on() {
    breaks::notices("second-way-ignored", "what came later is not carried on", || {
        let engine = engine();
        // By the order of their cells `w` is looked at before `v` comes up again.
        let [s, t, w, v] = ["s", "t", "w", "v"].map(|id| service(&engine, id));
        for (home, id, target) in [(&v, "v:s", "s"), (&t, "t:s", "s"), (&v, "v:t", "t"), (&w, "w:v", "v")] {
            alias(&engine, id, Some(home), target);
        }
        let token = engine.acquire(&check(&engine, "s:alive", Some(&s)), "U").unwrap();
        for status in STEPS {
            token.write(status, "text").unwrap();
            assert!(
                [&s, &t, &v, &w].map(|service| service.status()).iter().all(|shown| *shown == Some(status)),
                "what came later is not carried on: {:?}",
                w.status()
            );
        }
        assert_eq!(engine.audit().unwrap(), 0);
    });
}
