//! Expectations: one kind each, with the fields that go with it.

use std::collections::BTreeSet;

use cluster_format::{
    Mistake, YamlNode,
    check::check_status,
    suggest::{list, quote},
};

use super::{
    super::format::{Credentials, ExpectationFields, RequestTarget, Top},
    cannot_fail,
    known_cluster::KnownCluster,
    node_names::check_node_exists,
};
use crate::expect::metric::is_metric;

/// The kinds, each with the fields that go with it.
const KINDS: [(&str, &[&str]); 14] = [
    ("get", &GET),
    ("top", &["name", "namespace", "containers", "table", "error"]),
    ("log", &["times"]),
    ("logs", &[]),
    ("noLog", &[]),
    ("ready", &[]),
    ("refused", &[]),
    ("check", &["table", "text"]),
    ("metric", &METRIC),
    ("families", &[]),
    ("kubelet", &[]),
    ("dns", &[]),
    ("dnsOrder", &[]),
    ("api", &[]),
];

const GET: [&str; 11] = [
    "from", "as", "send", "status", "headers", "body", "exact", "absent", "within", "items", "text",
];
const METRIC: [&str; 4] = ["is", "atLeast", "atMost", "changedBy"];

/// Checks one expectation.
pub(super) fn check(
    expectation: &ExpectationFields,
    at: &YamlNode,
    cluster: &KnownCluster<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    if !at.broken {
        check_fields(at, mistakes);
    }
    if let Some(top) = expectation.top {
        check_top(top, at, mistakes);
    }
    check_status(expectation.status, at.field("status"), mistakes);
    if let Some(saw) = &expectation.kubelet {
        let at = at.field("kubelet");
        check_node_exists(&saw.node, &at.field("node").location, cluster.nodes.as_ref(), mistakes);
        check_status(saw.answered, at.field("answered"), mistakes);
        let says = ["answered", "requests", "address", "path", "credentials"];
        if !at.broken && says.iter().all(|field| at.get(field).is_none()) {
            mistakes.push(
                Mistake::at(at.place(), "nothing is expected of the kubelet").help(
                    "add \"answered\", \"requests\", \"address\", \"path\" or \"credentials\"",
                ),
            );
        }
    }
    if let Some(saw) = &expectation.dns {
        let at = at.field("dns");
        if saw.questions.is_none() && saw.kinds.is_none() && !at.broken {
            mistakes.push(
                Mistake::at(at.place(), "nothing is expected of DNS")
                    .help("add \"questions\" or \"kinds\""),
            );
        }
    }
    if let Some(saw) = &expectation.api {
        let at = at.field("api");
        check_status(saw.answered, at.field("answered"), mistakes);
        if !saw.request.contains(' ') && !saw.request.contains('…') {
            let message = format!("{} is not a request", quote(&saw.request));
            mistakes.push(
                Mistake::at(&at.field("request").location, message)
                    .help("write its method and path, such as \"GET /api/v1/nodes…\""),
            );
        }
    }
    check_get(expectation, at, mistakes);
    if let Some(metric) = &expectation.metric {
        check_metric(metric, at, mistakes);
    }
    cannot_fail::check(expectation, at, cluster, mistakes);
}

fn check_fields(at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let given: Vec<_> = KINDS.iter().filter(|(kind, _)| at.get(kind).is_some()).collect();
    let kinds = || list(KINDS.iter().map(|(kind, _)| *kind), "and");
    let [(kind, companions)] = given.as_slice() else {
        mistakes.push(if given.is_empty() {
            let message = "an expectation that does not say what to look at";
            Mistake::at(at.place(), message).help(format!("write one of {}", kinds()))
        } else {
            let names = list(given.iter().map(|(kind, _)| *kind), "and");
            Mistake::at(at.place(), format!("an expectation with {names}"))
                .help("make an expectation of each")
        });
        return;
    };
    let fields: BTreeSet<_> = KINDS.iter().flat_map(|(_, fields)| *fields).collect();
    for field in fields.into_iter().filter(|field| !companions.contains(field)) {
        if at.get(field).is_some() {
            let of = KINDS.iter().filter(|(_, fields)| fields.contains(field));
            let message = format!("{} does not go with {}", quote(field), quote(kind));
            mistakes.push(Mistake::at(at.field(field).key_place(), message).help(format!(
                "leave it out: it goes with {}",
                list(of.map(|(kind, _)| *kind), "and")
            )));
        }
    }
}

fn check_get(expectation: &ExpectationFields, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if let Some(path) = expectation.get.as_ref().filter(|path| !path.starts_with('/')) {
        mistakes.push(
            Mistake::at(&at.field("get").location, format!("{} is not a path", quote(path)))
                .help("begin with `/`, such as /apis/metrics.k8s.io/v1beta1/nodes"),
        );
    }
    if expectation.within.is_some() && expectation.body.is_none() && !at.broken {
        mistakes.push(
            Mistake::at(at.field("within").key_place(), "\"within\" without a body to be near to")
                .help("add \"body\", or leave it out"),
        );
    }
    let Some(asker) = &expectation.as_ else { return };
    let shows = at.field("as").field("shows");
    let directly = expectation.from == Some(RequestTarget::MetricsServer);
    if asker.shows == Some(Credentials::Headers) && !directly {
        mistakes.push(
            Mistake::at(&shows.location, "the API server does not look at these headers")
                .help("add \"from: MetricsServer\" to the expectation"),
        );
    }
    if asker.shows.is_some_and(is_certificate) && !directly {
        mistakes.push(
            Mistake::at(&shows.location, "the API server is asked with a token here")
                .help("add \"from: MetricsServer\" to the expectation, or leave \"shows\" out"),
        );
    }
    if asker.x509.is_some() && !asker.shows.is_some_and(is_certificate) {
        mistakes.push(
            Mistake::at(at.field("as").field("x509").key_place(), "no certificate is shown")
                .help("add \"shows: Certificate\", or leave it out"),
        );
    }
    if asker.shows.is_some_and(is_certificate) && asker.groups.len() > 1 {
        mistakes.push(
            Mistake::at(
                &at.field("as").field("groups").location,
                "more groups than a certificate holds here",
            )
            .help("name one group"),
        );
    }
}

fn is_certificate(shows: Credentials) -> bool {
    matches!(shows, Credentials::Certificate | Credentials::UnknownCaCertificate)
}

fn check_metric(metric: &str, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if !is_metric(metric) {
        let message = format!("{} is not a metric", quote(metric));
        mistakes.push(
            Mistake::at(&at.field("metric").location, message)
                .help("write its name, and labels as in name{label=\"value\"}"),
        );
    }
    if !at.broken && METRIC.iter().all(|field| at.get(field).is_none()) {
        mistakes.push(
            Mistake::at(at.field("metric").key_place(), "nothing is expected of the metric")
                .help(format!("add {}", list(METRIC, "or"))),
        );
    }
}

fn check_top(top: Top, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let place = |field: &str| at.field(field).key_place();
    if top == Top::Nodes {
        for field in ["namespace", "containers"].into_iter().filter(|f| at.get(f).is_some()) {
            let message = format!("{} does not go with \"top: nodes\"", quote(field));
            mistakes.push(
                Mistake::at(place(field), message).help("leave it out: it goes with \"top: pods\""),
            );
        }
    }
    match (at.get("table").is_some(), at.get("error").is_some()) {
        (false, false) if !at.broken => mistakes.push(
            Mistake::at(place("top"), "\"top\" without what it must print")
                .help("add \"table\" or \"error\""),
        ),
        (true, true) => mistakes.push(
            Mistake::at(place("error"), "a table and an error at once")
                .related(place("table"), "the table")
                .help("keep the one that \"kubectl top\" must print"),
        ),
        _ => {}
    }
}
