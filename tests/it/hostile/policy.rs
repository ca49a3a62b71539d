//! Start-up code, and what a policy says of it.

use pipward::error::Code;

use super::ground::Ground;
use crate::support::wheels::WheelBuilder;

const DISTUTILS: &str = "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim(); \n";

fn wheel(name: &str, file: &str, text: &str) -> (String, Vec<u8>) {
    WheelBuilder::new(name, "1.0").file(&format!("{name}.py"), "").file(file, text).build()
}

/// Installs a wheel with start-up code into a folder, under a policy.
fn install(ground: &mut Ground, wheel: (String, Vec<u8>), policy: &str) -> (i64, Vec<String>, String) {
    let lock = ground.lock_of(&[wheel]);
    std::fs::write(ground.path("work/pipward.toml"), policy).unwrap();
    let ran = ground.run(&["install", "--target", "out", "-r", &lock]);
    let _ = std::fs::remove_dir_all(ground.path("work/out"));
    (ran.status, ran.codes(), ran.stderr)
}

#[test]
fn a_policy_decides_about_start_up_code() {
    let mut ground = Ground::new();
    let evil = || wheel("evil", "evil.pth", "import os\n");
    let mut check = |policy: &str, refused: Option<Code>, told: &str| {
        let (status, codes, stderr) = install(&mut ground, evil(), policy);
        let expected: Vec<String> = refused.iter().map(|code| code.name().to_owned()).collect();
        assert_eq!(codes, expected, "{policy}\n{stderr}");
        assert_eq!(status == 0, refused.is_none(), "{policy}\n{stderr}");
        assert!(stderr.contains(told), "{policy}\n{stderr}");
    };
    let exception =
        |more: &str| format!("[[policy.exception]]\ncode = \"startup-code\"\npackage = \"Evil\"\n{more}");
    check("", Some(Code::StartupCode), "evil.pth");
    check("[policy]\nstartup-code = \"deny\"\n", Some(Code::StartupCode), "policy.exception");
    check("[policy]\nstartup-code = \"warn\"\n", None, "evil.pth");
    check("[policy]\nstartup-code = \"allow\"\n", None, "");
    check(&exception("reason = \"we read it\"\n"), None, "");
    check(&exception("reason = \"we read it\"\nuntil = 2999-01-01\n"), None, "");
    check(&exception("reason = \"old\"\nuntil = 2020-01-01\n"), Some(Code::StartupCode), "2020-01-01");
    check(&exception("reason = \"x\"\n").replace("Evil", "other"), Some(Code::StartupCode), "evil.pth");
    for bad in [
        exception(""),
        exception("reason = \" \"\n"),
        exception("reason = \"x\"\nuntil = \"soon\"\n"),
        exception("reason = \"x\"\nversion = \"1\"\n"),
        exception("reason = \"x\"\n").replace("startup-code", "hash-mismatch"),
        "[policy]\nhash-mismatch = \"allow\"\n".to_owned(),
        "[policy]\nstartup-code = \"ignore\"\n".to_owned(),
        "policy = 3\n".to_owned(),
    ] {
        check(&bad, Some(Code::ConfigInvalid), "pipward.toml:");
    }
}

#[test]
fn known_start_up_files_pass_by_their_content() {
    let mut ground = Ground::new();
    let mut check = |name: &str, file: &str, text: &str, fine: bool| {
        let (status, _, stderr) = install(&mut ground, wheel(name, file, text), "");
        assert_eq!(status == 0, fine, "{name} {file} {text:?}\n{stderr}");
    };
    check("setuptools", "distutils-precedence.pth", DISTUTILS, true);
    check("setuptools", "distutils-precedence.pth", &DISTUTILS.replace("local", "losal"), false);
    check("setuptool", "distutils-precedence.pth", DISTUTILS, false);
    check("paths", "paths.pth", "# import os\npaths_vendored\n", false);
    check("paths", "paths.pth", "# paths_vendored\n.\n", true);
    check("pyc", "compiled.pyc", "no source stands beside it", true);
    check("sights", "pkg/sitecustomize.py", "", true);
    check("sights", "pkg/x.pth", "import os\n", true);
}

/// A wheel and what its RECORD does not say right.
fn at_odds(how: &str) -> (String, Vec<u8>) {
    let built = WheelBuilder::new("evil", "1.0").file("evil.py", "x = 1\n").file("more.py", "y = 2\n");
    let row = |record: &str, path: &str| {
        record.lines().find(|line| line.starts_with(&format!("{path},"))).unwrap().to_owned() + "\n"
    };
    let record = built.honest_record();
    let more = row(&record, "more.py");
    let digest = more.split(',').nth(1).unwrap();
    let text = match how {
        "unlisted" => record.replace(&more, ""),
        "ghost" => format!("../../../../victim,{digest},6\nghost.py,{digest},6\n{record}"),
        "no hash" => record.replace(&more, "more.py,,6\n"),
        "weak hash" => record.replace(digest, "md5=1B2M2Y8AsgTpgAmY7PhCfg"),
        "wrong hash" => record.replace(&more, &row(&record, "evil.py").replace("evil.py", "more.py")),
        "wrong size" => record.replace(&more, &more.replace(",6", ",7")),
        _ => "not,a\nrecord".to_owned(),
    };
    built.record(text).build()
}

/// How a RECORD can be at odds with its wheel, and what that is called.
const AT_ODDS: [(&str, Code); 6] = [
    ("unlisted", Code::RecordUnlisted),
    ("ghost", Code::RecordMissingFile),
    ("no hash", Code::RecordHash),
    ("weak hash", Code::RecordHash),
    ("wrong hash", Code::RecordHash),
    ("wrong size", Code::RecordHash),
];

#[test]
fn a_policy_passes_over_a_record_of_one_project_for_a_reason() {
    let mut ground = Ground::new();
    for (how, code) in AT_ODDS {
        let mut check = |policy: &str, refused: Option<Code>, told: &str| {
            let (status, codes, stderr) = install(&mut ground, at_odds(how), policy);
            let expected: Vec<String> = refused.iter().map(|code| code.name().to_owned()).collect();
            assert_eq!(codes, expected, "{how}: {policy}\n{stderr}");
            assert_eq!(status == 0, refused.is_none(), "{how}: {policy}\n{stderr}");
            assert!(stderr.contains(told), "{how}: {policy}\n{stderr}");
        };
        let exception = |code: Code, more: &str| {
            format!("[[policy.exception]]\ncode = \"{code}\"\npackage = \"Evil\"\n{more}\n")
        };
        let reason = "reason = \"built by hand\"";
        check("", Some(code), "");
        check(&exception(code, reason), None, "");
        check(&exception(code, &format!("{reason}\nuntil = 2999-01-01")), None, "");
        check(&exception(code, &format!("{reason}\nuntil = 2020-01-01")), Some(code), "2020-01-01");
        check(&exception(code, reason).replace("Evil", "other"), Some(code), "");
        let other = [Code::RecordUnlisted, Code::RecordMissingFile, Code::RecordHash, Code::StartupCode];
        for other in other.into_iter().filter(|other| *other != code) {
            check(&exception(other, reason), Some(code), "");
        }
        for bad in [
            exception(code, ""),
            exception(code, reason).replace("package = \"Evil\"\n", ""),
            format!("[policy]\n{code} = \"allow\"\n"),
            exception(Code::RecordInvalid, reason),
        ] {
            check(&bad, Some(Code::ConfigInvalid), "pipward.toml:");
        }
    }
    let malformed = install(&mut ground, at_odds("malformed"), "");
    assert_eq!(malformed.1, [Code::RecordInvalid.name()]);
}

#[test]
fn what_is_installed_by_exception_has_an_honest_record() {
    let mut ground = Ground::new();
    for (how, code) in AT_ODDS {
        let lock = ground.lock_of(&[at_odds(how)]);
        let policy =
            format!("[[policy.exception]]\ncode = \"{code}\"\npackage = \"evil\"\nreason = \"a test\"\n");
        std::fs::write(ground.path("work/pipward.toml"), policy).unwrap();
        let ran = ground.run(&["install", "--venv", "env", "-r", &lock]);
        assert_eq!(ran.status, 0, "{how}\n{}", ran.stderr);
        let ran = ground.run(&["verify", "env", "-r", &lock]);
        assert_eq!(ran.status, 0, "{how}\n{}{}", ran.stdout, ran.stderr);
        let ran = ground.run(&["uninstall", "--python", "env/bin/python", "-y", "evil"]);
        assert_eq!(ran.status, 0, "{how}\n{}", ran.stderr);
        let library = ground.path("work/env/lib").read_dir().unwrap().next().unwrap().unwrap().path();
        assert!(!library.join("site-packages/more.py").exists(), "{how}: a file was left");
        assert!(ground.path("stays/outside/victim").exists());
        std::fs::remove_dir_all(ground.path("work/env")).unwrap();
    }
}
