//! Input of any size and form.

use std::io::{self, BufReader, Read};

use diagnosis::Cause::{ConnectionRefused, DnsNoSuchHost, Forbidden};
use harness::explain::Explainer;

use crate::{explain, found};

const LINE: &str = r#"E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="request failed, status: \"403 Forbidden\"" node="n1""#;

/// The same line, as it comes out of shells, terminals and files of container runtimes.
#[test]
fn lines_come_in_many_forms() {
    let utf_16: Vec<u8> = std::iter::once(0xfeff)
        .chain(format!("{LINE}\r\n").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let docker = |text: &str| serde_json::json!({"log": text, "stream": "stderr", "time": "2026-11-30T17:13:11Z"});
    let (start, end) = LINE.split_at(80);
    let forms: Vec<Vec<u8>> = vec![
        LINE.into(),
        format!("{LINE}\r\n").into(),
        format!("\u{feff}{LINE}\n").into(),
        utf_16,
        format!("\u{1b}[31m{LINE}\u{1b}[0m\n").into(),
        format!("\u{1b}]0;title\u{7}{LINE}\n").into(),
        format!("[pod/metrics-server-7f/metrics-server] 2026-11-30T17:13:11.1Z {LINE}\n").into(),
        format!("metrics-server-7f metrics-server {LINE}\n").into(),
        format!("{}\n", docker(&format!("{LINE}\n"))).into(),
        format!("{}\n{}\n", docker(start), docker(&format!("{end}\n"))).into(),
        format!("2026-11-30T17:13:11.1Z stderr F {LINE}\n").into(),
        format!("2026-11-30T17:13:11.1Z stderr P {start}\n2026-11-30T17:13:11.1Z stderr F {end}\n")
            .into(),
        [b"Nov 30 17:13:11 n\xff\xfe1 metrics-server[7]: ", LINE.as_bytes()].concat(),
    ];
    for form in forms {
        let explanation = explain(&form);
        let text = String::from_utf8_lossy(&form).into_owned();
        assert_eq!(found(&explanation), [(Forbidden, vec!["n1"])], "{text}");
        assert_eq!(explanation.unknown.lines, 0, "{text}");
    }
}

/// A reader of as many bytes as wanted, which are never in memory together.
struct Many {
    line: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Many {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let part = &self.line[self.at..];
        let length = part.len().min(buffer.len()).min(self.left as usize);
        buffer[..length].copy_from_slice(&part[..length]);
        self.at = (self.at + length) % self.line.len();
        self.left -= length as u64;
        Ok(length)
    }
}

#[test]
fn long_lines_are_cut_and_the_next_ones_count() {
    let mut explainer = Explainer::default();
    let endless = Many { line: vec![b'x'; 1 << 16], at: 0, left: 40 << 20 };
    let input = LINE.as_bytes().chain(&b" "[..]).chain(endless);
    let input = BufReader::new(input.chain(&b"\n"[..]).chain(LINE.as_bytes()));
    explainer.read("log", input).unwrap();
    let explanation = explainer.finish();
    assert_eq!(explanation.lines, 2);
    assert_eq!(found(&explanation), [(Forbidden, vec!["n1"])]);
    assert_eq!(explanation.causes[0].lines, 2);
    assert!(explanation.causes[0].first.text.len() < 1000);
}

/// A server of 0.3 in a large cluster, and a cluster that is larger than what is kept.
#[test]
fn as_many_nodes_as_there_are_are_kept_up_to_a_limit() {
    let part = |n: u32| {
        format!(
            "unable to fully scrape metrics from source kubelet_summary:node-{n}: unable to fetch metrics from Kubelet node-{n} (node-{n}): Get https://node-{n}:10250/stats/summary/: dial tcp: lookup node-{n} on 10.96.0.10:53: no such host"
        )
    };
    let parts: Vec<_> = (0..3000).map(part).collect();
    let line = format!(
        "E0104 09:52:47.0       1 manager.go:111] unable to fully collect metrics: [{}]\n",
        parts.join(", ")
    );
    let explanation = explain(line.as_bytes());
    assert_eq!(
        (explanation.causes[0].cause, explanation.causes[0].nodes.len()),
        (DnsNoSuchHost, 3000)
    );
    assert_eq!(explanation.cut, 0);
    // One more node than there is room for in a line: those before it count, and it is said.
    let parts: Vec<_> = (0..6000).map(part).collect();
    let line = format!(
        "E0104 09:52:47.0       1 manager.go:111] unable to fully collect metrics: [{}]\n{LINE}",
        parts.join(", ")
    );
    let explanation = explain(line.as_bytes());
    let nodes = explanation.causes[0].nodes.len();
    assert!((4000..6000).contains(&nodes), "{nodes}");
    assert_eq!((explanation.cut, explanation.unknown.lines, explanation.causes.len()), (1, 0, 2));
    let lines = (0..30_000).map(|n| format!("{}\n", LINE.replace("n1", &format!("node-{n}"))));
    let explanation = explain(lines.collect::<String>().as_bytes());
    let group = &explanation.causes[0];
    assert_eq!((group.nodes.len(), group.is_cut, group.lines), (20_000, true, 30_000));
}

#[test]
fn causes_of_most_nodes_come_first_and_consequences_last() {
    let scrape = |node: &str, error: &str| {
        format!(
            "E0104 09:52:47.0       1 scraper.go:1] \"Failed to scrape node\" err=\"Get \\\"https://{node}:10250/metrics/resource\\\": {error}\" node=\"{node}\"\n"
        )
    };
    let refused = "dial tcp 10.0.0.1:10250: connect: connection refused";
    let unknown = "dial tcp: lookup x on 10.96.0.10:53: no such host";
    let mut log = "error: metrics not available yet\n".repeat(9);
    log += &scrape("a", refused).repeat(5);
    for node in ["b", "c"] {
        log += &scrape(node, unknown);
    }
    let explanation = explain(log.as_bytes());
    let order: Vec<_> = explanation.causes.iter().map(|group| group.cause.name()).collect();
    assert_eq!(order, [DnsNoSuchHost.name(), ConnectionRefused.name(), "not_ready"]);
}
