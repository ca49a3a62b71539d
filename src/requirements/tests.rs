//! Requirements files, line by line, and projects.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::error::Code;

const HASH: &str = "--hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn parse(text: &str) -> Result<RequirementsFile, Problems> {
    read_text(text, Path::new("r.txt"), &|name| (name == "TOKEN").then(|| "t0k".to_owned()))
}

fn names(text: &str) -> Vec<String> {
    parse(text).unwrap().requirements.iter().map(|r| r.requirement.to_string()).collect()
}

fn faults(text: &str) -> Vec<(Code, u32)> {
    let problems = parse(text).map(|read| format!("{read:?}")).expect_err(text);
    problems.iter().map(|problem| (problem.code(), problem.place().unwrap().line.unwrap())).collect()
}

#[test]
fn requirements_with_hashes_and_markers() {
    let text = format!(
        "# c\nFlask==3.1.2 ; python_version >= \"3.9\" \\\n    {HASH} \\\n    {HASH}\n\nidna[x,y] == 3.10 {HASH} # why\n"
    );
    let read = parse(&text).unwrap();
    assert_eq!(read.requirements.len(), 2);
    assert_eq!(read.requirements[0].place, Place::line("r.txt", 2));
    assert_eq!(read.requirements[0].hashes.len(), 2);
    assert!(!read.requirements[0].requirement.marker.is_true());
    assert_eq!(read.requirements[1].requirement.to_string(), "idna[x,y]==3.10");
    assert_eq!(read.requirements[1].place, Place::line("r.txt", 6));
}

#[test]
fn a_file_of_too_many_lines_is_refused() {
    let problems = read_text(&"a\n".repeat(50_001), Path::new("r.txt"), &|_| None).unwrap_err();
    let places: Vec<String> = problems.iter().map(|problem| problem.place().unwrap().to_string()).collect();
    assert_eq!(places, ["r.txt:50001"]);
}

#[test]
fn values_of_variables_cannot_fill_the_memory() {
    let long = |_: &str| Some("x".repeat(1 << 20));
    let problems = read_text(&"-f ${A}\n".repeat(100), Path::new("r.txt"), &long).unwrap_err();
    assert_eq!(problems.iter().next().unwrap().place().unwrap().line, Some(64));
}

#[test]
fn what_pip_would_pass_over_is_refused() {
    assert_eq!(faults("-r a.txt --no-index"), [(Code::RequirementSyntax, 1)]);
}

#[test]
fn an_unknown_option_is_named_without_its_value() {
    let problems = parse("--indx=https://me:secret@example.org/").unwrap_err();
    assert!(!problems.iter().next().unwrap().to_string().contains("secret"));
}

#[test]
fn groups_and_extras_that_multiply_end() {
    use std::fmt::Write as _;
    let mut text = "[project]\nname = 'p'\n[project.optional-dependencies]\n".to_owned();
    for n in 0..60 {
        let next = n + 1;
        writeln!(
            text,
            "e{n} = [\"p[e{next}] ; platform_release != '{n}'\", \"p[e{next}] ; platform_version != '{n}'\"]"
        )
        .unwrap();
    }
    text.push_str("e60 = []\n[dependency-groups]\n");
    for n in 0..60 {
        let next = n + 1;
        writeln!(text, "g{n} = [{{include-group = 'g{next}'}}, {{include-group = 'g{next}'}}]").unwrap();
    }
    text.push_str("g60 = ['z']\n");
    assert_eq!(project(&text, &ask(&[], &["g0"])).unwrap().len(), 1);
    assert!(project(&text, &ask(&["e0"], &[])).is_err());
}

#[test]
fn wheels_by_address_and_path() {
    assert_eq!(
        names("a @ https://x.example/a-1-py3-none-any.whl#sha256=ab"),
        ["a @ https://x.example/a-1-py3-none-any.whl#sha256=ab"]
    );
    assert_eq!(
        names("https://x.example/A_b-1-py3-none-any.whl"),
        ["a-b @ https://x.example/A_b-1-py3-none-any.whl"]
    );
    assert_eq!(
        names("/d/a-1-py3-none-any.whl ; os_name == 'nt'"),
        ["a @ file:///d/a-1-py3-none-any.whl ; os_name == 'nt'"]
    );
    assert!(names("./d/a-1-py3-none-any.whl")[0].ends_with("/d/a-1-py3-none-any.whl"));
    assert_eq!(
        names("a @ https://x.example/${TOKEN}/a-1-py3-none-any.whl"),
        ["a @ https://x.example/t0k/a-1-py3-none-any.whl"]
    );
}

#[test]
fn options_that_name_sources() {
    let read = parse("-i https://a/simple\n--extra-index-url=https://b/simple --pre\n-f https://c\n--no-index\n--require-hashes\n--only-binary :all:\n--no-binary :none:\n").unwrap();
    assert_eq!(read.sources.index_url.as_deref(), Some("https://a/simple"));
    assert_eq!(read.sources.extra_index_urls, ["https://b/simple"]);
    assert_eq!(read.sources.find_links, ["https://c"]);
    assert!(read.sources.no_index && read.pre && read.require_hashes);
}

#[test]
fn what_is_refused_and_where() {
    let check =
        |line: &str, code: Code| assert_eq!(faults(&format!("idna\n{line}\n")), [(code, 2)], "{line}");
    for line in ["--trusted-host x", "--trusted-host=x", "--no-require-hashes", "idna --no-binary=x"] {
        check(line, Code::OptionRefused);
    }
    for line in ["--bogus", "-x", "idna --bogus"] {
        check(line, Code::OptionUnknown);
    }
    for line in [
        "-e .",
        "--editable=git+https://x/y#egg=z",
        ".",
        "./project",
        "a @ git+https://x.example/a",
        "git+https://x.example/a#egg=a",
        "a @ https://x.example/a-1.tar.gz",
        "https://x.example/a-1.zip",
        "a-1.tar.gz",
        "a @ file:///d/project",
        "https://x.example/simple/",
    ] {
        check(line, Code::RequirementUnsupported);
    }
    for line in [
        "--use-feature numpy",
        "==1",
        "a==",
        "a b",
        "a-",
        "a ; nonsense",
        "a[",
        "a==1 ==2",
        "--hash=sha256:ab",
        "-r x -r y",
        "--pre=1",
        "a --pre",
        "a ; python_version > 'x'",
    ] {
        check(line, Code::RequirementSyntax);
    }
    check("a @ https://user:secret@x.example/a-1-py3-none-any.whl", Code::AddressRefused);
    check("a @ ftp://x.example/a-1-py3-none-any.whl", Code::RequirementSyntax);
    check("a @ https://x.example/b-1-py3-none-any.whl", Code::WheelName);
    check("a @ https://x.example/a.whl", Code::WheelName);
    check("-r missing.txt", Code::LockNotFound);
}

#[test]
fn all_faults_are_told_at_once() {
    let text = "a==\n--bogus\nb\n--trusted-host x\n-e .\n";
    assert_eq!(
        faults(text),
        [
            (Code::RequirementSyntax, 1),
            (Code::OptionUnknown, 2),
            (Code::OptionRefused, 4),
            (Code::RequirementUnsupported, 5)
        ]
    );
}

#[test]
fn messages_carry_no_password_and_no_control_character() {
    for text in [
        "git+https://user:secret@x.example/a",
        "a @ hg+https://user:secret@x/a",
        "https://u:secret@x/a.zip",
        "a b https://u:secret@x/\u{1b}[31m",
    ] {
        let told = format!("{:?}", parse(text).unwrap_err());
        assert!(!told.contains("secret") && !told.contains('\u{1b}'), "{told}");
    }
}

#[test]
fn weak_and_malformed_hashes_are_kept_beside_the_requirement() {
    let read =
        parse(&format!("a==1 --hash=md5:d41d8cd98f00b204e9800998ecf8427e --hash=sha256:xy --hash=ab {HASH}"))
            .unwrap();
    let codes: Vec<Code> = read.requirements[0].hash_problems.iter().map(Problem::code).collect();
    assert_eq!(codes, [Code::HashWeak, Code::HashMalformed, Code::HashMalformed]);
    assert_eq!(read.requirements[0].hashes.len(), 1);
}

#[test]
fn files_include_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    write("r.txt", "a\n-r sub/s.txt\n-c c.txt\nb\n-f sub\n");
    write("sub/s.txt", "c\n-c ../c.txt\n");
    write("c.txt", "d<2\n");
    let read = read_with(&folder.path().join("r.txt"), &|_| None).unwrap();
    let names: Vec<_> = read.requirements.iter().map(|r| r.requirement.name.to_string()).collect();
    assert_eq!(names, ["a", "c", "b"]);
    assert_eq!(read.constraints.len(), 2);
    assert_eq!(read.sources.find_links, [folder.path().join("sub").display().to_string()]);

    write("loop.txt", "-r sub/back.txt\n");
    write("sub/back.txt", "e\n-r ../sub/../loop.txt\n");
    let problems = read_with(&folder.path().join("loop.txt"), &|_| None).unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!((problem.code(), problem.place().unwrap().line), (Code::RequirementSyntax, Some(2)));

    for at in 0..20 {
        write(&format!("n{at}.txt"), &format!("-r n{next}.txt\n-r n{next}.txt\n", next = at + 1));
    }
    write("n20.txt", "x\n");
    let problems = read_with(&folder.path().join("n0.txt"), &|_| None).unwrap_err();
    assert_eq!(problems.iter().count(), 1);
}

#[test]
fn specifiers_of_a_command_line() {
    assert_eq!(parse_specifier("flask >= 3").unwrap().requirement.to_string(), "flask>=3");
    assert_eq!(parse_specifier("flask").unwrap().place, Place::file("command line"));
    assert_eq!(parse_specifier(".").unwrap_err().code(), Code::RequirementUnsupported);
    assert_eq!(parse_specifier("-r").unwrap_err().code(), Code::RequirementSyntax);
}

const PROJECT: &str = r#"[project]
name = "Demo_Project"
requires-python = ">=3.9"
dependencies = [
    "a>=1",
    "b ; os_name == 'nt'",
]
[project.optional-dependencies]
web = ["c", "demo-project[cli, web]"]
cli = ["d", "demo.project[web]; os_name == 'posix'"]
[dependency-groups]
dev = ["e", { include-group = "Lint_It" }, "demo-project[cli]"]
lint-it = ["f"]
"#;

fn project(text: &str, select: &ProjectSelection) -> Result<Vec<String>, Vec<(Code, Option<u32>)>> {
    match read_project_text(text, Path::new("pyproject.toml"), select) {
        Ok(project) => Ok(project.requirements.iter().map(|r| r.requirement.to_string()).collect()),
        Err(problems) => {
            Err(problems.iter().map(|p| (p.code(), p.place().and_then(|place| place.line))).collect())
        }
    }
}

fn ask(extras: &[&str], groups: &[&str]) -> ProjectSelection {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ProjectSelection { extras: own(extras), groups: own(groups), ..ProjectSelection::default() }
}

#[test]
fn a_project_with_extras_and_groups() {
    let base = ["a>=1", "b ; os_name == 'nt'"];
    let check = |select: &ProjectSelection, more: &[&str]| {
        let expected: Vec<String> = base.iter().chain(more).map(|text| (*text).to_owned()).collect();
        assert_eq!(project(PROJECT, select), Ok(expected));
    };
    check(&ask(&[], &[]), &[]);
    check(&ask(&["WEB"], &[]), &["c", "d"]);
    check(&ask(&[], &["dev"]), &["e", "f", "d", "c ; os_name == 'posix'"]);
    check(&ask(&[], &["lint_it"]), &["f"]);
    let all = read_project_text(
        PROJECT,
        Path::new("p"),
        &ProjectSelection { all_extras: true, all_groups: true, ..Default::default() },
    )
    .unwrap();
    assert!(all.requirements.len() >= 6);
    assert_eq!(all.requires_python.unwrap().to_string(), ">=3.9");
    assert_eq!(all.requirements[1].place, Place::line("p", 6).entry("project.dependencies[1]"));
}

#[test]
fn a_project_with_faults() {
    let check = |text: &str, select: &ProjectSelection, code: Code, line: u32| {
        assert_eq!(project(text, select), Err(vec![(code, Some(line))]), "{text}");
    };
    check(PROJECT, &ask(&["nope"], &[]), Code::UnknownExtra, 1);
    check(PROJECT, &ask(&[], &["nope"]), Code::UnknownExtra, 1);
    let none = ask(&[], &[]);
    check(
        "[project]\nname = \"x\"\ndynamic = [\"version\", \"dependencies\"]\n",
        &none,
        Code::RequirementUnsupported,
        3,
    );
    check("[project]\nname = \"x\"\ndependencies = [\"a\",\n\"b==\"]\n", &none, Code::RequirementSyntax, 4);
    check("[project]\nname = \"x\"\ndependencies = \"a\"\n", &none, Code::RequirementSyntax, 3);
    check("[project\n", &none, Code::RequirementSyntax, 1);
    check("[project]\nrequires-python = \"3\"\n", &none, Code::RequirementSyntax, 2);
    check("[dependency-groups]\nA_b = []\na-b = []\n", &none, Code::RequirementSyntax, 3);
    check(
        "[dependency-groups]\na = [{ include-group = \"b\" }]\nb = [{ include-group = \"a\" }]\n",
        &ask(&[], &["a"]),
        Code::RequirementSyntax,
        3,
    );
    let odd = "[dependency-groups]\na = [{ include = \"b\" }]\nb = 3\nc = [{ include-group = \"a\" }]\n";
    check(odd, &ask(&[], &["c"]), Code::RequirementSyntax, 2);
    // "Tools … SHOULD NOT eagerly validate" what nobody asks for.
    assert!(project(odd, &none).is_ok());
    check("[dependency-groups]\na = [{ include-group = \"b\" }]\n", &ask(&[], &["a"]), Code::UnknownExtra, 2);
    assert!(project("[project]\nname = \"x\"\ndynamic = [\"optional-dependencies\"]\n", &none).is_ok());
    assert!(project("[tool.x]\n", &none).is_ok());
}

proptest! {
    #[test]
    fn nothing_panics(text in "(\\PC{0,20}\n){0,4}|[-a-z=#$\\{\\}\\\\ \n@:/.;'\"\\[\\]]{0,60}") {
        let _ = parse(&text);
        let _ = read_project_text(&text, Path::new("p"), &ask(&["a"], &["b"]));
    }
}
