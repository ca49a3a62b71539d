//! The platforms that wheels are chosen for: their tags, their names on the command line, their markers.
//!
//! Owns platform tags (PEP 513, 571, 599, 600, 656; macOS; Windows). It never asks the machine it runs on.

use std::fmt;

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

/// A platform text that we do not know. It lists what we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPlatform;

impl fmt::Display for UnknownPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "known platforms are linux, macos, windows, {x86_64,aarch64,i686,armv7l,ppc64le,s390x}-unknown-linux-gnu, \
             riscv64-unknown-linux, {x86_64,aarch64}-unknown-linux-musl, ARCH-manylinux2014, ARCH-manylinux_2_N, \
             ARCH-musllinux_1_N, {x86_64,aarch64}-apple-darwin, {x86_64,aarch64,i686}-pc-windows-msvc; \
             Android, iOS and Pyodide are not among them, since nothing can be installed there",
        )
    }
}
impl std::error::Error for UnknownPlatform {}

/// No libc or macOS has had, or will soon have, a higher number: keeps lists short whatever a probe said.
const MAX_NUMBER: u16 = 99;

/// What stands for the last minor version of a glibc whose major version is over.
const LAST_GLIBC_MINOR: u16 = 50;

/// Architectures that PEP 600 wheels exist for.
const MANYLINUX_ARCHS: [&str; 9] =
    ["x86_64", "aarch64", "i686", "armv7l", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"];

impl Platform {
    /// Parses a target as uv spells it for `--python-platform`, with uv's defaults: glibc 2.28 (2.39 on riscv64),
    /// musl 1.2, macOS 13.0. Beyond uv's list, any `ARCH-manylinux_2_N` and `ARCH-musllinux_1_N` is taken.
    ///
    /// # Errors
    /// Where the text is none of these.
    pub fn parse_uv(text: &str) -> Result<Self, UnknownPlatform> {
        let glibc = |arch: &str, minor| Self::Glibc { arch: arch.to_owned(), major: 2, minor };
        let mac_os = |arch: &str| Self::MacOs { arch: arch.to_owned(), major: 13, minor: 0 };
        let windows = |arch: &str| Self::Windows { arch: arch.to_owned() };
        Ok(match text {
            "linux" => glibc("x86_64", 28),
            "macos" | "aarch64-apple-darwin" => mac_os("arm64"),
            "x86_64-apple-darwin" => mac_os("x86_64"),
            "windows" | "x86_64-pc-windows-msvc" => windows("amd64"),
            "aarch64-pc-windows-msvc" => windows("arm64"),
            "i686-pc-windows-msvc" => windows("x86"),
            "riscv64-unknown-linux" => glibc("riscv64", 39),
            _ => {
                let (arch, system) = text.split_once('-').ok_or(UnknownPlatform)?;
                if !MANYLINUX_ARCHS.contains(&arch) {
                    return Err(UnknownPlatform);
                }
                if let Some(minor) = system.strip_prefix("manylinux_2_").and_then(number) {
                    return Ok(glibc(arch, minor));
                }
                let musl = |minor| Self::Musl { arch: arch.to_owned(), major: 1, minor };
                if let Some(minor) = system.strip_prefix("musllinux_1_").and_then(number) {
                    return Ok(musl(minor));
                }
                match system {
                    "unknown-linux-gnu" => glibc(arch, 28),
                    "unknown-linux-musl" => musl(2),
                    "manylinux2014" => glibc(arch, 17),
                    _ => return Err(UnknownPlatform),
                }
            }
        })
    }

    /// The platform tags that it takes, best first. A number above 99 counts as 99.
    pub fn tags(&self) -> Vec<String> {
        match self {
            Self::Glibc { arch, major, minor } => linux(arch, |arch| manylinux(arch, *major, *minor)),
            Self::Musl { arch, major, minor } => linux(arch, |arch| musllinux(arch, *major, *minor)),
            Self::MacOs { arch, major, minor } => {
                mac_os(if arch == "aarch64" { "arm64" } else { arch }, *major, *minor)
            }
            Self::Windows { arch } => vec![match arch.to_ascii_lowercase().as_str() {
                "x86" | "i686" | "win32" => "win32".to_owned(),
                "x86_64" => "win_amd64".to_owned(),
                "aarch64" => "win_arm64".to_owned(),
                other => format!("win_{other}"),
            }],
        }
    }
}

/// A small number without sign or leading zero.
fn number(text: &str) -> Option<u16> {
    let plain = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
        || text == "0";
    if plain { text.parse().ok() } else { None }
}

/// The native tag of each architecture, then what `libc` makes of each. A 32-bit Python on a 64-bit ARM takes armv7l.
fn linux(arch: &str, libc: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    let archs: &[&str] = if arch == "armv8l" { &["armv8l", "armv7l"] } else { &[arch] };
    let native = archs.iter().map(|arch| format!("linux_{arch}"));
    native.chain(archs.iter().flat_map(|arch| libc(arch))).collect()
}

/// PEP 600, with the older names just after the version that each stands for. From this glibc down to 2.17,
/// on x86 to 2.5.
fn manylinux(arch: &str, major: u16, minor: u16) -> Vec<String> {
    if !MANYLINUX_ARCHS.contains(&arch) && arch != "armv8l" {
        return Vec::new();
    }
    let oldest = if arch == "x86_64" || arch == "i686" { 5 } else { 17 };
    let mut tags = Vec::new();
    for major_tag in (2..=major.min(MAX_NUMBER)).rev() {
        // glibc 3 does not exist; were there one, it would take what was built against 2, whose last we guess.
        let newest = if major_tag == major { minor } else { LAST_GLIBC_MINOR };
        let oldest = if major_tag == 2 { oldest } else { 0 };
        for minor in (oldest..=newest.min(MAX_NUMBER)).rev() {
            tags.push(format!("manylinux_{major_tag}_{minor}_{arch}"));
            match (major_tag, minor) {
                (2, 17) => tags.push(format!("manylinux2014_{arch}")),
                (2, 12) => tags.push(format!("manylinux2010_{arch}")),
                (2, 5) => tags.push(format!("manylinux1_{arch}")),
                _ => {}
            }
        }
    }
    tags
}

/// PEP 656: this musl and the older ones of its major version.
fn musllinux(arch: &str, major: u16, minor: u16) -> Vec<String> {
    (0..=minor.min(MAX_NUMBER)).rev().map(|minor| format!("musllinux_{major}_{minor}_{arch}")).collect()
}

/// Before macOS 11 the minor number counts the yearly releases, since then the major one does.
fn mac_os(arch: &str, major: u16, minor: u16) -> Vec<String> {
    let mut tags = Vec::new();
    let mut push = |major: u16, minor: u16, formats: &[&str]| {
        tags.extend(formats.iter().map(|format| format!("macosx_{major}_{minor}_{format}")));
    };
    if major == 10 {
        for minor in (0..=minor.min(MAX_NUMBER)).rev() {
            push(10, minor, &binary_formats(10, minor, arch));
        }
    } else if major > 10 {
        for major in (11..=major.min(MAX_NUMBER)).rev() {
            push(major, 0, &binary_formats(major, 0, arch));
        }
        // Binaries of the years before run on x86_64; on arm64 those which hold both ("universal2") do.
        for minor in (4..=16).rev() {
            match arch {
                "x86_64" => push(10, minor, &binary_formats(10, minor, arch)),
                _ => push(10, minor, &["universal2"]),
            }
        }
    }
    tags
}

/// The binary formats that hold code for `arch`, the narrowest first.
fn binary_formats(major: u16, minor: u16, arch: &str) -> Vec<&str> {
    match arch {
        "x86_64" | "i386" if (major, minor) < (10, 4) => Vec::new(),
        "x86_64" => vec!["x86_64", "intel", "fat64", "fat3", "universal2", "universal"],
        "i386" => vec!["i386", "intel", "fat3", "fat", "universal"],
        "arm64" => vec!["arm64", "universal2"],
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, best: &str) {
        let tags = Platform::parse_uv(text).map(|platform| platform.tags());
        assert!(tags.unwrap().iter().take(2).any(|tag| tag == best), "{text} {best}");
    }

    #[test]
    fn takes_the_targets_of_uv() {
        check("linux", "manylinux_2_28_x86_64");
        check("x86_64-unknown-linux-gnu", "manylinux_2_28_x86_64");
        check("aarch64-unknown-linux-gnu", "manylinux_2_28_aarch64");
        check("x86_64-manylinux_2_40", "manylinux_2_40_x86_64");
        check("aarch64-manylinux2014", "manylinux_2_17_aarch64");
        check("x86_64-unknown-linux-musl", "musllinux_1_2_x86_64");
        check("aarch64-musllinux_1_1", "musllinux_1_1_aarch64");
        check("riscv64-unknown-linux", "manylinux_2_39_riscv64");
        check("macos", "macosx_13_0_arm64");
        check("aarch64-apple-darwin", "macosx_13_0_arm64");
        check("x86_64-apple-darwin", "macosx_13_0_x86_64");
        check("windows", "win_amd64");
        check("x86_64-pc-windows-msvc", "win_amd64");
        check("aarch64-pc-windows-msvc", "win_arm64");
        check("i686-pc-windows-msvc", "win32");
    }

    #[test]
    fn refuses_others() {
        for text in [
            "",
            "beos",
            "x86_64",
            "Linux",
            "x86_64-manylinux_2_",
            "x86_64-manylinux_2_017",
            "x86_64-manylinux_2_999",
            "x86_64-manylinux_3_1",
            "../x-manylinux_2_17",
            "wasm32-pyodide2024",
        ] {
            assert_eq!(Platform::parse_uv(text), Err(UnknownPlatform), "{text}");
        }
    }

    #[test]
    fn lists_stay_short_whatever_a_probe_said() {
        for platform in [
            Platform::Glibc { arch: "x86_64".into(), major: u16::MAX, minor: u16::MAX },
            Platform::Musl { arch: "x86_64".into(), major: 1, minor: u16::MAX },
            Platform::MacOs { arch: "arm64".into(), major: u16::MAX, minor: u16::MAX },
        ] {
            assert!(platform.tags().len() < 10_000);
        }
    }
}
