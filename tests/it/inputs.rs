//! What a lock is made from: constraints, hashes, groups, addresses, directories; and what the configuration adds.

use pipward::digest::Sha256;
use pipward::error::Code;

use crate::support::pythons::any_python;
use crate::support::run::{pipward, scratch};
use crate::support::server::{Published, Server};
use crate::support::world::{lock, offer, packages, publish, text, wheel, write};

const PROJECT: &str = "
[project]
name = 'tree'
version = '1'
requires-python = '>=3.9,<4'
dependencies = ['plum']
[project.optional-dependencies]
old = ['stone==1']
new = ['stone==2']
[dependency-groups]
outer = ['leaf', { include-group = 'In_ner' }]
in-ner = ['seed']
round = [{ include-group = 'round' }]
";

fn orchard(server: &Server) -> String {
    let stones = ["1", "2"].map(|version| wheel("stone", version));
    let mut wheels = vec![wheel("plum", "1").requires("stone"), wheel("leaf", "1"), wheel("seed", "1")];
    wheels.extend(stones);
    publish(server, wheels)
}

#[test]
fn groups_are_taken_with_what_they_include() {
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "pyproject.toml", PROJECT);
    let with = |options: &[&str]| lock(directory, &index, options);
    with(&["--group", "OUTER"]).ok();
    assert_eq!(packages(directory), ["leaf 1", "plum 1", "seed 1", "stone 2"]);
    with(&["--only-group", "outer"]).ok();
    assert_eq!(packages(directory), ["leaf 1", "seed 1"]);
    with(&["--group", "round"]).refused(Code::RequirementSyntax).stderr_has("includes itself");
    with(&["--group", "inner"]).refused(Code::UnknownExtra).stderr_has("in-ner, outer, round");
    with(&["--extra", "odd"]).refused(Code::UnknownExtra).stderr_has("new, old");
    with(&["--extra", "old"]).ok();
    assert_eq!(packages(directory), ["plum 1", "stone 1"]);
    let way_out = "extra new and extra old are never used together";
    with(&["--all-extras"])
        .refused(Code::NoSolution)
        .stderr_has(way_out)
        .stderr_has("conflicts = [[{ extra = \"new\" }, { extra = \"old\" }]]");
    with(&["plum", "--group", "outer"]).refused(Code::Usage).stderr_has("-r pyproject.toml");
    let dynamic = PROJECT.replace("dependencies = ['plum']", "dynamic = ['dependencies']");
    write(directory, "pyproject.toml", &dynamic);
    with(&[]).refused(Code::RequirementUnsupported).stderr_has("write the dependencies into [project]");
    with(&["--only-group", "outer"]).ok();
}

#[test]
fn what_excludes_each_other_needs_a_universal_pylock() {
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    let conflicts = "[tool.pipward]\nconflicts = [[{ extra = 'old' }, { extra = 'new' }]]\n";
    write(directory, "pyproject.toml", &format!("{PROJECT}{conflicts}"));
    let with = |options: &[&str]| lock(directory, &index, options);
    with(&["--all-extras"]).ok();
    let both = text(directory, "pylock.toml");
    assert!(both.contains("requirement = \"stone==1 ; 'old' in extras\""), "{both}");
    assert!(
        both.contains("requires-python = \">=3.9, <4\"") && both.contains("extras = [\n    \"new\","),
        "{both}"
    );
    with(&["--all-extras", "--check"]).ok();
    for options in [&["--all-extras", "--no-universal"][..], &["--all-extras", "-o", "requirements.txt"][..]]
    {
        with(options).refused(Code::Usage).stderr_has("one of --extra new, --extra old");
    }
    // One of them excludes nothing, and is part of the lock like any other extra.
    with(&["--extra", "old", "-o", "requirements.txt"]).ok();
    with(&["--extra", "old"]).ok();
    assert_eq!(packages(directory), ["plum 1", "stone 1"]);
    // A third extra that clashes with one of them: told in the words of the lock, not of the solver.
    let third = PROJECT.replace("new = ", "more = ['stone==1']\nnew = ");
    assert_ne!(third, PROJECT);
    write(directory, "pyproject.toml", &format!("{third}{conflicts}"));
    let told = with(&["--all-extras"]).refused(Code::NoSolution).stderr_has("'new' in extras");
    assert!(!told.stderr.contains("e-new") && told.stderr_has("extra more").stderr.contains("extra new"));
    // An extra that includes one of them: the story says so.
    let including = PROJECT.replace("new = ", "all = ['tree[old]']\nnew = ");
    write(directory, "pyproject.toml", &format!("{including}{conflicts}"));
    with(&["--all-extras"])
        .refused(Code::NoSolution)
        .stderr_has("old[0], by project.optional-dependencies.all[0]")
        .stderr_has("extra all includes extra old, which excludes others");
    // A slip of the pen is told.
    let slip = "[tool.pipward]\nconflicts = [[{ extra = 'old' }, { extra = 'newer' }]]\n";
    write(directory, "pyproject.toml", &format!("{PROJECT}{slip}"));
    with(&["--all-extras"]).refused(Code::ConfigInvalid).stderr_has("the extra `newer` of a conflict");
    // A group may exclude an extra.
    let mixed = "[tool.pipward]\nconflicts = [[{ group = 'in-ner' }, { extra = 'new' }]]\n";
    write(directory, "pyproject.toml", &format!("{PROJECT}{mixed}"));
    with(&["--extra", "new", "--group", "in-ner"]).ok();
    let lock = packages(directory);
    assert!(lock.contains(&"seed 1 ; 'in-ner' in dependency_groups".to_owned()), "{lock:?}");
    pipward(["install", "--venv", "env", "-r", "pylock.toml", "--group", "in-ner", "--python"])
        .arg(any_python().executable)
        .dir(directory)
        .run()
        .ok()
        .stdout_has("seed-1");
}

#[test]
fn constraints_bind_versions_and_nothing_else() {
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "a.txt", "stone<2 ; python_version < '3'\nseed==7\n");
    write(directory, "b.txt", "leaf>=1\nstone<2 ; python_version >= '3'\n");
    lock(directory, &index, &["plum", "-c", "a.txt"]).ok();
    assert_eq!(packages(directory), ["plum 1", "stone 2"]);
    lock(directory, &index, &["plum", "-c", "a.txt", "-c", "b.txt"]).ok();
    assert_eq!(packages(directory), ["plum 1", "stone 1"]);
    write(directory, "a.txt", "stone[x]<2\n");
    lock(directory, &index, &["plum", "-c", "a.txt"])
        .refused(Code::RequirementUnsupported)
        .stderr_has("a constraint cannot ask for extras")
        .stderr_has("a.txt:1");
    // An address leaves the wheel that lies there.
    let (file, bytes) = wheel("stone", "1.5").build();
    server.file(&format!("/elsewhere/{file}"), bytes.clone());
    let address = server.url(&format!("/elsewhere/{file}"));
    write(directory, "a.txt", &format!("stone @ {address}\n"));
    lock(directory, &index, &["plum", "-c", "a.txt"]).refused(Code::HashMissing).stderr_has("a.txt:1");
    write(directory, "a.txt", &format!("stone @ {address}#sha256={}\n", Sha256::of(&bytes)));
    lock(directory, &index, &["plum", "-c", "a.txt"]).ok();
    assert_eq!(packages(directory), ["plum 1", "stone 1.5"]);
}

#[test]
fn hashes_of_the_inputs_bind_the_lock() {
    let server = Server::start();
    let linux = wheel("plum", "1").tag("py3-none-manylinux_2_17_x86_64").platlib().build();
    let any = wheel("plum", "1").build();
    let hash = Sha256::of(&any.1);
    let index = offer(&server, vec![Published::new(linux), Published::new(any)]);
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "a.in", &format!("plum==1 --hash=sha256:{hash}\n"));
    lock(directory, &index, &["-r", "a.in"]).ok();
    let made = text(directory, "pylock.toml");
    assert!(made.contains(&hash.to_string()) && !made.contains("manylinux"), "{made}");
    write(directory, "a.in", &format!("plum==1 --hash=sha256:{}\n", "0".repeat(64)));
    lock(directory, &index, &["-r", "a.in"])
        .refused(Code::HashMismatch)
        .stderr_has("no wheel of the index has a hash that is given")
        .stderr_has("a.in:1");
    // The hash of an address is the line's own: nothing was locked.
    let (file, bytes) = wheel("plum", "1").build();
    let address = format!("plum @ file://{}", directory.join(&file).display());
    std::fs::write(directory.join(&file), bytes).unwrap();
    write(directory, "a.in", &format!("# One\n{address} --hash=sha256:{}\n", "0".repeat(64)));
    let refused = lock(directory, &index, &["-r", "a.in"]).refused(Code::HashMismatch);
    let refused = refused.stderr_has("is not the file that the given hash means").stderr_has("a.in:2");
    let told = refused.stderr_has("correct the hash, or the address").stderr;
    assert!(!told.contains("locked") && !told.contains("--upgrade-package"), "{told}");
}

/// A name that no project has is a fault of the option; one that an include names, of the include.
#[test]
fn unknown_extras_and_groups_are_told_where_they_are_asked_for() {
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    let project = |folder: &str, rest: &str| {
        std::fs::create_dir(directory.join(folder)).unwrap();
        let text = format!("[project]\nname = '{folder}'\nversion = '1'\ndependencies = ['plum']\n{rest}");
        write(directory, &format!("{folder}/pyproject.toml"), &text);
    };
    project("p2", "[dependency-groups]\na = ['leaf',\n{ include-group = 'b' }]\n");
    project("p3", "[project.optional-dependencies]\nx = ['leaf']\n[dependency-groups]\ndev = ['seed']\n");
    let with = |options: &[&str]| {
        lock(directory, &index, &[&["-r", "p2/pyproject.toml", "-r", "p3/pyproject.toml"], options].concat())
    };
    lock(directory, &index, &["-r", "p2/pyproject.toml", "--group", "a"])
        .refused(Code::UnknownExtra)
        .stderr_has("the dependency group `a` includes `b`")
        .stderr_has("p2/pyproject.toml:7");
    let one = |options: &[&str]| lock(directory, &index, &[&["-r", "p3/pyproject.toml"], options].concat());
    one(&["--extra", "y"]).refused(Code::UnknownExtra).stderr_has("no extra `y`").stderr_has("--> --extra\n");
    one(&["--group", "development"])
        .refused(Code::UnknownExtra)
        .stderr_has("--> --group\n")
        .stderr_has("dev");
    with(&["--group", "dev"])
        .refused(Code::UnknownExtra)
        .stderr_has("p2/pyproject.toml has no dependency group `dev`")
        .stderr_has("--group p3/pyproject.toml:dev");
    with(&["--extra", "x"]).refused(Code::UnknownExtra).stderr_has("ask for 'p3[x]'");
    // The ways out are ones.
    with(&["p3[x]"]).ok();
    assert_eq!(packages(directory), ["leaf 1", "plum 1", "stone 2"]);
    with(&["--group", "p3/pyproject.toml:dev"]).ok();
    assert_eq!(packages(directory), ["plum 1", "seed 1", "stone 2"]);
    lock(directory, &index, &["--check"]).ok();
    one(&["--group", "p2/pyproject.toml:a"])
        .refused(Code::Usage)
        .stderr_has("name it with -r p2/pyproject.toml");
}

#[test]
fn addresses_are_taken_from_the_user_alone() {
    let server = Server::start();
    let (file, bytes) = wheel("stone", "1").build();
    let deep = format!("stone @ {}#sha256={}", server.url(&format!("/files/{file}")), Sha256::of(&bytes));
    let index = publish(&server, vec![wheel("plum", "1").requires(&deep), wheel("stone", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    lock(directory, &index, &["plum"])
        .refused(Code::NoSolution)
        .stderr_has("plum 1 depends on stone by its address, and only releases of an index can be locked");
    // A wheel of this machine.
    std::fs::write(directory.join(&file), &bytes).unwrap();
    let address = format!("stone @ file://{}#sha256={}", directory.join(&file).display(), Sha256::of(&bytes));
    lock(directory, &index, &[&address]).ok();
    assert!(text(directory, "pylock.toml").contains(&format!("path = \"{file}\"")));
    std::fs::create_dir(directory.join("app")).unwrap();
    write(directory, "app/pyproject.toml", PROJECT);
    lock(directory, &index, &["./app"])
        .refused(Code::RequirementUnsupported)
        .stderr_has("this is a directory, and installing it runs the project's code")
        .stderr_has("pipward lock -r ./app/pyproject.toml");
    write(directory, "e.in", "-e ./app\ngit+https://example.org/x\n./x-1.tar.gz\n");
    lock(directory, &index, &["-r", "e.in"])
        .refused(Code::RequirementUnsupported)
        .stderr_has("an editable install")
        .stderr_has("a version control address")
        .stderr_has("a source archive")
        .stderr_has("e.in:3");
}

#[test]
fn a_yanked_pin_is_told_once_when_it_is_locked_and_when_it_is_installed() {
    let server = Server::start();
    let index = offer(
        &server,
        vec![
            Published::new(wheel("plum", "1").build()),
            Published::new(wheel("plum", "2").build()).yanked("broken on Mondays"),
        ],
    );
    let scratch = scratch();
    let directory = scratch.path();
    lock(directory, &index, &["plum"]).ok();
    assert_eq!(packages(directory), ["plum 1"]);
    let said = "plum 2: it was yanked (broken on Mondays)";
    let locked = lock(directory, &index, &["plum==2"]).ok();
    assert_eq!(locked.stderr.matches(said).count(), 1, "{}", locked.told());
    let installed = pipward(["install", "--venv", "env", "-r", "pylock.toml", "--python"])
        .arg(any_python().executable)
        .dir(directory)
        .run()
        .ok();
    assert_eq!(installed.stderr.matches(said).count(), 1, "{}", installed.told());
}

#[test]
fn ranges_without_a_python_are_refused() {
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    for (settings, expected) in [
        ("environments = ['python_version < \"3.8\"']\nrequires-python = '>=3.10'\n", "pipward.toml:1"),
        (
            "requires-python = '>=3.10'\nrequired-environments = ['python_version < \"3\"']\n",
            "pipward.toml:2",
        ),
    ] {
        write(directory, "pipward.toml", settings);
        lock(directory, &index, &["plum"])
            .refused(Code::ConfigInvalid)
            .stderr_has("outside of the range")
            .stderr_has(expected);
    }
    std::fs::remove_file(directory.join("pipward.toml")).unwrap();
    for (name, python) in [("a", ">=3.9"), ("b", ">=3.11,<3.13"), ("c", "<3.8")] {
        std::fs::create_dir(directory.join(name)).unwrap();
        let text = format!("[project]\nname = '{name}'\nversion = '1'\nrequires-python = '{python}'\n");
        write(directory, &format!("{name}/pyproject.toml"), &text);
    }
    lock(directory, &index, &["-r", "a/pyproject.toml", "-r", "b/pyproject.toml"]).ok();
    assert!(text(directory, "pylock.toml").contains("requires-python = \">=3.11, <3.13\""));
    lock(directory, &index, &["-r", "a/pyproject.toml", "-r", "c/pyproject.toml"])
        .refused(Code::PythonMismatch)
        .stderr_has("no Python is in all of the ranges");
}

#[test]
fn prereleases_come_when_they_are_asked_for() {
    let server = Server::start();
    let all = ["1", "2rc1"].map(|version| wheel("plum", version));
    let needs = wheel("stone", "1").requires("plum>=2rc1");
    let index = publish(&server, all.into_iter().chain([needs, wheel("seed", "1a1")]).collect());
    let scratch = scratch();
    let directory = scratch.path();
    let check = |arguments: &[&str], expected: &[&str]| {
        lock(directory, &index, &[arguments, &["-U"]].concat()).ok();
        assert_eq!(packages(directory), expected, "{arguments:?}");
    };
    check(&["plum"], &["plum 1"]);
    check(&["plum", "--pre"], &["plum 2rc1"]);
    check(&["plum", "--prerelease", "allow"], &["plum 2rc1"]);
    check(&["plum", "--prerelease", "if-necessary"], &["plum 1"]);
    check(&["plum>1rc1"], &["plum 2rc1"]);
    check(&["plum", "stone"], &["plum 2rc1", "stone 1"]);
    check(&["plum", "seed"], &["plum 1", "seed 1a1"]);
    write(directory, "pipward.toml", "prereleases = 'allow'\n");
    check(&["plum"], &["plum 2rc1"]);
    check(&["plum", "--prerelease", "if-necessary"], &["plum 1"]);
    write(directory, "pipward.toml", "prereleases = ['seed']\n");
    check(&["plum"], &["plum 1"]);
    std::fs::remove_file(directory.join("pipward.toml")).unwrap();
    write(directory, "a.in", "--pre\nplum\n");
    check(&["-r", "a.in"], &["plum 2rc1"]);
}

#[test]
fn what_was_locked_is_told_to_people_and_to_programs() {
    let server = Server::start();
    let plum = wheel("plum", "1").requires("stone ; sys_platform == 'win32'");
    let wheels = [plum, wheel("stone", "1"), wheel("stone", "2")];
    let files = wheels.map(|wheel| Published::new(wheel.build()).uploaded("2026-01-01T00:00:00Z"));
    let index = offer(&server, files.into());
    let scratch = scratch();
    let directory = scratch.path();
    lock(directory, &index, &["plum"]).ok().stderr_has("Locked 2 packages in pylock.toml");
    let quiet = lock(directory, &index, &["plum", "stone<2", "-q"]).ok();
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let told = lock(directory, &index, &["plum", "--json"]).ok();
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["changes"], serde_json::json!([]));
    assert_eq!(told["packages"][1]["marker"], "sys_platform == 'win32'");
    lock(directory, &index, &["plum", "--json", "-o", "-"]).code(2).stdout_has("\"code\":\"usage\"");
    lock(directory, &index, &["plum", "-o", "/dev/null", "--format", "requirements"])
        .refused(Code::Usage)
        .stderr_has("`-o -` is standard output");
    lock(directory, &index, &["plum", "-o", "-"]).ok().stdout_has("[[packages]]");
    std::os::unix::fs::symlink("pylock.toml", directory.join("pylock.link.toml")).unwrap();
    lock(directory, &index, &["plum", "stone<2", "-o", "pylock.link.toml"]).ok();
    assert!(directory.join("pylock.link.toml").is_symlink());
    assert!(text(directory, "pylock.toml").contains("stone<2"));
    lock(directory, &index, &["plum", "-o", "lock.toml"]).refused(Code::Usage).stderr_has("pylock.NAME.toml");
    lock(directory, &index, &["plum", "--exclude", "stone", "-o", "requirements.txt"])
        .ok()
        .stderr_has("does not tell what was overridden or excluded");
}
