//! PEP 440 specifiers as sets of versions.
//!
//! Owns the only conversion from specifiers to the solver's sets; the one that pep440_rs has treats local versions
//! otherwise. It never decides whether a pre-release is wanted: a set holds what the operators say, and
//! `prefer` knows which of its versions are taken.

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use version_ranges::Ranges;

/// The versions that satisfy all of `specifiers` (PEP 440, "Version specifiers").
pub fn of_specifiers(specifiers: &VersionSpecifiers) -> Ranges<Version> {
    let mut all = specifiers.iter().map(of_specifier);
    let first = all.next().unwrap_or_else(Ranges::full);
    all.fold(first, |set, next| set.intersection(&next))
}

/// The versions that satisfy `specifier`.
///
/// `===V` is taken as "V and no local version of it": versions that differ in trailing zeros alone are one release
/// to the solver, so `===1.0` takes a release that is spelled `1.0.0`.
pub fn of_specifier(specifier: &VersionSpecifier) -> Ranges<Version> {
    let version = specifier.version();
    match specifier.operator() {
        Operator::ExactEqual => Ranges::singleton(version.clone()),
        Operator::Equal => equal(version),
        Operator::NotEqual => equal(version).complement(),
        Operator::EqualStar => prefix(version),
        Operator::NotEqualStar => prefix(version).complement(),
        Operator::TildeEqual => compatible(version),
        Operator::GreaterThanEqual => Ranges::higher_than(version.clone()),
        Operator::LessThanEqual => below(after_locals(version)),
        Operator::GreaterThan => greater(version),
        Operator::LessThan => less(version),
    }
}

/// "If the specified version identifier is a public version identifier (no local version label), then the local
/// version label of any candidate versions MUST be ignored when matching versions."
fn equal(version: &Version) -> Ranges<Version> {
    if version.is_local() {
        return Ranges::singleton(version.clone());
    }
    Ranges::higher_than(version.clone()).intersection(&below(after_locals(version)))
}

/// "Prefix matching may be requested [...] by appending a trailing .* to the version identifier".
fn prefix(version: &Version) -> Ranges<Version> {
    let lowest = Version::new(version.release()).with_epoch(version.epoch()).with_dev(Some(0));
    Ranges::higher_than(lowest).intersection(&below(after_prefix(version.epoch(), version.release())))
}

/// "For a given release identifier V.N, the compatible release clause is approximately equivalent to the pair of
/// comparison clauses: `>= V.N, == V.*`"; suffixes are ignored for the prefix, the epoch is kept.
fn compatible(version: &Version) -> Ranges<Version> {
    let prefix = version.release().split_last().map(|(_, prefix)| prefix).unwrap_or_default();
    Ranges::higher_than(version.clone()).intersection(&below(after_prefix(version.epoch(), prefix)))
}

/// "The exclusive ordered comparison `>V` MUST NOT allow a post-release of the given version unless V itself is a
/// post release. [...] MUST NOT match a local version of the specified version."
fn greater(version: &Version) -> Ranges<Version> {
    if version.is_dev() || version.is_post() {
        // What follows such a version and its local versions is the next number.
        return match after_locals(version) {
            Some(next) => Ranges::higher_than(next),
            None => Ranges::strictly_higher_than(version.clone()),
        };
    }
    Ranges::strictly_higher_than(version.clone().without_local().with_max(Some(0)))
}

/// "The exclusive ordered comparison `<V` MUST NOT allow a pre-release of the specified version unless the specified
/// version is itself a pre-release."
fn less(version: &Version) -> Ranges<Version> {
    if version.any_prerelease() {
        Ranges::strictly_lower_than(version.clone())
    } else {
        Ranges::strictly_lower_than(version.clone().without_local().with_dev(Some(0)))
    }
}

fn below(bound: Option<Version>) -> Ranges<Version> {
    bound.map_or_else(Ranges::full, Ranges::strictly_lower_than)
}

/// The lowest version above `version` and all its local versions; `None` where numbers end.
fn after_locals(version: &Version) -> Option<Version> {
    let public = version.clone().without_local();
    match (public.post(), public.dev()) {
        (_, Some(dev)) => Some(public.with_dev(Some(dev.checked_add(1)?))),
        (Some(post), None) => Some(public.with_post(Some(post.checked_add(1)?)).with_dev(Some(0))),
        (None, None) => Some(public.with_post(Some(0)).with_dev(Some(0))),
    }
}

/// The lowest version above all that begin with `release`; `None` where numbers end.
fn after_prefix(epoch: u64, release: &[u64]) -> Option<Version> {
    let mut release = release.to_vec();
    while let Some(last) = release.pop() {
        if let Some(next) = last.checked_add(1) {
            release.push(next);
            return Some(Version::new(release).with_epoch(epoch).with_dev(Some(0)));
        }
    }
    Some(Version::new([0]).with_epoch(epoch.checked_add(1)?).with_dev(Some(0)))
}

/// Whether a specifier asks for pre-releases by naming one (PEP 440, "Handling of pre-releases"). `!=` asks for nothing.
pub fn names_prerelease(specifiers: &VersionSpecifiers) -> bool {
    specifiers.iter().any(|specifier| {
        !matches!(specifier.operator(), Operator::NotEqual | Operator::NotEqualStar)
            && specifier.any_prerelease()
    })
}

/// Whether a specifier pins one version: `==V` without a wildcard, or `===V`.
pub fn is_pin(specifier: &VersionSpecifier) -> bool {
    matches!(specifier.operator(), Operator::Equal | Operator::ExactEqual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn check(specifiers: &str, inside: &[&str], outside: &[&str]) {
        let set = of_specifiers(&VersionSpecifiers::from_str(specifiers).unwrap());
        for version in inside {
            assert!(set.contains(&Version::from_str(version).unwrap()), "{version} is in {specifiers}");
        }
        for version in outside {
            assert!(!set.contains(&Version::from_str(version).unwrap()), "{version} is not in {specifiers}");
        }
    }

    #[test]
    fn local_versions() {
        check("==1.0", &["1.0", "1.0.0", "1.0+cpu", "1.0+9.z"], &["1.0.post0.dev0", "1.0a1", "1.0.1"]);
        check("==1.0+cpu", &["1.0+cpu"], &["1.0", "1.0+cpu.1", "1.0+9"]);
        check("===1.0", &["1.0"], &["1.0+cpu", "1.1"]);
        check("!=1.0", &["1.0.post0", "0.9"], &["1.0+cpu", "1.0"]);
        check("!=1.0+cpu", &["1.0+gpu", "1.0"], &["1.0+cpu"]);
        check("<=1.0", &["1.0+cpu", "0.1"], &["1.0.post0.dev0", "1.0.1"]);
        check("<=1.0a1", &["1.0a1+cpu"], &["1.0a1.post0.dev0", "1.0a2.dev0"]);
        check("<=1.0.dev1", &["1.0.dev1+cpu"], &["1.0.dev2", "1.0a1"]);
        check(">1.0", &["1.0.1", "1.1+cpu"], &["1.0+cpu", "1.0.post1", "1.0.post1+cpu"]);
        check(">=1.0", &["1.0+cpu"], &["1.0a1"]);
    }

    #[test]
    fn exclusive_order_leaves_out_the_family() {
        check(">1.0a1", &["1.0a2.dev0", "1.0"], &["1.0a1.post1", "1.0a1+x"]);
        check(">1.0.post1", &["1.0.post2.dev0", "1.0.post2"], &["1.0.post1+x", "1.0.post1"]);
        check(">1.0.dev1", &["1.0.dev2", "1.0a1", "1.0"], &["1.0.dev1+x"]);
        check("<1.0", &["0.9", "0.9.post3"], &["1.0a1", "1.0.dev0", "1.0"]);
        check("<1.0rc1", &["1.0b2", "1.0.dev3"], &["1.0rc1"]);
        check("<1.0.post1", &["1.0", "1.0.post0", "1.0+x"], &["1.0.post1.dev0", "1.0.post1"]);
    }

    #[test]
    fn prefixes_and_epochs() {
        check("==1.2.*", &["1.2", "1.2.dev0", "1.2.9.post1+x", "1.2a1"], &["1.3.dev0", "1.20", "1!1.2"]);
        check("!=1.2.*", &["1.3.dev0", "1.1"], &["1.2.7", "1.2rc1"]);
        check("==1!1.*", &["1!1.5"], &["1.5", "2!1.5"]);
        check("~=2.2", &["2.2", "2.9.post1"], &["3.0", "3.0.dev0", "2.2a1"]);
        check("~=1!2.2.0", &["1!2.2.5"], &["2.2.5", "1!2.3"]);
        check("~=2.2.post3", &["2.2.post3", "2.4"], &["2.2", "3.0a1"]);
        check("~=2.2rc1", &["2.2rc2", "2.2", "2.3"], &["2.2b1", "3"]);
    }

    #[test]
    fn ends_of_numbers_do_not_panic() {
        let max = u64::MAX;
        check(&format!("==1.{max}.*"), &[&format!("1.{max}.7")], &["1.0", "2.0"]);
        check(&format!("~=1.{max}.0"), &[&format!("1.{max}.7")], &["2.0"]);
        check(&format!("==1.0.post{max}"), &[&format!("1.0.post{max}")], &["1.0"]);
        check(&format!(">1.0.dev{max}"), &["1.1"], &["0.9"]);
    }

    #[test]
    fn asking_for_prereleases() {
        let asks = |text: &str| names_prerelease(&VersionSpecifiers::from_str(text).unwrap());
        assert!(asks(">=1.0a1") && asks("==1.0.dev1") && asks("<2,>1.0rc1") && asks("~=2.0b1"));
        assert!(!asks(">=1.0") && !asks("!=1.0a1") && !asks(">=1.0.post1") && !asks(""));
    }
}
