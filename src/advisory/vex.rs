//! VEX: statements of who ships a package that a vulnerability does not concern it.
//!
//! Owns: reading OpenVEX and CycloneDX, and which statement counts. A statement counts for what it names by package URL;
//! one that names nothing of ours says nothing. Never: takes "not affected" without a word of why.

use jiff::Timestamp;
use pipward_resolver::{PackageName, Version};
use serde_json::Value;

use super::{Finding, Subject};
use crate::error::{Code, Place, Problem};

/// The statements of all files that were read.
#[derive(Debug, Clone, Default)]
pub struct Statements(Vec<Statement>);

/// One statement.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    ids: Vec<String>,
    products: Vec<Product>,
    /// Whether the vulnerability does not concern the products, or no longer.
    clears: bool,
    /// When it was made.
    time: Option<Timestamp>,
    /// Its status, and why.
    pub(super) reason: String,
    pub(super) place: Place,
}

/// A distribution; any version of it, where none is named.
#[derive(Debug, Clone)]
struct Product {
    name: PackageName,
    version: Option<Version>,
}

impl Product {
    /// `pkg:pypi/NAME[@VERSION][?…][#…]`.
    fn parse(purl: &str) -> Option<Self> {
        let rest = purl.trim().strip_prefix("pkg:pypi/")?;
        let rest = rest.split(['?', '#']).next()?;
        let (name, version) = match rest.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (rest, None),
        };
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let version = match version {
            Some(text) => Some(decoded(text).parse().ok()?),
            None => None,
        };
        Some(Self { name: decoded(name).parse().ok()?, version })
    }

    fn is(&self, subject: &Subject) -> bool {
        self.name == subject.name && self.version.as_ref().is_none_or(|version| *version == subject.version)
    }
}

impl Statements {
    /// Takes in the statements of a file.
    ///
    /// # Errors
    /// `vex-invalid`.
    pub fn read(&mut self, bytes: &[u8], place: &Place) -> Result<(), Problem> {
        let document: Value =
            serde_json::from_slice(bytes).map_err(|error| invalid(place, "this is not JSON").cause(error))?;
        let is_openvex = text(&document, "@context").is_some_and(|context| context.contains("openvex"));
        if is_openvex {
            return self.read_openvex(&document, place);
        }
        if text(&document, "bomFormat") == Some("CycloneDX") {
            return self.read_cyclonedx(&document, place);
        }
        Err(invalid(place, "this is neither OpenVEX nor CycloneDX"))
    }

    fn read_openvex(&mut self, document: &Value, place: &Place) -> Result<(), Problem> {
        let of_all = text(document, "last_updated").or_else(|| text(document, "timestamp"));
        let statements = document.get("statements").and_then(Value::as_array);
        let statements = statements.ok_or_else(|| invalid(place, "this document has no statements"))?;
        for (at, statement) in statements.iter().enumerate() {
            let place = place.clone().entry(format!("statements[{at}]"));
            let status = text(statement, "status").unwrap_or_default();
            let clears = match status {
                "not_affected" | "fixed" => true,
                "affected" | "under_investigation" => false,
                _ => return Err(invalid(&place, "this statement has a status that is not known")),
            };
            let why: Vec<&str> = ["justification", "impact_statement", "status_notes"]
                .into_iter()
                .filter_map(|key| text(statement, key))
                .collect();
            // "For statements conveying a not_affected status, a VEX statement MUST include either a status
            // justification or an impact_statement".
            if status == "not_affected"
                && text(statement, "justification").is_none()
                && text(statement, "impact_statement").is_none()
            {
                return Err(invalid(&place, "this statement says `not_affected` and not why"));
            }
            let mut ids = Vec::new();
            match statement.get("vulnerability") {
                Some(Value::String(id)) => ids.push(id.clone()),
                Some(vulnerability) => {
                    ids.extend(text(vulnerability, "name").map(str::to_owned));
                    ids.extend(texts(vulnerability, "aliases"));
                }
                None => {}
            }
            if ids.is_empty() {
                return Err(invalid(&place, "this statement names no vulnerability"));
            }
            let time = text(statement, "last_updated").or_else(|| text(statement, "timestamp")).or(of_all);
            self.0.push(Statement {
                ids,
                products: products(statement),
                clears,
                time: time.and_then(|time| time.parse().ok()),
                reason: told(status, &why),
                place,
            });
        }
        Ok(())
    }

    fn read_cyclonedx(&mut self, document: &Value, place: &Place) -> Result<(), Problem> {
        let stamp = document.pointer("/metadata/timestamp").and_then(Value::as_str);
        let mut components = Vec::new();
        gather(document.get("components"), &mut components);
        gather(document.pointer("/metadata/component"), &mut components);
        let list = document.get("vulnerabilities").and_then(Value::as_array);
        for (at, vulnerability) in list.into_iter().flatten().enumerate() {
            let place = place.clone().entry(format!("vulnerabilities[{at}]"));
            let Some(analysis) = vulnerability.get("analysis") else { continue };
            let state = text(analysis, "state").unwrap_or_default();
            let clears = match state {
                "not_affected" | "false_positive" | "resolved" | "resolved_with_pedigree" => true,
                "exploitable" | "in_triage" | "" => false,
                _ => return Err(invalid(&place, "this analysis has a state that is not known")),
            };
            let why: Vec<&str> =
                ["justification", "detail"].into_iter().filter_map(|key| text(analysis, key)).collect();
            let mut ids: Vec<String> = text(vulnerability, "id").map(str::to_owned).into_iter().collect();
            let others = vulnerability.get("references").and_then(Value::as_array).into_iter().flatten();
            ids.extend(others.filter_map(|other| text(other, "id")).map(str::to_owned));
            let time = text(analysis, "lastUpdated").or_else(|| text(vulnerability, "updated")).or(stamp);
            let affects = vulnerability.get("affects").and_then(Value::as_array).into_iter().flatten();
            let product = |affected: &Value| {
                let reference = text(affected, "ref")?;
                // "urn:cdx:serialNumber/version#bom-ref" leads into another document of the same kind.
                let own = reference.rsplit_once('#').filter(|_| reference.starts_with("urn:cdx:"));
                let own = own.map_or(reference, |(_, own)| own);
                let known = components.iter().find(|(key, _)| key == own).map(|(_, purl)| purl.as_str());
                Product::parse(known.unwrap_or(own))
            };
            self.0.push(Statement {
                ids,
                products: affects.filter_map(product).collect(),
                clears,
                time: time.and_then(|time| time.parse().ok()),
                reason: told(state, &why),
                place,
            });
        }
        Ok(())
    }

    /// The statement that counts for a finding, if it says that the subject is not concerned. Of several the latest
    /// counts, and of those the last one written.
    pub(super) fn clearing(&self, finding: &Finding, subject: &Subject) -> Option<&Statement> {
        let about = self.0.iter().filter(|statement| {
            statement.ids.iter().any(|id| finding.is_called(id))
                && statement.products.iter().any(|product| product.is(subject))
        });
        about.max_by_key(|statement| statement.time).filter(|statement| statement.clears)
    }
}

/// The distributions of a statement: its products, or where those have parts, the parts.
fn products(statement: &Value) -> Vec<Product> {
    let list = |value: &Value, key: &str| -> Vec<Value> {
        value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let named = |value: &Value| {
        let purl = value.as_str().or_else(|| value.pointer("/identifiers/purl").and_then(Value::as_str));
        Product::parse(purl.or_else(|| text(value, "@id"))?)
    };
    let mut found = Vec::new();
    for product in list(statement, "products") {
        let parts = list(&product, "subcomponents");
        if parts.is_empty() {
            found.extend(named(&product));
        }
        found.extend(parts.iter().filter_map(named));
    }
    found
}

/// Components and those within them: bom-ref and package URL.
fn gather(value: Option<&Value>, found: &mut Vec<(String, String)>) {
    let mut left: Vec<&Value> = value.into_iter().collect();
    while let Some(value) = left.pop() {
        match value {
            Value::Array(list) => left.extend(list),
            component => {
                if let (Some(key), Some(purl)) = (text(component, "bom-ref"), text(component, "purl")) {
                    found.push((key.to_owned(), purl.to_owned()));
                }
                left.extend(component.get("components"));
            }
        }
    }
}

fn told(status: &str, why: &[&str]) -> String {
    let status = status.replace('_', " ");
    if why.is_empty() { status } else { format!("{status}: {}", why.join("; ").replace('\n', " ")) }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn invalid(place: &Place, message: &str) -> Problem {
    Problem::new(Code::VexInvalid, message)
        .at(place.clone())
        .expected("an OpenVEX or a CycloneDX document in JSON")
        .help("ask whoever wrote the document, or leave it out")
}
