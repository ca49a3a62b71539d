//! Sessions on real directories.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::recover::recover_with;
use super::tree::Gate;
use super::*;
use crate::digest::{LockedHashes, Sha256};
use crate::error::{Code, Place, Problem, Problems};
use crate::fetch::Unverified;
use crate::lock::{Location, LockedFile};
use crate::python::Scheme;
use crate::verify::VerifiedWheel;
use crate::wheel::Wheel;
use crate::wheel::record::Row;

const SITE: &str = "lib/python3.13/site-packages";

/// A wheel of one module, `content.py`.
fn wheel() -> Wheel {
    let name = "content-1.0-py3-none-any.whl";
    let files = [
        ("content.py", "print('hello')\n"),
        ("content-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: content\nVersion: 1.0\n"),
        ("content-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    ];
    let mut record = Record::default();
    for (path, content) in files {
        record.rows.push(Row::of(path, Sha256::of(content.as_bytes()), content.len() as u64));
    }
    record.rows.push(Row::bare("content-1.0.dist-info/RECORD"));
    let record = String::from_utf8(record.write()).unwrap();
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, content) in files.into_iter().chain([("content-1.0.dist-info/RECORD", record.as_str())]) {
        writer.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let locked = LockedFile {
        name: name.parse().unwrap(),
        location: Location::Path(PathBuf::from("/").join(name)),
        size: None,
        upload_time: None,
        hashes: LockedHashes::sha256(Sha256::of(&bytes)),
        place: Place::file("pylock.toml"),
    };
    let unverified = Unverified::private(bytes, Place::file(name), &locked.hashes);
    Wheel::read(VerifiedWheel::check(unverified, &locked).unwrap()).unwrap()
}

fn scheme(prefix: &Path) -> Scheme {
    Scheme {
        purelib: prefix.join(SITE),
        platlib: prefix.join("lib64/python3.13/site-packages"),
        scripts: prefix.join("bin"),
        headers: prefix.join("include/site/python3.13"),
        data: prefix.to_owned(),
        interpreter: prefix.join("bin/python"),
        python: (3, 13),
    }
}

fn skeleton(at: &Path) {
    put(at, "pyvenv.cfg", "home = /usr/bin\n");
    std::fs::create_dir_all(at.join(SITE)).unwrap();
    std::fs::create_dir_all(at.join("bin")).unwrap();
    symlink("lib", at.join("lib64")).unwrap();
    symlink("/usr/bin/python3", at.join("bin/python")).unwrap();
}

fn put(at: &Path, path: &str, content: &str) {
    let path = at.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// A plan; paths are relative to the prefix, those that begin with `bin/` are executable.
fn plan(prefix: &Path, name: &str, version: &str, files: &[(&str, &str)]) -> InstallPlan {
    let dist_info = format!("{SITE}/{name}-{version}.dist-info");
    let metadata = (format!("{dist_info}/METADATA"), format!("Name: {name}\nVersion: {version}\n"));
    let installer = (format!("{dist_info}/INSTALLER"), "pipward\n".to_owned());
    let mut record = Record::default();
    let mut planned = Vec::new();
    let own = [metadata, installer];
    for (path, content) in
        files.iter().copied().chain(own.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    {
        let digest = Sha256::of(content.as_bytes());
        let row = path.strip_prefix(SITE).map_or(format!("../../../{path}"), |path| path[1..].to_owned());
        record.rows.push(Row::of(row, digest, content.len() as u64));
        planned.push(PlannedFile {
            destination: prefix.join(path),
            source: Source::Generated(content.as_bytes().to_vec()),
            executable: path.starts_with("bin/"),
            digest: Some(StrongDigest::Sha256(digest)),
            size: content.len() as u64,
        });
    }
    record.rows.push(Row::bare(format!("{name}-{version}.dist-info/RECORD")));
    planned.sort_by(|one, other| one.destination.cmp(&other.destination));
    InstallPlan {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
        dist_info: prefix.join(dist_info),
        files: planned,
        record,
    }
}

/// Everything beneath a directory: kind, mode and content.
fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, String)> {
    fn walk(root: &Path, at: &Path, found: &mut BTreeMap<PathBuf, (u32, String)>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let about = path.symlink_metadata().unwrap();
            let content = if about.is_symlink() {
                format!("-> {}", std::fs::read_link(&path).unwrap().display())
            } else if about.is_dir() {
                walk(root, &path, found);
                "a directory".to_owned()
            } else {
                std::fs::read_to_string(&path).unwrap()
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), (about.permissions().mode(), content));
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

struct World {
    directory: tempfile::TempDir,
    prefix: PathBuf,
    wheel: Wheel,
}

impl World {
    /// An environment without distributions.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().canonicalize().unwrap().join("env");
        skeleton(&prefix);
        Self { directory, prefix, wheel: wheel() }
    }

    /// The same, with a distribution that is to be replaced and one that stays.
    fn populated() -> Self {
        let world = Self::new();
        let old = world.plan(
            "pkg",
            "1.0",
            &[
                (&format!("{SITE}/pkg/a.py"), "old"),
                (&format!("{SITE}/pkg/gone/b.py"), "old"),
                ("bin/tool", "#!old"),
                ("share/pkg/doc", "old"),
            ],
        );
        let stays = world.plan("stays", "1.0", &[(&format!("{SITE}/stays.py"), "stays")]);
        world.install(&[&old, &stays]).unwrap();
        put(&world.prefix, &format!("{SITE}/pkg/__pycache__/a.cpython-313.pyc"), "byte-code");
        put(&world.prefix, &format!("{SITE}/pkg/notes.txt"), "of the user");
        world
    }

    fn plan(&self, name: &str, version: &str, files: &[(&str, &str)]) -> InstallPlan {
        plan(&self.prefix, name, version, files)
    }

    /// A newer version, and a distribution that is not there yet.
    fn update(&self) -> [InstallPlan; 2] {
        [
            self.plan(
                "pkg",
                "2.0",
                &[
                    (&format!("{SITE}/pkg/a.py"), "new"),
                    (&format!("{SITE}/pkg/new/deep/c.py"), "new"),
                    ("bin/tool", "#!new"),
                    ("bin/tool2", "#!new"),
                ],
            ),
            self.plan("other", "1", &[(&format!("{SITE}/other/__init__.py"), ""), ("etc/other.conf", "x")]),
        ]
    }

    fn session(&self) -> Result<Session, Problem> {
        Session::at(&self.prefix, scheme(&self.prefix), Duration::ZERO)
    }

    fn install(&self, plans: &[&InstallPlan]) -> Result<Report, Problems> {
        self.install_with(plans, Gate::default())
    }

    fn install_with(&self, plans: &[&InstallPlan], gate: Gate) -> Result<Report, Problems> {
        let mut session = self.session()?;
        session.gate = gate;
        for plan in plans {
            session.add(&self.wheel, plan)?;
        }
        session.finish()
    }

    fn update_with(&self, gate: Gate) -> Result<Report, Problems> {
        self.install_with(&self.update().iter().collect::<Vec<_>>(), gate)
    }

    fn tree(&self) -> BTreeMap<PathBuf, (u32, String)> {
        tree(&self.prefix)
    }

    fn has(&self, path: &str) -> bool {
        self.prefix.join(path).symlink_metadata().is_ok()
    }

    #[track_caller]
    fn check_refused(&self, plans: &[&InstallPlan], code: Code) -> Problems {
        let before = tree(self.directory.path());
        let problems = self.install(plans).unwrap_err();
        assert_eq!(problems.iter().map(Problem::code).collect::<Vec<_>>(), [code], "{problems}");
        assert_eq!(tree(self.directory.path()), before);
        problems
    }
}

#[test]
fn a_replacement_takes_out_what_was_its_own() {
    let world = World::populated();
    let report = world.update_with(Gate::default()).unwrap();
    assert_eq!(report.removed, [("pkg".to_owned(), "1.0".to_owned())]);
    let tree = world.tree();
    let content = |path: &str| tree.get(Path::new(path)).map(|(_, content)| content.as_str());
    assert_eq!(content(&format!("{SITE}/pkg/a.py")), Some("new"));
    assert_eq!(content(&format!("{SITE}/pkg/new/deep/c.py")), Some("new"));
    assert_eq!(content("bin/tool"), Some("#!new"));
    assert_eq!(content("bin/tool2"), Some("#!new"));
    assert_eq!(content(&format!("{SITE}/pkg/notes.txt")), Some("of the user"));
    assert_eq!(content(&format!("{SITE}/stays.py")), Some("stays"));
    for gone in ["pkg/gone", "pkg/__pycache__", "pkg-1.0.dist-info"] {
        assert_eq!(content(&format!("{SITE}/{gone}")), None, "{gone}");
    }
    assert_eq!(content("share"), None);
    assert!(tree.keys().all(|path| !path.to_string_lossy().contains(".pipward")));
    assert_eq!(tree[Path::new("bin/tool")].0 & 0o100, 0o100);
    assert_eq!(tree[&PathBuf::from(format!("{SITE}/pkg/a.py"))].0 & 0o111, 0);
}

#[test]
fn the_content_of_entries_is_that_of_the_wheel() {
    let world = World::new();
    let mut plan = world.plan("content", "1.0", &[(&format!("{SITE}/content.py"), "print('hello')\n")]);
    let at = world.wheel.entries().iter().position(|entry| entry.path().as_str() == "content.py").unwrap();
    for file in plan.files.iter_mut().filter(|file| file.destination.ends_with("content.py")) {
        file.source = Source::Entry(at);
    }
    world.install(&[&plan]).unwrap();
    assert_eq!(world.tree()[&PathBuf::from(format!("{SITE}/content.py"))].1, "print('hello')\n");
    assert!(world.session().unwrap().holds(&world.wheel, &plan).unwrap());
}

#[test]
fn promise_4_a_fault_at_any_step_leaves_the_old_tree() {
    for at in 0.. {
        let world = World::populated();
        let before = world.tree();
        let gate = Gate::failing(at);
        let result = world.update_with(gate.clone());
        if !gate.tripped() {
            assert!(at > 10 && result.is_ok());
            break;
        }
        match result {
            Err(problems) => {
                assert_eq!(problems.iter().next().unwrap().code(), Code::FileAccess);
                assert_eq!(world.tree(), before, "a fault at step {at}");
            }
            // What is left over of a complete change goes with the next command.
            Ok(_) => {
                recover(&world.prefix).unwrap();
                check_new(&world, at);
            }
        }
    }
}

#[track_caller]
fn check_new(world: &World, at: usize) {
    let complete = World::populated();
    complete.update_with(Gate::default()).unwrap();
    assert_eq!(world.tree(), complete.tree(), "step {at}");
}

#[test]
fn promise_4_a_kill_at_any_step_is_settled_to_old_or_new() {
    let mut outcomes = [false; 2];
    for at in 0.. {
        let world = World::populated();
        let before = world.tree();
        let gate = Gate::stopping(at);
        let _ = world.update_with(gate.clone());
        let killed = gate.tripped();
        if killed {
            assert_ne!(world.tree(), before, "a kill leaves a stage");
        }
        // Settling may be killed as well.
        for again in [0, 1, 2, 3, 5, 8] {
            let _ = recover_with(&world.prefix, &Gate::stopping(again));
        }
        recover(&world.prefix).unwrap();
        recover(&world.prefix).unwrap();
        if world.tree() == before {
            outcomes[0] = true;
        } else {
            outcomes[1] = true;
            check_new(&world, at);
        }
        if !killed {
            break;
        }
    }
    assert_eq!(outcomes, [true; 2]);
}

#[test]
fn the_next_session_settles_what_a_kill_left() {
    let world = World::populated();
    let _ = world.update_with(Gate::stopping(9));
    world.update_with(Gate::default()).unwrap();
    check_new(&world, 9);
}

#[test]
fn a_session_that_is_dropped_leaves_nothing() {
    let world = World::populated();
    let before = world.tree();
    let session = world.session().unwrap();
    session.add(&world.wheel, &world.update()[0]).unwrap();
    assert_ne!(world.tree(), before);
    drop(session);
    assert_eq!(world.tree(), before);
}

#[test]
fn a_session_without_anything_to_do_writes_nothing() {
    let world = World::populated();
    let before = world.tree();
    let session = world.session().unwrap();
    assert_eq!(world.tree(), before);
    assert_eq!(session.finish().unwrap(), Report::default());
    assert_eq!(world.tree(), before);
}

#[test]
fn a_damaged_journal_is_told() {
    let world = World::populated();
    let _ = world.update_with(Gate::stopping(6));
    let stage = std::fs::read_dir(&world.prefix)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(".pipward-"))
        .unwrap();
    let before = {
        let journal = stage.join("journal");
        let text = std::fs::read_to_string(&journal).unwrap().replace("bin/tool", "bin/took");
        std::fs::write(journal, text).unwrap();
        world.tree()
    };
    assert_eq!(recover(&world.prefix).unwrap_err().code(), Code::JournalUnreadable);
    assert_eq!(world.session().unwrap_err().code(), Code::JournalUnreadable);
    assert_eq!(world.tree(), before);
}

#[test]
fn two_sessions_do_not_meet() {
    let world = World::populated();
    let first = world.session().unwrap();
    first.add(&world.wheel, &world.update()[0]).unwrap();
    assert_eq!(world.session().unwrap_err().code(), Code::EnvironmentBusy);
    let during = world.tree();
    recover(&world.prefix).unwrap();
    assert_eq!(world.tree(), during, "what a live process works on is left alone");
    first.finish().unwrap();
    world.session().unwrap();
}

fn build(world: &World, directory: &Path) -> Session {
    let session = Session::build(directory, scheme(directory), |at| {
        skeleton(at);
        Ok(())
    });
    let session = session.unwrap();
    let plan = plan(directory, "pkg", "1.0", &[(&format!("{SITE}/pkg.py"), "new"), ("bin/tool", "#!")]);
    assert!(!session.holds(&world.wheel, &plan).unwrap());
    session.add(&world.wheel, &plan).unwrap();
    session
}

#[test]
fn promise_4_a_new_environment_appears_whole_or_not_at_all() {
    let world = World::new();
    let root = world.directory.path();
    let before = tree(root);
    let place = root.join("not/there/yet");
    let session = build(&world, &place);
    assert!(!place.exists());
    recover(&place).unwrap();
    drop(session);
    assert_eq!(tree(root), before, "dropped");

    let mut session = build(&world, &place);
    session.gate = Gate::failing(0);
    assert!(session.finish().is_err());
    assert_eq!(tree(root), before, "a fault");

    for at in [0, 1] {
        let place = root.join(format!("killed{at}"));
        let mut session = build(&world, &place);
        session.gate = Gate::stopping(at);
        let _ = session.finish();
        recover(&place).unwrap();
        assert_eq!(place.exists(), at == 1);
        if place.exists() {
            std::fs::remove_dir_all(&place).unwrap();
        }
        assert_eq!(tree(root), before, "a kill at {at}");
    }

    build(&world, &place).finish().unwrap();
    let made = tree(&place);
    assert_eq!(made[&PathBuf::from(format!("{SITE}/pkg.py"))].1, "new");
    assert!(made.contains_key(Path::new("pyvenv.cfg")));
    assert_eq!(tree(place.parent().unwrap()).len(), made.len() + 1, "nothing of ours is left");
    let usual = root.join("usual");
    std::fs::create_dir(&usual).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
    assert_eq!(mode(&place), mode(&usual));
}

#[test]
fn a_new_environment_replaces_an_empty_directory_and_nothing_else() {
    let world = World::new();
    let place = world.directory.path().join("new");
    std::fs::create_dir(&place).unwrap();
    let session = build(&world, &place);
    put(&place, "file", "of somebody");
    let before = tree(&place);
    let code = session.finish().unwrap_err().iter().next().unwrap().code();
    assert_eq!(code, Code::EnvironmentBusy);
    assert_eq!(tree(&place), before);
    std::fs::remove_file(place.join("file")).unwrap();
    build(&world, &place).finish().unwrap();
    assert!(place.join("pyvenv.cfg").exists());
}

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
        let inside = file.destination.strip_prefix(world.prefix.join("lib")).unwrap().to_owned();
        file.destination = world.prefix.join("lib64").join(inside);
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
        put(&world.prefix, &site("pkg-1.0.dist-info/INSTALLER"), "pip\n")
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
        put(&world.prefix, &site("Pkg-2.dist-info/METADATA"), "")
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
