//! Wheel tags (PEP 425, 600, 656) and the ordered list of tags that an environment takes.

use std::fmt;

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

/// The tags that an environment takes, best first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags {
    _ordered: Vec<Tag>,
}

impl Tags {
    /// From a list, best first.
    pub fn new(ordered: Vec<Tag>) -> Self {
        Self { _ordered: ordered }
    }
    /// The rank of the best tag of `wheel` (0 is best); `None` where the environment does not take it.
    pub fn rank(&self, _wheel: &crate::wheel_name::WheelName) -> Option<u32> {
        todo!("resolver")
    }
    /// The tags, best first.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self._ordered.iter()
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

/// The platform that wheels are chosen for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Platform {
    /// Linux with glibc of at least this version: `manylinux` (PEP 600, 599, 571, 513) and `linux` tags.
    Glibc {
        /** `x86_64`, `aarch64`, … */
        arch: String,
        /** Major. */
        major: u16,
        /** Minor. */
        minor: u16,
    },
    /// Linux with musl of at least this version (PEP 656).
    Musl {
        /** `x86_64`, `aarch64`, … */
        arch: String,
        /** Major. */
        major: u16,
        /** Minor. */
        minor: u16,
    },
    /// macOS of at least this version.
    MacOs {
        /** `x86_64` or `arm64`. */
        arch: String,
        /** Major. */
        major: u16,
        /** Minor. */
        minor: u16,
    },
    /// Windows.
    Windows {
        /** `amd64`, `arm64`, `x86`. */
        arch: String,
    },
}

impl Tags {
    /// The tags that this build takes on this platform, best first, in the order of `packaging.tags.sys_tags()`.
    pub fn of(_build: &PythonBuild, _platform: &Platform) -> Self {
        todo!("resolver")
    }
}
