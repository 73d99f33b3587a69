//! Flags of the Go server that are about Go's framework: read, checked, named once in the log,
//! and without effect.

use clap::{Arg, ArgAction, builder::Str};

use super::{
    list::read_list,
    values::{
        BOOL, read_address, read_bool, read_count, read_duration, read_float, read_number,
        read_numbers, read_size,
    },
};

/// A flag that has no effect here.
pub(super) struct Accepted {
    pub(super) name: &'static str,
    group: &'static str,
    kind: Kind,
    default: &'static str,
    /// Why it has none.
    pub(super) reason: &'static str,
}

/// What values a flag takes.
#[derive(Clone, Copy)]
enum Kind {
    Address,
    Boolean,
    Count,
    Duration,
    Float,
    Number,
    Numbers,
    Pairs,
    Size,
    Text,
    Texts,
}

use Kind::{Address, Boolean, Count, Duration, Float, Number, Numbers, Pairs, Size, Text, Texts};

const GENERIC: &str = "Generic";
const AUTHENTICATION: &str = "Authentication";
const SERVING: &str = "Secure serving";
const AUDIT: &str = "Audit log";
const FEATURES: &str = "Features";
const LOGGING: &str = "Logging";

const ADVERTISED: &str = "clients find this server by its Service";
const EMULATION: &str = "this server emulates no other version of itself";
const AUDIT_AT_ONCE: &str = "each audit event is written at once";
const AUDIT_FORM: &str = "audit events are written as JSON of audit.k8s.io/v1";
const AUDIT_PLAIN: &str = "full audit logs are not compressed";
const AUDIT_SHORT: &str = "audit events have no bodies to truncate";
const NO_AUDIT_WEBHOOK: &str = "audit events go to --audit-log-path only";
const NO_BUFFER: &str = "log lines are written at once, to stderr";
const NO_FAIRNESS: &str = "requests are too cheap to need queues";
const NO_GATES: &str = "this server has no feature gates";
const LOOKS_ON: &str =
    "a failed lookup never stops this server: it tries again, and rejects requests until then";
const NO_GOAWAY: &str = "connections are never moved to other servers";
const NO_KLOG: &str = "log lines go to stderr, with a header";
const NO_LINKS: &str = "this server writes no links to itself";
const NO_PROFILER: &str = "there is no Go runtime to profile";
const NO_STORAGE: &str = "this server stores nothing outside its memory";
const NO_WATCH: &str = "this API cannot be watched";
const RUSTLS_CURVES: &str = "the TLS library offers its own safe key exchanges";
const STARTS_AT_ONCE: &str = "this server is live as soon as it listens";
const STOPS_AT_ONCE: &str = "requests are answered faster than they could be rejected";

const fn flag(
    name: &'static str,
    group: &'static str,
    kind: Kind,
    default: &'static str,
    reason: &'static str,
) -> Accepted {
    Accepted { name, group, kind, default, reason }
}

const ALL: [Accepted; 60] = [
    flag("authentication-tolerate-lookup-failure", AUTHENTICATION, Boolean, "false", LOOKS_ON),
    flag("advertise-address", GENERIC, Address, "", ADVERTISED),
    flag("emulated-version", GENERIC, Texts, "", EMULATION),
    flag("emulation-forward-compatible", GENERIC, Boolean, "false", EMULATION),
    flag("external-hostname", GENERIC, Text, "", NO_LINKS),
    flag("feature-gates", GENERIC, Pairs, "", NO_GATES),
    flag("goaway-chance", GENERIC, Float, "0", NO_GOAWAY),
    flag("livez-grace-period", GENERIC, Duration, "0s", STARTS_AT_ONCE),
    flag("min-compatibility-version", GENERIC, Texts, "", EMULATION),
    flag("min-request-timeout", GENERIC, Count, "1800", NO_WATCH),
    flag("runtime-config-emulation-forward-compatible", GENERIC, Boolean, "false", EMULATION),
    flag("shutdown-send-retry-after", GENERIC, Boolean, "false", STOPS_AT_ONCE),
    flag("shutdown-watch-termination-grace-period", GENERIC, Duration, "0s", NO_WATCH),
    flag("storage-initialization-timeout", GENERIC, Duration, "1m0s", NO_STORAGE),
    flag("tls-curve-preferences", SERVING, Numbers, "", RUSTLS_CURVES),
    flag("audit-log-batch-buffer-size", AUDIT, Number, "10000", AUDIT_AT_ONCE),
    flag("audit-log-batch-max-size", AUDIT, Number, "1", AUDIT_AT_ONCE),
    flag("audit-log-batch-max-wait", AUDIT, Duration, "0s", AUDIT_AT_ONCE),
    flag("audit-log-batch-throttle-burst", AUDIT, Number, "0", AUDIT_AT_ONCE),
    flag("audit-log-batch-throttle-enable", AUDIT, Boolean, "false", AUDIT_AT_ONCE),
    flag("audit-log-batch-throttle-qps", AUDIT, Float, "0", AUDIT_AT_ONCE),
    flag("audit-log-compress", AUDIT, Boolean, "false", AUDIT_PLAIN),
    flag("audit-log-format", AUDIT, Text, "json", AUDIT_FORM),
    flag("audit-log-mode", AUDIT, Text, "blocking", AUDIT_AT_ONCE),
    flag("audit-log-truncate-enabled", AUDIT, Boolean, "false", AUDIT_SHORT),
    flag("audit-log-truncate-max-batch-size", AUDIT, Number, "10485760", AUDIT_SHORT),
    flag("audit-log-truncate-max-event-size", AUDIT, Number, "102400", AUDIT_SHORT),
    flag("audit-log-version", AUDIT, Text, "audit.k8s.io/v1", AUDIT_FORM),
    flag("audit-webhook-batch-buffer-size", AUDIT, Number, "10000", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-batch-max-size", AUDIT, Number, "400", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-batch-max-wait", AUDIT, Duration, "30s", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-batch-throttle-burst", AUDIT, Number, "15", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-batch-throttle-enable", AUDIT, Boolean, "true", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-batch-throttle-qps", AUDIT, Float, "10", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-config-file", AUDIT, Text, "", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-initial-backoff", AUDIT, Duration, "10s", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-mode", AUDIT, Text, "batch", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-truncate-enabled", AUDIT, Boolean, "false", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-truncate-max-batch-size", AUDIT, Number, "10485760", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-truncate-max-event-size", AUDIT, Number, "102400", NO_AUDIT_WEBHOOK),
    flag("audit-webhook-version", AUDIT, Text, "audit.k8s.io/v1", NO_AUDIT_WEBHOOK),
    flag("contention-profiling", FEATURES, Boolean, "false", NO_PROFILER),
    flag("debug-socket-path", FEATURES, Text, "", NO_PROFILER),
    flag("enable-priority-and-fairness", FEATURES, Boolean, "true", NO_FAIRNESS),
    flag("profiling", FEATURES, Boolean, "true", NO_PROFILER),
    flag("log-json-info-buffer-size", LOGGING, Size, "0", NO_BUFFER),
    flag("log-json-split-stream", LOGGING, Boolean, "false", NO_BUFFER),
    flag("log-text-info-buffer-size", LOGGING, Size, "0", NO_BUFFER),
    flag("log-text-split-stream", LOGGING, Boolean, "false", NO_BUFFER),
    // Flags of older Go servers, which existing manifests may have.
    flag("add_dir_header", LOGGING, Boolean, "false", NO_KLOG),
    flag("alsologtostderr", LOGGING, Boolean, "false", NO_KLOG),
    flag("log_backtrace_at", LOGGING, Text, "", NO_KLOG),
    flag("log_dir", LOGGING, Text, "", NO_KLOG),
    flag("log_file", LOGGING, Text, "", NO_KLOG),
    flag("log_file_max_size", LOGGING, Number, "1800", NO_KLOG),
    flag("logtostderr", LOGGING, Boolean, "true", NO_KLOG),
    flag("one_output", LOGGING, Boolean, "false", NO_KLOG),
    flag("skip_headers", LOGGING, Boolean, "false", NO_KLOG),
    flag("skip_log_headers", LOGGING, Boolean, "false", NO_KLOG),
    flag("stderrthreshold", LOGGING, Text, "2", NO_KLOG),
];

/// All of them, for clap.
pub(super) fn args() -> impl Iterator<Item = Arg> {
    ALL.iter().map(Accepted::arg)
}

pub(super) fn find(name: &str) -> Option<&'static Accepted> {
    ALL.iter().find(|flag| flag.name == name)
}

// === impl Accepted ===

impl Accepted {
    fn arg(&self) -> Arg {
        let arg = Arg::new(self.name)
            .long(self.name)
            .help_heading(self.group)
            .help(format!("Has no effect: {}.", self.reason))
            .action(ArgAction::Set);
        let arg = match self.kind {
            Numbers | Pairs | Texts => arg,
            _ => arg.default_value(Str::from(self.default)),
        };
        match self.kind {
            Address => arg.value_name("IP").value_parser(read_address),
            Boolean => arg.value_name(BOOL).value_parser(read_bool),
            Count => arg.value_name("NUMBER").value_parser(read_count),
            Duration => arg.value_name("DURATION").value_parser(read_duration),
            Float => arg.value_name("NUMBER").value_parser(read_float),
            Number => arg.value_name("NUMBER").value_parser(read_number),
            Numbers => {
                arg.value_name("NUMBER,…").action(ArgAction::Append).value_parser(read_numbers)
            }
            Pairs => arg.value_name("KEY=BOOL,…").action(ArgAction::Append),
            Size => arg.value_name("SIZE").value_parser(read_size),
            Text => arg.value_name("TEXT"),
            Texts => arg.value_name("TEXT,…").action(ArgAction::Append).value_parser(read_list),
        }
    }
}
