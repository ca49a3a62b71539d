//! `--platform`, `--python-version`, `--implementation`, `--abi`: wheels for another environment than the one at hand.
//!
//! Owns: which tags these words stand for, as pip reads them. Never: looks at an environment.

use clap::Args;
use pipward_resolver::tags::{Platform, Tag};
use pipward_resolver::{Tags, Target, Version};

use crate::error::{Code, Problem};
use crate::python::Interpreter;

/// The words.
#[derive(Args, Clone, Debug, Default)]
pub(in crate::cli) struct TargetArgs {
    /// Wheels for this platform in place of this machine's
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<String>,
    /// Wheels and markers for this Python
    #[arg(long, value_name = "X.Y", value_parser = python_text)]
    python_version: Option<String>,
    /// Wheels for this implementation: cp, pp, py
    #[arg(long, value_name = "CODE")]
    implementation: Option<String>,
    /// Wheels for this ABI
    #[arg(long, value_name = "ABI")]
    abi: Vec<String>,
}

impl TargetArgs {
    /// Whether anything is said.
    pub(in crate::cli) fn is_foreign(&self) -> bool {
        !self.platform.is_empty()
            || !self.abi.is_empty()
            || self.python_version.as_ref().is_some_and(|text| !text.is_empty())
            || self.implementation.is_some()
    }

    /// What was given, as pip tells it: `version_info='3.7'`.
    pub(in crate::cli) fn given(&self) -> String {
        let list = |all: &[String]| {
            let quoted: Vec<String> = all.iter().map(|one| format!("'{one}'")).collect();
            (!all.is_empty()).then(|| format!("[{}]", quoted.join(", ")))
        };
        let version = self.python_version.as_deref().and_then(|text| python_version(text).ok());
        let parts = [
            list(&self.platform).map(|all| format!("platforms={all}")),
            version.map(|version| format!("version_info='{version}'")),
            list(&self.abi).map(|all| format!("abis={all}")),
            self.implementation.as_ref().map(|code| format!("implementation='{code}'")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The described environment; none where nothing is said.
///
/// # Errors
/// `usage` for a version that is none.
pub(in crate::cli) fn target(
    wheels: &TargetArgs,
    interpreter: &Interpreter,
) -> Result<Option<Target>, Problem> {
    if !wheels.is_foreign() {
        return Ok(None);
    }
    let typed = wheels.python_version.as_deref().filter(|text| !text.is_empty());
    let version = typed.map(python_version).transpose()?;
    let full = version.clone().unwrap_or_else(|| interpreter.version.clone());
    // A version of one part is no more than a major version.
    let whole = wheels.python_version.as_ref().is_some_and(|text| text.len() == 1);
    let (major, minor) = minor_of(&full);
    let python = (major, (!whole).then_some(minor));
    let implementation = wheels.implementation.as_deref().unwrap_or("cp");
    let platforms = if wheels.platform.is_empty() {
        let mut own: Vec<String> = Vec::new();
        for tag in interpreter.target.tags.iter().filter(|tag| tag.platform != "any") {
            if !own.contains(&tag.platform) {
                own.push(tag.platform.clone());
            }
        }
        own
    } else {
        expanded(&wheels.platform)
    };
    let tags = Tags::new(tags(implementation, python, &wheels.abi, &platforms));
    // Markers are those of the environment described, where it is one that is known; else those at hand.
    let platform = wheels.platform.iter().find_map(|text| known(text));
    let described = Target::described(&full, platform.as_ref().unwrap_or(&interpreter.platform));
    let markers = match described {
        Ok(target) => target.markers,
        Err(_) => interpreter.target.markers.clone(),
    };
    Ok(Some(Target { markers, tags }))
}

/// A version as typed; nothing says nothing, as for pip.
fn python_text(text: &str) -> Result<String, String> {
    if !text.is_empty() {
        python_version(text).map_err(|problem| problem.message().to_owned())?;
    }
    Ok(text.to_owned())
}

/// `3`, `311`, `3.11`, `3.11.2`: "a dotless version can be given using just the major version".
fn python_version(text: &str) -> Result<Version, Problem> {
    let wrong = |why: &str| {
        Problem::new(Code::Usage, format!("invalid --python-version value: '{text}': {why}"))
            .help("write it as 3, 3.7, 3.7.3 or 37")
    };
    if text.split('.').any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(wrong("each version part must be an integer"));
    }
    if text.split('.').count() > 3 {
        return Err(wrong("at most three version parts are allowed"));
    }
    let spelled = match (text.contains('.'), text.split_at_checked(1)) {
        (false, Some((major, ""))) => format!("{major}.0"),
        (false, Some((major, minor))) => format!("{major}.{minor}"),
        _ => text.to_owned(),
    };
    spelled.parse().map_err(|_| wrong("it is no version"))
}

fn minor_of(version: &Version) -> (u64, u64) {
    match version.release() {
        [major, minor, ..] => (*major, *minor),
        [major] => (*major, 0),
        [] => (3, 0),
    }
}

/// Older platforms that a platform takes wheels of, as far as its name tells.
fn expanded(platforms: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |platform: String| {
        if !all.contains(&platform) {
            all.push(platform);
        }
    };
    for platform in platforms {
        add(platform.clone());
        let legacy = |suffix: &str, names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!("{name}_{suffix}")).collect()
        };
        let more = match platform.split_once('_') {
            Some(("manylinux2014", arch @ ("x86_64" | "i686"))) => {
                legacy(arch, &["manylinux2010", "manylinux1"])
            }
            Some(("manylinux2010", arch)) => legacy(arch, &["manylinux1"]),
            Some(("macosx", _)) => known(platform).map(|platform| platform.tags()).unwrap_or_default(),
            Some(("ios", rest)) => older_ios(rest).unwrap_or_default(),
            Some(("android", rest)) => older_android(rest).unwrap_or_default(),
            _ => Vec::new(),
        };
        more.into_iter().for_each(&mut add);
    }
    all
}

/// The first iOS that CPython supports (PEP 730), and the last minor release that any has had, and one more.
const FIRST_IOS: u8 = 12;
const LAST_MINOR_OF_IOS: u8 = 9;
/// The first API level of Android that CPython can be built for, as packaging has it.
const FIRST_ANDROID: u8 = 16;

/// `13_2_arm64_iphoneos`: an iOS takes wheels for all before it, and each has ten minor releases at most.
fn older_ios(rest: &str) -> Option<Vec<String>> {
    let mut parts = rest.splitn(3, '_');
    let (major, minor): (u8, u8) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let machine = parts.next()?;
    let of =
        |major: u8, last: u8| (0..=last).rev().map(move |minor| format!("ios_{major}_{minor}_{machine}"));
    let before = (FIRST_IOS..major).rev().flat_map(|major| of(major, LAST_MINOR_OF_IOS));
    Some(of(major, minor).chain(before).collect())
}

/// `21_arm64_v8a`: an API level takes wheels for all before it (PEP 738).
fn older_android(rest: &str) -> Option<Vec<String>> {
    let (level, machine) = rest.split_once('_')?;
    let level: u8 = level.parse().ok()?;
    Some((FIRST_ANDROID..=level).rev().map(|level| format!("android_{level}_{machine}")).collect())
}

/// The platform that a tag is of.
fn known(text: &str) -> Option<Platform> {
    if let Some(rest) = text.strip_prefix("macosx_") {
        let mut parts = rest.splitn(3, '_');
        let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        return Some(Platform::MacOs { arch: parts.next()?.to_owned(), major, minor });
    }
    let glibc = |rest: &str, minor: u16| Platform::Glibc { arch: rest.to_owned(), major: 2, minor };
    match text.split_once('_') {
        Some(("manylinux1", arch)) => return Some(glibc(arch, 5)),
        Some(("manylinux2010", arch)) => return Some(glibc(arch, 12)),
        Some(("manylinux2014", arch)) => return Some(glibc(arch, 17)),
        Some(("linux", arch)) => return Some(glibc(arch, 0)),
        Some(("win", arch)) => return Some(Platform::Windows { arch: arch.to_owned() }),
        _ if text == "win32" => return Some(Platform::Windows { arch: "x86".to_owned() }),
        _ => {}
    }
    let rest = text.strip_prefix("manylinux_").map(|rest| (rest, false));
    let (rest, musl) = rest.or_else(|| Some((text.strip_prefix("musllinux_")?, true)))?;
    let mut parts = rest.splitn(3, '_');
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let arch = parts.next()?.to_owned();
    Some(if musl { Platform::Musl { arch, major, minor } } else { Platform::Glibc { arch, major, minor } })
}

/// The tags in pip's order: own ABIs, the stable ABI, none; then those of pure Python.
fn tags(
    implementation: &str,
    (major, minor): (u64, Option<u64>),
    abis: &[String],
    platforms: &[String],
) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut add = |python: &str, abi: &str, platform: &str| {
        tags.push(Tag { python: python.to_owned(), abi: abi.to_owned(), platform: platform.to_owned() });
    };
    let nodot = minor.map_or_else(|| major.to_string(), |minor| format!("{major}{minor}"));
    let interpreter = format!("{implementation}{nodot}");
    let is_cpython = implementation == "cp";
    let mut own: Vec<String> = if abis.is_empty() && is_cpython {
        // "m", for pymalloc, was part of the ABI until Python 3.8.
        let suffix = |minor: u64| if (major, minor) < (3, 8) { "m" } else { "" };
        minor.iter().map(|minor| format!("cp{major}{minor}{}", suffix(*minor))).collect()
    } else {
        abis.iter().filter(|abi| !matches!(abi.as_str(), "abi3" | "none")).cloned().collect()
    };
    own.dedup();
    for abi in &own {
        platforms.iter().for_each(|platform| add(&interpreter, abi, platform));
    }
    let stable = minor.filter(|_| is_cpython);
    if stable.is_some() {
        platforms.iter().for_each(|platform| add(&interpreter, "abi3", platform));
    }
    platforms.iter().for_each(|platform| add(&interpreter, "none", platform));
    if let Some(minor) = stable {
        for older in (2..minor).rev() {
            platforms.iter().for_each(|platform| add(&format!("cp{major}{older}"), "abi3", platform));
        }
    }
    let mut pure: Vec<String> = minor.iter().map(|minor| format!("py{major}{minor}")).collect();
    pure.push(format!("py{major}"));
    pure.extend((0..minor.unwrap_or_default()).rev().map(|older| format!("py{major}{older}")));
    for python in &pure {
        platforms.iter().for_each(|platform| add(python, "none", platform));
    }
    add(&interpreter, "none", "any");
    pure.iter().for_each(|python| add(python, "none", "any"));
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_pip_reads_them() {
        let check = |text: &str, expected: Option<&str>| {
            let found = python_version(text).ok().map(|version| version.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("3", Some("3.0"));
        check("37", Some("3.7"));
        check("311", Some("3.11"));
        check("3.11.2", Some("3.11.2"));
        check("3.a", None);
        check("3.11.2.1", None);
    }

    #[test]
    fn platforms_take_wheels_of_older_ones() {
        let check = |text: &str, expected: &[&str]| {
            let found = expanded(&[text.to_owned()]);
            assert_eq!(found.iter().take(3).map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
        };
        check("manylinux2014_x86_64", &["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]);
        check("manylinux2014_aarch64", &["manylinux2014_aarch64"]);
        check("win_amd64", &["win_amd64"]);
        check("macosx_10_9_x86_64", &["macosx_10_9_x86_64", "macosx_10_9_intel", "macosx_10_9_fat64"]);
        check(
            "ios_13_1_arm64_iphoneos",
            &["ios_13_1_arm64_iphoneos", "ios_13_0_arm64_iphoneos", "ios_12_9_arm64_iphoneos"],
        );
        check("ios_11_0_arm64_iphoneos", &["ios_11_0_arm64_iphoneos"]);
        check("ios_99999_0_arm64_iphoneos", &["ios_99999_0_arm64_iphoneos"]);
        check(
            "android_18_arm64_v8a",
            &["android_18_arm64_v8a", "android_17_arm64_v8a", "android_16_arm64_v8a"],
        );
        check("android_15_x86_64", &["android_15_x86_64"]);
    }

    #[test]
    fn phones_take_wheels_of_older_ones_down_to_the_first() {
        let last = |text: &str| expanded(&[text.to_owned()]).pop().unwrap();
        assert_eq!(last("ios_15_4_x86_64_iphonesimulator"), "ios_12_0_x86_64_iphonesimulator");
        assert_eq!(last("android_33_x86"), "android_16_x86");
    }
}
