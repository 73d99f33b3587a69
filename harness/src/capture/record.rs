//! What each kubelet reports, recorded beside the scenario.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use fake_kubelet::record::{RecordOptions, record as record_one};
use futures::{StreamExt, stream};

use super::{
    CaptureError,
    anonymize::Names,
    block_on,
    live::Cluster,
    objects::{Objects, Unread, name_of},
};

/// How many scrapes are saved of each kubelet, and how far apart: usage takes two.
const SCRAPES: u32 = 3;
const EVERY: Duration = Duration::from_secs(15);

/// How many kubelets are recorded at once.
const AT_ONCE: usize = 32;

/// The pages of a node's kubelet.
pub(super) struct Recording {
    node: String,
    out: PathBuf,
}

/// Records every kubelet. Those that cannot be are noted in `objects`.
pub(super) fn record(
    cluster: &Cluster,
    objects: &mut Objects,
    out: &Path,
) -> Result<Vec<Recording>, CaptureError> {
    let nodes: Vec<_> =
        objects.of("Node").into_iter().map(|node| name_of(node).to_owned()).collect();
    let results = block_on(async {
        let (client, _) = cluster.client()?;
        let one = |node: String| {
            let (client, folder) = (client.clone(), out.join(&node));
            async move {
                let options = RecordOptions {
                    node: node.clone(),
                    scrapes: SCRAPES,
                    every: EVERY,
                    folder,
                    direct: false,
                    rename: false,
                };
                (node, record_one(&client, &options, |_| {}).await)
            }
        };
        Ok(stream::iter(nodes.into_iter().map(one)).buffered(AT_ONCE).collect::<Vec<_>>().await)
    })?;
    let mut recorded = Vec::new();
    for (node, result) in results {
        match result {
            Ok(()) => recorded.push(Recording { node, out: out.to_owned() }),
            Err(error) => {
                // What there is of it has the node's name, and is of no use.
                let _ = fs::remove_dir_all(out.join(&node));
                objects.unread.push(Unread {
                    what: format!("the usage that the kubelet of {node} reports"),
                    why: error.to_string(),
                });
            }
        }
    }
    Ok(recorded)
}

// === impl Recording ===

impl Recording {
    /// The node's name and the name of its folder, with other names in both if there are.
    pub(super) fn finish(
        self,
        names: Option<&mut Names>,
    ) -> Result<(String, String), CaptureError> {
        let Some(names) = names else { return Ok((self.node.clone(), self.node)) };
        let from = self.out.join(&self.node);
        let node = names.replace(&self.node);
        for entry in fs::read_dir(&from).map_err(CaptureError::Recording)? {
            let path = entry.map_err(CaptureError::Recording)?.path();
            let text = fs::read_to_string(&path).map_err(CaptureError::Recording)?;
            fs::write(&path, names.page(&text)).map_err(CaptureError::Recording)?;
        }
        fs::rename(&from, self.out.join(&node)).map_err(CaptureError::Recording)?;
        Ok((node.clone(), node))
    }
}
