//! An environment described, not probed: a Python version and a platform.

use std::fmt;

use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};

use crate::platform::Platform;
use crate::request::Target;
use crate::tags::{PythonBuild, Tags};

/// A version that names no Python 3: it has no minor number, or one that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPython(pub Version);

impl fmt::Display for UnknownPython {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a Python version such as 3.12 or 3.12.4", self.0)
    }
}
impl std::error::Error for UnknownPython {}

impl Target {
    /// The environment of a released CPython of `python` (`3.12` counts as `3.12.0`) on `platform`.
    ///
    /// `platform_release` and `platform_version` are empty, since nothing is known of them.
    ///
    /// # Errors
    /// Where `python` has no minor number or is not a version of Python 3.
    pub fn described(python: &Version, platform: &Platform) -> Result<Self, UnknownPython> {
        let unknown = || UnknownPython(python.clone());
        let (minor, patch) = match (python.epoch(), python.release()) {
            (0, [3, minor]) => (*minor, 0),
            (0, [3, minor, patch]) => (*minor, *patch),
            _ => return Err(unknown()),
        };
        // The marker algebra compares releases only, so a pre-release of Python counts as its release.
        let full = format!("3.{minor}.{patch}");
        let minor = u8::try_from(minor).map_err(|_| unknown())?;
        let system = System::of(platform);
        let markers = MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &full,
            os_name: system.os_name,
            platform_machine: &system.machine,
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: system.name,
            platform_version: "",
            python_full_version: &full,
            python_version: &format!("3.{minor}"),
            sys_platform: system.sys_platform,
        })
        .map_err(|_| unknown())?;
        Ok(Self { markers, tags: Tags::of(&PythonBuild::cpython(3, minor), platform) })
    }
}

/// What Python says of a platform in its markers.
struct System {
    os_name: &'static str,
    name: &'static str,
    sys_platform: &'static str,
    machine: String,
}

impl System {
    fn of(platform: &Platform) -> Self {
        match platform {
            Platform::Glibc { arch, .. } | Platform::Musl { arch, .. } => {
                Self { os_name: "posix", name: "Linux", sys_platform: "linux", machine: arch.clone() }
            }
            Platform::MacOs { arch, .. } => {
                Self { os_name: "posix", name: "Darwin", sys_platform: "darwin", machine: arch.clone() }
            }
            Platform::Windows { arch } => Self {
                os_name: "nt",
                name: "Windows",
                sys_platform: "win32",
                // Windows spells its machines in upper case, but for x86.
                machine: if arch == "x86" { arch.clone() } else { arch.to_ascii_uppercase() },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pep508_rs::MarkerTree;
    use std::str::FromStr;

    fn check(python: &str, platform: &str, marker: &str) {
        let platform = Platform::parse_uv(platform).unwrap();
        let target = Target::described(&Version::from_str(python).unwrap(), &platform).unwrap();
        assert!(MarkerTree::from_str(marker).unwrap().evaluate(&target.markers, &[]), "{marker}");
        assert!(target.tags.iter().next().is_some());
    }

    #[test]
    fn markers_are_what_python_would_say() {
        check("3.12", "linux", "python_version == '3.12' and python_full_version == '3.12.0'");
        check("3.12.4", "linux", "python_full_version == '3.12.4' and implementation_version == '3.12.4'");
        check("3.15rc1", "linux", "python_full_version == '3.15.0' and python_version >= '3.15'");
        check(
            "3.9",
            "linux",
            "sys_platform == 'linux' and os_name == 'posix' and platform_machine == 'x86_64'",
        );
        check("3.9", "macos", "platform_system == 'Darwin' and platform_machine == 'arm64'");
        check(
            "3.9",
            "windows",
            "sys_platform == 'win32' and os_name == 'nt' and platform_machine == 'AMD64'",
        );
        check(
            "3.9",
            "linux",
            "implementation_name == 'cpython' and platform_python_implementation == 'CPython'",
        );
    }

    #[test]
    fn refuses_what_is_no_python() {
        let platform = Platform::parse_uv("linux").unwrap();
        for text in ["3", "2.7", "3.999", "1!3.12", "3.12.1.4"] {
            let version = Version::from_str(text).unwrap();
            assert!(Target::described(&version, &platform).is_err(), "{text}");
        }
    }
}
