//! TLS to an API server, as a kubeconfig configures it.

use std::sync::Arc;

use ::tls::{client::TlsOptions, key_pair, pem::Certificates, x509::Authorities};
use base64::{Engine, engine::general_purpose::STANDARD};
use kube::{Config, config::AuthInfo};
use net::{Doors, DynamicFile, FileError, FileKind, FileSource};
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    pki_types::CertificateDer,
    sign::{CertifiedKey, SingleCertAndKey},
};
use secrecy::ExposeSecret;

use crate::credentials::Credentials;

const CA: FileKind =
    FileKind { name: "CA of the API server", cure: "put the API server's CA there in PEM" };
const CLIENT: FileKind = FileKind {
    name: "client certificate for the API server",
    cure: "put a client certificate and its key there in PEM",
};

/// The kubeconfig's TLS settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsOptionsError {
    /// A file that it names cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A field cannot be used.
    #[error("failed to read {field} of the kubeconfig's user: {cause}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}

/// Certificates of a file, as they are for each handshake.
#[derive(Debug)]
struct DynamicIdentity(DynamicFile<Arc<CertifiedKey>>);

/// The CA of the API server of `config`, and the client certificate for it, which may be that of
/// `credentials`. As with the Go server, kubelets get both too.
pub fn tls_options(
    config: &Config,
    credentials: &Credentials,
    doors: &Doors,
) -> Result<TlsOptions, TlsOptionsError> {
    let authorities = match (&config.root_cert_file, &config.root_cert) {
        (Some(file), _) => {
            let place = file.display().to_string();
            let source = FileSource::new("certificate-authority", file);
            doors.files.open(CA, vec![source], move |content| {
                Ok(Authorities::new(Certificates::parse(&content[0])?.logged(&place)))
            })?
        }
        (None, Some(certificates)) => {
            let certificates = certificates.iter().cloned().map(CertificateDer::from).collect();
            DynamicFile::fixed(Authorities::new(certificates))
        }
        // As Go: the machine's.
        (None, None) => {
            DynamicFile::fixed(Authorities::new(rustls_native_certs::load_native_certs().certs))
        }
    };
    let identity = identity(&config.auth_info, doors)?.or_else(|| credentials.identity());
    Ok(TlsOptions { authorities, insecure: config.accept_invalid_certs, identity })
}

/// The client certificate of `user`. As in client-go, data comes before files.
fn identity(
    user: &AuthInfo,
    doors: &Doors,
) -> Result<Option<Arc<dyn ResolvesClientCert>>, TlsOptionsError> {
    let key_data = user.client_key_data.as_ref().map(ExposeSecret::expose_secret);
    let certificate = part(
        ["client-certificate-data", "client-certificate"],
        user.client_certificate_data.as_deref(),
        user.client_certificate.as_deref(),
    )?;
    let key = part(["client-key-data", "client-key"], key_data, user.client_key.as_deref())?;
    match (certificate, key) {
        // As client-go, which does not look at a key without a certificate.
        (None, _) => Ok(None),
        (Some(Part::Data(certificate)), Some(Part::Data(key))) => {
            let pair = key_pair::parse(&certificate, &key).map_err(|malformed| {
                let field = ["client-certificate-data", "client-key-data"][malformed.index.min(1)];
                TlsOptionsError::Field { field, cause: malformed.cause }
            })?;
            Ok(Some(Arc::new(SingleCertAndKey::from(pair))))
        }
        (Some(Part::File(certificate)), Some(Part::File(key))) => {
            let sources = [certificate, key];
            let pair = key_pair::open(&doors.files, CLIENT, sources, &doors.clock, Arc::new)?;
            Ok(Some(Arc::new(DynamicIdentity(pair))))
        }
        // One in the kubeconfig, the other in a file.
        (Some(certificate), Some(key)) => {
            let (mut sources, is_data) = (Vec::new(), matches!(certificate, Part::Data(_)));
            let mut data = Vec::new();
            for part in [certificate, key] {
                match part {
                    Part::Data(text) => data = text,
                    Part::File(source) => sources.push(source),
                }
            }
            let pair = doors.files.open(CLIENT, sources, move |content| {
                let (certificate, key) =
                    if is_data { (&data, &content[0]) } else { (&content[0], &data) };
                let pair = key_pair::parse(certificate, key);
                pair.map(Arc::new).map_err(|malformed| malformed.cause.into())
            })?;
            Ok(Some(Arc::new(DynamicIdentity(pair))))
        }
        (Some(_), None) => Err(TlsOptionsError::Field {
            field: "client-key",
            cause: "there is none, and a certificate and its key go together".to_owned(),
        }),
    }
}

/// A certificate or key.
enum Part {
    Data(Vec<u8>),
    File(FileSource),
}

fn part(
    [data_field, file_field]: [&'static str; 2],
    data: Option<&str>,
    file: Option<&str>,
) -> Result<Option<Part>, TlsOptionsError> {
    let used = |text: &&str| !text.is_empty();
    if let Some(data) = data.filter(used) {
        let data =
            base64(data).map_err(|cause| TlsOptionsError::Field { field: data_field, cause })?;
        return Ok(Some(Part::Data(data)));
    }
    Ok(file.filter(used).map(|file| Part::File(FileSource::new(file_field, file))))
}

/// The bytes of a field. As in Go, line ends may be anywhere.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = text.bytes().filter(|byte| !b"\r\n".contains(byte)).collect();
    STANDARD.decode(text).map_err(|error| format!("it is not base64: {error}"))
}

// === impl DynamicIdentity ===

impl ResolvesClientCert for DynamicIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.get())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
