//! Every call that an engine, a token, a subscription or a claim answers with a result, in one list, and what each says when it is refused.

use std::path::Path;

use lifesign::{
    Check, CheckSpec, Claim, DeclaredWriter, Engine, Error, ErrorKind, Join, Service, ServiceSpec, Status,
    Subscription, SubscriptionFilter, Token, Write,
};
use tempfile::TempDir;

use super::{alias, check, engine, service, token};

/// What the calls are made on, all of one engine.
pub struct Things<'a> {
    pub engine: &'a Engine,
    pub service: &'a Service,
    /// The check of `token`.
    pub check: &'a Check,
    pub token: &'a Token,
    pub other: &'a Token,
    pub subscription: &'a Subscription,
    pub claim: &'a Claim,
    pub directory: &'a Path,
}

/// One of each, with an alias that mirrors the service.
pub struct OneOfEach {
    pub engine: Engine,
    pub web: Service,
    pub alive: Check,
    pub mirror: Check,
    pub writer: Token,
    other: Token,
    pub subscription: Subscription,
    claim: Claim,
    directory: TempDir,
}

impl OneOfEach {
    pub fn new() -> Self {
        let engine = engine();
        let web = service(&engine, "web");
        let alive = check(&engine, "web:alive", Some(&web));
        let mirror = alias(&engine, "sidecar", None, "web");
        let (writer, other) = (engine.acquire(&alive, "U").unwrap(), token(&engine, "other"));
        let directory = tempfile::tempdir().unwrap();
        let claim = engine.claim(directory.path(), "node").unwrap();
        let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
        Self { engine, web, alive, mirror, writer, other, subscription, claim, directory }
    }

    pub fn things(&self) -> Things<'_> {
        Things {
            engine: &self.engine,
            service: &self.web,
            check: &self.alive,
            token: &self.writer,
            other: &self.other,
            subscription: &self.subscription,
            claim: &self.claim,
            directory: self.directory.path(),
        }
    }
}

/// One call.
pub struct Call {
    /// Type and method.
    pub name: &'static str,
    make: fn(&Things<'_>) -> Result<(), Error>,
    /// What it says once the engine is closed; `None` where that is no error.
    pub when_closed: Option<ErrorKind>,
}

impl Call {
    /// Makes the call; what it was refused with.
    pub fn refusal(&self, things: &Things<'_>) -> Option<ErrorKind> {
        (self.make)(things).err().map(|refused| refused.kind())
    }
}

macro_rules! calls {
    ($($name:literal $(($kind:expr))? |$on:ident| $call:expr;)*) => {
        &[$(Call {
            name: $name,
            make: |$on| $call.map(drop),
            when_closed: calls!(@ $($kind)?),
        }),*]
    };
    (@) => { Some(ErrorKind::Closed) };
    (@ $kind:expr) => { $kind };
}

/// All of them; those that end something come last.
pub const EVERY_CALL: &[Call] = calls! {
    "Engine::tick" |on| on.engine.tick(2, 2_000_000_000);
    "Engine::stats" |on| on.engine.stats();
    "Engine::audit" |on| on.engine.audit();
    "Engine::export" |on| on.engine.export(&on.directory.join("export"));
    "Engine::declare_writer" |on| on.engine.declare_writer(&DeclaredWriter::default());
    "Engine::snapshot" |on| on.engine.snapshot(on.check);
    "Engine::service_snapshot" |on| on.engine.service_snapshot(on.service);
    "Engine::node_snapshot" |on| on.engine.node_snapshot();
    "Engine::who" |on| on.engine.who(on.check);
    "Engine::writers" |on| on.engine.writers(on.check);
    "Engine::history" |on| on.engine.history(on.check);
    "Engine::check" |on| on.engine.check(on.token.check_id());
    "Engine::checks" |on| on.engine.checks();
    "Engine::service" |on| on.engine.service("web");
    "Engine::services" |on| on.engine.services();
    "Engine::subscribe" |on| on.engine.subscribe(&SubscriptionFilter::all());
    "Engine::claim" |on| on.engine.claim(on.directory, "late");
    "Engine::acquire" |on| on.engine.acquire(on.check, "late");
    "Engine::take_over" |on| on.engine.take_over(on.check, on.token.generation(), "late");
    "Engine::register_service" |on| on.engine.register_service(&ServiceSpec::new("late"));
    "Engine::redefine_service" |on| on.engine.redefine_service(on.service, &ServiceSpec::new("web"));
    "Engine::register_check" |on| on.engine.register_check(&CheckSpec::new("late"), None);
    "Engine::redefine_check" |on| {
        on.engine.redefine_check(on.check, &CheckSpec::new(on.token.check_id()), Some(on.service))
    };
    "Engine::write_batch" |on| {
        on.engine.write_batch(&[Write { token: on.token, status: Status::Critical, output: "late" }])
    };
    "Token::write" |on| on.token.write(Status::Critical, "late");
    "Token::renew" |on| on.token.renew();
    "Token::subscribe" |on| on.token.subscribe(&SubscriptionFilter::all());
    "Token::join" |on| {
        on.token.join(on.other, Join { timeout: Some(std::time::Duration::ZERO), calls_only: false })
    };
    "Subscription::poll" |on| on.subscription.poll(1);
    "Subscription::wait" |on| on.subscription.wait(None);
    "Subscription::descriptor" |on| on.subscription.descriptor();
    "Claim::state" |on| on.claim.state();
    "Claim::is_advisory" |on| on.claim.is_advisory();
    "Claim::rivals" |on| on.claim.rivals();
    "Claim::release" |on| on.claim.release();
    "Engine::deregister_check" |on| on.engine.deregister_check(on.check);
    "Engine::deregister_check_by_force" |on| on.engine.deregister_check_by_force(on.check, "late");
    "Engine::deregister_service" |on| on.engine.deregister_service(on.service);
    "Token::deregister_check" |on| on.token.deregister_check();
    // What is over may be closed.
    "Token::close" (None) |on| on.token.close();
};

/// The methods of those types that answer otherwise than with a result, or are no calls of an engine that is there.
const OTHERS: [&str; 14] = [
    "Engine::open",
    "Engine::close",
    "Engine::id",
    "Engine::record",
    "Engine::node_status",
    "Engine::corrupt_summary",
    "Token::lease",
    "Token::check",
    "Token::check_id",
    "Token::generation",
    "Token::record",
    "Subscription::close",
    "Claim::name",
    "Claim::directory",
];

/// The public methods of the four types that the list has forgotten, or that are not there any more.
pub fn forgotten() -> Vec<String> {
    let mut listed: Vec<String> = EVERY_CALL.iter().map(|call| call.name.to_owned()).collect();
    listed.extend(OTHERS.map(str::to_owned));
    let mut public = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut public);
    listed.sort();
    public.sort();
    let only_in = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|name| !those.contains(name)).cloned().collect()
    };
    [only_in(&public, &listed), only_in(&listed, &public)].concat()
}

fn collect(folder: &Path, methods: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, methods);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source is text");
        let mut of = None;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("impl ").and_then(|rest| rest.strip_suffix(" {")) {
                of = ["Engine", "Token", "Subscription", "Claim"].into_iter().find(|known| *known == name);
            } else if line == "}" {
                of = None;
            } else if let (Some(of), Some(rest)) = (of, line.strip_prefix("    pub fn ")) {
                let end = rest.find(|at: char| !at.is_alphanumeric() && at != '_').expect("a name ends");
                methods.push(format!("{of}::{}", &rest[..end]));
            }
        }
    }
}
