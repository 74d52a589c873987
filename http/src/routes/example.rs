//! Examples for the API description, put together from the schemas: what a type says of itself,
//! else what its fields say.

use serde_json::{Map, Value, json};

/// Schemas that hold themselves come to an end here.
const DEPTH_MAX: usize = 8;

/// A value of this schema. `null` where it does not say enough.
pub(super) fn example(schema: &Value, schemas: &Map<String, Value>) -> Value {
    at_depth(schema, schemas, DEPTH_MAX)
}

fn at_depth(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Value {
    if let Some(said) = said(schema) {
        return said;
    }
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return schemas.get(name).map_or(Value::Null, |schema| at_depth(schema, schemas, depth));
    }
    let choices = ["oneOf", "anyOf"].iter().find_map(|choice| schema[*choice].as_array());
    if let Some(first) = choices.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        return at_depth(first, schemas, depth);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().filter_map(|part| match at_depth(part, schemas, depth) {
            Value::Object(members) => Some(members),
            _ => None,
        });
        return Value::Object(parts.flatten().collect());
    }
    match kind(schema) {
        "object" => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let value = |schema| at_depth(schema, schemas, depth);
            Value::Object(fields.map(|(name, schema)| (name.clone(), value(schema))).collect())
        }
        "array" => json!([at_depth(&schema["items"], schemas, depth)]),
        "integer" | "number" => schema
            .get("minimum")
            .filter(|least| least.as_f64() > Some(0.0))
            .cloned()
            .unwrap_or(json!(1)),
        "boolean" => json!(true),
        "string" => json!(text(schema["format"].as_str().unwrap_or_default())),
        _ => Value::Null,
    }
}

/// What the schema itself gives as an example.
fn said(schema: &Value) -> Option<Value> {
    let first = |name: &str| schema[name].as_array().and_then(|all| all.first()).cloned();
    let one = schema.get("example").cloned().or_else(|| first("examples"));
    one.or_else(|| schema.get("const").cloned()).or_else(|| first("enum"))
}

/// The type, where there may be several the first that is not `null`.
fn kind(schema: &Value) -> &str {
    let named = &schema["type"];
    let several = named.as_array().into_iter().flatten().filter_map(Value::as_str);
    named.as_str().or_else(|| several.into_iter().find(|kind| *kind != "null")).unwrap_or_default()
}

/// A text of a usual format.
fn text(format: &str) -> &'static str {
    match format {
        "uuid" => "0190a3e2-7c1d-7b3a-9f10-6c2f4d8e5a01",
        "date" => "2026-11-01",
        "date-time" => "2026-11-01T08:00:00.000Z",
        "decimal" => "0.1043",
        "email" => "ada@example.org",
        "uri" => "https://example.org/hook",
        "password" => "a bill a day keeps the dark away",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_put_together_from_its_fields() {
        let schemas: Map<String, Value> = [
            ("Light".to_owned(), json!({"type": "string", "enum": ["red", "green"]})),
            (
                "Tree".to_owned(),
                json!({"type": "object", "properties": {
                "child": {"$ref": "#/components/schemas/Tree"}}}),
            ),
        ]
        .into_iter()
        .collect();
        let schema = json!({"type": "object", "properties": {
            "id": {"type": "string", "format": "uuid"},
            "light": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Light"}]},
            "name": {"type": ["string", "null"], "examples": ["Ada"]},
            "counts": {"type": "array", "items": {"type": "integer", "minimum": 2}}}});
        assert_eq!(
            example(&schema, &schemas),
            json!({"id": text("uuid"), "light": "red", "name": "Ada", "counts": [2]})
        );
        // A schema that holds itself comes to an end.
        assert!(example(&json!({"$ref": "#/components/schemas/Tree"}), &schemas).is_object());
    }
}
