//! Bodies that a kubelet should not have sent. They are made of the lines of the right one, so that
//! recordings can be corrupted as well.

use std::time::Duration;

use cluster_format::{BodyFault, In, SampleFault};

use crate::{exposition, sample::NodeSample};

/// A label value with all that the text format escapes, and all that ends labels elsewhere.
const ESCAPED: &str = r#"q\"b\\s\nn}{,="#;

/// The body that is sent instead of the right one.
pub(crate) fn corrupt(fault: BodyFault, right: &str) -> String {
    match fault {
        BodyFault::Garbage => "<html><head><title>It works!</title></head></html>\n".to_owned(),
        BodyFault::Empty | BodyFault::NotFound => String::new(),
        BodyFault::OnlyScrapeError => {
            exposition::render(&NodeSample { failed: true, ..NodeSample::default() })
        }
        BodyFault::NoCpu => without(right, |family| family.ends_with("_cpu_usage_seconds_total")),
        BodyFault::NoMemory => {
            without(right, |family| family.ends_with("_memory_working_set_bytes"))
        }
        BodyFault::NoStartTimes => {
            without(right, |family| family == "container_start_time_seconds")
        }
        BodyFault::NoNode => without(right, |family| family.starts_with("node_")),
        BodyFault::NoPods => {
            without(right, |family| family.starts_with("container_") || family.starts_with("pod_"))
        }
        BodyFault::Zeros => with_values(right, |_| "0".to_owned()),
        BodyFault::NaN => with_values(right, |_| "NaN".to_owned()),
        BodyFault::Infinite => with_values(right, |_| "+Inf".to_owned()),
        BodyFault::Negative => with_values(right, |value| format!("-{value}")),
        BodyFault::Escapes => each_line(right, |line| {
            let more = of_container(line).and_then(|line| label(line, "container"));
            let more = more.map(|(before, _, after)| format!("{before}{ESCAPED}{after}"));
            std::iter::once(line.to_owned()).chain(more).collect()
        }),
        BodyFault::Duplicates => each_line(right, |line| {
            let times = if line.starts_with('#') { 1 } else { 2 };
            vec![line.to_owned(); times]
        }),
        BodyFault::ConflictingDuplicates => each_line(right, |line| {
            let again = of_container(line).map(|line| with_values(line, half));
            std::iter::once(line.to_owned())
                .chain(again.map(|line| line.trim_end().to_owned()))
                .collect()
        }),
        BodyFault::NoLabels => each_line(right, |line| {
            let bare = of_container(line).and_then(|line| {
                Some(format!("{}{}", line.split_once('{')?.0, line.rsplit_once('}')?.1))
            });
            vec![bare.unwrap_or_else(|| line.to_owned())]
        }),
        BodyFault::NoContainerLabel => each_line(right, |line| {
            let bare = of_container(line).and_then(|line| label(line, "container")).map(
                |(before, _, after)| {
                    let before = before.trim_end_matches("container=\"");
                    format!("{before}{}", after.trim_start_matches("\","))
                },
            );
            vec![bare.unwrap_or_else(|| line.to_owned())]
        }),
        BodyFault::BadLine => {
            let lines: Vec<_> = right.lines().collect();
            let (before, after) = lines.split_at(lines.len() / 2);
            let all = [before, &["node_cpu_usage_seconds_total MNAME {"], after].concat();
            all.join("\n") + "\n"
        }
    }
}

fn each_line(text: &str, turn: impl Fn(&str) -> Vec<String>) -> String {
    text.lines().flat_map(turn).map(|line| line + "\n").collect()
}

/// Half of a value.
fn half(value: &str) -> String {
    value.parse::<f64>().map_or_else(|_| value.to_owned(), |value| (value / 2.0).to_string())
}

fn without(text: &str, leaves_out: impl Fn(&str) -> bool) -> String {
    each_line(text, |line| {
        let stays = !leaves_out(family(line));
        stays.then(|| line.to_owned()).into_iter().collect()
    })
}

/// With other values of CPU and memory.
fn with_values(text: &str, value: impl Fn(&str) -> String) -> String {
    each_line(text, |line| {
        let family = family(line);
        let measured = family.ends_with("_cpu_usage_seconds_total")
            || family.ends_with("_memory_working_set_bytes");
        vec![match series(line).filter(|_| measured) {
            Some((name, old, time)) => format!("{name} {}{time}", value(old)),
            None => line.to_owned(),
        }]
    })
}

/// The family that a line is about.
fn family(line: &str) -> &str {
    let about = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
    about.unwrap_or(line).split(['{', ' ']).next().unwrap_or_default()
}

/// Name and labels, value, and the rest with the space before it.
fn series(line: &str) -> Option<(&str, &str, &str)> {
    if line.starts_with('#') {
        return None;
    }
    let end = line.rfind('}').map_or_else(|| line.find(' '), |end| Some(end + 1))?;
    let (name, rest) = line.split_at(end);
    let rest = rest.strip_prefix(' ')?;
    let end = rest.find(' ').unwrap_or(rest.len());
    Some((name, &rest[..end], &rest[end..]))
}

fn of_container(line: &str) -> Option<&str> {
    Some(line).filter(|line| line.starts_with("container_"))
}

/// The text before, in and after the value of a label, outside of quotes.
fn label<'l>(line: &'l str, name: &str) -> Option<(&'l str, &'l str, &'l str)> {
    let start = line.find(&format!("{name}=\""))? + name.len() + 2;
    let end = start + line[start..].find('"')?;
    Some((&line[..start], &line[start..end], &line[end..]))
}

/// The text with wrong times, or none.
pub(crate) fn shift_times(fault: &SampleFault, text: &str) -> String {
    let millis = |time: Option<In<Duration>>| {
        let millis = time.map(|time| time.0.as_millis()).unwrap_or_default();
        i64::try_from(millis).unwrap_or(i64::MAX)
    };
    let shift = millis(fault.ahead).saturating_sub(millis(fault.behind));
    each_line(text, |line| {
        let Some((name, value, time)) = series(line) else { return vec![line.to_owned()] };
        let time = time.trim().parse::<i64>().ok().filter(|_| !fault.untimed);
        let time = time.map(|time| format!(" {}", time.saturating_add(shift)));
        vec![format!("{name} {value}{}", time.unwrap_or_default())]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "\
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container=\"c\",namespace=\"n\",pod=\"p\"} 1.5 7000
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container=\"c\",namespace=\"n\",pod=\"p\"} 1.7e+09
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 2e+09 7000
";

    fn series_of(fault: BodyFault) -> Vec<String> {
        let corrupted = corrupt(fault, RIGHT);
        corrupted.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn each_fault_corrupts_what_it_names() {
        let start =
            "container_start_time_seconds{container=\"c\",namespace=\"n\",pod=\"p\"} 1.7e+09";
        let cpu = "container_cpu_usage_seconds_total{container=\"c\",namespace=\"n\",pod=\"p\"}";
        let node = "node_memory_working_set_bytes";
        assert_eq!(series_of(BodyFault::NoCpu), [start, &format!("{node} 2e+09 7000")]);
        assert_eq!(series_of(BodyFault::NoPods), [format!("{node} 2e+09 7000")]);
        assert_eq!(
            series_of(BodyFault::Negative),
            [&format!("{cpu} -1.5 7000"), start, &format!("{node} -2e+09 7000")]
        );
        assert_eq!(series_of(BodyFault::Duplicates).len(), 6);
        assert_eq!(
            series_of(BodyFault::ConflictingDuplicates)[..3],
            [&format!("{cpu} 1.5 7000"), &format!("{cpu} 0.75 7000"), start]
        );
        assert_eq!(series_of(BodyFault::NoLabels)[0], "container_cpu_usage_seconds_total 1.5 7000");
        assert_eq!(
            series_of(BodyFault::NoContainerLabel)[0],
            "container_cpu_usage_seconds_total{namespace=\"n\",pod=\"p\"} 1.5 7000"
        );
        assert_eq!(
            series_of(BodyFault::Escapes)[1],
            "container_cpu_usage_seconds_total{container=\"q\\\"b\\\\s\\nn}{,=\",namespace=\"n\",pod=\"p\"} 1.5 7000"
        );
        assert_eq!(series_of(BodyFault::BadLine).len(), 4);
        assert_eq!(
            series_of(BodyFault::OnlyScrapeError),
            ["resource_scrape_error 1", "scrape_error 1"]
        );
    }
}
