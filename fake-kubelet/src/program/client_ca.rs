//! The CAs that sign the certificates of clients: of a file, or those of the cluster.

use std::{fs, path::Path};

use fake_apiserver::authentication_config::{NAME, NAMESPACE};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::ProgramError;

/// The key of the ConfigMap.
const KEY: &str = "client-ca-file";

/// The CAs of `--client-ca-file`.
pub(super) fn of_file(file: &Path) -> Result<Vec<CertificateDer<'static>>, ProgramError> {
    let failed = |reason: String| ProgramError::ClientCa { file: file.to_owned(), reason };
    let pem = fs::read(file).map_err(|error| failed(error.to_string()))?;
    parse(&pem).map_err(failed)
}

/// The CAs that the API server publishes. One of them has signed its own certificate, with which it
/// forwards `nodes/NAME/proxy` to kubelets. `None`, and a warning, where they cannot be read.
pub(super) async fn of_cluster(client: &Client) -> Option<Vec<CertificateDer<'static>>> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let found = match maps.get(NAME).await {
        Ok(map) => {
            let pem = map.data.and_then(|mut data| data.remove(KEY));
            pem.ok_or_else(|| format!("it has no {KEY}")).and_then(|pem| parse(pem.as_bytes()))
        }
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(error) => Err(error.to_string()),
    };
    found
        .inspect_err(|error| {
            tracing::warn!(configMap = %format_args!("{NAMESPACE}/{NAME}"), err = error, "Failed to read the CA of client certificates, kubectl get --raw /api/v1/nodes/NAME/proxy/metrics/resource needs --client-ca-file");
        })
        .ok()
}

fn parse(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| error.to_string())?;
    if all.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(all) }
}
