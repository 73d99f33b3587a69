//! The form of certificates.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::values::{In, Notation};

/// The version and key of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct X509 {
    /// Its version. Version 1 has no place for names and IP addresses: openssl makes it where it is
    /// asked for no extension. Default: 3.
    pub version: Option<In<X509Version>>,
    /// Its key. Default: P-256.
    pub key: Option<KeyKind>,
    /// How many certificates of CAs are sent after it that have the name of its issuer and have not
    /// signed it: each costs a client that tries it a signature check. Default: none.
    #[serde(default)]
    pub intermediates: u8,
}

/// A version of X.509.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum X509Version {
    /// Without extensions.
    V1,
    /// With them.
    #[default]
    V3,
}

/// Kinds of key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub enum KeyKind {
    /// ECDSA on P-256.
    #[default]
    #[serde(rename = "P-256")]
    P256,
    /// ECDSA on P-384.
    #[serde(rename = "P-384")]
    P384,
    /// ECDSA on P-521.
    #[serde(rename = "P-521")]
    P521,
    /// Ed25519.
    Ed25519,
    /// RSA with 2,048 bits.
    #[serde(rename = "RSA-2048")]
    Rsa2048,
}

// === impl X509 ===

impl X509 {
    /// The version.
    pub fn version(self) -> X509Version {
        self.version.map(|version| version.0).unwrap_or_default()
    }

    /// The kind of its key.
    pub fn key(self) -> KeyKind {
        self.key.unwrap_or_default()
    }
}

impl Notation for X509Version {
    const NAME: &'static str = "X509Version";
    const ABOUT: &'static str = "A version of X.509: 1 or 3.";

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "1" => Ok(Self::V1),
            "3" => Ok(Self::V3),
            _ => Err(format!(
                "{text:?} is not a version that certificates are made in: write 1 or 3"
            )),
        }
    }
}
