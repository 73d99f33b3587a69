//! `fake-kubelet record`.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use k8s_openapi::api::core::v1::Node;
use k8s_text::duration;
use kube::{Api, Client, Config};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{ProgramError, cluster_flags::ClusterFlags};
use crate::record::{RecordOptions, record};

const DEFAULT_PORT: u16 = 10250;

#[derive(Debug, clap::Args)]
pub(super) struct Record {
    /// The node whose kubelet is asked.
    #[arg(long)]
    node: String,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Ask the kubelet itself, at its node's InternalIP or ExternalIP, instead of the API server's node proxy;
    /// with the token or client certificate of the kubeconfig.
    #[arg(long)]
    direct: bool,
    /// Ask the kubelet itself, here; without any credentials where there is no kubeconfig.
    #[arg(long, value_name = "IP:PORT")]
    address: Option<SocketAddr>,
    /// The CA of the kubelet's certificate. Default: the cluster's.
    #[arg(long, value_name = "FILE")]
    kubelet_certificate_authority: Option<PathBuf>,
    /// Do not verify the kubelet's certificate.
    #[arg(long)]
    kubelet_insecure_tls: bool,
    /// How many scrapes to save.
    #[arg(long, default_value_t = 3)]
    scrapes: u32,
    /// How far apart they are.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration::parse)]
    every: Duration,
    /// The folder to save them in.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Replace the names of the node, namespaces, pods and containers, the same name by the same
    /// replacement each time.
    #[arg(long)]
    anonymize: bool,
}

// === impl Record ===

impl Record {
    #[allow(clippy::print_stdout, reason = "a program talks to the terminal")]
    pub(super) async fn run(self) -> Result<(), ProgramError> {
        let direct = self.direct || self.address.is_some();
        let client = if direct { self.kubelet().await? } else { self.cluster.client().await? };
        let options = RecordOptions {
            node: self.node,
            scrapes: self.scrapes,
            every: self.every,
            folder: self.out,
            direct,
            rename: self.anonymize,
        };
        record(&client, &options, |file| println!("{}", file.display())).await?;
        Ok(())
    }

    /// A client of the kubelet itself.
    async fn kubelet(&self) -> Result<Client, ProgramError> {
        let failed = |reason: String| ProgramError::NoKubelet { node: self.node.clone(), reason };
        let cluster = match self.cluster.config().await {
            // A kubelet that allows every request needs an address and nothing else.
            Err(_) if self.address.is_some() && self.cluster.is_unset() => None,
            found => Some(found?),
        };
        let address = if let Some(address) = self.address {
            address
        } else {
            let found = cluster.clone().ok_or_else(|| failed("there is no cluster".to_owned()))?;
            let client = Client::try_from(found);
            let nodes: Api<Node> = Api::all(client.map_err(|error| failed(error.to_string()))?);
            let node = nodes.get(&self.node).await.map_err(|error| failed(error.to_string()))?;
            address(&node).ok_or_else(|| failed("it has no InternalIP or ExternalIP".to_owned()))?
        };
        let url = format!("https://{address}").parse::<http::Uri>();
        let mut config = Config::new(url.map_err(|error| failed(error.to_string()))?);
        if let Some(cluster) = cluster {
            config.auth_info = cluster.auth_info;
            config.root_cert = cluster.root_cert;
        }
        config.accept_invalid_certs = self.kubelet_insecure_tls;
        if let Some(file) = &self.kubelet_certificate_authority {
            let pem = fs::read(file)
                .map_err(|error| failed(format!("read {}: {error}", file.display())))?;
            let authorities = CertificateDer::pem_slice_iter(&pem)
                .map(|der| der.map(|der| der.to_vec()))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| failed(format!("read {}: {error}", file.display())))?;
            config.root_cert = Some(authorities);
        }
        Client::try_from(config).map_err(|error| failed(error.to_string()))
    }
}

/// Where the kubelet of a node listens, as its Node object says.
fn address(node: &Node) -> Option<SocketAddr> {
    let status = node.status.as_ref()?;
    let of_type = |kind| status.addresses.iter().flatten().find(move |it| it.type_ == kind);
    let ip = of_type("InternalIP").or_else(|| of_type("ExternalIP"))?.address.parse().ok()?;
    let endpoints = status.daemon_endpoints.as_ref();
    let port = endpoints.and_then(|it| it.kubelet_endpoint.as_ref()).map(|it| it.port);
    let port = port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    Some(SocketAddr::new(ip, port.unwrap_or(DEFAULT_PORT)))
}
