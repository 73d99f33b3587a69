//! The server under test as a process.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use k8s_text::duration;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{Instant, sleep},
};

use super::{
    BenchError, ClusterProcess, Scrapes,
    process::{self, Memory},
};
use crate::world::KUBECONFIG;

/// How often the server is looked at.
const LOOK: Duration = Duration::from_millis(20);

const LOG: &str = "server.log";

/// How much of the log an error shows, in lines.
const LAST_LINES: usize = 15;

/// A running metrics server. Dropping it ends it.
pub(crate) struct ServerProcess {
    program: PathBuf,
    log: PathBuf,
    child: Child,
    pub(crate) address: SocketAddr,
}

// === impl ServerProcess ===

impl ServerProcess {
    /// Starts `program` in the cluster whose kubeconfig is in `folder`.
    pub(crate) async fn start(
        program: &Path,
        args: &[String],
        resolution: Duration,
        folder: &Path,
    ) -> Result<Self, BenchError> {
        let address = free_address().await?;
        let log = folder.join(LOG);
        let failed = |source| BenchError::Start { program: program.to_owned(), source };
        let known = flags_of(program).await.map_err(failed)?;
        let kubeconfig = folder.join(KUBECONFIG).display().to_string();
        let mut command = Command::new(program);
        command.args([
            format!("--kubeconfig={kubeconfig}"),
            format!("--secure-port={}", address.port()),
            "--kubelet-insecure-tls".to_owned(),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--metric-resolution={}", duration::format(resolution)),
        ]);
        // Not every server has these, and none of them changes what is measured.
        for (flag, value) in [
            ("--bind-address", address.ip().to_string()),
            ("--cert-dir", folder.join("certificates").display().to_string()),
            ("--authentication-kubeconfig", kubeconfig.clone()),
            ("--authorization-kubeconfig", kubeconfig.clone()),
        ] {
            if known.contains(flag) {
                command.arg(format!("{flag}={value}"));
            }
        }
        let child = command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        Ok(Self { program: program.to_owned(), log, child, address })
    }

    /// CPU seconds it has used.
    pub(crate) fn cpu(&mut self) -> Result<f64, BenchError> {
        let pid = self.pid()?;
        Ok(process::cpu(pid)?)
    }

    /// Its memory.
    pub(crate) fn memory(&mut self) -> Result<Memory, BenchError> {
        let pid = self.pid()?;
        Ok(process::memory(pid)?)
    }

    /// The most memory that is resident in that time.
    pub(crate) async fn peak_memory(&mut self, duration: Duration) -> Result<u64, BenchError> {
        let end = Instant::now() + duration;
        let mut peak = 0;
        while Instant::now() < end {
            peak = peak.max(self.memory()?.resident);
            sleep(LOOK).await;
        }
        Ok(peak)
    }

    /// Waits until kubelets of `cluster` have seen it do something, which is described by `what`.
    pub(crate) async fn until(
        &mut self,
        cluster: &mut ClusterProcess,
        what: &str,
        limit: Duration,
        done: impl Fn(&Scrapes) -> bool,
    ) -> Result<(), BenchError> {
        let deadline = Instant::now() + limit;
        while !done(&cluster.scrapes().await?) {
            // Detects a server that has ended.
            self.pid()?;
            if Instant::now() > deadline {
                let (program, what) = (self.program.clone(), what.to_owned());
                return Err(BenchError::Late { program, what, words: self.last_lines() });
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Its process, as long as that runs.
    fn pid(&mut self) -> Result<u32, BenchError> {
        let ended = |server: &Self, how| BenchError::Ended {
            program: server.program.clone(),
            how,
            words: server.last_lines(),
        };
        match self.child.try_wait()? {
            Some(how) => Err(ended(self, how.to_string())),
            None => self.child.id().ok_or_else(|| ended(self, "unnoticed".to_owned())),
        }
    }

    fn last_lines(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

/// A program's help of its flags.
async fn flags_of(program: &Path) -> io::Result<String> {
    let help = Command::new(program).arg("--help").stdin(Stdio::null()).output().await?;
    Ok(String::from_utf8_lossy(&[help.stdout, help.stderr].concat()).into_owned())
}

/// A free address.
async fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()
}
