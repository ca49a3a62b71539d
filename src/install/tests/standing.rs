//! What counts as installed already, what a session tells of it, and what goes with it.

use super::*;
use crate::install::{recover, umask, uninstall};

fn pkg() -> String {
    format!("{SITE}/pkg-1.0.dist-info")
}

/// An environment with one distribution, and the plan that made it.
fn held() -> (World, InstallPlan) {
    let world = World::new();
    let plan = world.plan(
        "pkg",
        "1.0",
        &[(&format!("{SITE}/pkg/a.py"), "1"), ("bin/tool", "#!"), ("share/pkg/doc", "text")],
    );
    world.install(&[&plan]).unwrap();
    (world, plan)
}

/// Whether a changed environment still has what the plan would write.
fn holds_after(change: impl Fn(&World)) -> bool {
    let (world, plan) = held();
    change(&world);
    world.session().unwrap().holds(&world.wheel, &plan).unwrap()
}

fn edit_record(world: &World, edit: impl Fn(&str) -> String) {
    let at = world.prefix.join(pkg()).join("RECORD");
    let text = std::fs::read_to_string(&at).unwrap();
    let edited = edit(&text);
    assert_ne!(edited, text);
    std::fs::write(at, edited).unwrap();
}

#[test]
fn only_what_is_as_it_would_be_written_is_held() {
    assert!(holds_after(|_| {}));
    let module = format!("{SITE}/pkg/a.py");
    let replaced = |world: &World, content: &str| put(&world.prefix, &module, content);
    assert!(!holds_after(|world| replaced(world, "2")));
    assert!(!holds_after(|world| replaced(world, "1 ")));
    assert!(!holds_after(|world| put(&world.prefix, "bin/tool", "!#")), "one of the same size");
    assert!(!holds_after(|world| std::fs::remove_file(world.prefix.join(&module)).unwrap()));
    assert!(!holds_after(|world| {
        put(&world.prefix, "elsewhere", "1");
        std::fs::remove_file(world.prefix.join(&module)).unwrap();
        symlink(world.prefix.join("elsewhere"), world.prefix.join(&module)).unwrap();
    }));
    let mode = |world: &World, mode: u32| {
        let tool = world.prefix.join("bin/tool");
        std::fs::set_permissions(tool, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    assert!(!holds_after(|world| mode(world, 0o644)));
    assert!(!holds_after(|world| mode(world, 0o700)));
    assert!(!holds_after(|world| mode(world, 0o4755)));
    assert!(holds_after(|world| mode(world, 0o755)));
}

#[test]
fn the_record_of_what_is_held_is_that_of_the_plan() {
    assert!(!holds_after(
        |world| edit_record(world, |text| text.replace("pkg/a.py,sha256=", "pkg/b.py,sha256="))
    ));
    assert!(!holds_after(|world| edit_record(world, |text| text.replace("sha256=", "sha256=A"))));
    for extra in ["pkg/c.py,,", "pkg/c.pyc,,", "pkg/INSTALLER,,", "pkg/RECORD,,"] {
        assert!(!holds_after(|world| edit_record(world, |text| format!("{text}{extra}\n"))), "{extra}");
    }
    for incidental in ["pkg-1.0.dist-info/REQUESTED,,", "pkg/__pycache__/a.cpython-313.pyc,,"] {
        assert!(
            holds_after(|world| edit_record(world, |text| format!("{text}{incidental}\n"))),
            "{incidental}"
        );
    }
    let without = |world: &World, part: &str| {
        edit_record(world, |text| {
            text.lines()
                .filter(|line| !line.contains(part))
                .fold(String::new(), |all, line| all + line + "\n")
        });
    };
    assert!(!holds_after(|world| without(world, "pkg/a.py")));
    assert!(holds_after(|world| without(world, "INSTALLER")));
    // What gives way to nobody's file is missing.
    assert!(!holds_after(|world| without(world, "share/pkg/doc")));
    assert!(!holds_after(|world| std::fs::remove_file(world.prefix.join(pkg()).join("RECORD")).unwrap()));
}

#[test]
fn one_distribution_of_the_name_and_version_is_held() {
    let info = |name: &str| format!("{SITE}/{name}.dist-info/METADATA");
    assert!(!holds_after(|world| put(&world.prefix, &info("pkg-2.0"), "Name: pkg\n")));
    assert!(!holds_after(|world| put(&world.prefix, &info("PKG-1.0"), "Name: pkg\n")));
    assert!(holds_after(|world| put(&world.prefix, &info("pkg.x-1.0"), "Name: pkg-x\n")));
    let rename = |world: &World, to: &str| {
        std::fs::rename(world.prefix.join(pkg()), world.prefix.join(SITE).join(to)).unwrap();
    };
    assert!(!holds_after(|world| rename(world, "pkg-1.1.dist-info")));
    assert!(!holds_after(|world| rename(world, "pkg-1.0.0.dist-info")));
}

#[test]
fn a_session_tells_what_is_there_and_what_it_replaces() {
    let world = World::populated();
    let session = world.session().unwrap();
    let name = |text: &str| text.parse().unwrap();
    assert_eq!(session.installed(), ["pkg", "stays"]);
    assert!(session.has(&name("pkg")) && !session.has(&name("other")));
    let (version, directory) = session.version_of(&name("PKG")).unwrap();
    assert_eq!((version.as_str(), directory), ("1.0", world.prefix.join(pkg())));
    assert_eq!(session.version_of(&name("other")), None);
    assert_eq!(session.replaced(), []);
    let pair = |name: &str| (name.to_owned(), "1.0".to_owned());
    for plan in &world.update() {
        session.add(&world.wheel, plan).unwrap();
    }
    assert_eq!(session.replaced(), [pair("pkg")]);
    assert!(session.remove(&name("stays")) && !session.remove(&name("nothing")));
    assert_eq!(session.would_report([name("pkg")].iter()).removed, [pair("pkg"), pair("stays")]);
    session.spare(&name("stays"));
    assert_eq!(session.finish().unwrap().removed, [pair("pkg")]);
    assert_eq!(world.session().unwrap().version_of(&name("pkg")).unwrap().0, "2.0");
}

#[test]
fn what_is_missing_above_an_environment_is_made_for_it_and_goes_without_it() {
    let world = World::new();
    let root = world.directory.path();
    let before = tree(root);
    let prefix = root.canonicalize().unwrap().join("not/there");
    let session = Session::at(&prefix, scheme(&prefix), Duration::ZERO).unwrap();
    assert!(prefix.is_dir());
    drop(session);
    assert_eq!(tree(root), before);
    let session = Session::at(&prefix, scheme(&prefix), Duration::ZERO).unwrap();
    put(root, "not/of another", "");
    drop(session);
    assert!(root.join("not/of another").exists() && !prefix.exists());
    assert!(Session::at(&root.join("not/of another/x"), scheme(&prefix), Duration::ZERO).is_err());
    let session = Session::at(&prefix, scheme(&prefix), Duration::ZERO).unwrap();
    session.add(&world.wheel, &plan(&prefix, "pkg", "1.0", &[(&format!("{SITE}/pkg.py"), "")])).unwrap();
    session.finish().unwrap();
    let names: Vec<_> = std::fs::read_dir(&prefix).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names, ["lib"]);
}

#[test]
fn what_lies_in_the_directory_of_a_distribution_goes_with_it_and_nothing_behind_a_link() {
    let world = World::populated();
    put(world.directory.path(), "outside/victim", "untouched");
    let info = pkg();
    put(&world.prefix, &format!("{info}/licenses/deep/LICENSE"), "unlisted");
    symlink(world.directory.path().join("outside"), world.prefix.join(&info).join("way")).unwrap();
    let bottom = format!("{info}/{}", "d/".repeat(17));
    put(&world.prefix, &format!("{bottom}file"), "deeper than anything is");
    world.update_with(Gate::default()).unwrap();
    assert!(!world.has(&format!("{info}/licenses")) && !world.has(&format!("{info}/way")));
    assert!(world.has(&format!("{bottom}file")));
    assert!(world.directory.path().join("outside/victim").exists());
    let world = World::populated();
    let bottom = format!("{info}/{}", "d/".repeat(16));
    put(&world.prefix, &format!("{bottom}file"), "as deep as it may be");
    world.update_with(Gate::default()).unwrap();
    assert!(!world.has(&info));
}

#[test]
fn only_regular_files_are_opened_and_handles_not_handed_on() {
    use rustix::fs::{CWD, FileType, Mode};
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name);
    std::fs::write(path("file"), "text").unwrap();
    symlink("file", path("link")).unwrap();
    rustix::fs::mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let open = |name: &str| uninstall::open(&path(name));
    let flags = rustix::io::fcntl_getfd(open("file").unwrap()).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    assert!(open("link").is_err());
    // A pipe is opened without waiting for whoever would write into it, and is not read.
    let pipe = open("pipe").unwrap();
    assert_eq!(tree::read_file(pipe, 100).unwrap(), None);
}

#[test]
fn what_made_it_stands_in_a_plan_and_in_its_record() {
    let (world, plan) = held();
    let named = plan.clone().by(Installer::Pip);
    let content = |plan: &InstallPlan| -> Vec<(PathBuf, Vec<u8>, Option<StrongDigest>, u64)> {
        let files = plan.files.iter().map(|file| match &file.source {
            Source::Generated(text) => (file.destination.path(), text.clone(), file.digest.get(), file.size),
            Source::Entry(_) => panic!("{file:?}"),
        });
        files.collect()
    };
    let place = world.prefix.join(pkg()).join("INSTALLER");
    for (old, new) in content(&plan).into_iter().zip(content(&named)) {
        let digest = Some(StrongDigest::Sha256(Sha256::of(b"pip\n")));
        let expected = if old.0 == place { (place.clone(), b"pip\n".to_vec(), digest, 4) } else { old };
        assert_eq!(new, expected);
    }
    let row = Row::of("pkg-1.0.dist-info/INSTALLER", Sha256::of(b"pip\n"), 4);
    for (old, new) in plan.record().rows.iter().zip(&named.record().rows) {
        assert_eq!(new, if old.path == row.path { &row } else { old });
    }
    assert_eq!([Installer::Pipward.name(), Installer::Pip.name()], ["pipward", "pip"]);
}

#[test]
fn modules_of_a_plan_are_compiled_and_nothing_else_is() {
    let (world, mut plan) = held();
    let kept = world.prefix.join(format!("{SITE}/pkg/__pycache__/a.cpython-313.pyc"));
    let limit = crate::wheel::archive::WHOLE_ENTRY;
    let module =
        |plan: &InstallPlan| plan.files.iter().position(|file| file.destination.ends_with("a.py")).unwrap();
    for (size, is_compiled) in [(1, true), (limit, true), (limit + 1, false), (limit + 2, false)] {
        let at = module(&plan);
        plan.files[at].size = size;
        let (given, made) = (std::sync::Mutex::new(Vec::new()), kept.clone());
        let compile = |modules: Vec<(PathBuf, Vec<u8>)>| {
            given.lock().unwrap().extend(modules);
            Ok(vec![(made.clone(), b"code".to_vec())])
        };
        let compiled = plan.clone().compiled(&world.wheel, &compile).unwrap();
        let given = given.into_inner().unwrap();
        let expected = vec![(world.prefix.join(format!("{SITE}/pkg/a.py")), b"1".to_vec())];
        assert_eq!(given, if is_compiled { expected } else { Vec::new() }, "{size}");
        assert_eq!(compiled.files.len(), plan.files.len() + 1);
        assert!(compiled.record().rows.contains(&Row::of(
            "pkg/__pycache__/a.cpython-313.pyc",
            Sha256::of(b"code"),
            4
        )));
        let other = |_| Ok(vec![(kept.clone(), b"other".to_vec())]);
        let again = compiled.clone().compiled(&world.wheel, &other).unwrap();
        assert_eq!(again.files.len(), compiled.files.len(), "what the plan has stays");
    }
}

#[test]
fn what_is_built_beside_an_environment_is_known_by_its_name_alone() {
    let world = World::new();
    let parent = world.prefix.parent().unwrap();
    let prefix = recover::building_prefix(OsStr::new("env"));
    assert_eq!(prefix, format!(".env{}", recover::STAGE_PREFIX).as_str());
    let name = |rest: &str| format!("{}{rest}", prefix.to_str().unwrap());
    let ours = name(&"x".repeat(recover::RANDOM));
    let others =
        [name("short"), name(&"-".repeat(recover::RANDOM)), "x".repeat(recover::RANDOM), ".env".to_owned()];
    for directory in others.iter().chain([&ours]) {
        put(parent, &format!("{directory}/file"), "");
    }
    let file = name(&"y".repeat(recover::RANDOM));
    put(parent, &file, "");
    recover(&world.prefix).unwrap();
    assert!(!parent.join(&ours).exists());
    assert!(others.iter().chain([&file]).all(|other| parent.join(other).exists()));
    assert!(is_settled(&world.prefix));
    let stage = format!("{}{}", recover::STAGE_PREFIX, "z".repeat(recover::RANDOM));
    std::fs::create_dir(world.prefix.join(stage)).unwrap();
    assert!(!is_settled(&world.prefix));
}

#[test]
fn a_link_among_the_scripts_is_somebody_elses() {
    let (world, _) = held();
    let listed = || world.session().unwrap().would_remove(&"pkg".parse().unwrap()).unwrap();
    let tool = world.prefix.join("bin/tool");
    assert!(listed().contains(&tool));
    std::fs::remove_file(&tool).unwrap();
    symlink("python", &tool).unwrap();
    assert!(!listed().contains(&tool) && listed().len() > 2);
}

/// A directory that others may write in gets its bits with the change, and keeps those it had without it.
#[test]
fn promise_4_the_bits_of_a_directory_change_with_all_else_or_not_at_all() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::populated();
    let open = world.prefix.join(SITE).join("pkg");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let bits = || open.metadata().unwrap().permissions().mode() & 0o777;
    let before = world.tree();
    let mut ended = Vec::new();
    for at in 0..200 {
        let gate = if at % 2 == 0 { Gate::failing(at / 2) } else { Gate::stopping(at / 2) };
        let mut session = world.session().unwrap();
        let [plan, _] = world.update();
        assert!(!session.holds(&world.wheel, &plan).unwrap());
        session.add(&world.wheel, &plan).unwrap();
        session.gate = gate.clone();
        let _ = session.finish();
        recover(&world.prefix).unwrap();
        ended.push(gate.tripped());
        if world.has(&format!("{SITE}/pkg-2.0.dist-info")) {
            break;
        }
        assert_eq!(world.tree(), before, "step {at}");
    }
    assert!(ended.iter().filter(|tripped| **tripped).count() > 4, "{ended:?}");
    assert_eq!(bits(), 0o777 & !umask());
}

#[test]
fn a_record_that_is_written_in_pieces_is_the_one_that_is_written_at_once() {
    let world = World::new();
    let files: Vec<_> = (0..2_000).map(|at| format!("{SITE}/pkg/module_{}/{at}.py", at % 7)).collect();
    let files: Vec<_> = files.iter().map(|path| (path.as_str(), "x")).chain([("bin/tool", "#!")]).collect();
    let plan = world.plan("pkg", "1.0", &files);
    let whole = plan.record().write();
    assert!(whole.len() > 2 * PIECE);
    let mut pieces = Vec::new();
    plan.write_record(&mut pieces).unwrap();
    assert_eq!(pieces, whole);
    world.install(&[&plan]).unwrap();
    let record = world.prefix.join(format!("{SITE}/pkg-1.0.dist-info/RECORD"));
    assert_eq!(std::fs::read(record).unwrap(), whole);
}
