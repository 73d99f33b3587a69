//! Files that a scenario's flags name.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use fake_kubelet::{Certificates, Identity, Subject, Validity};
use jiff::Timestamp;
use tempfile::TempDir;

use super::{WorldError, token::AccountToken};
use crate::file::format::{FileContent, Server};

/// The name by which the API server verifies the metrics server.
const SERVICE: &str = "metrics-server.kube-system.svc";

/// The files, in a folder of their own.
pub(super) struct Files {
    folder: TempDir,
    client: Identity,
    serving: Identity,
    /// Texts by name, which no file holds.
    texts: BTreeMap<&'static str, String>,
}

// === impl Files ===

impl Files {
    /// Writes the files of this server, and those with the CAs.
    pub(super) fn new(
        server: &Server,
        certificates: &Certificates,
        now: Timestamp,
    ) -> Result<Self, WorldError> {
        let account = Subject {
            common_name: "system:serviceaccount:kube-system:metrics-server".to_owned(),
            ..Subject::default()
        };
        let validity = Validity::year_from_an_hour_before(now);
        let service = Subject {
            common_name: SERVICE.to_owned(),
            names: vec![SERVICE.to_owned()],
            ..Subject::default()
        };
        let authority = certificates.cluster();
        let written = Self {
            folder: TempDir::new().map_err(WorldError::File)?,
            client: authority.client_in_form(&account, validity, server.x509)?,
            serving: authority.serving_in_form(&service, validity, server.x509)?,
            texts: BTreeMap::new(),
        };
        for (name, content) in
            [("clusterCA", FileContent::ClusterCa), ("otherCA", FileContent::OtherCa)]
        {
            written.write(name, content, certificates)?;
        }
        written.change(&server.files, certificates)?;
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
        let path = || self.path(name).display().to_string();
        let filled = self.texts.get(name).cloned().unwrap_or_else(path);
        format!("{before}{filled}{}", self.fill_in(after))
    }

    /// Writes the metrics server's kubeconfig, if it has one: for an API server there, and with this
    /// token.
    pub(super) fn write_kubeconfig(
        &mut self,
        text: Option<&str>,
        api_server: SocketAddr,
        token: &AccountToken,
    ) -> Result<(), WorldError> {
        self.texts = BTreeMap::from([
            ("apiServer", api_server.to_string()),
            ("token", token.token()),
            ("tokenFile", token.file().display().to_string()),
        ]);
        let Some(text) = text else { return Ok(()) };
        fs::write(self.kubeconfig(), self.fill_in(text)).map_err(WorldError::File)
    }

    /// The flag that names the metrics server's kubeconfig, if it has one.
    pub(super) fn kubeconfig_flag(&self) -> Option<String> {
        let file = self.kubeconfig();
        file.exists().then(|| format!("--kubeconfig={}", file.display()))
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder().join("kubeconfig")
    }

    /// Where files are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
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
            FileContent::ServingCertificate => self.serving.chain_pem(),
            FileContent::ServingKey => self.serving.key_pem(),
            FileContent::Garbage => "This is not a certificate.\n".to_owned(),
            FileContent::Empty => String::new(),
        };
        fs::write(self.path(name), text).map_err(WorldError::File)
    }
}
