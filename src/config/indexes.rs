//! `[[index]]` of the configuration: which indexes there are, and which names each has to itself.
//!
//! Owns: its keys. Never: shows an address with its credentials.

use jiff::SignedDuration;
use pipward_resolver::PackageName;
use url::Url;

use super::settings::shown;
use crate::document::{Item, Table};
use crate::error::{Code, Problem};
use crate::index::{Ages, FileHost, IndexSource};

const KEYS: &str = "name, url, packages, min-release-age, file-hosts, mirror";

/// Reads `[[index]]`; what is wrong with it is reported to the reading that it is part of.
pub(super) fn read(item: &Item<'_, '_>) -> Vec<IndexSource> {
    let mut indexes: Vec<IndexSource> = Vec::new();
    for item in item.items() {
        let Some(index) = item.table().and_then(|table| one(&table)) else { continue };
        if indexes.iter().any(|known| known.name == index.name) {
            item.reading.fault(item.place(), "two indexes have one name");
        }
        indexes.push(index);
    }
    indexes
}

fn one(table: &Table<'_, '_>) -> Option<IndexSource> {
    for (key, item) in table.all() {
        if !KEYS.split(", ").any(|known| known == key) {
            item.reading.report(
                Problem::new(Code::ConfigInvalid, format!("an index has no setting `{}`", shown(key)))
                    .at(item.place())
                    .expected(KEYS)
                    .help("look at the spelling, or delete the line"),
            );
        }
    }
    let name = table.required("name").and_then(|item| item.parsed::<PackageName>("a name such as internal"));
    let url = table.required("url").and_then(|item| address(&item));
    let index = IndexSource {
        packages: listed(table, "packages", "names of projects such as acme-*"),
        min_release_age: table.get("min-release-age").and_then(|item| age(&item)),
        file_hosts: listed(table, "file-hosts", "a host such as files.example.org"),
        mirror: table.get("mirror").and_then(|item| address(&item)),
        ..IndexSource::from(url?)
    };
    Some(IndexSource { name: Some(name?.to_string()), ..index })
}

fn listed<T: std::str::FromStr>(table: &Table<'_, '_>, key: &str, what: &str) -> Vec<T> {
    let items = table.get(key).map(|item| item.items()).unwrap_or_default();
    items.iter().filter_map(|item| item.parsed(what)).collect()
}

/// The hosts of the top-level key `file-hosts`.
pub(super) fn hosts(item: &Item<'_, '_>) -> Vec<FileHost> {
    item.items().iter().filter_map(|item| item.parsed("a host such as files.example.org")).collect()
}

/// An address; a fault in it is told without it, since it may hold a password.
fn address(item: &Item<'_, '_>) -> Option<Url> {
    match super::index_url(item.text()?) {
        Ok(url) => Some(url),
        Err(problem) => {
            item.reading.report(
                Problem::new(Code::ConfigInvalid, problem.message())
                    .at(item.place())
                    .expected("an http or https address such as https://pkgs.example.org/simple/"),
            );
            None
        }
    }
}

/// `min-release-age` and `min-release-age-packages` of `[policy]`.
pub(super) fn ages(item: &Item<'_, '_>) -> Ages {
    let mut ages = Ages::default();
    // What is not a table was reported by whoever read the rest of it.
    let Some(table) = item.value.is_table().then(|| item.table()).flatten() else { return ages };
    let [usual, packages] = crate::policy::AGES;
    if let Some(usual) = table.get(usual).and_then(|item| age(&item)) {
        ages.usual = usual;
    }
    let packages = table.get(packages);
    let packages = packages.as_ref().and_then(Item::table);
    for (pattern, item) in packages.iter().flat_map(Table::all) {
        match pattern.parse() {
            Ok(pattern) => ages.packages.extend(age(&item).map(|age| (pattern, age))),
            Err(_) => item.reading.fault(item.place(), "this is not names of projects such as acme-*"),
        }
    }
    // The closest counts: what is spelled out more.
    ages.packages.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.to_string().len()));
    ages
}

/// How long new files wait: `72h`, `3d`, `P3D`, `0h`.
fn age(item: &Item<'_, '_>) -> Option<SignedDuration> {
    let text = item.text()?;
    let span = text.trim().parse::<jiff::Span>().ok();
    let age = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
    let age = age.filter(|age| !age.is_negative());
    if age.is_none() {
        item.reading.report(
            Problem::new(Code::ConfigInvalid, "this is not how long a new file waits")
                .at(item.place())
                .expected("a time such as 72h, 3d, P3D, or 0h for none")
                .found(shown(text)),
        );
    }
    age
}

impl super::Config {
    /// User name and password that variables give for an index by its name: `PIPWARD_INDEX_INTERNAL_USERNAME` and
    /// `…_PASSWORD`. They stand for those in its address.
    pub(super) fn with_login(&self, mut index: IndexSource) -> IndexSource {
        let Some(name) = &index.name else { return index };
        let name: String = name.to_ascii_uppercase().replace('-', "_");
        let user = self.variable(&format!("PIPWARD_INDEX_{name}_USERNAME"));
        let password = self.variable(&format!("PIPWARD_INDEX_{name}_PASSWORD"));
        // An address without a host has neither.
        if let Some(user) = user {
            let _ = index.url.set_username(user);
        }
        if let Some(password) = password {
            let _ = index.url.set_password(Some(password));
        }
        index
    }
}
