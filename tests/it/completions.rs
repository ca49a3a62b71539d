//! The scripts of `completion`, run by the shells themselves: what stands on the line after a tab.

use std::path::Path;

use crate::commands::Place;
use crate::support::loudly;
use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, pipward, vendored};

/// Runs an interactive shell on a terminal of its own, types, and lets the shell write down its line.
///
/// Arguments: a file, a line that prepares the shell, what to type (one argument each), `--`, and the shell's words.
/// Ctrl-T is what the prepared shell writes its line into the file by.
const TYPIST: &str = r#"
import os, pty, select, sys, time
out, prepare, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
at = rest.index("--")
typed, shell = rest[:at], rest[at + 1:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(shell[0], shell)
seen = b""
def lines():
    try:
        with open(out) as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []
def send(text, wanted):
    global seen
    os.write(terminal, text.encode())
    end = time.monotonic() + 60
    while len(lines()) < wanted:
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
        if time.monotonic() > end:
            break
    if len(lines()) < wanted:
        sys.exit("nothing came of %r: %s" % (text, seen.decode(errors="replace")))
send(prepare + "\n", 1)
for number, text in enumerate(typed):
    send(text + "\t\x14", number + 2)
os.write(terminal, b"\x04")
print("\n".join(lines()[1:]))
"#;

/// A folder with `pipward`, `pip` and `pip3`, and beside it a project with a lock.
struct Ground {
    place: Place,
}

impl Ground {
    fn new() -> Self {
        let place = Place::with(&[]);
        std::fs::create_dir(place.path("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pipward"), place.path("bin/pipward")).unwrap();
        pipward(["shim"]).arg(place.path("bin")).run().ok();
        std::fs::create_dir(place.path("project")).unwrap();
        std::fs::copy(vendored("pylock.toml"), place.path("project/pylock.toml")).unwrap();
        Self { place }
    }

    /// The scripts for a shell, as `pipward` and `pip` print them, in one file.
    fn script(&self, shell: &str) -> std::path::PathBuf {
        let print =
            |name: &str| self.run(&self.place.path("bin").join(name), &["completion", shell]).ok().stdout;
        let path = self.place.path("script");
        std::fs::write(&path, print("pipward") + &print("pip")).unwrap();
        path
    }

    fn run(&self, program: &Path, words: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap();
        Run::new(program)
            .args(words)
            .env("PATH", format!("{}:{path}", self.place.path("bin").display()))
            .env("TERM", "dumb")
            .dir(self.place.path("project"))
            .run()
    }

    /// What each of [`CASES`] becomes in a shell that is started by `words` and prepared by a line.
    #[track_caller]
    fn completes(&self, words: &[&str], prepare: &str) {
        let out = self.place.path("lines.txt").display().to_string();
        let prepare = prepare.replace("OUT", &out);
        let mut arguments = vec!["-I", "-c", TYPIST, &out, &prepare];
        arguments.extend(CASES.iter().map(|(typed, _)| *typed));
        arguments.push("--");
        arguments.extend(words);
        let told = self.run(&any_python().executable, &arguments).ok();
        let expected: Vec<&str> = CASES.iter().map(|(_, expected)| *expected).collect();
        let found: Vec<&str> = told.stdout.lines().map(str::trim_end).collect();
        assert_eq!(found, expected, "{}", told.told());
    }
}

/// What is typed, and what is on the line after a tab.
const CASES: &[(&str, &str)] = &[
    ("pipward inst", "pipward install"),
    ("pipward install --requirem", "pipward install --requirement"),
    ("pipward install -q pipward-demo-to", "pipward install -q pipward-demo-tool"),
    ("pipward lock --resol", "pipward lock --resolution"),
    ("pip uninst", "pip uninstall"),
    ("pip install --require-h", "pip install --require-hashes"),
    ("pip install pipward-demo-to", "pip install pipward-demo-tool"),
    ("pip3 show pipward-demo-to", "pip3 show pipward-demo-tool"),
    ("pip3 list --outd", "pip3 list --outdated"),
    ("pip3 uninstall -y pipward-demo-to", "pip3 uninstall -y pipward-demo-tool"),
];

/// Whether a shell is here; a line says so where it is not.
fn has(shell: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .any(|directory| directory.join(shell).is_file());
    if !found {
        loudly(&format!("SKIPPED: completions: no {shell} on this machine"));
    }
    found
}

#[test]
fn bash_completes_options_and_locked_names() {
    if !has("bash") {
        return;
    }
    let ground = Ground::new();
    let script = ground.script("--bash");
    let prepare = format!(
        "tell() {{ printf '%s\\n' \"$READLINE_LINE\" >> OUT; READLINE_LINE=; }}; source {}; \
         bind -x '\"\\C-t\": tell' 2>/dev/null; bind 'set bell-style none'; echo ready >> OUT",
        script.display()
    );
    ground.completes(&["bash", "--norc", "--noprofile", "-i"], &prepare);
}

#[test]
fn zsh_completes_options_and_locked_names() {
    if !has("zsh") {
        return;
    }
    let ground = Ground::new();
    let script = ground.script("--zsh");
    let prepare = format!(
        "PROMPT=; autoload -U compinit; compinit -u -D; source {}; \
         tell() {{ print -r -- \"$BUFFER\" >> OUT; BUFFER= }}; zle -N tell; bindkey '^T' tell; bindkey '^I' complete-word; \
         echo ready >> OUT",
        script.display()
    );
    ground.completes(&["zsh", "-f", "-i"], &prepare);
}

/// fish tells the completions of a line itself.
#[test]
fn fish_completes_options_and_locked_names() {
    if !has("fish") {
        return;
    }
    let ground = Ground::new();
    let script = ground.script("--fish");
    let asked: String =
        CASES.iter().map(|(typed, _)| format!("complete -C '{typed}'; echo ENDED\n")).collect();
    let text = format!("source {}\n{asked}", script.display());
    let told = ground.run(Path::new("fish"), &["--no-config", "-c", &text]).ok();
    let answers: Vec<&str> = told.stdout.split("ENDED\n").collect();
    for ((typed, expected), answer) in CASES.iter().zip(answers) {
        let word = expected.rsplit(' ').next().unwrap();
        let first = answer.lines().next().unwrap_or_default();
        assert_eq!(first.split('\t').next(), Some(word), "{typed}: {answer}\n{}", told.told());
    }
}

/// A page of the manual for each command, that `man` could show, the same each time.
#[test]
fn each_command_has_a_manual_page() {
    let place = Place::with(&[]);
    let help = pipward(["--help"]).run().ok().stdout;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    pipward(["man"]).arg(place.path("man")).run().ok().stdout_has("manual pages are in");
    pipward(["man"]).arg(place.path("again")).run().ok();
    let mut names = vec!["pipward".to_owned()];
    let rows =
        commands.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.extend(
        rows.filter_map(|row| row.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(|name| format!("pipward-{name}")),
    );
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let read = |folder: &str| std::fs::read_to_string(place.path(&format!("{folder}/{name}.1"))).unwrap();
        let page = read("man");
        assert!(
            page.contains(".TH") && page.contains(".SH SYNOPSIS") && page.contains(".SH OPTIONS"),
            "{name}: {page}"
        );
        assert_eq!(page, read("again"), "{name}");
    }
}
