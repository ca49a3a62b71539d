//! Specifiers as sets of versions, against recorded answers of packaging and against PEP 440 read word by word.

use std::cmp::Ordering;
use std::str::FromStr;

use pep440_rs::{Operator, Prerelease, PrereleaseKind, VersionSpecifier};
use pipward_resolver::ranges;
use pipward_resolver::{Version, VersionSpecifiers};
use proptest::prelude::*;

#[test]
fn agrees_with_packaging() {
    let mut lines = include_str!("data/specifiers/packaging.txt").lines();
    let parse = |text: &str| Version::from_str(text).unwrap();
    let versions: Vec<Version> = lines.next().unwrap().split(' ').map(parse).collect();
    let mut sets = 0;
    for line in lines {
        let (specifiers, expected) = line.split_once('\t').unwrap();
        let set = ranges::of_specifiers(&VersionSpecifiers::from_str(specifiers).unwrap());
        for (version, expected) in versions.iter().zip(expected.chars()) {
            assert_eq!(set.contains(version), expected == '1', "{version} in {specifiers}");
        }
        sets += 1;
    }
    assert!(sets >= 500 && versions.len() >= 150);
}

/// "Public version identifiers", as a tuple of plain numbers: epoch, release, pre, post, dev.
type Public = (u64, Vec<u64>, Option<(PrereleaseKind, u64)>, Option<u64>, Option<u64>);

fn public(version: &Version) -> Public {
    let mut release = version.release().to_vec();
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let pre = version.pre().map(|Prerelease { kind, number }| (kind, number));
    (version.epoch(), release, pre, version.post(), version.dev())
}

/// PEP 440, "Summary of permitted suffixes and relative ordering".
fn order(one: &Version, other: &Version) -> Ordering {
    let key = |version: &Version| {
        let (epoch, release, pre, post, dev) = public(version);
        let phase = match (&pre, post, dev) {
            (None, None, Some(_)) => 0,
            (Some((PrereleaseKind::Alpha, _)), ..) => 1,
            (Some((PrereleaseKind::Beta, _)), ..) => 2,
            (Some((PrereleaseKind::Rc, _)), ..) => 3,
            (None, ..) => 4,
        };
        let pre_number = pre.map_or(0, |(_, number)| number);
        (epoch, release, phase, pre_number, post.map_or(0, |post| post + 1), dev.unwrap_or(u64::MAX))
    };
    key(one).cmp(&key(other))
}

fn begins_with(version: &Version, epoch: u64, prefix: &[u64]) -> bool {
    let part = |at: usize| version.release().get(at).copied().unwrap_or(0);
    version.epoch() == epoch && prefix.iter().enumerate().all(|(at, number)| part(at) == *number)
}

/// PEP 440, "Version specifiers", clause by clause; nothing of the code under test is used.
pub(crate) fn contains(specifier: &VersionSpecifier, version: &Version) -> bool {
    let wanted = specifier.version();
    let same_public = public(version) == public(wanted);
    let same = same_public && (wanted.local().is_empty() || wanted.local() == version.local());
    let same_release = {
        let (one, other) = (public(version), public(wanted));
        (one.0, one.1) == (other.0, other.1)
    };
    let same_base = same_release && public(version).2 == public(wanted).2;
    let compared = order(version, wanted);
    match specifier.operator() {
        Operator::Equal => same,
        Operator::NotEqual => !same,
        Operator::ExactEqual => same_public && wanted.local() == version.local(),
        Operator::EqualStar => begins_with(version, wanted.epoch(), wanted.release()),
        Operator::NotEqualStar => !begins_with(version, wanted.epoch(), wanted.release()),
        Operator::LessThanEqual => compared.is_le(),
        Operator::GreaterThanEqual => compared.is_ge(),
        Operator::LessThan => {
            compared.is_lt() && (wanted.any_prerelease() || !(same_family_before(version, wanted)))
        }
        Operator::GreaterThan => {
            let wants_later = wanted.is_post() || wanted.is_dev();
            compared.is_gt() && (wants_later || !same_base || !version.is_post())
        }
        Operator::TildeEqual => {
            let prefix = &wanted.release()[..wanted.release().len() - 1];
            compared.is_ge() && begins_with(version, wanted.epoch(), prefix)
        }
    }
}

/// Whether `version` is a pre-release of `wanted` (of `1.0.post1` that is `1.0.post1.dev0`).
fn same_family_before(version: &Version, wanted: &Version) -> bool {
    let (one, other) = (public(version), public(wanted));
    let same_release = (one.0, one.1) == (other.0, other.1);
    version.any_prerelease()
        && same_release
        && (wanted.post().is_none() || version.post() == wanted.post() && version.pre().is_none())
}

fn any_version() -> impl Strategy<Value = Version> {
    let release = prop_oneof![
        prop::collection::vec(0u64..3, 1..4),
        prop::collection::vec(prop_oneof![Just(254u64), Just(255), Just(256), Just(65_536), 0u64..2], 1..6),
    ];
    let kind = prop_oneof![Just(PrereleaseKind::Alpha), Just(PrereleaseKind::Beta), Just(PrereleaseKind::Rc)];
    let number = || prop_oneof![0u64..3, Just(64u64), Just(3_000_000u64)];
    let pre = prop::option::weighted(0.4, (kind, number()));
    let suffixes = (pre, prop::option::weighted(0.3, number()), prop::option::weighted(0.3, number()));
    let local = prop::option::weighted(0.3, prop_oneof![Just("1"), Just("a"), Just("a.1"), Just("10.z")]);
    (prop::bool::weighted(0.2), release, suffixes, local).prop_map(
        |(epoch, release, (pre, post, dev), local)| {
            let version = Version::new(release)
                .with_epoch(u64::from(epoch))
                .with_pre(pre.map(|(kind, number)| Prerelease { kind, number }))
                .with_post(post)
                .with_dev(dev);
            let text = local.map_or(version.to_string(), |local| format!("{version}+{local}"));
            Version::from_str(&text).unwrap()
        },
    )
}

fn any_specifier() -> impl Strategy<Value = VersionSpecifier> {
    (0usize..10, any_version()).prop_map(|(operator, version)| {
        let public = version.clone().without_local();
        let plain = Version::new(version.release()).with_epoch(version.epoch());
        let build = |operator, version| VersionSpecifier::from_version(operator, version).unwrap();
        match operator {
            0 => VersionSpecifier::equals_version(version),
            1 => VersionSpecifier::not_equals_version(version),
            2 => build(Operator::ExactEqual, version),
            3 => VersionSpecifier::equals_star_version(plain),
            4 => VersionSpecifier::not_equals_star_version(plain),
            5 if public.release().len() > 1 => build(Operator::TildeEqual, public),
            5 | 6 => VersionSpecifier::less_than_version(public),
            7 => VersionSpecifier::less_than_equal_version(public),
            8 => VersionSpecifier::greater_than_version(public),
            _ => VersionSpecifier::greater_than_equal_version(public),
        }
    })
}

proptest! {
    #![proptest_config(super::fixed_seed(super::cases(4000)))]

    #[test]
    fn agrees_with_pep_440(specifier in any_specifier(), version in any_version()) {
        let set = ranges::of_specifier(&specifier);
        prop_assert_eq!(set.contains(&version), contains(&specifier, &version), "{} in {}", version, specifier);
        // The versions near the specifier's own are where mistakes live.
        for near in neighbours(specifier.version()) {
            prop_assert_eq!(set.contains(&near), contains(&specifier, &near), "{} in {}", near, specifier);
        }
    }
}

fn neighbours(version: &Version) -> Vec<Version> {
    let public = version.clone().without_local();
    let mut near = vec![version.clone(), public.clone()];
    let suffixes = ["+0", ".0", "a0", "rc9", ".post0", ".post0.dev0", ".post9", ".dev0", ".dev9", ".0+x"];
    near.extend(suffixes.iter().filter_map(|suffix| Version::from_str(&format!("{public}{suffix}")).ok()));
    near
}
