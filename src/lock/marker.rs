//! Markers of a lock: PEP 508 with PEP 751's sets `extras` and `dependency_groups`.
//!
//! Owns: the mapping of the sets to extras and back, so that the marker algebra can be used.
//! Never: lets a bare `extra` through, which a lock has no value for.

use pipward_resolver::{ExtraName, MarkerEnvironment, MarkerTree, markers};

use crate::pep508::{self, Strictness, Token};

/// A marker of a lock: PEP 508 plus PEP 751's `extras` and `dependency_groups` sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockMarker {
    /// As written (or as it will be written).
    pub text: String,
    /// Sets mapped to extras: `'x' in extras` is `extra == 'e-x'`, `'x' in dependency_groups` is `extra == 'g-x'`.
    pub tree: MarkerTree,
}

/// The two sets that PEP 751 adds to markers, with the prefix that stands for each.
const SETS: [(&str, &str); 2] = [("extras", "e-"), ("dependency_groups", "g-")];

impl LockMarker {
    /// Reads the marker of a package of a lock (dependency specifiers, "Environment Markers", with
    /// the additions for lock files).
    ///
    /// # Errors
    /// One sentence part.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tree = pep508::marker_of(&map_sets(pep508::tokens(text)?)?, Strictness::Strict)?;
        Ok(Self { text: text.to_owned(), tree })
    }

    /// Reads an entry of `environments`, in which the sets have no meaning.
    ///
    /// # Errors
    /// One sentence part.
    pub fn parse_environment(text: &str) -> Result<Self, String> {
        let tokens = pep508::tokens(text)?;
        if let Some(word) = tokens.iter().find_map(|token| match token {
            Token::Word(word @ ("extra" | "extras" | "dependency_groups")) => Some(*word),
            _ => None,
        }) {
            return Err(format!("`{word}` says nothing about an environment"));
        }
        let tree = pep508::marker_of(&tokens, Strictness::Strict)?;
        Ok(Self { text: text.to_owned(), tree })
    }

    /// Takes the marker of a requirement, without sets. `None` for one that is always true.
    pub fn of_requirement(tree: &MarkerTree) -> Option<Self> {
        markers::text(tree, &MarkerTree::TRUE).map(|text| Self { text, tree: tree.clone() })
    }

    /// Takes the marker of an input of a resolution, in which extras stand for PEP 751's sets. `None` for one that is
    /// always true.
    pub fn of_input(tree: &MarkerTree) -> Option<Self> {
        tree.try_to_string().map(|text| Self { text: sets_of_extras(&text), tree: tree.clone() })
    }

    /// The shortest words for a marker of a resolution, given what holds in all of its environments. `None` for one that
    /// always holds.
    pub fn told(tree: &MarkerTree, universe: &MarkerTree) -> Option<Self> {
        let text = sets_of_extras(&markers::text(tree, universe)?);
        // What readers will read; the resolver's tree says nothing outside of the universe.
        let tree = Self::parse(&text).map_or_else(|_| tree.clone(), |read| read.tree);
        Some(Self { text, tree })
    }

    /// Whether it holds in an environment with these extras and groups.
    pub fn holds(&self, environment: &MarkerEnvironment, extras: &[ExtraName], groups: &[ExtraName]) -> bool {
        let mapped: Vec<ExtraName> = extras
            .iter()
            .map(|extra| ("e-", extra))
            .chain(groups.iter().map(|group| ("g-", group)))
            .filter_map(|(prefix, name)| ExtraName::new(format!("{prefix}{name}")).ok())
            .collect();
        self.tree.evaluate(environment, &mapped)
    }
}

/// A marker of a resolution in the words of a lock: `extra == 'e-x'` becomes `'x' in extras`, and so on.
pub(crate) fn sets_of_extras(text: &str) -> String {
    let Ok(tokens) = pep508::tokens(text) else { return text.to_owned() };
    let mut told = String::new();
    let mut rest = tokens.as_slice();
    while let [token, after @ ..] = rest {
        let (words, after) = match (set_of_extra(rest), after) {
            (Some(words), [_, _, after @ ..]) => (words, after),
            _ => (token.to_string(), after),
        };
        if !(told.is_empty() || told.ends_with('(') || *token == Token::Close) {
            told.push(' ');
        }
        told.push_str(&words);
        rest = after;
    }
    told
}

fn set_of_extra(tokens: &[Token<'_>]) -> Option<String> {
    let [Token::Word("extra"), Token::Operator(operator), Token::Literal(name, _), ..] = tokens else {
        return None;
    };
    let (set, prefix) = SETS.iter().find(|(_, prefix)| name.starts_with(prefix))?;
    let word = if *operator == "==" { "in" } else { "not in" };
    Some(format!("'{}' {word} {set}", name.strip_prefix(prefix)?))
}

/// Replaces `'x' in extras` by `extra == 'e-x'`, and so on.
fn map_sets(tokens: Vec<Token<'_>>) -> Result<Vec<Token<'_>>, String> {
    let mut mapped: Vec<Token<'_>> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let Token::Word(word) = &token else {
            mapped.push(token);
            continue;
        };
        if *word == "extra" {
            return Err("a lock has no `extra`; it asks `'name' in extras`".to_owned());
        }
        let Some((_, prefix)) = SETS.iter().find(|(set, _)| set == word) else {
            mapped.push(token);
            continue;
        };
        let asks = || format!("`{word}` is asked `'name' in {word}` or `'name' not in {word}`");
        if mapped.pop() != Some(Token::Word("in")) {
            return Err(asks());
        }
        let negated = mapped.last() == Some(&Token::Word("not"));
        if negated {
            mapped.pop();
        }
        let Some(Token::Literal(name, quote)) = mapped.pop() else { return Err(asks()) };
        let name = ExtraName::new(name.into_owned())
            .map_err(|error| format!("`{}` is not a name", error.as_str()))?;
        mapped.push(Token::Word("extra"));
        mapped.push(Token::Operator(if negated { "!=" } else { "==" }));
        mapped.push(Token::Literal(format!("{prefix}{name}").into(), quote));
    }
    Ok(mapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::tests::linux;

    fn check(text: &str, extras: &[&str], groups: &[&str]) -> bool {
        let names = |names: &[&str]| -> Vec<ExtraName> { names.iter().map(|n| n.parse().unwrap()).collect() };
        LockMarker::parse(text).unwrap().holds(&linux("3.13.0").markers, &names(extras), &names(groups))
    }

    #[test]
    fn sets_are_asked_by_normalised_name() {
        assert!(check("'Async_io' in extras", &["async-io"], &[]));
        assert!(!check("'async-io' in extras", &[], &["async-io"]));
        assert!(check("'dev' in dependency_groups", &[], &["Dev"]));
        assert!(check("'dev' not in dependency_groups", &["dev"], &[]));
        assert!(!check("'dev' not in dependency_groups", &[], &["dev"]));
        assert!(check("('a' in extras or 'b' in extras) and sys_platform == 'linux'", &["b"], &[]));
        assert!(!check("'a' in extras and sys_platform == 'win32'", &["a"], &[]));
    }

    #[test]
    fn what_a_lock_cannot_say_is_refused() {
        for bad in [
            "extra == 'e-x'",
            "extras == 'x'",
            "extras in 'x'",
            "'x' in extras in extras",
            "not in extras",
            "'-x' in extras",
            "in extras",
            "python_version >= 'three'",
            "'a' == 'b'",
            "",
        ] {
            assert!(LockMarker::parse(bad).is_err(), "{bad}");
        }
        assert!(LockMarker::parse_environment("'x' in extras").is_err());
        assert!(LockMarker::parse_environment("sys_platform == 'linux'").is_ok());
    }

    #[test]
    fn extras_and_groups_of_a_resolution_are_told_as_sets() {
        let told = |text: &str| {
            let tree: MarkerTree = text.parse().unwrap();
            let told = LockMarker::told(&tree, &MarkerTree::TRUE).unwrap();
            assert_eq!(told.tree, tree);
            told.text
        };
        assert_eq!(told("extra == 'e-cpu'"), "'cpu' in extras");
        assert_eq!(told("extra != 'g-dev'"), "'dev' not in dependency_groups");
        assert_eq!(
            told("(extra == 'e-a' and sys_platform == 'linux') or extra != 'g-b'"),
            "'b' not in dependency_groups or (sys_platform == 'linux' and 'a' in extras)"
        );
        assert_eq!(
            told("platform_version == 'extra ' and extra == 'e-a'"),
            "platform_version == 'extra ' and 'a' in extras"
        );
        assert_eq!(LockMarker::told(&MarkerTree::TRUE, &MarkerTree::TRUE), None);
    }

    #[test]
    fn the_text_is_kept() {
        let text = "'x'  in extras";
        assert_eq!(LockMarker::parse(text).unwrap().text, text);
    }
}
