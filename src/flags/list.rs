//! Lists as Go's flag library reads and writes them: one line of CSV (RFC 4180) each time that the
//! flag is given.

use super::values::ValueError;

/// Reads a list of texts. An empty text is a list without values.
pub(super) fn read_list(text: &str) -> Result<Vec<String>, ValueError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    // Go normalizes the end of lines, reads over empty ones, and takes the first that is left.
    let text = text.replace("\r\n", "\n");
    let mut rest = text.trim_start_matches('\n');
    rest = rest.strip_suffix('\r').unwrap_or(rest);
    if rest.is_empty() {
        return Err(ValueError::List);
    }
    let mut values = Vec::new();
    loop {
        let (value, after) = if let Some(quoted) = rest.strip_prefix('"') {
            read_quoted(quoted)?
        } else {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        if !rest.starts_with('"') && value.contains('"') {
            return Err(ValueError::List);
        }
        values.push(value);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() || after.starts_with('\n') => return Ok(values),
            None => return Err(ValueError::List),
        }
    }
}

/// The value in front of the closing quotation mark, in which a double mark stands for one, and
/// what follows the mark.
fn read_quoted(text: &str) -> Result<(String, &str), ValueError> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"').ok_or(ValueError::List)?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(next) => {
                value.push('"');
                rest = next;
            }
            None => return Ok((value, after)),
        }
    }
}

/// Reads a list whose values `read` reads.
pub(super) fn list_of<T>(
    read: fn(&str) -> Result<T, ValueError>,
) -> impl Fn(&str) -> Result<Vec<T>, ValueError> + Clone {
    move |text: &str| read_list(text)?.iter().map(|value| read(value)).collect()
}

/// Writes `values` in Go's notation.
pub(super) fn write_list(values: &[String]) -> String {
    let values: Vec<_> = values.iter().map(|value| quote(value)).collect();
    format!("[{}]", values.join(","))
}

fn quote(value: &str) -> String {
    let is_plain = !value.contains([',', '"', '\r', '\n'])
        && !value.starts_with(char::is_whitespace)
        && value != "\\.";
    if is_plain { value.to_owned() } else { format!("\"{}\"", value.replace('"', "\"\"")) }
}
