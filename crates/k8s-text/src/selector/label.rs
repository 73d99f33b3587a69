use std::collections::{BTreeMap, BTreeSet};

use super::{
    lexer::{Token, tokens},
    names,
};
use crate::go;

/// Requirements on labels, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Above(i64),
    Below(i64),
}

/// A text that is no label selector, in the words of the API server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LabelSelectorError(String);

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

// === impl LabelSelector ===

impl LabelSelector {
    /// Reads `text`; an empty one selects everything.
    pub fn parse(text: &str) -> Result<Self, LabelSelectorError> {
        let mut parser = Parser { tokens: tokens(text).into_iter().peekable() };
        parser.requirements().map(Self).map_err(LabelSelectorError)
    }

    /// How many requirements it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether labels satisfy every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }
}

// === impl Requirement ===

impl Requirement {
    fn new(key: String, test: Test) -> Result<Self, String> {
        let mut errors = Vec::new();
        if let Test::In(values) | Test::NotIn(values) = &test {
            for (at, value) in values.iter().enumerate() {
                let wrong = names::value_errors(value);
                if !wrong.is_empty() {
                    errors.push(invalid(&format!("values[{at}][{key}]"), value, &wrong.join("; ")));
                }
            }
        }
        aggregate(errors)?;
        Ok(Self { key, test })
    }

    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let label = labels.get(&self.key);
        let number = || label.and_then(|label| label.parse::<i64>().ok());
        match &self.test {
            Test::Exists => label.is_some(),
            Test::Absent => label.is_none(),
            Test::In(values) => label.is_some_and(|label| values.contains(label)),
            Test::NotIn(values) => label.is_none_or(|label| !values.contains(label)),
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

// === impl Parser ===

impl Parser {
    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(requirements),
                Token::Word(_) | Token::Symbol("!") => {}
                other => {
                    let found = other.text();
                    return Err(format!(
                        "found '{found}', expected: !, identifier, or 'end of string'"
                    ));
                }
            }
            let requirement = self
                .requirement()
                .map_err(|error| format!("unable to parse requirement: {error}"))?;
            requirements.push(requirement);
            match self.next() {
                Token::End => return Ok(requirements),
                Token::Symbol(",") => {
                    let next = self.peek();
                    if !matches!(next, Token::Word(_) | Token::Symbol("!")) {
                        let found = next.text();
                        return Err(format!("found '{found}', expected: identifier after ','"));
                    }
                }
                other => {
                    let found = other.text();
                    return Err(format!("found '{found}', expected: ',' or 'end of string'"));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.tokens.next_if(|token| token.is("!")).is_some();
        let key = self.word()?;
        let wrong = names::key_errors(&key);
        if !wrong.is_empty() {
            return Err(invalid("<nil>", &key, &wrong.join("; ")));
        }
        if absent {
            return Ok(Requirement { key, test: Test::Absent });
        }
        if matches!(self.peek(), Token::End | Token::Symbol(",")) {
            return Ok(Requirement { key, test: Test::Exists });
        }
        let operator = self.next();
        let test = match operator.text() {
            "=" | "==" => Test::In(self.exact()?.into_iter().collect()),
            "!=" => Test::NotIn(self.exact()?.into_iter().collect()),
            "in" => Test::In(self.set()?),
            "notin" => Test::NotIn(self.set()?),
            ">" => Test::Above(self.integer(&key)?),
            "<" => Test::Below(self.integer(&key)?),
            found => {
                return Err(format!("found '{found}', expected: in, notin, =, ==, !=, gt, lt"));
            }
        };
        Requirement::new(key, test)
    }

    /// The value behind `=`, which may be missing.
    fn exact(&mut self) -> Result<Option<String>, String> {
        match self.peek() {
            Token::End | Token::Symbol(",") => Ok(Some(String::new())),
            _ => self.word().map(Some),
        }
    }

    fn integer(&mut self, key: &str) -> Result<i64, String> {
        let value = self.exact()?.unwrap_or_default();
        let mut errors = Vec::new();
        if go::parse_int_error(&value).is_some() {
            let rule = "for 'Gt', 'Lt' operators, the value must be an integer";
            errors.push(invalid("values[0]", &value, rule));
        }
        let wrong = names::value_errors(&value);
        if !wrong.is_empty() {
            errors.push(invalid(&format!("values[0][{key}]"), &value, &wrong.join("; ")));
        }
        aggregate(errors)?;
        value.parse().map_err(|_| invalid("values[0]", &value, "not an integer"))
    }

    /// Values in parentheses; an empty place is an empty value.
    fn set(&mut self) -> Result<BTreeSet<String>, String> {
        let open = self.next();
        if !open.is("(") {
            return Err(format!("found '{}' expected: '('", open.text()));
        }
        let mut values = BTreeSet::new();
        match self.peek() {
            Token::Symbol(")") => {
                self.next();
                values.insert(String::new());
                return Ok(values);
            }
            Token::Word(_) | Token::Symbol(",") => {}
            other => {
                let found = other.text();
                return Err(format!("found '{found}', expected: ',', ')' or identifier"));
            }
        }
        loop {
            match self.next() {
                Token::Word(word) => {
                    values.insert(word);
                    match self.peek() {
                        Token::Symbol(",") => {}
                        Token::Symbol(")") => break,
                        other => {
                            let found = other.text();
                            return Err(format!("found '{found}', expected: ',' or ')'"));
                        }
                    }
                }
                Token::Symbol(",") => {
                    if values.is_empty() {
                        values.insert(String::new());
                    }
                    match self.peek() {
                        Token::Symbol(")") => {
                            values.insert(String::new());
                            break;
                        }
                        Token::Symbol(",") => drop(values.insert(String::new())),
                        _ => {}
                    }
                }
                other => {
                    let found = other.text();
                    return Err(format!("found '{found}', expected: ',', or identifier"));
                }
            }
        }
        self.next();
        Ok(values)
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next() {
            Token::Word(word) => Ok(word),
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn peek(&mut self) -> Token {
        self.tokens.peek().cloned().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token {
        self.tokens.next().unwrap_or(Token::End)
    }
}

fn invalid(field: &str, value: &str, why: &str) -> String {
    format!("{field}: Invalid value: {}: {why}", go::quoted(value))
}

/// Several errors as one, the way the API server lists them.
fn aggregate(errors: Vec<String>) -> Result<(), String> {
    match <[String; 1]>::try_from(errors) {
        Ok([error]) => Err(error),
        Err(errors) if errors.is_empty() => Ok(()),
        Err(errors) => Err(format!("[{}]", errors.join(", "))),
    }
}

#[cfg(test)]
#[path = "label_tests.rs"]
mod tests;
