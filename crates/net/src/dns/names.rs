//! Which names are queried, as in Go's `net/dnsclient.go`.

/// The most characters of a name, without its last dot.
const MOST_CHARACTERS: usize = 253;
const MOST_OF_A_LABEL: usize = 63;

/// Whether `name` is valid in DNS. Digits and dots alone are an address, if anything.
pub(super) fn is_domain_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let characters = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=MOST_OF_A_LABEL).contains(&label.len())
            && label.bytes().all(characters)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MOST_CHARACTERS
        && name.split('.').all(is_label)
        && name.bytes().any(|b| !b.is_ascii_digit() && b != b'.')
}

/// Whether `name`, which has no trailing dot, may be sent to a name server. RFC 7686 keeps names
/// below `onion` out of DNS.
pub(super) fn may_be_asked_for(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    !name.is_empty()
        && name.len() <= MOST_CHARACTERS
        && !(name.contains('.') && last.eq_ignore_ascii_case("onion"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_letters_digits_and_dashes_are_names() {
        let long = "a".repeat(63);
        let cases = [
            ("node-1", true),
            ("node_1.example.com.", true),
            ("1.a", true),
            (long.as_str(), true),
            ("", false),
            (".", false),
            ("a..b", false),
            ("-a", false),
            ("a-.b", false),
            ("10.0.0.1.2", false),
            ("node 1", false),
            ("jürgen", false),
            (&format!("{long}a"), false),
            (&[&long; 4].map(String::as_str).join("."), false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_domain_name(name), expected, "{name}");
        }
    }
}
