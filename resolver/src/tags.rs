//! Wheel tags (PEP 425, 600, 656) and the ordered list of tags that an environment takes.
//!
//! Owns the order. It never looks at the machine it runs on: build and platform are arguments.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use crate::platform::{Platform, UnknownPlatform};
use crate::wheel_name::WheelName;

/// One `python-abi-platform` triple.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// The language implementation and version: `py3`, `cp313`.
    pub python: String,
    /// The ABI: `none`, `abi3`, `cp313`.
    pub abi: String,
    /// The platform: `any`, `manylinux_2_17_x86_64`.
    pub platform: String,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// By python, abi and platform: a look-up needs no allocation, and most wheels fail at the first or second step.
/// (The names are short and few, so comparing them is faster than hashing.)
type Ranks = BTreeMap<String, BTreeMap<String, BTreeMap<String, u32>>>;

/// The tags that an environment takes, best first. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    ordered: Vec<Tag>,
    ranks: Ranks,
}

impl PartialEq for Tags {
    fn eq(&self, other: &Self) -> bool {
        self.inner.ordered == other.inner.ordered
    }
}
impl Eq for Tags {}

impl Tags {
    /// From a list, best first. Of equal tags the first counts.
    pub fn new(ordered: Vec<Tag>) -> Self {
        let mut ranks = Ranks::new();
        for (rank, tag) in (0u32..).zip(&ordered) {
            let abis = ranks.entry(tag.python.clone()).or_default();
            let platforms = abis.entry(tag.abi.clone()).or_default();
            platforms.entry(tag.platform.clone()).or_insert(rank);
        }
        Self { inner: Arc::new(Inner { ordered, ranks }) }
    }

    /// The tags that this build takes on this platform, best first, in the order of `packaging.tags.sys_tags()`.
    pub fn of(build: &PythonBuild, platform: &Platform) -> Self {
        let platforms = platform.tags();
        let mut list = List { ordered: Vec::new(), platforms: &platforms };
        match build.implementation.as_str() {
            "cpython" => list.cpython(build),
            _ => list.generic(build),
        }
        list.compatible(build);
        Self::new(list.ordered)
    }

    /// The rank of the best tag of `wheel` (0 is best); `None` where the environment does not take it.
    pub fn rank(&self, wheel: &WheelName) -> Option<u32> {
        let (pythons, abis, platforms) = wheel.tag_parts();
        let by_python = pythons.iter().filter_map(|python| self.inner.ranks.get(python));
        by_python
            .flat_map(|known| abis.iter().filter_map(|abi| known.get(abi)))
            .flat_map(|known| platforms.iter().filter_map(|platform| known.get(platform)))
            .copied()
            .min()
    }

    /// The tags, best first.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.inner.ordered.iter()
    }
}

/// The build of an interpreter, as far as wheel tags depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonBuild {
    /// `sys.implementation.name`: `cpython`, `pypy`.
    pub implementation: String,
    /// Major and minor version.
    pub version: (u8, u8),
    /// The ABI tag of its own extension modules where it is known (`cp313`, `cp313t`, `pypy310_pp73`); else derived.
    pub abi: Option<String>,
    /// Whether it was built without the GIL (PEP 703).
    pub free_threaded: bool,
    /// Whether it is a debug build.
    pub debug: bool,
}

impl PythonBuild {
    /// The released CPython of this version: with the GIL, not for debugging.
    pub fn cpython(major: u8, minor: u8) -> Self {
        Self {
            implementation: "cpython".to_owned(),
            version: (major, minor),
            abi: None,
            free_threaded: false,
            debug: false,
        }
    }

    fn nodot(&self) -> String {
        format!("{}{}", self.version.0, self.version.1)
    }

    /// The ABIs of extension modules that a CPython of 3.8 or later loads, its own first.
    ///
    /// A debug build loads the modules of the release build too (since 3.8).
    fn cpython_abis(&self) -> Vec<String> {
        let threads = if self.free_threaded { "t" } else { "" };
        let release = format!("cp{}{threads}", self.nodot());
        let own = match &self.abi {
            Some(abi) => abi.to_ascii_lowercase(),
            None if self.debug => format!("{release}d"),
            None => release.clone(),
        };
        if self.debug && own != release { vec![own, release] } else { vec![own] }
    }

    /// `pypy310_pp73`; `None` for an implementation that we do not know and that was not probed.
    fn generic_abi(&self) -> Option<String> {
        match (&self.abi, self.implementation.as_str()) {
            (Some(abi), _) => Some(abi.to_ascii_lowercase().replace(['.', '-', ' '], "_")),
            (None, "pypy") => Some(format!("pypy{}_pp73", self.nodot())),
            (None, _) => None,
        }
    }

    /// The python tag: `pp310`.
    fn generic_python(&self) -> String {
        let short = match self.implementation.as_str() {
            "cpython" => "cp",
            "pypy" => "pp",
            "ironpython" => "ip",
            "jython" => "jy",
            "python" => "py",
            other => other,
        };
        format!("{short}{}", self.nodot()).to_ascii_lowercase()
    }
}

/// A list of tags being made.
struct List<'a> {
    ordered: Vec<Tag>,
    platforms: &'a [String],
}

impl List<'_> {
    fn push(&mut self, python: &str, abi: &str, platform: &str) {
        self.ordered.push(Tag {
            python: python.to_owned(),
            abi: abi.to_owned(),
            platform: platform.to_owned(),
        });
    }

    fn push_platforms(&mut self, python: &str, abi: &str) {
        for platform in self.platforms {
            self.push(python, abi, platform);
        }
    }

    /// Own ABIs, the stable ABI, no ABI, then the stable ABI of older versions down to 3.2, where it began (PEP 384).
    ///
    /// The stable ABI of builds without the GIL is another one (PEP 803), `abi3t`.
    fn cpython(&mut self, build: &PythonBuild) {
        let (major, minor) = build.version;
        let python = format!("cp{}", build.nodot());
        let abis = build.cpython_abis();
        let free_threaded = abis.first().is_some_and(|abi| {
            abi.strip_prefix("cp").is_some_and(|rest| rest.trim_start_matches(char::is_numeric).contains('t'))
        });
        for abi in &abis {
            self.push_platforms(&python, abi);
        }
        let stable = if free_threaded { "abi3t" } else { "abi3" };
        let has_stable = build.version >= (3, 2);
        if has_stable {
            self.push_platforms(&python, stable);
        }
        self.push_platforms(&python, "none");
        if has_stable {
            for older in (2..minor).rev() {
                self.push_platforms(&format!("cp{major}{older}"), stable);
            }
        }
    }

    fn generic(&mut self, build: &PythonBuild) {
        let python = build.generic_python();
        let own = build.generic_abi();
        if let Some(abi) = own.as_deref().filter(|abi| *abi != "none") {
            self.push_platforms(&python, abi);
        }
        self.push_platforms(&python, "none");
    }

    /// The tags of pure Python, with a platform and without.
    fn compatible(&mut self, build: &PythonBuild) {
        let (major, minor) = build.version;
        let mut versions = vec![format!("py{major}{minor}"), format!("py{major}")];
        versions.extend((0..minor).rev().map(|older| format!("py{major}{older}")));
        for version in &versions {
            self.push_platforms(version, "none");
        }
        match build.implementation.as_str() {
            "cpython" => self.push(&format!("cp{major}{minor}"), "none", "any"),
            "pypy" => self.push("pp3", "none", "any"),
            _ => {}
        }
        for version in &versions {
            self.push(version, "none", "any");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux() -> Tags {
        let platform = Platform::Glibc { arch: "x86_64".into(), major: 2, minor: 17 };
        Tags::of(&PythonBuild::cpython(3, 12), &platform)
    }

    fn rank(tags: &Tags, rest: &str) -> Option<u32> {
        tags.rank(&WheelName::parse(&format!("x-1-{rest}.whl")).unwrap())
    }

    #[test]
    fn ranks_are_positions_and_the_best_counts() {
        let tags = linux();
        for (position, tag) in tags.iter().enumerate() {
            assert_eq!(rank(&tags, &tag.to_string()), Some(u32::try_from(position).unwrap()));
        }
        let two = rank(&tags, "py2.py3-none-any");
        assert_eq!(two, rank(&tags, "py3-none-any"));
        assert_eq!(
            rank(&tags, "cp312-cp312-manylinux1_x86_64.manylinux_2_17_x86_64"),
            rank(&tags, "cp312-cp312-manylinux_2_17_x86_64"),
        );
    }

    #[test]
    fn refuses_other_platforms_and_abis() {
        let tags = linux();
        for other in [
            "cp312-cp312-manylinux_2_18_x86_64",
            "cp312-cp312-manylinux_2_17_aarch64",
            "cp312-cp312-win_amd64",
            "cp313-abi3-manylinux_2_17_x86_64",
            "cp312-cp312t-manylinux_2_17_x86_64",
            "py2-none-any",
            "cp311-cp311-manylinux_2_17_x86_64",
        ] {
            assert_eq!(rank(&tags, other), None, "{other}");
        }
    }

    #[test]
    fn a_hostile_tag_set_is_cheap() {
        let part = vec!["a"; 35].join(".");
        assert_eq!(rank(&linux(), &format!("{part}-{part}-{part}")), None);
    }
}
