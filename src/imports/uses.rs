//! Python source -> what it takes from a module by attribute: `os.system` of `import os as o; o.system("x")`.
//!
//! Owns: by which names a module goes in a source. Never: says that something is called; to be named is enough.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Spot, Token, Tokens};

/// How many tokens before one are looked at.
const BACK: usize = 6;

/// What a source names of the modules `roots`, as `module.name`: by the module's own name, by another that it is imported as or
/// assigned to, by `__import__`, by `getattr`, and, where all of a module is imported, by nothing but the name.
pub fn uses(source: &str, roots: &[&str]) -> BTreeSet<String> {
    let mut seen = Seen::default();
    let mut last = [Token::Newline; BACK];
    for Spot { token, .. } in Tokens::of(source) {
        let [.., ending] = last;
        match (ending, token) {
            // Lines in brackets go on behind a dot, or before one.
            (Token::Sign('.'), Token::Newline) => continue,
            (Token::Newline, Token::Sign('.')) => last.rotate_right(1),
            _ => {}
        }
        seen.take(&last, token, roots);
        last.rotate_left(1);
        if let Some(end) = last.last_mut() {
            *end = token;
        }
    }
    let mut found = BTreeSet::new();
    for (first, name) in &seen.pairs {
        let own = roots.contains(first).then_some(*first);
        let other = seen.aliases.get(first).into_iter().flatten().copied();
        found.extend(own.into_iter().chain(other).map(|root| format!("{root}.{name}")));
    }
    let is_whole = |import: &super::Import| import.names.iter().any(|name| name == "*");
    let whole: BTreeSet<String> =
        super::of(source).into_iter().filter(is_whole).map(|one| one.module).collect();
    for root in roots.iter().filter(|root| whole.contains(**root)) {
        found.extend(seen.bare.iter().map(|name| format!("{root}.{name}")));
    }
    found
}

#[derive(Default)]
struct Seen<'s> {
    /// A name that is no attribute, and the attribute of it.
    pairs: BTreeSet<(&'s str, &'s str)>,
    /// What modules are called.
    aliases: BTreeMap<&'s str, BTreeSet<&'s str>>,
    /// Names that are no attributes.
    bare: BTreeSet<&'s str>,
}

impl<'s> Seen<'s> {
    fn take(&mut self, last: &[Token<'s>; BACK], token: Token<'s>, roots: &[&str]) {
        use Token::{Name, Sign, Text};
        match (last, token) {
            ([.., Sign('.'), Name(_), Sign('.')], Name(_)) => {}
            ([.., Name(first), Sign('.')], Name(name)) => {
                self.pairs.insert((first, name));
            }
            ([.., Name(by), Sign('('), Text(Some(module)), Sign(')'), Sign('.')], Name(name))
                if matches!(*by, "__import__" | "import_module") =>
            {
                self.pairs.insert((module, name));
            }
            ([.., Name("getattr"), Sign('('), Name(first), Sign(',')], Text(Some(name))) => {
                self.pairs.insert((first, name));
            }
            ([.., Name(other), Sign('='), Name("__import__"), Sign('('), Text(Some(module))], Sign(')'))
                if roots.contains(module) =>
            {
                self.aliases.entry(other).or_default().insert(module);
            }
            ([.., Name(module), Name("as")], Name(other)) if roots.contains(module) => {
                self.aliases.entry(other).or_default().insert(module);
            }
            ([.., Name(other), Sign('=')], Name(module)) if roots.contains(&module) => {
                self.aliases.entry(other).or_default().insert(module);
            }
            _ => {}
        }
        if let (false, Name(name)) = (matches!(last, [.., Sign('.')]), token) {
            self.bare.insert(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_known_by_any_name() {
        let check = |source: &str, expected: &str| {
            let found: Vec<String> = uses(source, &["os", "asyncio"]).into_iter().collect();
            assert_eq!(found.join(" "), expected, "{source}");
        };
        check("import os\nos . execvp('a', [])  # os.fork()", "os.execvp");
        check("import os as o\no.system('x')\nx = 'os.fork()'", "os.system");
        check("import os, sys as s\ns.exit()\nrun = os.popen\n", "os.popen");
        check("o = os\no.fork()", "os.fork");
        check("o = __import__('os')\no.fork()", "os.fork");
        check("__import__('os').system('x')\nimportlib.import_module('os').popen('y')", "os.popen os.system");
        check("getattr(os, 'system')('x')", "os.system");
        check("x = (os\n  .\n  spawnl(1))", "os.spawnl");
        check("y = f\"{os.system('x')}\"", "os.system");
        check("asyncio.subprocess.Process", "asyncio.subprocess");
        check("self.os.system()\nother.system()\nif os == o: o.fork()", "");
        assert!(uses("from os import *\nsystem('x')", &["os"]).contains("os.system"));
    }
}
