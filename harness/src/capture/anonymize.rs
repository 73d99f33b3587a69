//! Other names and addresses for all that a cluster names, the same each time.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde_json::Value;

use super::{
    dns::looked_up,
    objects::{Objects, items, name_of, namespace_of},
    server::{NAME, NAMESPACE},
};

/// Names that every cluster has, and by which the metrics server is found.
const KEPT: [&str; 8] =
    ["default", NAMESPACE, "kube-public", "kube-node-lease", NAME, "coredns", "kube-dns", "linux"];

/// The replacements.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, u32>,
}

/// Replaces all names and addresses in what was read.
pub(super) fn anonymize(objects: &mut Objects) -> Names {
    let mut names = Names::of(objects);
    objects.for_each_mut(&mut strip);
    objects.replace_texts(&mut |text| names.replace(text));
    names
}

/// Leaves out what names an owner: registries of images, and certificates.
fn strip(value: &mut Value) {
    if let Some(image) = value.get_mut("image").filter(|image| image.is_string()) {
        let text = image.as_str().unwrap_or_default();
        *image = text.rsplit('/').next().unwrap_or_default().into();
    }
    let data = value.get_mut("data").and_then(Value::as_object_mut);
    for (name, text) in data.into_iter().flatten() {
        if name.contains("client-ca-file") {
            *text = Value::Null;
        }
    }
}

// === impl Names ===

impl Names {
    fn of(objects: &Objects) -> Self {
        let mut names = Self::default();
        let nodes = objects.of("Node");
        for node in &nodes {
            names.learn("node", name_of(node));
        }
        for node in nodes {
            let addresses = items(&node["status"]["addresses"]);
            let hosts = addresses.filter_map(|address| address["address"].as_str());
            hosts.filter(|host| host.parse::<IpAddr>().is_err()).for_each(|host| names.host(host));
            let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
            for (key, value) in labels.filter(|(key, _)| !key.contains("kubernetes.io/")) {
                names.learn("label", key);
                names.learn("value", value.as_str().unwrap_or_default());
            }
        }
        for pod in objects.of("Pod").into_iter().chain(objects.of("PodMetrics")) {
            names.learn("pod", name_of(pod));
            names.learn("namespace", namespace_of(pod));
            let containers = items(&pod["spec"]["containers"]).chain(items(&pod["containers"]));
            containers
                .for_each(|it| names.learn("container", it["name"].as_str().unwrap_or_default()));
        }
        for (kind, new) in [("Deployment", "deployment"), ("Service", "service")] {
            for object in objects.of(kind) {
                names.learn(new, name_of(object));
                names.learn("namespace", namespace_of(object));
            }
        }
        for log in &objects.logs {
            log.text.lines().filter_map(looked_up).for_each(|name| names.host(name));
        }
        names
    }

    /// The next replacement for a name.
    fn learn(&mut self, kind: &'static str, name: &str) {
        let is_word = |text: &str| text.len() > 1 && text.parse::<f64>().is_err();
        if !is_word(name) || KEPT.contains(&name) || ["true", "false"].contains(&name) {
            return;
        }
        if !self.known.contains_key(name) {
            let count = self.counts.entry(kind).or_default();
            *count += 1;
            self.known.insert(name.to_owned(), format!("{kind}-{count}"));
        }
    }

    /// A host name: one that begins with a known name keeps its relation to it.
    fn host(&mut self, name: &str) {
        let first = name.split('.').next().unwrap_or_default();
        if self.known.contains_key(name) || name.parse::<IpAddr>().is_ok() {
            return;
        }
        self.learn("host", first);
        if name.contains('.') {
            let new = format!("{}.example", self.known.get(first).map_or(first, String::as_str));
            self.known.insert(name.to_owned(), new);
        }
    }

    /// A text with the replacements in it.
    pub(super) fn replace(&mut self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            out.push_str(&self.token(token));
            let next = after.chars().next().map_or(0, char::len_utf8);
            out.push_str(&after[..next]);
            rest = &after[next..];
        }
        out
    }

    fn token(&mut self, token: &str) -> String {
        if token.is_empty() {
            return String::new();
        }
        if token.matches(':').count() > 1
            && let Ok(ip) = token.trim_end_matches([':', '.']).parse::<Ipv6Addr>()
        {
            let end = &token[token.trim_end_matches([':', '.']).len()..];
            return self.ip(ip.into()) + end;
        }
        let parts = token.split(':').map(|part| self.part(part));
        parts.collect::<Vec<_>>().join(":")
    }

    fn part(&mut self, part: &str) -> String {
        let name = part.trim_end_matches('.');
        let end = &part[name.len()..];
        if let Ok(ip) = name.parse::<Ipv4Addr>() {
            return self.ip(ip.into()) + end;
        }
        // A name, or a name with a domain that resolv.conf adds.
        let mut until = name.len();
        loop {
            if let Some(new) = self.known.get(&name[..until]) {
                return format!("{new}{}{end}", &name[until..]);
            }
            match name[..until].rfind('.') {
                Some(dot) => until = dot,
                None => return part.to_owned(),
            }
        }
    }

    fn ip(&mut self, ip: IpAddr) -> String {
        if ip.is_loopback() || ip.is_unspecified() {
            return ip.to_string();
        }
        if let Some(new) = self.known.get(&ip.to_string()) {
            return new.clone();
        }
        let count = self.counts.entry("ip").or_default();
        *count += 1;
        let [_, b, c, d] = count.to_be_bytes();
        let new: IpAddr = match ip {
            IpAddr::V4(_) => Ipv4Addr::new(10, 64 + b, c, d).into(),
            IpAddr::V6(_) => {
                let low = u16::from_be_bytes([c, d]);
                Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, u16::from(b), low).into()
            }
        };
        self.known.insert(ip.to_string(), new.to_string());
        new.to_string()
    }

    /// The pages of a kubelet with other names in them.
    pub(super) fn page(&mut self, text: &str) -> String {
        for (label, kind) in
            [("pod=\"", "pod"), ("namespace=\"", "namespace"), ("container=\"", "container")]
        {
            for (at, _) in text.match_indices(label) {
                let name = text[at + label.len()..].split('"').next().unwrap_or_default();
                self.learn(kind, name);
            }
        }
        self.replace(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of: a text, and the text with other names.
    #[test]
    fn names_are_replaced_where_they_are_whole() {
        let mut objects = Objects::default();
        objects
            .add_text(
                r#"{"kind":"List","items":[
                {"kind":"Node","metadata":{"name":"k8s-m1"},"status":{"addresses":[
                    {"type":"InternalDNS","address":"ip-10-0-0-1.corp.example.com"}]}},
                {"kind":"Pod","metadata":{"name":"web-0","namespace":"shop"},
                    "spec":{"containers":[{"name":"nginx"}]}}]}"#,
            )
            .unwrap();
        let mut names = Names::of(&objects);
        for (text, expected) in [
            (
                "lookup k8s-m1 on 192.168.7.10:53: no such host",
                "lookup node-1 on 10.64.0.1:53: no such host",
            ),
            ("\"https://k8s-m1:10250/metrics\"", "\"https://node-1:10250/metrics\""),
            ("k8s-m1.kube-system.svc.cluster.local.", "node-1.kube-system.svc.cluster.local."),
            ("k8s-m10 xk8s-m1", "k8s-m10 xk8s-m1"),
            ("ip-10-0-0-1.corp.example.com", "host-1.example"),
            ("192.168.7.10:53->[2001:db8::7]:10250", "10.64.0.1:53->[fd00::2]:10250"),
            (
                "pod=\"shop/web-0\" container=\"nginx\"",
                "pod=\"namespace-1/pod-1\" container=\"container-1\"",
            ),
            ("system:node:k8s-m1 at 09:53:00", "system:node:node-1 at 09:53:00"),
            ("kube-system 127.0.0.1", "kube-system 127.0.0.1"),
        ] {
            assert_eq!(names.replace(text), expected, "{text}");
        }
    }
}
