//! Reads YAML into a tree of values that know their places.

use serde_yaml::{Error, options::DuplicateKeyPolicy};

use super::{location::Location, mistake::Mistake, node::Node, words::quote};

/// No scenario comes near this, and what is larger is not read.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// The format needs 7 levels above `body`, an answer of the API about as many in it. A level takes
/// up to 40 kB of stack in a debug build.
const MOST_DEPTH: usize = 20;

/// What aliases may blow a file up to, in parser events.
const MOST_ALIASED: usize = 100_000;

/// Reads the one document in `text`, which must not begin with a byte order mark.
///
/// Keys that occur twice are kept: to report all of them is for whoever walks the tree.
pub(super) fn read(text: &str) -> Result<Node, Vec<Mistake>> {
    if text.len() > MOST_BYTES {
        let mistake = Mistake::of_file("larger than 1 MiB");
        return Err(vec![mistake.help("split it into several scenarios")]);
    }
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! { max_depth: MOST_DEPTH },
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: MOST_ALIASED },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        strict_booleans: true,
        with_snippet: false,
    };
    let mut node: Node = serde_yaml::from_str_with_options(text, options)
        .map_err(|error| vec![explain(&error, text)])?;
    node.fit_spans(text);
    Ok(node)
}

fn explain(error: &Error, text: &str) -> Mistake {
    let known = error.location().filter(|location| location.line() > 0);
    let (line, column) = known.map_or((1, 1), |l| (l.line() as usize, l.column() as usize));
    let place = Location::of_character(text, line, column);
    let cause = match error {
        Error::AliasError { error, .. } => error,
        _ => error,
    };
    match cause {
        Error::MultipleDocuments { .. } => Mistake::at(&place, "a second document in the file")
            .help("write one scenario a file, and no `---` but at the beginning"),
        Error::Budget { .. } => Mistake::at(&place, "too many levels")
            .help(format!("nest no deeper than {MOST_DEPTH} levels")),
        Error::AliasReplayLimitExceeded { .. } => {
            Mistake::at(&place, "the aliases make the file too large")
                .help("use fewer of them inside of each other")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Mistake::at(&place, "an alias inside of what it stands for")
                .help("write out what is meant")
        }
        Error::NullIntoString { .. } | Error::Unexpected { .. } => {
            Mistake::at(&place, "a key that is not a text").help("put the key in quotes")
        }
        Error::NonFiniteFloat { value, .. } => {
            Mistake::at(&place, format!("{} is not a number", quote(value)))
                .help("write a number, or put it in quotes if a text is meant")
        }
        Error::UnsupportedTag { tag, .. } => {
            Mistake::at(&place, format!("unknown tag {}", quote(tag)))
                .help("leave the tag out, or put a text that begins with `!` in quotes")
        }
        _ => {
            let message = without_place(cause);
            let mistake = Mistake::at(&place, format!("not valid YAML: {message}"));
            match cure(text, &message, &place) {
                Some(help) => mistake.help(help),
                None => mistake,
            }
        }
    }
}

/// The parser's words without the place, which the report shows anyway.
fn without_place(error: &Error) -> String {
    let message = error.without_snippet().to_string();
    message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what).to_owned()
}

/// What helps most often when the parser stops at this character.
fn cure(text: &str, message: &str, place: &Location) -> Option<&'static str> {
    if text[..place.span.end].ends_with('\t') || text[..place.span.start].ends_with('\t') {
        return Some("indent with spaces only");
    }
    Some(match &text[place.span.clone()] {
        ":" => "check the indentation and the brackets, and put a text that holds `: ` in quotes",
        "@" | "`" | "%" | "&" | "*" | "!" => "put a text that begins with this character in quotes",
        "{" | "}" | "[" | "]" | "," => {
            "close every bracket, and put a text that holds one in quotes"
        }
        "\"" | "'" => "close the quotes",
        _ if message.contains("did not find expected") => "check the indentation and the brackets",
        _ => return None,
    })
}
