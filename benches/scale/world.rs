//! Engines of a given size.

use lifesign::{Check, CheckSpec, Config, Engine, Limits, Service, ServiceSpec, Status, Token};

use crate::common::world::engine_of;

/// So many checks stand in one service.
pub const TO_A_SERVICE: usize = 10;

/// An engine with room for two million, without histories.
pub fn engine() -> Engine {
    let limits =
        Limits { max_services: 1 << 21, max_checks: 1 << 22, max_tokens: 1 << 22, ..Limits::default() };
    engine_of(Config { history: 0, limits, ..Config::default() })
}

/// The id of a check: 23 bytes.
pub fn id(number: usize) -> String {
    format!("service:web{number:07}:http")
}

/// Its own output: 40 bytes.
pub fn output(number: usize) -> String {
    format!("HTTP GET http://10.0.0.1/{number:07}: 200 OK")
}

/// A direct check of this number, passing, without a name.
pub fn spec(number: usize) -> CheckSpec {
    CheckSpec { name: String::new(), ..CheckSpec::new(id(number)).initial(Status::Passing) }
}

/// The id of a service.
pub fn service_id(number: usize) -> String {
    format!("web{number:07}")
}

/// The services that so many checks need.
pub fn services(engine: &Engine, checks: usize) -> Vec<Service> {
    let register = |number| {
        let spec = ServiceSpec { name: String::new(), ..ServiceSpec::new(service_id(number)) };
        engine.register_service(&spec).expect("a service registers")
    };
    (0..checks.div_ceil(TO_A_SERVICE)).map(register).collect()
}

/// Checks of these numbers in their services.
pub fn checks(engine: &Engine, services: &[Service], numbers: std::ops::Range<usize>) -> Vec<Check> {
    let register = |number: usize| {
        let home = &services[number / TO_A_SERVICE];
        engine.register_check(&spec(number), Some(home)).expect("a check registers")
    };
    numbers.map(register).collect()
}

/// Each written once with an output of its own. The token is the caller's to keep or to drop.
pub fn write_once(engine: &Engine, number: usize, check: &Check) -> Token {
    let token = engine.acquire(check, "the bench").expect("nobody holds the check");
    token.write(Status::Passing, &output(number)).expect("the holder writes");
    token
}

/// As many aliases as there are services, without a name: each mirrors a service of the first half and is bound to one of the second, two of them to
/// the same, so that a flip in the first half climbs one step and none climbs two.
pub fn aliases(services: usize) -> Vec<(CheckSpec, usize)> {
    let half = services.div_ceil(2);
    let mirror = |number: usize| {
        let spec = CheckSpec::alias(format!("alias{number:07}"), service_id(number % half));
        (CheckSpec { name: String::new(), ..spec }, services - half + number % half)
    };
    (0..services).map(mirror).collect()
}
