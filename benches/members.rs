//! A flip against what hangs on the check: other checks of its service, aliases, services above it, and on the node every aliased service.

mod common;

use common::world::{Flipper, alias, check, engine, service};
use criterion::{BenchmarkId, Criterion};
use lifesign::{Check, Engine, Service};

fn main() {
    let mut criterion = common::criterion();
    let mut group = criterion.benchmark_group("flip-members");
    for members in [1, 10, 100, 1_000] {
        let engine = engine();
        let home = service(&engine, "web");
        let checks: Vec<_> =
            (0..members).map(|number| check(&engine, &format!("web-{number}"), Some(&home))).collect();
        let mut writer = Flipper::new(&engine, &checks[members / 2]);
        group.bench_function(BenchmarkId::new("lifesign", members), |b| b.iter(|| writer.flip()));
        writer.assert_right(&engine);
        assert_eq!(home.status(), Some(writer.shows()));
    }
    group.finish();
    aliases(&mut criterion, "flip-aliases-service", |engine| Some(service(engine, "sidecar")));
    aliases(&mut criterion, "flip-aliases-node", |_| None);
    sidecars(&mut criterion);
    chains(&mut criterion);
    node(&mut criterion);
    criterion.final_summary();
}

fn assert_shown(writer: &Flipper, aliases: &[Check]) {
    assert!(aliases.iter().all(|alias| alias.status() == Some(writer.shows())));
}

/// Aliases of the service, all of them bound to one other service, or to the node.
fn aliases(criterion: &mut Criterion, row: &str, home: fn(&Engine) -> Option<Service>) {
    let mut group = criterion.benchmark_group(row);
    for count in [0, 1, 100, 1_000] {
        let engine = engine();
        let mut writer = Flipper::alone(&engine, "web");
        let home = home(&engine);
        let aliases: Vec<_> = (0..count)
            .map(|number| alias(&engine, &format!("alias-{number}"), home.as_ref(), "web"))
            .collect();
        group.bench_function(BenchmarkId::new("lifesign", count), |b| b.iter(|| writer.flip()));
        writer.assert_right(&engine);
        assert_shown(&writer, &aliases);
    }
    group.finish();
}

/// Aliases of the service, each bound to a service of its own, which follows too.
fn sidecars(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flip-sidecars");
    for count in [1, 10, 100, 1_000] {
        let engine = engine();
        let mut writer = Flipper::alone(&engine, "web");
        let homes: Vec<_> = (0..count).map(|number| service(&engine, &format!("sidecar-{number}"))).collect();
        let aliases: Vec<_> = homes
            .iter()
            .enumerate()
            .map(|(number, home)| alias(&engine, &format!("alias-{number}"), Some(home), "web"))
            .collect();
        group.bench_function(BenchmarkId::new("lifesign", count), |b| b.iter(|| writer.flip()));
        writer.assert_right(&engine);
        assert_shown(&writer, &aliases);
        assert!(homes.iter().all(|home| home.status() == Some(writer.shows())));
    }
    group.finish();
}

/// Services each of which has an alias of the one before it.
fn chains(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flip-chain");
    for length in [1, 2, 4, 8] {
        let engine = engine();
        let mut writer = Flipper::alone(&engine, "link-0");
        let link = |number: usize| {
            let home = service(&engine, &format!("link-{number}"));
            alias(&engine, &format!("alias-{number}"), Some(&home), &format!("link-{}", number - 1))
        };
        let links: Vec<_> = (1..=length).map(link).collect();
        group.bench_function(BenchmarkId::new("lifesign", length), |b| b.iter(|| writer.flip()));
        writer.assert_right(&engine);
        assert_shown(&writer, &links);
    }
    group.finish();
}

/// A check of the node, which every service that somebody mirrors follows: with ten mirrors to a service, and with all of them gathered in one.
fn node(criterion: &mut Criterion) {
    for (row, gathered, counts) in
        [("flip-node", 10, [1, 1_000, 100_000]), ("flip-node-gathered", usize::MAX, [1, 100, 1_000])]
    {
        let mut group = criterion.benchmark_group(row);
        for count in counts {
            let engine = engine();
            let mut writer = Flipper::new(&engine, &check(&engine, "node", None));
            let mirrored = |number: usize| {
                let (web, sidecar) = (format!("web-{number}"), format!("sidecar-{}", number / gathered));
                check(&engine, &format!("{web}:http"), Some(&service(&engine, &web)));
                alias(&engine, &format!("alias-{number}"), Some(&service(&engine, &sidecar)), &web)
            };
            let aliases: Vec<_> = (0..count).map(mirrored).collect();
            group.sample_size(if count > 1_000 { 10 } else { 20 });
            group.bench_function(BenchmarkId::new("lifesign", count), |b| b.iter(|| writer.flip()));
            writer.assert_right(&engine);
            assert_shown(&writer, &aliases);
        }
        group.finish();
    }
}
