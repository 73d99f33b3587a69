//! Texts from elsewhere, safe to print.

/// The beginning of a text, `most` characters of it, with control characters escaped, which a
/// terminal would act on.
pub fn printable(text: &str, most: usize) -> String {
    let mut printable = String::with_capacity(text.len().min(most));
    let mut characters = text.chars();
    for c in characters.by_ref().take(most) {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    if characters.next().is_some() {
        printable.push('…');
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_what_is_cut_is_marked() {
        assert_eq!(
            printable("a\u{1b}[2J\u{9b}31m\nü\u{7f}", 40),
            "a\\u{1b}[2J\\u{9b}31m\\nü\\u{7f}"
        );
        assert_eq!((printable("üü", 2), printable("üüü", 2)), ("üü".to_owned(), "üü…".to_owned()));
    }
}
