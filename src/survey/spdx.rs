//! Bill -> SPDX 2.3, as JSON.
//!
//! A release is a package; where it has several wheels, each is a package of its own that is a distribution artifact of it.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::bill::{Bill, Part, WheelPart, uuid_of};
use crate::wheel::licenses::License;

/// What nobody says.
const NOBODY_SAYS: &str = "NOASSERTION";
/// The time of a document of which nobody knows when it was made: SPDX wants one.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// The document.
pub fn document(bill: &Bill) -> Value {
    let mut names = Names::default();
    let all = names.fresh("Lock", &bill.name);
    let ids: Vec<String> = bill
        .parts
        .iter()
        .map(|part| names.fresh("Package", &format!("{}-{}", part.name, part.version)))
        .collect();
    let mut packages = vec![top(bill, &all)];
    let mut relations = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", &all)];
    let id = |at: &usize| ids.get(*at).map(String::as_str).unwrap_or(NOBODY_SAYS);
    relations.extend(bill.roots.iter().map(|at| relation(&all, "DEPENDS_ON", id(at))));
    for (at, part) in bill.parts.iter().enumerate() {
        packages.push(package(part, id(&at)));
        relations.extend(part.needs.iter().map(|needed| relation(id(&at), "DEPENDS_ON", id(needed))));
        if part.wheels.len() > 1 {
            for wheel in &part.wheels {
                let own = names.fresh("Wheel", &wheel.file);
                packages.push(artifact(part, wheel, &own));
                relations.push(relation(&own, "DISTRIBUTION_ARTIFACT", id(&at)));
            }
        }
    }
    let time = bill.time.map_or_else(|| NO_TIME.to_owned(), seconds);
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": bill.name,
        "comment": format!("Made from a lock with the SHA-256 {}", bill.lock),
        "creationInfo": { "created": time, "creators": [format!("Tool: pipward-{}", bill.tool)] },
        "packages": packages,
        "relationships": relations,
    });
    let licenses = own_licenses(bill);
    let namespace = format!("https://spdx.org/spdxdocs/pipward-{}", uuid_of(&document.to_string()));
    if let Some(object) = document.as_object_mut() {
        object.insert("documentNamespace".into(), namespace.into());
        if !licenses.is_empty() {
            object.insert("hasExtractedLicensingInfos".into(), licenses.into());
        }
    }
    document
}

/// "YYYY-MM-DDThh:mm:ssZ", without fractions.
fn seconds(time: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// Identifiers, each given once: letters, digits, `.` and `-`.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn fresh(&mut self, kind: &str, text: &str) -> String {
        let plain: String =
            text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let mut name = format!("SPDXRef-{kind}-{plain}");
        let first = name.clone();
        let mut count = 1;
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{first}-{count}");
        }
        name
    }
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

fn top(bill: &Bill, id: &str) -> Value {
    json!({
        "SPDXID": id,
        "name": bill.name,
        "downloadLocation": NOBODY_SAYS,
        "filesAnalyzed": false,
        "licenseConcluded": NOBODY_SAYS,
        "licenseDeclared": NOBODY_SAYS,
        "copyrightText": NOBODY_SAYS,
        "primaryPackagePurpose": "APPLICATION",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": bill.lock.to_string() }],
    })
}

fn package(part: &Part, id: &str) -> Value {
    let mut all = frame(id, &part.name, &part.version, &part.purl);
    let mut put = |key: &str, value: Value| drop(all.insert(key.to_owned(), value));
    put("licenseDeclared", part.license.expression().unwrap_or(NOBODY_SAYS).into());
    if let License::Named(names) = &part.license {
        put("licenseComments", format!("METADATA says: {}", names.join("; ")).into());
    }
    if let Some(summary) = &part.summary {
        put("summary", summary.as_str().into());
    }
    if !part.markers.is_empty() {
        put("comment", format!("Installed where: {}", part.markers.join("; or ")).into());
    }
    match part.wheels.as_slice() {
        [only] => file(&mut all, only),
        _ if !part.hashes.is_empty() => drop(all.insert("checksums".into(), checksums(&part.hashes))),
        _ => {}
    }
    Value::Object(all)
}

/// A wheel of several.
fn artifact(part: &Part, wheel: &WheelPart, id: &str) -> Value {
    let joint = if part.purl.contains('?') { '&' } else { '?' };
    let purl = format!("{}{joint}file_name={}", part.purl, wheel.file.replace('+', "%2B"));
    let mut all = frame(id, &part.name, &part.version, &purl);
    all.insert("licenseDeclared".into(), NOBODY_SAYS.into());
    file(&mut all, wheel);
    Value::Object(all)
}

fn frame(id: &str, name: &str, version: &str, purl: &str) -> Map<String, Value> {
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| drop(all.insert(key.to_owned(), value));
    put("SPDXID", id.into());
    put("name", name.into());
    if !version.is_empty() {
        put("versionInfo", version.into());
    }
    put("downloadLocation", NOBODY_SAYS.into());
    put("filesAnalyzed", false.into());
    put("licenseConcluded", NOBODY_SAYS.into());
    put("copyrightText", NOBODY_SAYS.into());
    put("primaryPackagePurpose", "LIBRARY".into());
    let reference =
        json!({ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl });
    put("externalRefs", vec![reference].into());
    all
}

/// What is known of a wheel, put to the package that it is.
fn file(all: &mut Map<String, Value>, wheel: &WheelPart) {
    all.insert("packageFileName".into(), wheel.file.as_str().into());
    all.insert("checksums".into(), checksums(&wheel.hashes));
    if let Some(url) = &wheel.url {
        all.insert("downloadLocation".into(), url.as_str().into());
    }
    let Some(Value::Array(references)) = all.get_mut("externalRefs") else { return };
    let address = wheel.url.as_deref().unwrap_or(&wheel.file);
    references.extend(wheel.sboms.iter().map(|(path, sha256)| {
        json!({
            "referenceCategory": "OTHER",
            "referenceType": "pep770-sbom",
            "referenceLocator": format!("{address}#{}", path.replace(' ', "%20")),
            "comment": format!("SHA-256 {sha256}"),
        })
    }));
}

fn checksums(hashes: &[(String, String)]) -> Value {
    let known =
        hashes.iter().filter(|(algorithm, _)| matches!(algorithm.as_str(), "sha256" | "sha384" | "sha512"));
    known
        .map(|(algorithm, hex)| json!({ "algorithm": algorithm.to_uppercase(), "checksumValue": hex }))
        .collect()
}

/// Licences that are on no list of SPDX: "LicenseRef-… must be defined".
fn own_licenses(bill: &Bill) -> Vec<Value> {
    let mut own = BTreeMap::new();
    for part in &bill.parts {
        let words = part.license.expression().unwrap_or_default().split([' ', '(', ')']);
        for word in words.filter(|word| word.starts_with("LicenseRef-")) {
            let text = format!("The text is in the .dist-info/licenses folder of {}.", part.name);
            own.entry(word.to_owned()).or_insert(text);
        }
    }
    own.into_iter().map(|(id, text)| json!({ "licenseId": id, "extractedText": text })).collect()
}
