//! README.md and docs/, run: every command line in them, in the order of each page, against an index of our own.
//!
//! Command lines are those of fenced blocks (`sh`, `console`, and what starts pipward or pip in `dockerfile`, `yaml` and plain
//! ones) and code in running text that begins with `pipward` or `cargo`. A block that needs what a test machine lacks says so in a comment
//! before it: `<!-- needs: WHAT -->`. Absolute paths in a Dockerfile are those of an image: its root is the folder of the test, and
//! nothing else may name one. A plain block that begins with `# NAME.txt` is that file. What ends with another exit code than 0 is told by `<!-- ends: 1 -->`.

mod links;
mod project;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::loudly;
use crate::support::run::{Run, repository, scratch};
use project::Project;

/// A command line of a page.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    /// Where it stands, counted from 1.
    at: usize,
    /// What it needs and a test machine lacks.
    needs: Option<String>,
    exit: i32,
    /// Whether it stands in running text: then it starts from the project as it is prepared.
    is_inline: bool,
}

/// The page whose Dockerfiles are run as they stand by another test, in roots made of Debian's packages.
const ELSEWHERE: (&str, &str) = ("docs/docker.md", "tests/it/docker.rs");

/// What stands for something that readers have to put there, and what the test puts there.
const PLACEHOLDERS: [(&str, &str); 9] = [
    ("NAME", "flask"),
    ("KEY", "id_lock"),
    ("DIR", "bin"),
    ("URL", "all.zip"),
    ("CODE", "hash-mismatch"),
    ("COMMAND", "lock"),
    ("FILE", "some.whl"),
    ("ENV", ".venv"),
    ("https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip", "all.zip"),
];

/// Commands that running text calls by their name alone, and that do nothing without more words: their help is asked for.
const NAMES: [&str; 7] = ["add", "audit-names", "diff", "download", "hash", "install", "shim"];

/// README.md, and every page of docs/.
pub fn pages() -> Vec<PathBuf> {
    let mut found = vec![repository().join("README.md")];
    let mut open = vec![repository().join("docs")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(page: &Path) -> String {
    page.strip_prefix(repository()).unwrap().display().to_string()
}

/// The command lines of a page.
fn lines(text: &str) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    let (mut fence, mut needs, mut exit, mut goes_on) = (None::<String>, None::<String>, 0, false);
    let mut file: Option<Line> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim();
        let comment = |what: &str| {
            trimmed.strip_prefix(&format!("<!-- {what}: "))?.strip_suffix(" -->").map(str::to_owned)
        };
        if let Some(language) = trimmed.strip_prefix("```") {
            let is_open = fence.is_none();
            fence = is_open.then(|| language.to_owned());
            if !is_open {
                (needs, exit) = (None, 0);
                found.extend(file.take());
            }
        } else if let Some(content) = &mut file {
            content.text.push_str(&format!("{line}\n"));
        } else if let Some(language) = &fence {
            if language.is_empty() && trimmed.starts_with("# ") && trimmed.ends_with(".txt") {
                let text = format!("{}\0", trimmed.trim_start_matches("# "));
                file = Some(Line { text, at: number, needs: None, exit: 0, is_inline: false });
                continue;
            }
            let command = if goes_on { Some(trimmed) } else { command(language, trimmed) };
            let Some(command) = command else { continue };
            let whole = command.trim_end_matches('\\').trim_end();
            if goes_on {
                let last = found.last_mut().unwrap();
                last.text = format!("{} {whole}", last.text);
            } else {
                found.push(Line {
                    text: if language == "dockerfile" { in_image(whole) } else { whole.to_owned() },
                    at: number,
                    needs: needs.clone(),
                    exit,
                    is_inline: false,
                });
            }
            goes_on = command.ends_with('\\');
        } else if let Some(what) = comment("needs") {
            needs = Some(what);
        } else if let Some(status) = comment("ends") {
            exit = status.parse().unwrap();
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            let is_command = |span: &&str| ["pipward ", "cargo "].iter().any(|head| span.starts_with(head));
            found.extend(spans.filter(is_command).map(|span| Line {
                text: span.to_owned(),
                at: number,
                needs: span.starts_with("cargo ").then(|| "minutes: it builds pipward".to_owned()),
                exit: 0,
                is_inline: true,
            }));
        }
    }
    found
}

/// A line of a Dockerfile, with the folder for the root of the image.
fn in_image(line: &str) -> String {
    line.split(' ')
        .map(|word| if word.starts_with('/') { format!(".{word}") } else { word.to_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a line names a place outside of the folder that it is run in.
fn leaves(line: &str) -> bool {
    let is_word = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "./:-_~".contains(c));
    let absolute = line.match_indices('/').any(|(at, _)| is_word(at) && !line[at..].starts_with("/bin/sh"));
    absolute || line.contains("../") || line.contains("sudo ")
}

/// The command of a line in a fenced block, if it is one.
fn command<'l>(language: &str, line: &'l str) -> Option<&'l str> {
    match language {
        "console" => line.strip_prefix("$ "),
        "sh" => Some(line).filter(|line| !line.is_empty() && !line.starts_with('#')),
        // Of a file for another program, what starts ours.
        "dockerfile" | "yaml" | "" => {
            let line = line.trim_start_matches("- ");
            let line =
                ["RUN ", "run: ", "entry: "].iter().find_map(|head| line.strip_prefix(head)).unwrap_or(line);
            ["pipward ", "pip "].iter().any(|head| line.starts_with(head)).then_some(line)
        }
        _ => None,
    }
}

/// The command with what stands for something replaced; `None` where something is left open.
fn filled(text: &str) -> Option<String> {
    if text.contains('\0') {
        return Some(text.replace('…', "SHA256"));
    }
    let text = text.split_once("    #").or(text.split_once("  # ")).map_or(text, |(text, _)| text);
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let found = PLACEHOLDERS.iter().find(|(open, _)| word == *open);
        words.push(found.map_or_else(|| word.to_owned(), |(_, put)| (*put).to_owned()));
    }
    let text = words.join(" ");
    if let Some(name) = text.strip_prefix("pipward ").filter(|name| NAMES.contains(name)) {
        return Some(format!("pipward {name} --help"));
    }
    (!text.contains('…')).then(|| text.trim_end().to_owned())
}

#[test]
fn every_command_line_of_the_pages_runs() {
    let project = Project::new();
    let (mut run, mut failed, mut left) = (0, Vec::new(), BTreeMap::<String, usize>::new());
    // What stands in running text starts from the same project each time, and so ends alike each time.
    let (mut known, mut elsewhere) = (BTreeSet::new(), 0);
    for page in pages() {
        let page_name = name(&page);
        let text = std::fs::read_to_string(&page).unwrap();
        let ground = project.copy();
        for line in lines(&text) {
            let is_elsewhere = !line.is_inline && page_name == ELSEWHERE.0;
            let Some(filled) = filled(&line.text) else {
                *left.entry("something to be put in by the reader (…)".to_owned()).or_default() += 1;
                continue;
            };
            if let Some(needs) = &line.needs {
                *left.entry(needs.clone()).or_default() += 1;
                continue;
            }
            if is_elsewhere {
                elsewhere += 1;
                continue;
            }
            if let Some((file, content)) = filled.split_once('\0') {
                std::fs::write(ground.path().join(file), content.replace("SHA256", &project.sha256)).unwrap();
                continue;
            }
            assert!(
                !leaves(&filled),
                "{page_name}:{}: {filled}: this is not run on anybody's machine",
                line.at
            );
            run += 1;
            if line.is_inline && !known.insert(filled.clone()) {
                continue;
            }
            let own = line.is_inline.then(|| project.copy());
            let ended = project.run(own.as_ref().unwrap_or(&ground).path(), &filled);
            if ended.code != Some(line.exit) {
                failed.push(format!("{page_name}:{}: {filled}\n{}", line.at, ended.told()));
            }
        }
    }
    for (what, count) in &left {
        loudly(&format!("not run here: {count} that need {what}"));
    }
    let (page, test) = ELSEWHERE;
    loudly(&format!("{elsewhere} command lines of {page} are run by {test}, in roots of their own"));
    let count: usize = left.values().sum();
    loudly(&format!("{run} command lines of README.md and docs/ run; {count} need what is not here"));
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(run > 80, "{run}");
}

#[test]
fn command_lines_are_found() {
    let page = "`pipward a` and `b`\n```console\n$ pipward c \\\n    --d\nout\n```\n<!-- needs: x -->\n```yaml\n  - run: pipward e\n  - f\n\
                ```\n<!-- ends: 1 -->\n```sh\n# no\ng  # h\n```\n";
    let found: Vec<_> =
        lines(page).into_iter().map(|line| (line.text, line.at, line.needs, line.exit)).collect();
    let some = |text: &str| Some(text.to_owned());
    let line = |text: &str, at, needs, exit| (text.to_owned(), at, needs, exit);
    assert_eq!(
        found,
        [
            line("pipward a", 1, None, 0),
            line("pipward c --d", 3, None, 0),
            line("pipward e", 9, some("x"), 0),
            line("g  # h", 15, None, 1),
        ]
    );
    assert_eq!(filled("g NAME  # h"), some("g flask"));
    assert_eq!(filled("g x#sha256=…"), None);
    assert_eq!(in_image("pipward shim --force /usr/local/bin"), "pipward shim --force ./usr/local/bin");
    for line in ["x /usr/bin", "x --y=/usr", "x >/dev/sda", "x \"/a\"", "x ../y", "sudo x"] {
        assert!(leaves(line), "{line}");
    }
    for line in ["x ./usr/bin", "x a/b", "x https://a.example/b", "x '#!/bin/sh'", "x ~/.ssh/id"] {
        assert!(!leaves(line), "{line}");
    }
}

/// Runs a line as a shell does, with pipward and pip on the path.
fn shell(directory: &Path, path: &Path, line: &str) -> Run {
    let rest = std::env::var("PATH").unwrap_or_default();
    Run::new("/bin/sh").args(["-ec", line]).dir(directory).env("PATH", format!("{}:{rest}", path.display()))
}

/// A folder of its own.
fn folder() -> tempfile::TempDir {
    scratch()
}
