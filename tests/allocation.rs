//! What must not allocate: reads, and the report that changes nothing.

#[path = "../benches/common/counting.rs"]
mod counting;

use counting::{Counting, allocations};
use lifesign::{CheckSpec, Config, Engine, ServiceSpec, Status, SubscriptionFilter};

#[global_allocator]
static COUNTING: Counting = Counting;

const OUTPUT: &str = "HTTP GET http://10.0.0.1:8080/ul: 200 OK";

#[test]
fn neither_a_heartbeat_nor_a_read_allocates() {
    let engine = Engine::open(Config::default()).expect("an engine opens");
    let web = engine.register_service(&ServiceSpec::new("web")).expect("a service registers");
    let check = engine.register_check(&CheckSpec::new("web:http"), Some(&web)).expect("a check registers");
    let alias = engine.register_check(&CheckSpec::alias("mirror", "web"), None).expect("an alias registers");
    let _subscription = engine.subscribe(&SubscriptionFilter::all()).expect("it subscribes");
    let token = engine.acquire(&check, "U").expect("nobody holds a new check");
    let write = |output: &str| token.write(Status::Passing, output).expect("the holder writes");
    write(OUTPUT);

    let committed = allocations(|| write("another text"));
    assert!(committed > 0, "the allocator counts: a commit makes a snapshot and a text");
    write(OUTPUT);
    for _ in 0..100 {
        assert_eq!(allocations(|| write(OUTPUT)), 0, "a heartbeat");
        assert_eq!(allocations(|| _ = (check.status(), alias.status(), web.status())), 0, "a status");
        assert_eq!(allocations(|| _ = engine.snapshot(&check)), 0, "a snapshot");
    }
    assert_eq!((check.status(), alias.status()), (Some(Status::Passing), Some(Status::Passing)));
}
