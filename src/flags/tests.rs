use std::{path::Path, time::Duration};

use k8s_text::selector::LabelSelector;

use super::*;
use crate::kubelet::DEFAULT_ADDRESS_TYPES;

fn parse(args: &[&str]) -> Result<Flags, FlagError> {
    Flags::parse_from_args(args.iter().map(ToString::to_string))
}

fn warned(args: &[&str]) -> Vec<String> {
    parse(args).unwrap().warnings().iter().map(|warning| warning.argument.clone()).collect()
}

#[test]
fn defaults_are_the_go_servers() {
    let flags = parse(&[]).unwrap();
    let kubelet = &flags.kubelet;
    assert_eq!(
        (flags.metrics_server.metric_resolution, kubelet.kubelet_request_timeout),
        (Duration::from_mins(1), Duration::from_secs(10))
    );
    assert_eq!((kubelet.kubelet_port, kubelet.kubelet_insecure_tls), (10250, false));
    assert_eq!(kubelet.kubelet_preferred_address_types.concat(), DEFAULT_ADDRESS_TYPES);
    assert_eq!(flags.serving.secure_port, 443);
    assert!(flags.warnings().is_empty());
}

/// The flags of the Go server's own documentation, with its defaults.
#[test]
fn every_flag_of_the_go_server_is_known() {
    let upstream = include_str!("upstream.txt").lines().filter(|line| !line.starts_with('#'));
    let flags = parse(&[]).unwrap();
    let mut differs = Vec::new();
    for line in upstream {
        let (name, default) = line.split_once(' ').unwrap_or((line, ""));
        match flags.effective().get(name) {
            Some(here) if here == default => {}
            here => differs.push(format!("{name}: {default:?}, here {here:?}")),
        }
    }
    assert_eq!(differs, [""; 0]);
}

#[test]
fn values_are_read_as_go_reads_them() {
    let flags = parse(&[
        "--kubelet-insecure-tls",
        "--metric-resolution=1m30s",
        "--metric-resolution=2m",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        "--kubelet-preferred-address-types",
        "ExternalIP",
        "--kubelet-use-node-status-port=T",
        "--kubelet-port=0x2712",
        "-v=4",
        "-l",
        "a=b",
        "--kubeconfig=",
        "--requestheader-group-headers=",
        "--tls-sni-cert-key=a.crt,a.key:*.a,b",
        "--tls-sni-cert-key=c.crt,c.key",
    ])
    .unwrap();
    let kubelet = &flags.kubelet;
    assert!(kubelet.kubelet_insecure_tls && kubelet.kubelet_use_node_status_port);
    assert_eq!(flags.metrics_server.metric_resolution, Duration::from_mins(2));
    assert_eq!(
        kubelet.kubelet_preferred_address_types.concat(),
        ["InternalIP", "Hostname", "ExternalIP"]
    );
    assert_eq!((kubelet.kubelet_port, flags.logging.verbosity), (10002, 4));
    assert_eq!(kubelet.node_selector, LabelSelector::parse("a=b").unwrap());
    assert_eq!(flags.metrics_server.kubeconfig, None);
    assert!(flags.authentication.requestheader_group_headers.concat().is_empty());
    let sni = &flags.serving.tls_sni_cert_key;
    assert_eq!((sni.len(), sni[0].names.len(), sni[1].key.as_path()), (2, 2, Path::new("c.key")));
}

#[test]
fn short_flags_take_their_value_in_three_ways() {
    for args in [&["-v", "4"][..], &["-v4"], &["-v=4"], &["--v=4"], &["--v", "4"]] {
        assert_eq!(parse(args).unwrap().logging.verbosity, 4, "{args:?}");
    }
    assert!(parse(&["-v=-1"]).is_err());
}

#[test]
fn arguments_without_effect_are_named_once() {
    assert_eq!(
        warned(&[
            "--profiling=false",
            "--logtostderr",
            "--feature-gates=a=true",
            "--feature-gates=kube:b=false",
            "--kubelet-insecure-tls",
            "true",
        ]),
        ["--feature-gates", "--profiling", "--logtostderr", "true"]
    );
    assert_eq!(
        warned(&[
            "--tls-min-version=VersionTLS10",
            "--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA,TLS_AES_128_GCM_SHA256"
        ]),
        ["--tls-min-version=VersionTLS10", "--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA"]
    );
}

#[test]
fn the_version_flag_works_with_any_other_flag() {
    for (args, asked) in [
        (&["--version"][..], VersionFlag::Short),
        (&["--version=raw", "--metric-resolution=1s"], VersionFlag::Raw),
        (&["--version=false"], VersionFlag::No),
    ] {
        assert_eq!(parse(args).unwrap().metrics_server.version, asked);
    }
}

#[test]
fn values_in_force_are_shown_in_gos_notation() {
    let flags = parse(&["--metric-resolution=90s", "--kubelet-insecure-tls=1"]).unwrap();
    let value = |name: &str| flags.effective()[name].as_str();
    assert_eq!((value("metric-resolution"), value("kubelet-insecure-tls")), ("1m30s", "true"));
    assert_eq!(value("authorization-always-allow-paths"), "[/healthz,/readyz,/livez]");
    assert_eq!((value("client-ca-file"), value("v")), ("", "0"));
}

#[test]
fn mistakes_are_one_line_with_the_cure() {
    let cases: [(&[&str], &str); 16] = [
        (
            &["--kubelet-insecure-tl"],
            "unknown flag: --kubelet-insecure-tl (did you mean --kubelet-insecure-tls?)",
        ),
        (
            &["--metric-resolution=15"],
            "invalid value '15' for '--metric-resolution <DURATION>': \"15\" is not a duration: write numbers with units, such as 15s, 1m30s or 250ms",
        ),
        (
            &["--metric-resolution=5s", "--kubelet-request-timeout=3s"],
            "--metric-resolution must be at least 10s, not 5s",
        ),
        (
            &["--metric-resolution=10s"],
            "--kubelet-request-timeout must be at most 9/10 of --metric-resolution, but they are 10s and 10s",
        ),
        (
            &[
                "--kubelet-insecure-tls",
                "--kubelet-certificate-authority=/ca",
                "--kubelet-client-key=/k",
            ],
            "--kubelet-insecure-tls and --kubelet-certificate-authority exclude each other; --kubelet-client-certificate and --kubelet-client-key go together",
        ),
        (
            &["--deprecated-kubelet-completely-insecure", "--kubelet-insecure-tls"],
            "--kubelet-insecure-tls and --deprecated-kubelet-completely-insecure exclude each other",
        ),
        (
            &["--goaway-chance=0.5", "--tls-cert-file=/c"],
            "--tls-cert-file and --tls-private-key-file go together; --goaway-chance must be between 0 and 0.02, not 0.5",
        ),
        (
            &[
                "--request-timeout=0",
                "--max-requests-inflight=0",
                "--max-mutating-requests-inflight=0",
                "--strict-transport-security-directives=max-age=soon",
                "--audit-log-maxsize=-1",
            ],
            "--request-timeout must be more than 0s; --max-requests-inflight and --max-mutating-requests-inflight must not both be 0 with --enable-priority-and-fairness; --strict-transport-security-directives knows max-age=SECONDS, includeSubDomains and preload, not \"max-age=soon\"; --audit-log-maxsize must not be negative, but is -1; 0 is no limit",
        ),
        (
            &["--cors-allowed-origins=shop.example"],
            "invalid value 'shop.example' for '--cors-allowed-origins <REGEX,…>': pin the host at both ends, with ^ or // before it and $ or (:|$) after it",
        ),
        (
            &["--cors-allowed-origins=^https://($"],
            "invalid value '^https://($' for '--cors-allowed-origins <REGEX,…>': it is no regular expression: found open group without closing ')'",
        ),
        (
            &["--tls-min-version=VersionSSL30"],
            "invalid value 'VersionSSL30' for '--tls-min-version <VERSION>': write one of VersionTLS10, VersionTLS11, VersionTLS12, VersionTLS13",
        ),
        (
            &["--tls-cipher-suites=TLS_NONE"],
            "invalid value 'TLS_NONE' for '--tls-cipher-suites <SUITE,…>': there is no such cipher suite: choose from TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (
            &["--secure-port=0"],
            "invalid value '0' for '--secure-port <PORT>': write a port, 1 to 65535",
        ),
        (
            &["--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA"],
            "--tls-cipher-suites has no suite that is safe enough for this server",
        ),
        (
            &["--node-selector=a in b"],
            "invalid value 'a in b' for '--node-selector <SELECTOR>': unable to parse requirement: found 'b' expected: '('",
        ),
        (
            &["--logging-format=json", "--vmodule=scrape=4"],
            "--vmodule works with --logging-format=text only",
        ),
    ];
    for (args, message) in cases {
        assert_eq!(parse(args).unwrap_err().to_string(), message);
    }
}

#[test]
fn help_is_grouped_as_the_go_servers() {
    let FlagError::Help(help) = parse(&["--help"]).unwrap_err() else { panic!("no help") };
    let headings: Vec<_> = help.lines().filter(|line| line.ends_with(':')).collect();
    assert_eq!(
        headings,
        [
            "Metrics server:",
            "Generic:",
            "Kubelet client:",
            "Secure serving:",
            "Authentication:",
            "Authorization:",
            "Audit log:",
            "Features:",
            "Logging:",
        ]
    );
}

#[test]
fn the_reference_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flags.md");
    let text = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == text,
        "docs/flags.md is out of date: UPDATE_DOCS=1 cargo test -p metrics-server flags"
    );
}

/// What became of `args`, as the table of the Go server's answers writes it.
fn outcome(args: &[&str], expected: &str) -> String {
    let first = args[0].trim_start_matches('-');
    let name = match (args[0].starts_with("--"), &first[..1.min(first.len())]) {
        (false, "l") => "node-selector",
        (false, "v") => "v",
        _ => first.split('=').next().unwrap(),
    };
    match parse(args) {
        Err(_) => "refused".to_owned(),
        Ok(_) if expected == "accepted" => "accepted".to_owned(),
        Ok(flags) => serde_json::to_string(&flags.effective()[name]).unwrap(),
    }
}

#[test]
fn arguments_are_read_as_the_go_server_reads_them() {
    let mut wrong = Vec::new();
    for line in include_str!("go.txt").lines().filter(|line| !line.starts_with('#')) {
        let (args, expected) = line.split_once(" → ").unwrap();
        let args: Vec<String> = serde_json::from_str(args).unwrap();
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let expected = match expected.split_once(" | ") {
            Some((_, here)) => here.rsplit_once(": ").unwrap().0,
            None => expected,
        };
        let here = outcome(&args, expected);
        if here != expected {
            wrong.push(format!("{line} but here {here}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}
