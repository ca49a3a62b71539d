//! `add` and `remove`: the inputs, the lock and the environment change together, or not at all.

use super::{Place, simple};
use crate::support::run::{Output, pipward};
use crate::support::server::{Published, Server, Style};
use crate::support::tree::{assert_same, tree};
use crate::support::wheels::WheelBuilder;

struct Project {
    place: Place,
    server: Server,
}

impl Project {
    /// A project that needs alpha, locked and installed; alpha has a newer version since.
    fn new(input: &str, text: &str) -> Self {
        let project = Self { place: Place::with(&[]), server: Server::start() };
        project.offer("alpha", &[simple("alpha", "1")]);
        project.offer("beta", &[simple("beta", "1").requires("gamma")]);
        project.offer("gamma", &[simple("gamma", "1")]);
        std::fs::write(project.place.path(input), text).unwrap();
        project.run(&["lock", "-r", input]).ok();
        let installed = project.run(&["install", "-r", "pylock.toml"]).ok();
        assert!(installed.stdout.contains("alpha-1"), "{}", installed.told());
        project.offer("alpha", &[simple("alpha", "1"), simple("alpha", "2")]);
        project
    }

    fn offer(&self, name: &str, wheels: &[WheelBuilder]) {
        let files: Vec<Published> = wheels.iter().map(|wheel| Published::new(wheel.build())).collect();
        self.server.publish(name, &files, &Style::default());
    }

    fn run(&self, words: &[&str]) -> Output {
        pipward(words)
            .arg("-i")
            .arg(self.server.url("/simple/"))
            .env("VIRTUAL_ENV", self.place.environment())
            .dir(self.place.scratch.path())
            .run()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.place.path(name)).unwrap()
    }

    fn installed(&self) -> String {
        self.place.ours(&["list", "--format", "freeze"]).run().ok().stdout
    }
}

const PYPROJECT: &str = "# mine\n[project]\nname = \"x\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\n    \"alpha\",\n]\n";

#[test]
fn a_project_gains_and_loses_a_requirement() {
    let project = Project::new("pyproject.toml", PYPROJECT);
    let lock = project.text("pylock.toml");
    let told = project.run(&["add", "beta"]).ok();
    assert!(told.stdout.contains("Successfully installed beta-1 gamma-1"), "{}", told.told());
    let expected = PYPROJECT.replace("    \"alpha\",\n", "    \"alpha\",\n    \"beta\",\n");
    assert_eq!(project.text("pyproject.toml"), expected);
    assert_eq!(project.installed(), "alpha==1\nbeta==1\ngamma==1\n", "alpha stays as it was");
    let told = project.run(&["remove", "beta"]).ok();
    assert!(told.stdout.contains("Successfully uninstalled beta-1 gamma-1"), "{}", told.told());
    assert_eq!(project.text("pyproject.toml"), PYPROJECT);
    assert_eq!(project.installed(), "alpha==1\n");
    let packages = |text: &str| text.matches("[[packages]]").count();
    assert_eq!(packages(&project.text("pylock.toml")), packages(&lock));
}

#[test]
fn groups_and_extras_gain_a_requirement_and_stay_locked() {
    let project = Project::new("pyproject.toml", PYPROJECT);
    let told = project.run(&["add", "beta", "--group", "test"]).ok();
    assert!(told.stdout.contains("Successfully installed beta-1 gamma-1"), "{}", told.told());
    assert_eq!(
        project.text("pyproject.toml"),
        format!("{PYPROJECT}\n[dependency-groups]\ntest = [\"beta\"]\n")
    );
    project.run(&["add", "gamma", "--optional", "more", "--no-install"]).ok();
    let lock = project.text("pylock.toml");
    assert!(lock.contains("name = \"beta\"") && lock.contains("name = \"gamma\""), "{lock}");
    project.run(&["lock", "--check", "--group", "test", "--extra", "more"]).ok();
    project.run(&["add", "beta", "--optional", "more", "--group", "test"]).code(2).stderr_has("one group");
    project.run(&["remove", "beta", "--group", "test", "--no-install"]).ok();
    assert!(project.text("pyproject.toml").contains("test = []"));
}

#[test]
fn a_requirements_file_gains_a_requirement() {
    let project = Project::new("requirements.in", "alpha # first\n");
    let told = project.run(&["--json", "add", "beta>=1", "--no-install"]).ok();
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(json["input"], "requirements.in");
    assert_eq!(project.text("requirements.in"), "alpha # first\nbeta>=1\n");
    assert_eq!(project.installed(), "alpha==1\n");
    assert!(project.text("pylock.toml").contains("name = \"gamma\""));
}

/// Nothing changes where the lock cannot be written.
#[test]
fn what_does_not_exist_is_not_added() {
    let project = Project::new("pyproject.toml", PYPROJECT);
    let before = tree(project.place.scratch.path());
    assert_ne!(project.run(&["add", "nothing-there"]).code, Some(0));
    assert_ne!(project.run(&["add", "no name!"]).code, Some(0));
    project.run(&["remove", "gamma"]).code(1).stderr_has("not-in-lock");
    project.run(&["add"]).code(2).stderr_has("usage");
    assert_same(&before, &tree(project.place.scratch.path()));
}

/// A lock in the form of requirements stays one, with all that it was made from.
#[test]
fn a_requirements_lock_is_locked_again_in_its_own_form() {
    let project = Project { place: Place::with(&[]), server: Server::start() };
    project.offer("alpha", &[simple("alpha", "1"), simple("alpha", "2"), simple("alpha", "3")]);
    project.offer("beta", &[simple("beta", "1").requires("gamma")]);
    project.offer("gamma", &[simple("gamma", "1"), simple("gamma", "2")]);
    project.offer("delta", &[simple("delta", "1")]);
    let input = "# what we need\n\nalpha  # first\ndelta ; python_version > '3' \\\n  # and on\n";
    std::fs::write(project.place.path("requirements.in"), input).unwrap();
    std::fs::write(project.place.path("limits.txt"), "alpha<3\ngamma<2\n").unwrap();
    project.run(&["lock", "-r", "requirements.in", "-c", "limits.txt", "-o", "requirements.txt"]).ok();
    let before = project.text("requirements.txt");
    assert!(before.contains("# input = requirements.in\n# input = -c limits.txt\n"), "{before}");
    project.run(&["install", "-r", "requirements.txt"]).ok();
    assert_eq!(project.installed(), "alpha==2\ndelta==1\n");
    let told = project.run(&["add", "beta"]).ok();
    assert!(told.stdout.contains("Successfully installed beta-1 gamma-1"), "{}", told.told());
    assert_eq!(project.text("requirements.in"), format!("{input}beta\n"));
    assert!(!project.place.path("pylock.toml").exists());
    let after = project.text("requirements.txt");
    let pins = |text: &str| -> Vec<String> {
        let pins = text.lines().filter(|line| line.contains("==") && !line.starts_with('#'));
        pins.map(|line| line.split([' ', ';', '\\']).next().unwrap().to_owned()).collect()
    };
    assert_eq!(pins(&after), ["alpha==2", "beta==1", "delta==1", "gamma==1"]);
    project
        .run(&["lock", "--check", "-r", "requirements.in", "-c", "limits.txt", "-o", "requirements.txt"])
        .ok();
    // What a lock was made from need not be typed again.
    project.run(&["lock", "--check", "-o", "requirements.txt"]).ok();
    let told = project.run(&["remove", "beta"]).ok();
    assert!(told.stdout.contains("Successfully uninstalled beta-1 gamma-1"), "{}", told.told());
    assert_eq!(project.text("requirements.in"), input);
    assert_eq!(pins(&project.text("requirements.txt")), pins(&before));
    assert_eq!(project.text("requirements.txt"), before);
    // One that another tool wrote has its inputs beside it.
    let bare: String =
        before.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    std::fs::write(project.place.path("requirements.txt"), bare).unwrap();
    project.run(&["add", "beta", "--no-install"]).ok();
    assert!(pins(&project.text("requirements.txt")).contains(&"alpha==2".to_owned()));
    // Without them nothing is lost.
    std::fs::remove_file(project.place.path("requirements.in")).unwrap();
    let bare: String =
        after.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    std::fs::write(project.place.path("requirements.txt"), &bare).unwrap();
    project
        .run(&["add", "gamma", "--no-install"])
        .code(1)
        .stderr_has("nobody knows what this lock was made from");
    assert_eq!(project.text("requirements.txt"), bare);
    assert!(!project.place.path("requirements.in").exists());
}

/// What pins nothing is no lock: a pylock.toml is written beside it, as for any project.
#[test]
fn requirements_without_pins_are_no_lock() {
    let project = Project::new("requirements.in", "alpha\n");
    std::fs::remove_file(project.place.path("pylock.toml")).unwrap();
    std::fs::write(project.place.path("requirements.txt"), "alpha\n").unwrap();
    project.run(&["add", "beta", "--no-install"]).ok();
    assert!(project.place.path("pylock.toml").exists());
    assert_eq!(project.text("requirements.txt"), "alpha\n");
}

/// The environment is named as everywhere.
#[test]
fn an_environment_can_be_named() {
    let project = Project::new("requirements.in", "alpha\n");
    let run = |words: &[&str]| {
        let index = project.server.url("/simple/");
        pipward(words).arg("-i").arg(index).dir(project.place.scratch.path()).run()
    };
    let other = |name: &str| project.place.path(name).join("bin/python");
    run(&["add", "gamma", "--venv", "other"]).ok().stdout_has("Successfully installed alpha-1 gamma-1");
    assert!(other("other").exists());
    run(&["remove", "gamma", "--python", "other"]).ok().stdout_has("Successfully uninstalled gamma-1");
    run(&["sync", "other"]).ok().stdout_has("Nothing to do");
    run(&["sync", "--venv", "other"]).ok().stdout_has("Nothing to do");
    run(&["sync", "--python", "other"]).ok().stdout_has("Nothing to do");
    run(&["sync", "third"]).ok().stdout_has("Successfully installed alpha-1");
    for command in ["verify", "repair"] {
        for place in [&["other"][..], &["--venv", "other"], &["--python", "other"]] {
            pipward([command]).args(place).dir(project.place.scratch.path()).run().ok().stdout_has("other");
        }
        let both = [command, "other", "--venv", "third"];
        pipward(both).dir(project.place.scratch.path()).run().code(2);
        let variable =
            pipward([command, "other"]).env("PIPWARD_PYTHON", "3").dir(project.place.scratch.path());
        variable.run().ok();
    }
}
