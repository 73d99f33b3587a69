use std::{
    io,
    process::{Command, Output},
    time::Duration,
};

use tokio::time::timeout;

/// How other programs are run, such as credential plugins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Programs {
    /// While everything else goes on.
    #[default]
    Beside,
    /// While everything else stands still: of a paused clock a program takes no time.
    InNoTime,
}

// === impl Programs ===

impl Programs {
    /// Runs `command` to its end. One that takes longer than `limit` is killed, unless everything
    /// waits for it.
    pub async fn output(self, mut command: Command, limit: Duration) -> io::Result<Output> {
        match self {
            Self::InNoTime => command.output(),
            Self::Beside => {
                let mut command = tokio::process::Command::from(command);
                let output = timeout(limit, command.kill_on_drop(true).output()).await;
                output.unwrap_or_else(|_| {
                    Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("it took longer than {limit:?}"),
                    ))
                })
            }
        }
    }
}
