//! Values with a notation of their own: each is a string in the file and says itself what it takes.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr, time::Duration};

use fake_kubelet::Probability;
use k8s_text::{duration, quantity::Quantity};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A value that stands in the file as a string (a bare number will do where it is unambiguous).
pub trait Notation: Sized {
    /// Name of the definition in the JSON Schema.
    const NAME: &'static str;
    /// What it is, with examples: shown by editors and in errors.
    const ABOUT: &'static str;

    /// Reads the notation.
    fn read(text: &str) -> Result<Self, String>;
}

/// A value of type `T` in its notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct In<T>(pub T);

impl<T: Notation> FromStr for In<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        T::read(text).map(Self)
    }
}

impl<'de, T: Notation> Deserialize<'de> for In<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);

        impl<T: Notation> serde::de::Visitor<'_> for Visitor<T> {
            type Value = In<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::ABOUT)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<In<T>, E> {
                T::read(text).map(In).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<In<T>, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<In<T>, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<In<T>, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(Visitor(std::marker::PhantomData))
    }
}

impl<T: Notation> JsonSchema for In<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"], "format": T::NAME, "description": T::ABOUT})
    }
}

impl Notation for Quantity {
    const NAME: &'static str = "Quantity";
    const ABOUT: &'static str = "A Kubernetes quantity, such as 250m, 310715486n, 1.5, 64Mi or 2G.";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: k8s_text::quantity::QuantityError| error.to_string())
    }
}

impl Notation for Probability {
    const NAME: &'static str = "Probability";
    const ABOUT: &'static str = "A probability from 0 to 1, such as 0.25.";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: fake_kubelet::ProbabilityError| error.to_string())
    }
}

/// A share of something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

impl Notation for Share {
    const NAME: &'static str = "Share";
    const ABOUT: &'static str = "A share in percent, such as 2% or 0.5%.";

    fn read(text: &str) -> Result<Self, String> {
        text.strip_suffix('%')
            .and_then(|number| number.parse::<f64>().ok())
            .filter(|number| number.is_finite() && *number >= 0.0)
            .map(|number| Self(number / 100.0))
            .ok_or_else(|| format!("{text:?} is not a share: write it in percent, such as 2%"))
    }
}

impl Notation for Duration {
    const NAME: &'static str = "Duration";
    const ABOUT: &'static str = "A duration in Go's notation, such as 15s, 1m30s or 250ms.";

    fn read(text: &str) -> Result<Self, String> {
        duration::parse(text).map_err(|error| error.to_string())
    }
}

impl Notation for jiff::Timestamp {
    const NAME: &'static str = "Timestamp";
    const ABOUT: &'static str = "A moment in RFC 3339 notation, such as 2019-01-04T09:53:00Z.";

    fn read(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("{text:?} is not a moment: write it as 2019-01-04T09:53:00Z"))
    }
}

impl Notation for IpAddr {
    const NAME: &'static str = "IPAddress";
    const ABOUT: &'static str = "An IPv4 or IPv6 address, such as 10.200.100.215 or fd00::215.";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!("{text:?} is not an IP address: write one such as 10.200.100.215 or fd00::215")
        })
    }
}
