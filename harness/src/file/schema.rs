//! The JSON Schema of scenario files, for editors and for the checks of this module.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::format::Scenario;

/// The identifier of the schema: the version of the format it describes.
const ID: &str = "urn:metrics-server:harness:v1alpha1:scenario";

/// The JSON Schema (draft 2020-12) of a scenario file.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<Scenario>();
        schema.insert("$id".to_owned(), ID.into());
        schema.to_value()
    });
    &SCHEMA
}
