//! Environments, and markers with what they mean, written down by hand.

use std::sync::LazyLock;

use pep508_rs::MarkerEnvironmentBuilder;
use pipward_resolver::{MarkerEnvironment, MarkerTree, Platform, Target, Version};

/// An environment, as far as the markers below ask about it.
#[derive(Debug)]
pub(super) struct Env {
    pub(super) minor: u64,
    pub(super) patch: u64,
    pub(super) sys: &'static str,
    pub(super) machine: &'static str,
    pub(super) pypy: bool,
    markers: MarkerEnvironment,
}

impl Env {
    fn new(minor: u64, patch: u64, sys: &'static str, machine: &'static str, pypy: bool) -> Self {
        let full = format!("3.{minor}.{patch}");
        let markers = MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
            implementation_name: if pypy { "pypy" } else { "cpython" },
            implementation_version: &full,
            os_name: match sys {
                "win32" => "nt",
                "java17" => "java",
                _ => "posix",
            },
            platform_machine: machine,
            platform_python_implementation: if pypy { "PyPy" } else { "CPython" },
            platform_release: "",
            platform_system: match sys {
                "win32" => "Windows",
                "darwin" => "Darwin",
                "linux" => "Linux",
                "java17" => "Java",
                _ => "FreeBSD",
            },
            platform_version: "",
            python_full_version: &full,
            python_version: &format!("3.{minor}"),
            sys_platform: sys,
        });
        Self { minor, patch, sys, machine, pypy, markers: markers.unwrap() }
    }

    /// Whether a marker of an answer holds.
    pub(super) fn holds(&self, marker: &MarkerTree) -> bool {
        marker.evaluate(&self.markers, &[])
    }
}

const PYTHONS: [(u64, u64); 8] = [(9, 0), (10, 5), (11, 0), (11, 3), (11, 4), (12, 1), (13, 0), (14, 0)];

/// All combinations of what the markers tell apart, those that no machine has among them.
pub(super) fn grid() -> &'static [Env] {
    static GRID: LazyLock<Vec<Env>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for (minor, patch) in PYTHONS {
            for sys in ["linux", "darwin", "win32", "freebsd14", "java17"] {
                for machine in ["x86_64", "arm64", "AMD64", "riscv64"] {
                    for pypy in [false, true] {
                        all.push(Env::new(minor, patch, sys, machine, pypy));
                    }
                }
            }
        }
        all
    });
    &GRID
}

/// Environments of real machines, as described targets.
pub(super) fn pythons() -> &'static [(Env, Target)] {
    static PYTHONS_: LazyLock<Vec<(Env, Target)>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for (minor, patch) in PYTHONS {
            for (platform, sys, machine) in
                [("linux", "linux", "x86_64"), ("macos", "darwin", "arm64"), ("windows", "win32", "AMD64")]
            {
                let python: Version = format!("3.{minor}.{patch}").parse().unwrap();
                let target = Target::described(&python, &Platform::parse_uv(platform).unwrap()).unwrap();
                all.push((Env::new(minor, patch, sys, machine, false), target));
            }
        }
        all
    });
    &PYTHONS_
}

/// A marker, and the environments in which it holds.
#[derive(Clone, Copy)]
pub(super) struct Atom {
    pub(super) text: &'static str,
    pub(super) holds: fn(&Env) -> bool,
}

impl std::fmt::Debug for Atom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text)
    }
}

macro_rules! atoms {
    ($($text:literal => $holds:expr,)*) => { &[$(Atom { text: $text, holds: $holds },)*] };
}

pub(super) const ATOMS: &[Atom] = atoms! {
    "python_version >= '3.11'" => |env| env.minor >= 11,
    "python_version < '3.12'" => |env| env.minor < 12,
    "python_version == '3.10'" => |env| env.minor == 10,
    "python_version != '3.11'" => |env| env.minor != 11,
    "python_version > '3.10'" => |env| env.minor > 10,
    "python_version <= '3.12'" => |env| env.minor <= 12,
    "python_version in '3.9 3.11'" => |env| env.minor == 9 || env.minor == 11,
    "python_version not in '3.12 3.13'" => |env| env.minor != 12 && env.minor != 13,
    "python_full_version >= '3.11.2'" => |env| (env.minor, env.patch) >= (11, 2),
    "python_full_version != '3.11.4'" => |env| (env.minor, env.patch) != (11, 4),
    "python_full_version < '3.10.0'" => |env| env.minor < 10,
    "sys_platform == 'win32'" => |env| env.sys == "win32",
    "sys_platform != 'win32'" => |env| env.sys != "win32",
    "sys_platform == 'linux'" => |env| env.sys == "linux",
    "'darwin' == sys_platform" => |env| env.sys == "darwin",
    "sys_platform in 'linux darwin'" => |env| env.sys == "linux" || env.sys == "darwin",
    "sys_platform not in 'win32,cygwin'" => |env| env.sys != "win32",
    "'win' in sys_platform" => |env| env.sys == "win32" || env.sys == "darwin",
    "'nux' not in sys_platform" => |env| env.sys != "linux",
    "platform_system == 'Windows'" => |env| env.sys == "win32",
    "platform_system != 'Darwin'" => |env| env.sys != "darwin",
    "os_name == 'nt'" => |env| env.sys == "win32",
    "os_name != 'posix'" => |env| env.sys == "win32" || env.sys == "java17",
    "platform_machine == 'x86_64'" => |env| env.machine == "x86_64",
    "platform_machine != 'arm64'" => |env| env.machine != "arm64",
    "platform_machine in 'arm64 AMD64'" => |env| env.machine == "arm64" || env.machine == "AMD64",
    "implementation_name == 'cpython'" => |env| !env.pypy,
    "implementation_name == 'pypy'" => |env| env.pypy,
    "platform_python_implementation != 'PyPy'" => |env| !env.pypy,
};

/// The tags of a wheel, and the environments that take it.
#[derive(Clone, Copy)]
pub(super) struct Wheel {
    pub(super) text: &'static str,
    holds: fn(&Env) -> bool,
}

impl Wheel {
    pub(super) fn takes(&self, env: &Env) -> bool {
        (self.holds)(env)
    }
}

impl std::fmt::Debug for Wheel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text)
    }
}

macro_rules! wheels {
    ($($text:literal => $holds:expr,)*) => { &[$(Wheel { text: $text, holds: $holds },)*] };
}

pub(super) const WHEELS: &[Wheel] = wheels! {
    "py3-none-any" => |_| true,
    "py311-none-any" => |env| env.minor >= 11,
    "cp311-cp311-manylinux_2_17_x86_64" => |env| {
        !env.pypy && env.minor == 11 && env.sys == "linux" && env.machine == "x86_64"
    },
    "cp310-abi3-win_amd64" => |env| {
        !env.pypy && env.minor >= 10 && env.sys == "win32" && env.machine == "AMD64"
    },
    "py3-none-macosx_11_0_arm64" => |env| env.sys == "darwin" && env.machine == "arm64",
    "py2-none-any" => |_| false,
};

/// The universes that worlds are locked for.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub(crate) text: &'static str,
    pub(super) holds: fn(&Env) -> bool,
    /// Whether it has environments of which the grid has none: later Pythons, other systems.
    pub(super) open: bool,
}

impl std::fmt::Debug for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text)
    }
}

pub(super) const UNIVERSES: &[Range] = &[
    Range { text: "python_version >= '3.9'", holds: |_| true, open: true },
    Range { text: "python_version >= '3.11'", holds: |env| env.minor >= 11, open: true },
    Range {
        text: "python_version >= '3.10' and (sys_platform == 'linux' or sys_platform == 'win32')",
        holds: |env| env.minor >= 10 && (env.sys == "linux" || env.sys == "win32"),
        open: true,
    },
];
