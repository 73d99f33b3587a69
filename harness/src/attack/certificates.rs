//! The certificates of attackers, which no server trusts, and of the API server.

use std::{io, path::Path, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    client::ResolvesClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::AttackError;
use crate::world::{CERTIFICATE, KEY};

/// A client certificate with `count` intermediates of one name, each of which could have signed it
/// or any of the others.
pub(super) fn chain(intermediates: usize) -> Result<Arc<dyn ResolvesClientCert>, AttackError> {
    let authority = || -> Result<_, rcgen::Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok((authority_params()?.self_signed(&key)?, Issuer::new(authority_params()?, key)))
    };
    let (first, issuer) = authority()?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "system:kube-controller-manager");
    let leaf = params.signed_by(&key, &issuer)?;
    let mut certificates = vec![leaf.der().clone()];
    for _ in 1..intermediates {
        certificates.push(authority()?.0.der().clone());
    }
    // The right one comes last.
    certificates.push(first.der().clone());
    identity(certificates, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
}

/// What the API server of a cluster shows to the servers behind it.
pub(super) fn front_proxy(folder: &Path) -> Result<Arc<dyn ResolvesClientCert>, AttackError> {
    let unreadable = |error: pem::Error| AttackError::System(io::Error::other(error));
    let certificates = CertificateDer::pem_file_iter(folder.join(CERTIFICATE))
        .and_then(Iterator::collect)
        .map_err(unreadable)?;
    let key = PrivateKeyDer::from_pem_file(folder.join(KEY)).map_err(unreadable)?;
    identity(certificates, key)
}

fn identity(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<dyn ResolvesClientCert>, AttackError> {
    let certified = CertifiedKey::from_der(certificates, key, &tls::provider())?;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}

fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "kubernetes");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(params)
}
