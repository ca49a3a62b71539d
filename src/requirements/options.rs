//! The options of a requirements file, as pip's option parser reads them. Pure.

use crate::error::{Code, Problem};

/// The values of `--use-feature` that pip 26.3 has; none of them concerns pipward.
pub const FEATURES: [&str; 6] = [
    "fast-deps",
    "inprocess-build-deps",
    "venv-isolation",
    "truststore",
    "no-binary-enable-wheel-cache",
    "build-constraint",
];

/// Those of them that pip always has on.
pub const ALWAYS: [&str; 3] = ["build-constraint", "no-binary-enable-wheel-cache", "truststore"];

/// An option that pip allows in a requirements file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    IndexUrl,
    ExtraIndexUrl,
    NoIndex,
    Constraint,
    Requirement,
    Editable,
    FindLinks,
    NoBinary,
    OnlyBinary,
    PreferBinary,
    RequireHashes,
    NoRequireHashes,
    Pre,
    AllReleases,
    OnlyFinal,
    TrustedHost,
    UseFeature,
    Hash,
    ConfigSettings,
}

struct Form {
    name: Name,
    long: &'static [&'static str],
    short: Option<char>,
    takes_value: bool,
}

const fn form(name: Name, long: &'static [&'static str], short: Option<char>, takes_value: bool) -> Form {
    Form { name, long, short, takes_value }
}

const FORMS: [Form; 19] = [
    form(Name::IndexUrl, &["--index-url", "--pypi-url"], Some('i'), true),
    form(Name::ExtraIndexUrl, &["--extra-index-url"], None, true),
    form(Name::NoIndex, &["--no-index"], None, false),
    form(Name::Constraint, &["--constraint"], Some('c'), true),
    form(Name::Requirement, &["--requirement"], Some('r'), true),
    form(Name::Editable, &["--editable"], Some('e'), true),
    form(Name::FindLinks, &["--find-links"], Some('f'), true),
    form(Name::NoBinary, &["--no-binary"], None, true),
    form(Name::OnlyBinary, &["--only-binary"], None, true),
    form(Name::PreferBinary, &["--prefer-binary"], None, false),
    form(Name::RequireHashes, &["--require-hashes"], None, false),
    form(Name::NoRequireHashes, &["--no-require-hashes"], None, false),
    form(Name::Pre, &["--pre"], None, false),
    form(Name::AllReleases, &["--all-releases"], None, true),
    form(Name::OnlyFinal, &["--only-final"], None, true),
    form(Name::TrustedHost, &["--trusted-host"], None, true),
    form(Name::UseFeature, &["--use-feature"], None, true),
    form(Name::Hash, &["--hash"], None, true),
    form(Name::ConfigSettings, &["--config-settings", "--config-setting"], Some('C'), true),
];

/// An option with its value (empty where it takes none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) name: Name,
    pub(super) value: String,
}

/// Parts a line into the requirement before the first word that begins with `-`, and the options.
pub(super) fn split(line: &str) -> (String, &str) {
    let mut at = 0;
    for word in line.split(' ') {
        if word.starts_with('-') {
            let (before, options) = line.split_at_checked(at).unwrap_or((line, ""));
            return (before.trim().to_owned(), options);
        }
        at += word.len() + 1;
    }
    (line.trim().to_owned(), "")
}

/// Reads options: `--name=value`, `--name value`, unambiguous beginnings of long names, `-n value` and `-nvalue`.
///
/// # Errors
/// `option-unknown`, `requirement-syntax`. The caller adds the place.
pub(super) fn parse(text: &str) -> Result<Vec<Given>, Problem> {
    let syntax = |message: String| Problem::new(Code::RequirementSyntax, message);
    let words = shlex::split(text).ok_or_else(|| syntax("a quote is not closed".to_owned()))?;
    let mut words = words.into_iter();
    let mut given = Vec::new();
    while let Some(word) = words.next() {
        let (form, attached) = find(&word)?;
        let value = match (form.takes_value, attached) {
            (false, None) => String::new(),
            (false, Some(_)) => return Err(syntax(format!("`{word}` takes no value"))),
            (true, Some(value)) => value,
            (true, None) => {
                words.next().ok_or_else(|| syntax(format!("`{word}` is given without its value")))?
            }
        };
        given.push(Given { name: form.name, value });
    }
    Ok(given)
}

fn find(word: &str) -> Result<(&'static Form, Option<String>), Problem> {
    let unknown = |reason: &str| {
        Problem::new(Code::OptionUnknown, format!("{reason} in a requirements file"))
            // Its value may be an address with a password.
            .found(word.split('=').next().unwrap_or(word).chars().take(40).collect::<String>())
            .help("delete it, or give it on the command line")
    };
    if word.starts_with("--") {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        if let Some(form) = FORMS.iter().find(|form| form.long.contains(&name)) {
            return Ok((form, value));
        }
        let mut near = FORMS.iter().filter(|form| form.long.iter().any(|long| long.starts_with(name)));
        return match (near.next(), near.next()) {
            (Some(form), None) if name.len() > 2 => Ok((form, value)),
            (Some(_), Some(_)) if name.len() > 2 => Err(unknown("this option could be one of several")),
            _ => Err(unknown("pip does not know this option")),
        };
    }
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some('-'), Some(letter)) => {
            let form = FORMS.iter().find(|form| form.short == Some(letter));
            let rest = letters.as_str();
            let value = (!rest.is_empty()).then(|| rest.to_owned());
            form.map(|form| (form, value)).ok_or_else(|| unknown("pip does not know this option"))
        }
        _ => Err(Problem::new(
            Code::RequirementSyntax,
            "this word stands among the options and belongs to none",
        )
        .found(word)
        .help("put the requirement before its options")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_pip_takes() {
        let check = |text: &str, name: Name, value: &str| {
            assert_eq!(parse(text).unwrap(), [Given { name, value: value.to_owned() }], "{text}");
        };
        check("--hash=sha256:ab", Name::Hash, "sha256:ab");
        check("--hash sha256:ab", Name::Hash, "sha256:ab");
        check("-r other.txt", Name::Requirement, "other.txt");
        check("-rother.txt", Name::Requirement, "other.txt");
        check("--requirement='a b.txt'", Name::Requirement, "a b.txt");
        check("--require-h", Name::RequireHashes, "");
        check("--no-re", Name::NoRequireHashes, "");
        check("--pypi-url https://x", Name::IndexUrl, "https://x");
    }

    #[test]
    fn what_pip_does_not_take() {
        for (text, code) in [
            ("--bogus", Code::OptionUnknown),
            ("--", Code::OptionUnknown),
            ("--no-", Code::OptionUnknown),
            ("-x", Code::OptionUnknown),
            ("--pre=1", Code::RequirementSyntax),
            ("--hash", Code::RequirementSyntax),
            ("--hash 'x", Code::RequirementSyntax),
            ("--pre x", Code::RequirementSyntax),
        ] {
            assert_eq!(parse(text).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn markers_keep_their_quotes() {
        let line = "a==1 ; os_name == \"x y\"  --hash=sha256:ab --hash=sha256:cd";
        let (requirement, options) = split(line);
        assert_eq!(requirement, "a==1 ; os_name == \"x y\"");
        assert_eq!(options, "--hash=sha256:ab --hash=sha256:cd");
    }
}
