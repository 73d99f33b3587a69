//! A cluster on this machine for tests of the program.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
};

use harness::{file::ScenarioFile, world::Loopback};
use tokio::{runtime::Builder, sync::oneshot};

/// Flags of another metrics server in that cluster, with `kubeconfig` in its folder.
pub(super) const FLAGS: [&str; 6] = [
    "--kubeconfig=kubeconfig",
    "--kubelet-insecure-tls",
    "--metric-resolution=10s",
    "--kubelet-request-timeout=5s",
    "--bind-address=127.0.0.1",
    "--cert-dir=certificates",
];

/// A cluster with a metrics server in it, beside the test, until dropped.
pub(super) struct World {
    pub(super) kubeconfig: PathBuf,
    pub(super) api_server: SocketAddr,
    pub(super) client_key: PathBuf,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

// === impl World ===

impl World {
    pub(super) fn start(file: ScenarioFile, log: Arc<Mutex<String>>) -> Self {
        let (sender, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let write =
                    Arc::new(move |line: &str| *log.lock().unwrap() += &[line, "\n"].concat());
                let program = Path::new(env!("CARGO_BIN_EXE_metrics-server"));
                let world = Loopback::build(&file, program, write).await.unwrap();
                let (end, ended) = oneshot::channel();
                let (kubeconfig, client_key) =
                    (world.kubeconfig(), world.file_path("files.clientKey"));
                let api_server = world.api_server();
                sender.send((kubeconfig, api_server, client_key, end)).unwrap();
                // It is dropped when the test is over.
                ended.await.unwrap_err();
            });
        });
        let (kubeconfig, api_server, client_key, end) = started.recv().unwrap();
        Self { kubeconfig, api_server, client_key, end: Some(end), thread: Some(thread) }
    }
}

impl Drop for World {
    /// Waits for the metrics server's end: nothing ends it after this process.
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The token in a kubeconfig.
pub(super) fn token(kubeconfig: &Path) -> String {
    let text = fs::read_to_string(kubeconfig).unwrap();
    let line = text.lines().find(|line| line.contains("token")).unwrap();
    line.rsplit([':', ' ']).next().unwrap().trim_matches(['"', '\'', '}', ',']).to_owned()
}
