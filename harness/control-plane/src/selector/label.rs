use std::{collections::BTreeMap, iter::Peekable, vec};

/// Requirements on labels, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Symbol(&'static str),
}

/// Longer ones first: the lexer takes the first that fits.
const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

type Tokens = Peekable<vec::IntoIter<Token>>;

// === impl LabelSelector ===

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = tokens(text).into_iter().peekable();
        let mut requirements = Vec::new();
        if tokens.peek().is_none() {
            return Ok(Self(requirements));
        }
        if let Some(Token::Symbol(symbol)) = tokens.peek()
            && *symbol != "!"
        {
            return Err(format!("found '{symbol}', expected: !, identifier, or 'end of string'"));
        }
        loop {
            let requirement = Requirement::parse(&mut tokens)
                .map_err(|error| format!("unable to parse requirement: {error}"))?;
            requirements.push(requirement);
            match tokens.next() {
                None => return Ok(Self(requirements)),
                Some(Token::Symbol(",")) => {}
                Some(other) => {
                    let other = other.as_str();
                    return Err(format!("found '{other}', expected: ',' or 'end of string'"));
                }
            }
            if !matches!(tokens.peek(), Some(Token::Word(_) | Token::Symbol("!"))) {
                let found = tokens.peek().map_or("", Token::as_str);
                return Err(format!("found '{found}', expected: identifier after ','"));
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }
}

// === impl Requirement ===

impl Requirement {
    fn parse(tokens: &mut Tokens) -> Result<Self, String> {
        let absent = tokens.next_if_eq(&Token::Symbol("!")).is_some();
        let key = word(tokens)?;
        if absent {
            return Ok(Self { key, test: Test::Absent });
        }
        if matches!(tokens.peek(), None | Some(Token::Symbol(","))) {
            return Ok(Self { key, test: Test::Exists });
        }
        let operator = tokens.next();
        let test = match operator.as_ref().map_or("", Token::as_str) {
            "=" | "==" => Test::In(vec![exact(tokens)?]),
            "!=" => Test::NotIn(vec![exact(tokens)?]),
            "in" => Test::In(set(tokens)?),
            "notin" => Test::NotIn(set(tokens)?),
            ">" => Test::Above(integer(tokens)?),
            "<" => Test::Below(integer(tokens)?),
            other => {
                return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt"));
            }
        };
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

// === impl Token ===

impl Token {
    fn as_str(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Symbol(symbol) => symbol,
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
        let length = if let Some(symbol) = symbol {
            tokens.push(Token::Symbol(symbol));
            symbol.len()
        } else {
            let ends =
                |character: char| character.is_ascii_whitespace() || "=!(),><".contains(character);
            let length = rest.find(ends).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..length].to_owned()));
            length
        };
        rest = rest[length..].trim_start();
    }
    tokens
}

fn word(tokens: &mut Tokens) -> Result<String, String> {
    match tokens.next() {
        Some(Token::Word(word)) => Ok(word),
        other => {
            let found = other.as_ref().map_or("", Token::as_str);
            Err(format!("found '{found}', expected: identifier"))
        }
    }
}

/// The value behind `=`, which may be empty.
fn exact(tokens: &mut Tokens) -> Result<String, String> {
    match tokens.peek() {
        None | Some(Token::Symbol(",")) => Ok(String::new()),
        Some(_) => word(tokens),
    }
}

fn integer(tokens: &mut Tokens) -> Result<i64, String> {
    let value = exact(tokens)?;
    value.parse().map_err(|_| {
        format!("values[0]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer")
    })
}

/// Values in parentheses; an empty place is an empty value.
fn set(tokens: &mut Tokens) -> Result<Vec<String>, String> {
    match tokens.next() {
        Some(Token::Symbol("(")) => {}
        other => {
            let found = other.as_ref().map_or("", Token::as_str);
            return Err(format!("found '{found}' expected: '('"));
        }
    }
    let mut values = Vec::new();
    loop {
        values.push(match tokens.peek() {
            Some(Token::Symbol("," | ")")) => String::new(),
            _ => word(tokens)?,
        });
        match tokens.next() {
            Some(Token::Symbol(")")) => return Ok(values),
            Some(Token::Symbol(",")) => {}
            other => {
                let found = other.as_ref().map_or("", Token::as_str);
                return Err(format!("found '{found}', expected: ',' or ')'"));
            }
        }
    }
}
