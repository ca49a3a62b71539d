//! One requirement, or one marker (PEP 508), from text that may be hostile.
//!
//! Owns: the calls of `pep508_rs`'s readers, behind checks for what those readers do not survive: names and extras that
//! end in punctuation, characters outside ASCII, `~=` behind a text and numbers near 2^64 (they panic), deep nesting (they
//! are recursive), and `${NAME}` in an address (they would fill it in from this process's environment). Never: evaluates a marker.

use std::str::FromStr as _;

use pipward_resolver::{MarkerTree, Requirement, VerbatimUrl};

/// No requirement or marker is longer, in bytes.
pub const MAX_LENGTH: usize = 16 << 10;
/// None nests parentheses deeper.
pub const MAX_NESTING: usize = 64;

/// No number has more digits: adding one to it must not overflow.
const MAX_DIGITS: usize = 18;

/// Reads a requirement.
///
/// # Errors
/// A sentence part such as "it nests parentheses too deep".
pub fn parse(text: &str) -> Result<Requirement<VerbatimUrl>, String> {
    check_bounds(text)?;
    if text.contains("${") {
        return Err("it names an environment variable".to_owned());
    }
    let rest = text.trim_start();
    let name = rest.find(|character| !is_name(character)).and_then(|end| rest.split_at_checked(end));
    let (name, rest) = name.unwrap_or((rest, ""));
    if ends_badly(name) {
        return Err(format!("the name {name} does not end with a letter or digit"));
    }
    if let Some(extras) = rest.trim_start().strip_prefix('[') {
        let extras = extras.split(']').next().unwrap_or_default();
        if let Some(extra) =
            extras.split(|character: char| !is_name(character)).find(|extra| ends_badly(extra))
        {
            return Err(format!("the extra {extra} does not end with a letter or digit"));
        }
    }
    // The error's Display draws the text and an arrow, and cannot cope with every text; the message alone can.
    Requirement::from_str(text).map_err(|error| error.message.to_string())
}

/// Reads a marker.
///
/// # Errors
/// As [`parse`].
pub fn parse_marker(text: &str) -> Result<MarkerTree, String> {
    check_bounds(text)?;
    MarkerTree::from_str(text).map_err(|error| error.message.to_string())
}

fn check_bounds(text: &str) -> Result<(), String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("it is longer than {MAX_LENGTH} bytes"));
    }
    // The grammar of PEP 508 has ASCII characters only, also within quotes.
    if let Some(other) = text.chars().find(|character| !character.is_ascii()) {
        return Err(format!("it has the character {other:?}, which is not ASCII"));
    }
    let before = |at: usize| text.get(..at).unwrap_or_default().trim_end();
    if text.match_indices("~=").any(|(at, _)| before(at).ends_with(['\'', '"'])) {
        return Err("it compares a text with ~=".to_owned());
    }
    // Digests in an address are none of the numbers that are counted with.
    let counted =
        if text.contains('@') { text.rsplit_once(';').map_or("", |(_, marker)| marker) } else { text };
    if counted.split(|character: char| !character.is_ascii_digit()).any(|number| number.len() > MAX_DIGITS) {
        return Err(format!("it has a number of more than {MAX_DIGITS} digits"));
    }
    if nesting(text) > MAX_NESTING {
        return Err(format!("it nests parentheses deeper than {MAX_NESTING} levels"));
    }
    Ok(())
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

fn ends_badly(name: &str) -> bool {
    name.ends_with(['-', '_', '.'])
}

fn nesting(text: &str) -> usize {
    let mut depth = 0usize;
    let mut deepest = 0;
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(
            parse(text).ok().map(|requirement| requirement.to_string()).as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn requirements_are_read() {
        check(" requests [socks] (>=2) ; os_name == 'nt'", Some("requests[socks]>=2 ; os_name == 'nt'"));
        check("a.b_c[d.e,f-g]", Some("a-b-c[d-e,f-g]"));
        check("x[]", Some("x"));
        check("x @ https://h/x-1-py3-none-any.whl", Some("x @ https://h/x-1-py3-none-any.whl"));
    }

    #[test]
    fn what_the_reader_does_not_survive_is_refused_first() {
        for text in [
            "a.",
            "a-@",
            "a_ >=1",
            "a-;",
            "a[b-]",
            "a [b.,c]",
            "a[ b_ ]",
            "a[b-",
            "a[b,c.",
            "-",
            "..",
            "a--[x]",
            "x @ https://h/${HOME}/x.whl",
            "${HOME}",
            "é",
            "x; os_name == 'é'",
            "x; 'a' ~= os_name",
            "x; os_name == 'nt' or \"a\"~=os_name",
            "x; python_version < '3.18446744073709551615.1'",
            "x @ https://h/x.whl ; python_version < '3.18446744073709551615.1'",
            "x==9999999999999999999",
            "",
            " ",
        ] {
            check(text, None);
        }
        check(&format!("x; {}os_name=='a'{}", "(".repeat(9_000), ")".repeat(5_000)), None);
        check(&"x".repeat(MAX_LENGTH + 1), None);
        assert!(parse_marker(&"(".repeat(9_000)).is_err());
        assert!(parse_marker(&format!("os_name == '{}'", "x".repeat(MAX_LENGTH))).is_err());
        assert!(parse_marker("os_name == 'nt' and (extra == 'x' or python_version > '3')").is_ok());
    }

    fn token() -> impl Strategy<Value = String> {
        let words = [
            "a",
            "b.c",
            "-",
            "_",
            ".",
            "[",
            "]",
            ",",
            "(",
            ")",
            ";",
            "@",
            " ",
            ">=",
            "==",
            "~=",
            "===",
            "!=",
            "<",
            "1",
            "1.0",
            "1.*",
            "1!2.dev3+x.4",
            "99999999999999999999",
            "'",
            "\"",
            "'3.8'",
            "\"x\"",
            "'é'",
            " and ",
            " or ",
            " in ",
            " not in ",
            "not",
            "extra",
            "os_name",
            "python_version",
            "python_full_version",
            "implementation_version",
            "sys.platform",
            "platform_release",
            "'a-'",
            "3.18446744073709551615.1",
            "'3.18446744073709551614.1'",
            "'3.8 3.9'",
            "'*'",
            "''",
            "https://h/x",
            "file:",
            "git+",
            "./",
            "C:",
            "#",
            "$",
            "\u{2028}",
            "日",
        ];
        prop_oneof![3 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "[ -~\t\n]{0,3}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_text_makes_it_panic(head in "(a|a-b)?", tokens in prop::collection::vec(token(), 0..12)) {
            let text = head + &tokens.concat();
            let _ = parse(&text);
            let _ = parse_marker(&text);
            let _ = parse(&format!("x; {text}"));
        }
    }
}
