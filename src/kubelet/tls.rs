//! TLS to kubelets, from flags and the files that they name.

use std::{path::PathBuf, sync::Arc};

use net::{Clock, DynamicFile, FileError, FileKind, FileSource, Files, Malformed};
use rustls::{ClientConfig, sign::SingleCertAndKey};
use tls::{
    client::{TlsOptions, client_config},
    key_pair,
    pem::Certificates,
    x509::Authorities,
};

const FILES: FileKind = FileKind {
    name: "certificates for kubelets",
    cure: "pass PEM files that this process may read",
};

/// The files that a client configuration is made from.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// `--kubelet-certificate-authority`.
    pub authority: Option<PathBuf>,
    /// `--kubelet-client-certificate` and `--kubelet-client-key`.
    pub identity: Option<(PathBuf, PathBuf)>,
}

// === impl TlsFiles ===

impl TlsFiles {
    /// The configuration as the files are now. What no file gives is as in `base`.
    pub fn open(
        self,
        base: TlsOptions,
        files: &Files,
        clock: &Clock,
    ) -> Result<DynamicFile<Arc<ClientConfig>>, FileError> {
        let has_authority = self.authority.is_some();
        let source = FileSource::new;
        let mut sources = Vec::new();
        sources.extend(self.authority.map(|file| source("--kubelet-certificate-authority", file)));
        if let Some((certificate, key)) = self.identity {
            sources.push(source("--kubelet-client-certificate", certificate));
            sources.push(source("--kubelet-client-key", key));
        }
        let clock = clock.clone();
        let place = sources.first().map(|source| source.path.display().to_string());
        let place = place.unwrap_or_default();
        files.open(FILES, sources, move |content| {
            let mut options = base.clone();
            let (authority, identity) = content.split_at(usize::from(has_authority));
            if let [text] = authority {
                let certificates = Certificates::parse(text)?.logged(&place);
                options.authorities = DynamicFile::fixed(Authorities::new(certificates));
            }
            if let [certificate, key] = identity {
                let index = authority.len();
                let pair = key_pair::parse(certificate, key).map_err(|malformed| Malformed {
                    index: index + malformed.index,
                    ..malformed
                })?;
                options.identity = Some(Arc::new(SingleCertAndKey::from(pair)));
            }
            client_config(options, &clock).map_err(|error| error.to_string().into())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use rcgen::{CertificateParams, KeyPair};
    use tokio::time::advance;

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["client".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[tokio::test(start_paused = true)]
    async fn rotated_files_are_used_and_broken_ones_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) =
            (directory.path().join("tls.crt"), directory.path().join("tls.key"));
        let write = |(chain, secret): &(String, String)| {
            fs::write(&certificate, chain).unwrap();
            fs::write(&key, secret).unwrap();
        };
        write(&pair());
        let files = TlsFiles {
            authority: Some(certificate.clone()),
            identity: Some((certificate.clone(), key.clone())),
        };
        let config =
            files.open(TlsOptions::default(), &Files::default(), &Clock::system()).unwrap();
        let first = config.get();
        let is_first = async || {
            advance(Duration::from_mins(1)).await;
            Arc::ptr_eq(&first, &config.get())
        };
        fs::write(&key, "half a key").unwrap();
        assert!(is_first().await, "a broken file changes nothing");
        fs::remove_file(&key).unwrap();
        assert!(is_first().await, "a missing file changes nothing");
        write(&pair());
        assert!(!is_first().await, "a new pair is used");
    }

    #[test]
    fn errors_name_the_flag_and_the_file() {
        let files = TlsFiles { authority: Some("/nowhere/ca.crt".into()), identity: None };
        let error = files.open(TlsOptions::default(), &Files::default(), &Clock::system());
        assert_eq!(
            error.unwrap_err().to_string(),
            "failed to read /nowhere/ca.crt for --kubelet-certificate-authority: no such file or directory; pass PEM files that this process may read"
        );
    }
}
