//! Sessions on real directories.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::recover::recover_with;
use super::tree::Gate;
use super::*;
use crate::digest::{LockedHashes, Sha256, StrongDigest};
use crate::error::{Code, Place, Problem, Problems};
use crate::fetch::Unverified;
use crate::lock::{Location, LockedFile};
use crate::python::Scheme;
use crate::verify::VerifiedWheel;
use crate::wheel::Wheel;
use crate::wheel::record::Row;

mod handles;
mod refusals;
mod rivals;
mod standing;

const SITE: &str = "lib/python3.13/site-packages";

/// A wheel of one module, `content.py`.
pub(super) fn wheel() -> Wheel {
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
    let mut planned = Vec::new();
    let own = [metadata, installer];
    for (path, content) in
        files.iter().copied().chain(own.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    {
        let digest = Sha256::of(content.as_bytes());
        planned.push(PlannedFile {
            destination: prefix.join(path).into(),
            source: Source::Generated(content.as_bytes().to_vec()),
            executable: path.starts_with("bin/"),
            digest: Kept::Sha256(digest),
            size: content.len() as u64,
            is_sized: true,
            gives_way: contest::is_document(Path::new(path)),
        });
    }
    planned.sort_by(|one, other| one.destination.cmp(&other.destination));
    InstallPlan {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
        dist_info: prefix.join(dist_info),
        files: planned,
        installer: Installer::default(),
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
