//! `fake-kubelet run`.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use cluster_format::AddressType;
use kube::Client;
use net::Doors;
use parking_lot::Mutex;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};

use super::{ProgramError, client_ca, cluster_flags::ClusterFlags};
use crate::{
    api_server::LocalApiServer,
    auth::{ApiServerReviewer, DenyAll, Reviewer},
    certificates::Certificates,
    cluster::{NodeController, Ownership, Placement, delete_all, namespace_reference},
    config::{ClusterConfig, Config, Hosting},
    config_reload::Reloader,
    fleet::Fleet,
    kubelet::Dependencies,
    random::hex,
};

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// Which kubelets to run, in YAML. The fleet follows changes of the file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Run without a cluster, with an API server on a loopback port, and write to this folder what
    /// others need: `kubeconfig`, the kubelets' CA as `ca.crt`, and `nodes`, a line each of name,
    /// address and port.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["kubeconfig", "in_cluster"])]
    out: Option<PathBuf>,
    /// The port of that API server. Default: any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0, requires = "out")]
    api_port: u16,
    /// The nodes' address, where the cluster reaches this program: their ExternalIP, unless the
    /// configuration has another cluster.addressType.
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// The Namespace that owns the nodes and pods: the cluster's garbage collector deletes them when
    /// it is deleted, where this program no longer may or can.
    #[arg(long, value_name = "NAME", conflicts_with = "out")]
    owner_namespace: Option<String>,
    /// Keep nodes and pods in the cluster at the end, for a later run of the same owner, which takes
    /// them over and deletes those that its configuration does not have.
    #[arg(long, conflicts_with = "out")]
    keep: bool,
    /// Accept client certificates that these CAs have signed. Default: the CAs that the cluster
    /// publishes in kube-system/extension-apiserver-authentication; without a cluster the fleet's own,
    /// which with --out is accepted in any case.
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,
    /// Where to write the CA of kubelets with `certificate: Signed`, in PEM.
    #[arg(long, value_name = "FILE")]
    write_ca: Option<PathBuf>,
}

// === impl Run ===

impl Run {
    #[allow(clippy::print_stdout, reason = "a program talks to the terminal")]
    pub(super) async fn run(self) -> Result<(), ProgramError> {
        let mut interrupted = signal(SignalKind::interrupt()).map_err(ProgramError::Signals)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(ProgramError::Signals)?;
        let doors = Doors::host();
        // Before the configuration: a change that comes meanwhile is then not overlooked.
        let text = fs::read_to_string(&self.config).unwrap_or_default();
        let config = Config::read(&self.config, doors.clock.now())?;
        let named = self.cluster.explicit_client().await?;
        let certificates = Arc::new(self.certificates(named.as_ref(), &doors).await?);
        let local = match &self.out {
            Some(_) => Some(LocalApiServer::start(self.api_port, &doors, &certificates).await?),
            None => None,
        };
        let client = match &local {
            Some(local) => Some(local.client()),
            None => named,
        };
        let cluster = match (&config.cluster, &local) {
            (Some(cluster), _) => Some(cluster.clone()),
            (None, Some(_)) => Some(ClusterConfig::default()),
            (None, None) => None,
        };
        let cluster = match (cluster, &client) {
            (Some(cluster), Some(client)) => Some((cluster, client.clone())),
            (Some(_), None) => return Err(ProgramError::NoCluster),
            (None, _) => None,
        };
        let surroundings = Dependencies {
            doors: doors.clone(),
            certificates: Arc::clone(&certificates),
            reviewer: reviewer(&config, client)?,
            observer: Arc::new(()),
        };
        let hosting = Hosting { pods_from_cluster: cluster.is_some(), address: self.address };
        let specs = config.specs(&self.config, doors.clock.now(), hosting)?;
        let fleet = Arc::new(Fleet::start(specs, surroundings).await?);
        self.write_authority(&certificates)?;
        let controller = match cluster {
            Some((cluster, client)) => {
                let controller =
                    self.node_controller(&config, &cluster, client, &fleet, &doors).await?;
                Some(Arc::new(controller))
            }
            None => None,
        };
        if let Some(local) = &local {
            config.nodes().for_each(|node| local.add_namespaces(&node.node.pods));
        }
        let reloader = Reloader {
            file: &self.config,
            fleet: &fleet,
            clock: &doors.clock,
            hosting,
            controller: controller.as_deref(),
            local: local.as_ref().zip(self.out.as_deref()),
        };
        let live = async {
            if let Some(controller) = &controller {
                controller.register().await?;
                if self.keep {
                    controller.delete_leftovers().await?;
                }
            }
            self.write_out(local.as_ref(), &certificates, &reloader)?;
            for kubelet in fleet.all() {
                for address in kubelet.listens_on().await {
                    println!("{} https://{address}/metrics/resource", kubelet.name());
                }
            }
            println!("{} kubelets are up", fleet.all().len());
            match &controller {
                Some(controller) => {
                    tokio::join!(reloader.run(text, config), controller.run());
                }
                None => reloader.run(text, config).await,
            }
            Ok(())
        };
        let ended = tokio::select! {
            biased;
            _ = interrupted.recv() => Ok(()),
            _ = terminated.recv() => Ok(()),
            ended = live => ended,
        };
        // Those of a run that could not begin go in any case.
        let keep = local.is_some() || (self.keep && ended.is_ok());
        if let Some(controller) = controller.as_deref().filter(|_| !keep) {
            let deleted = delete_all(&controller.client, &controller.ownership).await?;
            println!("{deleted}");
        }
        fleet.stop().await;
        ended
    }

    async fn certificates(
        &self,
        cluster: Option<&Client>,
        doors: &Doors,
    ) -> Result<Certificates, ProgramError> {
        let certificates = Certificates::new(doors.clock.now())?;
        let clients = match (&self.client_ca_file, cluster) {
            (Some(file), _) => Some(client_ca::of_file(file)?),
            (None, Some(cluster)) => client_ca::of_cluster(cluster).await,
            (None, None) => None,
        };
        let Some(mut clients) = clients else { return Ok(certificates) };
        if self.out.is_some() {
            // The API server's local client certificate is signed by it.
            clients.push(certificates.cluster().certificate().clone());
        }
        Ok(certificates.with_client_authorities(clients))
    }

    async fn node_controller(
        &self,
        config: &Config,
        cluster: &ClusterConfig,
        client: Client,
        fleet: &Arc<Fleet>,
        doors: &Doors,
    ) -> Result<NodeController, ProgramError> {
        let namespace = match &self.owner_namespace {
            Some(name) => Some(namespace_reference(&client, name).await?),
            None => None,
        };
        let (owner, instance) = (cluster.owner().to_owned(), Some(hex::<8>()?));
        let local = self.out.is_some();
        let address_type = if local { AddressType::InternalIp } else { AddressType::ExternalIp };
        let controller = NodeController {
            client,
            ownership: Ownership { owner, instance, namespace },
            fleet: Arc::clone(fleet),
            clock: doors.clock.clone(),
            placement: Placement {
                address: self.address.or(cluster.address.map(|address| address.0)),
                unspecified: local.then_some(Ipv4Addr::LOCALHOST.into()),
                address_type: cluster.address_type.unwrap_or(address_type),
            },
            nodes: Mutex::default(),
            changed: Notify::new(),
            heartbeat: cluster.heartbeat(),
            first_pod_ip: cluster.first_pod_ip(),
            folder: self.config.parent().unwrap_or(Path::new("")).to_owned(),
            uids: Mutex::default(),
        };
        for config in config.nodes() {
            let node = config.node.name.clone();
            let Some(kubelet) = fleet.get(&node) else { continue };
            let Some(placed) = controller.place(&kubelet, config).await else {
                return Err(ProgramError::NoAddress { node });
            };
            controller.nodes.lock().insert(node, Arc::new(placed));
        }
        Ok(controller)
    }

    fn write_authority(&self, certificates: &Certificates) -> Result<(), ProgramError> {
        let Some(file) = &self.write_ca else { return Ok(()) };
        write(file, &certificates.cluster().pem())
    }

    fn write_out(
        &self,
        local: Option<&LocalApiServer>,
        certificates: &Certificates,
        reloader: &Reloader<'_>,
    ) -> Result<(), ProgramError> {
        let (Some(folder), Some(local)) = (&self.out, local) else { return Ok(()) };
        let failed = |source| ProgramError::Write { file: folder.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        write(&folder.join("ca.crt"), &certificates.cluster().pem())?;
        reloader.write_nodes().map_err(failed)?;
        // Written last, so that the other files are there once it exists.
        local.write_kubeconfig(&folder.join("kubeconfig")).map_err(failed)
    }
}

fn reviewer(config: &Config, client: Option<Client>) -> Result<Arc<dyn Reviewer>, ProgramError> {
    match (config.first_with_webhook(), client) {
        (None, _) => Ok(Arc::new(DenyAll)),
        (Some(_), Some(client)) => Ok(Arc::new(ApiServerReviewer::new(client))),
        (Some(node), None) => Err(ProgramError::NoKubeconfig { node: node.to_owned() }),
    }
}

fn write(file: &Path, text: &str) -> Result<(), ProgramError> {
    fs::write(file, text).map_err(|source| ProgramError::Write { file: file.to_owned(), source })
}
