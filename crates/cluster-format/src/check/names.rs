//! Names as Kubernetes allows them.

use crate::{
    location::Location,
    mistake::Mistake,
    suggest::quote,
    template::{COUNTER, numbered},
};

/// Kubernetes' rules for names.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Labels of at most 63 characters.
    Label,
    /// Labels joined by dots, 253 characters in all.
    Subdomain,
}

// === impl Rule ===

impl Rule {
    fn allows(self, name: &str) -> bool {
        let (parts, most): (Vec<&str>, _) = match self {
            Self::Label => (vec![name], 63),
            Self::Subdomain => (name.split('.').collect(), 253),
        };
        name.len() <= most && parts.into_iter().all(is_part)
    }

    fn help(self) -> &'static str {
        match self {
            Self::Label => {
                "write at most 63 lower-case letters, digits and dashes, with a letter or digit at both ends"
            }
            Self::Subdomain => {
                "write at most 253 lower-case letters, digits, dashes and dots, with a letter or digit at both ends and around dots"
            }
        }
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('-')
        && !part.ends_with('-')
        && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Reports a name that Kubernetes would refuse; `what` is the kind of object. With a
/// `count`, `{n}` in it is taken for a number.
pub(super) fn check(
    name: &str,
    what: &str,
    rule: Rule,
    count: Option<u32>,
    location: &Location,
    mistakes: &mut Vec<Mistake>,
) {
    if rule.allows(&numbered(name, count, count.unwrap_or(1).saturating_sub(1))) {
        return;
    }
    let mistake = Mistake::at(location, format!("{} is not a name for a {what}", quote(name)));
    mistakes.push(if count.is_none() && name.contains(COUNTER) {
        mistake.help("give the node a `count`: without one, `{n}` means nothing")
    } else {
        mistake.help(rule.help())
    });
}

/// Whether all nodes of a template get the same of this.
pub(super) fn is_constant(name: &str) -> bool {
    !name.contains(COUNTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_dns_1123() {
        let cases = [
            ("a", true, true),
            ("k8s-node1.example.com", false, true),
            ("0-1", true, true),
            ("A", false, false),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a..b", false, false),
            ("a.-b", false, false),
            ("a_b", false, false),
            (&"a".repeat(63), true, true),
            (&"a".repeat(64), false, true),
            (&"a".repeat(254), false, false),
        ];
        for (name, label, subdomain) in cases {
            let seen = (Rule::Label.allows(name), Rule::Subdomain.allows(name));
            assert_eq!(seen, (label, subdomain), "{name:?}");
        }
    }
}
