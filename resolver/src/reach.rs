//! What the wheels of a version are for, next to what is locked for, in words.
//!
//! Owns how environments and tags are told. It never decides whether a wheel fits: [`Region`] does.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::MarkerTree;

use crate::explain::one_line;
use crate::facts::{CandidateWheel, Release};
use crate::region::Region;
use crate::wheel_name::WheelName;

/// No minor number of a Python 3 that is asked about is higher.
const LAST_MINOR: u8 = 99;
/// No patch release is higher.
const LAST_PATCH: u64 = 99;

/// How near a version's wheels come to what is locked for, where none fits.
pub(crate) enum Miss {
    /// The platform fits, and the Pythons do not.
    Pythons(Pythons),
    /// A newer C library would do: its version, and the platform as it is typed.
    Glibc(String, String),
    /// No wheel is for the platform.
    Platform,
}

/// The Pythons that wheels are for.
#[derive(Default)]
pub(crate) struct Pythons {
    exact: BTreeSet<(u8, u8)>,
    /// The lowest one of the stable ABI: it and what is later.
    from: Option<(u8, u8)>,
    others: BTreeSet<String>,
}

/// Looks at the wheels of a version that has none that fits.
pub(crate) fn miss(region: &Region<'_>, release: &Release) -> Miss {
    let mut pythons = Pythons::default();
    for wheel in release.wheels.iter().filter(|wheel| fits_but_for_python(region, wheel)) {
        pythons.add(&wheel.name);
    }
    let here = minors(region);
    // Where the very Python is named, something else about it differs (its ABI).
    let named = pythons.exact.iter().any(|(major, minor)| *major == 3 && here.contains(minor));
    if !pythons.is_empty() && !named {
        return Miss::Pythons(pythons);
    }
    let needed = release.wheels.iter().filter_map(|wheel| glibc(region, &wheel.name)).min();
    match needed {
        Some((version, platform)) => Miss::Glibc(format!("{}.{}", version.0, version.1), platform),
        None => Miss::Platform,
    }
}

/// Whether a wheel with this platform and for every Python would fit.
fn fits_but_for_python(region: &Region<'_>, wheel: &CandidateWheel) -> bool {
    let (_, _, platforms) = wheel.name.tag_parts();
    let (name, version) = (wheel.name.name().as_dist_info_name(), wheel.name.version());
    let any = format!("{name}-{version}-py3-none-{}.whl", platforms.join("."));
    WheelName::parse(&any).is_ok_and(|any| region.rank(&any).is_some())
}

/// The glibc that a wheel needs, where nothing else stands against it.
fn glibc(region: &Region<'_>, wheel: &WheelName) -> Option<((u32, u32), String)> {
    let Region::One(target) = region else { return None };
    let machine = target.markers.platform_machine();
    let (pythons, abis, platforms) = wheel.tag_parts();
    let (name, version) = (wheel.name().as_dist_info_name(), wheel.version());
    let same = format!("{name}-{version}-{}-{}-linux_{machine}.whl", pythons.join("."), abis.join("."));
    let level = |platform: &String| -> Option<(u32, u32)> {
        let rest = platform.strip_prefix("manylinux_")?.strip_suffix(machine)?.strip_suffix('_')?;
        let (major, minor) = rest.split_once('_')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let lowest = platforms.iter().filter_map(level).min()?;
    let python_fits = WheelName::parse(&same).is_ok_and(|same| region.rank(&same).is_some());
    python_fits.then(|| (lowest, format!("{machine}-manylinux_{}_{}", lowest.0, lowest.1)))
}

impl Pythons {
    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.from.is_none() && self.others.is_empty()
    }

    fn add(&mut self, wheel: &WheelName) {
        let (pythons, abis, _) = wheel.tag_parts();
        for python in pythons {
            let digits = python.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let version = digits.split_at_checked(1).and_then(|(major, minor)| {
                Some((
                    major.parse::<u8>().ok()?,
                    if minor.is_empty() { None } else { Some(minor.parse::<u8>().ok()?) },
                ))
            });
            match (python.strip_suffix(digits), version) {
                (Some("cp"), Some((major, Some(minor)))) if abis.iter().any(|abi| abi == "abi3") => {
                    self.from = Some(self.from.map_or((major, minor), |from| from.min((major, minor))));
                }
                (Some("cp"), Some((3, Some(minor)))) if abis.iter().all(|abi| abi.ends_with('t')) => {
                    self.others.insert(format!("a free-threaded Python 3.{minor}"));
                }
                (Some("cp" | "py"), Some((major, Some(minor)))) => {
                    self.exact.insert((major, minor));
                }
                (Some("py" | "cp"), Some((major, None))) => {
                    self.others.insert(format!("Python {major}"));
                }
                (Some("pp"), Some((major, Some(minor)))) => {
                    self.others.insert(format!("PyPy {major}.{minor}"));
                }
                _ => {
                    self.others.insert(one_line(python));
                }
            }
        }
    }

    /// How many minor releases lie between these Pythons and those that are locked for.
    pub(crate) fn distance(&self, region: &Region<'_>) -> i64 {
        let here = minors(region);
        let (Some(first), Some(last)) = (here.first(), here.last()) else { return i64::MAX };
        let away = |minor: u8| match minor {
            minor if minor > *last => i64::from(minor - last),
            minor => i64::from(first.saturating_sub(minor)),
        };
        let exact = self.exact.iter().filter(|(major, _)| *major == 3).map(|(_, minor)| *minor);
        let from = self.from.filter(|(major, _)| *major == 3).map(|(_, minor)| minor.max(*first));
        exact.chain(from).map(away).min().unwrap_or(i64::MAX)
    }

    /// The newest one, as it is typed.
    pub(crate) fn newest(&self) -> Option<String> {
        let newest = self.exact.last().copied().max(self.from)?;
        Some(format!("{}.{}", newest.0, newest.1))
    }

    /// `Python 3.7 to 3.9`, `Python 3.11 and later`, `PyPy 3.9`.
    pub(crate) fn words(&self) -> String {
        let mut parts = Vec::new();
        for major in [2, 3] {
            let minors: Vec<u8> =
                self.exact.iter().filter(|(it, _)| *it == major).map(|(_, minor)| *minor).collect();
            parts.extend(runs(&minors).into_iter().map(|(first, last)| run(major, first, last)));
        }
        parts.extend(self.from.map(|(major, minor)| format!("{major}.{minor} and later")));
        if parts.is_empty() {
            let others: Vec<String> = self.others.iter().take(3).cloned().collect();
            return list(&others);
        }
        format!("Python {}", list(&parts))
    }
}

/// Numbers as runs of neighbours.
fn runs(sorted: &[u8]) -> Vec<(u8, u8)> {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for number in sorted {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs
}

fn run(major: u8, first: u8, last: u8) -> String {
    if first == last { format!("{major}.{first}") } else { format!("{major}.{first} to {major}.{last}") }
}

fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// The minor numbers of Python 3 in a region.
fn minors(region: &Region<'_>) -> Vec<u8> {
    let holds = |minor: &u8| {
        let text = format!("python_version == '3.{minor}'");
        text.parse::<MarkerTree>().is_ok_and(|marker| region.counts(&marker))
    };
    let mut found: Vec<u8> = (0..=30).filter(holds).collect();
    if holds(&LAST_MINOR) {
        found.extend((31..=LAST_MINOR).filter(holds));
    }
    found
}

fn system_words(sys_platform: &str) -> &str {
    match sys_platform {
        "linux" => "Linux",
        "darwin" => "macOS",
        "win32" => "Windows",
        other => other,
    }
}

/// What is locked for: `Python 3.12 on Linux x86_64`, or `any of these environments`.
pub(crate) fn place_words(region: &Region<'_>) -> String {
    match region {
        Region::One(target) => {
            let system = system_words(target.markers.sys_platform());
            let machine = target.markers.platform_machine();
            format!("Python {} on {system} {machine}", region.python_words())
        }
        Region::Many(_) => "any of the environments to lock for".to_owned(),
    }
}

/// How many minor releases lie between a `requires-python` and the Pythons that are locked for.
pub(crate) fn distance(region: &Region<'_>, specifiers: &VersionSpecifiers) -> i64 {
    let mut pythons = Pythons::default();
    let holds = |minor: &u8| specifiers.contains(&Version::new([3, u64::from(*minor), LAST_PATCH]));
    pythons.exact = (0..=LAST_MINOR).filter(holds).map(|minor| (3, minor)).collect();
    pythons.distance(region)
}

/// The platforms that a version's wheels are for. Where none is for the system that is locked for, tags help nobody, and the
/// systems are told; else the tags of its wheels for that system.
pub(crate) fn places(region: &Region<'_>, release: &Release) -> String {
    let system = |wheel: &CandidateWheel| {
        let platform = wheel.name.tag_parts().2.first().map(String::as_str).unwrap_or_default();
        let known = [
            ("macosx", "macOS"),
            ("win", "Windows"),
            ("musllinux", "Linux"),
            ("ios", "iOS"),
            ("android", "Android"),
        ];
        let found = known.into_iter().find(|(prefix, _)| platform.starts_with(prefix));
        found.map_or_else(|| if platform.contains("linux") { "Linux" } else { "" }, |(_, name)| name)
    };
    let here = match region {
        Region::One(target) => system_words(target.markers.sys_platform()),
        Region::Many(_) => return tags(region, &release.wheels.iter().collect::<Vec<_>>()),
    };
    let systems: BTreeSet<&str> = release.wheels.iter().map(system).collect();
    if systems.contains(here) || systems.contains("") {
        let of_system: Vec<&CandidateWheel> =
            release.wheels.iter().filter(|wheel| system(wheel) == here).collect();
        let all: Vec<&CandidateWheel> = release.wheels.iter().collect();
        return tags(region, if of_system.is_empty() { &all } else { &of_system });
    }
    format!("{} alone", list(&systems.into_iter().map(str::to_owned).collect::<Vec<_>>()))
}

/// The tags of wheels, those nearest to what is locked for first: `cp312-win_amd64, …`.
fn tags(region: &Region<'_>, wheels: &[&CandidateWheel]) -> String {
    const MOST: usize = 3;
    let mut tags: Vec<(Reverse<u32>, String)> = Vec::new();
    for wheel in wheels {
        let (pythons, abis, platforms) = wheel.name.tag_parts();
        let first = |parts: &[String]| parts.first().cloned().unwrap_or_default();
        let (python, abi, platform) = (first(pythons), first(abis), first(platforms));
        let told = if abi == python || abi == "none" {
            format!("{python}-{platform}")
        } else {
            format!("{python}-{abi}-{platform}")
        };
        if !tags.iter().any(|(_, known)| *known == told) {
            tags.push((Reverse(nearness(region, &python, &platform)), told));
        }
    }
    tags.sort();
    let more = if tags.len() > MOST { " and others" } else { "" };
    let told: Vec<String> = tags.into_iter().take(MOST).map(|(_, told)| told).collect();
    format!("{}{more}", told.join(", "))
}

/// The same machine counts most, then the same system, then the same Python.
fn nearness(region: &Region<'_>, python: &str, platform: &str) -> u32 {
    let Region::One(target) = region else { return 0 };
    let markers = &target.markers;
    let system = match markers.sys_platform() {
        "darwin" => "macosx",
        "win32" => "win",
        other => other,
    };
    let is_system = platform.contains(system) && (system != "win" || platform.starts_with(system));
    let machine = markers.platform_machine().to_ascii_lowercase();
    let version = markers.python_full_version().version.release();
    let digits: String = version.iter().take(2).map(ToString::to_string).collect();
    4 * u32::from(is_system)
        + 2 * u32::from(platform.ends_with(&machine))
        + u32::from(python.ends_with(&digits))
}
