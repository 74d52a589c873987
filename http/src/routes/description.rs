//! The OpenAPI document of a route table.

use serde_json::{Map, Value, json};

use super::about::{Audience, Shape};
use super::example::example;
use super::{About, Entry, Routes};

impl Routes {
    /// The OpenAPI 3.1 document of the public endpoints, each path behind `prefix`.
    pub fn document(&self, title: &str, prefix: &str) -> Value {
        let (mut paths, mut schemas) = (Map::new(), Map::new());
        for (path, entries) in &self.resources {
            let mut item = Map::new();
            for entry in entries.iter().filter(|entry| entry.about.audience != Audience::Internal) {
                let operation = operation(entry, path, title, &mut schemas);
                item.insert(entry.method.as_str().to_ascii_lowercase(), operation);
            }
            if !item.is_empty() {
                paths.insert(format!("{prefix}{path}"), Value::Object(item));
            }
        }
        schemas.insert("Problem".into(), problem_schema());
        json!({
            "openapi": "3.1.0",
            "info": {"title": title, "version": env!("CARGO_PKG_VERSION")},
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
                }
            }
        })
    }
}

fn operation(entry: &Entry, path: &str, tag: &str, schemas: &mut Map<String, Value>) -> Value {
    let about = &entry.about;
    let mut parameters: Vec<Value> = path
        .split(['{', '}'])
        .skip(1)
        .step_by(2)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": in_path(name)}))
        .collect();
    parameters.extend(about.query.iter().map(|(name, description)| {
        json!({"name": name, "in": "query", "description": description, "schema": {"type": "string"}})
    }));
    if about.is_keyed {
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "required": true,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255}}));
    }
    let mut operation = json!({
        "summary": about.summary,
        "tags": [tag],
        "parameters": parameters,
        "responses": {
            about.status.to_string(): answer(about, schemas),
            "default": {"description": "A problem (RFC 9457)", "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        }
    });
    if about.audience != Audience::Public {
        operation["security"] = json!([{"bearer": []}]);
    }
    let note = match about.audience {
        Audience::Staff => Some("Operators and administrators only."),
        Audience::Admin => Some("Administrators only."),
        _ => None,
    };
    if let Some(note) = note {
        operation["description"] = json!(note);
    }
    if let Some(shape) = &about.takes {
        let schema = reference(shape, schemas);
        operation["requestBody"] = if about.is_upload {
            json!({"required": true, "content": {
                "multipart/form-data": {"schema": schema}, "*/*": {"schema": bytes()}}})
        } else {
            json!({"required": true, "content": {"application/json": content(schema, schemas)}})
        };
    }
    if about.is_download {
        operation["responses"]["206"] = json!({"description": "The part that `Range` asks for",
            "content": {"*/*": {"schema": bytes()}}});
        operation["responses"]["304"] = json!({"description": "It is as the client knows it"});
    }
    operation
}

/// Ids are UUIDs; whatever else stands in a path is a word.
fn in_path(name: &str) -> Value {
    if name == "id" || name.ends_with("_id") {
        json!({"type": "string", "format": "uuid"})
    } else {
        json!({"type": "string"})
    }
}

/// Bytes of any media type.
fn bytes() -> Value {
    json!({"type": "string", "format": "binary"})
}

fn answer(about: &About, schemas: &mut Map<String, Value>) -> Value {
    if about.is_download {
        return json!({"description": "The file", "content": {"*/*": {"schema": bytes()}}});
    }
    let Some(shape) = &about.gives else { return json!({"description": "Done"}) };
    let mut schema = reference(shape, schemas);
    if about.is_list {
        schema = json!({"type": "object", "required": ["data", "has_more"], "properties": {
            "data": {"type": "array", "items": schema},
            "next_cursor": {"type": ["string", "null"]},
            "has_more": {"type": "boolean"}}});
    }
    let mut contents = json!({"application/json": content(schema, schemas)});
    for form in about.forms {
        contents[*form] = json!({"schema": {"type": "string"}});
    }
    json!({"description": "Done", "content": contents})
}

/// A schema with an example.
fn content(schema: Value, schemas: &Map<String, Value>) -> Value {
    json!({"example": example(&schema, schemas), "schema": schema})
}

fn reference(shape: &Shape, schemas: &mut Map<String, Value>) -> Value {
    let mut all = vec![(shape.name.clone(), (shape.schema)())];
    (shape.others)(&mut all);
    for (name, schema) in all {
        if let Ok(schema) = serde_json::to_value(schema) {
            schemas.entry(name).or_insert(schema);
        }
    }
    json!({"$ref": format!("#/components/schemas/{}", shape.name)})
}

fn problem_schema() -> Value {
    json!({"type": "object", "required": ["type", "title", "status", "code"], "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"}, "instance": {"type": "string"},
        "code": {"type": "string"}, "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "properties": {
            "pointer": {"type": "string"}, "code": {"type": "string"}, "detail": {"type": "string"}}}}}})
}
