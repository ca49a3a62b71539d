//! The project that the pages speak of: its inputs, lock, environment and history, and the index that it is locked from.

use std::path::Path;

use pipward::digest::Sha256;

use super::{folder, shell};
use crate::audit::record;
use crate::support::run::Output;
use crate::support::server::{Published, Server};
use crate::support::wheels::WheelBuilder;
use crate::support::world::{offer, wheel, write};
use crate::support::zips::{Member, Zip};

/// When everything was uploaded.
const DAY: &str = "2026-01-02T03:04:05Z";

/// The project, made once, and copied for each page.
pub(super) struct Project {
    origin: tempfile::TempDir,
    bin: tempfile::TempDir,
    index: String,
    /// Of the wheel of `mine`.
    pub(super) sha256: String,
    _server: Server,
}

/// What the index has. (These are names of real projects, since others look like them.)
fn wheels() -> Vec<WheelBuilder> {
    let mit = |name: &str, version: &str| wheel(name, version).header("License-Expression", "MIT");
    let mut all = vec![
        mit("flask", "3.0.0").requires("jinja2").requires("werkzeug"),
        mit("flask", "3.1.2").requires("jinja2").requires("werkzeug"),
        mit("jinja2", "3.1.6").requires("markupsafe"),
        mit("werkzeug", "3.1.0").requires("markupsafe"),
        mit("requests", "2.32.0").requires("urllib3"),
    ];
    for (name, version) in [
        ("markupsafe", "3.0.2"),
        ("urllib3", "2.5.0"),
        ("rich", "14.0.0"),
        ("sqlalchemy", "2.0.40"),
        ("uvicorn", "0.30.0"),
        ("numpy", "2.3.5"),
    ] {
        all.push(mit(name, version));
    }
    all
}

impl Project {
    pub(super) fn new() -> Self {
        let (server, origin, bin) = (Server::start(), folder(), folder());
        let published =
            wheels().into_iter().map(|wheel| Published::new(wheel.build()).uploaded(DAY)).collect();
        let index = offer(&server, published);
        for name in ["pipward", "pip"] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pipward"), bin.path().join(name)).unwrap();
        }
        let sha256 = Sha256::of(&wheel("mine", "1.0").build().1).to_string();
        let project = Self { origin, bin, index, sha256, _server: server };
        project.fill();
        project
    }

    fn fill(&self) {
        let directory = self.origin.path();
        for folder in ["api", "worker", "bin", "src/shop", "wheels", "dist", "app", "usr/local/bin"] {
            std::fs::create_dir_all(directory.join(folder)).unwrap();
        }
        let table = |name: &str, dependencies: &str| {
            format!(
                "[project]\nname = \"{name}\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [{dependencies}]\n"
            )
        };
        write(
            directory,
            "pyproject.toml",
            &(table("shop", "\"flask>=3\", \"requests\", \"rich\"")
                + "[project.optional-dependencies]\nflask = [\"uvicorn\"]\n"),
        );
        write(directory, "api/pyproject.toml", &table("api", "\"flask\""));
        write(directory, "worker/pyproject.toml", &table("worker", "\"rich\""));
        write(directory, "requirements.in", "flask\n");
        write(directory, "constraints.txt", "urllib3<3\n");
        write(directory, "overrides.txt", "urllib3==2.5.0\n");
        write(directory, "src/shop/__init__.py", "import flask\nimport requests\nimport rich\n");
        let (name, bytes) = wheel("mine", "1.0").build();
        for file in ["some.whl".to_owned(), format!("dist/{name}")] {
            std::fs::write(directory.join(file), &bytes).unwrap();
        }
        let quiet = record("PYSEC-2024-1", "quince", &[("introduced", "0"), ("fixed", "2")]);
        let member = Member::stored("PYSEC-2024-1.json", quiet.to_string().as_bytes());
        let database = Zip { members: vec![member], ..Zip::default() };
        std::fs::write(directory.join("all.zip"), database.bytes()).unwrap();
        let key = "ssh-keygen -q -t ed25519 -N '' -C me@example.org -f";
        for line in [
            &format!("{key} id_lock")[..],
            "mkdir -p home/.ssh && cp id_lock home/.ssh/id_ed25519",
            "printf 'me@example.org %s\\n' \"$(cut -d' ' -f1,2 id_lock.pub)\" > allowed_signers",
            "pipward lock -q",
            "pipward install -q -r pylock.toml --venv .venv",
            "pipward download -q -r pylock.toml -d wheels",
            "pipward lock -q -r requirements.in --format requirements -o requirements.txt",
            "pipward audit -q --update-db all.zip",
            "pipward lock -q --sign-key id_lock",
            "git init -q -b main . && git add pylock.toml pyproject.toml && git commit -qm one",
            "git update-ref refs/remotes/origin/main main",
        ] {
            self.run(directory, line).ok();
        }
    }

    /// The project, as it is prepared, in a folder of its own.
    pub(super) fn copy(&self) -> tempfile::TempDir {
        let copy = folder();
        self.run(copy.path(), &format!("cp -a {}/. .", self.origin.path().display())).ok();
        copy
    }

    /// Runs a command line in a copy. Its home and its cache lie beside the project, as those of a user would.
    pub(super) fn run(&self, directory: &Path, line: &str) -> Output {
        shell(directory, self.bin.path(), line)
            .env("PIP_INDEX_URL", &self.index)
            .env("HOME", directory.join("home"))
            .env("PIPWARD_CACHE_DIR", directory.join("home/cache"))
            .env("VIRTUAL_ENV", directory.join(".venv"))
            .env("GITHUB_STEP_SUMMARY", directory.join("summary.md"))
            .env("GIT_AUTHOR_NAME", "t")
            .env("GIT_AUTHOR_EMAIL", "t@example.org")
            .env("GIT_COMMITTER_NAME", "t")
            .env("GIT_COMMITTER_EMAIL", "t@example.org")
            .run()
    }
}
