//! A real `kube-apiserver` on a real `etcd`, for the length of a test.

use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use fake_apiserver::{Credential, kubeconfig};
use fake_kubelet::{Authority, Identity, Subject, Validity};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use net::Clock;
use tempfile::TempDir;

use super::program::PATIENCE;

/// Names the folder with the programs, as envtest has made it a custom.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// Who did what, for all requests.
const AUDIT: &str =
    r#"{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}"#;

/// Ports are free when they are chosen, and may be taken a moment later.
const ATTEMPTS: usize = 3;

/// A program that is killed at the end of the test.
pub(crate) struct Killed(pub(crate) Child);

/// An API server whose administrator is the test.
pub(crate) struct RealCluster {
    pub(crate) client: Client,
    pub(crate) port: u16,
    api_server: Killed,
    _etcd: Killed,
    etcd_port: u16,
    programs: PathBuf,
    ca: Authority,
    /// Dropped last, as the programs write to it.
    pub(crate) folder: TempDir,
}

// === impl Killed ===

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Killed {
    /// A program whose log is a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        Self(child.unwrap())
    }

    fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

// === impl RealCluster ===

impl RealCluster {
    /// An API server that is ready; `None`, with the reason printed, where there is none to start.
    pub(crate) async fn start() -> Option<Self> {
        let programs = programs()?;
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            match Self::attempt(&programs).await {
                Ok(cluster) => return Some(cluster),
                Err(log) => said = log,
            }
        }
        panic!("kube-apiserver does not start: {said}");
    }

    /// The log of an API server that has ended is the error.
    async fn attempt(programs: &Path) -> Result<Self, String> {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        let now = Clock::system().now();
        let ca = Authority::new("kubernetes", now).unwrap();
        fs::write(at("ca.crt"), ca.pem()).unwrap();
        let localhost = vec![Ipv4Addr::LOCALHOST.into()];
        let subject =
            Subject { common_name: "kube-apiserver".into(), addresses: localhost, ..no_one() };
        let validity = Validity::year_from_an_hour_before(now);
        write(folder.path(), "serving", &ca.serving(&subject, validity).unwrap());
        // Any key will do for the tokens of service accounts.
        write(folder.path(), "service-accounts", &client(&ca, "service-accounts", None));
        let admin = client(&ca, "admin", Some("system:masters"));
        write(
            folder.path(),
            "kubelet-client",
            &client(&ca, "kube-apiserver-kubelet-client", Some("system:masters")),
        );
        fs::write(at("audit.yaml"), AUDIT).unwrap();
        write_front_proxy(folder.path(), &Authority::new("front-proxy-ca", now).unwrap());

        let [port, etcd_port, peer_port] = free_ports();
        let url = format!("https://127.0.0.1:{port}");
        let (certificate, key) = (admin.chain_pem(), admin.key_pem());
        let credential = Credential::Certificate { certificate: &certificate, key: &key };
        fs::write(at("kubeconfig"), kubeconfig(&url, &ca.pem(), credential)).unwrap();
        let config = Kubeconfig::read_from(at("kubeconfig")).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
        let client = Client::try_from(config).unwrap();

        let etcd = etcd(programs, folder.path(), (etcd_port, peer_port));
        let api_server = api_server(programs, folder.path(), (port, etcd_port));
        let mut cluster = Self {
            client,
            port,
            api_server,
            _etcd: etcd,
            etcd_port,
            programs: programs.to_owned(),
            ca,
            folder,
        };
        if cluster.ready().await { Ok(cluster) } else { Err(cluster.log("kube-apiserver.log")) }
    }

    /// Stops the API server, and starts it again with a front proxy that another CA has signed.
    pub(crate) async fn restart_with_new_front_proxy(&mut self) {
        let _ = self.api_server.0.kill();
        let _ = self.api_server.0.wait();
        let authority = Authority::new("front-proxy-ca-2", Clock::system().now()).unwrap();
        write_front_proxy(self.folder.path(), &authority);
        let ports = (self.port, self.etcd_port);
        self.api_server = api_server(&self.programs, self.folder.path(), ports);
        assert!(self.ready().await, "{}", self.log("kube-apiserver.log"));
    }

    /// Whether it has become ready: `false` if it has ended.
    async fn ready(&mut self) -> bool {
        let (client, api_server) = (self.client.clone(), &mut self.api_server);
        let ready = async {
            while api_server.runs() {
                // It makes its namespaces once it is ready.
                let request = http::Request::get("/api/v1/namespaces/kube-node-lease");
                let request = request.body(Vec::new()).unwrap();
                let namespace = client.request_text(request).await;
                let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
                if namespace.is_ok() && client.request_text(request).await.is_ok() {
                    return true;
                }
                tokio::task::yield_now().await;
            }
            false
        };
        let ready = tokio::time::timeout(PATIENCE, ready).await;
        ready.unwrap_or_else(|_| panic!("{}", self.log("kube-apiserver.log")))
    }

    /// A file in its folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// What was written to a file in its folder.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A kubeconfig with this token, as a file in its folder.
    pub(crate) fn write_kubeconfig(&self, name: &str, token: &str) {
        let url = format!("https://127.0.0.1:{}", self.port);
        let config = kubeconfig(&url, &self.ca.pem(), Credential::Token(token));
        fs::write(self.path(name), config).unwrap();
    }

    /// The API server's response to the administrator, or to the impersonated user.
    pub(crate) async fn get(&self, path: &str, acting_as: Option<&str>) -> (u16, String) {
        let mut request = http::Request::get(path);
        if let Some(user) = acting_as {
            request = request.header("Impersonate-User", user);
        }
        let answer = self.client.send(request.body(kube::client::Body::empty()).unwrap()).await;
        let (head, body) = answer.unwrap().into_parts();
        let body = body.collect_bytes().await.unwrap();
        (head.status.as_u16(), String::from_utf8_lossy(&body).into_owned())
    }
}

/// The folder with the programs.
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn programs() -> Option<PathBuf> {
    let Some(folder) = env::var_os(ASSETS).map(PathBuf::from) else {
        println!("skipped: {ASSETS} names no folder with kube-apiserver and etcd");
        return None;
    };
    for name in ["kube-apiserver", "etcd"] {
        if !folder.join(name).is_file() {
            println!("skipped: {ASSETS} is {}, where there is no {name}", folder.display());
            return None;
        }
    }
    Some(folder)
}

fn etcd(programs: &Path, folder: &Path, (port, peer_port): (u16, u16)) -> Killed {
    let (client, peer) =
        (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer_port}"));
    let mut command = Command::new(programs.join("etcd"));
    command
        .arg("--data-dir")
        .arg(folder.join("etcd"))
        .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
        .args(["--initial-cluster", &format!("default={peer}")]);
    Killed::start(&mut command, &folder.join("etcd.log"))
}

fn api_server(programs: &Path, folder: &Path, (port, etcd_port): (u16, u16)) -> Killed {
    let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    let mut command = Command::new(programs.join("kube-apiserver"));
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"))
        .args(["--bind-address=127.0.0.1", &format!("--secure-port={port}")])
        // The Service `kubernetes` has no working endpoint: no test uses it.
        .args(["--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none"])
        .args(["--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC"])
        // There is no controller to make service accounts, so pods must do without.
        .arg("--disable-admission-plugins=ServiceAccount")
        .arg(file("client-ca-file", "ca.crt"))
        .arg(file("tls-cert-file", "serving.crt"))
        .arg(file("tls-private-key-file", "serving.key"))
        .arg(file("kubelet-client-certificate", "kubelet-client.crt"))
        .arg(file("kubelet-client-key", "kubelet-client.key"))
        // kubeadm's.
        .arg("--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname")
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(file("service-account-key-file", "service-accounts.crt"))
        .arg(file("service-account-signing-key-file", "service-accounts.key"))
        .arg(file("proxy-client-cert-file", "front-proxy.crt"))
        .arg(file("proxy-client-key-file", "front-proxy.key"))
        .arg(file("requestheader-client-ca-file", "front-proxy-ca.crt"))
        .args(["--requestheader-allowed-names=front-proxy-client"])
        .args(["--requestheader-username-headers=X-Remote-User"])
        .args(["--requestheader-uid-headers=X-Remote-Uid"])
        .args(["--requestheader-group-headers=X-Remote-Group"])
        .args(["--requestheader-extra-headers-prefix=X-Remote-Extra-"])
        .arg(file("audit-log-path", "audit.log"))
        .arg(file("audit-policy-file", "audit.yaml"));
    Killed::start(&mut command, &folder.join("kube-apiserver.log"))
}

fn no_one() -> Subject {
    Subject::default()
}

fn client(ca: &Authority, name: &str, group: Option<&str>) -> Identity {
    let organization = group.map(str::to_owned);
    let subject = Subject { common_name: name.to_owned(), organization, ..no_one() };
    ca.client(&subject, Validity::year_from_an_hour_before(Clock::system().now())).unwrap()
}

/// The certificate with which the API server passes requests on, and the CA that has signed it.
fn write_front_proxy(folder: &Path, authority: &Authority) {
    write(folder, "front-proxy", &client(authority, "front-proxy-client", None));
    fs::write(folder.join("front-proxy-ca.crt"), authority.pem()).unwrap();
}

fn write(folder: &Path, name: &str, identity: &Identity) {
    fs::write(folder.join(format!("{name}.crt")), identity.chain_pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), identity.key_pem()).unwrap();
}

/// Different ones, as they are all held until the last is known.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
