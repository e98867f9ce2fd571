//! B8 and bad input: a clear error with the offending id, and everything that was there before is still there.

use lifesign::{
    CheckSpec, Config, Embedder, Engine, Error, ErrorKind, Limits, ServiceSpec, Status, SubscriptionFilter,
};

use crate::support::{alias, breaks, check, drain, engine, kind, limited, service, states};

/// An engine with something in it, and what can be seen of it.
struct World {
    engine: Engine,
    token: lifesign::Token,
}

impl World {
    fn new(limits: Limits) -> Self {
        let engine = limited(limits);
        let web = service(&engine, "web");
        let check = check(&engine, "web:alive", Some(&web));
        alias(&engine, "sidecar", None, "web");
        let token = engine.acquire(&check, "U").unwrap();
        token.write(Status::Warning, "slow").unwrap();
        Self { engine, token }
    }

    fn seen(&self) -> String {
        let service = self.engine.service("web").unwrap();
        let stats = self.engine.stats().unwrap();
        let counts =
            (stats.commits, stats.services, stats.checks, stats.aliases, stats.tokens, stats.subscriptions);
        format!(
            "{:?} {:?} {counts:?}",
            self.engine.service_snapshot(&service).unwrap(),
            self.engine.node_snapshot().unwrap()
        )
    }

    /// `call` is refused as `kind`, says `part`, and changes nothing.
    fn refuses<T: std::fmt::Debug>(
        &self,
        kind: ErrorKind,
        part: &str,
        call: impl FnOnce(&Engine) -> Result<T, Error>,
    ) {
        let before = self.seen();
        let error = call(&self.engine).expect_err(&format!("{part}: it is refused as {kind:?}"));
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(text.contains(part), "{part:?} is missing: {text}");
        assert!(text.len() < 1_000, "a message is no place for {} bytes", text.len());
        assert_eq!(self.seen(), before, "after {text}");
        let status = if self.seen().contains("slow") { Status::Warning } else { Status::Passing };
        self.token.write(status, "slow").expect("the writer goes on");
    }
}

#[test]
fn bad_ids_are_refused() {
    let _whole = breaks::none();
    let world = World::new(Limits::default());
    let long = "x".repeat(256);
    let huge = "é".repeat(1 << 19);
    for (id, kind, part) in [
        ("", ErrorKind::Invalid, "empty"),
        ("with\0nul", ErrorKind::Invalid, "with"),
        (&*long, ErrorKind::TooLarge, "256 bytes"),
        (&*huge, ErrorKind::TooLarge, "1048576 bytes"),
    ] {
        world.refuses(kind, part, |engine| engine.register_service(&ServiceSpec::new(id)));
        world.refuses(kind, part, |engine| engine.register_check(&CheckSpec::new(id), None));
        world.refuses(kind, part, |engine| engine.register_check(&CheckSpec::alias("fine", id), None));
        world.refuses(kind, part, |engine| engine.service(id));
        world.refuses(kind, part, |engine| engine.check(id));
    }
    world.refuses(ErrorKind::TooLarge, "256 bytes", |engine| {
        engine.subscribe(&SubscriptionFilter::prefix(&long))
    });
    world.refuses(ErrorKind::NotFound, "nobody", |engine| engine.service("nobody"));
    world.refuses(ErrorKind::NotFound, "nobody", |engine| engine.check("nobody"));
    let fits = "y".repeat(255);
    world.engine.register_check(&CheckSpec::new(&*fits), None).expect("255 bytes are an id");
    assert!(world.engine.check(&fits).is_ok());
}

#[test]
fn ids_are_compared_bytewise() {
    let _whole = breaks::none();
    let engine = engine();
    let ids = ["web", "Web", "web ", "wéb", "we\u{301}b", "\u{1F600}"];
    let checks: Vec<_> = ids.iter().map(|id| check(&engine, id, None)).collect();
    for (id, check) in ids.iter().zip(&checks) {
        assert_eq!(engine.check(id).unwrap(), *check);
    }
    assert_eq!(engine.stats().unwrap().checks, ids.len() as u64);
}

/// Every text and every sequence of bytes that is longer than what is kept, and those that just fit.
fn oversized_input() {
    let world = World::new(Limits::default());
    let name = "n".repeat(256);
    let data = vec![0; 4097];
    let spec = ServiceSpec::new("big");
    world.refuses(ErrorKind::TooLarge, "big", |engine| {
        engine.register_service(&ServiceSpec { name: name.clone(), ..spec.clone() })
    });
    world.refuses(ErrorKind::TooLarge, "big", |engine| {
        engine.register_service(&ServiceSpec { data: data.clone(), ..spec.clone() })
    });
    let spec = CheckSpec::new("large");
    world.refuses(ErrorKind::TooLarge, "large", |engine| {
        engine.register_check(&CheckSpec { name: name.clone(), ..spec.clone() }, None)
    });
    world.refuses(ErrorKind::TooLarge, "large", |engine| {
        engine.register_check(&CheckSpec { data: data.clone(), ..spec.clone() }, None)
    });
    let check = world.token.check();
    world.refuses(ErrorKind::TooLarge, "web:alive", |_| {
        world.token.write(Status::Critical, &"o".repeat(4097))
    });
    world.refuses(ErrorKind::TooLarge, "web:alive", |_| {
        world.token.write(Status::Critical, &"o".repeat(10 << 20))
    });
    world.refuses(ErrorKind::TooLarge, "128 bytes", |engine| {
        engine.take_over(&check, world.token.generation(), &"l".repeat(128))
    });
    world.refuses(ErrorKind::Invalid, "NUL", |engine| {
        engine.take_over(&check, world.token.generation(), "a\0b")
    });
    world.token.write(Status::Warning, &"o".repeat(4096)).expect("4 KiB are an output");
    let fits = CheckSpec { name: "n".repeat(255), data: vec![0xFF; 4096], ..CheckSpec::new("fits") };
    let check = world.engine.register_check(&fits, None).unwrap();
    assert_eq!(world.engine.snapshot(&check).unwrap().data(), fits.data);
}

#[test]
fn oversized_input_is_refused() {
    breaks::notices("output-limit-skipped", "web:alive: it is refused as TooLarge", oversized_input);
}

#[test]
fn an_embedder_is_bounded_too() {
    let _whole = breaks::none();
    for embedder in [
        Embedder { name: "n".repeat(64), ..Embedder::default() },
        Embedder { version: "n".repeat(64), ..Embedder::default() },
        Embedder { build: "nul\0".into(), ..Embedder::default() },
    ] {
        let refused = Engine::open(Config { embedder, ..Config::default() }).map(drop);
        assert_eq!(kind(refused), ErrorKind::Invalid);
    }
}

#[test]
fn quotas_are_kept_and_free_again() {
    let _whole = breaks::none();
    let world = World::new(Limits {
        max_services: 2,
        max_checks: 3,
        max_subscriptions: 1,
        max_tokens: 2,
        max_output: 16,
        ..Limits::default()
    });
    let engine = &world.engine;
    let second = service(engine, "second");
    world.refuses(ErrorKind::Limit, "third", |engine| engine.register_service(&ServiceSpec::new("third")));
    let other = check(engine, "other", Some(&second));
    world
        .refuses(ErrorKind::Limit, "fourth", |engine| engine.register_check(&CheckSpec::new("fourth"), None));
    world.refuses(ErrorKind::Limit, "fourth", |engine| {
        engine.register_check(&CheckSpec::alias("fourth", "unheard of"), None)
    });
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    world.refuses(ErrorKind::Limit, "1 subscription", |engine| engine.subscribe(&SubscriptionFilter::all()));
    let token = engine.acquire(&other, "other").unwrap();
    world.refuses(ErrorKind::Limit, "2 open tokens", |engine| {
        engine.take_over(&other, token.generation(), "rival")
    });
    world.refuses(ErrorKind::TooLarge, "other", |_| token.write(Status::Critical, "seventeen bytes!!"));
    // What is the same as before needs no room.
    assert_eq!(service(engine, "second"), second);
    assert_eq!(check(engine, "other", Some(&second)), other);
    // What is given back can be had again.
    drop(subscription);
    engine.subscribe(&SubscriptionFilter::all()).unwrap();
    token.deregister_check().unwrap();
    drop(token);
    engine.acquire(&check(engine, "fourth", None), "U").unwrap();
    engine.deregister_service(&second).unwrap();
    service(engine, "third");
}

#[test]
fn handles_of_another_engine_are_foreign() {
    let _whole = breaks::none();
    let other = engine();
    let (foreign_service, foreign_check) = (service(&other, "foreign"), check(&other, "foreign", None));
    let world = World::new(Limits::default());
    let kind = ErrorKind::ForeignEngine;
    world.refuses(kind, "engine", |engine| {
        engine.register_check(&CheckSpec::new("new"), Some(&foreign_service))
    });
    world.refuses(kind, "engine", |engine| {
        engine.redefine_service(&foreign_service, &ServiceSpec::new("foreign"))
    });
    world.refuses(kind, "engine", |engine| engine.deregister_service(&foreign_service));
    world.refuses(kind, "engine", |engine| engine.service_snapshot(&foreign_service).map(|_| ()));
    world.refuses(kind, "engine", |engine| {
        engine.redefine_check(&foreign_check, &CheckSpec::new("foreign"), None)
    });
    world.refuses(kind, "engine", |engine| engine.deregister_check(&foreign_check));
    world.refuses(kind, "engine", |engine| engine.deregister_check_by_force(&foreign_check, "operator"));
    world.refuses(kind, "engine", |engine| engine.acquire(&foreign_check, "U"));
    world.refuses(kind, "engine", |engine| engine.take_over(&foreign_check, 1, "U"));
    world.refuses(kind, "engine", |engine| engine.snapshot(&foreign_check));
    world.refuses(kind, "engine", |engine| engine.who(&foreign_check));
    world.refuses(kind, "engine", |engine| engine.writers(&foreign_check));
    world.refuses(kind, "engine", |engine| engine.history(&foreign_check));
    world.refuses(kind, "engine", |engine| engine.subscribe(&SubscriptionFilter::check(&foreign_check)));
    world.refuses(kind, "engine", |engine| {
        engine.subscribe(&SubscriptionFilter::service(&foreign_service, true))
    });
    assert_eq!(
        (foreign_check.status(), foreign_service.status()),
        (Some(Status::Passing), Some(Status::Passing))
    );
}

#[test]
fn two_engines_do_not_know_each_other() {
    let _whole = breaks::none();
    let (one, other) = (engine(), engine());
    assert_ne!(one.id(), other.id());
    let checks = [&one, &other].map(|engine| check(engine, "a", None));
    let subscription = other.subscribe(&SubscriptionFilter::all()).unwrap();
    drain(&subscription);
    one.acquire(&checks[0], "U").unwrap().write(Status::Critical, "").unwrap();
    assert_eq!((checks[0].status(), checks[1].status()), (Some(Status::Critical), Some(Status::Passing)));
    assert!(states(&drain(&subscription)).is_empty());
    one.close();
    assert_eq!((checks[0].status(), checks[1].status()), (None, Some(Status::Passing)));
}
