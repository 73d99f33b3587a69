use std::{fs, sync::Arc};

use apiserver::audit::{Audit, AuditOptions, Rotation};
use net::{Clock, Doors, Files, HostNetwork, Programs, Random};
use tempfile::TempDir;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("a folder");
}

/// The file of `--audit-policy-file`: taken, or refused in a line that names it.
pub fn policy(input: &[u8]) {
    FOLDER.with(|folder| {
        let file = folder.path().join("policy.yaml");
        fs::write(&file, input).expect("a file");
        let options =
            AuditOptions { log_path: None, policy_file: Some(file), rotation: Rotation::default() };
        let doors = Doors {
            clock: Clock::system(),
            network: Arc::new(HostNetwork),
            random: Random::seeded(1),
            files: Files::default(),
            programs: Programs::default(),
        };
        if let Err(error) = Audit::new(&options, &doors) {
            let text = error.to_string();
            assert!(text.contains("policy.yaml") && !text.contains('\n'), "{text}");
        }
    });
}
