//! Texts in which `…` matches anything.

/// Whether a line has the text, as it was before klog quoted it. `…` matches anything.
pub(super) fn has(line: &str, text: &str) -> bool {
    let line = line.replace("\\\"", "\"");
    let mut rest = line.as_str();
    text.split('…').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Whether the whole of a text matches the expected one.
pub(super) fn fits(text: &str, wanted: &str) -> bool {
    let parts: Vec<_> = wanted.split('…').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return text == wanted };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
