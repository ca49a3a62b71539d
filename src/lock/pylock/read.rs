//! Reading: each key of PEP 751's "File Format", in its order.
//!
//! Keys that the specification does not name are warned of and not read; keys of a newer minor
//! version are such ("If a tool supports the major version but not the minor version …").

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;

use pipward_resolver::{ExtraName, PackageName, Version, VersionSpecifiers};
use url::Url;

use super::file::{self, Owner};
use crate::attest::Publisher;
use crate::digest::Sha256;
use crate::document::{self, Item, Reading, Table};
use crate::error::{Code, Problem, Problems};
use crate::lock::{Lock, LockMarker, LockedDependency, LockedPackage, LockedSource, ToolTable};

const TOP: [&str; 9] = [
    "lock-version",
    "environments",
    "requires-python",
    "extras",
    "dependency-groups",
    "default-groups",
    "created-by",
    "packages",
    "tool",
];
const PACKAGE: [&str; 13] = [
    "name",
    "version",
    "marker",
    "requires-python",
    "dependencies",
    "vcs",
    "directory",
    "archive",
    "index",
    "sdist",
    "wheels",
    "attestation-identities",
    "tool",
];

pub(super) fn parse(text: &str, path: &Path) -> Result<Lock, Problems> {
    let entries = document::parse(text, path, Code::LockSyntax)?;
    let reading = Reading::new(text, path, Code::LockSchema);
    let root = Table::root(&reading, &entries);
    check_version(&root)?;
    root.warn_of_unknown(&TOP);
    let lock = Lock {
        file: path.to_owned(),
        environments: markers(&root, "environments"),
        requires_python: specifiers(&root),
        extras: names(&root, "extras"),
        dependency_groups: names(&root, "dependency-groups"),
        default_groups: names(&root, "default-groups"),
        created_by: root
            .required("created-by")
            .and_then(|item| item.text().map(str::to_owned))
            .unwrap_or_default(),
        packages: packages(&root, path),
        tool: tool(&root),
        ..Lock::default()
    };
    let (problems, warnings) = reading.into_findings();
    Problems::unless_empty(Lock { warnings, ..lock }, problems)
}

/// "If a tool doesn't support a major version, it MUST raise an error": nothing else is read then.
fn check_version(root: &Table<'_, '_>) -> Result<(), Problem> {
    let refuse = |message: &str| Problem::new(Code::LockVersion, message).expected("lock-version = \"1.0\"");
    let Some(item) = root.get("lock-version") else {
        return Err(Problem::new(Code::LockSchema, "`lock-version` is missing")
            .at(root.place())
            .expected("lock-version = \"1.0\"")
            .help("name a pylock.toml, or write one with `pipward lock`"));
    };
    let text = item.value.as_str().unwrap_or_default();
    match Version::from_str(text).ok().as_ref().map(|version| (version.epoch(), version.release())) {
        Some((0, [1])) | Some((0, [1, 0])) => Ok(()),
        Some((0, [1, ..])) => {
            root.reading.warn(&item.place(), "the lock is of a newer minor version than pipward knows (1.0)");
            Ok(())
        }
        _ => Err(refuse("pipward does not know this lock-version")
            .at(item.place())
            .found(if text.is_empty() { "no version" } else { text })
            .help("use a newer pipward, or write the lock anew with `pipward lock`")),
    }
}

fn list<'a, 't>(table: &Table<'a, 't>, key: &str) -> Vec<Item<'a, 't>> {
    table.get(key).map(|item| item.items()).unwrap_or_default()
}

fn markers(table: &Table<'_, '_>, key: &str) -> Vec<LockMarker> {
    let read = |item: Item<'_, '_>| {
        let text = item.text()?;
        LockMarker::parse_environment(text).map_err(|reason| marker_fault(&item, text, &reason)).ok()
    };
    list(table, key).into_iter().filter_map(read).collect()
}

fn marker(table: &Table<'_, '_>) -> Option<LockMarker> {
    let item = table.get("marker")?;
    let text = item.text()?;
    LockMarker::parse(text).map_err(|reason| marker_fault(&item, text, &reason)).ok()
}

fn marker_fault(item: &Item<'_, '_>, text: &str, reason: &str) {
    item.reading.report(
        Problem::new(Code::LockSchema, format!("this marker cannot be read: {reason}"))
            .at(item.place())
            .found(text),
    );
}

fn names(table: &Table<'_, '_>, key: &str) -> Vec<ExtraName> {
    list(table, key).iter().filter_map(|item| item.parsed("a name")).collect()
}

fn specifiers(table: &Table<'_, '_>) -> Option<VersionSpecifiers> {
    table.get("requires-python")?.parsed("a list of version specifiers such as >=3.9")
}

fn packages(root: &Table<'_, '_>, path: &Path) -> Vec<Arc<LockedPackage>> {
    let Some(item) = root.required("packages") else { return Vec::new() };
    let mut last = None;
    item.items().iter().filter_map(|item| package(&item.table()?, path, &mut last).map(Arc::new)).collect()
}

/// The address of the index that the package before named, as it was written: most name the same.
type LastIndex<'a> = Option<(&'a str, Url)>;

fn package<'a>(table: &Table<'a, '_>, path: &Path, last: &mut LastIndex<'a>) -> Option<LockedPackage> {
    table.warn_of_unknown(&PACKAGE);
    let name: Option<PackageName> = table.required("name").and_then(|item| {
        let name: PackageName = item.parsed("the name of a package")?;
        // "The name of the package normalized."
        if item.text() != Some(name.as_ref()) {
            item.reading.report(
                Problem::new(Code::LockSchema, "the name of a package is not normalised")
                    .at(item.place())
                    .expected(&name)
                    .found(item.text().unwrap_or_default()),
            );
        }
        Some(name)
    });
    let version: Option<Version> = table.get("version").and_then(|item| item.parsed("a version"));
    let marker = marker(table);
    let requires_python = specifiers(table);
    let dependencies =
        table.get("dependencies").map(|item| item.items().iter().filter_map(dependency).collect());
    let index = index(table, last);
    let publishers = publishers(table);
    let name = name?;
    let source = source(table, &Owner { name: &name, version: version.as_ref(), lock: path })?;
    // A package of wheels alone has the version of its wheels.
    let version = version.or_else(|| match &source {
        LockedSource::Wheels(files) => files.first().map(|file| file.name.version().clone()),
        _ => None,
    });
    Some(LockedPackage {
        spelled: None,
        metadata_sha256: metadata_digests(table),
        yanked: own_table(table).and_then(|own| Some(own.get("yanked")?.get_ref().as_str()?.to_owned())),
        name,
        version,
        marker,
        requires_python,
        dependencies,
        index,
        source,
        publishers,
        objections: Vec::new(),
        extras: Vec::new(),
        place: table.place(),
    })
}

fn dependency(item: &Item<'_, '_>) -> Option<LockedDependency> {
    let table = item.table()?;
    Some(LockedDependency {
        name: table.required("name")?.parsed("the name of a package")?,
        version: table.get("version").and_then(|item| item.parsed("a version")),
        marker: marker(&table),
    })
}

/// The index is for audits and for finding a file again; what is no web address is kept out.
fn index<'a>(table: &Table<'a, '_>, last: &mut LastIndex<'a>) -> Option<Url> {
    let item = table.get("index")?;
    let text = item.text()?;
    if let Some((_, known)) = last.as_ref().filter(|(written, _)| *written == text) {
        return Some(known.clone());
    }
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            item.reading.report(file::credentials(&item.place()));
            None
        }
        Ok(url) if matches!(url.scheme(), "http" | "https" | "file") => {
            *last = Some((text, url.clone()));
            Some(url)
        }
        _ => {
            item.reading.warn(&item.place(), "`index` is not an address and was not read");
            None
        }
    }
}

/// "`kind` … Required?: yes". A kind that is not known proves nothing here, and is passed over.
fn publishers(table: &Table<'_, '_>) -> Vec<Publisher> {
    let read = |item: &Item<'_, '_>| {
        let identity = item.table()?;
        let kind = identity.required("kind")?.text()?.to_owned();
        Publisher::from_fields(&kind, &|key| Some(identity.get(key)?.text()?.to_owned()))
    };
    let mut publishers: Vec<Publisher> =
        list(table, "attestation-identities").iter().filter_map(read).collect();
    publishers.sort();
    publishers.dedup();
    publishers
}

/// Where the package comes from. "Check that the source of the package is specified appropriately
/// (i.e. there are no conflicting sources in the package entry)."
fn source(table: &Table<'_, '_>, owner: &Owner<'_>) -> Option<LockedSource> {
    let wheels = list(table, "wheels");
    let direct: Vec<&str> =
        ["vcs", "directory", "archive"].into_iter().filter(|key| table.has(key)).collect();
    let has_sdist = table.has("sdist");
    let fault = |message: &str| {
        table.reading.report(
            Problem::new(Code::LockSchema, message)
                .package(owner.name)
                .at(table.place())
                .expected("wheels and sdist, or one of vcs, directory and archive"),
        );
    };
    if direct.len() > 1 || (!direct.is_empty() && (has_sdist || !wheels.is_empty())) {
        fault("this package has sources that exclude each other");
        return None;
    }
    let unusable = |text: &str| Some(LockedSource::Unusable(text.to_owned()));
    match (direct.first(), wheels.is_empty()) {
        (Some(&"archive"), _) => {
            let archive = table.get("archive")?;
            match file::archive(&archive.table()?, owner)? {
                Some(file) => Some(LockedSource::Wheels(vec![file])),
                None => unusable("an archive of its source"),
            }
        }
        (Some(&"vcs"), _) => unusable("a version control address"),
        (Some(_), _) => unusable("a directory"),
        (None, false) => {
            let files = file::wheels(&wheels, owner);
            (!files.is_empty()).then_some(LockedSource::Wheels(files))
        }
        (None, true) if has_sdist => unusable("a source distribution"),
        (None, true) => {
            fault("this package has no source");
            None
        }
    }
}

/// `[packages.tool.pipward]`, read leniently: "Data recorded in the table MUST be disposable".
fn own_table<'a, 't>(table: &Table<'a, 't>) -> Option<&'a toml::de::DeTable<'t>> {
    table.entries.get("tool")?.get_ref().as_table()?.get("pipward")?.get_ref().as_table()
}

fn metadata_digests(table: &Table<'_, '_>) -> BTreeMap<String, Sha256> {
    let digests = own_table(table).and_then(|own| own.get("metadata-sha256")?.get_ref().as_table());
    digests
        .into_iter()
        .flatten()
        .filter_map(|(name, digest)| {
            Some((name.get_ref().to_string(), Sha256::from_hex(digest.get_ref().as_str()?)?))
        })
        .collect()
}

/// `[tool.pipward]`, read leniently.
fn tool(root: &Table<'_, '_>) -> Option<ToolTable> {
    let tool = root.entries.get("tool")?.get_ref().as_table()?.get("pipward")?.get_ref().as_table()?;
    let strings = |key: &str| -> Vec<String> {
        let values = tool.get(key).and_then(|value| value.get_ref().as_array());
        values.into_iter().flatten().filter_map(|value| value.get_ref().as_str().map(str::to_owned)).collect()
    };
    let inputs = tool.get("inputs").and_then(|value| value.get_ref().as_array()).into_iter().flatten();
    let cutoffs = tool.get("cutoffs").and_then(|value| value.get_ref().as_table()).into_iter().flatten();
    let options = tool.get("options").and_then(|value| value.get_ref().as_table()).into_iter().flatten();
    Some(ToolTable {
        inputs: inputs
            .filter_map(|input| {
                let input = input.get_ref().as_table()?;
                let text = |key: &str| input.get(key)?.get_ref().as_str().map(str::to_owned);
                Some((text("requirement")?, text("from")?))
            })
            .collect(),
        options: options
            .filter_map(|(key, value)| {
                Some((key.get_ref().to_string(), value.get_ref().as_str()?.to_owned()))
            })
            .collect(),
        cutoff: tool
            .get("cutoff")
            .and_then(|value| value.get_ref().as_datetime())
            .and_then(document::timestamp),
        cutoffs: cutoffs
            .filter_map(|(name, time)| {
                Some((name.get_ref().parse().ok()?, document::timestamp(time.get_ref().as_datetime()?)?))
            })
            .collect(),
        overrides: strings("overrides"),
        excludes: strings("excludes"),
        fingerprint: tool
            .get("fingerprint")
            .and_then(|value| value.get_ref().as_str())
            .and_then(Sha256::from_hex),
    })
}
