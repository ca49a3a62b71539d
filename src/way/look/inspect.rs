//! The report on an environment, version 1 ("pip inspect JSON output specification").
//!
//! Owns: its content. Never: prints it.

use serde_json::{Map, Value, json};

use super::{Filter, Look};
use crate::error::Problem;
use crate::python::installed::distribution::{Form, Found};
use crate::python::installed::message::Message;

/// The version of pip whose form the report has.
pub const PIP_VERSION: &str = "26.3";

/// The fields of core metadata in the order of PEP 566, with whether they may stand several times.
const FIELDS: [(&str, bool); 27] = [
    ("Metadata-Version", false),
    ("Name", false),
    ("Version", false),
    ("Dynamic", true),
    ("Platform", true),
    ("Supported-Platform", true),
    ("Summary", false),
    ("Description", false),
    ("Description-Content-Type", false),
    ("Keywords", false),
    ("Home-page", false),
    ("Download-URL", false),
    ("Author", false),
    ("Author-email", false),
    ("Maintainer", false),
    ("Maintainer-email", false),
    ("License", false),
    ("License-Expression", false),
    ("License-File", true),
    ("Classifier", true),
    ("Requires-Dist", true),
    ("Requires-Python", false),
    ("Requires-External", true),
    ("Project-URL", true),
    ("Provides-Extra", true),
    ("Provides-Dist", true),
    ("Obsoletes-Dist", true),
];

/// The report. Where only directories were named, the environment that runs them is `environment`.
///
/// # Errors
/// `internal` where the markers cannot be told.
pub fn report(
    look: &Look,
    filter: &Filter,
    markers: &pipward_resolver::MarkerEnvironment,
) -> Result<Value, Problem> {
    let installed: Vec<Value> = look.select(filter).into_iter().map(one).collect();
    let environment = serde_json::to_value(markers)
        .map_err(|error| Problem::new(crate::error::Code::Internal, "markers cannot be told").cause(error))?;
    Ok(json!({
        "version": "1",
        "pip_version": PIP_VERSION,
        "installed": installed,
        "environment": environment,
    }))
}

fn one(found: &Found) -> Value {
    let mut object = Map::new();
    object.insert("metadata".into(), metadata(found.message()));
    object.insert("metadata_location".into(), found.info.display().to_string().into());
    match found.origin() {
        Ok(Some(origin)) => {
            object.insert("direct_url".into(), origin.json());
        }
        _ => {
            if let Some(url) =
                found.editable_location().and_then(|place| url::Url::from_file_path(place).ok())
            {
                let origin = json!({ "url": url.as_str(), "dir_info": { "editable": true } });
                object.insert("direct_url".into(), origin);
            }
        }
    }
    let installer = found.installer();
    if !installer.is_empty() {
        object.insert("installer".into(), installer.into());
    }
    if found.form == Form::DistInfo {
        object.insert("requested".into(), found.is_requested().into());
    }
    Value::Object(object)
}

/// Core metadata as JSON (PEP 566, "JSON-compatible Metadata").
pub fn metadata(message: &Message) -> Value {
    let mut object = Map::new();
    for (field, several) in FIELDS {
        let key = field.to_lowercase().replace('-', "_");
        let Some(first) = message.get(field) else { continue };
        let value = if several {
            message.all(field).collect::<Vec<_>>().into()
        } else if key == "keywords" && first.contains(',') {
            first.split(',').map(str::trim).collect::<Vec<_>>().into()
        } else if key == "keywords" {
            first.split_whitespace().collect::<Vec<_>>().into()
        } else {
            Value::from(first)
        };
        object.insert(key, value);
    }
    if !message.body().is_empty() {
        object.insert("description".into(), message.body().into());
    }
    Value::Object(object)
}
