//! A cluster on this machine for tests of the program.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use harness::{file::ScenarioFile, world::Loopback};
use tokio::{runtime::Builder, sync::oneshot};

/// A cluster with a metrics server in it, beside the test, until dropped.
pub(super) struct World {
    pub(super) kubeconfig: PathBuf,
    pub(super) api_server: SocketAddr,
    pub(super) client_key: PathBuf,
    _end: oneshot::Sender<()>,
}

// === impl World ===

impl World {
    pub(super) fn start(file: ScenarioFile, log: Arc<Mutex<String>>) -> Self {
        let (sender, started) = mpsc::channel();
        thread::spawn(move || {
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
                sender.send(Self { kubeconfig, api_server, client_key, _end: end }).unwrap();
                // It is dropped when the test is over.
                ended.await.unwrap_err();
            });
        });
        started.recv().unwrap()
    }
}

/// The token in a kubeconfig.
pub(super) fn token(kubeconfig: &Path) -> String {
    let text = fs::read_to_string(kubeconfig).unwrap();
    let line = text.lines().find(|line| line.contains("token")).unwrap();
    line.rsplit([':', ' ']).next().unwrap().trim_matches(['"', '\'', '}', ',']).to_owned()
}
