//! What a session refuses, and what it leaves alone.

use super::*;

#[test]
fn a_hostile_record_takes_nothing_of_others_along() {
    let world = World::populated();
    put(world.directory.path(), "victim", "outside");
    let outside = world.directory.path().join("victim");
    let hostile = [
        "../../../pyvenv.cfg".to_owned(),
        "../../../PYVENV.cfg".to_owned(),
        "../../../bin/python".to_owned(),
        "../../../../victim".to_owned(),
        outside.display().to_string(),
        "../../../bin/link/../../../victim".to_owned(),
        "stays.py".to_owned(),
        "stays-1.0.dist-info/METADATA".to_owned(),
        "stays-1.0.dist-info/unlisted".to_owned(),
        "../../../lib64/python3.13/site-packages/stays.py".to_owned(),
        "out/victim".to_owned(),
        "../os.py".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "../../..".to_owned(),
        "pkg".to_owned(),
        String::new(),
    ];
    put(&world.prefix, "lib/python3.13/os.py", "the standard library");
    put(&world.prefix, &format!("{SITE}/stays-1.0.dist-info/unlisted"), "x");
    symlink(world.directory.path(), world.prefix.join(SITE).join("out")).unwrap();
    let record = world.prefix.join(SITE).join("pkg-1.0.dist-info/RECORD");
    let mut text = std::fs::read_to_string(&record).unwrap();
    text.extend(hostile.iter().map(|path| format!("{path},,\n")));
    std::fs::write(&record, text).unwrap();
    world.update_with(Gate::default()).unwrap();
    for stays in [
        "pyvenv.cfg",
        "bin/python",
        "lib/python3.13/os.py",
        &format!("{SITE}/stays.py"),
        &format!("{SITE}/stays-1.0.dist-info/METADATA"),
        &format!("{SITE}/stays-1.0.dist-info/unlisted"),
        &format!("{SITE}/out"),
        &format!("{SITE}/pkg/notes.txt"),
    ] {
        assert!(world.has(stays), "{stays}");
    }
    assert!(outside.exists());
    assert!(!world.has(&format!("{SITE}/pkg-1.0.dist-info")));
}

#[test]
fn a_distribution_without_record_is_not_replaced() {
    let world = World::populated();
    std::fs::remove_file(world.prefix.join(SITE).join("pkg-1.0.dist-info/RECORD")).unwrap();
    world.check_refused(&[&world.update()[0]], Code::UnsafeUninstall);
    put(&world.prefix, &format!("{SITE}/other-0-py3.13.egg-info/PKG-INFO"), "Name: other\n");
    world.check_refused(&[&world.update()[1]], Code::UnsafeUninstall);
}

#[test]
fn links_at_a_destination_are_replaced_and_their_targets_are_untouched() {
    let world = World::populated();
    let victim = world.directory.path().join("victim");
    std::fs::write(&victim, "of somebody").unwrap();
    let site = world.prefix.join(SITE);
    let (module, script) = (site.join("pkg/a.py"), world.prefix.join("bin/tool"));
    std::fs::remove_file(&module).unwrap();
    std::fs::remove_file(&script).unwrap();
    symlink(&victim, &module).unwrap();
    std::fs::hard_link(&victim, &script).unwrap();
    // The same content as what comes: still not shared afterwards.
    let same = world.directory.path().join("same");
    std::fs::write(&same, "x").unwrap();
    std::fs::create_dir(world.prefix.join("etc")).unwrap();
    std::fs::hard_link(&same, world.prefix.join("etc/other.conf")).unwrap();
    world.update_with(Gate::default()).unwrap();
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "of somebody");
    assert_eq!(std::fs::read_to_string(&module).unwrap(), "new");
    assert!(!module.is_symlink());
    assert_eq!(std::fs::read_to_string(&script).unwrap(), "#!new");
    std::fs::write(&same, "changed").unwrap();
    assert_eq!(std::fs::read_to_string(world.prefix.join("etc/other.conf")).unwrap(), "x");
}

#[test]
fn a_directory_that_leads_out_is_refused() {
    let world = World::populated();
    symlink(world.directory.path(), world.prefix.join("etc")).unwrap();
    let session = world.session().unwrap();
    let before = tree(world.directory.path());
    let problem = session.add(&world.wheel, &world.update()[1]).unwrap_err();
    assert_eq!(problem.code(), Code::EnvironmentInvalid);
    drop(session);
    assert!(tree(world.directory.path()).len() <= before.len());
}

#[test]
fn files_that_are_there_are_conflicts_unless_they_are_the_same() {
    let world = World::populated();
    let brings = |path: &str, content: &str| world.plan("brings", "1", &[(path, content)]);
    let of_stays = format!("{SITE}/stays.py");
    let problems = world.check_refused(&[&brings(&of_stays, "other")], Code::FileConflict);
    assert_eq!(problems.iter().next().unwrap().found_text(), Some("stays 1.0"));
    world.check_refused(&[&brings(&format!("{SITE}/pkg/notes.txt"), "mine")], Code::FileConflict);
    world.check_refused(&[&brings(&format!("{SITE}/stays.py/below"), "x")], Code::FileConflict);
    world.check_refused(&[&brings(&format!("{SITE}/pkg"), "x")], Code::FileConflict);
    world.check_refused(&[&brings("pyvenv.cfg", "x")], Code::EnvironmentOwned);
    world.check_refused(&[&brings("bin/Python3", "x")], Code::EnvironmentOwned);
    world.install(&[&brings(&of_stays, "stays")]).unwrap();
    assert!(world.has(&of_stays));
}

#[test]
fn two_plans_do_not_bring_one_file_unless_it_is_the_same() {
    let world = World::new();
    let brings = |name: &str, path: &str, content: &str| {
        world.plan(name, "1", &[(&format!("{SITE}/{path}"), content)])
    };
    world.check_refused(&[&brings("a", "x.py", "1"), &brings("b", "x.py", "2")], Code::FileConflict);
    world.check_refused(&[&brings("a", "x", "1"), &brings("b", "x/y", "2")], Code::FileConflict);
    world.check_refused(&[&brings("a", "x/y", "1"), &brings("b", "x", "2")], Code::FileConflict);
    let mut other_way = brings("b", "x.py", "2");
    for file in &mut other_way.files {
        let inside = file.destination.path().strip_prefix(world.prefix.join("lib")).unwrap().to_owned();
        file.destination = world.prefix.join("lib64").join(inside).into();
    }
    world.check_refused(&[&brings("a", "x.py", "1"), &other_way], Code::FileConflict);
    world.install(&[&brings("a", "ns/__init__.py", ""), &brings("b", "ns/__init__.py", "")]).unwrap();
    assert!(world.has(&format!("{SITE}/ns/__init__.py")));
}

#[test]
fn what_is_held_is_compared_file_by_file() {
    let check = |what: &str, expected: bool, change: &dyn Fn(&World)| {
        let world = World::new();
        let files = [(format!("{SITE}/pkg.py"), "1"), ("bin/tool".to_owned(), "#!")];
        let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), *content)).collect();
        let plan = world.plan("pkg", "1.0", &files);
        world.install(&[&plan]).unwrap();
        change(&world);
        assert_eq!(world.session().unwrap().holds(&world.wheel, &plan).unwrap(), expected, "{what}");
    };
    let site = |path: &str| format!("{SITE}/{path}");
    let remove = |world: &World, path: &str| std::fs::remove_file(world.prefix.join(path)).unwrap();
    check("as installed", true, &|_| {});
    check("by another installer", true, &|world| {
        put(&world.prefix, &site("pkg-1.0.dist-info/INSTALLER"), "pip\n");
    });
    check("a changed file", false, &|world| put(&world.prefix, &site("pkg.py"), "2"));
    check("a missing file", false, &|world| remove(world, &site("pkg.py")));
    check("a file that became a link", false, &|world| {
        put(&world.prefix, &site("same.py"), "1");
        remove(world, &site("pkg.py"));
        symlink("same.py", world.prefix.join(site("pkg.py"))).unwrap();
    });
    check("a script that is not executable", false, &|world| {
        std::fs::set_permissions(world.prefix.join("bin/tool"), std::fs::Permissions::from_mode(0o644))
            .unwrap();
    });
    check("another directory of that name", false, &|world| {
        put(&world.prefix, &site("Pkg-2.dist-info/METADATA"), "");
    });
    check("a missing RECORD", false, &|world| remove(world, &site("pkg-1.0.dist-info/RECORD")));
    let record = |world: &World, change: &dyn Fn(String) -> String| {
        let path = world.prefix.join(site("pkg-1.0.dist-info/RECORD"));
        std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
    };
    check("a row of byte-code", true, &|world| {
        record(world, &|text| text + "__pycache__/pkg.cpython-313.pyc,,\n");
    });
    check("a row more", false, &|world| record(world, &|text| text + "more.py,,\n"));
    check("a row less", false, &|world| {
        record(world, &|text| {
            text.lines().filter(|line| !line.starts_with("pkg.py")).map(|line| format!("{line}\n")).collect()
        });
    });
}

#[test]
fn recovering_where_nothing_is_does_nothing() {
    let directory = tempfile::tempdir().unwrap();
    recover(&directory.path().join("a/b/c")).unwrap();
    recover(&directory.path().join("a")).unwrap();
    recover(directory.path()).unwrap();
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}
