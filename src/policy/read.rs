//! `[policy]` of pipward.toml.
//!
//! Owns: its keys. Never: takes one that it does not know, or an exception without a reason.

use super::{ADJUSTABLE, EXCEPTABLE, Exception, Level, Policy, Required, YIELDING};
use crate::document::{Item, Table};
use crate::error::{Code, Problem};

/// The keys that say how long new files wait.
pub(crate) const AGES: [&str; 2] = ["min-release-age", "min-release-age-packages"];

/// The keys that are no levels of findings.
const OTHERS: [&str; 8] = [
    "exception",
    "licenses",
    "require",
    "sigstore-root",
    "keep-provenance",
    "verify-provenance",
    "allowed-signers",
    "require-signed-lock",
];

/// The kinds of publishers, and what they have.
const KINDS: [&str; 4] = ["GitHub", "GitLab", "Google", "CircleCI"];
const PUBLISHER: [&str; 7] = [
    "repository",
    "workflow",
    "workflow_filepath",
    "environment",
    "email",
    "project_id",
    "pipeline_definition_id",
];
/// Whether the option of this name is passed over rather than refused.
const TRUSTED_HOST: &str = "trusted-host";

/// Reads the table; what is wrong with it is reported to the reading that it is part of.
pub(crate) fn read(item: &Item<'_, '_>) -> Policy {
    let mut policy = Policy::default();
    let Some(table) = item.table() else { return policy };
    for (key, item) in table.all() {
        // How long new files wait is told to whoever reads the indexes.
        if AGES.contains(&key) {
            continue;
        }
        let path = || item.text().map(|text| item.reading.beside(text));
        match key {
            "exception" => policy.exceptions = item.items().iter().filter_map(exception).collect(),
            "licenses" => policy.licenses = super::licenses::read(&item),
            "require" => policy.required = item.items().iter().filter_map(required).collect(),
            "sigstore-root" => policy.sigstore_root = path(),
            "allowed-signers" => policy.allowed_signers = path(),
            "keep-provenance" => policy.keep_provenance = yes_or_no(&item),
            "verify-provenance" => policy.verify_provenance = yes_or_no(&item),
            "require-signed-lock" => policy.require_signed_lock = yes_or_no(&item),
            _ => {}
        }
        if OTHERS.contains(&key) {
            continue;
        }
        if key == TRUSTED_HOST {
            policy.takes_trusted_host = level(&item) == Some(Level::Allow);
            continue;
        }
        match (adjustable(key), level(&item)) {
            (Some(code), Some(level)) => {
                policy.levels.insert(code.name(), level);
            }
            (Some(_), None) => {}
            (None, _) => {
                let others = OTHERS.join(", ");
                let known = format!("{}, {}, {TRUSTED_HOST}, {others}", names(&ADJUSTABLE), AGES.join(", "));
                unknown(&item, key, &known);
            }
        }
    }
    policy
}

fn adjustable(name: &str) -> Option<Code> {
    ADJUSTABLE.into_iter().find(|code| code.name() == name)
}

fn names(codes: &[Code]) -> String {
    codes.iter().map(|code| code.name()).collect::<Vec<_>>().join(", ")
}

fn yes_or_no(item: &Item<'_, '_>) -> bool {
    let value = item.value.as_bool();
    if value.is_none() {
        item.reading.fault(item.place(), "this is true or false, without quotes");
    }
    value.unwrap_or_default()
}

fn level(item: &Item<'_, '_>) -> Option<Level> {
    match item.text()? {
        "deny" => Some(Level::Deny),
        "warn" => Some(Level::Warn),
        "allow" => Some(Level::Allow),
        other => {
            item.reading.report(
                Problem::new(Code::ConfigInvalid, "this is not a level of a finding")
                    .at(item.place())
                    .expected("deny, warn or allow")
                    .found(shown(other)),
            );
            None
        }
    }
}

fn exception(item: &Item<'_, '_>) -> Option<Exception> {
    let table = item.table()?;
    for (key, item) in table.all() {
        if !["code", "package", "reason", "until"].contains(&key) {
            unknown(&item, key, "code, package, reason, until");
        }
    }
    let code = code(&table);
    let package = table.required("package").and_then(|item| item.parsed("the name of a project"));
    let reason = table.required("reason").and_then(|item| item.text().map(|text| (text, item.place())));
    if let Some((text, place)) = &reason
        && text.trim().is_empty()
    {
        table.reading.fault(place.clone(), "an exception has a reason, which a later reader can judge");
    }
    let until = match table.get("until") {
        Some(item) => Some(item.day()?),
        None => None,
    };
    reason?;
    Some(Exception { code: code?, package: package?, until, place: item.place() })
}

/// `[[policy.require]]`: `packages`, and at least one thing that their publisher must be.
fn required(item: &Item<'_, '_>) -> Option<Required> {
    let table = item.table()?;
    let mut fields = Vec::new();
    for (key, item) in table.all() {
        if PUBLISHER.contains(&key) {
            fields.push((key.to_owned(), item.text()?.to_owned()));
        } else if !["packages", "kind"].contains(&key) {
            unknown(&item, key, &format!("packages, kind, {}", PUBLISHER.join(", ")));
        }
    }
    let packages: Vec<_> = table
        .required("packages")?
        .items()
        .iter()
        .filter_map(|item| item.parsed("names of projects such as acme-*"))
        .collect();
    let kind: Option<(String, _)> =
        table.get("kind").and_then(|item| Some((item.text()?.to_owned(), item.place())));
    if let Some((kind, place)) = &kind
        && !KINDS.contains(&kind.as_str())
    {
        table.reading.report(
            Problem::new(Code::ConfigInvalid, "there is no such kind of publisher")
                .at(place.clone())
                .expected(KINDS.join(", "))
                .found(shown(kind)),
        );
    }
    if kind.is_none() && fields.is_empty() {
        table
            .reading
            .fault(item.place(), "a rule says what the publisher must be: its kind, repository or email");
    }
    Some(Required { packages, kind: kind.map(|(kind, _)| kind), fields, place: item.place() })
}

fn code(table: &Table<'_, '_>) -> Option<Code> {
    let item = table.required("code")?;
    let text = item.text()?;
    let all: Vec<Code> =
        ADJUSTABLE.into_iter().chain(EXCEPTABLE).chain([Code::AddressRefused, YIELDING]).collect();
    let code = all.iter().copied().find(|code| code.name() == text);
    if code.is_none() {
        item.reading.report(
            Problem::new(Code::ConfigInvalid, "there is no exception from this rule")
                .at(item.place())
                .expected(names(&all))
                .found(shown(text)),
        );
    }
    code
}

pub(super) fn unknown(item: &Item<'_, '_>, key: &str, known: &str) {
    item.reading.report(
        Problem::new(Code::ConfigInvalid, format!("the policy has no setting `{}`", shown(key)))
            .at(item.place())
            .expected(known)
            .help("look at the spelling, or delete the line"),
    );
}

pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
