//! Objects as the rows that kubectl prints.

mod age;
mod node;
mod pod;

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{ConfigMap, Namespace},
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use net::Clock;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{object::Object, resources::ResourceType, response::to_json};

/// How a table's rows are written.
#[derive(Clone, Debug)]
pub(super) struct Table {
    resource: &'static ResourceType,
    include: Include,
    clock: Clock,
}

/// What a row carries beside its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Include {
    None,
    Metadata,
    Object,
}

/// One column's heading.
#[derive(Clone, Copy, Debug, Serialize)]
struct Column {
    name: &'static str,
    r#type: &'static str,
    format: &'static str,
    description: &'static str,
    /// 1 for what only wide output shows.
    priority: u8,
}

// === impl Table ===

impl Table {
    /// A table of `resource`, with as much of the objects as `includeObject` requests. The clock is
    /// for their ages.
    pub(super) fn new(resource: &'static ResourceType, include: &str, clock: &Clock) -> Self {
        let include = match include {
            "None" => Include::None,
            "Object" => Include::Object,
            _ => Include::Metadata,
        };
        Self { resource, include, clock: clock.clone() }
    }

    /// The table with a row for each object.
    pub(super) fn whole(&self, meta: &str, objects: &[&Object]) -> String {
        let now = self.clock.now();
        let rows: Vec<String> = objects.iter().map(|object| self.row(object, now)).collect();
        format!(
            r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{meta},"columnDefinitions":{},"rows":[{}]}}"#,
            to_json(&self.columns()),
            rows.join(",")
        )
    }

    fn row(&self, object: &Object, now: Timestamp) -> String {
        let included = match self.include {
            Include::None => "null".to_owned(),
            Include::Metadata => object.partial(),
            Include::Object => object.alone(),
        };
        format!(r#"{{"cells":{},"object":{included}}}"#, to_json(&self.cells(object, now)))
    }

    fn columns(&self) -> Vec<Column> {
        match self.resource.plural {
            "nodes" => node::columns(),
            "pods" => pod::columns(),
            "namespaces" => vec![
                Column::NAME,
                Column::text("Status", "The phase of the namespace."),
                Column::AGE,
            ],
            "configmaps" => {
                vec![Column::NAME, Column::text("Data", "How many entries there are."), Column::AGE]
            }
            "apiservices" => vec![
                Column::NAME,
                Column::text("Service", "The service that serves it."),
                Column::text("Available", "Whether the service answers."),
                Column::AGE,
            ],
            _ => vec![Column::NAME, Column::AGE],
        }
    }

    fn cells(&self, object: &Object, now: Timestamp) -> Vec<Value> {
        let name = object.key.name.as_str();
        let age = age::human(now.duration_since(object.stamp.created));
        match self.resource.plural {
            "nodes" => node::cells(name, &parse(object), &age),
            "pods" => pod::cells(name, &parse(object), &age, now),
            "namespaces" => {
                let status = parse::<Namespace>(object).status.unwrap_or_default();
                vec![json!(name), json!(status.phase.unwrap_or_default()), json!(age)]
            }
            "configmaps" => {
                let map: ConfigMap = parse(object);
                let entries = map.data.map_or(0, |data| data.len())
                    + map.binary_data.map_or(0, |data| data.len());
                vec![json!(name), json!(entries.to_string()), json!(age)]
            }
            "apiservices" => {
                let [service, available] = api_service(&parse(object));
                vec![json!(name), json!(service), json!(available), json!(age)]
            }
            _ => vec![json!(name), json!(age)],
        }
    }
}

// === impl Column ===

impl Column {
    const NAME: Self =
        Self { format: "name", ..Self::text("Name", "The name, unique in its namespace.") };
    const AGE: Self = Self::text("Age", "The time since the object was made.");

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, r#type: "string", format: "", description, priority: 0 }
    }

    const fn wide(name: &'static str, description: &'static str) -> Self {
        Self { priority: 1, ..Self::text(name, description) }
    }
}

/// The object in its type.
fn parse<K: DeserializeOwned + Default>(object: &Object) -> K {
    serde_json::from_str(&object.alone()).unwrap_or_default()
}

fn api_service(service: &APIService) -> [String; 2] {
    let spec = service.spec.as_ref();
    let backing = spec.and_then(|spec| spec.service.as_ref());
    let name = backing.map_or("Local".to_owned(), |service| {
        format!(
            "{}/{}",
            service.namespace.as_deref().unwrap_or_default(),
            service.name.as_deref().unwrap_or_default()
        )
    });
    let conditions = service.status.as_ref().and_then(|status| status.conditions.as_ref());
    let available = conditions.into_iter().flatten().find(|it| it.type_ == "Available");
    let available = available.map_or("Unknown".to_owned(), |condition| {
        match (condition.status.as_str(), condition.reason.as_deref()) {
            ("True", _) | (_, None | Some("")) => condition.status.clone(),
            (status, Some(reason)) => format!("{status} ({reason})"),
        }
    });
    [name, available]
}
