//! What kubelets, DNS and the API server saw of the server.

use std::collections::BTreeMap;

use super::{Mismatch, compare, wildcard};
use crate::{
    events::{Event, What},
    file::{
        fits,
        format::{ApiSaw, DnsSaw, KubeletSaw},
    },
    world::is_metrics_server,
};

/// Whether a kubelet saw what it must have seen.
pub(super) fn check_kubelet(saw: &KubeletSaw, events: &[Event]) -> Result<(), Mismatch> {
    let mut others = Vec::new();
    let mut statuses = Vec::new();
    for event in events {
        let What::Kubelet { node, request, status, address, shown } = &event.what else { continue };
        if !fits(&saw.node, node) {
            continue;
        }
        let path = request.split_once(' ').map_or("", |(_, target)| target);
        let fits = saw.address.is_none_or(|wanted| wanted.0 == *address)
            && saw.path.as_ref().is_none_or(|wanted| wanted == path)
            && saw.credentials.is_none_or(|wanted| wanted == *shown);
        if fits {
            statuses.push(*status);
        } else {
            others.push(format!("{request} at {address}, credentials {shown:?}"));
        }
    }
    others.dedup();
    let beside = match others.as_slice() {
        [] => String::new(),
        others => format!("\nand others:\n{}", others.join("\n")),
    };
    let answers: Vec<_> = statuses
        .iter()
        .map(|status| status.map_or("nothing".to_owned(), |status| status.to_string()))
        .collect();
    let seen =
        format!("{} requests, answered with [{}]{beside}", statuses.len(), answers.join(", "));
    let differs = |expected: String| {
        Err(Mismatch { field: "kubelet", expected: expected + &describe(saw), seen: seen.clone() })
    };
    if let Some(code) = saw.answered
        && !statuses.contains(&Some(code))
    {
        return differs(format!("a request answered with {code}"));
    }
    match saw.requests {
        Some(wanted) if wanted as usize != statuses.len() => differs(format!("{wanted} requests")),
        None if saw.answered.is_none() && statuses.is_empty() => differs("a request".to_owned()),
        _ => Ok(()),
    }
}

fn describe(saw: &KubeletSaw) -> String {
    let path = saw.path.iter().map(|path| format!(" for {path}"));
    let address = saw.address.iter().map(|address| format!(" at {}", address.0));
    let shown = saw.credentials.iter().map(|shown| format!(", credentials {shown:?}"));
    path.chain(address).chain(shown).collect()
}

/// Whether DNS saw what it must have seen.
pub(super) fn check_dns(saw: &DnsSaw, events: &[Event]) -> Result<(), Mismatch> {
    let name = canonical(&saw.name);
    let kinds: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Dns { name: n, question, server, .. }
                if *n == name && saw.server.is_none_or(|wanted| wanted.0 == *server) =>
            {
                Some(question.clone())
            }
            _ => None,
        })
        .collect();
    let at = saw.server.map_or_else(String::new, |server| format!(" of {}", server.0));
    if let Some(questions) = saw.questions {
        let words = |count| format!("{count} questions about {name}{at}");
        compare("dns", words(questions as usize), words(kinds.len()))?;
    }
    if let Some(wanted) = &saw.kinds {
        let words = |mut kinds: Vec<String>| {
            kinds.sort();
            kinds.dedup();
            format!("questions for [{}] of {name}{at}", kinds.join(", "))
        };
        compare("dns", words(wanted.clone()), words(kinds))?;
    }
    Ok(())
}

/// Whether these names were queried in this order.
pub(super) fn check_order(names: &[String], events: &[Event]) -> Result<(), Mismatch> {
    let mut seen: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Dns { name, .. } => Some(name.clone()),
            _ => None,
        })
        .collect();
    seen.dedup();
    let wanted: Vec<_> = names.iter().map(|name| canonical(name)).collect();
    compare("dnsOrder", wanted.join("\n"), seen.join("\n"))
}

/// Whether the API server saw what it must have seen of the metrics server.
pub(super) fn check_api(saw: &ApiSaw, events: &[Event]) -> Result<(), Mismatch> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut count = 0;
    for event in events {
        let What::Api { user, request, status } = &event.what else { continue };
        if !is_metrics_server(user) {
            continue;
        }
        let fits = wildcard::fits(request, &saw.request)
            && saw.answered.is_none_or(|wanted| wanted == *status);
        count += u32::from(fits);
        *seen.entry(format!("{request} -> {status}")).or_default() += 1;
    }
    if saw.requests.map_or(count > 0, |wanted| wanted == count) {
        return Ok(());
    }
    let wanted = saw.requests.map_or("at least 1".to_owned(), |wanted| wanted.to_string());
    let answered = saw.answered.map_or_else(String::new, |status| format!(" -> {status}"));
    let all = seen.iter().map(|(request, count)| format!("\n{count} of {request}"));
    Err(Mismatch {
        field: "api",
        expected: format!("{wanted} of {}{answered}", saw.request),
        seen: format!("{count}; in all:{}", all.collect::<String>()),
    })
}

fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
