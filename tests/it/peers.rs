//! Locks that the other tools write install with pipward.

use std::path::Path;

use crate::support::offline;
use crate::support::peers::peers;
use crate::support::run::{Run, pipward, scratch};

/// Small, yet with extras, dependencies of dependencies, compiled wheels and scripts.
const ROOTS: &[&str] = &["flask[async]", "pyyaml", "black"];
const IMPORTS: &str = "import flask, asgiref, yaml, black, markupsafe";

/// Installs what `write` leaves at the path that it is given.
fn check(file: &str, write: impl FnOnce(&Path, &Path)) {
    if offline() {
        return;
    }
    let scratch = scratch();
    let lock = scratch.path().join(file);
    write(scratch.path(), &lock);
    let environment = scratch.path().join("env");
    pipward(["install", "-r"])
        .arg(&lock)
        .arg("--venv")
        .arg(&environment)
        .arg("--python")
        .arg(&peers().base.executable)
        .shared_cache()
        .run()
        .ok();
    pipward(["verify"]).arg(&environment).arg("-r").arg(&lock).run().ok();
    Run::new(environment.join("bin/python")).args(["-I", "-B", "-c", IMPORTS]).run().ok();
}

fn requirements_in(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("requirements.in");
    std::fs::write(&path, ROOTS.join("\n") + "\n").unwrap();
    path
}

#[test]
fn the_lock_of_pip_lock_installs() {
    check("pylock.toml", |_, lock| {
        peers().pip(["lock", "--only-binary", ":all:", "-o"]).arg(lock).args(ROOTS).run().ok();
    });
}

#[test]
fn the_lock_of_uv_pip_compile_installs() {
    check("pylock.toml", |directory, lock| {
        let uv = peers().uv(["pip", "compile", "--format", "pylock.toml", "--preview-features", "pylock"]);
        uv.arg("--python")
            .arg(&peers().base.executable)
            .arg("-o")
            .arg(lock)
            .arg(requirements_in(directory))
            .run()
            .ok();
    });
}

#[test]
fn the_lock_of_uv_export_installs() {
    check("pylock.toml", |directory, lock| {
        let roots: Vec<String> = ROOTS.iter().map(|root| format!("{root:?}")).collect();
        let project = format!(
            "[project]\nname = \"demo\"\nversion = \"1\"\nrequires-python = \">=3.11\"\n\
             dependencies = [{}, \"colorama; sys_platform == 'win32'\"]\n",
            roots.join(", ")
        );
        std::fs::write(directory.join("pyproject.toml"), project).unwrap();
        let uv = peers().uv(["export", "--format", "pylock.toml", "--preview-features", "pylock"]);
        uv.args(["--no-emit-project", "--python"])
            .arg(&peers().base.executable)
            .arg("-o")
            .arg(lock)
            .dir(directory)
            .run()
            .ok();
    });
}

#[test]
fn the_requirements_of_uv_pip_compile_install() {
    check("requirements.txt", |directory, lock| {
        let uv = peers().uv(["pip", "compile", "--generate-hashes", "--python"]);
        uv.arg(&peers().base.executable).arg("-o").arg(lock).arg(requirements_in(directory)).run().ok();
    });
}

#[test]
fn the_requirements_of_pip_tools_install() {
    check("requirements.txt", |directory, lock| {
        let compile = peers().pip_compile(["--generate-hashes", "--quiet", "--strip-extras", "-o"]);
        compile.arg(lock).arg(requirements_in(directory)).run().ok();
    });
}
