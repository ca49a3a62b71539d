//! Where the cases are run: wheels, an index, twin environments, and both tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use pipward::digest::Sha256;
use serde_json::Value;

use super::cases::Case;
use crate::support::peers::peers;
use crate::support::pythons::{Python, any_python};
use crate::support::run::{Output, Run, pipward, scratch};
use crate::support::server::{Form, Hashes, Published, Server, Style};
use crate::support::tree::{Node, Tree, tree};
use crate::support::wheels::WheelBuilder;

/// Which tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Pip,
    Pipward,
}

/// What a run said and left.
pub struct Outcome {
    pub said: Output,
    pub tree: Tree,
    pub report: Option<Value>,
}

/// The wheels and environments that all cases share.
pub struct Ground {
    _scratch: tempfile::TempDir,
    root: PathBuf,
    server: Server,
    wheels: Vec<(String, Vec<u8>)>,
    python: Python,
    pip: PathBuf,
}

impl Ground {
    pub fn new() -> Self {
        let scratch = scratch();
        let root = scratch.path().to_owned();
        let python = any_python();
        let ground = Self {
            _scratch: scratch,
            server: Server::start(),
            wheels: wheels(),
            pip: only_pip(&root),
            root,
            python,
        };
        std::fs::create_dir(ground.root.join("links")).unwrap();
        let mut names: Vec<String> = Vec::new();
        for (name, bytes) in &ground.wheels {
            std::fs::write(ground.root.join("links").join(name), bytes).unwrap();
            let project = name.split('-').next().unwrap().replace('_', "-").to_lowercase();
            if !names.contains(&project) {
                names.push(project);
            }
        }
        for project in names {
            let files = ground.wheels.iter().filter(|(name, _)| {
                name.split('-').next().unwrap().replace('_', "-").to_lowercase() == project
            });
            let files: Vec<Published> = files.cloned().map(Published::new).collect();
            let style = Style { form: Form::Html, hashes: Hashes::Sha256, ..Style::default() };
            ground.server.publish(&project, &files, &style);
        }
        for (kind, option) in [("plain", None), ("shared", Some("--system-site-packages"))] {
            let venv = Run::new(&ground.python.executable).args(["-I", "-m", "venv", "--without-pip"]);
            venv.args(option).arg(ground.work().join("env")).run().ok();
            pipward(["shim"]).arg(ground.work().join("env")).run().ok();
            std::fs::create_dir(ground.work().join("home")).unwrap();
            std::fs::rename(ground.work(), ground.root.join(kind)).unwrap();
        }
        ground
    }

    fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Puts in what a case names: `{links}`, `{index}`, `{work}`, and for a wheel by the beginning of its file name
    /// `{h:…}` its hash, `{H:…}` the option, `{w:…}` its path.
    fn filled(&self, text: &str) -> String {
        let mut text = text
            .replace("{links}", &self.root.join("links").display().to_string())
            .replace("{index}", &self.server.url("/simple/"))
            .replace("{files}", &self.server.url("/files"))
            .replace("{work}", &self.work().display().to_string());
        let next =
            |text: &str| ["{h:", "{H:", "{w:", "{n:"].iter().filter_map(|start| text.find(start)).min();
        while let Some(at) = next(&text) {
            let (before, after) = (text[..at].to_owned(), text[at + 1..].to_owned());
            let (key, rest) = after.split_once('}').unwrap();
            let (kind, stem) = key.split_once(':').unwrap();
            let (name, bytes) = self
                .wheels
                .iter()
                .find(|(name, _)| name.starts_with(stem))
                .unwrap_or_else(|| panic!("no wheel {stem}"));
            let hex = Sha256::of(bytes).to_string();
            let value = match kind {
                "h" => hex,
                "H" => format!("--hash=sha256:{hex}"),
                "n" => name.clone(),
                _ => self.root.join("links").join(name).display().to_string(),
            };
            text = format!("{before}{value}{rest}");
        }
        text
    }

    fn prepare(&self, tool: Tool, case: &Case) {
        let work = self.work();
        if work.exists() {
            std::fs::remove_dir_all(&work).unwrap();
        }
        let template = self.root.join(if case.shared { "shared" } else { "plain" });
        let copied = Command::new("cp").arg("-a").arg(&template).arg(&work).status().unwrap();
        assert!(copied.success());
        for (name, text) in &case.files {
            let path = work.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.filled(text)).unwrap();
        }
        for words in &case.before {
            self.start(tool, words, &[]).ok();
        }
    }

    /// The tree before the last command line.
    pub fn before(&self, case: &Case) -> Tree {
        self.prepare(Tool::Pipward, case);
        self.tree()
    }

    pub fn run(&self, tool: Tool, case: &Case) -> Outcome {
        self.prepare(tool, case);
        let said = self.start(tool, &case.words, &case.variables);
        let report = std::fs::read(self.work().join("report.json")).ok();
        let report = report.map(|text| comparable_report(serde_json::from_slice(&text).unwrap()));
        Outcome { said, tree: self.tree(), report }
    }

    fn start(&self, tool: Tool, words: &[String], variables: &[(String, String)]) -> Output {
        let words = words.iter().map(|word| self.filled(word));
        let env = self.work().join("env/bin");
        let run = match tool {
            Tool::Pip => Run::new(env.join("python")).args(["-m", "pip"]).env("PYTHONPATH", &self.pip),
            Tool::Pipward => Run::new(env.join("pip")),
        };
        let run = run
            .args(words)
            .env("HOME", self.work().join("home"))
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_INPUT", "1")
            .env("PIP_NO_CACHE_DIR", "1")
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .env("PIPWARD_NO_CACHE_DIR", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "127.0.0.1")
            .env("PATH", "/usr/bin:/bin")
            .env("DIFF_VERSION", "1.0")
            .dir(self.work());
        let named = variables.iter().map(|(name, value)| (name, self.filled(value)));
        named.fold(run, |run, (name, value)| run.env(name, value)).run()
    }

    fn tree(&self) -> Tree {
        let mut found = tree(&self.work());
        found.retain(|path, _| {
            !path.ends_with(".dist-info/INSTALLER")
                && path != "report.json"
                && !path.contains("__pycache__")
                && !path.starts_with("home/.cache")
                && !path.starts_with("home/.rustup")
        });
        for (path, node) in &mut found {
            let Node::File { content, .. } = node else { continue };
            if path.ends_with(".dist-info/RECORD") {
                let text = String::from_utf8(std::mem::take(content)).unwrap();
                let lines = text.split_inclusive('\n');
                let kept = lines
                    .filter(|line| !line.contains(".dist-info/INSTALLER,") && !line.contains("__pycache__"))
                    // pip writes the RECORD of a --target before it moves scripts and data there.
                    .map(|line| line.trim_start_matches("../").to_owned());
                let mut kept: Vec<String> = kept.collect();
                kept.sort();
                *content = kept.concat().into_bytes();
            }
        }
        found
    }
}

/// A folder with pip and nothing else, so that it sees only what is in the environment that it is run by.
fn only_pip(root: &Path) -> PathBuf {
    let folder = root.join("pip");
    std::fs::create_dir(&folder).unwrap();
    let site = peers().script("import pip; print(pip.__path__[0])", &[]).ok().stdout;
    std::os::unix::fs::symlink(site.trim(), folder.join("pip")).unwrap();
    folder
}

/// A report without what may differ: the order of packages, and the time that pip adds to no address.
fn comparable_report(mut report: Value) -> Value {
    if let Some(items) = report["install"].as_array_mut() {
        items.sort_by_key(|item| item["metadata"]["name"].to_string());
    }
    report
}

fn wheels() -> Vec<(String, Vec<u8>)> {
    let module = |name: &str, version: &str| {
        WheelBuilder::new(name, version)
            .file(&format!("{}/__init__.py", name.replace('-', "_")), format!("version = '{version}'\n"))
            .header("Summary", "A wheel for tests")
            .header("Author", "Somebody")
    };
    let all = [
        module("simple", "1.0"),
        module("simple", "2.0"),
        module("simple", "3.0").file("simple/more.py", "more = 1\n"),
        module("simple", "2.0").build_tag("1").file("simple/build.py", "build = 1\n"),
        module("early", "1.0a1"),
        module("dep", "1.0"),
        module("dep", "2.0"),
        module("needs", "1.0").requires("dep>=1.0"),
        module("extra-needs", "1.0").extra("more").requires("dep>=1.0; extra == 'more'").requires("simple"),
        module("chain", "1.0")
            .extra("x")
            .extra("y")
            .requires("extra-needs[more]>=1; extra == 'x'")
            .requires("dep; extra == 'y'")
            .requires("chain[y]; extra == 'x'"),
        module("Mixed.Case_Name", "1.0").file("mixed.py", "x = 1\n"),
        module("scripts", "1.0")
            .entry_points(
                "[console_scripts]\nhello = scripts:main\n[gui_scripts]\nhello-gui = scripts:main\n",
            )
            .data_script("shipped", "#!python\nprint('hi')\n")
            .data_script("shell", "#!/bin/sh\necho hi\n"),
        module("everything", "1.0")
            .data("data", "share/everything/x.txt", "x")
            .data("headers", "everything.h", "int x;\n")
            .data("purelib", "everything_pure.py", "x = 1\n")
            .data("platlib", "everything_plat.py", "x = 1\n")
            .executable("everything/tool.sh", "#!/bin/sh\n"),
        module("marked", "1.0").requires("dep; python_version < '3'"),
        module("newer", "1.0").requires_python(">=4"),
        module("newer-needs", "1.0").requires("newer"),
        module("odd-scheme", "1.0").data("unknown", "x.txt", "x"),
        module("odd-script", "1.0").entry_points("[console_scripts]\nodd = odd_script\n"),
        module("plat", "1.0").tag("cp313-cp313-manylinux_2_17_x86_64").platlib(),
        module("plat", "1.0").tag("cp313-cp313-win_amd64").platlib(),
        module("plat", "1.0").tag("cp312-abi3-macosx_11_0_arm64").platlib(),
    ];
    all.iter().map(WheelBuilder::build).collect()
}
