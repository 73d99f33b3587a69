use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args};
use k8s_text::selector::{LabelSelector, LabelSelectorError};

use super::{
    kubelet_limits::KubeletLimits,
    list::read_list,
    values::{BOOL, drop_empty_path, read_bool, read_duration, read_path, read_port},
};
use crate::kubelet::{DEFAULT_ADDRESS_TYPES, Endpoint, EndpointError};

/// How kubelets are scraped.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Kubelet client")]
#[allow(clippy::struct_excessive_bools, reason = "flags are what they are")]
pub struct KubeletFlags {
    /// Do not verify the kubelets' serving certificates.
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub kubelet_insecure_tls: bool,

    /// The CA of the kubelets' serving certificates; reloaded when it changes. Default: the API
    /// server's CA.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub kubelet_certificate_authority: Option<PathBuf>,

    /// The client certificate for kubelets; reloaded when it changes.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub kubelet_client_certificate: Option<PathBuf>,

    /// The key of the client certificate; reloaded when it changes.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub kubelet_client_key: Option<PathBuf>,

    /// The port of the kubelets.
    #[arg(long, value_name = "PORT", default_value = "10250", value_parser = read_port)]
    pub kubelet_port: u16,

    /// Use the port in a node's status where there is one.
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub kubelet_use_node_status_port: bool,

    /// Types of node addresses in the order of preference.
    #[arg(long, value_name = "TYPE,…", value_parser = read_list, default_values = DEFAULT_ADDRESS_TYPES)]
    pub kubelet_preferred_address_types: Vec<Vec<String>>,

    /// Where a node's preferred address cannot be resolved, reached or verified, try its other ones
    /// in the order of preference within the same request time. One that works is kept, and the
    /// preferred one is tried again later.
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub kubelet_address_fallback: bool,

    /// The kubelet's endpoint: resource (/metrics/resource), summary (/stats/summary, which needs
    /// the verb get on nodes/stats), or auto: summary where a kubelet has no /metrics/resource, such
    /// as those before 1.18.
    #[arg(long, value_name = "auto|resource|summary", default_value = "resource", value_parser = read_endpoint)]
    pub kubelet_endpoint: Endpoint,

    /// The timeout of one request to a kubelet.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = read_duration)]
    pub kubelet_request_timeout: Duration,

    /// Scrape and serve only nodes whose labels match: key=value, key!=value, key in (a,b), key
    /// notin (a,b), key, !key, key>1 and key<1, separated by commas.
    #[arg(short = 'l', long, value_name = "SELECTOR", default_value = "", value_parser = read_selector)]
    pub node_selector: LabelSelector,

    /// Scrape kubelets over plain HTTP, without credentials. Only for very old kubelets: anyone on
    /// the network can read and change the responses.
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub deprecated_kubelet_completely_insecure: bool,

    /// Limits for what kubelets report.
    #[command(flatten)]
    pub limits: KubeletLimits,

    /// The resolver's configuration.
    #[arg(long, value_name = "FILE", default_value = "/etc/resolv.conf", value_parser = read_path)]
    pub resolv_conf: PathBuf,
}

fn read_endpoint(text: &str) -> Result<Endpoint, EndpointError> {
    text.parse()
}

fn read_selector(text: &str) -> Result<LabelSelector, LabelSelectorError> {
    LabelSelector::parse(text)
}

// === impl KubeletFlags ===

impl KubeletFlags {
    pub(super) fn drop_empty(&mut self) {
        drop_empty_path(&mut self.kubelet_certificate_authority);
        drop_empty_path(&mut self.kubelet_client_certificate);
        drop_empty_path(&mut self.kubelet_client_key);
    }
}
