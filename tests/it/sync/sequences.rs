//! Commands in any order over one environment, with edits by hand between them, end where a fresh install of the last lock
//! does: content, modes and directories.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::commands::{Place, simple};
use crate::support::run::{Output, Run, pipward};
use crate::support::tree::{Tree, differences, tree};
use crate::support::wheels::WheelBuilder;
use crate::support::{long, loudly};

/// What is no file any more, or has lost its RECORD, is refused: nothing is removed that nobody knows.
const REFUSALS: [&str; 3] = ["unsafe-uninstall", "file-conflict", "startup-code"];

/// It did what it should, or says why not.
#[track_caller]
fn done(told: &Output) {
    let is_refusal = REFUSALS.iter().any(|code| told.stderr.contains(code));
    assert!(told.code == Some(0) || told.code == Some(1) && is_refusal, "{}", told.told());
}

/// Numbers that look random, and are the same for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        let at = self.below(all.len());
        &all[at]
    }
}

const NAMES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// Releases that gain and lose directories, programs and data, and share a namespace.
fn wheel(name: &str, version: usize) -> WheelBuilder {
    let mut wheel = simple(name, &version.to_string())
        .file(&format!("shared/{name}.py"), format!("x = {version}\n"))
        .file(&format!("{name}/deep/v{version}/mod.py"), "x = 1\n")
        .file(&format!("{name}/data.txt"), format!("{name} {version}"));
    if version.is_multiple_of(2) {
        wheel = wheel.data("data", &format!("share/{name}/file.txt"), "data").data(
            "scripts",
            &format!("run-{name}"),
            "#!python\n",
        );
    } else {
        wheel = wheel.entry_points(&format!("[console_scripts]\n{name} = {name}:main\n"));
    }
    if name == "beta" { wheel.requires("alpha") } else { wheel }
}

struct World {
    place: Place,
    dice: Dice,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let world = Self { place: Place::with(&[]), dice: Dice(seed), log: Vec::new() };
        for name in NAMES {
            for version in 1..4 {
                world.place.offer(&[wheel(name, version)]);
            }
        }
        std::fs::write(world.place.path("requirements.in"), "alpha==1\nbeta\n").unwrap();
        world
    }

    fn run(&mut self, words: &[&str]) -> Output {
        self.log.push(words.join(" "));
        let cache = self.place.path("cache");
        pipward(words).env("PIPWARD_CACHE_DIR", cache).dir(self.place.scratch.path()).run()
    }

    /// With the folder of wheels in place of an index.
    fn with_wheels(&mut self, words: &[&str]) -> Output {
        self.run(&[words, &["--no-index", "--find-links", "wheels"]].concat())
    }

    fn lock(&mut self) {
        self.with_wheels(&["lock", "-r", "requirements.in"]).ok();
    }

    fn step(&mut self) {
        match self.dice.below(9) {
            0 => {
                let (name, version) = (*self.dice.of(&NAMES), 1 + self.dice.below(3));
                let text = format!("{name}=={version}");
                done(&self.with_wheels(&["add", &text, "--venv", "env"]));
            }
            1 => {
                let name = *self.dice.of(&NAMES);
                let told = self.with_wheels(&["remove", name, "--venv", "env"]);
                if !told.stderr.contains("not-in-lock") {
                    done(&told);
                }
            }
            2 => {
                let version = 1 + self.dice.below(3);
                let text = format!("alpha=={version}\ngamma\n");
                std::fs::write(self.place.path("requirements.in"), text).unwrap();
                self.lock();
                done(&self.with_wheels(&["install", "-r", "pylock.toml", "--venv", "env"]));
            }
            3 => {
                let name = *self.dice.of(&NAMES);
                done(&self.run(&["uninstall", "-y", name, "--python", "env"]));
            }
            4 => drop(self.run(&["repair", "env"]).ok()),
            5 => done(&self.with_wheels(&["sync", "env"])),
            _ => self.edit(),
        }
    }

    /// Something that people, tools and attackers do by hand.
    fn edit(&mut self) {
        let library = self.place.library();
        let mut files = Vec::new();
        let site =
            [library.clone(), self.place.environment().join("bin"), self.place.environment().join("share")];
        site.iter().for_each(|directory| gather(directory, &mut files));
        files.retain(|path| !is_environments(path));
        files.sort();
        if files.is_empty() {
            return;
        }
        let file = self.dice.of(&files).clone();
        let what = self.dice.below(9);
        self.log.push(format!("edit {what} {}", file.display()));
        match what {
            0 => std::fs::write(&file, "edited").unwrap(),
            1 => std::fs::remove_file(&file).unwrap(),
            2 => {
                let modes = [0o4755, 0o666, 0o600, 0o444, 0o777, 0o640];
                let mode = *self.dice.of(&modes);
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            }
            3 => {
                std::fs::remove_file(&file).unwrap();
                std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
            }
            4 => std::fs::write(library.join("stray.py"), "").unwrap(),
            5 => {
                std::fs::create_dir_all(library.join("alpha/stray/deep")).unwrap();
                std::fs::write(library.join("alpha/stray/deep/mod.py"), "").unwrap();
            }
            6 => {
                let script = "import compileall, sys; compileall.compile_dir(sys.argv[1], quiet=2)";
                Run::new(&self.place.python.executable).args(["-I", "-c", script]).arg(&library).run();
            }
            7 if file.parent().unwrap() != library && file.starts_with(&library) => {
                let modes = [0o777, 0o700, 0o775, 0o1755];
                let mode = *self.dice.of(&modes);
                std::fs::set_permissions(file.parent().unwrap(), std::fs::Permissions::from_mode(mode))
                    .unwrap();
            }
            // Elsewhere than among the modules, what is nobody's is not looked at.
            _ if !file.starts_with(&library) => {}
            _ => {
                std::fs::remove_file(&file).unwrap();
                std::fs::create_dir(&file).unwrap();
                std::fs::write(file.join("inside"), "").unwrap();
            }
        }
    }

    /// Where a sync ends, and where a fresh one does at the same place.
    fn both(&mut self) -> Result<(Tree, Tree), String> {
        let words = ["sync", "env", "--rehash", "--remove-unlisted"];
        let told = self.with_wheels(&words);
        if told.code != Some(0) {
            done(&told);
            return Err(told.told());
        }
        let synced = tree(&self.place.environment());
        let again = self.with_wheels(&words).ok();
        assert!(again.stdout.contains("Nothing to do"), "{:?}\n{}", self.log, again.told());
        std::fs::rename(self.place.environment(), self.place.path("aside")).unwrap();
        let bare = Run::new(&self.place.python.executable).args(["-I", "-m", "venv", "--without-pip"]);
        bare.arg(self.place.environment()).run().ok();
        self.with_wheels(&["sync", "env"]).ok();
        let fresh = tree(&self.place.environment());
        std::fs::remove_dir_all(self.place.environment()).unwrap();
        std::fs::rename(self.place.path("aside"), self.place.environment()).unwrap();
        Ok((synced, fresh))
    }
}

fn gather(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            gather(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// What makes up the environment, and RECORD, without which nobody knows what is to be removed.
fn is_environments(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let is_bin = path.parent().unwrap().ends_with("bin");
    is_bin && ["python", "activate", "Activate"].iter().any(|start| name.starts_with(start))
        || name == "RECORD"
}

#[test]
fn any_sequence_ends_where_a_fresh_install_does() {
    let (count, length) = if long() { (40_u32, 14) } else { (3, 8) };
    let (mut compared, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for seed in 1..=u64::from(count) {
        let mut world = World::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        world.lock();
        world.with_wheels(&["install", "-r", "pylock.toml", "--venv", "env"]).ok();
        for _ in 0..length {
            world.step();
        }
        match world.both() {
            Err(told) => refused.push(told),
            Ok((synced, fresh)) => {
                compared += 1;
                let told = differences(&synced, &fresh);
                if !told.is_empty() {
                    let told = told.join("\n");
                    wrong.push(format!(
                        "seed {seed}: {:#?}\nsynced (left), fresh (right):\n{told}",
                        world.log
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(compared > refused.len(), "{}", refused.join("\n"));
    if long() {
        let refused = refused.len();
        loudly(&format!(
            "sequences of {length} steps: {compared} ended as a fresh install, {refused} were refused"
        ));
    }
}
