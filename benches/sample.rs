//! What a scrape costs after it was read, and what answers cost: decoding, storing, looking pods
//! up, lists; and what a fake kubelet renders.
#![allow(missing_docs, reason = "criterion's macros write functions without")]

mod rig;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use metrics_server::kubelet::decode::decode;
use rig::Api;

fn decoding(criterion: &mut Criterion) {
    let body = rig::body(0, 100_000);
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("a node", |bencher| {
        bencher.iter(|| decode(black_box(body.as_bytes()), 0));
    });
    group.finish();
}

fn storing(criterion: &mut Criterion) {
    let store = rig::filled();
    let mut at = 100_015;
    criterion.bench_function("store/record a node", |bencher| {
        bencher.iter_batched(
            || {
                at += 15;
                decode(rig::body(7, at).as_bytes(), 0)
            },
            |decoded| decoded.map(|decoded| store.record("node-7", decoded.sample)),
            criterion::BatchSize::SmallInput,
        );
    });
    criterion.bench_function("store/look up the pods of 100 nodes", |bencher| {
        bencher.iter(|| black_box(rig::look_up_all(&store)));
    });
}

fn listing(criterion: &mut Criterion) {
    let Ok(api) = Api::new() else { return };
    let mut group = criterion.benchmark_group("list");
    for (name, path) in [("3,000 pods", rig::ALL_PODS), ("100 of them", rig::SELECTED_PODS)] {
        group.throughput(Throughput::Bytes(api.get(path) as u64));
        group.bench_function(name, |bencher| bencher.iter(|| api.get(black_box(path))));
    }
    group.finish();
}

fn rendering(criterion: &mut Criterion) {
    let scrape = rig::scraped();
    let mut group = criterion.benchmark_group("fake kubelet");
    group.throughput(Throughput::Bytes(scrape(100_000).len() as u64));
    group.bench_function("render a scrape", |bencher| {
        bencher.iter(|| scrape(black_box(100_015)));
    });
    group.finish();
}

criterion_group!(benches, rendering, decoding, storing, listing);
criterion_main!(benches);
