//! Where the files of a wheel go. That the bytes are those pip writes is shown over real wheels in `parity`.

use std::path::Path;

use pipward::error::{Code, Problem};
use pipward::install::{InstallPlan, Source};
use pipward::python::{Layout, Scheme};
use pipward::wheel::record::Row;

use super::support::wheels::{WheelBuilder, read};

fn scheme() -> Scheme {
    let layout = Layout {
        purelib: "lib/python3.13/site-packages".into(),
        platlib: "lib64/python3.13/site-packages".into(),
        scripts: "bin".into(),
        wide: true,
    };
    layout.scheme(Path::new("/env"), (3, 13))
}

fn plan_for(builder: &WheelBuilder, scheme: &Scheme) -> Result<InstallPlan, Problem> {
    let (name, bytes) = builder.build();
    InstallPlan::new(&read(&name, &bytes)?, scheme, false, None)
}

fn plan(builder: &WheelBuilder) -> Result<InstallPlan, Problem> {
    plan_for(builder, &scheme())
}

fn destinations(plan: &InstallPlan) -> Vec<String> {
    plan.files().iter().map(|file| file.destination.display().to_string()).collect()
}

fn generated<'a>(plan: &'a InstallPlan, destination: &str) -> &'a str {
    let file = plan.files().iter().find(|file| file.destination == Path::new(destination)).unwrap();
    match &file.source {
        Source::Generated(content) => std::str::from_utf8(content).unwrap(),
        Source::Entry(_) => panic!("{destination} comes from the wheel"),
    }
}

#[track_caller]
fn refused(builder: &WheelBuilder, code: Code) {
    let problem = plan(builder).unwrap_err();
    assert_eq!(problem.code(), code, "{problem}");
    assert!(problem.package_name().is_some() && problem.place().is_some() && problem.help_text().is_some());
}

#[test]
fn each_scheme_has_its_place() {
    let builder = WheelBuilder::new("My.Pkg", "1.0")
        .file("pkg/__init__.py", "")
        .data("purelib", "pure.py", "")
        .data("platlib", "plat.so", "")
        .data("headers", "pkg.h", "")
        .data("data", "share/pkg/x", "")
        .data_script("tool", "\x7fELF")
        .entry_points("[console_scripts]\nrun = pkg:main\n[gui_scripts]\nshow = pkg.ui:App.show\n");
    let found = plan(&builder).unwrap();
    let info = found.dist_info().display().to_string();
    let mut expected = vec![
        "/env/bin/run".to_owned(),
        "/env/bin/show".to_owned(),
        "/env/bin/tool".to_owned(),
        "/env/include/site/python3.13/My.Pkg/pkg.h".to_owned(),
        "/env/lib/python3.13/site-packages/pkg/__init__.py".to_owned(),
        "/env/lib/python3.13/site-packages/pure.py".to_owned(),
        "/env/lib64/python3.13/site-packages/plat.so".to_owned(),
        "/env/share/pkg/x".to_owned(),
    ];
    expected
        .extend(["INSTALLER", "METADATA", "WHEEL", "entry_points.txt"].map(|name| format!("{info}/{name}")));
    expected.sort();
    let mut found_sorted = destinations(&found);
    found_sorted.sort();
    assert_eq!(found_sorted, expected);
    let record = found.record();
    let rows: Vec<&str> = record.rows.iter().map(|row| row.path.as_str()).collect();
    assert!(rows.contains(&"../../../bin/run") && rows.contains(&"../../../share/pkg/x"));
    assert!(rows.contains(&"../../../lib64/python3.13/site-packages/plat.so"));
    assert_eq!(rows.len(), expected.len() + 1);
    assert_eq!(
        generated(&found, "/env/bin/show"),
        "#!/env/bin/python\nimport sys\nfrom pkg.ui import App\nif __name__ == '__main__':\n    sys.argv[0] = \
         sys.argv[0].removesuffix('.exe')\n    sys.exit(App.show())\n"
    );
    let executable = |name: &str| {
        found.files().iter().find(|file| file.destination == Path::new(name)).unwrap().executable
    };
    assert!(executable("/env/bin/run") && executable("/env/bin/tool"));
    assert!(!executable("/env/lib/python3.13/site-packages/pure.py"));
}

#[test]
fn record_tells_what_is_planned() {
    let builder = WheelBuilder::new("pkg", "1.0")
        .file("pkg.py", "x = 1\n")
        .data_script("tool", "#!python3 -E\nprint()\n");
    let found = plan(&builder).unwrap();
    for file in found.files() {
        let Source::Generated(content) = &file.source else { continue };
        assert_eq!(file.digest, Row::of("x", pipward::digest::Sha256::of(content), 0).digest);
        assert_eq!(file.size, content.len() as u64);
    }
    let library = Path::new("/env/lib/python3.13/site-packages");
    assert_eq!(found.dist_info(), library.join("pkg-1.0.dist-info"));
    let record = found.record();
    assert_eq!(record.rows.len(), found.files().len() + 1);
    let bare: Vec<&Row> = record.rows.iter().filter(|row| row.digest.is_none()).collect();
    assert_eq!(bare, [&Row::bare("pkg-1.0.dist-info/RECORD")]);
}

#[test]
fn shipped_python_scripts_get_the_interpreter() {
    let check = |content: &str, expected: Option<&str>| {
        let found = plan(&WheelBuilder::new("pkg", "1.0").data_script("tool", content)).unwrap();
        let tool = found.files().iter().find(|file| file.destination == Path::new("/env/bin/tool")).unwrap();
        match (&tool.source, expected) {
            (Source::Generated(content), Some(expected)) => assert_eq!(content, expected.as_bytes()),
            (Source::Entry(_), None) => {}
            _ => panic!("{content:?}"),
        }
    };
    check("#!python\nx\n", Some("#!/env/bin/python\nx\n"));
    check("#!pythonw -s\r\nx\r\n", Some("#!/env/bin/python\nx\r\n"));
    check("#!python", Some("#!/env/bin/python\n"));
    check("#!/usr/bin/python\nx\n", None);
    check("#! python\nx\n", None);
    check("", None);
}

#[test]
fn an_entry_point_wins_over_a_shipped_script() {
    let builder = WheelBuilder::new("pkg", "1.0")
        .file("pkg.py", "")
        .data_script("run", "#!python\nold\n")
        .data_script("run.exe", "MZ")
        .data_script("run-script.py", "old")
        .entry_points("[console_scripts]\nrun = pkg:main\n");
    let found = plan(&builder).unwrap();
    assert!(generated(&found, "/env/bin/run").contains("from pkg import main"));
    assert_eq!(destinations(&found).iter().filter(|path| path.starts_with("/env/bin")).count(), 1);
    assert_eq!(found.record().rows.len(), found.files().len() + 1, "RECORD lists nothing that is not there");
}

#[test]
fn requested_and_direct_are_told() {
    let (name, bytes) = WheelBuilder::new("pkg", "1.0").file("pkg.py", "").build();
    let wheel = read(&name, &bytes).unwrap();
    let found = InstallPlan::new(&wheel, &scheme(), true, None).unwrap();
    let info = "/env/lib/python3.13/site-packages/pkg-1.0.dist-info";
    assert_eq!(generated(&found, &format!("{info}/REQUESTED")), "");
    assert_eq!(generated(&found, &format!("{info}/INSTALLER")), "pipward\n");
    assert!(!destinations(&found).iter().any(|path| path.ends_with("direct_url.json")));
}

#[test]
fn the_environments_own_files_stay() {
    let wheel = || WheelBuilder::new("pkg", "1.0").file("pkg.py", "");
    for path in [
        "pyvenv.cfg",
        "PyVenv.cfg",
        "bin/python",
        "bin/Python3.13",
        "bin/activate",
        "lib64/x",
        ".pipward/journal",
        "bin",
        "lib",
        "lib/python3.13",
    ] {
        refused(&wheel().data("data", path, "x"), Code::EnvironmentOwned);
    }
    for name in ["python", "python3", "PYTHON", "activate", "Activate.ps1"] {
        refused(&wheel().data_script(name, "x"), Code::EnvironmentOwned);
        if !name.contains('.') {
            refused(
                &wheel().entry_points(&format!("[console_scripts]\n{name} = pkg:main\n")),
                Code::EnvironmentOwned,
            );
        }
    }
    for fine in ["bin/pythonize", "share/python", "etc/activate"] {
        plan(&wheel().data("data", fine, "x")).unwrap();
    }
}

#[test]
fn data_does_not_reach_the_modules() {
    let wheel = || WheelBuilder::new("pkg", "1.0").file("pkg.py", "");
    refused(&wheel().data("data", "lib/python3.13/site-packages/evil.pth", "x"), Code::SchemeCrossing);
    refused(&wheel().data("data", "lib64/python3.13/site-packages/evil.pth", "x"), Code::SchemeCrossing);
    for other in
        ["lib/python3.12/site-packages/x.pth", "lib/PyPy3.10/os.py", "lib/python3/dist-packages/x.py"]
    {
        refused(&wheel().data("data", other, "x"), Code::SchemeCrossing);
    }
    for fine in ["lib/pkg/x", "share/python3.12/x", "libexec/x"] {
        plan(&wheel().data("data", fine, "x")).unwrap();
    }
    let mut crossed = scheme();
    crossed.headers = "/env/lib/python3.13/site-packages".into();
    let problem = plan_for(&wheel().data("headers", "x.pth", ""), &crossed).unwrap_err();
    assert_eq!(problem.code(), Code::SchemeCrossing);
}

/// `--target`: one directory for everything, where what is no module lies in directories of its own.
#[test]
fn in_a_folder_of_everything_data_is_no_module() {
    let mut flat = scheme();
    flat.purelib = "/t".into();
    flat.platlib = "/t".into();
    flat.data = "/t".into();
    flat.scripts = "/t/bin".into();
    flat.headers = "/t/include".into();
    let wheel = || WheelBuilder::new("pkg", "1.0").file("pkg.py", "");
    for deep in ["share/x", "share/pkg/x"] {
        let found = plan_for(&wheel().data("data", deep, ""), &flat).unwrap();
        assert!(destinations(&found).contains(&format!("/t/{deep}")));
    }
    for builder in [wheel().data("data", "evil.py", ""), wheel().data("data", "evil.pth", "")] {
        assert_eq!(plan_for(&builder, &flat).unwrap_err().code(), Code::SchemeCrossing);
    }
    assert!(
        destinations(&plan_for(&wheel().data_script("tool", "\x7fELF"), &flat).unwrap())
            .contains(&"/t/bin/tool".to_owned())
    );
}

#[test]
fn no_detour_leads_into_metadata() {
    let wheel = || WheelBuilder::new("pkg", "1.0").file("pkg.py", "");
    for path in ["other-1.0.dist-info/METADATA", "Other-1.0.DIST-INFO/RECORD", "pkg-1.0.dist-info/x"] {
        for key in ["purelib", "platlib"] {
            let problem = plan(&wheel().data(key, path, "x")).map(|_| ());
            if key == "purelib" || !path.starts_with("pkg") {
                assert_eq!(problem.unwrap_err().code(), Code::DistInfo, "{key} {path}");
            }
        }
    }
}

#[test]
fn two_files_do_not_share_a_place() {
    let wheel = || WheelBuilder::new("pkg", "1.0").file("pkg/x.py", "");
    refused(&wheel().data("purelib", "pkg/x.py", "other"), Code::FileConflict);
    refused(&wheel().data("purelib", "pkg", "a file"), Code::FileConflict);
    refused(&wheel().data("purelib", "pkg/x.py/y", "below a file"), Code::FileConflict);
    refused(&wheel().data("data", "bin/tool", "x").data_script("tool", "y"), Code::FileConflict);
}

#[test]
fn names_that_no_file_system_takes_are_refused_before_anything_is_written() {
    refused(
        &WheelBuilder::new("pkg", "1.0").file(&format!("pkg/{}.py", "x".repeat(253)), ""),
        Code::ArchiveName,
    );
    let deep = vec!["y".repeat(200); 21].join("/");
    refused(&WheelBuilder::new("pkg", "1.0").file(&deep, ""), Code::ArchiveName);
    plan(&WheelBuilder::new("pkg", "1.0").file(&format!("pkg/{}.py", "x".repeat(252)), "")).unwrap();
    let before = "/env/lib/python3.13/site-packages/".len();
    let exactly = |size: usize| {
        // In few parts: their number has a limit of its own.
        let path = format!("{}/", "z".repeat(99)).repeat(size)[..size - before].to_owned();
        let path = if path.ends_with('/') { format!("{}zz", &path[..path.len() - 2]) } else { path };
        plan(&WheelBuilder::new("pkg", "1.0").file(&path, "")).map(|_| ()).map_err(|problem| problem.code())
    };
    assert_eq!(exactly(4096 - 256), Ok(()));
    assert_eq!(exactly(4096 - 256 + 1), Err(Code::ArchiveName));
    assert_eq!(exactly(4096 - 256 + 2), Err(Code::ArchiveName));
}

#[test]
fn a_large_script_stays_as_it_is_and_a_large_python_script_is_refused() {
    let builder = |start: &str, size: usize| {
        let mut content = start.as_bytes().to_vec();
        content.resize(size, b'#');
        WheelBuilder::new("pkg", "1.0").data_script("tool", content)
    };
    let source = |builder: &WheelBuilder| {
        let found = plan(builder).unwrap();
        let tool = found.files().iter().find(|file| file.destination == Path::new("/env/bin/tool")).unwrap();
        matches!(tool.source, Source::Generated(_))
    };
    let whole = 16 << 20;
    assert!(source(&builder("#!python\n", whole)), "the largest that is rewritten");
    refused(&builder("#!python\n", whole + 1), Code::ArchiveTooLarge);
    assert!(!source(&builder("#!/bin/sh\n", whole + 1)));
}
