//! What `in` and `not in` mean for the values that variables have.
//!
//! Owns the facts that tie them to equalities. The marker algebra takes each `'win' in sys_platform` for a variable of its
//! own, which would be free even where `sys_platform == 'linux'` is known: a solve would then look for an answer in
//! environments that cannot be.

use std::cell::RefCell;

use pep508_rs::{MarkerExpression, MarkerOperator, MarkerTree, MarkerTreeKind, MarkerValueString};
use rustc_hash::FxHashSet;

use super::{Known, remembered, string};

/// What holds of the `in` expressions of a marker in every environment; true for a marker without any.
pub(super) fn facts(tree: &MarkerTree) -> MarkerTree {
    thread_local! {
        static KNOWN: Known<MarkerTree, MarkerTree> = RefCell::default();
    }
    if tree.is_true() || tree.is_false() {
        return MarkerTree::TRUE;
    }
    remembered(&KNOWN, tree, || {
        let mut facts = MarkerTree::TRUE;
        collect(tree, &mut FxHashSet::default(), &mut facts);
        facts
    })
}

fn collect(tree: &MarkerTree, seen: &mut FxHashSet<MarkerTree>, facts: &mut MarkerTree) {
    if !seen.insert(tree.clone()) {
        return;
    }
    let children: Vec<MarkerTree> = match tree.kind() {
        MarkerTreeKind::True | MarkerTreeKind::False => Vec::new(),
        MarkerTreeKind::Version(node) => node.edges().map(|(_, child)| child).collect(),
        MarkerTreeKind::String(node) => node.children().map(|(_, child)| child).collect(),
        MarkerTreeKind::In(node) => {
            facts.and(one_of(node.key(), node.value()));
            node.children().map(|(_, child)| child).collect()
        }
        MarkerTreeKind::Contains(node) => {
            facts.and(has(node.key(), node.value()));
            node.children().map(|(_, child)| child).collect()
        }
        MarkerTreeKind::Extra(node) => node.children().map(|(_, child)| child).collect(),
    };
    children.iter().for_each(|child| collect(child, seen, facts));
}

/// `sys_platform in 'linux darwin'` holds for the words of the text and for every name in it that a variable can have.
fn one_of(key: &MarkerValueString, text: &str) -> MarkerTree {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|'));
    let mut any = MarkerTree::FALSE;
    for value in words.chain(values(key).iter().copied().filter(|value| text.contains(value))) {
        any.or(string(key.clone(), value));
    }
    equal(&expression(key, MarkerOperator::In, text), &any)
}

/// `'win' in sys_platform` is known for each name that is known. Of systems and implementations no other name contains what a
/// known one does; a text that none contains (`'bsd'`) may be in any other. Machines are too many for that.
fn has(key: &MarkerValueString, text: &str) -> MarkerTree {
    let mut facts = MarkerTree::TRUE;
    let known: Vec<&str> = values(key).iter().copied().filter(|value| value.contains(text)).collect();
    if !known.is_empty() && *key != MarkerValueString::PlatformMachine {
        let mut others = expression(key, MarkerOperator::Contains, text).negate();
        known.into_iter().for_each(|value| others.or(string(key.clone(), value)));
        facts.and(others);
    }
    for value in values(key) {
        let mut fact = expression(key, MarkerOperator::Contains, text);
        if !value.contains(text) {
            fact = fact.negate();
        }
        fact.or(string(key.clone(), value).negate());
        facts.and(fact);
    }
    facts
}

fn expression(key: &MarkerValueString, operator: MarkerOperator, text: &str) -> MarkerTree {
    MarkerTree::expression(MarkerExpression::String { key: key.clone(), operator, value: text.to_owned() })
}

fn equal(a: &MarkerTree, b: &MarkerTree) -> MarkerTree {
    let (mut both, mut neither) = (a.clone(), a.negate());
    both.and(b.clone());
    neither.and(b.negate());
    both.or(neither);
    both
}

/// The values that a variable has on the systems that wheels are made for.
fn values(key: &MarkerValueString) -> &'static [&'static str] {
    match key {
        MarkerValueString::SysPlatform => {
            &["linux", "darwin", "win32", "cygwin", "ios", "android", "emscripten", "wasi", "aix"]
        }
        MarkerValueString::PlatformSystem => {
            &["Linux", "Darwin", "Windows", "iOS", "Android", "Emscripten", "Java", "AIX"]
        }
        MarkerValueString::OsName => &["posix", "nt", "java"],
        MarkerValueString::PlatformMachine => &[
            "x86_64",
            "aarch64",
            "arm64",
            "AMD64",
            "ARM64",
            "x86",
            "i686",
            "i386",
            "amd64",
            "armv7l",
            "armv6l",
            "ppc64le",
            "ppc64",
            "s390x",
            "riscv64",
            "loongarch64",
        ],
        MarkerValueString::ImplementationName => &["cpython", "pypy", "graalpy"],
        MarkerValueString::PlatformPythonImplementation => &["CPython", "PyPy", "GraalVM", "Jython"],
        _ => &[],
    }
}
