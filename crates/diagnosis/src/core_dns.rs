//! CoreDNS's log.

use crate::{Cause, Meaning, Subject, cause_of_error};

/// A name that was looked up, of which CoreDNS's log says whether it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The name, without the dot at its end.
    pub name: String,
    /// Whether there is such a name.
    pub exists: bool,
}

/// What a line of CoreDNS's log says; `None` where it is none.
pub fn meaning_of_core_dns(line: &str) -> Option<Meaning> {
    let starts = ["CoreDNS-", ".:53", "maxprocs: ", "linux/amd64, go", "linux/arm64, go"];
    if starts.iter().any(|start| line.starts_with(start)) {
        return Some(Meaning::Harmless);
    }
    // Programs that collect logs put a pod's name in front.
    let levels = ["INFO", "WARNING", "ERROR", "FATAL", "PANIC", "DEBUG"];
    levels.into_iter().find_map(|level| {
        let (before, rest) = line.split_once(&format!("[{level}] "))?;
        (before.is_empty() || before.ends_with(' ')).then(|| said(level, rest))
    })
}

fn said(level: &str, text: &str) -> Meaning {
    if text.contains("plugin/loop: Loop") {
        return Cause::DnsLoop.into();
    }
    if let Some(rest) = text.strip_prefix("plugin/errors: ") {
        // The response code, the name, the type.
        let name = rest.split(' ').nth(1).unwrap_or_default();
        return Meaning::of(Some(Cause::DnsServerFailure), of_name(name));
    }
    if text.starts_with("plugin/kubernetes: ") {
        let is_cut_off =
            cause_of_error(text).is_some() || text.contains("with unsynced Kubernetes API");
        return if is_cut_off { Cause::ApiServerUnreachable.into() } else { Meaning::Harmless };
    }
    if let Some((name, kind, code)) = query(text) {
        return answered(name, kind, code);
    }
    match level {
        "INFO" | "DEBUG" => Meaning::Harmless,
        _ if text.contains("No files matching import glob pattern") => Meaning::Harmless,
        _ => Meaning::Unknown,
    }
}

// === impl Lookup ===

impl Lookup {
    /// The lookup of a line of CoreDNS's log.
    pub fn read(line: &str) -> Option<Self> {
        let (name, kind, code) = query(line)?;
        let exists = match code {
            "NOERROR" => true,
            "NXDOMAIN" => false,
            _ => return None,
        };
        let name = name.trim_end_matches('.').to_owned();
        matches!(kind, "A" | "AAAA").then_some(Self { name, exists })
    }

    /// The names of which a search list may have made this one, without what it put behind them.
    pub fn stems(&self) -> impl Iterator<Item = &str> {
        self.name.match_indices('.').map(|(at, _)| &self.name[..at])
    }
}

/// Name, type and response code of `10.244.1.6:39999 - 1 "A IN node-1. udp 27 false 512" NXDOMAIN …`.
fn query(text: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = text.split_once(" - ")?;
    let (question, answer) = rest.split_once('"')?.1.split_once('"')?;
    let mut question = question.split(' ');
    let (kind, _, name) = (question.next()?, question.next()?, question.next()?);
    Some((name, kind, answer.split_whitespace().next()?))
}

fn answered(name: &str, kind: &str, code: &str) -> Meaning {
    // Names that a search list or a reverse lookup makes are rarely there.
    let bare = name.trim_end_matches('.');
    let is_made =
        [".local", ".arpa"].iter().any(|end| bare.ends_with(end)) || bare.contains(".svc");
    match code {
        "NXDOMAIN" if !is_made && matches!(kind, "A" | "AAAA") => {
            // A name without a dot is that of a machine, and here most likely a node.
            let subject = if bare.contains('.') { of_name(bare) } else { Subject::node(bare) };
            Meaning::of(Some(Cause::DnsNoSuchHost), subject)
        }
        "SERVFAIL" | "REFUSED" => Meaning::of(Some(Cause::DnsServerFailure), of_name(bare)),
        _ => Meaning::Harmless,
    }
}

fn of_name(name: &str) -> Option<Subject> {
    Subject::other(name.trim_end_matches('.'))
}
