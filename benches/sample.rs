//! What a scrape costs after it was read: decoding and storing; and what looking pods up costs.
//! The node is the one of the budgets: 30 pods of 2 containers.
#![allow(missing_docs, reason = "criterion's macros write functions without")]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fake_kubelet::{Container, Node, Pod, Shape, Usage, exposition};
use jiff::Timestamp;
use metrics_server::{kubelet::decode::decode, store::Store};

const PODS: u32 = 30;
const NODES: u32 = 100;
const RESOLUTION: Duration = Duration::from_secs(15);

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn name(node: u32, pod: u32) -> String {
    format!("app-{pod:04}-5d4f7c9b86-{node:07}")
}

fn body(node: u32, at: i64) -> String {
    let container = |name: &str, millicores: u32| Container {
        name: name.into(),
        usage: Usage::new(
            second(1_000),
            Shape::Constant { cpu: u64::from(millicores) * 1_003_007, memory: 64 << 20 },
        ),
    };
    let pods = (0..PODS).map(|pod| Pod {
        namespace: format!("team-{:02}", pod % 20).into(),
        name: name(node, pod).into(),
        containers: vec![container("main", 100 + pod), container("side-1", 10 + pod)],
    });
    exposition::render(&Node::new(second(1_000), None, pods.collect()).sample(second(at)))
}

fn filled() -> Store {
    let store = Store::new(RESOLUTION);
    for at in [100_000, 100_015] {
        for node in 0..NODES {
            if let Ok(decoded) = decode(body(node, at).as_bytes(), 0) {
                store.record(&format!("node-{node}"), decoded.sample);
            }
        }
    }
    store
}

fn decoding(criterion: &mut Criterion) {
    let body = body(0, 100_000);
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("a node", |bencher| {
        bencher.iter(|| decode(black_box(body.as_bytes()), 0));
    });
    group.finish();
}

fn storing(criterion: &mut Criterion) {
    let store = filled();
    let mut at = 100_015;
    criterion.bench_function("store/record a node", |bencher| {
        bencher.iter_batched(
            || {
                at += 15;
                decode(body(7, at).as_bytes(), 0)
            },
            |decoded| decoded.map(|decoded| store.record("node-7", decoded.sample)),
            criterion::BatchSize::SmallInput,
        );
    });
    criterion.bench_function("store/look up the pods of 100 nodes", |bencher| {
        bencher.iter(|| {
            for node in 0..NODES {
                for pod in 0..PODS {
                    black_box(store.pod(&format!("team-{:02}", pod % 20), &name(node, pod)));
                }
            }
        });
    });
}

criterion_group!(benches, decoding, storing);
criterion_main!(benches);
