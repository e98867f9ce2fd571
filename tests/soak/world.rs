//! What is soaked: services with checks, aliases that mirror each other in a chain, checks of the node, and a clock of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lifesign::{
    Check, CheckSpec, Claim, ClockSource, Config, DeclaredWriter, Engine, Export, Process, RecordId, Service,
    ServiceSpec, Status,
};

use crate::HOUR;

/// Services that are always there.
pub const SERVICES: usize = 6;
/// Checks in each, of which some come and go.
pub const CHECKS: usize = 12;

/// Everything the threads share.
pub struct World {
    pub engine: Engine,
    pub services: Vec<Service>,
    /// Tells the threads of a round to end.
    pub stop: AtomicBool,
    pub operations: AtomicU64,
    /// Joins that found the other runner gone.
    pub joined: AtomicU64,
    /// Entries of histories that were read.
    pub remembered: AtomicU64,
    /// A remote writer in whose name workers write too.
    pub peer: RecordId,
    pub folder: tempfile::TempDir,
    _claim: Claim,
    boot: AtomicU64,
    ticks: AtomicU64,
}

/// The id of a check that a worker may hold, let go, deregister and register again.
pub fn id(service: usize, check: usize) -> String {
    format!("s{service}:c{check}")
}

impl World {
    pub fn new() -> Self {
        let engine =
            Engine::open(Config { clock: ClockSource::Manual, history: 16, ..Config::default() }).unwrap();
        let process = Process { machine: "elsewhere".into(), ..Process::default() };
        let peer = DeclaredWriter { process, label: "peer".into(), ..DeclaredWriter::default() };
        let peer = engine.declare_writer(&peer).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let claim = engine.claim(folder.path(), "soak").unwrap();
        let services: Vec<_> = (0..SERVICES)
            .map(|number| engine.register_service(&ServiceSpec::new(format!("s{number}"))).unwrap())
            .collect();
        for (number, service) in services.iter().enumerate() {
            // Each service mirrors the one before it: a chain as long as the services.
            if number > 0 {
                let below = CheckSpec::alias(format!("s{number}:below"), format!("s{}", number - 1));
                engine.register_check(&below, Some(service)).unwrap();
            }
            engine
                .register_check(&CheckSpec::alias(format!("mirror:s{number}"), format!("s{number}")), None)
                .unwrap();
        }
        engine.register_check(&CheckSpec::node_alias("mirror:node"), None).unwrap();
        // A service that comes and goes, and who waits for it.
        engine.register_check(&CheckSpec::alias("mirror:now-and-then", "now-and-then"), None).unwrap();
        engine.register_check(&CheckSpec::new("node:disk").initial(Status::Passing), None).unwrap();
        Self {
            engine,
            services,
            stop: AtomicBool::new(false),
            operations: AtomicU64::new(0),
            joined: AtomicU64::new(0),
            remembered: AtomicU64::new(0),
            peer,
            folder,
            _claim: claim,
            boot: AtomicU64::new(0),
            ticks: AtomicU64::new(0),
        }
    }

    /// The check with this id, registered if it is not there.
    pub fn check(&self, service: usize, check: usize) -> Result<Check, lifesign::Error> {
        let spec = CheckSpec::new(id(service, check)).initial(Status::Passing);
        self.engine.register_check(&spec, Some(&self.services[service]))
    }

    /// Lets `step` pass on the manual clock; once in a thousand times far more, as if the machine had slept.
    pub fn pass(&self, step: Duration) {
        let slept = self.ticks.fetch_add(1, Ordering::Relaxed) % 1_000 == 999;
        let step = if slept { Duration::from_secs(HOUR) } else { step }.as_nanos() as u64;
        let boot = self.boot.fetch_add(step, Ordering::Relaxed) + step;
        // The wall clock goes back now and then.
        let wall = if slept { boot / 2 } else { boot };
        self.engine.tick(wall as i64, boot).unwrap();
    }

    /// Hours that have gone by.
    pub fn hours(&self) -> u64 {
        self.boot.load(Ordering::Relaxed) / 1_000_000_000 / HOUR
    }

    /// Audits and exports beside the work: nothing is ever repaired, and every export can be read back.
    pub fn look_after(&self) {
        assert_eq!(self.engine.audit().unwrap(), 0, "the audit finds nothing beside the work");
        let file = self.folder.path().join("beside.json");
        let count = self.engine.export(&file).unwrap();
        assert_eq!(Export::read(&file).unwrap().checks().count(), count, "an export is whole");
    }

    pub fn export(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }
}
