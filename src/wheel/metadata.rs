//! METADATA (core metadata) as far as an installer reads it.
//!
//! Owns: which headers must be there, and turning them into types. Never: evaluates a marker, reads the
//! environment, or lets a hostile text run deep or long.

mod brief;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr as _;

use pipward_resolver::{
    ExtraName, MarkerEnvironment, PackageName, Requirement, VerbatimUrl, Version, VersionSpecifiers,
};

use super::headers::Headers;
use crate::error::{Code, Problem};
use crate::pep508::{self, Strictness};
pub use brief::Brief;

/// No METADATA is larger, in bytes.
pub const MAX_METADATA: u64 = 16 << 20;
/// No METADATA has more requirements.
const MAX_REQUIREMENTS: usize = 20_000;

/// No requirement is longer, in bytes.
const MAX_REQUIREMENT: usize = 16 << 10;

/// Core metadata.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// `Name`, normalised.
    pub name: PackageName,
    /// `Name`, as written.
    pub name_text: String,
    /// `Version`.
    pub version: Version,
    /// `Requires-Dist`.
    pub requires: Vec<Requirement<VerbatimUrl>>,
    /// The names in these that are written otherwise than they are normalised.
    pub spelled: BTreeMap<PackageName, String>,
    /// `Provides-Extra`. One that is not a valid name is left out: nothing can ask for it.
    pub extras: Vec<ExtraName>,
    /// `Requires-Python`. One that is not a valid specifier (`>=3.6.*` in older wheels) is left out, as pip does.
    pub requires_python: Option<VersionSpecifiers>,
}

/// How a line of `Requires-Dist` is read.
type ReadRequirement = fn(&str) -> Result<Requirement<VerbatimUrl>, String>;

impl Metadata {
    /// Reads METADATA. The problem has no package or place: the caller adds them.
    ///
    /// # Errors
    /// `metadata-invalid`.
    pub fn parse(text: &[u8]) -> Result<Self, Problem> {
        Self::of(&headers(text)?, |line| pep508::requirement(line, Strictness::Lenient))
    }

    /// As [`parse`](Self::parse), with the lines of which [`Brief`] keeps some.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn parse_with_lines(text: &[u8]) -> Result<(Self, String), Problem> {
        let headers = headers(text)?;
        let metadata = Self::of(&headers, |line| pep508::requirement(line, Strictness::Lenient))?;
        let mut lines = String::new();
        for line in headers.all("Requires-Dist").map(unfolded) {
            lines.push_str(&line);
            lines.push('\n');
        }
        Ok((metadata, lines))
    }

    /// As [`parse`](Self::parse), for `index`, which reads that of many releases of one project: what they say again is known.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn parse_one_of_many(text: &[u8]) -> Result<Self, Problem> {
        Self::of(&headers(text)?, pep508::known_requirement)
    }

    fn of(headers: &Headers<'_>, read_requirement: ReadRequirement) -> Result<Self, Problem> {
        // "Automated tools consuming metadata [...] MUST fail if metadata_version has a greater major
        // version than the highest version they support" (core metadata, Metadata-Version).
        let format = headers.one("Metadata-Version").map_err(invalid)?;
        if !is_known_format(format) {
            return Err(invalid("its Metadata-Version is not known").expected("1.x or 2.x").found(format));
        }
        let name_text = headers.one("Name").map_err(invalid)?;
        let name = PackageName::from_str(name_text)
            .map_err(|_| invalid("its Name is not a valid project name").found(name_text))?;
        let version_text = headers.one("Version").map_err(invalid)?;
        let version = Version::from_str(version_text)
            .map_err(|_| invalid("its Version is not a version (PEP 440)").found(version_text))?;
        let requires_python = headers.optional("Requires-Python").map_err(invalid)?;
        let requires = requirements(headers, read_requirement)?;
        Ok(Self {
            name,
            name_text: name_text.to_owned(),
            version,
            spelled: spelled(headers, &requires),
            requires,
            extras: headers
                .all("Provides-Extra")
                .filter_map(|extra| ExtraName::from_str(extra).ok())
                .collect(),
            requires_python: requires_python.and_then(|text| VersionSpecifiers::from_str(text).ok()),
        })
    }

    /// `Requires-Python`: "installation tools must look at this". An interpreter before its release counts as the release.
    pub fn runs_on(&self, markers: &MarkerEnvironment) -> bool {
        let python = markers.python_full_version();
        let release = Version::new(python.release().iter().copied());
        self.requires_python.as_ref().is_none_or(|wanted| wanted.contains(&release))
    }
}

fn headers(text: &[u8]) -> Result<Headers<'_>, Problem> {
    if u64::try_from(text.len()).map_or(true, |size| size > MAX_METADATA) {
        return Err(invalid("it is too large").expected(format!("at most {MAX_METADATA} bytes")));
    }
    Headers::parse(text).map_err(|(line, what)| invalid(what).found(format!("line {line}")))
}

/// Older tools fold long lines.
fn unfolded(text: &str) -> Cow<'_, str> {
    if text.contains('\n') { Cow::Owned(text.replace('\n', " ")) } else { Cow::Borrowed(text) }
}

fn invalid(what: impl std::fmt::Display) -> Problem {
    Problem::new(Code::MetadataInvalid, format!("METADATA cannot be read: {what}")).help(
        "choose another version of the project and lock again, or tell its maintainers that this one is broken",
    )
}

fn is_known_format(text: &str) -> bool {
    text.split_once('.').is_some_and(|(major, minor)| {
        matches!(major, "1" | "2") && !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn requirements(
    headers: &Headers<'_>,
    read: ReadRequirement,
) -> Result<Vec<Requirement<VerbatimUrl>>, Problem> {
    if headers.all("Requires-Dist").count() > MAX_REQUIREMENTS {
        return Err(invalid("it has too many requirements").expected(format!("at most {MAX_REQUIREMENTS}")));
    }
    headers.all("Requires-Dist").map(|text| requirement(text, read)).collect()
}

fn spelled(headers: &Headers<'_>, requires: &[Requirement<VerbatimUrl>]) -> BTreeMap<PackageName, String> {
    let names = headers.all("Requires-Dist").map(|text| {
        let end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
        text.get(..end).unwrap_or_default()
    });
    let both =
        requires.iter().zip(names).filter(|(requirement, written)| requirement.name.as_ref() != *written);
    both.map(|(requirement, written)| (requirement.name.clone(), written.to_owned())).collect()
}

fn requirement(text: &str, read: ReadRequirement) -> Result<Requirement<VerbatimUrl>, Problem> {
    let bad = |what: &str| invalid(format_args!("a Requires-Dist {what}")).found(excerpt(text));
    if text.len() > MAX_REQUIREMENT {
        return Err(bad("is too long").expected(format!("at most {MAX_REQUIREMENT} bytes")));
    }
    read(&unfolded(text)).map_err(|error| bad("is not a requirement (PEP 508)").cause(error))
}

fn excerpt(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Metadata-Version: 2.1\nName: Some.Pkg\nVersion: 1.0\n";

    fn parse(rest: &str) -> Result<Metadata, Problem> {
        Metadata::parse(format!("{HEAD}{rest}").as_bytes())
    }

    #[track_caller]
    fn check_requires(written: &str, expected: &str) {
        let metadata = parse(&format!("Requires-Dist: {written}\n")).unwrap();
        let read: Vec<_> = metadata.requires.iter().map(ToString::to_string).collect();
        assert_eq!(read, [expected]);
    }

    #[track_caller]
    fn check_refused(text: &str) {
        let problem = Metadata::parse(text.as_bytes()).expect_err(text);
        assert_eq!(problem.code(), Code::MetadataInvalid, "{text}");
        assert!(problem.help_text().is_some());
    }

    #[test]
    fn the_usual_headers_are_read() {
        let metadata = parse(
            "Requires-Python: >=3.9\nProvides-Extra: Dev_Tools\nRequires-Dist: idna<4,>=2.5\n\
             Requires-Dist: pytest; extra == \"dev-tools\"\n\nRequires-Dist: not-this\n",
        )
        .unwrap();
        assert_eq!(metadata.name.as_ref(), "some-pkg");
        assert_eq!(metadata.name_text, "Some.Pkg");
        assert_eq!(metadata.version.to_string(), "1.0");
        assert_eq!(metadata.requires_python.map(|python| python.to_string()).as_deref(), Some(">=3.9"));
        assert_eq!(metadata.extras.iter().map(AsRef::<str>::as_ref).collect::<Vec<_>>(), ["dev-tools"]);
        assert_eq!(metadata.requires.len(), 2);
    }

    #[test]
    fn header_names_have_no_case() {
        let text = "metadata-version: 2.4\nNAME: x\nversion: 1\nREQUIRES-DIST: y\n";
        assert_eq!(Metadata::parse(text.as_bytes()).unwrap().requires.len(), 1);
    }

    #[test]
    fn older_spellings_of_requirements_are_read() {
        check_requires("idna (>=2.5)", "idna>=2.5");
        check_requires("idna (<4,>=2.5)", "idna>=2.5,<4");
        check_requires("idna(==2.5)", "idna==2.5");
        check_requires(
            "requests [socks] >=2 ; python_version<'3.6'",
            "requests[socks]>=2 ; python_full_version < '3.6'",
        );
        check_requires("idna\n  >=2.5", "idna>=2.5");
        let text = format!("{HEAD}Requires-Dist: idna\n  >=2.5\nRequires-Dist: x\n");
        assert_eq!(Metadata::parse_with_lines(text.as_bytes()).unwrap().1, "idna   >=2.5\nx\n");
    }

    #[test]
    fn an_invalid_requires_python_or_extra_is_left_out() {
        let metadata = parse("Requires-Python: >=3.6.*\nProvides-Extra: :python_version < '3'\n").unwrap();
        assert_eq!(metadata.requires_python, None);
        assert!(metadata.extras.is_empty());
    }

    #[test]
    fn what_must_be_there_once_is_there_once() {
        check_refused("Name: x\nVersion: 1\n");
        check_refused("Metadata-Version: 2.1\nVersion: 1\n");
        check_refused("Metadata-Version: 2.1\nName: x\n");
        check_refused(&format!("{HEAD}Name: some-pkg\n"));
        check_refused(&format!("{HEAD}version: 2\n"));
        check_refused(&format!("{HEAD}Metadata-Version: 2.1\n"));
        check_refused(&format!("{HEAD}Requires-Python: >=3\nRequires-Python: >=4\n"));
    }

    #[test]
    fn malformed_values_are_refused() {
        check_refused("Metadata-Version: 3.0\nName: x\nVersion: 1\n");
        check_refused("Metadata-Version: 2\nName: x\nVersion: 1\n");
        check_refused("Metadata-Version: 2.1\nName: -x-\nVersion: 1\n");
        check_refused("Metadata-Version: 2.1\nName:\nVersion: 1\n");
        check_refused("Metadata-Version: 2.1\nName: x\nVersion: one\n");
        check_refused(&format!("{HEAD}Requires-Dist: idna>=\n"));
        check_refused(&format!("{HEAD}Requires-Dist: ..\n"));
        check_refused(&format!("{HEAD}Requires-Dist: a-@\n"));
        check_refused("\u{feff}Metadata-Version: 2.1\nName: x\nVersion: 1\n");
        assert_eq!(
            Metadata::parse(b"Metadata-Version: 2.1\nName: x\nVersion: 1\nA: \xe9")
                .map_err(|p| p.code())
                .err(),
            Some(Code::MetadataInvalid)
        );
    }

    #[test]
    fn variables_of_this_process_are_never_filled_in() {
        let metadata = parse("Requires-Dist: x @ https://h/${HOME}/x.whl\n").unwrap();
        let text = metadata.requires.iter().map(|r| format!("{r:?}")).collect::<String>();
        assert!(text.contains("/%24%7BHOME%7D/"), "{text}");
    }

    #[test]
    fn what_is_exactly_as_large_as_it_may_be_is_read() {
        let filled = |size: usize| format!("{HEAD}\n{}", "x".repeat(size - HEAD.len() - 1));
        let largest = usize::try_from(MAX_METADATA).unwrap();
        for (size, is_read) in [(largest, true), (largest + 1, false), (largest + 2, false)] {
            assert_eq!(Metadata::parse(filled(size).as_bytes()).is_ok(), is_read, "{size} bytes");
        }
        for (size, is_read) in
            [(MAX_REQUIREMENT, true), (MAX_REQUIREMENT + 1, false), (MAX_REQUIREMENT + 2, false)]
        {
            let address = format!("x @ https://h/{}", "y".repeat(size - 14));
            assert_eq!(
                parse(&format!("Requires-Dist: {address}\n")).is_ok(),
                is_read,
                "{size} bytes of a requirement"
            );
        }
        for (count, is_read) in [(MAX_REQUIREMENTS, true), (MAX_REQUIREMENTS + 2, false)] {
            assert_eq!(parse(&"Requires-Dist: x\n".repeat(count)).is_ok(), is_read, "{count} requirements");
        }
    }

    #[test]
    fn a_requirement_is_shown_but_not_all_of_a_long_one() {
        let found = |written: &str| {
            let problem = parse(&format!("Requires-Dist: {written}\n")).unwrap_err();
            problem.found_text().unwrap_or_default().to_owned()
        };
        assert_eq!(found("x >"), "x >");
        assert_eq!(found(&format!("{} ?", "x".repeat(300))), "x".repeat(200));
    }

    #[test]
    fn deep_and_long_requirements_are_refused_before_they_are_read() {
        let deep = format!("x; {}os_name=='a'{}", "(".repeat(5_000), ")".repeat(5_000));
        check_refused(&format!("{HEAD}Requires-Dist: {deep}\n"));
        check_refused(&format!("{HEAD}Requires-Dist: x{}\n", "y".repeat(64 * 1024)));
        check_refused(&format!("{HEAD}{}", "Requires-Dist: x\n".repeat(MAX_REQUIREMENTS + 1)));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(line in "\\PC*", value in "[a-z(){}\\[\\]<>=!~@;,.'\" é$\\-0-9]{0,60}") {
            let _ = Metadata::parse(line.as_bytes());
            if let Err(problem) = parse(&format!("Requires-Dist: {value}\n{line}\n")) {
                let _ = problem.to_string();
            }
        }
    }
}
