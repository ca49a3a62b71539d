//! Imports as we see them, next to what Python's own parser says: over its standard library.

use pipward::imports;
use serde_json::Value;

use crate::support::pythons::any_python;
use crate::support::run::Run;
use crate::support::{long, loudly};

/// Tells the imports of each module of the standard library, as `ast` sees them; of every twentieth, or all.
const AST: &str = r#"
import ast, json, sys, sysconfig
from pathlib import Path
root, every = Path(sysconfig.get_path("stdlib")), int(sys.argv[1])
def text(call):
    function = call.func
    if isinstance(function, ast.Name):
        fits = function.id in ("import_module", "__import__")
    else:
        fits = (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
                and function.value.id in ("importlib", "builtins") and function.attr in ("import_module", "__import__"))
    first = call.args[0] if fits and call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        if all(part.isidentifier() for part in first.value.split(".")):
            return first.value
files = sorted(path for path in root.rglob("*.py") if "site-packages" not in path.parts)
for path in files[::every]:
    source = path.read_bytes()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        continue
    found, checked = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If):
            test = node.test
            while isinstance(test, ast.Attribute) and test.attr != "TYPE_CHECKING":
                test = None
            if isinstance(test, ast.Attribute) or isinstance(test, ast.Name) and test.id == "TYPE_CHECKING":
                checked |= {inner for part in node.body for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, [], alias.lineno, node in checked) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append((node.module, [alias.name for alias in node.names], node.lineno, node in checked))
        elif isinstance(node, ast.Call) and (module := text(node)):
            found.append((module, [], None, node in checked))
    print(json.dumps({"file": str(path), "imports": found}))
"#;

#[test]
fn imports_are_those_that_python_sees() {
    let every = if long() { "1" } else { "20" };
    let told = Run::new(any_python().executable).args(["-I", "-B", "-c", AST, every]).run().ok();
    let (mut files, mut count) = (0, 0);
    for line in told.stdout.lines() {
        let one: Value = serde_json::from_str(line).unwrap();
        let file = one["file"].as_str().unwrap();
        let source = std::fs::read(file).unwrap();
        let names = |value: &Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        // Where a call starts is not where its text stands.
        let mut theirs: Vec<_> = one["imports"]
            .as_array()
            .unwrap()
            .iter()
            .map(|import| {
                (
                    import[0].as_str().unwrap().to_owned(),
                    names(&import[1]),
                    import[2].as_u64(),
                    import[3].as_bool().unwrap(),
                )
            })
            .collect();
        let calls: Vec<String> =
            theirs.iter().filter(|import| import.2.is_none()).map(|import| import.0.clone()).collect();
        let mut ours: Vec<_> = imports::of(&String::from_utf8_lossy(&source))
            .into_iter()
            .map(|import| (import.module, import.names, Some(u64::from(import.line)), import.for_types))
            .collect();
        for call in &calls {
            let of_call = ours.iter_mut().find(|(module, names, line, for_types)| {
                module == call
                    && names.is_empty()
                    && line.is_some()
                    && !theirs.contains(&(module.clone(), Vec::new(), *line, *for_types))
            });
            of_call.into_iter().for_each(|import| import.2 = None);
        }
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "{file}");
        files += 1;
        count += ours.len();
    }
    assert!(count > 100, "{count}");
    loudly(&format!("{count} imports of {files} files are those that Python sees"));
}
