//! Imports in sources of every kind. (tests/it/imports.rs compares with what Python itself says.)

use super::*;

fn told(source: &str) -> Vec<String> {
    let told = |import: Import| {
        let names =
            if import.names.is_empty() { String::new() } else { format!(":{}", import.names.join(",")) };
        format!("{}{names}@{}", import.module, import.line)
    };
    of(source).into_iter().map(told).collect()
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(told(source), expected, "{source}");
}

#[test]
fn imports_are_found_wherever_they_stand() {
    let source = "import a, b.c as d\nfrom e.f import g, h\nfrom . import i\nfrom .j import k\n\
                  def f[T: int = str](x: T) -> None:\n    import l\n    match x:\n        case 1:\n            from m import (\n                n as nn,  # import no\n                o,\n            )\n\
                  try: import p; import p2\nexcept* ImportError:\n    o = f\"{__import__('q') + f'{1}'}\"\n\
                  r = importlib.import_module('r.s'); t = other.import_module('u'); v = import_module(w)\n\
                  type X = int\nasync def y():\n    async with z: import aa\n";
    let expected =
        ["a@1", "b.c@1", "e.f:g,h@2", "l@6", "m:n,o@9", "p@13", "p2@13", "q@15", "r.s@16", "aa@19"];
    check(source, &expected);
    check(
        "from a import *\nimport a.\\\n  b as c, d\nfrom \\\n x import y",
        &["a:*@1", "a.b@2", "d@3", "x:y@4"],
    );
    check("__import__(\n  'a'\n)\nimport_module('b' 'c')\nimport_module('.d', 'e')", &["a@1"]);
    check("import é.ö\nfrom 模 import x", &["é.ö@1", "模:x@2"]);
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for source in [
        "raise x from a\nyield from b\nx = (yield from\n c)\n",
        "# import a\nx = 'import a'\n'''\nimport a\n'''\nr'\\'; import_ = 1\nx.import_module('a')",
        "b'''\\'''\nimport a'''",
        "f'import a {x!r:import a} import b'\nf'''{x:\nimport c}'''",
        "f'{{' '}}import a'\nfr'\\{x:}' 'import b'\nf'\\N{LATIN SMALL LETTER A}import c'",
        "from . import a\nfrom ...b.c import d\nfrom\nfrom a\nfrom a.\nimport\nfrom .. import (\n a,\n)",
    ] {
        check(source, &[]);
    }
}

#[test]
fn what_is_for_types_alone_is_told_apart() {
    let source = "if TYPE_CHECKING:\n    import a\n\n    if x:\n        from b import c\n# no\n    import d\nimport e\n\
                  if t.TYPE_CHECKING: import f\nelse:\n    import g\ndef h():\n    if typing.TYPE_CHECKING:\n        import i\n    import j\n\
                  if not TYPE_CHECKING:\n    import k\nif TYPE_CHECKING and x:\n    import l\nx = 1 if TYPE_CHECKING else 2\nimport m\n";
    let found = of(source);
    let told = |for_types: bool| {
        let those = found.iter().filter(|import| import.for_types == for_types);
        those.map(|import| import.module.as_str()).collect::<String>()
    };
    assert_eq!((told(true).as_str(), told(false).as_str()), ("abdfi", "egjklm"));
}

#[test]
fn what_is_for_types_alone_is_told_apart_by_any_name() {
    let source = "from typing import Any, TYPE_CHECKING as TC\nimport typing as t\nif TC:\n    import a\nif t.TYPE_CHECKING:\n    import b\n\
                  if TCX:\n    import c\n";
    let types: String = of(source).into_iter().filter(|it| it.for_types).map(|it| it.module).collect();
    assert_eq!(types, "ab");
}

#[test]
fn strings_end_where_python_ends_them() {
    for before in [
        "f'{x['a']}'",
        "f\"{x[\"a\"]:>{y[\"b\"]}}\"",
        "f'{f'{f'{1}'}'}'",
        "t'{x:%Y-%m}{y!r}'",
        "f'''{\n'}'\n}'''",
        "f'{{{x}}}'",
        "f'{x:{{}}}'",
        "Rb'\\'' u'x'",
        "'\\\n' ''",
        "f'{(lambda x: {1: 2})}'",
        "''''x'''",
        "rf'\\{x}'",
    ] {
        let found = of(&format!("{before}; import a\nimport b"));
        let modules: Vec<_> = found.iter().map(|import| import.module.as_str()).collect();
        assert_eq!(modules, ["a", "b"], "{before}");
    }
}

#[test]
fn what_is_broken_is_read_as_far_as_it_goes() {
    check("import a\nprint 'x'\nexec 'y' in z\nimport b\n", &["a@1", "b@4"]);
    check("\u{feff}import a\r\nimport b\rimport c", &["a@1", "b@2", "c@3"]);
    check("x = 'open\nimport a\ny = f'{open\nimport b\nz = f'{x:open\nimport c\n", &["a@2", "b@4", "c@6"]);
    check("from a import (b\nimport c\n", &["a:b@1", "c@2"]);
    check("import a b\nimport c.\nfrom d. import e\n", &["a@1", "c@2", "e@3"]);
    check("", &[]);
    for end in
        ["\\", "'", "'''", "f'", "f'{", "f'{x:", "f'\\", "f'\\N{", "from", "import a.", "import_module('"]
    {
        of(end);
    }
}

#[test]
fn deep_and_long_sources_cost_no_stack() {
    for part in [
        "1+",
        "a.",
        "-",
        "not ",
        "lambda:",
        "(",
        "[{",
        "f'{",
        "f\"{x:{",
        "if a:\n x\nel",
        "from a.b ",
        "import a, ",
    ] {
        let source = format!("import a\n{}1\n", part.repeat(200_000));
        assert!(!of(&source).is_empty(), "{part}");
    }
}

proptest::proptest! {
    /// Whatever stands there, an import that was found stands in a line that there is, and behind a new statement at the end of
    /// it all one more is found, as long as no string is open.
    #[test]
    fn no_source_is_too_odd(parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..40)) {
        let source: String = parts.concat();
        let lines = source.matches('\n').count() + source.matches('\r').count() + 1;
        let found = of(&source);
        proptest::prop_assert!(found.iter().all(|import| import.line as usize <= lines && !import.module.is_empty()));
        if !source.contains(['"', '\'', '\\', '{']) {
            let more = of(&format!("{source}\nimport last"));
            proptest::prop_assert!(more.last().is_some_and(|import| import.module == "last"));
        }
    }
}

/// What sources are made of, and what they are not.
const PARTS: &[&str] = &[
    "import ",
    "from ",
    "a",
    ".",
    "..",
    ", ",
    "as ",
    "(",
    ")",
    "*",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "'",
    "\"",
    "'''",
    "f'",
    "rb\"",
    "t'''",
    "{",
    "}",
    "{{",
    ":",
    "!r",
    "\\",
    "\\N{",
    "#",
    ";",
    "if TYPE_CHECKING:",
    "  ",
    "__import__(",
    "importlib.import_module('x')",
    "é",
    "\u{0}",
    "1",
];
