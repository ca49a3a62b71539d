//! The Dockerfiles of docs/docker.md, built and started in a root of Debian's packages that has no pip.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::debian::{PYTHON, Root};
use crate::support::run::{Run, pipward, repository, scratch};
use crate::support::server::Server;
use crate::support::wheels::WheelBuilder;
use crate::support::world::publish;

/// What lies around a build: the context, and what comes from outside.
struct Outside {
    scratch: tempfile::TempDir,
    index: String,
}

/// One stage.
struct Stage {
    root: Root,
    variables: BTreeMap<String, String>,
    directory: String,
    command: Vec<String>,
}

const OPEN: &str = "The shop is open: plum 1.0, pear 2.0\n";

fn shop() -> [WheelBuilder; 3] {
    let text = "import pear, plum\ndef main():\n    print(f'The shop is open: plum {plum.version}, pear {pear.version}')\n";
    let shop = WheelBuilder::new("shop", "1.0")
        .file("shop/__init__.py", text)
        .file("shop/__main__.py", "from shop import main\nmain()\n")
        .requires("plum")
        .requires("pear>=2")
        .entry_points("[console_scripts]\nshop = shop:main\n");
    let fruit = |name: &str, version: &str| {
        WheelBuilder::new(name, version).file(&format!("{name}.py"), format!("version = '{version}'\n"))
    };
    [shop, fruit("plum", "1.0"), fruit("pear", "2.0")]
}

impl Outside {
    fn new(server: &Server) -> Self {
        let scratch = scratch();
        let context = scratch.path().join("context");
        std::fs::create_dir(&context).unwrap();
        let index = publish(server, shop().into());
        let lock = |file: &str| {
            let locks = pipward(["lock", "shop", "--no-universal", "--python-version", "3.11", "-o", file]);
            locks.args(["-i", &index]).dir(&context).run().ok();
        };
        lock("pylock.toml");
        lock("requirements.txt");
        pipward(["download", "-d", "wheels", "-r", "requirements.txt", "-i", &index])
            .dir(&context)
            .run()
            .ok();
        std::fs::write(context.join("handler.py"), "import shop\nshop.main()\n").unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_pipward"));
        if std::fs::hard_link(binary, context.join("pipward")).is_err() {
            std::fs::copy(binary, context.join("pipward")).unwrap();
        }
        Self { scratch, index }
    }

    /// Builds a Dockerfile; the last stage is what comes of it.
    fn build(&self, text: &str, number: usize) -> Option<Stage> {
        let mut stages: Vec<(String, Stage)> = Vec::new();
        for line in text.replace("\\\n", " ").lines().filter(|line| !line.trim().is_empty()) {
            let (word, rest) = line.split_once(' ').unwrap();
            if word == "FROM" {
                let (image, name) = rest.split_once(" AS ").unwrap_or((rest, ""));
                assert_eq!(image, "debian:bookworm-slim");
                let path = self.scratch.path().join(format!("root-{number}-{}", stages.len()));
                let root = Root::copy(PYTHON, path)?;
                assert!(!root.path("/usr/lib/python3/dist-packages/pip").exists());
                let variables = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/root")];
                let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
                let stage = Stage { root, variables, directory: "/".to_owned(), command: Vec::new() };
                stages.push((name.to_owned(), stage));
                continue;
            }
            let (mut before, last) = (std::mem::take(&mut stages), None::<Stage>);
            let (name, mut stage) = before.pop().unwrap();
            assert!(last.is_none());
            self.step(&mut stage, word, rest, &before);
            before.push((name, stage));
            stages = before;
        }
        stages.pop().map(|(_, stage)| stage)
    }

    fn step(&self, stage: &mut Stage, word: &str, rest: &str, before: &[(String, Stage)]) {
        match word {
            "RUN" => self.run(stage, rest),
            "COPY" => {
                let (from, paths) = match rest.strip_prefix("--from=") {
                    None => (None, rest),
                    Some(rest) => rest.split_once(' ').map(|(name, paths)| (Some(name), paths)).unwrap(),
                };
                let mut paths: Vec<&str> = paths.split(' ').collect();
                let to = stage.root.path(Path::new(&stage.directory).join(paths.pop().unwrap()));
                for path in paths {
                    let from = match from {
                        None => self.scratch.path().join("context").join(path),
                        Some(name) => {
                            before.iter().find(|(other, _)| other == name).unwrap().1.root.path(path)
                        }
                    };
                    copy(&from, &to);
                }
            }
            "ENV" => {
                let (name, value) = rest.split_once('=').unwrap();
                stage.variables.insert(name.to_owned(), value.to_owned());
            }
            "ARG" => {
                assert_eq!(rest, "PIP_INDEX_URL");
                stage.variables.insert(rest.to_owned(), self.index.clone());
            }
            "USER" => {
                stage.variables.insert("HOME".to_owned(), format!("/home/{rest}"));
            }
            "WORKDIR" => {
                rest.clone_into(&mut stage.directory);
                std::fs::create_dir_all(stage.root.path(rest)).unwrap();
            }
            "CMD" => stage.command = serde_json::from_str(rest).unwrap(),
            _ => panic!("{word} is not a word of these files"),
        }
    }

    fn run(&self, stage: &Stage, rest: &str) {
        if rest.starts_with("apt-get ") {
            // The root is made of what apt would have installed.
            assert!(rest.contains("--no-install-recommends python3 "));
            return;
        }
        if let Some(user) = rest.strip_prefix("useradd --create-home ") {
            return std::fs::create_dir_all(stage.root.path("/home").join(user)).unwrap();
        }
        let (network, command) = match rest.strip_prefix("--network=none ") {
            Some(command) => (false, command),
            None => (true, rest),
        };
        let told = stage.run(&["/bin/sh", "-c", command], network).ok();
        assert!(told.stdout.contains("Successfully installed pear-2.0 plum-1.0 shop-1.0"), "{}", told.told());
        assert_eq!(told.stderr, "", "{}", told.told());
    }
}

impl Stage {
    fn run(&self, words: &[&str], network: bool) -> crate::support::run::Output {
        let variables: Vec<(String, String)> = self.variables.clone().into_iter().collect();
        self.root.run(words, &self.directory, &variables, network)
    }
}

/// Docker's COPY: the content of a folder, or a file into a folder or by a new name.
fn copy(from: &Path, to: &Path) {
    let is_folder = from.is_dir() || to.is_dir() || to.as_os_str().to_string_lossy().ends_with('/');
    std::fs::create_dir_all(if is_folder { to } else { to.parent().unwrap() }).unwrap();
    let from: PathBuf = if from.is_dir() { from.join(".") } else { from.to_owned() };
    Run::new("cp").arg("-a").arg(from).arg(to).run().ok();
}

#[test]
fn the_dockerfiles_of_the_documentation_work_without_pip() {
    let server = Server::start();
    let outside = Outside::new(&server);
    let text = std::fs::read_to_string(repository().join("docs/docker.md")).unwrap();
    let files: Vec<&str> =
        text.split("```dockerfile\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
    assert_eq!(files.len(), 5);
    for (number, file) in files.iter().enumerate() {
        let Some(stage) = outside.build(file, number) else { return };
        let command: Vec<&str> = stage.command.iter().map(String::as_str).collect();
        let told = stage.run(&command, false).ok();
        assert_eq!((told.stdout.as_str(), told.stderr.as_str()), (OPEN, ""), "{}", told.told());
        // Whatever way it came, the module can be started.
        if !file.contains("--target") {
            assert_eq!(stage.run(&["python3", "-m", "shop"], false).ok().stdout, OPEN);
        }
    }
}
