//! Files that a scenario's flags name.

use std::{collections::BTreeMap, fs, path::Path};

use fake_kubelet::{Certificates, Identity, Subject, Validity};
use jiff::Timestamp;
use tempfile::TempDir;

use super::WorldError;
use crate::file::format::FileContent;

/// The files, in a folder of their own.
pub(super) struct Files {
    folder: TempDir,
    client: Identity,
}

// === impl Files ===

impl Files {
    /// Writes these files, and those with the CAs.
    pub(super) fn new(
        files: &BTreeMap<String, FileContent>,
        certificates: &Certificates,
        now: Timestamp,
    ) -> Result<Self, WorldError> {
        let account = Subject {
            common_name: "system:serviceaccount:kube-system:metrics-server".to_owned(),
            ..Subject::default()
        };
        let validity = Validity::year_from_an_hour_before(now);
        let client = certificates.cluster().client(&account, validity)?;
        let written = Self { folder: TempDir::new().map_err(WorldError::File)?, client };
        for (name, content) in
            [("clusterCA", FileContent::ClusterCa), ("otherCA", FileContent::OtherCa)]
        {
            written.write(name, content, certificates)?;
        }
        written.change(files, certificates)?;
        Ok(written)
    }

    /// Replaces the content of these files.
    pub(super) fn change(
        &self,
        files: &BTreeMap<String, FileContent>,
        certificates: &Certificates,
    ) -> Result<(), WorldError> {
        files.iter().try_for_each(|(name, content)| {
            self.write(&format!("files.{name}"), *content, certificates)
        })
    }

    /// A flag with the paths of the files that it names.
    pub(super) fn fill_in(&self, arg: &str) -> String {
        let Some((before, rest)) = arg.split_once("${") else { return arg.to_owned() };
        let Some((name, after)) = rest.split_once('}') else { return arg.to_owned() };
        let path = self.path(name);
        format!("{before}{}{}", path.display(), self.fill_in(after))
    }

    /// Where files are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder().join(format!("{name}.pem"))
    }

    fn write(
        &self,
        name: &str,
        content: FileContent,
        certificates: &Certificates,
    ) -> Result<(), WorldError> {
        let cluster = || certificates.cluster().pem();
        let other = || certificates.other().pem();
        let text = match content {
            FileContent::ClusterCa => cluster(),
            FileContent::OtherCa => other(),
            FileContent::BothCas => cluster() + &other(),
            FileContent::ClientCertificate => self.client.chain_pem(),
            FileContent::ClientKey => self.client.key_pem(),
            FileContent::Garbage => "This is not a certificate.\n".to_owned(),
            FileContent::Empty => String::new(),
        };
        fs::write(self.path(name), text).map_err(WorldError::File)
    }
}
