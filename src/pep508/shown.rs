//! A marker as it was written, in the spelling in which Python's tools tell it.
//!
//! Never: judges a marker, or makes it shorter.

use super::{Token, split_marker, tokens};

/// The marker of a requirement: single spaces, double quotes, today's names of variables, no parentheses that mean nothing.
pub(crate) fn marker_of_requirement(text: &str) -> Option<String> {
    let (_, marker) = split_marker(text);
    marker_text(marker?)
}

/// The same of a marker alone.
pub(crate) fn marker_text(text: &str) -> Option<String> {
    let tokens = tokens(text).ok()?;
    let mut at = 0;
    let shown = group(&tokens, &mut at);
    (!shown.is_empty()).then(|| shown.join(" "))
}

/// The parts of a marker up to the parenthesis that ends it.
fn group(tokens: &[Token<'_>], at: &mut usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut groups = 0;
    let mut is_extra = false;
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        match token {
            Token::Open => {
                let inside = group(tokens, at);
                groups += 1;
                match inside.iter().any(|part| part == "and" || part == "or") {
                    true => parts.push(format!("({})", inside.join(" "))),
                    false => parts.extend(inside),
                }
            }
            Token::Close => break,
            Token::Word(word) => {
                is_extra = *word == "extra" || is_extra && !matches!(*word, "and" | "or");
                parts.push(variable(word).to_owned());
            }
            Token::Operator(operator) => parts.push((*operator).to_owned()),
            Token::Literal(text, _) if is_extra => {
                let name = text.parse::<pipward_resolver::ExtraName>();
                parts
                    .push(format!("\"{}\"", name.map_or_else(|_| text.to_string(), |name| name.to_string())));
            }
            Token::Literal(text, _) => parts.push(format!("\"{text}\"")),
        }
    }
    // `((a or b))` is `(a or b)`, and that is all there is.
    match parts.as_slice() {
        [only] if groups == 1 => match only.strip_prefix('(').and_then(|only| only.strip_suffix(')')) {
            Some(inside) => inside.split(' ').map(str::to_owned).collect(),
            None => parts,
        },
        _ => parts,
    }
}

fn variable(word: &str) -> &str {
    match word {
        "os.name" => "os_name",
        "sys.platform" => "sys_platform",
        "platform.version" => "platform_version",
        "platform.machine" => "platform_machine",
        "platform.python_implementation" | "python_implementation" => "platform_python_implementation",
        word => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_told_as_it_was_written() {
        let check = |text: &str, expected: &str| {
            assert_eq!(marker_of_requirement(&format!("x; {text}")).as_deref(), Some(expected));
        };
        check("python_version<'3'", "python_version < \"3\"");
        check("((python_version<'3'))", "python_version < \"3\"");
        check("(os.name=='a' or os.name=='b')", "os_name == \"a\" or os_name == \"b\"");
        check("((os.name=='a' or os.name=='b'))", "os_name == \"a\" or os_name == \"b\"");
        check(
            "(os.name=='a' or os.name=='b') and extra=='Foo_Bar' and 'x' not in python_implementation",
            "(os_name == \"a\" or os_name == \"b\") and extra == \"foo-bar\" and \"x\" not in platform_python_implementation",
        );
        assert_eq!(marker_of_requirement("x==1.0"), None);
    }
}
