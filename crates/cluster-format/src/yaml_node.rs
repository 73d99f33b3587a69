//! A YAML value that knows its location.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use serde_yaml::Spanned;

use crate::location::Location;

/// A value and its location. That of an alias (`*name`) is where its anchor is.
#[derive(Clone, Debug)]
pub struct YamlNode {
    /// The value.
    pub content: Content,
    /// Where it is.
    pub location: Location,
    /// The location of its key, for a value in a map.
    pub key: Option<Location>,
    /// Whether something wrong has been left out of it, at any depth.
    pub broken: bool,
}

/// What a value is. Maps keep their order, and keys that occur twice.
#[derive(Clone, Debug)]
pub enum Content {
    /// `null`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<YamlNode>),
    /// A map.
    Map(Vec<(String, YamlNode)>),
}

// === impl YamlNode ===

impl YamlNode {
    /// The location to show for the value as a whole: its key, where it is longer than a line.
    pub fn place(&self) -> &Location {
        match (&self.content, &self.key) {
            (Content::Null | Content::List(_) | Content::Map(_), Some(key)) => key,
            _ => &self.location,
        }
    }

    /// The location of its key, or its own where it has none.
    pub fn key_place(&self) -> &Location {
        self.key.as_ref().unwrap_or(&self.location)
    }

    /// The value of a field that exists and is not null.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Content::Map(entries) = &self.content else { return None };
        let (_, node) = entries.iter().find(|(key, _)| key == name)?;
        (!matches!(node.content, Content::Null)).then_some(node)
    }

    /// The value of a field, or this value for its location.
    pub fn field(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(self)
    }

    /// An item of a list, or this value for its location.
    pub fn item(&self, index: usize) -> &Self {
        match &self.content {
            Content::List(items) => items.get(index).unwrap_or(self),
            _ => self,
        }
    }

    /// Null, at the same location.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            content: Content::Null,
            location: self.location.clone(),
            key: self.key.clone(),
            broken: false,
        }
    }

    /// The value as JSON. Of a key that occurs twice, the last one counts.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Map(entries) => {
                Value::Object(entries.iter().map(|(k, v)| (k.clone(), v.to_json())).collect())
            }
        }
    }

    /// Makes every span one that can be underlined: on one line, and not empty where there is
    /// anything to show. The parser gives scalars of several lines whole, of `{` and `[` only the
    /// bracket, and of lists and maps without brackets nothing.
    pub(crate) fn fit_spans(&mut self, text: &str) {
        let span = self.location.span.clone();
        match &mut self.content {
            Content::List(items) => {
                for item in items.iter_mut() {
                    item.fit_spans(text);
                }
                let first = items.first().map(|item| &item.location);
                let last = items.last().map(|item| &item.location);
                self.location.span = around(&self.location, first, last, ']', text);
            }
            Content::Map(entries) => {
                for (_, node) in entries.iter_mut() {
                    node.fit_spans(text);
                }
                let first = entries.first().map(|(_, node)| node);
                let last = if span.is_empty() { first } else { entries.last().map(|(_, n)| n) };
                self.location.span = around(
                    &self.location,
                    first.map(Self::key_place),
                    last.map(|node| &node.location),
                    '}',
                    text,
                );
            }
            _ => {
                let line = text[span.clone()].lines().next().unwrap_or_default().trim_end();
                self.location.span = span.start..span.start + line.len();
            }
        }
    }
}

/// From the start of a list or map to its end, as far as both are on one line.
fn around(
    whole: &Location,
    first: Option<&Location>,
    last: Option<&Location>,
    closing: char,
    text: &str,
) -> std::ops::Range<usize> {
    let span = whole.span.clone();
    let bracket = !span.is_empty();
    let start = if bracket { span.start } else { first.map_or(span.start, |l| l.span.start) };
    let shortest = if bracket { span.end } else { first.map_or(span.end, |l| l.span.end) };
    let end = last.map_or(shortest, |l| l.span.end).max(shortest);
    if text[start..end].contains('\n') {
        return start..shortest;
    }
    let rest = &text[end..];
    let blank = rest.len() - rest.trim_start_matches([' ', ',']).len();
    if bracket && rest[blank..].starts_with(closing) {
        start..end + blank + closing.len_utf8()
    } else {
        start..end
    }
}

impl From<serde_yaml::Location> for Location {
    fn from(location: serde_yaml::Location) -> Self {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let start = number(location.span().byte_offset().unwrap_or_default());
        let length = number(location.span().byte_len().unwrap_or_default());
        Self {
            line: number(location.line()),
            column: number(location.column()),
            span: start..start + length,
        }
    }
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned: Spanned<Content> = Spanned::deserialize(deserializer)?;
        Ok(Self {
            content: spanned.value,
            location: spanned.defined.into(),
            key: None,
            broken: false,
        })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Content, E> {
        Number::from_f64(value)
            .map(Content::Number)
            .ok_or_else(|| E::custom("a number without a value"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, mut node)) = map.next_entry::<Spanned<String>, YamlNode>()? {
            node.key = Some(key.defined.into());
            entries.push((key.value, node));
        }
        Ok(Content::Map(entries))
    }
}
