//! The program, started as its users start it.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use kube::{Client, Config, config::KubeConfigOptions, config::Kubeconfig};
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_fake-kubelet");

/// For what takes milliseconds, or a few seconds, on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A run that is killed at the end of the test.
pub(crate) struct Run {
    child: Child,
    output: BufReader<ChildStdout>,
}

#[allow(dead_code, reason = "not every test has one")]
/// A fleet with an API server of its own, in a folder of its own.
pub(crate) struct OwnFleet {
    pub(crate) folder: TempDir,
    /// How its API server is reached.
    pub(crate) config: Config,
    pub(crate) client: Client,
    _run: Run,
}

/// Another program of the workspace, where it was built beside this one; `None`, with the reason
/// printed, where it was not.
#[allow(dead_code, clippy::print_stdout, reason = "not every test needs one; a test may say it")]
pub(crate) fn beside(name: &str) -> Option<PathBuf> {
    let program = Path::new(PROGRAM).with_file_name(name);
    if !program.exists() {
        println!("skipped: {} is missing: cargo build --workspace --bins", program.display());
        return None;
    }
    Some(program)
}

impl Run {
    /// A run that is up.
    #[allow(dead_code, reason = "not every test starts one alone")]
    pub(crate) fn start(config: &Path, more: &[&str]) -> Self {
        Self::logging(config, more, Stdio::inherit())
    }

    fn logging(config: &Path, more: &[&str], log: Stdio) -> Self {
        let mut child = Command::new(PROGRAM)
            .arg("run")
            .arg("--config")
            .arg(config)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut run = Self { child, output };
        run.line_with("kubelets are up");
        run
    }

    /// The next line of its output with this in it.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it ended without: {text}");
            if line.contains(text) {
                return line;
            }
        }
    }

    #[allow(dead_code, reason = "not every test ends one")]
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    #[allow(dead_code, reason = "not every test ends one")]
    pub(crate) fn ended_well(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(dead_code, reason = "not every test has one")]
impl OwnFleet {
    /// A fleet that is up, of nodes written as YAML.
    pub(crate) async fn start(config: &str, more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("fleet.yaml");
        fs::write(&file, config).unwrap();
        let out = folder.path().to_str().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let run = Run::logging(&file, &[&["--out", out], more].concat(), log.into());
        let kubeconfig = Kubeconfig::read_from(folder.path().join("kubeconfig")).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        let client = Client::try_from(config.clone()).unwrap();
        Self { folder, config, client, _run: run }
    }

    /// A file in its folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// What a kubelet answers through the API server.
    pub(crate) async fn get(&self, node: &str, page: &str) -> Result<String, kube::Error> {
        let path = format!("/api/v1/nodes/{node}/proxy{page}");
        self.client.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await
    }

    /// What it answers when there is this in it.
    pub(crate) async fn get_until(&self, node: &str, page: &str, text: &str) -> String {
        let until = async {
            loop {
                match self.get(node, page).await {
                    Ok(answer) if answer.contains(text) => return answer,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, until).await;
        found.unwrap_or_else(|_| panic!("{node}{page} never had {text:?}"))
    }

    /// Waits until it has logged this.
    pub(crate) async fn log_until(&self, text: &str) {
        let until = async {
            while !fs::read_to_string(self.path("log")).unwrap().contains(text) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, until)
            .await
            .unwrap_or_else(|_| panic!("no log of {text:?}"));
    }
}
