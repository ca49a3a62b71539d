//! Audits, through the command line, of locks and advisories that are written here.

mod databases;
mod fixes;
mod forms;
mod judged;
mod matching;
mod online;
mod pip_audit;

use std::path::Path;

use serde_json::{Value, json};

use crate::support::run::{Output, pipward};
use crate::support::world::write;

/// A record about a project, with events of one range: `introduced 0`, `fixed 2`.
pub fn record(id: &str, name: &str, events: &[(&str, &str)]) -> Value {
    let events: Vec<Value> = events.iter().map(|(kind, version)| json!({ *kind: version })).collect();
    json!({
        "schema_version": "1.6.0",
        "id": id,
        "modified": "2024-05-01T12:00:00Z",
        "published": "2024-04-01T12:00:00Z",
        "summary": format!("{name} lets strangers in"),
        "details": format!("A *long* story about {name}.\n\nWith two paragraphs."),
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": events }],
        }],
        "references": [{ "type": "WEB", "url": format!("https://example.org/{id}") }],
    })
}

/// The record with more keys.
pub fn with(mut record: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

/// Writes a database of records: a folder `db`.
pub fn database(directory: &Path, records: &[Value]) {
    let folder = directory.join("db");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    for record in records {
        write(&folder, &format!("{}.json", record["id"].as_str().unwrap()), &record.to_string());
    }
}

/// An audit of `requirements.txt` with the database `db`.
pub fn audit(directory: &Path, arguments: &[&str]) -> Output {
    pipward(["audit", "-r", "requirements.txt", "--db", "db"]).args(arguments).dir(directory).run()
}

/// The findings of an audit: `plum 1 PYSEC-1`.
pub fn found(output: &Output) -> Vec<String> {
    let document: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{}", output.told()));
    let row = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("package"), text("version"), text("id"))
    };
    document["findings"].as_array().unwrap().iter().map(row).collect()
}
