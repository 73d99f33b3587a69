//! What the parts of a cluster see, into the time line.

use std::net::IpAddr;

use fake_apiserver::Observer as ApiObserver;
use fake_kubelet::{ObservedRequest, Observer as KubeletObserver};

use crate::{
    dns::DnsObserver,
    events::{Timeline, What},
    file::format::Shown,
};

/// Watches kubelets, the API server and DNS.
pub(crate) struct Observers {
    timeline: Timeline,
}

// === impl Observers ===

impl Observers {
    /// Writes into `timeline`.
    pub(crate) fn new(timeline: Timeline) -> Self {
        Self { timeline }
    }
}

impl KubeletObserver for Observers {
    fn request(&self, request: &ObservedRequest<'_>) {
        self.timeline.add(What::Kubelet {
            node: request.node.to_owned(),
            address: request.at.ip(),
            request: format!("{} {}", request.method, request.target),
            status: request.status,
            shown: match (request.authorization, request.certificate) {
                (Some(_), _) => Shown::Token,
                (None, true) => Shown::Certificate,
                (None, false) => Shown::None,
            },
        });
    }
}

impl ApiObserver for Observers {
    fn request(&self, user: &str, method: &str, path_and_query: &str, status: u16) {
        self.timeline.add(What::Api {
            user: user.to_owned(),
            request: format!("{method} {path_and_query}"),
            status,
        });
    }
}

impl DnsObserver for Observers {
    fn question(&self, server: IpAddr, name: &str, kind: &str, answer: &str) {
        self.timeline.add(What::Dns {
            name: name.to_owned(),
            question: kind.to_owned(),
            answer: answer.to_owned(),
            server,
        });
    }
}
