//! Rows of the tables that kubectl prints.

use crate::{Cause, Meaning, Subject, others::group_of_api_service};

/// A row of a table that kubectl prints, by its columns.
pub(crate) fn row(line: &str) -> Option<Meaning> {
    let columns: Vec<_> = line.split_whitespace().collect();
    let (&name, second) = (columns.first()?, columns.get(1).copied().unwrap_or_default());
    // kubectl get apiservices.
    if second == "Local" || columns.get(2) == Some(&"True") && group_of_api_service(name).is_some()
    {
        return Some(Meaning::Harmless);
    }
    // kubectl get services and endpointslices.
    match second {
        "ClusterIP" | "NodePort" | "LoadBalancer" => return Some(Meaning::Harmless),
        "IPv4" | "IPv6" => {
            let is_empty = name.contains("metrics-server") && columns.get(3) == Some(&"<unset>");
            let meaning = if is_empty { Cause::MissingEndpoints.into() } else { Meaning::Harmless };
            return Some(meaning);
        }
        _ => {}
    }
    // kubectl get csr: the name of the user ends with the node's.
    if let Some(signer) = columns.get(2).filter(|column| column.starts_with("kubernetes.io/")) {
        let user = columns.iter().find_map(|column| column.strip_prefix("system:node:"));
        let is_issued = columns.last().is_some_and(|condition| condition.ends_with("Issued"));
        return match user.filter(|_| signer.ends_with("/kubelet-serving") && !is_issued) {
            Some(user) => Some(Meaning::of(Some(Cause::TlsAlert), Subject::node(user))),
            None => Some(Meaning::Harmless),
        };
    }
    // kubectl get nodes.
    if columns.len() >= 5 && columns[4..].iter().any(|column| is_version(column)) {
        let (ready, not_ready) = (second.starts_with("Ready"), second.starts_with("NotReady"));
        return match (ready, not_ready) {
            (true, _) => Some(Meaning::Harmless),
            (_, true) => Some(Meaning::of(Some(Cause::NodeNotReady), Subject::node(name))),
            _ => None,
        };
    }
    // kubectl get hpa: the target of the resource, after the object that is scaled.
    if columns.iter().skip(2).any(|column| column.starts_with("<unknown>/"))
        && let Some(at) = columns.iter().take(3).position(|column| is_reference(column))
    {
        let name = Subject::other(columns[at.saturating_sub(1)]);
        return Some(Meaning::of(Some(Cause::UsageMissing), name));
    }
    // kubectl top nodes.
    if columns.len() == 5 && columns[1..].iter().all(|column| *column == "<unknown>") {
        return Some(Meaning::of(Some(Cause::UsageMissing), Subject::node(name)));
    }
    // kubectl get pods, perhaps with the namespace first.
    let ready = columns.iter().take(3).skip(1).find_map(|column| column.split_once('/'));
    if let Some((ready, of)) = ready
        && is_count(ready)
        && is_count(of)
        && columns.len() > 2
    {
        let is_running = columns.contains(&"Running");
        return match (line.contains("metrics-server"), is_running, ready == of) {
            (false, ..) | (true, true, true) => Some(Meaning::Harmless),
            (true, true, false) => Some(Cause::NotReady.into()),
            // kubectl get deployments: counts alone.
            (true, false, true) if is_count(columns[2]) => Some(Meaning::Harmless),
            (true, false, false) if is_count(columns[2]) => Some(Cause::NotReady.into()),
            (true, false, _) if columns.contains(&"Pending") => Some(Cause::Unschedulable.into()),
            (true, false, _) => None,
        };
    }
    // kubectl top nodes and pods.
    let amounts = columns[1..].iter().filter(|column| is_amount(column)).count();
    (amounts >= 2 && amounts + 3 >= columns.len()).then_some(Meaning::Harmless)
}

fn is_version(text: &str) -> bool {
    text.strip_prefix("v1.").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `Deployment/web`.
fn is_reference(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.contains('/')
}

fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `250m`, `64Mi` or `12%`.
fn is_amount(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.len() < text.len() && is_count(number)
}
