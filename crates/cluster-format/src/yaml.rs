//! Reads YAML into a tree of values that know their locations.

use std::{fs::File, io::Read, path::Path};

use serde_yaml::{Error, options::DuplicateKeyPolicy};

use crate::{location::Location, mistake::Mistake, suggest::quote, yaml_node::YamlNode};

/// How large a file may be.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// In bytes.
    pub bytes: usize,
    /// How to put right a file that is larger.
    pub help: &'static str,
}

/// Scenarios need 7 levels above `body`, an answer of the API about as many in it. A level takes
/// up to 40 kB of stack in a debug build.
const MOST_DEPTH: usize = 20;

/// What aliases may expand a file to, in parser events.
const MOST_ALIASED: usize = 100_000;

/// Reads the one document in `text`, which must not begin with a byte order mark.
///
/// Keys that occur twice are kept: [`validate`](crate::validate) reports all of them.
pub fn parse(text: &str, limit: Limit) -> Result<YamlNode, Vec<Mistake>> {
    if text.len() > limit.bytes {
        let mistake = Mistake::of_file(format!("larger than {} MiB", limit.bytes >> 20));
        return Err(vec![mistake.help(limit.help)]);
    }
    // A node of the tree takes a few bytes of text at least, so that the size limits all else.
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: MOST_DEPTH,
            max_events: limit.bytes,
            max_nodes: limit.bytes,
        },
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: MOST_ALIASED },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        strict_booleans: true,
        with_snippet: false,
    };
    let mut node: YamlNode = serde_yaml::from_str_with_options(text, options)
        .map_err(|error| vec![explain(&error, text)])?;
    node.fit_spans(text);
    Ok(node)
}

/// Reads the text of a file.
pub fn read(path: &Path, limit: Limit) -> Result<String, Vec<Mistake>> {
    let cannot = |error: std::io::Error| vec![Mistake::of_file(format!("cannot be read: {error}"))];
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that there is too much.
    let most = limit.bytes as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        let mistake = Mistake::of_file(format!("line {line} is not UTF-8 text"));
        vec![mistake.help("save the file as UTF-8")]
    })
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
            .help("write one document a file, and no `---` but at the beginning"),
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
            let message = without_location(cause);
            let mistake = Mistake::at(&place, format!("not valid YAML: {message}"));
            match cure(text, &message, &place) {
                Some(help) => mistake.help(help),
                None => mistake,
            }
        }
    }
}

/// The parser's message without the location, which the report shows anyway.
fn without_location(error: &Error) -> String {
    let message = error.without_snippet().to_string();
    message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what).to_owned()
}

/// What helps most often when the parser stops at this character.
fn cure(text: &str, message: &str, place: &Location) -> Option<&'static str> {
    if message.contains("found a tab")
        || text[..place.span.end].ends_with('\t')
        || text[..place.span.start].ends_with('\t')
    {
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
