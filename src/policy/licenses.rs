//! Which licences are allowed: `[policy.licenses]`.
//!
//! Pure. Never: guesses a licence; one that nobody says in SPDX's words is a finding of its own.

use glob::{MatchOptions, Pattern};
use pipward_resolver::PackageName;

use super::{DatedPolicy, Judged, Level};
use crate::document::Item;
use crate::error::{Code, Place, Problem};
use crate::wheel::licenses::{License, read as expression};

/// What `[policy.licenses]` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Licenses {
    /// These alone are allowed, where there are any.
    allow: Vec<Pattern>,
    /// These are not.
    deny: Vec<Pattern>,
}

/// Identifiers are the same in any case (SPDX 2.3, annex D).
const ANY_CASE: MatchOptions = MatchOptions {
    case_sensitive: false,
    require_literal_separator: false,
    require_literal_leading_dot: false,
};

impl Licenses {
    /// Whether a choice that an expression offers is allowed.
    fn permit(&self, text: &str) -> bool {
        let is_of = |list: &[Pattern], one: &str| list.iter().any(|it| it.matches_with(one, ANY_CASE));
        let may = |one: &str| !is_of(&self.deny, one) && (self.allow.is_empty() || is_of(&self.allow, one));
        expression(text).is_some_and(|read| read.evaluate(|one| may(&one.to_string())))
    }
}

impl DatedPolicy {
    /// Whether the configuration says anything about licences.
    pub fn judges_licenses(&self) -> bool {
        !(self.policy.licenses.allow.is_empty() && self.policy.licenses.deny.is_empty())
    }

    /// What is to be said of the licence of a project. Where some licences alone are allowed, one that nobody says is
    /// refused too, unless the configuration has another level for that.
    pub fn license(&self, package: &PackageName, license: &License, place: &Place) -> Judged {
        if !self.judges_licenses() {
            return Judged::default();
        }
        let licenses = &self.policy.licenses;
        let (code, message) = match license {
            License::Expression(text) if licenses.permit(text) => return Judged::default(),
            License::Expression(_) => (Code::LicenseDenied, "the policy does not allow its licence"),
            License::Named(_) | License::Unsaid => {
                (Code::LicenseUnknown, "it does not say its licence as an SPDX expression")
            }
        };
        let listed = |list: &[Pattern]| list.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ");
        let expected = match licenses.allow.as_slice() {
            [] => format!("none of {}", listed(&licenses.deny)),
            allowed => format!("one of {}", listed(allowed)),
        };
        let finding = Problem::new(code, message)
            .package(package)
            .at(place.clone())
            .expected(expected)
            .found(license.told())
            .help(format!(
                "leave it out, or, if you have read its terms, allow it by [[policy.exception]] code = \"{}\", package = \
                 \"{package}\" and a reason in pipward.toml",
                code.name()
            ));
        let level = match code {
            Code::LicenseUnknown if licenses.allow.is_empty() => Level::Warn,
            _ => Level::Deny,
        };
        self.judge_as(package, vec![finding], level)
    }
}

/// Reads `[policy.licenses]`.
pub(super) fn read(item: &Item<'_, '_>) -> Licenses {
    let mut licenses = Licenses::default();
    let Some(table) = item.table() else { return licenses };
    for (key, item) in table.all() {
        let list = match key {
            "allow" => &mut licenses.allow,
            "deny" => &mut licenses.deny,
            _ => {
                super::read::unknown(&item, key, "allow, deny");
                continue;
            }
        };
        list.extend(item.items().iter().filter_map(pattern));
    }
    licenses
}

/// An identifier, `LicenseRef-…`, `X WITH Y`, or a pattern of them: something of SPDX's list has to be meant.
fn pattern(item: &Item<'_, '_>) -> Option<Pattern> {
    let text = item.text()?.trim();
    let pattern = Pattern::new(text).ok();
    let is_meant = |pattern: &Pattern| {
        let head = text.to_ascii_lowercase();
        let head = head.split(" with ").next().unwrap_or_default().trim_end_matches('+');
        let listed = |name: &str| Pattern::new(head).is_ok_and(|head| head.matches_with(name, ANY_CASE));
        head.starts_with("licenseref-")
            || spdx::identifiers::LICENSES
                .iter()
                .any(|license| pattern.matches_with(license.name, ANY_CASE) || listed(license.name))
    };
    let found = pattern.filter(is_meant);
    if found.is_none() {
        item.reading.report(
            Problem::new(Code::ConfigInvalid, "there is no such licence on SPDX's list")
                .at(item.place())
                .expected(
                    "an identifier such as MIT or GPL-3.0-only, a pattern such as GPL-*, or LicenseRef-…",
                )
                .found(super::read::shown(text)),
        );
    }
    found
}
