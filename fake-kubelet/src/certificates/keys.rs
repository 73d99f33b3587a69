use std::{collections::BTreeMap, sync::Arc};

use cluster_format::KeyKind;
use parking_lot::Mutex;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256,
};

/// One key pair of each kind, made when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<BTreeMap<KeyKind, Arc<KeyPair>>>);

// === impl Keys ===

impl Keys {
    pub(super) fn get(&self, kind: KeyKind) -> Result<Arc<KeyPair>, rcgen::Error> {
        let mut keys = self.0.lock();
        if let Some(key) = keys.get(&kind) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(new_key(kind)?);
        keys.insert(kind, Arc::clone(&key));
        Ok(key)
    }
}

pub(super) fn new_key(kind: KeyKind) -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(match kind {
        KeyKind::P256 => &PKCS_ECDSA_P256_SHA256,
        KeyKind::P384 => &PKCS_ECDSA_P384_SHA384,
        KeyKind::P521 => &PKCS_ECDSA_P521_SHA512,
        KeyKind::Ed25519 => &PKCS_ED25519,
        KeyKind::Rsa2048 => &PKCS_RSA_SHA256,
    })
}
