use std::{collections::BTreeMap, net::IpAddr};

/// The contents of a hosts file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(BTreeMap<String, Vec<IpAddr>>);

// === impl Hosts ===

impl Hosts {
    /// Reads the format of `/etc/hosts`. Malformed lines are ignored, as Go does.
    pub fn parse(text: &str) -> Self {
        let mut names: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
        for line in text.lines() {
            let mut fields = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(address) = fields.next().and_then(|field| field.parse().ok()) else {
                continue;
            };
            for name in fields {
                names.entry(canonical(name)).or_default().push(address);
            }
        }
        Self(names)
    }

    /// The addresses of a name, in the order of the file.
    pub fn get(&self, name: &str) -> &[IpAddr] {
        self.0.get(&canonical(name)).map_or(&[], Vec::as_slice)
    }
}

fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
