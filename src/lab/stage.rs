//! The folder of one scenario, and the programs that run in it: pipward, pip, and the Python that would run the payload.
//!
//! Never: hands on the environment of the user, who may have an index, a proxy or passwords in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::index::Index;
use super::{Bench, Played, signed};
use crate::error::{Code, Place, Problem, io};

/// Who did a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The story teller: what happens between two commands.
    Story,
    /// pip, and the Python that imports what it installed.
    Pip,
    /// pipward.
    Pipward,
}

/// One step of a scenario.
#[derive(Debug, Clone)]
pub struct Step {
    /// Who did it.
    pub who: Who,
    /// What was typed, or what happened.
    pub what: String,
    /// How it ended.
    pub exit: Option<i32>,
    /// What was said, both outputs of it, in lines.
    pub said: String,
}

/// The folder, what has happened in it, and what is needed to go on.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    bench: Bench,
    /// This program, which is started as anybody would start it.
    pipward: PathBuf,
    has_pip: bool,
    played: Played,
}

impl Stage {
    pub(super) fn new(bench: &Bench) -> Result<Self, Problem> {
        let folder = tempfile::Builder::new().prefix("pipward-lab-").tempdir();
        let folder = folder.map_err(|error| io("making a directory", std::env::temp_dir(), &error))?;
        let played = Played { steps: Vec::new(), ran_with_pip: None, codes: Vec::new() };
        let pipward = std::env::current_exe().map_err(|error| {
            Problem::new(Code::Internal, "the place of this program is not known").cause(error)
        })?;
        let mut stage = Self { folder, bench: bench.clone(), pipward, has_pip: false, played };
        let mut command = stage.command(&bench.python);
        command.args(["-I", "-m", "pip", "--version"]);
        stage.has_pip = command.output().is_ok_and(|output| output.status.success());
        Ok(stage)
    }

    pub(super) fn end(self) -> Played {
        self.played
    }

    pub(super) fn index(&self) -> Result<Index, Problem> {
        Index::start(self.bench.now)
    }

    /// An index, and a configuration that names it.
    pub(super) fn configured(&self) -> Result<Index, Problem> {
        let index = self.index()?;
        self.configure(&[("own", &index.pages(), "")])?;
        Ok(index)
    }

    /// Writes a configuration of indexes: name, address, and what else is said of each.
    pub(super) fn configure(&self, indexes: &[(&str, &str, &str)]) -> Result<(), Problem> {
        let one = |(name, url, more): &(&str, &str, &str)| {
            format!("[[index]]\nname = \"{name}\"\nurl = \"{url}\"\n{more}\n")
        };
        self.write("pipward.toml", &indexes.iter().map(one).collect::<Vec<_>>().join("\n"))
    }

    /// Adds to the configuration whom the signatures of the scenarios go back to.
    pub(super) fn trust(&self) -> Result<(), Problem> {
        self.write("root.json", signed::ROOT)?;
        let before = self.read("pipward.toml")?;
        self.write("pipward.toml", &format!("{before}\n[policy]\nsigstore-root = \"root.json\"\n"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Tells what happens between two commands.
    pub(super) fn tell(&mut self, what: &str) {
        self.played.steps.push(Step {
            who: Who::Story,
            what: what.to_owned(),
            exit: None,
            said: String::new(),
        });
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Problem> {
        let path = self.path(name);
        std::fs::write(&path, text).map_err(|error| io("writing", &path, &error))
    }

    pub(super) fn read(&self, name: &str) -> Result<String, Problem> {
        let path = self.path(name);
        std::fs::read_to_string(&path).map_err(|error| io("reading", &path, &error))
    }

    /// A file of the environment `env`, wherever its Python keeps modules.
    pub(super) fn installed(&self, file: &str) -> Option<String> {
        let lib = std::fs::read_dir(self.path("env/lib")).ok()?;
        let found = lib
            .flatten()
            .map(|entry| entry.path().join("site-packages").join(file))
            .find(|path| path.is_file());
        Some(found?.strip_prefix(self.folder.path()).ok()?.display().to_string())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).current_dir(self.folder.path());
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8");
        command.env("TMPDIR", self.folder.path()).env("PIP_CONFIG_FILE", "/dev/null");
        command.env("PIPWARD_CACHE_DIR", self.path("cache")).env("PIPWARD_LAB_MARK", self.path("mark"));
        command
    }

    /// Runs something, and notes what came of it. Paths of the folder are not told: they are other ones each time.
    fn run(&mut self, who: Who, what: String, mut command: Command) -> Result<&Step, Problem> {
        crate::way::check_interrupted()?;
        let program = PathBuf::from(command.get_program());
        let output = command.output().map_err(|error| io("starting a program", &program, &error))?;
        // Ctrl-C reaches what was started as well: how that ended says nothing.
        crate::way::check_interrupted()?;
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        let said = said.replace(&format!("{}/", self.folder.path().display()), "");
        self.played.steps.push(Step {
            who,
            what,
            exit: output.status.code(),
            said: said.trim_end().to_owned(),
        });
        let failed = || Problem::new(Code::Internal, "a step was not kept");
        self.played.steps.last().ok_or_else(failed)
    }

    /// `pip install` of these words into a folder, and then what the next start of Python and an import of `module` do.
    pub(super) fn pip(&mut self, words: &[&str], module: &str) -> Result<(), Problem> {
        if !self.has_pip {
            return Ok(());
        }
        let python = self.bench.python.clone();
        let mut command = self.command(&python);
        command.args([
            "-I",
            "-m",
            "pip",
            "install",
            "--isolated",
            "--disable-pip-version-check",
            "--no-cache-dir",
        ]);
        command
            .args(["--no-deps", "--no-compile", "-q", "--root-user-action", "ignore", "--target", "taken"])
            .args(words);
        let ended = self.run(Who::Pip, format!("pip install {}", words.join(" ")), command)?.exit;
        if ended != Some(0) {
            return Ok(());
        }
        let mut command = self.command(&python);
        let script = format!("import site; site.addsitedir('taken'); import {module}");
        command.args(["-I", "-B", "-c", &script]);
        self.run(Who::Pip, format!("python -c 'import {module}'"), command)?;
        self.played.ran_with_pip = Some(self.path("mark").exists());
        Ok(())
    }

    /// `pipward` with these words, to end as told: with a code, or well.
    pub(super) fn pipward(&mut self, words: &[&str], code: Option<Code>) -> Result<(), Problem> {
        let (exit, said) = self.start(words)?;
        let is_told = code.map_or(exit == Some(0), |code| said.contains(code.name()));
        self.expect(is_told, code.map_or("exit code 0", Code::name))?;
        if let Some(code) = code.filter(|code| !self.played.codes.contains(code)) {
            self.played.codes.push(code);
        }
        Ok(())
    }

    /// The same, to end with 1, and to tell of these before anything else, in this order.
    pub(super) fn alarmed(&mut self, words: &[&str], alarms: &[&str]) -> Result<(), Problem> {
        let (exit, said) = self.start(words)?;
        let places: Vec<Option<usize>> =
            alarms.iter().map(|alarm| said.lines().position(|line| line.contains(alarm))).collect();
        let is_first = places.first().is_some_and(|first| first.is_some_and(|line| line < 2));
        self.expect(
            exit == Some(1) && is_first && places.iter().all(Option::is_some) && places.is_sorted(),
            "an alarm",
        )
    }

    fn start(&mut self, words: &[&str]) -> Result<(Option<i32>, String), Problem> {
        let mut command = self.command(&self.pipward);
        command.args(words);
        if let Some(&("install" | "diff")) = words.first() {
            command.arg("--python").arg(&self.bench.python);
        }
        let what = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let step = self.run(Who::Pipward, format!("pipward {what}"), command)?;
        Ok((step.exit, step.said.clone()))
    }

    /// The last step said what it has to, and no payload has run by it.
    fn expect(&self, is_told: bool, expected: &str) -> Result<(), Problem> {
        let has_run = self.path("mark").exists() && self.played.ran_with_pip != Some(true);
        let last = self.played.steps.last().filter(|_| !is_told || has_run);
        match last {
            None => Ok(()),
            Some(step) => Err(Problem::new(Code::Internal, "the scenario did not go as it has to")
                .at(Place::file(&step.what))
                .expected(expected)
                .found(&step.said)),
        }
    }

    /// Installs the lock of the folder into `env`, to end as told.
    pub(super) fn install(&mut self, code: Option<Code>) -> Result<(), Problem> {
        self.pipward(&["install", "-r", "pylock.toml", "--venv", "env"], code)
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{word}'") }
}
