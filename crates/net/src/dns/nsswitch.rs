//! `/etc/nsswitch.conf`: the sources of a host name's addresses, in their order.

/// Where names are looked up, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookupOrder {
    FilesDns,
    DnsFiles,
    Files,
    Dns,
}

// === impl LookupOrder ===

impl LookupOrder {
    /// The line `hosts:`, as Go's own resolver reads it (`net/conf.go`) in a program without libc.
    /// An unknown source such as `resolve` means DNS where `dns` is not named; criteria such as
    /// `[NOTFOUND=return]` are ignored; a file that is missing or invalid means `files dns`.
    pub(super) fn parse(text: &str) -> Self {
        let sources = hosts(text).unwrap_or_default();
        let has_dns = sources.contains(&"dns");
        let is_dns = |source: &str| source != "files" && (source == "dns" || !has_dns);
        let files = sources.iter().position(|source| *source == "files");
        let dns = sources.iter().position(|source| is_dns(source));
        match (files, dns) {
            (Some(files), Some(dns)) if dns < files => Self::DnsFiles,
            (Some(_), Some(_)) | (None, None) => Self::FilesDns,
            (Some(_), None) => Self::Files,
            (None, Some(_)) => Self::Dns,
        }
    }
}

/// The sources of host names; `None` where some line of the file is not right.
fn hosts(text: &str) -> Option<Vec<&str>> {
    let mut sources = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (database, mut rest) = line.split_once(':')?;
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let (source, after) = rest.split_once(' ').unwrap_or((rest, ""));
            rest = after.trim_start();
            if let Some(criteria) = rest.strip_prefix('[') {
                let (criteria, after) = criteria.split_once(']')?;
                if !criteria.split_ascii_whitespace().all(is_criterion) {
                    return None;
                }
                rest = after;
            }
            if database.trim() == "hosts" {
                sources.push(source);
            }
        }
    }
    Some(sources)
}

/// `NOTFOUND=return`, `!UNAVAIL=continue`.
fn is_criterion(text: &str) -> bool {
    let text = text.strip_prefix('!').unwrap_or(text);
    text.len() >= 3 && text.contains('=')
}

#[cfg(test)]
mod tests {
    use super::{LookupOrder::*, *};

    #[test]
    fn the_hosts_line_gives_the_order() {
        let cases = [
            ("", FilesDns),
            ("passwd: files\n", FilesDns),
            ("hosts: files dns", FilesDns),
            ("hosts:\tdns files # the other way round\n", DnsFiles),
            ("hosts: files", Files),
            ("hosts: dns", Dns),
            ("# hosts: dns\nhosts:", FilesDns),
            // As Debian, Fedora and Ubuntu have it.
            ("hosts: files mdns4_minimal [NOTFOUND=return] dns", FilesDns),
            ("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", FilesDns),
            ("hosts: resolve files", DnsFiles),
            ("hosts: files resolve", FilesDns),
            ("hosts: myhostname", Dns),
            ("hosts: dns [!UNAVAIL=return] files", DnsFiles),
            // An invalid line is ignored.
            ("hosts dns", FilesDns),
            ("hosts: dns [UNAVAIL=return", FilesDns),
            ("hosts: dns [UNAVAIL]", FilesDns),
        ];
        for (text, expected) in cases {
            assert_eq!(LookupOrder::parse(text), expected, "{text:?}");
        }
    }
}
