//! An export file of any contents: read, restored and exported again, it says the same.
#![no_main]

use std::collections::HashMap;

use lifesign::{CheckSpec, Config, Engine, ErrorKind, Export, Restored};
use lifesign_fuzz::{root, scratch};

libfuzzer_sys::fuzz_target!(init: root::make(), |input: &[u8]| {
    let path = scratch::folder().join("export.json");
    std::fs::write(&path, input).expect("the folder is ours");
    let export = match Export::read(&path) {
        Ok(export) => export,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Invalid, "{error}"),
    };
    let engine = Engine::open(Config::default()).expect("an engine can be opened");
    let mut restored: HashMap<String, Restored> = HashMap::new();
    for own in export.checks() {
        let spec = CheckSpec { restored: Some(own.state.clone()), ..CheckSpec::new(&own.id) };
        match engine.register_check(&spec, None) {
            Ok(check) => {
                let shown = engine.snapshot(&check).expect("it was just registered");
                assert_eq!((shown.status(), shown.output()), (own.state.status, own.state.output.as_str()));
                restored.insert(own.id.clone(), own.state.clone());
            }
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::TooLarge), "{error}"),
        }
    }
    assert_eq!(engine.export(&path).expect("the folder is ours"), restored.len());
    let again = Export::read(&path).expect("what was just written");
    let again: HashMap<String, Restored> = again.checks().map(|own| (own.id.clone(), own.state.clone())).collect();
    assert!(again == restored, "what was restored is exported as something else");
    assert_eq!(engine.audit().expect("it is open"), 0);
    engine.close();
});
