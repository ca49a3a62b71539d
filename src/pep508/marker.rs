//! Markers, put together comparison by comparison (PEP 508, "Environment Markers").
//!
//! Owns: the grammar of `and`, `or` and parentheses, and how large a marker may grow. The algebra keeps a decision diagram,
//! and writes it as alternatives: a few dozen comparisons can make either of them larger than any memory, so both are
//! measured after each step, while one step can make them no larger than the square of that.
//! Never: parses a comparison itself.

use std::collections::{HashMap, HashSet};
use std::iter::Peekable;
use std::slice::Iter;
use std::str::FromStr as _;

use pep508_rs::{MarkerExpression, MarkerTreeKind, MarkerWarningKind};
use pipward_resolver::{MarkerTree, Version};

use super::{MAX_COMPARISONS, Token, one_line, words};

/// How many answers the questions of a marker's diagram may have, all together.
const MOST_ANSWERS: usize = 1024;
/// How many alternatives a marker may have.
const MOST_ALTERNATIVES: u64 = 256;
/// A marker of no more alternatives than this has few comparisons, however it is written.
const FEW_ALTERNATIVES: u64 = 16;

/// A marker, and why the first comparison that means nothing was left out of it.
pub(super) struct Read {
    pub(super) tree: MarkerTree,
    pub(super) ignored: Option<String>,
}

/// Reads tokens whose parentheses are not deep.
pub(super) fn read(tokens: &[Token<'_>]) -> Result<Read, String> {
    let mut reader = Reader { rest: tokens.iter().peekable(), ignored: None };
    let tree = reader.either()?;
    if let Some(token) = reader.rest.next() {
        return Err(format!("`{}` stands where `and`, `or` or the end belongs", shown(token)));
    }
    let tree = tree.unwrap_or(MarkerTree::TRUE);
    // What is read and written can be read again.
    if alternatives(&tree, &mut HashMap::new()) > FEW_ALTERNATIVES {
        let comparisons: usize = tree.to_dnf().iter().map(Vec::len).sum();
        if comparisons > MAX_COMPARISONS {
            return Err(format!("it would be written with more than {MAX_COMPARISONS} comparisons"));
        }
    }
    Ok(Read { tree, ignored: reader.ignored })
}

struct Reader<'a, 't> {
    rest: Peekable<Iter<'a, Token<'t>>>,
    ignored: Option<String>,
}

impl<'a, 't> Reader<'a, 't> {
    /// `marker_or = marker_and ('or' marker_and)*`. `None` where all comparisons were left out.
    fn either(&mut self) -> Result<Option<MarkerTree>, String> {
        let mut tree = self.both()?;
        while self.rest.next_if(|token| **token == Token::Word("or")).is_some() {
            tree = joined(tree, self.both()?, MarkerTree::or)?;
        }
        Ok(tree)
    }

    /// `marker_and = marker_expr ('and' marker_expr)*`.
    fn both(&mut self) -> Result<Option<MarkerTree>, String> {
        let mut tree = self.one()?;
        while self.rest.next_if(|token| **token == Token::Word("and")).is_some() {
            tree = joined(tree, self.one()?, MarkerTree::and)?;
        }
        Ok(tree)
    }

    /// `marker_expr = marker_var marker_op marker_var | '(' marker ')'`.
    fn one(&mut self) -> Result<Option<MarkerTree>, String> {
        if self.rest.next_if(|token| **token == Token::Open).is_none() {
            return self.comparison();
        }
        let tree = self.either()?;
        match self.rest.next() {
            Some(Token::Close) => Ok(tree),
            _ => Err("a parenthesis is not closed".to_owned()),
        }
    }

    fn comparison(&mut self) -> Result<Option<MarkerTree>, String> {
        let left = self.value()?;
        let operator = match self.rest.next() {
            Some(Token::Operator(operator)) => *operator,
            Some(Token::Word("in")) => "in",
            Some(Token::Word("not")) if self.rest.next() == Some(&Token::Word("in")) => "not in",
            other => {
                return Err(format!("`{}` is not followed by a comparison", shown(other.unwrap_or(left))));
            }
        };
        let right = self.value()?;
        if operator == "~=" {
            return compatible(left, right).map(Some);
        }
        self.expression(&format!("{left} {operator} {right}"))
    }

    fn value(&mut self) -> Result<&'a Token<'t>, String> {
        match self.rest.next() {
            Some(token @ (Token::Literal(..) | Token::Word(_))) => Ok(token),
            Some(other) => Err(format!("`{}` stands where a variable or a literal belongs", shown(other))),
            None => Err("it ends where a variable or a literal belongs".to_owned()),
        }
    }

    fn expression(&mut self, text: &str) -> Result<Option<MarkerTree>, String> {
        let ignored = &mut self.ignored;
        let expression = MarkerExpression::parse_reporter(text, &mut |kind, warning: String| {
            if kind != MarkerWarningKind::DeprecatedMarkerName && ignored.is_none() {
                *ignored = Some(one_line(&warning).trim_end_matches(", will be ignored").to_owned());
            }
        })
        .map_err(|error| words(&error))?;
        Ok(expression.map(MarkerTree::expression))
    }
}

/// `V ~= "3.8.1"` is `V >= "3.8.1" and V == "3.8.*"` (PEP 440, "Compatible release"): the algebra drops trailing zeros
/// first, which turns `~= "3.8.0"` into `~= "3.8"` and panics on `~= "3.0"`.
fn compatible(left: &Token<'_>, right: &Token<'_>) -> Result<MarkerTree, String> {
    const VERSIONS: [&str; 3] = ["python_version", "python_full_version", "implementation_version"];
    let Token::Word(variable) = left else { return Err("`~=` compares versions only".to_owned()) };
    if !VERSIONS.contains(variable) {
        return Err("`~=` compares versions only".to_owned());
    }
    let Token::Literal(literal, _) = right else {
        return Err("`~=` compares a version with a literal".to_owned());
    };
    let version =
        Version::from_str(literal.trim()).map_err(|_| format!("`{}` is not a version", one_line(literal)))?;
    let [prefix @ .., _] = version.release() else { return Err("a version is empty".to_owned()) };
    if prefix.is_empty() {
        return Err(format!("`~=` needs a version of two parts, not `{version}`"));
    }
    let prefix = prefix.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    let mut tree = MarkerTree::TRUE;
    for text in [format!("{variable} >= '{version}'"), format!("{variable} == '{prefix}.*'")] {
        let expression = MarkerExpression::from_str(&text).map_err(|error| words(&error))?;
        tree.and(expression.map_or(MarkerTree::TRUE, MarkerTree::expression));
    }
    Ok(tree)
}

/// Both together; one of them where the other was left out.
fn joined(
    left: Option<MarkerTree>,
    right: Option<MarkerTree>,
    join: fn(&mut MarkerTree, MarkerTree),
) -> Result<Option<MarkerTree>, String> {
    let (mut tree, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (one, other) => return Ok(one.or(other)),
    };
    join(&mut tree, right);
    // A marker may be told by its opposite.
    for side in [&tree, &tree.negate()] {
        measure(side)?;
    }
    Ok(Some(tree))
}

fn measure(tree: &MarkerTree) -> Result<(), String> {
    let mut answers = 0;
    let (mut seen, mut open) = (HashSet::new(), vec![tree.clone()]);
    while let Some(node) = open.pop() {
        if !seen.insert(node.clone()) {
            continue;
        }
        for (ways, child) in answers_of(&node) {
            answers += ways;
            open.push(child);
        }
        if answers > MOST_ANSWERS {
            return Err("it asks too much at once".to_owned());
        }
    }
    if alternatives(tree, &mut HashMap::new()) > MOST_ALTERNATIVES {
        return Err(format!("it has more than {MOST_ALTERNATIVES} alternatives"));
    }
    Ok(())
}

/// How many ways lead through a diagram to "true". It is as deep as it has kinds of questions, which were counted.
fn alternatives(tree: &MarkerTree, known: &mut HashMap<MarkerTree, u64>) -> u64 {
    if tree.is_true() {
        return 1;
    }
    if let Some(known) = known.get(tree) {
        return *known;
    }
    let all = answers_of(tree)
        .into_iter()
        .map(|(ways, child)| (ways as u64).saturating_mul(alternatives(&child, known)))
        .fold(0, u64::saturating_add);
    known.insert(tree.clone(), all);
    all
}

/// Where the answers to the topmost question of a diagram lead, and in how many pieces each answer falls.
fn answers_of(tree: &MarkerTree) -> Vec<(usize, MarkerTree)> {
    match tree.kind() {
        MarkerTreeKind::True | MarkerTreeKind::False => Vec::new(),
        MarkerTreeKind::Version(node) => {
            node.edges().map(|(range, child)| (range.iter().count(), child)).collect()
        }
        MarkerTreeKind::String(node) => {
            node.children().map(|(range, child)| (range.iter().count(), child)).collect()
        }
        MarkerTreeKind::In(node) => node.children().map(|(_, child)| (1, child)).collect(),
        MarkerTreeKind::Contains(node) => node.children().map(|(_, child)| (1, child)).collect(),
        MarkerTreeKind::Extra(node) => node.children().map(|(_, child)| (1, child)).collect(),
    }
}

fn shown(token: &Token<'_>) -> String {
    one_line(&token.to_string()).chars().take(80).collect()
}
