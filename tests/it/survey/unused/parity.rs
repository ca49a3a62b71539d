//! `unused` next to deptry, on sources that are on PyPI: flask by default, all of them with `PIPWARD_TEST_LONG=1`.
//!
//! A row is a module that is imported (used, missing, transitive) or a distribution that is asked for (unused, asked).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pipward::digest::Sha256;
use serde_json::Value;

use crate::support::peers::{Peers, peers};
use crate::support::pythons::any_python;
use crate::support::run::{pipward, scratch};
use crate::support::{long, loudly, offline};

/// A project: its source distribution, the directory of its modules, and the extras with which it is locked.
struct Project {
    pin: &'static str,
    sha256: &'static str,
    root: &'static str,
    extras: &'static [&'static str],
    /// Rows in which the two part, each reproduced in `unused.rs` and told of in docs/what-is-in-it.md.
    parted: &'static [(&'static str, &'static str)],
}

const PROJECTS: [Project; 6] = [
    Project {
        pin: "flask==3.1.0",
        sha256: "5f873c5184c897c8d9d1b05df1e3d01b14910ce69607a117bd3277098a5836ac",
        root: "src",
        extras: &["async", "dotenv"],
        parted: &[],
    },
    Project {
        pin: "httpx==0.28.1",
        sha256: "75e98c5f16b0f35b567856f597f06ff2270a374470a5c2392242528e3e3e42fc",
        root: ".",
        extras: &["brotli", "cli", "http2", "socks", "zstd"],
        parted: &[],
    },
    Project {
        pin: "pip-audit==2.9.0",
        sha256: "0b998410b58339d7a231e5aa004326a294e4c7c6295289cdc9d5e1ef07b1f44d",
        root: ".",
        extras: &["test", "lint", "doc", "dev"],
        parted: &[],
    },
    Project {
        pin: "black==24.10.0",
        sha256: "846ea64c97afe3bc677b761787993be4991810ecc7a4a937816dd6bddedc4875",
        root: "src",
        extras: &["colorama", "d", "jupyter", "uvloop"],
        parted: &[],
    },
    Project {
        pin: "pydantic-settings==2.6.1",
        sha256: "e0f92546d8a9923cb8941689abf85d6601a8c19a23e97a34b2964a2e3f813ca0",
        root: ".",
        extras: &["azure-key-vault", "toml", "yaml"],
        // Of azure it imports azure.core, which it does not ask for, and nothing of azure.identity, which it asks for.
        parted: &[("asked", "azure-identity"), ("transitive", "azure"), ("unused", "azure-identity")],
    },
    Project {
        pin: "mkdocs==1.6.1",
        sha256: "7b432f01d928c084353ab39c57282f29f92136665bdd6abf7c1ec8d822ef86f2",
        root: ".",
        extras: &["i18n"],
        parted: &[],
    },
];

/// What deptry finds: its command, with what the project's environment has in place of its own, and the modules that it reads.
const DEPTRY: &str = r#"
import json, logging, sys, tempfile
from pathlib import Path
site, root = sys.argv[1], Path(sys.argv[2])
import deptry.cli as cli
from deptry.imports.extract import get_imported_modules_from_list_of_files as imported
from deptry.python_file_finder import get_all_python_files_in
logging.disable(logging.CRITICAL)
sys.path[:] = [site] + [path for path in sys.path if "site-packages" not in path]
files = list(get_all_python_files_in((root,), cli.DEFAULT_EXCLUDE, (), True))
here = lambda p: (p.suffix == ".py" and p.name != "__init__.py") or (p.is_dir() and any(p.glob("*.py")))
local = {path.stem for path in root.iterdir() if here(path)}
out = tempfile.mktemp()
try:
    cli.cli.main([str(root), "--json-output", out, "--no-ansi"], standalone_mode=False)
except SystemExit:
    pass
kinds = {"DEP001": "missing", "DEP002": "unused", "DEP003": "transitive"}
found = [(kinds[one["error"]["code"]], one["module"]) for one in json.load(open(out))]
told = {module for kind, module in found if kind != "unused"}
rest = set(imported(files)) - set(sys.stdlib_module_names) - local - told
print(json.dumps([*found, *(("used", module) for module in rest)]))
"#;

/// Fetches and unpacks a source distribution; nothing of it is run by the test itself.
const UNPACK: &str = r"
import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2], filter='data')
";

type Rows = BTreeSet<(String, String)>;

#[test]
fn deptry_tells_the_same() {
    if offline() {
        return loudly("offline: `unused` is not compared with deptry");
    }
    let count = if long() { PROJECTS.len() } else { 1 };
    let (mut all, mut same) = (0, 0);
    for project in PROJECTS.iter().take(count) {
        let scratch = scratch();
        let directory = unpacked(project, scratch.path());
        let (ours, asked) = ours(project, &directory, scratch.path());
        let theirs = theirs(project, &directory, scratch.path(), &asked);
        let both = ours.intersection(&theirs).count();
        let either = ours.union(&theirs).count();
        loudly(&format!("{}: {both} of {either} rows are those of deptry", project.pin));
        let parted: Vec<(&str, &str)> =
            ours.symmetric_difference(&theirs).map(|(kind, name)| (kind.as_str(), name.as_str())).collect();
        assert_eq!(parted, project.parted, "{}", project.pin);
        all += either;
        same += both;
    }
    assert!(same * 100 >= all * 95, "{same} of {all} rows");
}

fn unpacked(project: &Project, scratch: &Path) -> PathBuf {
    let folder = scratch.join("sdist");
    let name = project.pin.split("==").next().unwrap();
    peers()
        .pip(["download", "-q", "--no-deps", "--no-binary", name, project.pin, "-d"])
        .arg(&folder)
        .run()
        .ok();
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert_eq!(Sha256::of(&std::fs::read(&file).unwrap()).to_string(), project.sha256, "{}", project.pin);
    peers().script(UNPACK, &[&file, &scratch.join("source")]).ok();
    std::fs::read_dir(scratch.join("source")).unwrap().next().unwrap().unwrap().path()
}

/// Our rows, and what the project asks for.
fn ours(project: &Project, directory: &Path, scratch: &Path) -> (Rows, BTreeSet<String>) {
    let mut words = vec!["lock", "--python-version", "3.11", "--uploaded-prior-to", "2026-06-01"];
    project.extras.iter().for_each(|extra| words.extend(["--extra", extra]));
    let run = |words: &[&str]| pipward(words).dir(directory).shared_cache().run();
    run(&words).ok();
    let python = any_python().executable.display().to_string();
    let place = scratch.join("env").display().to_string();
    run(&["install", "-r", "pylock.toml", "--venv", &place, "--python", &python]).ok();
    let read = |words: &[&str]| -> Value { serde_json::from_str(&run(words).stdout).unwrap() };
    let found = read(&["unused", project.root, "--json"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut rows = Rows::new();
    for kind in ["missing", "transitive"] {
        rows.extend(
            found[kind].as_array().unwrap().iter().map(|one| (kind.to_owned(), text(&one["module"]))),
        );
    }
    rows.extend(found["used"].as_object().unwrap().keys().map(|module| ("used".to_owned(), module.clone())));
    let unused: BTreeSet<String> = found["unused"].as_array().unwrap().iter().map(text).collect();
    let roots = read(&["tree", "--json"]);
    let asked: BTreeSet<String> = roots["roots"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|root| !root["requirements"].as_array().unwrap().is_empty())
        .map(|root| text(&root["name"]))
        .collect();
    rows.extend(kinds(&asked, &unused));
    (rows, asked)
}

fn kinds(asked: &BTreeSet<String>, unused: &BTreeSet<String>) -> Rows {
    let kind = |name: &String| if unused.contains(name) { "unused" } else { "asked" };
    asked.iter().map(|name| (kind(name).to_owned(), name.clone())).collect()
}

fn theirs(project: &Project, directory: &Path, scratch: &Path, asked: &BTreeSet<String>) -> Rows {
    let deptry = Peers::made("survey.txt", any_python());
    let lib = std::fs::read_dir(scratch.join("env/lib")).unwrap();
    let site =
        lib.map(|entry| entry.unwrap().path().join("site-packages")).find(|path| path.is_dir()).unwrap();
    let script = scratch.join("deptry.py");
    std::fs::write(&script, DEPTRY).unwrap();
    let told = crate::support::run::Run::new(deptry.python())
        .args(["-I", "-B"])
        .arg(&script)
        .arg(&site)
        .arg(project.root)
        .dir(directory)
        .run()
        .ok();
    let found: Vec<(String, String)> = serde_json::from_str(told.stdout.lines().last().unwrap()).unwrap();
    let (unused, modules): (Vec<_>, Vec<_>) = found.into_iter().partition(|(kind, _)| kind == "unused");
    let unused = unused.into_iter().map(|(_, name)| name.to_lowercase().replace(['_', '.'], "-")).collect();
    let mut rows: Rows = modules.into_iter().collect();
    rows.extend(kinds(asked, &unused));
    rows
}
