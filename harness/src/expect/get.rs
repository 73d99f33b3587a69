//! Expectations on an answer of the API server or the metrics server.

use jiff::{SignedDuration, Timestamp};
use k8s_text::quantity::Quantity;
use serde_json::Value;

use super::{
    Mismatch,
    request::{self, Answer},
    wildcard::{fits, has},
};
use crate::{
    file::format::{Credentials, GetExpectation, RequestTarget},
    world::{FileClock, World},
};

/// The field of a `PodMetrics` whose items have no order.
const CONTAINERS: &str = "containers";

/// How far usage may be off where time is real, as a share: a rate between other nanoseconds is
/// rounded in another way, such as 49999999n for 50m.
const ROUNDING: f64 = 1e-6;

/// How late moments may be where time is real: nothing happens at once there.
const LATE: SignedDuration = SignedDuration::from_secs(2);

/// How far a value may differ from the expected one.
#[derive(Clone, Copy, Default)]
struct Tolerance {
    /// Quantities and numbers as near as this share.
    share: f64,
    /// Moments as near as this.
    moments: SignedDuration,
}

/// Whether the answer is as expected.
pub(super) async fn check(world: &dyn World, expectation: &GetExpectation) -> Result<(), Mismatch> {
    let expected = expectation.status.unwrap_or(200);
    let failed = |seen| Mismatch {
        field: "get",
        expected: format!("an answer with status {expected}"),
        seen,
    };
    let directly = expectation.from == Some(RequestTarget::MetricsServer);
    let client = world
        .client_of(expectation.as_.as_ref(), directly)
        .map_err(|error| failed(error.to_string()))?;
    let mut headers: Vec<_> =
        expectation.send.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Some(asker) = &expectation.as_
        && asker.shows == Some(Credentials::Headers)
    {
        headers.push(("x-remote-user".to_owned(), asker.user.clone()));
        let groups = asker.groups.iter();
        headers.extend(groups.map(|group| ("x-remote-group".to_owned(), group.clone())));
    }
    let answer = request::get(&client, &expectation.path, &headers).await.map_err(failed)?;
    if answer.status.as_u16() != expected {
        return Err(Mismatch {
            field: "status",
            expected: format!("status {expected}"),
            seen: format!("status {}\n{}", answer.status.as_u16(), answer.text().trim_end()),
        });
    }
    check_headers(&answer, expectation)?;
    check_text(&answer, expectation)?;
    let mut seen = answer.value();
    if let Some(clock) = world.file_clock() {
        on_file_clock(&mut seen, &clock);
    }
    if let Some(wanted) = &expectation.body {
        let rounding = world.file_clock().map_or(0.0, |_| ROUNDING);
        let tolerance = Tolerance {
            share: expectation.within.map_or(0.0, |share| share.0.0).max(rounding),
            moments: world.file_clock().map_or(SignedDuration::ZERO, |_| LATE),
        };
        let seen = project(wanted, &seen, tolerance);
        equal("body", wanted, &seen)?;
    }
    if let Some(wanted) = &expectation.exact {
        equal("exact", wanted, &seen)?;
    }
    if let Some(wanted) = expectation.items {
        let words = |count: usize| format!("{count} items");
        let count = seen.get("items").and_then(Value::as_array).map_or(0, Vec::len);
        super::compare("items", words(wanted as usize), words(count))?;
    }
    for path in &expectation.absent {
        let parts: Vec<_> = path.split('.').collect();
        let above = parts.split_last().map_or(&[][..], |(_, above)| above);
        if !find(&seen, above).is_some_and(|it| it.is_object() || it.is_array()) {
            let expected = match above {
                [] => "an object".to_owned(),
                above => format!("something at {}, of which the rest is absent", above.join(".")),
            };
            return Err(Mismatch { field: "absent", expected, seen: pretty(&seen) });
        }
        if let Some(found) = find(&seen, &parts) {
            return Err(Mismatch {
                field: "absent",
                expected: format!("nothing at {path}"),
                seen: pretty(found),
            });
        }
    }
    Ok(())
}

/// Moments of a world where time is real, as the file would have them.
fn on_file_clock(value: &mut Value, clock: &FileClock) {
    match value {
        Value::String(text) => *text = clock.translate(text),
        Value::Array(items) => items.iter_mut().for_each(|item| on_file_clock(item, clock)),
        Value::Object(fields) => fields.values_mut().for_each(|item| on_file_clock(item, clock)),
        _ => {}
    }
}

fn check_headers(answer: &Answer, expectation: &GetExpectation) -> Result<(), Mismatch> {
    for (name, wanted) in &expectation.headers {
        let values: Vec<_> = answer
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        if !values.iter().any(|value| fits(value, wanted)) {
            let seen = if values.is_empty() {
                format!("no header {name}")
            } else {
                format!("{name}: {}", values.join(", "))
            };
            let expected = format!("{name}: {wanted}");
            return Err(Mismatch { field: "headers", expected, seen });
        }
    }
    Ok(())
}

fn check_text(answer: &Answer, expectation: &GetExpectation) -> Result<(), Mismatch> {
    if expectation.text.is_empty() {
        return Ok(());
    }
    let body = answer.text();
    match expectation.text.iter().find(|text| !body.lines().any(|line| has(line, text))) {
        None => Ok(()),
        Some(text) => Err(Mismatch { field: "text", expected: text.clone(), seen: body }),
    }
}

fn equal(field: &'static str, wanted: &Value, seen: &Value) -> Result<(), Mismatch> {
    if wanted == seen {
        return Ok(());
    }
    Err(Mismatch { field, expected: pretty(wanted), seen: pretty(seen) })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The part of `seen` that an expectation names: its fields, and lists whole where their lengths
/// differ. Values within the tolerance are replaced by the expected ones, and so are equal
/// quantities.
fn project(wanted: &Value, seen: &Value, tolerance: Tolerance) -> Value {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => wanted
            .iter()
            .filter_map(|(name, wanted)| {
                let seen = seen.get(name)?;
                let seen = if name == CONTAINERS { &in_order(wanted, seen) } else { seen };
                Some((name.clone(), project(wanted, seen, tolerance)))
            })
            .collect(),
        (Value::Array(wanted), Value::Array(seen)) if wanted.len() == seen.len() => {
            wanted.iter().zip(seen).map(|(wanted, seen)| project(wanted, seen, tolerance)).collect()
        }
        // What fits is shown as it was wanted, so that only what does not fit is different.
        (Value::String(wanted), Value::String(seen)) if fits(seen, wanted) => wanted.clone().into(),
        (wanted, seen) if tolerance.includes(wanted, seen) => wanted.clone(),
        (_, seen) => seen.clone(),
    }
}

/// The containers of a pod in the expectation's order: servers have them in any.
fn in_order(wanted: &Value, seen: &Value) -> Value {
    let (Value::Array(wanted), Value::Array(items)) = (wanted, seen) else { return seen.clone() };
    let place = |item: &Value| {
        let named = wanted
            .iter()
            .position(|it| it.get("name").is_some_and(|n| Some(n) == item.get("name")));
        named.unwrap_or(wanted.len())
    };
    let mut items = items.clone();
    items.sort_by_key(place);
    Value::Array(items)
}

fn is_near(wanted: &Value, seen: &Value, share: f64) -> bool {
    let quantity = |value: &Value| value.as_str()?.parse::<Quantity>().ok();
    // YAML reads the quantity `0.1` as a number.
    let number = |value: &Value| value.as_number()?.to_string().parse::<Quantity>().ok();
    let wanted_quantity = quantity(wanted).or_else(|| number(wanted));
    if let (Some(wanted), Some(seen)) = (wanted_quantity, quantity(seen)) {
        let (wanted, seen) = (wanted.nanos(), seen.nanos());
        return wanted == seen || is_within(wanted as f64, seen as f64, share);
    }
    match (wanted.as_f64(), seen.as_f64()) {
        (Some(wanted), Some(seen)) => is_within(wanted, seen, share),
        _ => false,
    }
}

fn is_within(wanted: f64, seen: f64, share: f64) -> bool {
    (wanted - seen).abs() <= wanted.abs() * share
}

// === impl Tolerance ===

impl Tolerance {
    fn includes(self, wanted: &Value, seen: &Value) -> bool {
        let moment = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        match (moment(wanted), moment(seen)) {
            (Some(wanted), Some(seen)) => seen.duration_since(wanted).abs() <= self.moments,
            _ => is_near(wanted, seen, self.share),
        }
    }
}

/// The first thing at a path.
fn find<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    let Some((first, rest)) = path.split_first() else { return Some(value) };
    match value {
        Value::Object(fields) => fields.get(*first).and_then(|value| find(value, rest)),
        Value::Array(items) if *first == "*" => items.iter().find_map(|item| find(item, rest)),
        Value::Array(items) => {
            items.get(first.parse::<usize>().ok()?).and_then(|item| find(item, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_compared_in_the_fields_of_the_expectation() {
        let seen = json!({
            "kind": "List",
            "items": [{"name": "a", "more": 1}, {"name": "b"}],
            "containers": [{"name": "side", "cpu": 2}, {"name": "main", "cpu": 1}],
        });
        for (wanted, holds) in [
            (json!({}), true),
            (json!({"kind": "List"}), true),
            (json!({"items": [{"name": "a"}, {}]}), true),
            (json!({"items": [{"name": "a"}]}), false),
            (json!({"items": []}), false),
            (json!({"containers": [{"name": "main"}, {"name": "side", "cpu": 2}]}), true),
            (json!({"containers": [{"name": "side", "cpu": 1}, {}]}), false),
            (json!({"containers": [{"name": "main"}]}), false),
            (json!({"items": [{"name": "b"}, {"name": "a"}]}), false),
            (json!({"kind": null}), false),
            (json!({"missing": null}), false),
            (json!({"kind": "L…t"}), true),
            (json!({"kind": "List…"}), true),
            (json!({"kind": "…s"}), false),
            (json!({"kind": "is…"}), false),
            (json!({"kind": "Li…List"}), false),
        ] {
            assert_eq!(project(&wanted, &seen, Tolerance::default()) == wanted, holds, "{wanted}");
        }
    }

    #[test]
    fn quantities_may_be_near() {
        for (wanted, seen, share, holds) in [
            (json!("100m"), json!("101m"), 0.02, true),
            (json!("100m"), json!("101m"), 0.0, false),
            (json!("100m"), json!("0.1"), 0.0, true),
            (json!("1Gi"), json!("1073741824"), 0.0, true),
            (json!("1Gi"), json!("1G"), 0.0, false),
            (json!("1"), json!(1), 0.0, false),
            (json!(1), json!("1000m"), 0.0, true),
            (json!(0.1), json!("100m"), 0.0, true),
            (json!(0.1), json!("101m"), 0.0, false),
            (json!("100m"), json!("103m"), 0.02, false),
            (json!("1Gi"), json!("1048570Ki"), 0.01, true),
            (json!(10), json!(11), 0.1, true),
            (json!("a"), json!("b"), 1.0, false),
        ] {
            assert_eq!(
                project(&wanted, &seen, Tolerance { share, ..Tolerance::default() }) == wanted,
                holds,
                "{wanted} {seen}"
            );
        }
    }

    #[test]
    fn moments_may_be_late_where_time_is_real() {
        for (seen, moments, holds) in [
            ("2019-01-04T09:53:02Z", LATE, true),
            ("2019-01-04T09:52:58Z", LATE, true),
            ("2019-01-04T09:53:03Z", LATE, false),
            ("2019-01-04T09:53:02Z", SignedDuration::ZERO, false),
        ] {
            let (wanted, seen) = (json!("2019-01-04T09:53:00Z"), json!(seen));
            let tolerance = Tolerance { moments, ..Tolerance::default() };
            assert_eq!(project(&wanted, &seen, tolerance) == wanted, holds, "{seen}");
        }
    }

    #[test]
    fn paths_lead_into_lists() {
        let value = json!({"items": [{"a": 1}, {"b": null}]});
        for (path, found) in [
            ("items", true),
            ("items.0.a", true),
            ("items.1.a", false),
            ("items.*.b", true),
            ("items.*.c", false),
            ("items.2", false),
            ("kind", false),
        ] {
            let parts: Vec<_> = path.split('.').collect();
            assert_eq!(find(&value, &parts).is_some(), found, "{path}");
        }
    }
}
