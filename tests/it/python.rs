//! Interpreters and environments, against what real Pythons and `packaging` say.

use std::path::{Path, PathBuf};
use std::process::Command;

use pipward::python::{self, Interpreter, PythonRequest, venv};

use super::support::peers::peers;
use super::support::pythons::{any_python, each_python};
use super::support::run::{pipward, scratch};
use super::support::server::{Response, Server};
use super::support::tree::{assert_same, tree};
use super::support::{loudly, offline};

const ALL: &[&str] = &["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"];

fn made(prefix: &Path, executable: &Path) -> Interpreter {
    venv::create(prefix, &python::probe(executable, None).unwrap()).unwrap()
}

fn say(executable: &Path, script: &str) -> String {
    let output = Command::new(executable).args(["-c", script]).env_remove("PYTHONPATH").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn tags_and_markers_are_those_of_packaging() {
    if offline() {
        return;
    }
    let packaging = say(&peers().python(), "import packaging; print(packaging.__path__[0] + '/..')");
    // packaging itself runs on 3.9 and newer.
    for base in each_python(&ALL[1..]) {
        let found = python::probe(&base.executable, None).unwrap();
        // The newest packaging does not run on the oldest Python: there its copy inside of pip is asked.
        let oldest = base.version == "3.8";
        let ask = |what: &str| {
            let what = if oldest {
                what.replace("import packaging.", "import pip._vendor.packaging.")
            } else {
                what.into()
            };
            let path = if oldest {
                String::new()
            } else {
                format!("import sys; sys.path.insert(0, {packaging:?})\n")
            };
            say(&base.executable, &format!("{path}{what}"))
        };
        let tags = ask("import packaging.tags as t\nprint(*t.sys_tags(), sep='\\n')");
        let ours: Vec<String> = found.target.tags.iter().map(ToString::to_string).collect();
        let mut theirs: Vec<String> = tags.lines().map(str::to_owned).collect();
        let mut ours = ours;
        if oldest {
            // Older releases of packaging know fewer tags, and put the plain linux tag last.
            theirs.sort();
            ours.sort();
            ours.retain(|tag| theirs.binary_search(tag).is_ok());
        }
        assert_eq!(ours, theirs, "{}", base.version);
        let markers = ask(
            "import json, packaging.markers as m\nprint(json.dumps(m.default_environment(), sort_keys=True))",
        );
        let theirs: serde_json::Value = serde_json::from_str(&markers).unwrap();
        assert_eq!(serde_json::to_value(&found.target.markers).unwrap(), theirs, "{}", base.version);
    }
}

#[test]
fn a_new_environment_is_one_to_python_itself() {
    for base in each_python(ALL) {
        let scratch = scratch();
        let prefix = scratch.path().join("an env");
        let inside = made(&prefix, &base.executable);
        let told = say(
            &inside.executable,
            "import sys, sysconfig, site\nfor x in (sys.prefix, sys.exec_prefix, sysconfig.get_path('purelib'), \
             sysconfig.get_path('platlib'), sysconfig.get_path('scripts'), sysconfig.get_path('data'), \
             site.ENABLE_USER_SITE, sys.prefix != sys.base_prefix): print(x)",
        );
        let text = |path: &Path| path.display().to_string();
        let scheme = &inside.scheme;
        let expected = [
            text(&prefix),
            text(&prefix),
            text(&scheme.purelib),
            text(&scheme.platlib),
            text(&scheme.scripts),
            text(&scheme.data),
            "False".to_owned(),
            "True".to_owned(),
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{}", base.version);
        for name in ["python3".to_owned(), format!("python{}", base.version)] {
            assert_eq!(say(&prefix.join("bin").join(name), "import sys; print(sys.prefix)"), text(&prefix));
        }
        let probed = python::probe(&inside.executable, None).unwrap();
        assert!(probed.is_virtual());
        assert_eq!(
            (&probed.scheme, &probed.prefix, &probed.target.tags),
            (scheme, &prefix, &inside.target.tags)
        );
        assert_eq!(probed.base(None).unwrap().base_executable, inside.base_executable);
    }
}

#[test]
fn a_probe_tells_of_a_path_of_any_characters() {
    for base in each_python(ALL) {
        let scratch = scratch();
        made(&scratch.path().join("env"), &base.executable);
        let odd = scratch.path().join("a \"path\" of\t\u{e9}\\ \u{20ac}\u{1d11e} \u{7f}");
        std::os::unix::fs::symlink("env", &odd).unwrap();
        let probed = python::probe(&odd.join("bin/python"), None).unwrap();
        assert_eq!(probed.prefix, odd, "{}", base.version);
        assert!(probed.scheme.purelib.starts_with(&odd), "{}", base.version);
    }
}

/// The probe lends `sysconfig` no more of `threading` than it takes today.
#[test]
fn a_probe_asks_a_sysconfig_that_needs_all_of_threading() {
    for base in each_python(ALL) {
        let scratch = scratch();
        let needs_all = "import sys, threading\nthreading.Thread\nsys.path.pop(0)\ndel sys.modules['sysconfig']\n\
            import sysconfig\nsys.modules['sysconfig'] = sysconfig\n";
        std::fs::write(scratch.path().join("sysconfig.py"), needs_all).unwrap();
        let shim = scratch.path().join("python");
        let real = base.executable.display();
        let first = format!("import sys; sys.path.insert(0, '{}')", scratch.path().display());
        let script = format!("#!/bin/sh\nexec {real} -I -S -c \"{first}; exec(sys.argv[1])\" \"$4\"\n");
        std::fs::write(&shim, script).unwrap();
        std::fs::set_permissions(&shim, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let (probed, plain) =
            (python::probe(&shim, None).unwrap(), python::probe(&base.executable, None).unwrap());
        assert_eq!(probed.target.markers, plain.target.markers, "{}", base.version);
        assert_eq!(probed.scheme, plain.scheme, "{}", base.version);
    }
}

/// A Python is asked while the lock is read. Where that is refused, nobody waits for the answer.
#[test]
fn a_refused_run_leaves_no_python_behind() {
    for words in [["install", "--python", "env"], ["sync", "--venv", "env"], ["sync", "--python", "env"]] {
        let (scratch, server) = (scratch(), Server::start());
        let at = |name: &str| scratch.path().join(name);
        std::fs::create_dir_all(at("env/bin")).unwrap();
        std::fs::write(at("env/pyvenv.cfg"), "version = 3.12.1\n").unwrap();
        let told = at("number");
        let script =
            format!("#!/bin/sh\necho $$ > '{0}.new'; mv '{0}.new' '{0}'\nexec sleep 600\n", told.display());
        std::fs::write(at("env/bin/python"), script).unwrap();
        std::fs::set_permissions(at("env/bin/python"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        // The lock comes once Python was asked, or after a while.
        let number = told.clone();
        server.on("/lock.txt", move |_, _| {
            let began = std::time::Instant::now();
            while !number.exists() && began.elapsed() < std::time::Duration::from_secs(15) {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            Response::ok("idna==3.10\n")
        });
        let run = pipward(words).args(["-r", &server.url("/lock.txt")]).dir(scratch.path()).run();
        assert_eq!(run.code, Some(1), "{}", run.told());
        assert!(run.stderr.contains("idna"), "{}", run.told());
        let number = std::fs::read_to_string(&told).expect("Python is asked while the lock is read");
        let process = Path::new("/proc").join(number.trim());
        assert!(!process.exists(), "{} still runs", process.display());
    }
}

#[test]
fn an_environment_of_an_environment_leads_to_the_base() {
    let scratch = scratch();
    let outer = made(&scratch.path().join("outer"), &any_python().executable);
    let inner = made(&scratch.path().join("inner"), &outer.executable);
    assert_eq!(inner.base_executable, outer.base_executable);
    std::fs::remove_dir_all(&outer.prefix).unwrap();
    assert_eq!(say(&inner.executable, "import sys; print(sys.prefix)"), inner.prefix.display().to_string());
}

#[test]
fn the_same_path_gives_the_same_bytes() {
    let scratch = scratch();
    let prefix = scratch.path().join("env");
    made(&prefix, &any_python().executable);
    let first = tree(&prefix);
    std::fs::remove_dir_all(&prefix).unwrap();
    made(&prefix, &any_python().executable);
    assert_same(&first, &tree(&prefix));
}

#[test]
fn a_path_that_scripts_cannot_hold_is_refused() {
    let base = python::probe(&any_python().executable, None).unwrap();
    let scratch = scratch();
    let problem = venv::create(&scratch.path().join("a\nb"), &base).unwrap_err();
    assert_eq!(problem.code(), pipward::error::Code::EnvironmentInvalid);
}

#[test]
fn a_probe_runs_nothing_of_the_environment() {
    for base in each_python(ALL) {
        let scratch = scratch();
        let inside = made(&scratch.path().join("env"), &base.executable);
        let witness = scratch.path().join("ran");
        let code = format!("open({:?}, 'w').close()\n", witness.display().to_string());
        for name in ["sitecustomize.py", "usercustomize.py", "json.py", "sysconfig.py", "platform.py"] {
            std::fs::write(inside.scheme.purelib.join(name), &code).unwrap();
        }
        std::fs::write(inside.scheme.purelib.join("x.pth"), format!("import os; {code}")).unwrap();
        python::probe(&inside.executable, None).unwrap();
        assert!(!witness.exists(), "{}", base.version);
        say(&inside.executable, "pass");
        assert!(witness.exists(), "the witness does not work on {}", base.version);
    }
}

#[test]
fn a_probe_is_kept_when_asked_and_taken_while_nothing_changed() {
    let scratch = scratch();
    let cache = scratch.path().join("cache");
    let inside = made(&scratch.path().join("env"), &any_python().executable);
    let probe = || python::probe(&inside.executable, Some(&cache)).unwrap();
    let first = probe();
    assert!(!cache.exists(), "a probe alone leaves nothing behind");
    python::remember(&first, &cache);
    let kept = std::fs::read_dir(cache.join("interpreters")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&kept).unwrap();
    assert_eq!(probe().scheme, first.scheme);

    // A kept answer is taken as long as the key fits: this one tells another system.
    let other = text.replace("\"platform_system\":\"", "\"platform_system\":\"Other");
    assert_ne!(other, text);
    std::fs::write(&kept, &other).unwrap();
    assert!(probe().target.markers.platform_system().starts_with("Other"));
    for damaged in [&text[..text.len() / 2], "", "[]", "{}"] {
        std::fs::write(&kept, damaged).unwrap();
        assert_eq!(probe().target.markers, first.target.markers);
    }
    std::fs::write(&kept, &other).unwrap();
    let cfg = inside.prefix.join("pyvenv.cfg");
    std::fs::write(&cfg, std::fs::read_to_string(&cfg).unwrap() + "x = y\n").unwrap();
    assert_eq!(probe().target.markers, first.target.markers, "pyvenv.cfg changed");
}

#[test]
fn what_is_no_usable_python_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = scratch();
    let check = |text: &str| {
        let path = scratch.path().join("python");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let problem = python::find(&PythonRequest::Path(path), None).unwrap_err();
        assert_eq!(problem.code(), pipward::error::Code::PythonUnusable, "{text}");
        assert!(problem.help_text().is_some());
    };
    check("#!/bin/sh\necho 'pyenv: python: command not found' >&2; exit 127\n");
    check("#!/bin/sh\necho '{}'\n");
    check("#!/bin/sh\nyes\n");
    check("#!/does/not/exist\n");
    check("");
    let missing = python::find(&PythonRequest::Path(scratch.path().join("nothing")), None).unwrap_err();
    assert_eq!(missing.code(), pipward::error::Code::PythonNotFound);
    let empty = python::find(&PythonRequest::Path(scratch.path().into()), None);
    assert_eq!(empty.unwrap_err().code(), pipward::error::Code::PythonNotFound);
}

#[test]
fn old_pythons_are_refused() {
    let root =
        std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv/versions")).unwrap_or_default();
    let old =
        std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            ["2.7.", "3.6.", "3.7."].iter().any(|version| name.starts_with(version))
        });
    let mut tried = 0;
    for python in old {
        let problem = python::find(&PythonRequest::Path(python), None).unwrap_err();
        assert_eq!(problem.code(), pipward::error::Code::PythonUnusable);
        tried += 1;
    }
    if tried == 0 {
        loudly("SKIPPED: no CPython older than 3.8 on this machine");
    }
}

#[test]
fn other_tools_take_the_environment() {
    if offline() {
        return;
    }
    let scratch = scratch();
    let inside = made(&scratch.path().join("env"), &peers().base.executable);
    let listed = peers().pip(["--python"]).arg(&inside.prefix).args(["list", "--format", "json"]).run().ok();
    assert_eq!(listed.stdout.trim(), "[]");
    let listed = peers().uv(["pip", "list", "--format", "json", "--python"]).arg(&inside.prefix).run().ok();
    assert_eq!(listed.stdout.trim(), "[]");
}
