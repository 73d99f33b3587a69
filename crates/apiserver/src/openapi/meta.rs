//! Schemas of Kubernetes' own types that any API group refers to.

use k8s_openapi::apimachinery::pkg::{
    api::resource::Quantity,
    apis::meta::v1::{APIGroup, APIGroupList, APIResourceList, ListMeta, ObjectMeta, Time},
    version::Info,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

const DURATION: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration";

/// `Duration`, which no type of the API server refers to and which it therefore lacks.
pub(super) fn missing_in_api_server() -> Map<String, Value> {
    let description = "A duration as Go writes it, such as 15.003s or 1m30s.";
    let schema = json!({"type": "string", "description": description});
    Map::from_iter([(DURATION.to_owned(), schema)])
}

/// All schemas, as OpenAPI 3.0 writes them.
pub(super) fn schemas() -> Map<String, Value> {
    let mut generator = SchemaSettings::openapi3().into_generator();
    for add in [
        add::<APIGroup>,
        add::<APIGroupList>,
        add::<APIResourceList>,
        add::<Info>,
        add::<ListMeta>,
        add::<ObjectMeta>,
        add::<Quantity>,
        add::<Time>,
    ] {
        add(&mut generator);
    }
    let mut schemas = missing_in_api_server();
    schemas.extend(generator.take_definitions(true));
    schemas
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// The full name of a type.
pub(super) fn name<T: JsonSchema>() -> String {
    T::schema_name().into_owned()
}
