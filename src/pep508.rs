//! The only door to `pep508_rs`'s parsers (PEP 508, dependency specifiers).
//!
//! Owns: the checks that stand before them. The parsers recurse, expand environment variables in
//! addresses, and panic on some malformed input (a panic inside the marker algebra would also poison
//! it for the rest of the process), so text from outside is looked at here first.
//! Never: reads the environment, and never lets through a text that makes the parsers panic.

mod marker;
mod shown;
mod written;

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use pep508_rs::{Pep508Error, Pep508ErrorSource};
use pipward_resolver::{MarkerTree, Requirement, VerbatimUrl};
pub(crate) use shown::{marker_of_requirement, marker_text};
pub use written::Written;

/// The longest requirement or marker that is read, in bytes.
const MAX_LENGTH: usize = 64 * 1024;
/// How deep parentheses may stand in each other.
const MAX_DEPTH: usize = 32;
/// How many comparisons a marker may have. (How large they may grow together, `marker` says.)
const MAX_COMPARISONS: usize = 512;
/// The longest run of digits in a version: more would not fit the numbers that are computed with.
const MAX_DIGITS: usize = 18;

/// So many requirements are known, and none that is longer, in bytes.
const MOST_KNOWN: usize = 16_384;
const MOST_KNOWN_LENGTH: usize = 256;

/// What happens to a comparison that means nothing (PEP 508: two literals, two variables, a version
/// that is none).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// It is an error. For what a user or a locker wrote.
    Strict,
    /// It is left out, as most installers do. For the METADATA of old wheels.
    Lenient,
}

/// Reads a requirement such as `requests[socks] >= 2 ; python_version < "3.9"`.
///
/// # Errors
/// One sentence part that says what is wrong.
pub fn requirement(text: &str, strictness: Strictness) -> Result<Requirement<VerbatimUrl>, String> {
    check_size(text)?;
    let (head, marker_text) = split_marker(text);
    check_head(head)?;
    // `${NAME}` in an address would be replaced from the process environment.
    let head = head.replace("${", "%24{");
    let mut requirement = Requirement::<VerbatimUrl>::parse(&head, "/").map_err(|error| words(&error))?;
    if let Some(marker_text) = marker_text {
        requirement.marker = marker(marker_text, strictness)?;
    }
    Ok(requirement)
}

/// As [`requirement`] in METADATA, of which many releases say the same: what was read is known for the rest of the run.
///
/// # Errors
/// As [`requirement`].
pub(crate) fn known_requirement(text: &str) -> Result<Requirement<VerbatimUrl>, String> {
    static KNOWN: LazyLock<Mutex<HashMap<Box<str>, Requirement<VerbatimUrl>>>> =
        LazyLock::new(Mutex::default);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if text.len() > MOST_KNOWN_LENGTH {
        return requirement(text, Strictness::Lenient);
    }
    if let Some(known) = known().get(text) {
        return Ok(known.clone());
    }
    let read = requirement(text, Strictness::Lenient)?;
    let mut known = known();
    if known.len() < MOST_KNOWN {
        known.insert(text.into(), read.clone());
    }
    Ok(read)
}

/// Reads a marker such as `python_version < "3.9" and sys_platform == "linux"`.
///
/// # Errors
/// One sentence part that says what is wrong.
pub fn marker(text: &str, strictness: Strictness) -> Result<MarkerTree, String> {
    check_size(text)?;
    marker_of(&tokens(text)?, strictness)
}

/// Reads a marker that is already cut into tokens.
pub(crate) fn marker_of(tokens: &[Token<'_>], strictness: Strictness) -> Result<MarkerTree, String> {
    check_tokens(tokens)?;
    let read = marker::read(tokens)?;
    match read.ignored {
        Some(reason) if strictness == Strictness::Strict => Err(reason),
        _ => Ok(read.tree),
    }
}

/// A part of a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    /// A literal without its quotes, and the quote it stood in.
    Literal(std::borrow::Cow<'t, str>, char),
    /// A variable, `and`, `or`, `in`, `not`.
    Word(&'t str),
    /// `==`, `~=`, …
    Operator(&'t str),
    /// `(`.
    Open,
    /// `)`.
    Close,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text, quote) => write!(f, "{quote}{text}{quote}"),
            Self::Word(word) | Self::Operator(word) => f.write_str(word),
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
        }
    }
}

/// Cuts a marker into its tokens.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    check_size(text)?;
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (token, length) = match first {
            ' ' | '\t' => (None, 1),
            '(' => (Some(Token::Open), 1),
            ')' => (Some(Token::Close), 1),
            '"' | '\'' => {
                let (literal, _) = rest
                    .get(1..)
                    .and_then(|inside| inside.split_once(first))
                    .ok_or_else(|| "a quote is not closed".to_owned())?;
                (Some(Token::Literal(literal.into(), first)), literal.len() + 2)
            }
            c if is_operator(c) => {
                let length = run(is_operator);
                (rest.get(..length).map(Token::Operator), length)
            }
            c if is_word(c) => {
                let length = run(is_word);
                (rest.get(..length).map(Token::Word), length)
            }
            other => return Err(format!("`{}` does not belong into a marker", other.escape_default())),
        };
        found.extend(token);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(found)
}

fn is_operator(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '~')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}

fn check_size(text: &str) -> Result<(), String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("it is longer than {MAX_LENGTH} bytes"));
    }
    match text.chars().find(|c| c.is_control() && *c != '\t') {
        Some(control) => Err(format!("it has a control character ({})", control.escape_default())),
        None => Ok(()),
    }
}

/// Parts a requirement from its marker. After an address, white space stands before the semicolon.
fn split_marker(text: &str) -> (&str, Option<&str>) {
    let is_address = text.split(['<', '>', '=', '!', '~', '(', ';']).next().is_some_and(|t| t.contains('@'));
    let semicolon = if is_address {
        text.char_indices()
            .zip(text.chars().skip(1))
            .find(|((_, before), here)| before.is_whitespace() && *here == ';')
            .map(|((at, before), _)| at + before.len_utf8())
    } else {
        text.find(';')
    };
    match semicolon.and_then(|at| text.split_at_checked(at)) {
        Some((head, marker)) => (head, marker.get(1..)),
        None => (text, None),
    }
}

/// Name and extras end in a letter or digit, and versions have numbers that can be computed with.
fn check_head(head: &str) -> Result<(), String> {
    let head = head.trim();
    let whole = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.ends_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    let end = head
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))
        .unwrap_or(head.len());
    let (name, rest) = head.split_at_checked(end).unwrap_or((head, ""));
    if !whole(name) {
        return Err(if head.is_empty() {
            "it is empty".to_owned()
        } else {
            "a requirement begins with a name, which begins and ends with a letter or digit".to_owned()
        });
    }
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        None => rest,
        Some(inside) => {
            let (extras, rest) =
                inside.split_once(']').ok_or_else(|| "the list of extras is not closed".to_owned())?;
            if let Some(bad) = extras.split(',').map(str::trim).find(|e| !e.is_empty() && !whole(e)) {
                return Err(format!("`{bad}` is not the name of an extra"));
            }
            rest.trim_start()
        }
    };
    if rest.starts_with('@') { Ok(()) } else { check_digits(rest) }
}

fn check_digits(text: &str) -> Result<(), String> {
    match text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() > MAX_DIGITS) {
        Some(_) => Err(format!("a version has a number of more than {MAX_DIGITS} digits")),
        None => Ok(()),
    }
}

fn check_tokens(tokens: &[Token<'_>]) -> Result<(), String> {
    let (mut depth, mut comparisons) = (0_usize, 0_usize);
    for token in tokens {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Operator(_) | Token::Word("in") => comparisons += 1,
            // No two readers agree on how such a literal is written again, and the rest of it would be read as a marker.
            Token::Literal(text, _) if text.contains(['\'', '"']) => {
                return Err("a literal has a quote in it".to_owned());
            }
            Token::Literal(text, _) => check_digits(text)?,
            Token::Word(_) => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("its parentheses are nested deeper than {MAX_DEPTH}"));
        }
    }
    if comparisons > MAX_COMPARISONS {
        return Err(format!("it has more than {MAX_COMPARISONS} comparisons"));
    }
    if tokens.is_empty() { Err("a marker is missing".to_owned()) } else { Ok(()) }
}

/// The parser's own sentence, on one line. (Its `Display` draws a picture, and slices by width.)
fn words(error: &Pep508Error<VerbatimUrl>) -> String {
    one_line(&match &error.message {
        Pep508ErrorSource::String(text) | Pep508ErrorSource::UnsupportedRequirement(text) => text.clone(),
        Pep508ErrorSource::UrlError(error) => format!("this address cannot be read: {error}"),
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn environment(python: &str) -> pipward_resolver::MarkerEnvironment {
        let short = python.rsplit_once('.').map_or(python, |(short, _)| short);
        pep508_rs::MarkerEnvironment::try_from(pep508_rs::MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: python,
            os_name: "posix",
            platform_machine: "x86_64",
            platform_python_implementation: "CPython",
            platform_release: "6.1",
            platform_system: "Linux",
            platform_version: "#1",
            python_full_version: python,
            python_version: short,
            sys_platform: "linux",
        })
        .unwrap()
    }

    #[test]
    fn what_would_make_the_parsers_panic_is_refused() {
        for bad in [
            "a- >=1",
            "a. ; os_name == 'x'",
            "a[b-]",
            "a[b_,c]",
            "a[b- c]",
            "a[b. c]",
            "a ; 'x' ~= os_name",
            "a ; os_name ~= 'x'",
            "a ; '3.0' ~= python_version",
            "a ; python_full_version ~= '3'",
            "a == 18446744073709551615.*",
            "a ; os_name == \"x' or os_name != 'x\"",
            "a ; 'x\"' in platform_version",
            "a ; python_version > '3.18446744073709551615'",
            "",
            "-e .",
        ] {
            assert!(requirement(bad, Strictness::Lenient).is_err(), "{bad}");
        }
        let deep = format!("a ; {}os_name == 'x'{}", "(".repeat(50_000), ")".repeat(50_000));
        assert!(requirement(&deep, Strictness::Lenient).is_err());
    }

    /// Each of these would take hours, or all memory.
    #[test]
    fn a_marker_that_would_grow_is_refused() {
        let pairs = |count: usize, first: &str, inner: &str, outer: &str| {
            let pair = |at| format!("({first} 'a{at:03}' {inner} extra == 'b{at:03}')");
            (0..count).map(pair).collect::<Vec<_>>().join(outer)
        };
        for text in [
            pairs(200, "extra ==", "and", " or "),
            pairs(200, "extra ==", "or", " and "),
            pairs(200, "platform_version in", "or", " and "),
            (0..200)
                .map(|at| format!("('a{at}' in os_name or sys_platform in 'b{at}')"))
                .collect::<Vec<_>>()
                .join(" and "),
        ] {
            for strictness in [Strictness::Strict, Strictness::Lenient] {
                assert!(marker(&text, strictness).is_err(), "{text}");
            }
        }
        let many: Vec<String> = (0..200).map(|at| format!("extra == 'a{at}'")).collect();
        assert!(marker(&many.join(" or "), Strictness::Strict).is_ok());
        assert!(marker(&pairs(4, "extra ==", "and", " or "), Strictness::Strict).is_ok());
    }

    #[test]
    fn and_binds_before_or_and_what_means_nothing_is_left_out() {
        let same = |one: &str, other: &str| {
            assert_eq!(marker(one, Strictness::Lenient), marker(other, Strictness::Lenient), "{one}");
        };
        same(
            "os_name == 'a' or os_name == 'b' and sys_platform == 'c'",
            "os_name == 'a' or (os_name == 'b' and sys_platform == 'c')",
        );
        same("os_name == 'a' or 'x' == 'y'", "os_name == 'a'");
        same("(python_version == 'x') and os_name == 'a'", "(os_name == 'a')");
        assert!(marker("'x' == 'y'", Strictness::Lenient).is_ok_and(|tree| tree.is_true()));
        for bad in [
            "os_name == 'a' os_name == 'b'",
            "(os_name == 'a'",
            "os_name == 'a')",
            "os_name not 'a'",
            "os_name == and",
            "and",
            "os_name",
            "== 'a'",
            "()",
        ] {
            assert!(marker(bad, Strictness::Lenient).is_err(), "{bad}");
        }
    }

    #[test]
    fn compatible_release_keeps_its_zeros() {
        let check = |text: &str, python: &str| {
            marker(text, Strictness::Strict).unwrap().evaluate(&environment(python), &[])
        };
        assert!(check("python_full_version ~= '3.8.0'", "3.8.5"));
        assert!(!check("python_full_version ~= '3.8.0'", "3.9.1"));
        assert!(check("python_version ~= '3.0'", "3.9.1"));
        assert!(!check("python_version ~= '3.0'", "4.0.1"));
    }

    #[test]
    fn a_comparison_that_means_nothing_is_an_error_where_a_user_wrote_it() {
        let text = "a ; python_version >= 'three'";
        assert!(requirement(text, Strictness::Strict).is_err());
        assert!(requirement(text, Strictness::Lenient).is_ok());
    }

    #[test]
    fn no_variable_of_the_process_gets_into_an_address() {
        let read =
            requirement("a @ https://example.org/${PATH}/a.whl ; os_name == 'posix'", Strictness::Strict)
                .unwrap();
        assert!(read.to_string().contains("%24"), "{read}");
        assert!(!read.marker.is_true());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(a|A1-|-)?(\\[[a-c,\\-. ]{0,6}\\])? ?(@ ?[a-z:/$\\{\\}A-Z.;# ]{0,12}|[<>=!~]{1,3} ?[0-9.*+!a-z]{0,12},?){0,3} ?;? ?((python_version|'3\\.0'|os_name|extra|'x'|\\(|\\)|~=|==|in|not| and | or |\"3.\\*\"|\u{e9}) ?){0,8}") {
            let _ = requirement(&text, Strictness::Lenient);
        }

        /// Well-formed comparisons of odd values, joined, evaluated and written.
        #[test]
        fn nothing_panics_in_the_algebra(parts in proptest::collection::vec(
            "\\(?((python_version|python_full_version|implementation_version|os_name|extra|platform_release) (==|!=|<|<=|>|>=|~=|in|not in) '([0-3]?!?[0-9]{0,2}(\\.[0-9]{1,2}){0,3}(a1|\\.dev0|\\.post1|\\+x|\\.\\*)?|x|)'|'3\\.8' (==|<|in|~=) python_version)\\)?",
            1..5,
        ), join in "and|or") {
            let text = parts.join(&format!(" {join} "));
            for strictness in [Strictness::Strict, Strictness::Lenient] {
                if let Ok(tree) = marker(&text, strictness) {
                    tree.evaluate(&environment("3.8.5"), &[]);
                    let _ = tree.try_to_string();
                    let _ = tree.negate().is_disjoint(&tree);
                }
            }
        }

        #[test]
        fn nothing_panics_on_anything(text in "\\PC{0,60}") {
            let _ = requirement(&text, Strictness::Strict);
            let _ = marker(&text, Strictness::Strict);
        }
    }
}
