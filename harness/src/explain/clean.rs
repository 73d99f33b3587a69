//! Text without what terminals and shells put into it.

/// The text of a line: without colours, without the end of a DOS line, and what is not UTF-8
/// replaced. Windows' shells write files in UTF-16, of which the zeros are left out.
pub(super) fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_sequence(&mut characters),
            '\0' | '\u{feff}' => {}
            other => clean.push(other),
        }
    }
    // The order mark of UTF-16.
    let start = if clean.starts_with("\u{fffd}\u{fffd}") { 2 * '\u{fffd}'.len_utf8() } else { 0 };
    clean.truncate(clean.trim_end_matches('\r').len());
    clean.drain(..start);
    clean
}

/// Skips the rest of an escape sequence of ECMA-48: a colour, or a title up to its bell.
fn skip_sequence(characters: &mut std::str::Chars<'_>) {
    match characters.next() {
        Some('[') => {
            let _ = characters.find(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        Some(']') => {
            let _ = characters.find(|c| matches!(c, '\u{7}' | '\\'));
        }
        _ => {}
    }
}
