//! Every flag, its default and its rule, in one place. Names, defaults and rules are the Go
//! server's where it has the flag; a flag of the Go server that has no effect here is accepted, so
//! that its manifests start this server too.

mod accepted;
mod apiserver;
mod audit;
mod authentication;
mod authorization;
mod error;
mod generic;
mod kubelet;
mod kubelet_limits;
mod list;
mod logging;
mod metrics_server;
mod reference;
mod rules;
mod serving;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser,
    parser::ValueSource,
};

pub use self::{
    audit::AuditFlags,
    authentication::AuthenticationFlags,
    authorization::AuthorizationFlags,
    error::FlagError,
    generic::GenericFlags,
    kubelet::KubeletFlags,
    logging::LoggingFlags,
    metrics_server::{MetricsServerFlags, VersionFlag},
    reference::reference,
    serving::{CipherSuite, ServingFlags},
};

/// Serves what the nodes and pods of a Kubernetes cluster use, as metrics.k8s.io.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "metrics-server",
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true,
    max_term_width = 100
)]
pub struct Flags {
    /// What it serves, and from where it learns of the cluster.
    #[command(flatten)]
    pub metrics_server: MetricsServerFlags,
    /// What any API server has.
    #[command(flatten)]
    pub generic: GenericFlags,
    /// How kubelets are asked.
    #[command(flatten)]
    pub kubelet: KubeletFlags,
    /// Where and how it listens.
    #[command(flatten)]
    pub serving: ServingFlags,
    /// Who asks.
    #[command(flatten)]
    pub authentication: AuthenticationFlags,
    /// Who may.
    #[command(flatten)]
    pub authorization: AuthorizationFlags,
    /// What is written down of requests.
    #[command(flatten)]
    pub audit: AuditFlags,
    #[command(flatten)]
    given: Given,
    /// What is logged, and how.
    #[command(flatten)]
    pub logging: LoggingFlags,
}

/// What was given on the command line, beyond what the groups hold.
#[derive(Clone, Debug, Default)]
struct Given {
    effective: BTreeMap<String, String>,
    warnings: Vec<Warning>,
}

/// Something on the command line that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The flag or argument.
    pub argument: String,
    /// Why it has none.
    pub reason: &'static str,
}

const EXTRA: &str = "arguments";

// === impl Flags ===

impl Flags {
    /// Reads arguments, the program's name not among them.
    pub fn parse_from_args<I: IntoIterator<Item = String>>(args: I) -> Result<Self, FlagError> {
        let mut command = Self::complete_command().no_binary_name(true);
        let matches =
            command.try_get_matches_from_mut(args).map_err(|error| FlagError::from_clap(&error))?;
        let mut flags =
            Self::from_arg_matches(&matches).map_err(|error| FlagError::from_clap(&error))?;
        flags.drop_empty();
        flags.given = Given::new(&command, &matches);
        let min_version = flags.given.effective.get("tls-min-version").map_or("", String::as_str);
        let unsafe_wishes = flags.serving.warnings(min_version);
        flags.given.warnings.extend(unsafe_wishes);
        // As with the Go server, --version works whatever the other flags are.
        if flags.metrics_server.version == VersionFlag::No {
            rules::check(&flags, &matches)?;
        }
        Ok(flags)
    }

    /// Every flag's name and value, defaults too, as `/flagz` shows them.
    pub fn effective(&self) -> &BTreeMap<String, String> {
        &self.given.effective
    }

    /// What was given and has no effect: said once at the start.
    pub fn warnings(&self) -> &[Warning] {
        &self.given.warnings
    }

    /// All flags, those that mean nothing here included.
    fn complete_command() -> Command {
        let extra = Arg::new(EXTRA).num_args(0..).action(ArgAction::Append).hide(true);
        Self::command().arg(extra).mut_args(values::complete)
    }

    /// Go's empty values are values that were not given.
    fn drop_empty(&mut self) {
        self.metrics_server.drop_empty();
        self.kubelet.drop_empty();
        self.serving.drop_empty();
        self.authentication.drop_empty();
        self.authorization.drop_empty();
        self.audit.drop_empty();
    }
}

// === impl Given ===

impl Given {
    fn new(command: &Command, matches: &ArgMatches) -> Self {
        let mut given = Self::default();
        for arg in command.get_arguments().filter(|arg| arg.get_long().is_some()) {
            let (id, name) = (arg.get_id().as_str(), arg.get_long().unwrap_or_default());
            if matches.try_contains_id(id).is_err() || name == "help" {
                continue;
            }
            given.effective.insert(name.to_owned(), reference::value(arg, matches));
            if matches.value_source(id) == Some(ValueSource::CommandLine)
                && let Some(reason) = reference::no_effect(name)
            {
                given.warnings.push(Warning { argument: format!("--{name}"), reason });
            }
        }
        let extras = matches.get_many::<String>(EXTRA).into_iter().flatten();
        given.warnings.extend(extras.map(|argument| Warning {
            argument: argument.clone(),
            reason: "only flags are read; a boolean takes its value after an equals sign",
        }));
        given
    }
}

/// To clap, these are the flags that mean nothing here; what was given is known only after
/// everything has been read.
impl Args for Given {
    fn augment_args(command: Command) -> Command {
        command.args(accepted::args())
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.args(accepted::args())
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self::default())
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}
