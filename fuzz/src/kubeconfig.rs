use std::{fs, path::PathBuf, sync::Arc};

use kube_dial::{api_client, read_kubeconfig};
use net::{
    Clock, Doors, Files, HostNetwork, Programs, Random,
    dns::{Hosts, ResolvConf, Resolver},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static READER: Reader = Reader::new();
}

/// The file of `--kubeconfig`: refused in a line that names it, or a client comes of it unless what
/// it says of certificates cannot be used.
pub fn kubeconfig(input: &[u8]) {
    READER.with(|reader| reader.read(input));
}

struct Reader {
    runtime: Runtime,
    doors: Doors,
    resolver: Resolver,
    file: PathBuf,
    _folder: TempDir,
}

// === impl Reader ===

impl Reader {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let doors = Doors {
            clock: Clock::system(),
            network: Arc::new(HostNetwork),
            random: Random::seeded(1),
            files: Files::default(),
            programs: Programs::default(),
        };
        let resolver = Resolver::new(doors.clone(), ResolvConf::default(), Hosts::default());
        Self {
            runtime: Builder::new_current_thread().enable_time().build().expect("a runtime"),
            doors,
            resolver,
            file: folder.path().join("kubeconfig.yaml"),
            _folder: folder,
        }
    }

    fn read(&self, input: &[u8]) {
        fs::write(&self.file, input).expect("a file");
        self.runtime.block_on(async {
            match read_kubeconfig(&self.file) {
                Ok(None) => {}
                Ok(Some(mut config)) => {
                    let url = &config.cluster_url;
                    assert!(matches!(url.scheme_str(), Some("http" | "https")), "{url}");
                    assert!(url.host().is_some_and(|host| !host.is_empty()), "{url}");
                    // Reading the machine's takes longer than all else.
                    config.root_cert.get_or_insert_default();
                    let client = api_client(&config, &self.doors, self.resolver.clone(), "fuzz");
                    if let Err(error) = client {
                        assert!(!error.to_string().is_empty());
                    }
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains("kubeconfig.yaml") && !text.contains('\n'), "{text}");
                }
            }
        });
    }
}
