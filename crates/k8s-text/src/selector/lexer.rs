/// A piece of a label selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Symbol(&'static str),
    /// Characters that make no symbol together.
    Error(String),
    End,
}

const SYMBOLS: [&str; 9] = [")", ",", "!", "==", "=", ">", "<", "!=", "("];

// === impl Token ===

impl Token {
    /// As messages show it.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Error(text) => text,
            Self::Symbol(symbol) => symbol,
            Self::End => "",
        }
    }

    pub(super) fn is(&self, symbol: &str) -> bool {
        matches!(self, Self::Symbol(own) if *own == symbol)
    }
}

/// All pieces of `text`, with an end.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    // A NUL ends Go's lexer, too.
    let mut rest = text.split('\0').next().unwrap_or_default().trim_start_matches(is_space);
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let length = if rest.starts_with(is_special) {
            let (token, length) = symbol(rest);
            tokens.push(token);
            length
        } else {
            let end = rest.find(|c| is_special(c) || is_space(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            end
        };
        rest = rest[length..].trim_start_matches(is_space);
    }
    tokens.push(Token::End);
    tokens
}

fn is_special(character: char) -> bool {
    "=!(),><".contains(character)
}

/// The longest symbol at the start of `text`, and its length.
fn symbol(text: &str) -> (Token, usize) {
    let fits = SYMBOLS.into_iter().filter(|symbol| text.starts_with(symbol));
    if let Some(symbol) = fits.max_by_key(|symbol| symbol.len()) {
        return (Token::Symbol(symbol), symbol.len());
    }
    let end = text.find(|c| !is_special(c)).unwrap_or(text.len());
    (Token::Error(format!("error expected: keyword found '{}'", &text[..end])), end)
}
