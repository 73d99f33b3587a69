use super::*;

const TIME: i64 = 1_546_595_626_000;
const NANOS: Option<i64> = Some(TIME * 1_000_000);

fn sample(body: &str) -> Sample {
    decode(body.as_bytes(), TIME).unwrap().sample
}

#[test]
fn a_real_kubelet_is_read_whole() {
    let body = include_str!("../../../tests/golden/kubelet-1.36/resource.1.prom");
    let decoded = decode(body.as_bytes(), TIME).unwrap();
    assert_eq!(decoded.bad_lines, 0);
    let node = decoded.sample.node.unwrap();
    assert_eq!((node.cpu, node.memory), (2_045_935_720_883, 1_046_777_856));
    assert_eq!(node.time, Some(1_795_340_895_081_000_000));
    let names: Vec<_> = decoded
        .sample
        .pods
        .iter()
        .flat_map(|pod| {
            pod.containers.iter().map(move |c| format!("{}/{}/{}", pod.namespace, pod.name, c.name))
        })
        .collect();
    assert_eq!(
        names,
        [
            "default/real-pod-1/main",
            "default/real-pod-1/side",
            "default/real-pod-2/main",
            "default/real-pod-2/side"
        ]
    );
    let main = decoded.sample.pods[0].containers[0].point;
    assert_eq!((main.cpu, main.memory), (23_145_849_731, 23_068_672));
    assert_eq!(main.start, Some(1_795_340_409_692_846_848));
}

#[test]
fn partly_measured_containers_are_left_out() {
    let whole = "container_cpu_usage_seconds_total{container=\"c\",namespace=\"n\",pod=\"p\"} 1\n\
                 container_memory_working_set_bytes{container=\"c\",namespace=\"n\",pod=\"p\"} 2\n";
    assert_eq!(sample(whole).pods.len(), 1);
    let cases = [
        (
            "no memory",
            "container_cpu_usage_seconds_total{container=\"d\",namespace=\"n\",pod=\"p\"} 1\n",
        ),
        (
            "no CPU",
            "container_memory_working_set_bytes{container=\"d\",namespace=\"n\",pod=\"p\"} 1\n",
        ),
        (
            "only a start",
            "container_start_time_seconds{container=\"d\",namespace=\"n\",pod=\"p\"} 1\n",
        ),
    ];
    for (name, more) in cases {
        assert_eq!(sample(&format!("{whole}{more}")).pods, [], "{name}");
    }
    assert_eq!(sample("node_cpu_usage_seconds_total 1\n").node, None);
    assert_eq!(
        sample("node_cpu_usage_seconds_total 0\nnode_memory_working_set_bytes 1\n").node,
        None
    );
    let node = sample("node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 1\n").node;
    assert_eq!(node.unwrap().time, NANOS);
}

/// Rows of: the start in seconds, and what is known of it in nanoseconds. Go's numbers wrap around
/// into the past, which is as good as unknown; a start to come would be a restart in each scrape.
#[test]
fn a_start_that_cannot_be_is_none() {
    let rows = [
        ("1.5e+09", Some(1_500_000_000_000_000_000)),
        ("9.223372036e+09", Some(9_223_372_036_000_000_000)),
        ("9.3e+09", None),
        ("1e300", None),
        ("+Inf", None),
        ("-5", None),
    ];
    for (start, expected) in rows {
        let labels = "{container=\"c\",namespace=\"n\",pod=\"p\"}";
        let body = format!(
            "container_cpu_usage_seconds_total{labels} 1\ncontainer_memory_working_set_bytes{labels} 2\ncontainer_start_time_seconds{labels} {start}\n"
        );
        assert_eq!(sample(&body).pods[0].containers[0].point.start, expected, "{start}");
    }
}

/// As in Go: both families set the one time of a point.
#[test]
fn the_time_of_the_later_family_counts() {
    let cpu = |time| format!("node_cpu_usage_seconds_total 1 {time}\n");
    let memory = |time| format!("node_memory_working_set_bytes 2 {time}\n");
    for (body, millis) in [
        (cpu("1000") + &memory("2000"), 2_000),
        (cpu("2000") + &memory("1000"), 1_000),
        (memory("1000") + &cpu("2000"), 2_000),
        (cpu("1000") + &memory(""), TIME),
    ] {
        let point = sample(&body).node.unwrap();
        assert_eq!(point.time, Some(millis * 1_000_000), "{body}");
    }
}

#[test]
fn a_bad_line_drops_only_that_line() {
    let body = "node_cpu_usage_seconds_total 1 5\nnode_memory_working_set_bytes 2 5\n";
    for bad in [
        "container_cpu_usage_seconds_total 1",
        "container_cpu_usage_seconds_total{pod=\"p\",namespace=\"n\"} 1",
        "container_cpu_usage_seconds_total{pod=\"p",
        "container_cpu_usage_seconds_total{pod=p} 1",
        "node_cpu_usage_seconds_total x",
        "node_cpu_usage_seconds_total NaN",
        "node_memory_working_set_bytes +Inf",
        "container_memory_working_set_bytes{container=\"c\",namespace=\"n\",pod=\"p\"} -1",
        "node_cpu_usage_seconds_total 1 2 3",
        "node_cpu_usage_seconds_total 1 -1000",
        "node_cpu_usage_seconds_total 1 +1000",
        "node_cpu_usage_seconds_total 1 9223372036855",
        "other 1 -1000",
        "<html>",
        "\u{0}",
    ] {
        let decoded = decode(format!("{bad}\n{body}").as_bytes(), TIME).unwrap();
        assert_eq!((decoded.bad_lines, decoded.sample.node.is_some()), (1, true), "{bad}");
        assert_eq!(decoded.first_bad.unwrap().line, 1);
    }
}

#[test]
fn a_body_without_metrics_is_an_error() {
    let error = decode(b"# fine\n<html><body>not a kubelet</body></html>\n", TIME).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed parsing metrics: line 2: expected a metric, got \"<html><body>not a kubelet</body></html>\""
    );
    assert_eq!(decode(b"", TIME).unwrap().sample, Sample::default());
}

#[test]
fn scrape_error_means_that_the_kubelet_failed_to_measure() {
    let node = "node_cpu_usage_seconds_total 1 5\nnode_memory_working_set_bytes 2 5\n";
    for (line, failed) in [
        ("resource_scrape_error 1", true),
        ("scrape_error 1", true),
        ("resource_scrape_error 0", false),
        ("scrape_error 0", false),
    ] {
        let decoded = decode(format!("{node}{line}\n").as_bytes(), TIME).unwrap();
        assert_eq!((decoded.scrape_error, decoded.sample.node.is_some()), (failed, true), "{line}");
    }
}

#[test]
fn no_more_is_decoded_than_the_limits_allow() {
    let body = include_bytes!("../../../tests/golden/kubelet-1.36/resource.1.prom");
    let limits = |series, label| Limits { series, label, ..Limits::default() };
    let seen = |limits: Limits| {
        let decoded = decode_within(body, TIME, &limits).unwrap();
        (decoded.too_many, decoded.long_labels, decoded.sample.pods.len())
    };
    assert_eq!(seen(limits(14, 10)), (false, 0, 2));
    assert!(seen(limits(13, 10)).0);
    // `real-pod-1` has ten characters.
    assert_eq!(seen(limits(14, 9)), (false, 12, 0));
}

#[test]
fn label_values_may_hold_anything() {
    let body = "container_cpu_usage_seconds_total{container=\"a\\\"}b\",namespace=\"n\\\\\",pod=\"p\\n, x=\"} 1 7\n\
                container_memory_working_set_bytes{pod=\"p\\n, x=\",container=\"a\\\"}b\",namespace=\"n\\\\\"} 2 7\n";
    let pods = sample(body).pods;
    let pod = &pods[0];
    assert_eq!(
        (&*pod.namespace, &*pod.name, &*pod.containers[0].name),
        ("n\\", "p\n, x=", "a\"}b")
    );
}

/// Compares both readers of lines.
mod differential {
    use proptest::prelude::*;

    use super::*;
    use crate::kubelet::decode::{decode_plainly, fast, line};

    /// A line that the fast reader takes must mean the same to the other one.
    fn agree(text: &[u8]) {
        if let Some(fast) = fast::read(text) {
            assert_eq!(Some(fast), line::read(text), "{}", String::from_utf8_lossy(text));
        }
    }

    const NAMES: [&str; 9] = [
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
        "container_start_time_seconds",
        "container_swap_usage_bytes",
        "node_cpu_usage_seconds_total",
        "node_memory_working_set_bytes",
        "pod_cpu_usage_seconds_total",
        "scrape_error",
        "Other:1",
    ];

    fn part(of: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop_oneof![
            6 => proptest::sample::select(of).prop_map(str::to_owned),
            1 => "[ -~\u{e9}\t\r]{0,6}",
        ]
    }

    fn line_text() -> impl Strategy<Value = String> {
        let labels = part(&[
            "",
            "{}",
            r#"{container="a",namespace="b",pod="c"}"#,
            r#"{container="a}",namespace="b",pod="c"}"#,
            r#"{container="é",namespace="b",pod="c"}"#,
            r#"{container="a\"",namespace="b",pod="c"}"#,
            r#"{pod="c",namespace="b",container="a"}"#,
            r#"{namespace="b",pod="c"}"#,
            r#"{namespace="b}",pod="c"}"#,
        ]);
        let value = part(&[
            "0",
            "1",
            "0.5",
            "2.3068672e+07",
            "1e-05",
            "1.7e+308",
            "1e+999",
            "NaN",
            "+Inf",
            "-1",
            "1.",
            ".5",
            "01",
        ]);
        let time = part(&[
            "",
            " 1795340895081",
            " -5",
            " 999999999999999999",
            " 9999999999999999999",
            " 1.5",
        ]);
        let space = proptest::sample::select(&[" ", " ", " ", "", "  ", "\t"][..]);
        (proptest::sample::select(&NAMES[..]), labels, space, value, time).prop_map(
            |(name, labels, space, value, time)| format!("{name}{labels}{space}{value}{time}"),
        )
    }

    proptest! {
        #[test]
        fn lines_like_a_kubelets_mean_the_same_to_both(text in line_text()) {
            agree(text.as_bytes());
        }

        #[test]
        fn so_do_kubelets_own_lines_with_a_byte_changed(
            line in 0_usize..1_000, at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let body = include_str!("../../../tests/golden/kubelet-1.36/resource.1.prom");
            let lines: Vec<_> = body.lines().collect();
            let mut text = lines[line % lines.len()].as_bytes().to_vec();
            agree(&text);
            let at = at.index(text.len());
            text[at] = byte;
            agree(&text);
        }

        #[test]
        fn the_order_of_lines_does_not_matter(
            lines in Just(shuffled_lines()).prop_shuffle(),
        ) {
            let expected = decode(shuffled_lines().join("\n").as_bytes(), TIME).unwrap();
            prop_assert_eq!(&decode(lines.join("\n").as_bytes(), TIME).unwrap(), &expected);
            let plain = decode_plainly(lines.join("\n").as_bytes(), TIME).unwrap();
            prop_assert_eq!(&plain, &expected);
        }
    }

    fn shuffled_lines() -> Vec<String> {
        let mut lines = vec!["node_cpu_usage_seconds_total 1 5".to_owned()];
        for family in &NAMES[..3] {
            for (container, namespace, pod) in
                [("a", "n", "p"), ("a", "n", "q"), ("b", "m", "p"), ("b", "n", "p")]
            {
                lines.push(format!(
                    "{family}{{container=\"{container}\",namespace=\"{namespace}\",pod=\"{pod}\"}} 3 7"
                ));
            }
        }
        lines
    }

    #[test]
    fn the_usual_lines_are_read_fast() {
        let body = include_str!("../../../tests/golden/kubelet-1.36/resource.1.prom");
        let slow: Vec<_> =
            body.lines().filter(|line| fast::read(line.as_bytes()).is_none()).collect();
        assert_eq!(slow, ["resource_scrape_error 0", "scrape_error 0"]);
    }
}

/// Rows of: a second series of `node_memory_working_set_bytes` and of a container's CPU, whether
/// the node and the pod are served, and what is counted.
#[test]
fn series_with_two_different_values_are_dropped() {
    let labels = "{container=\"c\",namespace=\"n\",pod=\"p\"}";
    let body = format!(
        "container_cpu_usage_seconds_total{labels} 1 1000\n\
         container_memory_working_set_bytes{labels} 2 1000\n\
         node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 5\n"
    );
    let cpu = |value| format!("container_cpu_usage_seconds_total{labels} {value} 1001\n");
    let rows = [
        (String::new(), (true, true), 0, ""),
        (cpu("1"), (true, true), 0, ""),
        (cpu("2"), (true, false), 1, "container \"c\" of pod \"n/p\""),
        ("node_memory_working_set_bytes 6\n".to_owned(), (false, true), 1, "the node"),
    ];
    for (second, served, count, first) in rows {
        for body in [format!("{body}{second}"), format!("{second}{body}")] {
            let Decoded { sample, conflicts, .. } = decode(body.as_bytes(), TIME).unwrap();
            assert_eq!((sample.node.is_some(), sample.pods.len() == 1), served, "{second}");
            assert_eq!((conflicts.count, conflicts.first.as_str()), (count, first), "{second}");
        }
    }
}
