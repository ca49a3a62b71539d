//! Control, bidirectional and invisible characters in every field that others write: none of them reaches a terminal, a
//! log or a report as it is.

use std::path::{Path, PathBuf};

use pipward::digest::Sha256;

use crate::support::pythons::any_python;
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Published, Response, Server, Style};
use crate::support::wheels::WheelBuilder;

/// What could steer a terminal or deceive a reader.
const EVIL: &str = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\u{85}\r";

/// The same without what lines, headers and the like cannot carry.
const SLY: &str = "\u{202e}\u{2066}\u{200b}\u{e0041}";

fn harmful(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(u32::from(c), 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe007f)
}

struct World {
    server: Server,
    directory: tempfile::TempDir,
    python: String,
}

impl World {
    fn new() -> Self {
        let python = any_python().executable.display().to_string();
        Self { server: Server::start(), directory: scratch(), python }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs a command as text, as JSON, and at its loudest; what it says, and writes into its log, is plain.
    #[track_caller]
    fn run(&self, words: &[&str]) -> Output {
        let run = |more: &[&str]| {
            let at = if words[0] == "pip" { 2 } else { 1 };
            let (first, rest) = words.split_at(at);
            let run = pipward(first).args(more).args(rest).dir(self.directory.path());
            let output = run.env("PIPWARD_CACHE_DIR", self.path("cache")).run();
            plain(&output.stdout, &output);
            plain(&output.stderr, &output);
            assert!(!output.stderr.contains("panicked"), "{}", output.told());
            output
        };
        run(&["--json", "--log", "log"]);
        let output = run(&["-vvv", "--log", "log"]);
        plain(&std::fs::read_to_string(self.path("log")).unwrap_or_default(), &output);
        output
    }

    fn lock(&self, at: &str, more: &[&str]) -> Output {
        let words = ["lock", "-o", "pylock.toml", "--python-version", "3.13", "--no-universal", "-i", at];
        self.run(&[&words[..], &["--retries", "0", "--timeout", "2", "--no-cache-dir"], more].concat())
    }

    /// Locks and installs a wheel, by a lock that is right about it.
    fn install(&self, wheel: &(String, Vec<u8>), more: &[&str]) -> Output {
        self.write(&wheel.0, &wheel.1);
        let lock = format!(
            "lock-version = \"1.0\"\ncreated-by = \"a test\"\n[[packages]]\nname = \"pear\"\nversion = \"1.0\"\nwheels = [{{ path = \"{}\", hashes = {{ sha256 = \"{}\" }} }}]\n",
            wheel.0,
            Sha256::of(&wheel.1)
        );
        self.write("pylock.toml", lock);
        let words = ["install", "--venv", "env", "-r", "pylock.toml", "--python", &self.python];
        self.run(&[&words[..], more].concat())
    }
}

#[track_caller]
fn plain(text: &str, output: &Output) {
    let found: Vec<char> = text.chars().filter(|c| harmful(*c)).collect();
    assert!(found.is_empty(), "{found:?} in {}", output.told().escape_debug());
}

fn pear() -> WheelBuilder {
    WheelBuilder::new("pear", "1.0").file("pear.py", "")
}

#[test]
fn what_an_index_says_is_neutralised() {
    let world = World::new();
    let simple = world.server.url("/simple/");
    let json = "application/vnd.pypi.simple.v1+json";
    let page = |name: &str, version: &str, file: &str, reason: &str, url: &str| {
        serde_json::json!({"meta": {"api-version": version}, "name": name, "files": [{
            "filename": file, "url": url, "hashes": {"sha256": "0".repeat(64)}, "yanked": reason, "requires-python": reason,
        }]})
        .to_string()
    };
    let good = "pear-1.0-py3-none-any.whl";
    let evil = format!("x{EVIL}");
    for body in [
        page(&evil, "1.1", good, "", good),
        page("pear", &evil, good, "", good),
        page("pear", "1.1", &format!("pear-1.0{EVIL}-py3-none-any.whl"), "", good),
        page("pear", "1.1", &format!("pear-1.0-py3{EVIL}-none-any.whl"), "", good),
        page("pear", "1.1", good, &evil, good),
        page("pear", "1.1", good, "", &format!("{evil}://h/{good}")),
        page("pear", "1.1", good, "", &format!("http://h{EVIL}/{good}")),
        page("pear", "1.1", good, "", &format!("/files/{EVIL}/{good}")),
        evil.clone(),
        format!("{{\"{evil}\": {evil}}}"),
    ] {
        world.server.serve("/simple/pear/", Response::ok(body).header("Content-Type", json));
        world.lock(&simple, &["pear==1.0"]);
        world.run(&[
            "index",
            "versions",
            "pear",
            "-i",
            &simple,
            "--no-cache-dir",
            "--retries",
            "0",
            "--python",
            &world.python,
        ]);
    }
    let html = format!(
        "<html><a href=\"/files/{good}\" data-yanked=\"{evil}\" data-requires-python=\"{evil}\">{evil}</a>"
    );
    for (name, value) in [("Content-Type", "text/html"), ("Content-Type", SLY), ("Content-Encoding", SLY)] {
        world.server.serve("/simple/pear/", Response::ok(html.clone()).header(name, value));
        world.lock(&simple, &["pear==1.0"]);
    }
    for to in [format!("ftp://h/{SLY}"), format!("http://h{SLY}/"), format!("/{SLY}"), format!("{SLY}:x")] {
        world.server.serve("/simple/pear/", Response::redirect(to));
        world.lock(&simple, &["pear==1.0"]);
    }
    for status in [401, 403, 500] {
        let response = Response { status, ..Response::ok(evil.clone()) };
        world.server.serve("/simple/pear/", response.header("WWW-Authenticate", SLY));
        world.lock(&simple, &["pear==1.0"]);
    }
    let metadata = format!("Metadata-Version: 2.1\nName: pear\nVersion: 1.0{EVIL}\nRequires-Dist: {evil}\n");
    let file = Published::new(pear().build()).metadata(&metadata).yanked(&evil);
    world.server.publish("pear", &[file], &Style::default());
    world.lock(&simple, &["pear==1.0"]);
    let file = Published::new(pear().build()).yanked(&evil);
    world.server.publish("pear", &[file], &Style::default());
    world.lock(&simple, &["pear==1.0"]).ok();
    let lock = std::fs::read_to_string(world.path("pylock.toml")).unwrap();
    assert!(!lock.chars().any(harmful) && lock.contains("\\u202E"), "{}", lock.escape_debug());
    world.run(&["install", "--venv", "env", "-r", "pylock.toml", "--python", &world.python]);
}

#[test]
fn what_a_wheel_says_is_neutralised() {
    let world = World::new();
    let evil = format!("x{SLY}\u{1b}[31m\u{9b}\u{7}");
    let told = pear()
        .header("Summary", &evil)
        .header("Home-page", &evil)
        .header("Author", &evil)
        .header("License", &evil)
        .header("Classifier", &evil)
        .header("Project-URL", &format!("{evil}, https://h/{evil}"))
        .header("Keywords", &evil)
        .entry_points("[console_scripts]\npear = pear:main\n[other.group]\nname = pear:x\n");
    assert_eq!(world.install(&told.build(), &["--report", "report.json", "--force-reinstall"]).code, Some(0));
    let report = std::fs::read_to_string(world.path("report.json")).unwrap();
    assert!(!report.chars().any(harmful), "{}", report.escape_debug());
    assert!(report.contains("\\u202e") && serde_json::from_str::<serde_json::Value>(&report).is_ok());
    for words in [
        &["show", "-v", "-f", "pear"][..],
        &["list"],
        &["list", "--format", "json"],
        &["freeze"],
        &["inspect"],
        &["check"],
        &["verify", "env"],
        &["pip", "show", "pear"],
        &["pip", "list"],
        &["pip", "inspect"],
    ] {
        let python = ["--python", "env"];
        let words = if words[0] == "verify" { words.to_vec() } else { [words, &python[..]].concat() };
        world.run(&words);
    }
    let record = pear().honest_record();
    for wheel in [
        pear().file(&format!("{SLY}.py"), ""),
        pear().file("a\u{1b}.py", ""),
        pear().metadata(&format!("Metadata-Version: 2.1\nName: {evil}\nVersion: 1.0\n")),
        pear().metadata(&format!("Metadata-Version: {evil}\nName: pear\nVersion: 1.0\n")),
        pear().metadata(&format!("Metadata-Version: 2.1\nName: pear\nVersion: 1.0\nRequires-Dist: {evil}\n")),
        pear().wheel(&format!("Wheel-Version: {evil}\nRoot-Is-Purelib: true\n")),
        pear().wheel(&format!("Wheel-Version: 1.9\nRoot-Is-Purelib: true\nTag: {evil}\n")),
        pear().entry_points(&format!("[console_scripts]\n{evil} = pear:main\n")),
        pear().entry_points(&format!("[console_scripts]\npear = {evil}\n")),
        pear().record(format!("{evil},,\n{record}")),
        pear().record(record.replace("pear.py,sha256=", &format!("pear.py,{evil}="))),
        pear().file("evil.pth", format!("import os; {evil}\n")),
    ] {
        assert_eq!(
            world.install(&wheel.build(), &["--force-reinstall"]).code.map(|code| code > 1),
            Some(false)
        );
    }
}

#[test]
fn what_files_and_words_say_is_neutralised() {
    let world = World::new();
    let evil = format!("x{EVIL}");
    let escaped = r"x\u001b[31m\u202e\u2066\u200b\u0085";
    let wheel = pear().build();
    world.write(&wheel.0, &wheel.1);
    let honest = format!(
        "lock-version = \"1.0\"\ncreated-by = \"a test\"\n[[packages]]\nname = \"pear\"\nversion = \"1.0\"\nwheels = [{{ path = \"{}\", hashes = {{ sha256 = \"{}\" }} }}]\n",
        wheel.0,
        Sha256::of(&wheel.1)
    );
    for (from, to) in [
        ("\"1.0\"\ncreated", format!("\"{escaped}\"\ncreated")),
        ("a test", escaped.to_owned()),
        ("name = \"pear\"", format!("name = \"{escaped}\"")),
        ("version = \"1.0\"\nwheels", format!("version = \"{escaped}\"\nwheels")),
        (&wheel.0, escaped.to_owned()),
        ("path = \"", format!("url = \"http://h/{escaped}/")),
        ("sha256", format!("\"{escaped}\"")),
        ("[[packages]]", format!("\"{escaped}\" = 1\n[[packages]]")),
        ("wheels =", format!("marker = \"{escaped}\"\nwheels =")),
        ("wheels =", format!("index = \"{escaped}\"\nwheels =")),
        ("created-by", format!("{evil}created-by")),
    ] {
        world.write("pylock.toml", honest.replacen(from, &to, 1));
        world.run(&["install", "--venv", "env", "-r", "pylock.toml", "--python", &world.python]);
    }
    for line in [
        evil.clone(),
        format!("{evil}==1.0"),
        format!("pear=={evil}"),
        format!("pear==1.0 --hash=sha256:{evil}"),
        format!("pear==1.0 ; {evil}"),
        format!("pear @ http://h/{evil}"),
        format!("--{evil}"),
        format!("-i http://{evil}/"),
        format!("-r {evil}"),
    ] {
        world.write("pear.txt", line);
        world.run(&["install", "--venv", "env", "-r", "pear.txt", "--python", &world.python]);
        world.lock("http://127.0.0.1:9/simple/", &["-r", "pear.txt"]);
    }
    for text in [
        format!("\"{escaped}\" = 1"),
        format!("resolution = \"{escaped}\""),
        format!("environments = [\"{escaped}\"]"),
        format!("[policy]\n\"{escaped}\" = 1"),
        format!("[limits]\n\"{escaped}\" = 1\npage = \"{escaped}\""),
        format!(
            "[[policy.exception]]\ncode = \"{escaped}\"\npackage = \"{escaped}\"\nreason = \"{escaped}\""
        ),
        evil.clone(),
    ] {
        world.write("pipward.toml", text);
        world.lock("http://127.0.0.1:9/simple/", &["pear"]);
    }
    std::fs::remove_file(world.path("pipward.toml")).unwrap();
    let odd = "x\u{1b}[31m\u{202e}\u{9b}";
    for words in [
        &["install", odd][..],
        &["install", "--target", "out", "-r", odd],
        &["lock", odd],
        &["lock", "pear", "-i", odd],
        &["index", odd, "pear"],
        &["install", "--timeout", odd],
        &["explain", odd],
        &["hash", odd],
        &["show", odd],
        &["uninstall", "-y", odd],
        &["config", "get", odd],
        &["cache", "remove", odd],
        &["pip", "install", odd],
        &["pip", "install", "--timeout", odd],
        &["verify", odd],
    ] {
        world.run(words);
    }
}

#[test]
fn what_stands_in_an_environment_is_neutralised() {
    let world = World::new();
    assert_eq!(world.install(&pear().build(), &[]).code, Some(0));
    let library = world.path("env/lib").read_dir().unwrap().next().unwrap().unwrap().path();
    let site = library.join("site-packages");
    let info = site.join("pear-1.0.dist-info");
    let write = |path: &Path, text: String| std::fs::write(path, text).unwrap();
    write(&info.join("INSTALLER"), format!("{EVIL}\n"));
    write(
        &info.join("METADATA"),
        format!("Metadata-Version: 2.1\nName: pe{EVIL}ar\nVersion: 1{EVIL}\nSummary: {EVIL}\n"),
    );
    write(&info.join("RECORD"), format!("{EVIL},,\n../../../../{SLY},,\n"));
    write(
        &info.join("direct_url.json"),
        format!("{{\"url\": \"file:///{SLY}\", \"dir_info\": {{\"editable\": true}}}}"),
    );
    write(&site.join(format!("new{SLY}\u{1b}.pth")), "import os".to_owned());
    write(&site.join(format!("odd{SLY}\u{1b}.py")), String::new());
    std::fs::create_dir(site.join(format!("plum{SLY}\u{1b}-1.0.dist-info"))).unwrap();
    for words in [
        &["list", "-v"][..],
        &["list", "--format", "freeze"],
        &["freeze"],
        &["show", "-v", "-f", "pear"],
        &["inspect"],
        &["check"],
        &["debug"],
        &["uninstall", "-y", "pear"],
        &["pip", "list"],
        &["pip", "freeze"],
    ] {
        world.run(&[words, &["--python", "env"]].concat());
    }
    world.run(&["verify", "env", "-r", "pylock.toml"]);
    world.run(&["repair", "env"]);
    world.run(&["sync", "--venv", "env", "-r", "pylock.toml"]);
}
