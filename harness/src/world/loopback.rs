//! The same cluster for real on this machine: an API server on 127.0.0.1, every kubelet on a
//! loopback address of its own, each DNS server on a port of its own, and the metrics server as a
//! process.
//!
//! This machine does not have the addresses in the file: each one is replaced by a loopback
//! address, wherever it occurs. Times are moved so that the cluster starts now.

mod free_addresses;
mod relocate;

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use fake_apiserver::{Credential, kubeconfig};
use net::{Clock, HostNetwork, Network, Random};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

pub use self::free_addresses::AddressError;
use self::free_addresses::find_addresses;
use super::{
    WorldError,
    cluster::{Cluster, Environment},
    files::Files,
    identities,
    installed::Installed,
    name_server::serve_names,
    pod_dns::resolv_conf,
    task::Task,
    token::AccountToken,
};
use crate::{
    events::What,
    file::{
        ScenarioFile,
        format::{Change, ResolvConf},
    },
};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How many lines of its log are kept.
const LOGGED: usize = 10_000;

/// Takes each line that the metrics server logs.
type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

/// A cluster on this machine with the metrics server in it.
pub struct Loopback {
    cluster: Cluster,
    file: ScenarioFile,
    folder: TempDir,
    files: Files,
    token: AccountToken,
    program: PathBuf,
    server: Option<Child>,
    server_port: u16,
    log: LogSink,
    /// The last lines of the log, which the API server shows as its pod's.
    logged: Arc<Mutex<VecDeque<String>>>,
    _dns: Vec<Task>,
    /// Where the cluster's name servers are on this machine.
    name_servers: BTreeMap<IpAddr, SocketAddr>,
}

// === impl Loopback ===

impl Loopback {
    /// Builds the cluster and starts `program` as its metrics server, whose log goes to `log`.
    /// `log`.
    pub async fn build(
        file: &ScenarioFile,
        program: &Path,
        log: LogSink,
    ) -> Result<Self, WorldError> {
        let clock = Clock::system();
        let start = clock.now();
        let mut file = file.clone();
        file.scenario.spec = find_addresses(&file.scenario.spec, start).await?;
        let environment = Environment {
            start,
            clock,
            random: Random::from_os(),
            network_of: Arc::new(|_| Arc::new(HostNetwork) as Arc<dyn Network>),
            api_server: SocketAddr::new(LOCALHOST, 0),
            client: LOCALHOST,
        };
        let mut cluster = Cluster::build(&file, environment).await?;
        let (mut dns, mut name_servers) = (Vec::new(), BTreeMap::new());
        for server in file.scenario.spec.dns.addresses() {
            let at = SocketAddr::new(LOCALHOST, 0);
            let zone = cluster.zone().clone();
            let (running, address) = serve_names(&HostNetwork, at, server, zone).await?;
            dns.push(running);
            name_servers.insert(server, address);
        }
        let server_port = free_port().await?;
        cluster.aggregate(SocketAddr::new(LOCALHOST, server_port))?;
        let folder = TempDir::new().map_err(WorldError::File)?;
        let mut files = Files::new(&file.scenario.spec.server, cluster.certificates(), start)?;
        let token = AccountToken::new(folder.path())?;
        let said = file.scenario.spec.server.kubeconfig.as_deref();
        files.write_kubeconfig(said, cluster.environment.api_server, &token)?;
        let mut world = Self {
            cluster,
            folder,
            files,
            token,
            program: program.to_owned(),
            server: None,
            server_port,
            log,
            logged: Arc::default(),
            _dns: dns,
            name_servers,
            file,
        };
        world.write_files()?;
        let installed = Installed {
            spec: &world.file.scenario.spec,
            changes: Vec::new(),
            nodes: &world.cluster.nodes,
            ready: None,
        };
        let logged = Arc::clone(&world.logged);
        let log = move || logged.lock().iter().fold(String::new(), |text, line| text + line + "\n");
        installed.add(world.cluster.api_server(), Box::new(log))?;
        let args = world.file.scenario.spec.server.args.clone();
        world.start_server(&args).await?;
        Ok(world)
    }

    /// The scenario with the addresses and times it has here.
    pub fn file(&self) -> &ScenarioFile {
        &self.file
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Where a file is that the metrics server's flags name: `files.<name>`.
    pub fn file_path(&self, name: &str) -> PathBuf {
        self.files.path(name)
    }

    /// Where the API server listens.
    pub fn api_server(&self) -> SocketAddr {
        self.cluster.environment.api_server
    }

    /// Applies a step's change.
    pub async fn change(&mut self, change: &Change) -> Result<(), WorldError> {
        self.cluster.change(change).await?;
        if let Some(server) = &change.server {
            self.files.change(&server.files, self.cluster.certificates())?;
            let said = server.kubeconfig.as_deref();
            self.files.write_kubeconfig(said, self.cluster.environment.api_server, &self.token)?;
            if let Some(said) = &server.resolv_conf {
                self.write_resolv_conf(said)?;
            }
            if let Some(changed) = server.token {
                self.token.change(changed, self.cluster.api_server())?;
            }
        }
        if change.server.as_ref().is_some_and(|server| server.terminated) {
            self.stop_server().await;
        }
        if let Some(args) = change.server.as_ref().and_then(|server| server.args.as_ref()) {
            self.start_server(args).await?;
        }
        Ok(())
    }

    /// Waits until the metrics server ends without being stopped, and returns how. For ever when it
    /// does not run.
    pub async fn server_ended(&mut self) -> String {
        let Some(server) = &mut self.server else { return std::future::pending().await };
        let how = match server.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        self.server = None;
        self.cluster.timeline().add(What::Ended { text: how.clone() });
        how
    }

    fn write_files(&self) -> Result<(), WorldError> {
        let url = format!("https://{}", self.api_server());
        let authority = self.cluster.authority_pem();
        let config = |credential| kubeconfig(&url, &authority, credential);
        for (name, text) in [
            ("kubeconfig", config(Credential::Token(identities::ADMIN_TOKEN))),
            ("metrics-server.kubeconfig", config(Credential::TokenFile(self.token.file()))),
            ("ca.crt", authority.clone()),
        ] {
            self.write(name, text)?;
        }
        self.write_resolv_conf(&self.file.scenario.spec.server.resolv_conf)
    }

    fn write_resolv_conf(&self, said: &ResolvConf) -> Result<(), WorldError> {
        let dns = &self.file.scenario.spec.dns;
        self.write("resolv.conf", resolv_conf(dns, said, &self.name_servers))
    }

    fn write(&self, name: &str, text: String) -> Result<(), WorldError> {
        fs::write(self.folder.path().join(name), text).map_err(WorldError::File)
    }

    async fn start_server(&mut self, args: &[String]) -> Result<(), WorldError> {
        self.stop_server().await;
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let account = || format!("--kubeconfig={}", path("metrics-server.kubeconfig"));
        let kubeconfig = self.files.kubeconfig_flag().unwrap_or_else(account);
        let mut server = Command::new(&self.program)
            .arg(format!("--cert-dir={}", path("certificates")))
            .args(args.iter().map(|arg| self.files.fill_in(arg)))
            .arg(kubeconfig)
            .arg(format!("--resolv-conf={}", path("resolv.conf")))
            .arg(format!("--secure-port={}", self.server_port))
            .arg(format!("--bind-address={LOCALHOST}"))
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| WorldError::Program {
                program: self.program.display().to_string(),
                source,
            })?;
        if let Some(stderr) = server.stderr.take() {
            let (log, logged) = (self.log.clone(), Arc::clone(&self.logged));
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    log(&line);
                    let mut logged = logged.lock();
                    if logged.len() >= LOGGED {
                        logged.pop_front();
                    }
                    logged.push_back(line);
                }
            });
        }
        self.server = Some(server);
        Ok(())
    }

    async fn stop_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It may have ended already: then there is no process to kill.
            drop(server.kill().await);
        }
    }
}

/// A free port.
async fn free_port() -> Result<u16, WorldError> {
    let address = SocketAddr::new(LOCALHOST, 0);
    let listen = async { TcpListener::bind(address).await?.local_addr() };
    let failed = |source| WorldError::Listen { what: "the metrics server", address, source };
    Ok(listen.await.map_err(failed)?.port())
}
