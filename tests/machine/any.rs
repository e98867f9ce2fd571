//! Random calls, weighted so that much happens to few things.

use lifesign::{OnLapse, Status};
use proptest::prelude::*;

use crate::model::START;
use crate::model::lease::Lease;
use crate::op::{
    Bounds, CHECKS, CheckRef, CursorTold, Expected, Filter, Home, Kind, LABELS, OUTPUTS, Op, PREFIXES,
    Restored, SERVICES, Scope, Sequence, ServiceRef, Text, TokenRef,
};

fn service() -> impl Strategy<Value = ServiceRef> {
    (service_id(), back()).prop_map(|(id, back)| ServiceRef(id, back))
}

fn back() -> impl Strategy<Value = u8> {
    prop_oneof![9 => Just(0), 1 => 1u8..3]
}

fn service_id() -> impl Strategy<Value = &'static str> {
    (0usize..13).prop_map(|dice| SERVICES[[0, 6, 10, 12].iter().rposition(|from| *from <= dice).unwrap_or(0)])
}

fn check_id() -> impl Strategy<Value = &'static str> {
    (0usize..100).prop_map(|dice| {
        CHECKS[[0, 35, 60, 75, 85, 92, 97].iter().rposition(|from| *from <= dice).unwrap_or(0)]
    })
}

fn check() -> impl Strategy<Value = CheckRef> {
    (check_id(), back()).prop_map(|(id, back)| CheckRef(id, back))
}

fn token() -> impl Strategy<Value = TokenRef> {
    (check_id(), prop_oneof![6 => Just(0), 2 => Just(1), 1 => 2u8..4])
        .prop_map(|(id, back)| TokenRef(id, back))
}

fn home() -> impl Strategy<Value = Home> {
    prop_oneof![1 => Just(None), 3 => service().prop_map(Some)]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![6 => Just(Kind::Direct), 4 => service_id().prop_map(Kind::Alias), 1 => Just(Kind::NodeAlias)]
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(&[Status::Passing, Status::Warning, Status::Critical][..])
}

fn initial() -> impl Strategy<Value = Status> {
    prop_oneof![3 => Just(Status::Passing), 1 => Just(Status::Critical), 1 => Just(Status::Warning)]
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![6 => Just(0), 1 => 1u8..4]
}

fn output() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&OUTPUTS[..])
}

fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&LABELS[..])
}

fn restored() -> impl Strategy<Value = Option<Restored>> {
    let state = (status(), output(), 1i64..100).prop_map(|(status, output, ago)| Restored {
        status,
        output,
        since: START - ago,
    });
    prop_oneof![5 => Just(None), 1 => state.prop_map(Some)]
}

fn lease() -> impl Strategy<Value = Option<Lease>> {
    let on_lapse = prop::sample::select(&[OnLapse::Keep, OnLapse::Warning, OnLapse::Critical][..]);
    let milliseconds = prop::sample::select(&[100u64, 1_000, 3_000][..]);
    let lease =
        (milliseconds, on_lapse).prop_map(|(milliseconds, on_lapse)| Lease { milliseconds, on_lapse });
    prop_oneof![1 => Just(None), 1 => lease.prop_map(Some)]
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        2 => Just(Scope::All),
        2 => prop::sample::select(&PREFIXES[..]).prop_map(Scope::Prefix),
        3 => (service(), any::<bool>()).prop_map(|(service, summary)| Scope::Service(service, summary)),
        3 => check().prop_map(Scope::Check),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let least =
        prop_oneof![2 => Just(Status::Passing), 1 => Just(Status::Warning), 1 => Just(Status::Critical)];
    let transitions_only = prop_oneof![2 => Just(false), 1 => Just(true)];
    (scope(), least, transitions_only).prop_map(|(scope, least, transitions_only)| Filter {
        scope,
        least,
        transitions_only,
    })
}

fn most() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(usize::MAX), 2 => 0usize..4]
}

/// Steps of the boot clock that end at deadlines, just before and after them, and beyond; the wall clock may go where it likes.
fn tick() -> impl Strategy<Value = Op> {
    let boot = prop::sample::select(&[0u64, 10, 40, 50, 60, 500, 510, 1_500, 1_510, 10_000][..]);
    let shift = prop_oneof![5 => Just(0i64), 1 => -5_000i64..5_000];
    (boot, shift).prop_map(|(boot, shift)| Op::Tick { wall: boot as i64 + shift, boot })
}

fn subscribing() -> impl Strategy<Value = Op> {
    let told = prop_oneof![
        8 => Just(CursorTold::AsItWas),
        1 => Just(CursorTold::AnotherEngines),
        1 => Just(CursorTold::FromTheFuture),
    ];
    prop_oneof![
        12 => filter().prop_map(|filter| Op::Subscribe { filter }),
        2 => (token(), filter()).prop_map(|(token, filter)| Op::SubscribeAsWriter { token, filter }),
        8 => (0u8..4, told).prop_map(|(cursor, told)| Op::Resume { cursor, told }),
        24 => (0u8..4, most()).prop_map(|(subscription, most)| Op::Poll { subscription, most }),
        4 => (0u8..4).prop_map(|subscription| Op::Wait { subscription }),
        3 => (0u8..4).prop_map(|subscription| Op::Unsubscribe { subscription }),
    ]
}

fn registering() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (service_id(), text()).prop_map(|(id, text)| Op::RegisterService { id, text }),
        2 => (service(), service_id(), text())
            .prop_map(|(service, id, text)| Op::RedefineService { service, id, text }),
        4 => service().prop_map(|service| Op::DeregisterService { service }),
        32 => (check_id(), home(), kind(), initial(), text(), restored()).prop_map(
            |(id, home, kind, initial, text, restored)| Op::Register { id, home, kind, initial, text, restored }
        ),
        4 => (check(), restored()).prop_map(|(check, restored)| Op::Again { check, restored }),
        2 => (check(), check_id(), home(), kind(), initial(), text()).prop_map(
            |(check, id, home, kind, initial, text)| Op::Redefine { check, id, home, kind, initial, text }
        ),
        4 => (check(), text()).prop_map(|(check, text)| Op::Rename { check, text }),
        6 => check().prop_map(|check| Op::Deregister { check }),
        4 => (check(), label()).prop_map(|(check, label)| Op::DeregisterByForce { check, label }),
    ]
}

fn writing() -> impl Strategy<Value = Op> {
    let expected =
        prop_oneof![4 => Just(Expected::Present), 1 => Just(Expected::Before), 1 => Just(Expected::After)];
    prop_oneof![
        20 => (check(), label(), lease()).prop_map(|(check, label, lease)| Op::Acquire { check, label, lease }),
        8 => (check(), expected, label(), lease())
            .prop_map(|(check, expected, label, lease)| Op::TakeOver { check, expected, label, lease }),
        48 => (token(), status(), output()).prop_map(|(token, status, output)| Op::Write { token, status, output }),
        4 => prop::array::uniform3((token(), status(), output())).prop_map(|writes| Op::WriteBatch { writes }),
        6 => token().prop_map(|token| Op::Renew { token }),
        4 => token().prop_map(|token| Op::Close { token }),
        2 => token().prop_map(|token| Op::DeregisterByHolder { token }),
        2 => (token(), token(), any::<bool>())
            .prop_map(|(token, old, calls_only)| Op::Join { token, old, calls_only }),
    ]
}

/// Any sequence.
pub fn sequence() -> impl Strategy<Value = Sequence> {
    let op = prop_oneof![
        60 => registering(),
        90 => writing(),
        50 => subscribing(),
        24 => tick(),
        2 => Just(Op::Audit),
        1 => Just(Op::Export),
    ];
    let bounds = prop_oneof![4 => Just(Bounds::Wide), 1 => Just(Bounds::Tight)];
    let services =
        prop::collection::vec(service_id().prop_map(|id| Op::RegisterService { id, text: 0 }), 0..4);
    (bounds, services, prop::collection::vec(op, 1..80)).prop_map(|(bounds, mut ops, more)| {
        ops.extend(more);
        Sequence { bounds, ops }
    })
}
