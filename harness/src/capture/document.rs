//! The scenario that shows a cluster as it was captured.

use std::{
    collections::BTreeSet,
    fmt::Write,
    net::{IpAddr, Ipv4Addr},
};

use diagnosis::Cause;
use serde_json::Value;

use super::{
    certificates,
    dns::Dns,
    kubelets::{Around, Kubelets},
    node::scalar,
    objects::{Objects, items, name_of, texts},
    observed::Observed,
    server::{Flags, ServerObjects, role},
    steps::Shown,
};

/// What a front proxy does that makes a metrics server refuse its requests, by the cause in the log.
const FRONT_PROXY: [(Cause, &str); 4] = [
    (Cause::NoFrontProxy, "Absent"),
    (Cause::ClientCertificateTime, "Expired"),
    (Cause::ClientAuthorityReplaced, "NewCA"),
    (Cause::FrontProxyName, "OtherName"),
];

/// The address of the metrics server's pod where none is known: a scenario's default.
const POD: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 6));

/// The text of the scenario, called `name`.
pub(super) fn write(
    head: &str,
    name: &str,
    objects: &Objects,
    observed: &Observed,
    around: &Around<'_>,
    server: &ServerObjects<'_>,
) -> String {
    let mut dns = Dns::of(objects, observed);
    let kubelets = Kubelets::of(around, &mut dns);
    let mut text = head.to_owned();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "# Captured from a cluster. What begins with \"question:\" could not be read, or is a guess: correct it.
apiVersion: harness/v1alpha1
kind: Scenario
metadata:
  name: {name}
spec:
  about: {}
",
        scalar(&about(&kubelets, observed))
    );
    for unread in &objects.unread {
        let _ = writeln!(text, "  # question: {} was not read: {}", unread.what, unread.why);
    }
    if objects.logs.is_empty() {
        text.push_str("  # question: what fails? No log of the metrics server was found.\n");
    }
    for question in &kubelets.questions {
        let _ = writeln!(text, "  # question: {question}");
    }
    if kubelets.nodes.is_empty() {
        text.push_str("  nodes: []\n");
    } else {
        text.push_str("  nodes:\n");
        kubelets.nodes.iter().for_each(|node| node.write(&mut text, false));
    }
    dns.write(&mut text);
    firewall(&mut text, &kubelets, server);
    if observed.has_lost_token() {
        text.push_str("  access: {users: {captured: [{apiGroups: [metrics.k8s.io], resources: [nodes], verbs: [list]}]}}\n");
    }
    let front_proxy = front_proxy(&mut text, objects, observed);
    self::server(&mut text, objects, observed, around.flags, server);
    let flags = around.flags;
    Shown { kubelets: &kubelets, observed, flags, server, front_proxy }.write(&mut text);
    text
}

/// Appends the firewall that loses what is lost, for the metrics server's pod.
fn firewall(text: &mut String, kubelets: &Kubelets, server: &ServerObjects<'_>) {
    if kubelets.lost.is_empty() {
        return;
    }
    // From a node's network they are lost too, so from everywhere.
    let from = if server.has_host_network() {
        String::new()
    } else {
        text.push_str("  # question: are they lost from pods alone? If nodes get no further, leave \"from\" out.\n");
        format!("from: [{}], ", scalar(&server.address().unwrap_or(POD).to_string()))
    };
    text.push_str("  firewall:\n");
    for (to, why) in &kubelets.lost {
        let to = scalar(&to.to_string());
        let _ = writeln!(text, "    # {why}\n    - {{{from}to: [{to}]}}");
    }
}

fn about(kubelets: &Kubelets, observed: &Observed) -> String {
    let nodes = kubelets.nodes.len();
    let causes: BTreeSet<_> = observed.causes().into_values().flatten().collect();
    let of_cluster = observed.cluster.iter().map(|seen| seen.cause);
    let causes: BTreeSet<_> = causes.into_iter().chain(of_cluster).map(Cause::name).collect();
    let failing = observed.nodes.len();
    if causes.is_empty() {
        return format!(
            "A cluster of {nodes} nodes as it was captured, without a failure in a log."
        );
    }
    let causes: Vec<_> = causes.into_iter().collect();
    format!(
        "A cluster of {nodes} nodes as it was captured, of which {failing} fail: {}.",
        causes.join(", ")
    )
}

/// Appends the state of the front proxy, if the metrics server refuses its requests.
fn front_proxy(text: &mut String, objects: &Objects, observed: &Observed) -> Option<&'static str> {
    const MAP: &str = "extension-apiserver-authentication";
    let map = objects.get("ConfigMap", "kube-system", MAP);
    let data = map.map(|map| &map["data"]);
    for key in ["client-ca-file", "requestheader-client-ca-file"] {
        for ca in data.and_then(|data| data[key].as_str()).into_iter().flat_map(certificates::read)
        {
            let _ = writeln!(text, "  # {MAP}, {key}: {ca}");
        }
    }
    let (state, why) = observed.cluster.iter().find_map(|seen| {
        let (_, state) = FRONT_PROXY.iter().find(|(cause, _)| *cause == seen.cause)?;
        let is_early = seen.line.contains(" is before ");
        Some((if is_early { "NotYetValid" } else { state }, seen.evidence()))
    })?;
    let _ = writeln!(text, "  # {why}\n  frontProxy: {state}");
    Some(state)
}

fn server(
    text: &mut String,
    objects: &Objects,
    observed: &Observed,
    flags: &Flags,
    server: &ServerObjects<'_>,
) {
    text.push_str("  server:\n");
    let field = |text: &mut String, name: &str, value: &str| {
        let _ = writeln!(text, "    {name}: {value}");
    };
    match server.owner {
        Some(owner) => {
            let kind = owner["kind"].as_str().unwrap_or_default();
            let image = server.container().and_then(|it| it["image"].as_str()).unwrap_or_default();
            let namespace = server.namespace();
            let _ = writeln!(text, "    # {kind} {namespace}/{}, image {image}", name_of(owner));
        }
        None => text.push_str(
            "    # question: which flags does it have? Its Deployment was not found; these are its defaults.\n",
        ),
    }
    let service = server.service();
    let is_ours =
        |slice: &&Value| slice["metadata"]["labels"]["kubernetes.io/service-name"] == service;
    for slice in objects.of("EndpointSlice").into_iter().filter(is_ours) {
        let ready = items(&slice["endpoints"]).filter(|it| it["conditions"]["ready"] != false);
        let _ = writeln!(text, "    # EndpointSlice {}: {} ready", name_of(slice), ready.count());
    }
    if server.has_host_network() {
        text.push_str("    # hostNetwork: true: it has its node's address. Here it has one of its own, because the kubelet has the port.\n");
    } else if let Some(ip) = server.address() {
        field(text, "address", &scalar(&ip.to_string()));
    }
    if let Some(rules) = role(objects, server) {
        if rules.is_empty() {
            field(text, "role", "[]");
        } else {
            text.push_str("    role:\n");
            for rule in rules {
                let _ = writeln!(text, "      - {rule}");
            }
        }
    } else if let Some(seen) =
        observed.cluster.iter().find(|seen| seen.cause == Cause::RoleLacksList)
    {
        let resources = if seen.line.contains("\"nodes\"") { "pods" } else { "nodes" };
        let _ = writeln!(
            text,
            "    # question: what does its role lack? {}\n    role:\n      - {{resources: [nodes/metrics], verbs: [get]}}\n      - {{resources: [{resources}], verbs: [get, list, watch]}}",
            seen.evidence()
        );
    }
    if let Some(spec) = server.pod_spec {
        pod_dns(text, spec);
    }
    if !flags.files.is_empty() {
        let files: Vec<_> =
            flags.files.iter().map(|(name, content)| format!("{name}: {content}")).collect();
        text.push_str(
            "    # question: do these files have what they should? Only their paths were read.\n",
        );
        field(text, "files", &format!("{{{}}}", files.join(", ")));
    }
    for note in &flags.notes {
        let _ = writeln!(text, "    # {note}");
    }
    if flags.args.is_empty() {
        field(text, "args", "[]");
    } else {
        text.push_str("    args:\n");
        for arg in &flags.args {
            let _ = writeln!(text, "      - {}", argument(arg));
        }
    }
}

/// A flag as a scalar of YAML in a list.
fn argument(arg: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-=./,_".contains(c);
    if arg.starts_with("--") && arg.chars().all(is_plain) { arg.to_owned() } else { scalar(arg) }
}

/// How its pod resolves names.
fn pod_dns(text: &mut String, spec: &Value) {
    let mut hosts = Vec::new();
    for alias in items(&spec["hostAliases"]) {
        let ip = alias["ip"].as_str().unwrap_or_default();
        hosts.extend(
            texts(&alias["hostnames"]).map(|name| format!("{}: {}", scalar(name), scalar(ip))),
        );
    }
    if !hosts.is_empty() {
        let _ = writeln!(text, "    hosts: {{{}}}", hosts.join(", "));
    }
    let config = &spec["dnsConfig"];
    let is_none = spec["dnsPolicy"] == "None";
    let mut fields = Vec::new();
    for (field, name) in [("nameservers", "nameservers"), ("searches", "search")] {
        let list: Vec<_> = texts(&config[field]).map(scalar).collect();
        if is_none && (!list.is_empty() || name == "search") {
            fields.push(format!("{name}: [{}]", list.join(", ")));
        }
    }
    let mut others = Vec::new();
    for option in items(&config["options"]) {
        let name = option["name"].as_str().unwrap_or_default();
        match (name, option["value"].as_str()) {
            ("ndots" | "attempts", Some(value)) if value.parse::<u8>().is_ok() => {
                fields.push(format!("{name}: {value}"));
            }
            ("timeout", Some(value)) => {
                fields.push(format!("timeout: {}s", value.trim_end_matches('s')));
            }
            (name, None) => others.push(scalar(name)),
            (name, Some(value)) => others.push(scalar(&format!("{name}:{value}"))),
        }
    }
    if !others.is_empty() {
        fields.push(format!("options: [{}]", others.join(", ")));
    }
    if !fields.is_empty() {
        let _ = writeln!(text, "    resolvConf: {{{}}}", fields.join(", "));
    }
    if spec["dnsPolicy"] == "Default" {
        text.push_str("    # question: which name servers does it ask? dnsPolicy: Default takes those of its node.\n");
    }
}
