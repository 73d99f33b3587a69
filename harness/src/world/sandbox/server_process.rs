//! The metrics server as a process in its pod.

use std::{
    collections::VecDeque,
    env,
    ffi::OsString,
    fs::File,
    io,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use super::super::{server_under_test::End, task::Task};
use crate::namespaces;

/// How many of its last lines are looked at for the reason of its end.
const LAST_LINES: usize = 200;

/// How long its last lines may take to arrive after it has ended: its child processes may hold the
/// pipe open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The least that a container's environment has.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("HOME", "/"),
    ("TZ", "UTC"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("KUBERNETES_SERVICE_PORT", "443"),
    ("KUBERNETES_SERVICE_PORT_HTTPS", "443"),
];

/// Takes each line that the metrics server logs.
pub(super) type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

/// A program that runs. Dropping it ends it.
pub(super) struct ServerProcess {
    process: u32,
    terminated: Arc<AtomicBool>,
    /// It is ended by [`Self::stop`], which is not reported as an end.
    stopped: Arc<AtomicBool>,
    ended: watch::Receiver<bool>,
    _wait: Task,
}

/// The lines that it wrote last.
#[derive(Clone, Default)]
struct LastLines(Arc<Mutex<VecDeque<String>>>);

// === impl ServerProcess ===

impl ServerProcess {
    /// Starts a program in the pod that `folder` describes. `ended` is called when it ends by
    /// itself or is terminated.
    pub(super) fn start(
        network: &File,
        folder: &Path,
        program: &Path,
        args: &[String],
        log: &LogSink,
        ended: impl FnOnce(End) + Send + 'static,
    ) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command
            .arg(crate::program::POD_COMMAND)
            .arg(folder)
            .arg("--")
            .arg(program)
            .args(args)
            .env_clear()
            .envs(ENVIRONMENT)
            .env("KUBERNETES_SERVICE_HOST", super::super::addresses::API_SERVER.ip().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = namespaces::spawn(network, &mut command)?;
        let process = child.id().ok_or_else(|| io::Error::other("it has no process"))?;
        let last = LastLines::default();
        let readers = [
            child.stdout.take().map(|stream| read(stream, log.clone(), last.clone())),
            child.stderr.take().map(|stream| read(stream, log.clone(), last.clone())),
        ];
        let terminated = Arc::new(AtomicBool::new(false));
        let was_terminated = terminated.clone();
        let stopped = Arc::new(AtomicBool::new(false));
        let was_stopped = stopped.clone();
        let (ends, has_ended) = watch::channel(false);
        let wait = Task::spawn(async move {
            let end = wait(child, readers, &last, &was_terminated).await;
            if !was_stopped.load(Relaxed) {
                ended(end);
            }
            ends.send_replace(true);
        });
        Ok(Self { process, terminated, stopped, ended: has_ended, _wait: wait })
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Ends it at once.
    pub(super) async fn stop(mut self) {
        self.stopped.store(true, Relaxed);
        if !self.has_ended() && namespaces::kill(self.process).is_ok() {
            // An error means that the receiver is gone.
            drop(self.ended.wait_for(|ended| *ended).await);
        }
    }

    /// Sends SIGTERM.
    pub(super) fn terminate(&self) -> io::Result<()> {
        self.terminated.store(true, Relaxed);
        if self.has_ended() { Ok(()) } else { namespaces::terminate(self.process) }
    }
}

async fn wait(
    mut child: Child,
    readers: [Option<JoinHandle<()>>; 2],
    last: &LastLines,
    terminated: &AtomicBool,
) -> End {
    let status = child.wait().await;
    for reader in readers.into_iter().flatten() {
        // All of its lines are there, unless another process holds the stream open.
        drop(timeout(DRAIN_TIMEOUT, reader).await);
    }
    match status {
        Ok(status) if status.success() && terminated.load(Relaxed) => End::Terminated,
        Ok(status) => End::Failed(match last.reason() {
            Some(reason) => format!("{reason} ({status})"),
            None => status.to_string(),
        }),
        Err(error) => End::Failed(error.to_string()),
    }
}

fn read(
    stream: impl AsyncRead + Send + Unpin + 'static,
    log: LogSink,
    last: LastLines,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log(&line);
            last.add(line);
        }
    })
}

/// What a pod's process becomes: [`namespaces::become_pod`].
pub(crate) fn become_server(folder: &Path, command: &[OsString]) -> io::Error {
    match command {
        [program, args @ ..] => namespaces::become_pod(folder, Path::new(program), args),
        [] => io::Error::other("no program is named"),
    }
}

// === impl LastLines ===

impl LastLines {
    fn add(&self, line: String) {
        let mut lines = self.0.lock();
        lines.push_back(line);
        if lines.len() > LAST_LINES {
            lines.pop_front();
        }
    }

    /// Why it ended: what it called an error, else its last line.
    fn reason(&self) -> Option<String> {
        let lines = self.0.lock();
        let is_error = |line: &&String| {
            let line = line.to_ascii_lowercase();
            ["error:", "panic:", "fatal"].iter().any(|word| line.starts_with(word))
        };
        let is_fatal = |line: &&String| {
            let mut chars = line.chars();
            chars.next() == Some('F') && chars.next().is_some_and(|c| c.is_ascii_digit())
        };
        let found = lines.iter().find(is_error).or_else(|| lines.iter().find(is_fatal));
        found.or(lines.back()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_an_end_is_the_programs_error_line() {
        for (lines, reason) in [
            (&[][..], None),
            (
                &["Flags:", "Error: unknown flag: --nope", "Usage:"],
                Some("Error: unknown flag: --nope"),
            ),
            (&["I1130 10:00:00 started", "panic: nil map", "goroutine 1"], Some("panic: nil map")),
            (
                &["I1130 10:00:00 started", "F1130 10:00:01 no", "I1130 10:00:01 bye"],
                Some("F1130 10:00:01 no"),
            ),
            (&["Fine", "last words"], Some("last words")),
        ] {
            let last = LastLines::default();
            for line in lines {
                last.add((*line).to_owned());
            }
            assert_eq!(last.reason().as_deref(), reason);
        }
    }
}
