//! An engine with a few things in it, and a writer that flips a check.

use lifesign::{Check, CheckSpec, Config, Engine, Service, ServiceSpec, Status, Token};

/// What a check says while it passes: 40 bytes, as the budgets have it.
pub const UP: &str = "HTTP GET http://10.0.0.1:8080/ul: 200 OK";
/// What it says while it does not: as many.
pub const DOWN: &str = "HTTP GET http://10.0.0.1:8080/u: refused";

/// An engine with the defaults, histories included.
pub fn engine() -> Engine {
    engine_of(Config::default())
}

/// An engine that is configured so.
pub fn engine_of(config: Config) -> Engine {
    Engine::open(config).expect("an engine opens")
}

/// A service of this id.
pub fn service(engine: &Engine, id: &str) -> Service {
    engine.register_service(&ServiceSpec::new(id)).expect("a service registers")
}

/// A direct check that starts as `passing`.
pub fn check(engine: &Engine, id: &str, service: Option<&Service>) -> Check {
    let spec = CheckSpec::new(id).initial(Status::Passing);
    engine.register_check(&spec, service).expect("a check registers")
}

/// An alias of the service `target`.
pub fn alias(engine: &Engine, id: &str, service: Option<&Service>, target: &str) -> Check {
    engine.register_check(&CheckSpec::alias(id, target), service).expect("an alias registers")
}

/// The token of a check that nobody holds.
pub fn acquire(engine: &Engine, check: &Check) -> Token {
    engine.acquire(check, "the bench").expect("nobody holds the check")
}

/// The status and text that follow: each report changes both.
#[inline]
pub fn turned(critical: &mut bool) -> (Status, &'static str) {
    *critical = !*critical;
    if *critical { (Status::Critical, DOWN) } else { (Status::Passing, UP) }
}

/// A writer whose every report changes the status of its check, and the text with it.
pub struct Flipper {
    pub token: Token,
    critical: bool,
    flips: u64,
}

impl Flipper {
    /// The writer of a check that passes and that nobody holds.
    pub fn new(engine: &Engine, check: &Check) -> Self {
        Self::of(acquire(engine, check))
    }

    /// The writer that holds this token of a check that passes.
    pub fn of(token: Token) -> Self {
        Self { token, critical: false, flips: 0 }
    }

    /// The writer of a new check of a new service, both of this id.
    pub fn alone(engine: &Engine, id: &str) -> Self {
        let home = service(engine, id);
        Self::new(engine, &check(engine, id, Some(&home)))
    }

    /// One report.
    #[inline]
    pub fn flip(&mut self) {
        let (status, output) = turned(&mut self.critical);
        self.token.write(status, output).expect("the holder writes");
        self.flips += 1;
    }

    /// What the check shows by now.
    pub fn shows(&self) -> Status {
        if self.critical { Status::Critical } else { Status::Passing }
    }

    /// That every flip was committed and the last of them is what is read: speed is worth nothing else.
    pub fn assert_right(&self, engine: &Engine) {
        let check = self.token.check();
        let snapshot = engine.snapshot(&check).expect("a living check");
        assert_eq!(snapshot.transitions(), self.flips, "each flip is a transition");
        assert_eq!((snapshot.status(), check.status()), (self.shows(), Some(self.shows())));
        assert!(self.flips == 0 || snapshot.output() == if self.critical { DOWN } else { UP });
    }
}
