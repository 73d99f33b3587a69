//! The server's own metrics.

use kube::Client;

use super::{Mismatch, compare, request};
use crate::{file::format::MetricExpectation, world::World};

const PATH: &str = "/metrics";

/// How the names of the metrics that a metrics server alone has begin.
const PREFIX: &str = "metrics_server_";

/// A metric and the labels its series must have.
#[derive(Debug, PartialEq, Eq)]
struct Series<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
}

/// The value of a metric now; nothing if there is no such series.
pub(crate) async fn value(world: &dyn World, metric: &str) -> Result<Option<f64>, String> {
    let client = world.metrics_client().map_err(|error| error.to_string())?;
    sum(&page(&client).await?, metric)
}

/// The values of several metrics at one moment.
pub(crate) async fn values(
    client: &Client,
    metrics: [&str; 2],
) -> Result<[Option<f64>; 2], String> {
    let text = page(client).await?;
    Ok([sum(&text, metrics[0])?, sum(&text, metrics[1])?])
}

fn sum(text: &str, metric: &str) -> Result<Option<f64>, String> {
    let wanted = Series::read(metric).ok_or("not the name of a metric")?;
    let values = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let seen = Series::read(series)?;
        let fits = seen.name == wanted.name
            && wanted.labels.iter().all(|label| seen.labels.contains(label));
        fits.then(|| value.parse::<f64>().ok()).flatten()
    });
    Ok(values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value)))
}

/// All of the server's own metrics as they are now.
async fn page(client: &Client) -> Result<String, String> {
    let answer = request::get(client, PATH, &[]).await?;
    if !answer.status.is_success() {
        return Err(format!("status {}\n{}", answer.status.as_u16(), answer.text().trim_end()));
    }
    Ok(answer.text())
}

/// Whether these families are there, and no others of a metrics server's own.
pub(super) async fn check_families(world: &dyn World, wanted: &[String]) -> Result<(), Mismatch> {
    let expected = wanted.join("\n");
    let client = world.metrics_client().map_err(|error| error.to_string());
    let text = match &client {
        Ok(client) => page(client).await,
        Err(error) => Err(error.clone()),
    };
    let seen = match text {
        Ok(text) => {
            let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
            let names = types.filter_map(|line| line.split(' ').next());
            let mut names: Vec<_> = names.filter(|name| name.starts_with(PREFIX)).collect();
            names.sort_unstable();
            names.join("\n")
        }
        Err(error) => error,
    };
    compare("families", expected, seen)
}

/// Whether this is how a metric is written.
pub(crate) fn is_metric(text: &str) -> bool {
    Series::read(text).is_some()
}

/// The name of a metric and those of its labels.
pub(crate) fn name_and_labels(text: &str) -> Option<(&str, Vec<&str>)> {
    let Series { name, labels } = Series::read(text)?;
    Some((name, labels.into_iter().map(|(label, _)| label).collect()))
}

/// Whether the metric is as expected; `before` is what it was when the step began.
pub(super) async fn check(
    world: &dyn World,
    expectation: &MetricExpectation,
    before: Option<f64>,
) -> Result<(), Mismatch> {
    let metric = expectation.metric.as_str();
    let differs = |field, expected: String, seen| Mismatch {
        field,
        expected: format!("{metric} {expected}"),
        seen,
    };
    let seen = value(world, metric)
        .await
        .map_err(|error| differs("metric", "can be asked for".to_owned(), error))?;
    let words = seen.map_or("no such metric".to_owned(), |value| format!("{metric} is {value}"));
    if let Some(wanted) = expectation.is
        && seen != Some(wanted)
    {
        return Err(differs("is", format!("is {wanted}"), words));
    }
    if let Some(least) = expectation.at_least
        && seen.is_none_or(|seen| seen < least)
    {
        return Err(differs("atLeast", format!("is at least {least}"), words));
    }
    if let Some(most) = expectation.at_most
        && seen.is_none_or(|seen| seen > most)
    {
        return Err(differs("atMost", format!("is at most {most}"), words));
    }
    if let Some(wanted) = expectation.changed_by {
        let before = before.unwrap_or(0.0);
        if (seen.unwrap_or(0.0) - before - wanted).abs() > wanted.abs() * f64::EPSILON {
            let expected = format!("has changed by {wanted}");
            return Err(differs("changedBy", expected, format!("{words}, and was {before}")));
        }
    }
    Ok(())
}

// === impl Series ===

impl<'a> Series<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (name, labels) = match text.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
            None => (text, ""),
        };
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if name.is_empty() || !name.chars().all(sound) {
            return None;
        }
        let mut pairs = Vec::new();
        let mut rest = labels;
        while !rest.is_empty() {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = after.split_at(end_of_value(after)?);
            pairs.push((label.trim_start_matches(',').trim(), value));
            rest = after.strip_prefix('"')?;
        }
        Some(Self { name, labels: pairs })
    }
}

/// Where the quotes end; an escaped quote does not end them.
fn end_of_value(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_read_with_their_labels() {
        type Parts<'a> = (&'a str, Vec<(&'a str, &'a str)>);
        let cases: [(&str, Option<Parts<'_>>); 6] = [
            ("up", Some(("up", vec![]))),
            ("up{a=\"1\"}", Some(("up", vec![("a", "1")]))),
            ("up{a=\"1\",b=\"x y\\\"}\"}", Some(("up", vec![("a", "1"), ("b", "x y\\\"}")]))),
            ("up{a=1}", None),
            ("up{a=\"1\"", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(name, labels)| Series { name, labels });
            assert_eq!(Series::read(text), expected, "{text}");
        }
    }
}
