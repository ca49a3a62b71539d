//! Bill -> CycloneDX 1.6 (ECMA-424, 1st edition), as JSON.
//!
//! Pure.

use serde_json::{Map, Value, json};

use super::bill::{Bill, Part, WheelPart, uuid_of};
use crate::wheel::licenses::License;

/// The document.
pub fn document(bill: &Bill) -> Value {
    let about = reference_of_all(bill);
    let mut metadata = json!({
        "tools": { "components": [{ "type": "application", "name": "pipward", "version": bill.tool }] },
        "component": { "type": "application", "bom-ref": about, "name": bill.name },
        "properties": [property("pipward:lock:sha256", &bill.lock.to_string())],
    });
    if let (Some(time), Some(object)) = (bill.time, metadata.as_object_mut()) {
        object.insert("timestamp".into(), time.to_string().into());
    }
    let purls = |positions: &[usize]| -> Vec<&str> {
        positions.iter().filter_map(|at| bill.parts.get(*at)).map(|part| part.purl.as_str()).collect()
    };
    let mut dependencies = vec![json!({ "ref": about, "dependsOn": purls(&bill.roots) })];
    for part in &bill.parts {
        dependencies.push(json!({ "ref": part.purl, "dependsOn": purls(&part.needs) }));
    }
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": bill.parts.iter().map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    let serial = format!("urn:uuid:{}", uuid_of(&document.to_string()));
    if let Some(object) = document.as_object_mut() {
        object.insert("serialNumber".into(), serial.into());
    }
    document
}

/// What nothing else is called: a package URL begins with `pkg:`.
fn reference_of_all(bill: &Bill) -> String {
    format!("lock:{}", bill.lock)
}

fn component(part: &Part) -> Value {
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| drop(all.insert(key.to_owned(), value));
    put("type", "library".into());
    put("bom-ref", part.purl.as_str().into());
    put("purl", part.purl.as_str().into());
    put("name", part.name.as_str().into());
    if !part.version.is_empty() {
        put("version", part.version.as_str().into());
    }
    if let Some(summary) = &part.summary {
        put("description", summary.as_str().into());
    }
    match &part.license {
        License::Expression(text) => {
            put("licenses", json!([{ "expression": text, "acknowledgement": "declared" }]));
        }
        License::Named(names) => {
            let one = |name: &String| json!({ "license": { "name": name, "acknowledgement": "declared" } });
            put("licenses", names.iter().map(one).collect());
        }
        License::Unsaid => {}
    }
    // The hash of a component is that of its one file.
    let own = match part.wheels.as_slice() {
        [only] => &only.hashes,
        _ => &part.hashes,
    };
    let hashes = hashes(own);
    if !hashes.is_empty() {
        put("hashes", hashes.into());
    }
    let references: Vec<Value> = part.wheels.iter().flat_map(references).collect();
    if !references.is_empty() {
        put("externalReferences", references.into());
    }
    if !part.markers.is_empty() {
        put("properties", part.markers.iter().map(|marker| property("pipward:marker", marker)).collect());
    }
    Value::Object(all)
}

/// A wheel, and the SBOMs in it.
fn references(wheel: &WheelPart) -> Vec<Value> {
    let address = wheel.url.as_deref().unwrap_or(&wheel.file);
    let mut all = vec![json!({
        "type": "distribution",
        "url": address,
        "comment": wheel.file,
        "hashes": hashes(&wheel.hashes),
    })];
    all.extend(wheel.sboms.iter().map(|(path, sha256)| {
        json!({
            "type": "bom",
            "url": format!("{address}#{path}"),
            "comment": format!("{path} in {}", wheel.file),
            "hashes": [{ "alg": "SHA-256", "content": sha256.to_string() }],
        })
    }));
    all
}

fn hashes(hashes: &[(String, String)]) -> Vec<Value> {
    let named = |algorithm: &str| match algorithm {
        "sha256" => Some("SHA-256"),
        "sha384" => Some("SHA-384"),
        "sha512" => Some("SHA-512"),
        _ => None,
    };
    let known = hashes.iter().filter_map(|(algorithm, hex)| Some((named(algorithm)?, hex)));
    known.map(|(alg, content)| json!({ "alg": alg, "content": content })).collect()
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}
