//! The file name of a wheel (binary distribution format, "File name convention").
//!
//! Owns the only parser of such names. It never lets through a text that could be more than one path component,
//! and never guesses a part that is missing.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use pep440_rs::Version;
use pep508_rs::PackageName;

/// Longest accepted file name, in bytes: what common file systems take.
const MAX_LEN: usize = 255;

/// A parsed wheel file name, kept with the text it came from. Large projects have thousands, so that copies share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WheelName(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    text: Box<str>,
    name: PackageName,
    version: Version,
    build: Option<(u64, String)>,
    /// Split when somebody asks: most files of a page are never looked at.
    tags: OnceLock<Tags>,
}

/// The python, abi and platform tags.
type Tags = [Vec<String>; 3];

// The text tells everything else.
impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Parts {}

impl Hash for Parts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for Parts {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parts {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Parts {
    fn tags(&self) -> &Tags {
        self.tags.get_or_init(|| {
            let stem = self.text.strip_suffix(".whl").unwrap_or(&self.text);
            let mut sets = stem.rsplitn(4, '-').map(split_tag_set);
            let mut next = || sets.next().unwrap_or_default();
            let (platform, abi, python) = (next(), next(), next());
            [python, abi, platform]
        })
    }
}

/// Why a text is not a wheel's file name. One sentence part, such as "it has no tags".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelNameError(pub String);

impl fmt::Display for WheelNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for WheelNameError {}

impl WheelName {
    /// Parses `idna-3.10-py3-none-any.whl`.
    ///
    /// "The wheel filename is `{distribution}-{version}(-{build tag})?-{python tag}-{abi tag}-{platform tag}.whl`."
    /// Names that older tools did not normalise (`Jinja2`, `zope.interface`) are taken.
    ///
    /// # Errors
    /// Where a part is missing, malformed, or has a character that has no place in it.
    pub fn parse(text: &str) -> Result<Self, WheelNameError> {
        check_characters(text)?;
        let stem = text.strip_suffix(".whl").ok_or_else(|| fault("it does not end in .whl"))?;
        let mut tags = stem.rsplitn(4, '-');
        let (Some(platform), Some(abi), Some(python), Some(head)) =
            (tags.next(), tags.next(), tags.next(), tags.next())
        else {
            return Err(fault("it has not the five parts name, version, python tag, abi tag, platform tag"));
        };
        let mut head = head.split('-');
        let (Some(name), Some(version), build, None) = (head.next(), head.next(), head.next(), head.next())
        else {
            return Err(fault("it has not five or six parts between dashes"));
        };
        for (set, which) in [(python, "python"), (abi, "abi"), (platform, "platform")] {
            check_tag_set(set, which)?;
        }
        Ok(Self(Arc::new(Parts {
            name: parse_name(name)?,
            version: parse_version(version)?,
            build: build.map(parse_build).transpose()?,
            tags: OnceLock::new(),
            text: text.into(),
        })))
    }
    /// The project, normalised.
    pub fn name(&self) -> &PackageName {
        &self.0.name
    }
    /// The version.
    pub fn version(&self) -> &Version {
        &self.0.version
    }
    /// The build tag: a number and the rest; `None` sorts first.
    ///
    /// "Acts as a tie-breaker if two wheel file names are the same in all other respects": the higher wins.
    pub fn build(&self) -> Option<&(u64, String)> {
        self.0.build.as_ref()
    }
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
    /// The parts of the python, abi and platform tags (compressed tag sets split at the dots), in lower case.
    pub fn tag_parts(&self) -> (&[String], &[String], &[String]) {
        let [python, abi, platform] = self.0.tags();
        (python, abi, platform)
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl FromStr for WheelName {
    type Err = WheelNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn fault(text: impl Into<String>) -> WheelNameError {
    WheelNameError(text.into())
}

/// Nothing but ASCII letters, digits and `-_.+!` has a place in any part (`!` and `+` belong to versions).
fn check_characters(text: &str) -> Result<(), WheelNameError> {
    if text.len() > MAX_LEN {
        return Err(fault(format!("it is longer than {MAX_LEN} bytes")));
    }
    if text.bytes().all(
        |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'+' | b'!'),
    ) {
        return Ok(());
    }
    Err(fault("it has a character other than letters, digits and -_.+!"))
}

fn parse_name(text: &str) -> Result<PackageName, WheelNameError> {
    let invalid = || fault("its name part is not a project's name");
    // "Each component of the filename is escaped by replacing runs of characters with a single underscore."
    if text.is_empty() || text.contains("__") {
        return Err(invalid());
    }
    PackageName::from_str(text).map_err(|_| invalid())
}

fn parse_version(text: &str) -> Result<Version, WheelNameError> {
    // "Version numbers should be normalised": `1.0_1`, which old tools made of `1.0-1`, is none, as for pip and packaging.
    Version::from_str(text).map_err(|_| fault("its version part is not a version (PEP 440)"))
}

/// "Must start with a digit. [...] Sort as a two-item tuple: the initial digits as an `int`, the remainder as a `str`."
fn parse_build(text: &str) -> Result<(u64, String), WheelNameError> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.strip_suffix(rest).unwrap_or_default();
    let number = digits.parse().map_err(|_| fault("its build tag does not start with a number that fits"))?;
    if rest.contains(['!', '+']) {
        return Err(fault("its build tag has a character other than letters, digits, _ and ."));
    }
    Ok((number, rest.to_owned()))
}

/// PEP 425, "Compressed Tag Sets": parts between dots.
fn check_tag_set(text: &str, which: &str) -> Result<(), WheelNameError> {
    for part in text.split('.') {
        let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let starts = which != "python" || !part.starts_with(|c: char| c.is_ascii_digit());
        if part.is_empty() || !plain || !starts {
            return Err(fault(format!("its {which} tag is malformed")));
        }
    }
    Ok(())
}

fn split_tag_set(text: &str) -> Vec<String> {
    text.split('.').map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, name: &str, version: &str, build: Option<(u64, &str)>, tags: [&[&str]; 3]) {
        let wheel = WheelName::parse(text).unwrap();
        assert_eq!(wheel.name().to_string(), name);
        assert_eq!(wheel.version().to_string(), version);
        assert_eq!(wheel.build().map(|(n, rest)| (*n, rest.as_str())), build);
        let (python, abi, platform) = wheel.tag_parts();
        assert_eq!([python, abi, platform], tags);
        assert_eq!(wheel.as_str(), text);
    }

    #[test]
    fn takes_names_as_they_are_on_pypi() {
        let any: [&[&str]; 3] = [&["py3"], &["none"], &["any"]];
        check("idna-3.10-py3-none-any.whl", "idna", "3.10", None, any);
        check(
            "Jinja2-2.11.3-py2.py3-none-any.whl",
            "jinja2",
            "2.11.3",
            None,
            [&["py2", "py3"], &["none"], &["any"]],
        );
        check(
            "zope.interface-5.0.0-cp38-cp38-macosx_10_9_x86_64.whl",
            "zope-interface",
            "5.0.0",
            None,
            [&["cp38"], &["cp38"], &["macosx_10_9_x86_64"]],
        );
        check(
            "torch-2.1.0+cu118-cp311-cp311-linux_x86_64.whl",
            "torch",
            "2.1.0+cu118",
            None,
            [&["cp311"], &["cp311"], &["linux_x86_64"]],
        );
        check("x-1!2.0+ubuntu_1-py3-none-any.whl", "x", "1!2.0+ubuntu.1", None, any);
        check("x-1.0-2-py3-none-any.whl", "x", "1.0", Some((2, "")), any);
        check("x-1.0-2build_3-py3-none-any.whl", "x", "1.0", Some((2, "build_3")), any);
        check("x-1.0-py3-none-ANY.whl", "x", "1.0", None, any);
    }

    #[test]
    fn build_tags_sort_by_number_then_text() {
        let build =
            |tag: &str| WheelName::parse(&format!("x-1.0{tag}-py3-none-any.whl")).unwrap().build().cloned();
        assert!(build("") < build("-1"));
        assert!(build("-2") < build("-10"));
        assert!(build("-2") < build("-2a"));
    }

    #[test]
    fn refuses_what_is_not_a_wheel_name() {
        for text in [
            "",
            ".whl",
            "idna.whl",
            "idna-3.10.tar.gz",
            "idna-3.10-py3-none-any.zip",
            "idna-3.10-py3-none.whl",
            "idna-py3-none-any.whl",
            "-3.10-py3-none-any.whl",
            "idna--py3-none-any.whl",
            "idna-3.10--py3-none-any.whl",
            "idna-3.10-x1-py3-none-any.whl",
            "idna-3.10-1+1-py3-none-any.whl",
            "idna-3.10-99999999999999999999999-py3-none-any.whl",
            "idna-3.10-1-2-py3-none-any.whl",
            "idna-three-py3-none-any.whl",
            "idna-3.10_1-py3-none-any.whl",
            "id__na-3.10-py3-none-any.whl",
            "_idna-3.10-py3-none-any.whl",
            "idna-3.10-py3.-none-any.whl",
            "idna-3.10-py3-none-.whl",
            "idna-3.10-3-none-any.whl",
            "idna-3.10-py+3-none-any.whl",
            "../idna-3.10-py3-none-any.whl",
            "a/idna-3.10-py3-none-any.whl",
            "a\\idna-3.10-py3-none-any.whl",
            "idna-3.10-py3-none-any.whl\n",
            "idna-3.10-py3-none-any\0.whl",
            "idn\u{e4}-3.10-py3-none-any.whl",
            "idna-3.10 -py3-none-any.whl",
        ] {
            assert!(WheelName::parse(text).is_err(), "{text:?} was taken");
        }
        let long = format!("{}-1.0-py3-none-any.whl", "a".repeat(240));
        assert!(WheelName::parse(&long).is_err());
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_the_text(text in ".{0,40}|[a-z0-9._+!-]{0,30}-(py3|cp39)-[a-z.]{1,6}-any\\.whl") {
            if let Ok(wheel) = WheelName::parse(&text) {
                prop_assert_eq!(wheel.as_str(), text.as_str());
                prop_assert!(!text.contains(['/', '\\']) && !text.starts_with('.'));
            }
        }
    }
}
