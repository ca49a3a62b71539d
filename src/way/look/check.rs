//! Whether what is installed has what it requires.
//!
//! Owns: the comparison. Never: looks at an index.

use std::collections::{BTreeMap, BTreeSet};

use pep508_rs::VersionOrUrl;
use pipward_resolver::{ExtraName, Target, WheelName};

use super::Look;
use crate::error::Problem;
use crate::python::installed::distribution::{Dependency, Found};
use crate::python::installed::message::Message;

/// What is not as it should be, a sentence each.
#[derive(Debug, Default)]
pub struct Checked {
    /// Requirements that are not met, and distributions that are for other platforms.
    pub findings: Vec<String>,
    /// Distributions that do not tell what they require.
    pub unreadable: Vec<String>,
    /// The findings about requirements by the distribution that has them, as they are told behind an install.
    behind: BTreeMap<String, Vec<String>>,
    /// What each distribution requires here.
    needs: BTreeMap<String, BTreeSet<String>>,
}

impl Checked {
    /// The findings about distributions that were just installed, or need one of them.
    pub fn about(&self, installed: &[&str]) -> Vec<&str> {
        let mut affected: BTreeSet<&str> = installed.iter().copied().collect();
        for (name, needs) in &self.needs {
            if needs.iter().any(|needed| affected.contains(needed.as_str())) {
                affected.insert(name);
            }
        }
        let of = affected.into_iter().filter_map(|name| self.behind.get(name));
        of.flatten().map(String::as_str).collect()
    }
}

/// Checks an environment.
///
/// # Errors
/// `internal` where nobody tells the markers.
pub fn check(look: &Look) -> Result<Checked, Problem> {
    let target = look.target()?;
    let mut checked = Checked::default();
    let mut set: BTreeMap<&str, (&Found, Vec<Dependency>)> = BTreeMap::new();
    for found in &look.environment.distributions {
        let all = found.dependencies().and_then(|all| {
            found.version().map(|_| all).ok_or_else(|| format!("Invalid version: '{}'", found.raw_version()))
        });
        match all {
            Ok(all) => {
                set.insert(&found.name, (found, all));
            }
            Err(error) => {
                checked.unreadable.push(format!("Error parsing dependencies of {}: {error}", found.name));
            }
        }
    }
    let mut missing = Vec::new();
    let mut conflicting = Vec::new();
    for (name, (found, dependencies)) in &set {
        let version = found.shown_version();
        let (mut absent, mut unfit, mut behind) = (Vec::new(), Vec::new(), Vec::new());
        for one in dependencies.iter().filter(|one| holds(one, target)) {
            let wanted = one.requirement.name.to_string();
            let Some((other, _)) = set.get(wanted.as_str()) else {
                absent.push(format!("{name} {version} requires {wanted}, which is not installed."));
                behind.push(format!("{name} {version} requires {}, which is not installed.", told(one)));
                continue;
            };
            if !satisfied(one, other) {
                unfit.push(format!(
                    "{name} {version} has requirement {}, but you have {wanted} {}.",
                    told(one),
                    other.shown_version()
                ));
                behind.push(format!(
                    "{name} {version} requires {}, but you have {wanted} {} which is incompatible.",
                    told(one),
                    other.shown_version()
                ));
            }
        }
        let needs = dependencies.iter().filter(|one| holds(one, target));
        let needs = needs.map(|one| one.requirement.name.to_string()).collect();
        checked.needs.insert((*name).to_owned(), needs);
        checked.behind.insert((*name).to_owned(), behind);
        for (list, all) in [(absent, &mut missing), (unfit, &mut conflicting)] {
            let mut list = list;
            list.sort();
            list.dedup();
            all.extend(list);
        }
    }
    checked.findings.extend(missing);
    checked.findings.extend(conflicting);
    let foreign = look.environment.distributions.iter().filter(|found| !is_supported(found, target));
    checked.findings.extend(foreign.map(|found| {
        format!("{} {} is not supported on this platform", found.raw_name(), found.shown_version())
    }));
    Ok(checked)
}

fn holds(dependency: &Dependency, target: &Target) -> bool {
    dependency.requirement.evaluate_markers(&target.markers, &[] as &[ExtraName])
}

/// Pre-releases satisfy: they are there already.
fn satisfied(dependency: &Dependency, found: &Found) -> bool {
    match (&dependency.requirement.version_or_url, found.version()) {
        (Some(VersionOrUrl::VersionSpecifier(wanted)), Some(version)) => wanted.contains(&version),
        _ => true,
    }
}

/// A requirement as the packaging library prints it: extras and specifiers sorted, no spaces.
fn told(dependency: &Dependency) -> String {
    let (head, marker) = match dependency.text.split_once(';') {
        Some((head, marker)) => (head, Some(marker.trim())),
        None => (dependency.text.as_str(), None),
    };
    let sorted = |text: &str| {
        let mut parts: Vec<String> = text
            .split(',')
            .map(|part| part.chars().filter(|c| !c.is_whitespace()).collect())
            .filter(|part: &String| !part.is_empty())
            .collect();
        parts.sort();
        parts.join(",")
    };
    let rest = head.trim().get(dependency.name.len()..).unwrap_or_default().trim();
    let (extras, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((extras, rest)) => (format!("[{}]", sorted(extras)), rest.trim()),
        None => (String::new(), rest),
    };
    let rest = match rest.strip_prefix('@') {
        Some(address) => format!("@ {}", address.trim()),
        None => sorted(rest.trim_start_matches('(').trim_end_matches(')')),
    };
    let marker = marker.map(|marker| format!("; {}", marker.replace('\'', "\""))).unwrap_or_default();
    let gap = if rest.starts_with('@') { " " } else { "" };
    format!("{}{extras}{gap}{rest}{marker}", dependency.name)
}

/// Whether one of the tags in WHEEL is one of this environment. Where WHEEL is missing, nobody knows; where it has no
/// tag, it fits nowhere.
fn is_supported(found: &Found, target: &Target) -> bool {
    let Some(text) = found.text("WHEEL") else { return true };
    let message = Message::parse(&text);
    let fits = |tag: &str| {
        let name = WheelName::parse(&format!("x-1-{}.whl", tag.trim()));
        name.is_ok_and(|name| target.tags.rank(&name).is_some())
    };
    message.all("Tag").any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_told_as_packaging_tells_them() {
        let check = |text: &str, expected: &str| {
            let name: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
            let requirement = crate::pep508::requirement(text, crate::pep508::Strictness::Lenient).unwrap();
            assert_eq!(told(&Dependency { text: text.to_owned(), name, requirement }), expected);
        };
        check("Foo", "Foo");
        check("foo (>=1, <2)", "foo<2,>=1");
        check("foo[b,a] >= 1", "foo[a,b]>=1");
        check("foo>1 ; python_version > '3'", "foo>1; python_version > \"3\"");
    }
}
