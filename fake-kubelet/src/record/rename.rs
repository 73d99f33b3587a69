use std::collections::BTreeMap;

/// Every cluster has these namespaces: they are not replaced.
const KEPT: [&str; 2] = ["default", "kube-system"];

/// Other names for all that a kubelet names, the same each time.
pub(super) struct Renames {
    nodes: Names,
    namespaces: Names,
    pods: Names,
    containers: Names,
    uids: Names,
}

/// Names of one kind, numbered in the order in which they are met.
struct Names {
    kind: &'static str,
    known: BTreeMap<String, String>,
}

// === impl Renames ===

impl Renames {
    pub(super) fn of(node: &str) -> Self {
        let mut nodes = Names::new("node");
        nodes.of(node);
        let mut namespaces = Names::new("namespace");
        namespaces.known.extend(KEPT.map(|name| (name.to_owned(), name.to_owned())));
        Self {
            nodes,
            namespaces,
            pods: Names::new("pod"),
            containers: Names::new("container"),
            uids: Names::new("00000000-0000-4000-8000"),
        }
    }

    /// The text of `/metrics/resource` with other names in its labels.
    pub(super) fn metrics(&mut self, text: &str) -> String {
        let lines = text
            .split_inclusive('\n')
            .map(|line| if line.starts_with('#') { line.to_owned() } else { self.labels(line) });
        lines.collect()
    }

    fn labels(&mut self, line: &str) -> String {
        let mut line = line.to_owned();
        for (label, names) in [
            ("container", &mut self.containers),
            ("namespace", &mut self.namespaces),
            ("pod", &mut self.pods),
        ] {
            for before in ["{", ","] {
                let key = format!("{before}{label}=\"");
                let Some(start) = line.find(&key).map(|at| at + key.len()) else { continue };
                let Some(length) = line[start..].find('"') else { continue };
                let new = names.of(&line[start..start + length]);
                line.replace_range(start..start + length, &new);
            }
        }
        line
    }

    /// The text of `/stats/summary` with the same names. Go writes it with one field a line, so
    /// that all else stays as it was to the byte.
    pub(super) fn summary(&mut self, text: &str) -> String {
        let mut of_pod = false;
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            if line.contains('{') {
                of_pod = line.contains("\"podRef\"");
            }
            out.push_str(&self.field(line, of_pod).unwrap_or_else(|| line.to_owned()));
        }
        out
    }

    fn field(&mut self, line: &str, of_pod: bool) -> Option<String> {
        let (key, rest) = line.split_once("\": \"")?;
        let (value, end) = rest.split_once('"')?;
        let new = match key.trim().trim_start_matches('"') {
            "nodeName" => self.nodes.of(value),
            "namespace" => self.namespaces.of(value),
            "uid" => self.uids.of(value),
            "name" if of_pod => self.pods.of(value),
            // Of a cgroup or an interface, unless the metrics know a container of that name.
            "name" => self.containers.known.get(value)?.clone(),
            _ => return None,
        };
        Some(format!("{key}\": \"{new}\"{end}"))
    }
}

// === impl Names ===

impl Names {
    fn new(kind: &'static str) -> Self {
        Self { kind, known: BTreeMap::new() }
    }

    fn of(&mut self, name: &str) -> String {
        if let Some(new) = self.known.get(name) {
            return new.clone();
        }
        let number = self.known.values().filter(|new| new.starts_with(self.kind)).count() + 1;
        let is_uid = self.kind.contains('-');
        let new = if is_uid {
            format!("{}-{number:012}", self.kind)
        } else {
            format!("{}-{number}", self.kind)
        };
        self.known.insert(name.to_owned(), new.clone());
        new
    }
}
