//! Numbers that their type allows and that mean nothing.

use crate::{mistake::Mistake, suggest::quote, yaml_node::YamlNode};

/// Checks an HTTP status.
pub fn check_status(status: Option<u16>, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if let Some(status) = status.filter(|status| !(100..=599).contains(status)) {
        mistakes.push(
            Mistake::at(&at.location, format!("{status} is not an HTTP status"))
                .help("write 100 to 599"),
        );
    }
}

/// Checks a port that a kubelet listens on, which is the field `port` of the value at `at`.
pub fn check_port(port: Option<u16>, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if port == Some(0) {
        mistakes.push(
            Mistake::at(&at.field("port").location, "nothing can listen on port 0")
                .help("write 1 to 65535, or leave it out for 10250"),
        );
    }
}

/// The field `name` of the value at `at` is 0.
pub fn zero(name: &str, help: impl Into<String>, at: &YamlNode) -> Mistake {
    Mistake::at(&at.field(name).location, format!("{} must not be 0", quote(name))).help(help)
}
