//! Markers as sets of environments: of Pythons, of wheels, of everything that can exist; and their shortest words.
//!
//! Owns every question that is asked of markers as sets. It never evaluates one in an environment, and its work is bounded
//! for markers that were made to be large.

mod paths;
mod settled;
mod shape;
mod within;
mod words;

use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::Hash;
use std::ops::Bound;
use std::sync::LazyLock;
use std::thread::LocalKey;

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use pep508_rs::{
    MarkerExpression, MarkerOperator, MarkerTree, MarkerTreeKind, MarkerValueString, MarkerValueVersion,
};
use rustc_hash::FxHashMap;

use crate::ranges;
use crate::wheel_name::WheelName;

pub use words::{simplify, text};

/// Whether every environment of `region` is one of `marker`.
pub fn covers(region: &MarkerTree, marker: &MarkerTree) -> bool {
    marker.is_true() || region.is_false() || !overlaps(region, &marker.negate())
}

/// Whether some environment of `region` is one of `marker`.
pub fn overlaps(region: &MarkerTree, marker: &MarkerTree) -> bool {
    thread_local! {
        static KNOWN: Known<(MarkerTree, MarkerTree), bool> = RefCell::default();
    }
    // The same is asked again and again: of each release with the same bounds, of each form of a marker.
    remembered_of(MOST_PAIRS, &KNOWN, &(region.clone(), marker.clone()), || meets(region, marker))
}

fn meets(region: &MarkerTree, marker: &MarkerTree) -> bool {
    if region.is_disjoint(marker) {
        return false;
    }
    let (mut facts, more) = (within::facts(region), within::facts(marker));
    if facts.is_true() && more.is_true() {
        return true;
    }
    facts.and(more);
    facts.and(region.clone());
    !facts.is_disjoint(marker)
}

/// Whether two markers hold in the same environments. (Equal trees do; the algebra may build different trees for one set.)
pub fn same(a: &MarkerTree, b: &MarkerTree) -> bool {
    a == b || (covers(a, b) && covers(b, a))
}

/// The Pythons that satisfy a `requires-python`. Pre-releases of Python count as their release.
pub fn of_python(specifiers: &VersionSpecifiers) -> MarkerTree {
    // Each wheel of an index has one, and there are few of them.
    thread_local! {
        static KNOWN: Known<VersionSpecifiers, MarkerTree> = RefCell::default();
    }
    remembered(&KNOWN, specifiers, || {
        let mut any = MarkerTree::FALSE;
        for (low, high) in ranges::of_specifiers(specifiers).iter() {
            let mut all = lower(low);
            all.and(upper(high));
            any.or(all);
        }
        any
    })
}

/// The Pythons that satisfy a `requires-python`, and all that are higher than those: what it says of the end of the range
/// is not looked at. A hole in it counts as far as whole minor releases are missing; one patch release with a fault
/// (`!=3.9.7`) is no reason for another version: an install with it is refused, and another patch release is the way out.
pub fn of_open_python(specifiers: &VersionSpecifiers) -> MarkerTree {
    // Ranges that are joined by "and" have no other holes than those of `!=`.
    let counts = |it: &&VersionSpecifier| match it.operator() {
        Operator::NotEqual => false,
        Operator::NotEqualStar => it.version().release().len() <= 2,
        _ => true,
    };
    let ranges = ranges::of_specifiers(&specifiers.iter().filter(counts).cloned().collect());
    let mut any = MarkerTree::FALSE;
    let mut rest = ranges.iter().peekable();
    while let Some((low, high)) = rest.next() {
        let mut all = lower(low);
        if rest.peek().is_some() {
            all.and(upper(high));
        }
        any.or(all);
    }
    any
}

/// The Pythons from the lowest on that satisfies a `requires-python`; what it says of higher ones is not looked at.
pub fn at_least(specifiers: &VersionSpecifiers) -> MarkerTree {
    match ranges::of_specifiers(specifiers).iter().next() {
        Some((low, _)) => lower(low),
        None => MarkerTree::TRUE,
    }
}

fn lower(bound: &Bound<Version>) -> MarkerTree {
    match bound {
        Bound::Unbounded => MarkerTree::TRUE,
        Bound::Included(version) if !is_after_release(version) => python(Operator::GreaterThanEqual, version),
        Bound::Included(version) | Bound::Excluded(version) => python(Operator::GreaterThan, version),
    }
}

fn upper(bound: &Bound<Version>) -> MarkerTree {
    match bound {
        Bound::Unbounded => MarkerTree::TRUE,
        Bound::Excluded(version) if !is_after_release(version) => python(Operator::LessThan, version),
        Bound::Included(version) | Bound::Excluded(version) => python(Operator::LessThanEqual, version),
    }
}

/// Whether a bound lies above the release itself: bounds of sets are made with post-releases.
fn is_after_release(version: &Version) -> bool {
    version.is_post()
}

fn python(operator: Operator, version: &Version) -> MarkerTree {
    match VersionSpecifier::from_version(operator, version.only_release()) {
        Ok(specifier) => version_marker(MarkerValueVersion::PythonFullVersion, specifier),
        // No such operator takes such a version.
        Err(_) => MarkerTree::FALSE,
    }
}

fn version_marker(key: MarkerValueVersion, specifier: VersionSpecifier) -> MarkerTree {
    MarkerTree::expression(MarkerExpression::Version { key, specifier })
}

fn string(key: MarkerValueString, value: &str) -> MarkerTree {
    let value = value.to_owned();
    MarkerTree::expression(MarkerExpression::String { key, operator: MarkerOperator::Equal, value })
}

/// The environments in which an expression holds. Markers are made of few, which are asked about many times.
fn tree_of(expression: &MarkerExpression) -> MarkerTree {
    thread_local! {
        static KNOWN: Known<MarkerExpression, MarkerTree> = RefCell::default();
    }
    remembered(&KNOWN, expression, || MarkerTree::expression(expression.clone()))
}

/// The lowest Python of a set of environments; none where it has no lower end (or is empty).
pub fn lower_bound_of(region: &MarkerTree) -> Option<Version> {
    let MarkerTreeKind::Version(node) = region.kind() else { return None };
    let children = node.edges().filter(|(_, child)| !child.is_false());
    if *node.key() != MarkerValueVersion::PythonFullVersion {
        // Another version is asked for first: the lowest of all its branches.
        let bounds: Option<Vec<Version>> = children.map(|(_, child)| lower_bound_of(&child)).collect();
        return bounds?.into_iter().min();
    }
    let lowest = children.map(|(range, _)| range.bounding_range().map(|(low, _)| low.cloned()));
    let mut lowest: Vec<Version> = lowest
        .map(|low| match low {
            Some(Bound::Included(version) | Bound::Excluded(version)) => Some(version),
            Some(Bound::Unbounded) | None => None,
        })
        .collect::<Option<_>>()?;
    lowest.sort();
    lowest.first().map(paths::plain)
}

/// The highest Python of a set of environments; none where it has no upper end (or is empty).
pub fn upper_bound_of(region: &MarkerTree) -> Option<Version> {
    let MarkerTreeKind::Version(node) = region.kind() else { return None };
    let children = node.edges().filter(|(_, child)| !child.is_false());
    if *node.key() != MarkerValueVersion::PythonFullVersion {
        // Another version is asked for first: the highest of all its branches.
        let bounds: Option<Vec<Version>> = children.map(|(_, child)| upper_bound_of(&child)).collect();
        return bounds?.into_iter().max();
    }
    let highest = children.map(|(range, _)| match range.bounding_range()?.1 {
        Bound::Included(version) | Bound::Excluded(version) => Some(paths::plain(version)),
        Bound::Unbounded => None,
    });
    highest.collect::<Option<Vec<Version>>>()?.into_iter().max()
}

/// What is true of every environment, though the marker algebra does not know it: Python says of one system by three names,
/// and of one implementation by two.
pub fn world() -> &'static MarkerTree {
    static WORLD: LazyLock<MarkerTree> = LazyLock::new(|| {
        let mut world = named_alike(
            [MarkerValueString::SysPlatform, MarkerValueString::PlatformSystem],
            &[["win32", "Windows"], ["linux", "Linux"], ["darwin", "Darwin"]],
        );
        world.and(named_alike(
            [MarkerValueString::SysPlatform, MarkerValueString::OsName],
            &[["win32", "nt"]],
        ));
        let posix = string(MarkerValueString::OsName, "posix");
        for system in ["linux", "darwin"] {
            let mut is = string(MarkerValueString::SysPlatform, system).negate();
            is.or(posix.clone());
            world.and(is);
        }
        world.and(named_alike(
            [MarkerValueString::ImplementationName, MarkerValueString::PlatformPythonImplementation],
            &[["cpython", "CPython"], ["pypy", "PyPy"]],
        ));
        world
    });
    &WORLD
}

/// One of two variables has a value of a pair exactly where the other has the other.
fn named_alike(keys: [MarkerValueString; 2], pairs: &[[&str; 2]]) -> MarkerTree {
    let mut all = MarkerTree::TRUE;
    let [first, second] = keys;
    for [one, other] in pairs {
        let (a, b) = (string(first.clone(), one), string(second.clone(), other));
        let (mut both, mut neither) = (a.clone(), a.negate());
        both.and(b.clone());
        neither.and(b.negate());
        both.or(neither);
        all.and(both);
    }
    all
}

/// An environment that most wheels are made for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Usual {
    system: &'static str,
    /// Its environments.
    pub(crate) marker: MarkerTree,
}

/// The environments that most wheels are made for.
pub(crate) fn usual() -> &'static [Usual] {
    static USUAL: LazyLock<Vec<Usual>> = LazyLock::new(|| {
        let machine = |(system, machine): (&'static str, &str)| {
            let mut marker = string(MarkerValueString::SysPlatform, system);
            marker.and(string(MarkerValueString::PlatformMachine, machine));
            Usual { system, marker }
        };
        let machines = [
            ("linux", "x86_64"),
            ("linux", "aarch64"),
            ("darwin", "arm64"),
            ("darwin", "x86_64"),
            ("win32", "AMD64"),
        ];
        machines.into_iter().map(machine).collect()
    });
    &USUAL
}

/// The environments of `some`, and in how many parts they are told: a system of which they are all in `all` is one part.
pub(crate) fn any_of(some: &[&Usual], all: &[&Usual]) -> (usize, MarkerTree) {
    let (mut parts, mut any) = (BTreeSet::new(), MarkerTree::FALSE);
    for (at, usual) in some.iter().enumerate() {
        let of_system = |list: &[&Usual]| list.iter().filter(|it| it.system == usual.system).count();
        if of_system(some) == of_system(all) {
            any.or(string(MarkerValueString::SysPlatform, usual.system));
            parts.insert((usual.system, 0));
        } else {
            any.or(usual.marker.clone());
            parts.insert((usual.system, at + 1));
        }
    }
    (parts.len(), any)
}

/// Answers to one question that are remembered: an index has a few hundred combinations of tags.
const MOST_KNOWN: usize = 8192;
/// Pairs of markers of which it is remembered whether they overlap: a large lock asks of 20,000.
const MOST_PAIRS: usize = 65_536;

/// The environments that take a wheel, as far as markers can tell (PEP 425; free-threaded builds, versions of libc and
/// macOS, and 32-bit interpreters on 64-bit systems have no marker).
pub fn of_wheel(wheel: &WheelName) -> MarkerTree {
    let (mut interpreters, systems) = parts_of_wheel(wheel);
    interpreters.and(systems);
    interpreters
}

/// Whether some of these environments take a wheel.
pub fn takes(environments: &MarkerTree, wheel: &WheelName) -> bool {
    let (interpreters, mut here) = parts_of_wheel(wheel);
    // What is left of the environments on one system is small, and many wheels are for that system.
    here.and(environments.clone());
    overlaps(&here, &interpreters)
}

/// The interpreters that take a wheel, and the systems: its environments are those of both.
fn parts_of_wheel(wheel: &WheelName) -> (MarkerTree, MarkerTree) {
    thread_local! {
        static KNOWN: Known<Box<str>, (MarkerTree, MarkerTree)> = RefCell::default();
    }
    remembered(&KNOWN, tags_of(wheel), || parts(wheel))
}

/// What was found out in this run. Bounded, so that keys which were chosen for their hashes cost little.
type Known<K, T> = RefCell<FxHashMap<K, T>>;

/// What is known of a key, found out where it is not yet.
fn remembered<K, Q, T>(known: &'static LocalKey<Known<K, T>>, asked: &Q, find: impl FnOnce() -> T) -> T
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ToOwned<Owned: Into<K>> + ?Sized,
    T: Clone,
{
    remembered_of(MOST_KNOWN, known, asked, find)
}

/// The same, of so many keys at most.
fn remembered_of<K, Q, T>(
    most: usize,
    known: &'static LocalKey<Known<K, T>>,
    asked: &Q,
    find: impl FnOnce() -> T,
) -> T
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ToOwned<Owned: Into<K>> + ?Sized,
    T: Clone,
{
    if let Some(found) = known.with_borrow(|known| known.get(asked).cloned()) {
        return found;
    }
    let found = find();
    known.with_borrow_mut(|known| {
        if known.len() >= most {
            known.clear();
        }
        known.insert(asked.to_owned().into(), found.clone());
    });
    found
}

/// The three tags of a wheel's file name, as written.
pub(crate) fn tags_of(wheel: &WheelName) -> &str {
    let text = wheel.as_str();
    let third = (0..3).try_fold(text, |before, _| before.rfind('-').and_then(|at| text.get(..at)));
    third.and_then(|before| text.get(before.len()..)).unwrap_or(text)
}

/// The tags of many wheels are put together of few.
fn parts(wheel: &WheelName) -> (MarkerTree, MarkerTree) {
    thread_local! {
        static INTERPRETERS: Known<Box<str>, MarkerTree> = RefCell::default();
        static SYSTEMS: Known<Box<str>, MarkerTree> = RefCell::default();
    }
    let (pythons, abis, platforms) = wheel.tag_parts();
    let mut interpreters = MarkerTree::FALSE;
    for python in pythons {
        for abi in abis {
            let both = format!("{python}-{abi}");
            interpreters.or(remembered(&INTERPRETERS, both.as_str(), || interpreter(python, abi)));
        }
    }
    let mut systems = MarkerTree::FALSE;
    for platform in platforms {
        systems.or(remembered(&SYSTEMS, platform.as_str(), || system(platform)));
    }
    (interpreters, systems)
}

/// The minor version of the first CPython that could be built without the GIL (PEP 703).
const FIRST_FREE_THREADED: u8 = 13;

/// The interpreters that take a Python tag with an ABI tag (PEP 425, "Python Tag" and "ABI Tag").
fn interpreter(python: &str, abi: &str) -> MarkerTree {
    let digits = python.find(|c: char| c.is_ascii_digit()).unwrap_or(python.len());
    let (implementation, version) = python.split_at(digits);
    let minor = match version.split_at_checked(1) {
        Some(("3", "")) => None,
        Some(("3", minor)) => match minor.parse::<u8>() {
            Ok(minor) => Some(minor),
            Err(_) => return MarkerTree::FALSE,
        },
        _ => return MarkerTree::FALSE,
    };
    let name = |name: &str| string(MarkerValueString::ImplementationName, name);
    let mut marker = match implementation {
        "py" if abi == "none" => MarkerTree::TRUE,
        "cp" if minor.is_some() => name("cpython"),
        "pp" => name("pypy"),
        _ => return MarkerTree::FALSE,
    };
    let Some(minor) = minor else { return marker };
    let version = |minor: u64| Version::new([3, minor]);
    // The stable ABI of builds without the GIL (PEP 803) is for what there are such builds of.
    let least = if abi == "abi3t" { minor.max(FIRST_FREE_THREADED) } else { minor };
    let (minor, least) = (u64::from(minor), u64::from(least));
    marker.and(python_from(&version(least)));
    // "py3X" and the stable ABIs are for later Pythons too; everything else is for one.
    if !(implementation == "py" || (implementation == "cp" && matches!(abi, "abi3" | "abi3t"))) {
        marker.and(python_from(&version(minor + 1)).negate());
    }
    marker
}

fn python_from(version: &Version) -> MarkerTree {
    python(Operator::GreaterThanEqual, version)
}

/// The systems that take a platform tag (PEP 425, 513, 571, 599, 600, 656, 730, 738).
fn system(platform: &str) -> MarkerTree {
    let on = |system: &str, machines: &[&str]| {
        let mut any = MarkerTree::FALSE;
        machines.iter().for_each(|machine| any.or(string(MarkerValueString::PlatformMachine, machine)));
        any.and(string(MarkerValueString::SysPlatform, system));
        any
    };
    match platform {
        "any" => return MarkerTree::TRUE,
        "win32" => return on("win32", &["x86"]),
        "win_amd64" => return on("win32", &["AMD64"]),
        "win_arm64" => return on("win32", &["ARM64"]),
        _ => {}
    }
    if platform.starts_with("linux_")
        || platform.starts_with("manylinux")
        || platform.starts_with("musllinux_")
    {
        const MACHINES: [&str; 11] = [
            "x86_64",
            "aarch64",
            "ppc64le",
            "ppc64",
            "s390x",
            "armv8l",
            "armv7l",
            "armv6l",
            "riscv64",
            "loongarch64",
            "i686",
        ];
        return match MACHINES.iter().find(|machine| platform.ends_with(&format!("_{machine}"))) {
            Some(&"i686") => on("linux", &["i686", "i386"]),
            // A 32-bit Python on a 64-bit ARM takes them too.
            Some(&"armv7l") => on("linux", &["armv7l", "armv8l"]),
            Some(machine) => on("linux", &[machine]),
            None => MarkerTree::FALSE,
        };
    }
    if platform.starts_with("macosx_") {
        const FORMATS: [(&str, &[&str]); 9] = [
            ("x86_64", &["x86_64"]),
            ("arm64", &["arm64"]),
            ("universal2", &["x86_64", "arm64"]),
            ("universal", &["x86_64", "i386", "ppc", "ppc64"]),
            ("intel", &["x86_64", "i386"]),
            ("fat64", &["x86_64", "ppc64"]),
            ("fat3", &["x86_64", "i386", "ppc"]),
            ("fat", &["i386", "ppc"]),
            ("i386", &["i386"]),
        ];
        let format = FORMATS.iter().find(|(format, _)| platform.ends_with(&format!("_{format}")));
        return format.map_or(MarkerTree::FALSE, |(_, machines)| on("darwin", machines));
    }
    if platform.starts_with("ios_") {
        return string(MarkerValueString::SysPlatform, "ios");
    }
    if platform.starts_with("android_") {
        return string(MarkerValueString::SysPlatform, "android");
    }
    MarkerTree::FALSE
}

#[cfg(test)]
mod tests;
