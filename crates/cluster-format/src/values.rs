//! Values that are a string in the file, in a notation such as that of quantities or durations.

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use k8s_text::{
    duration,
    quantity::{Quantity, QuantityError},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A value that is a string in the file; a bare number is taken where it is unambiguous.
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
        text.parse().map_err(|error: QuantityError| error.to_string())
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

impl Notation for Ipv4Addr {
    const NAME: &'static str = "IPv4Address";
    const ABOUT: &'static str = "An IPv4 address, such as 10.200.100.215.";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!("{text:?} is not an IPv4 address: write one such as 10.200.100.215")
        })
    }
}

impl Notation for SocketAddr {
    const NAME: &'static str = "SocketAddress";
    const ABOUT: &'static str =
        "An IP address with a port, such as 127.0.0.1:10250 or [::1]:10250.";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!("{text:?} is not an IP address with a port: write one such as 127.0.0.1:10250 or [::1]:10250")
        })
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

/// The addresses of a network.
pub type Network = IpNet;

impl Notation for Network {
    const NAME: &'static str = "Network";
    const ABOUT: &'static str =
        "The addresses of a network, such as 10.244.0.0/16 or fd00::/64, or one address.";

    fn read(text: &str) -> Result<Self, String> {
        let one = text.parse::<IpAddr>().map(Self::from);
        one.or_else(|_| text.parse()).map_err(|_| {
            format!("{text:?} is not a network: write one such as 10.244.0.0/16, or an IP address")
        })
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

/// A probability, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u32);

// === impl Probability ===

impl Probability {
    const ONE: u32 = 1_000_000;

    /// Whether something with this probability happens, by 16 random bits.
    pub fn happens(self, random: u16) -> bool {
        u64::from(random) * u64::from(Self::ONE) < u64::from(self.0) * (u64::from(u16::MAX) + 1)
    }
}

impl Notation for Probability {
    const NAME: &'static str = "Probability";
    const ABOUT: &'static str = "A probability from 0 to 1, such as 0.25.";

    fn read(text: &str) -> Result<Self, String> {
        let value = text.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
        let value = value
            .ok_or_else(|| format!("{text:?} is not a probability: write 0 to 1, such as 0.25"))?;
        Ok(Self((value * f64::from(Self::ONE)).round() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probability_1_always_happens_and_0_never() {
        let probability = |text| Probability::read(text).unwrap();
        for random in [0, 1, u16::MAX / 2, u16::MAX] {
            assert!(probability("1").happens(random));
            assert!(!probability("0").happens(random));
        }
        assert!(probability("0.5").happens(32_767) && !probability("0.5").happens(32_768));
        for text in ["2", "-0.1", "often", "NaN"] {
            assert!(Probability::read(text).is_err(), "{text}");
        }
    }
}
