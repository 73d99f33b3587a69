//! Values with a notation of their own.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use k8s_text::{duration, quantity::Quantity};
use serde::{Deserialize, Deserializer, de};

/// Reads how much is used.
pub(super) fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    let quantity: Quantity = text.parse().map_err(de::Error::custom)?;
    if quantity.nanos() < 0 {
        let message =
            format!("{text:?} is less than nothing, and counters only grow: write 0 or more");
        return Err(de::Error::custom(message));
    }
    Ok(quantity)
}

pub(super) fn some_moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_: jiff::Error| {
        de::Error::custom(format!("{text:?} is not a moment: write it as 2019-01-04T09:53:00Z"))
    })
}

/// Reads a duration in Go's notation.
pub(crate) fn go_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    duration::parse(&text).map_err(de::Error::custom)
}

/// The same where there may be none.
pub(crate) fn some_go_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    go_duration(deserializer).map(Some)
}

/// Reads a string, or a number as it would be written.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(|Text(text)| text)
}

struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
