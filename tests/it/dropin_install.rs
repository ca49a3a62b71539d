//! What installing as pip says and leaves, where there is no pip to compare with: words, addresses, other Pythons,
//! byte-code.

use std::path::{Path, PathBuf};

use pipward::digest::Sha256;

use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, pipward, scratch};
use crate::support::server::{Response, Server};
use crate::support::tree::{assert_same, tree};
use crate::support::wheels::WheelBuilder;

/// An environment, a folder of wheels, and their hashes.
pub struct World {
    _scratch: tempfile::TempDir,
    root: PathBuf,
}

impl World {
    pub fn new() -> Self {
        let scratch = scratch();
        let root = scratch.path().to_owned();
        Run::new(&any_python().executable)
            .args(["-I", "-m", "venv", "--without-pip"])
            .arg(root.join("env"))
            .run()
            .ok();
        pipward(["shim"]).arg(root.join("env")).run().ok();
        std::fs::create_dir(root.join("links")).unwrap();
        Self { _scratch: scratch, root }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Puts a wheel into the folder; returns its pin and hash.
    pub fn wheel(&self, builder: &WheelBuilder) -> String {
        let (name, bytes) = builder.build();
        std::fs::write(self.path("links").join(&name), &bytes).unwrap();
        let mut parts = name.split('-');
        let (project, version) = (parts.next().unwrap(), parts.next().unwrap());
        format!("{project}=={version} --hash=sha256:{}\n", Sha256::of(&bytes))
    }

    pub fn install(&self, words: &[&str]) -> Output {
        let words = ["install", "--no-index", "--find-links", "links"].iter().chain(words);
        self.pip(&words.copied().collect::<Vec<_>>())
    }

    pub fn pip(&self, words: &[&str]) -> Output {
        self.run(words).run()
    }

    /// As `install`, with a cache that stays.
    pub fn install_again(&self, words: &[&str]) -> Output {
        let words = ["install", "--no-index", "--find-links", "links"].iter().chain(words);
        let words: Vec<&str> = words.copied().collect();
        self.run(&words).env("PIPWARD_CACHE_DIR", self.path("cache")).run()
    }

    pub fn run(&self, words: &[&str]) -> Run {
        Run::new(self.path("env/bin/pip")).args(words).dir(&self.root).env("NO_PROXY", "127.0.0.1")
    }
}

pub fn plain(name: &str, version: &str) -> WheelBuilder {
    WheelBuilder::new(name, version).file(&format!("{name}.py"), format!("version = '{version}'\n"))
}

#[test]
fn errors_have_the_words_that_scripts_look_for() {
    let world = World::new();
    let plum = world.wheel(&plain("plum", "1.0"));
    let stone = world.wheel(&plain("stone", "1.0").requires("plum"));
    world.wheel(&plain("foreign", "1.0").tag("cp38-cp38-win_amd64"));
    let wrong = format!("plum==1.0 --hash=sha256:{}\n", "0".repeat(64));
    let foreign = format!("./links/foreign-1.0-cp38-cp38-win_amd64.whl --hash=sha256:{}\n", "0".repeat(64));
    for (text, told) in [
        (wrong.as_str(), "DO NOT MATCH THE HASHES"),
        ("plum==1.0\n", "Hashes are required in --require-hashes mode"),
        ("plum>=1.0\n", "must have their versions pinned with =="),
        (&stone, "must have their versions pinned with =="),
        (&plum.replace("plum", "nobody"), "No matching distribution found for nobody==1.0"),
        (&plum.replace("1.0", "9.0"), "No matching distribution found for plum==9.0"),
        (&foreign, "is not a supported wheel on this platform."),
        ("-r missing.txt\n", "Could not open requirements file: [Errno 2] No such file or directory"),
        ("plum==\n", "Invalid requirement: 'plum=='"),
        ("--bogus\n", "no such option: --bogus"),
        ("-e .\n", "editable"),
    ] {
        world.write("r.txt", text);
        let told_all = world.install(&["-r", "r.txt"]).code(1).stderr_has(told);
        assert!(told_all.stderr.starts_with("ERROR: "), "{}", told_all.told());
    }
    world.install(&["-r", "gone.txt"]).code(1).stderr_has("Could not open requirements file: [Errno 2]");
}

#[test]
fn what_is_installed_and_does_not_fit_is_told() {
    let world = World::new();
    let plum = world.wheel(&plain("plum", "1.0"));
    let newer = world.wheel(&plain("plum", "2.0"));
    let stone = world.wheel(&plain("stone", "1.0").requires("plum<2"));
    world.write("old.txt", &format!("{plum}{stone}"));
    world.write("new.txt", &newer);
    assert!(world.install(&["-r", "old.txt"]).ok().stderr.is_empty());
    let told = world.install(&["-r", "new.txt"]).ok();
    told.clone().stderr_has("ERROR: pip's dependency resolver does not currently take into account");
    told.stderr_has("stone 1.0 requires plum<2, but you have plum 2.0 which is incompatible.");
    world.install(&["-r", "old.txt", "--force-reinstall"]).ok();
    assert!(world.install(&["--no-warn-conflicts", "-r", "new.txt"]).ok().stderr.is_empty());
}

#[test]
fn an_extra_that_there_is_not_is_told() {
    let world = World::new();
    let pin = world.wheel(&plain("plum", "1.0").extra("more"));
    world.write("r.txt", &pin.replace("plum==", "plum[more,nope]=="));
    let told = world.install(&["-r", "r.txt"]).ok();
    assert_eq!(told.stderr, "WARNING: plum 1.0 does not provide the extra 'nope'\n", "{}", told.told());
}

#[test]
fn requirements_are_read_from_addresses() {
    let world = World::new();
    let server = Server::start();
    let plum = world.wheel(&plain("plum", "1.0"));
    server.serve("/deep/r.txt", Response::ok("-r more/s.txt\n-c c.txt\n"));
    server.serve("/deep/more/s.txt", Response::ok(plum));
    server.serve("/deep/c.txt", Response::ok("plum<2\n"));
    server.serve("/local.txt", Response::ok("-r file:///etc/hostname\n"));
    world.install(&["-r", &server.url("/deep/r.txt")]).ok().stdout_has("Successfully installed plum-1.0");
    world.install(&["-r", &server.url("/local.txt")]).code(1).stderr_has("this machine");
    world.install(&["-r", &server.url("/gone.txt")]).code(1).stderr_has("404");
    world.install(&["-r", "http://example.org/r.txt"]).code(1).stderr_has("https");
}

#[test]
fn compiled_modules_are_the_same_each_time_and_run_nothing() {
    let world = World::new();
    let wheel = plain("plum", "1.0")
        .file("plum_more/__init__.py", "import os\nos.abort()\n")
        .file("plum_more/sets.py", "x = 1 in {1, 2, 3}\ny = 'a' in {'a', 'b', 'c'}\n")
        .file("plum_more/broken.py", "def (:\n");
    world.write("r.txt", &world.wheel(&wheel));
    let compiled = |to: &str| {
        world.install(&["-r", "r.txt", "--compile", "--target", to]).ok();
        let found = tree(&world.path(to));
        std::fs::rename(world.path(to), world.path(&format!("{to}.kept"))).unwrap();
        found
    };
    let (first, second) = (compiled("t"), compiled("t2"));
    let names = |found: &crate::support::tree::Tree| -> Vec<String> {
        found.keys().filter(|path| path.ends_with(".pyc")).cloned().collect()
    };
    assert_eq!(names(&first).len(), 3, "{:?}", names(&first));
    assert_eq!(names(&first), names(&second));
    std::fs::rename(world.path("t.kept"), world.path("t.first")).unwrap();
    let again = compiled("t");
    assert_same(&first, &again);
    let record = std::fs::read_to_string(world.path("t.first/plum-1.0.dist-info/RECORD")).unwrap();
    assert!(record.contains("plum_more/__pycache__/sets.cpython-"), "{record}");
    // Python takes them without compiling once more.
    let run = Run::new(&any_python().executable)
        .args(["-B", "-v", "-c", "import plum; print(plum.version)"])
        .env("PYTHONPATH", world.path("t.kept"))
        .run()
        .ok();
    assert!(run.stderr.contains("matches") && run.stdout.contains("1.0"), "{}", run.told());
}

#[test]
fn the_systems_python_is_left_alone_unless_allowed() {
    let python = Path::new("/usr/bin/python3");
    if !python.exists() {
        return;
    }
    let world = World::new();
    world.write("r.txt", &world.wheel(&plain("plum", "1.0")));
    let pip = |words: &[&str]| {
        let words = ["--python", "/usr/bin/python3", "install", "--no-index", "-f", "links", "-r", "r.txt"]
            .iter()
            .chain(words);
        pipward(["pip"]).args(words).dir(&world.root).env("HOME", world.path("home")).run()
    };
    let managed = std::fs::read_dir("/usr/lib").is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.path().join("EXTERNALLY-MANAGED").exists()))
    });
    if managed {
        pip(&[]).code(1).stderr_has("externally-managed-environment");
        pip(&["--user"]).code(1).stderr_has("externally-managed-environment");
        pip(&["--dry-run"]).code(1).stderr_has("externally-managed-environment");
        pip(&["--dry-run", "--report", "report.json"]).ok().stdout_has("Would install plum-1.0");
    }
    pip(&["--user", "--break-system-packages"]).ok().stdout_has("Successfully installed plum-1.0");
    assert!(tree(&world.path("home")).keys().any(|path| path.ends_with("site-packages/plum.py")));
    pip(&["--prefix", "p"]).ok();
    let found = tree(&world.path("p"));
    let is_plain =
        |path: &String| path.starts_with("lib/python3") && path.ends_with("/site-packages/plum.py");
    assert!(found.keys().any(is_plain), "{found:?}");
    pip(&["--root", "image"]).ok();
    assert!(tree(&world.path("image")).keys().any(|path| path.ends_with("-packages/plum.py")));
    pip(&["--target", "t"]).ok();
    assert!(world.path("t/plum.py").exists());
    pip(&["--require-virtualenv"]).code(3).stderr_has("virtualenv");
}

/// An index over TLS that wants a certificate from its clients; it prints its port.
const TLS_SERVER: &str = r#"
import http.server, os, ssl, sys
os.chdir(sys.argv[1])
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile="server.pem")
context.load_cert_chain("server.pem", "server.key")
context.verify_mode = ssl.CERT_REQUIRED
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

#[test]
fn a_private_authority_and_a_client_certificate_work() {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};
    let world = World::new();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "server.key", "-out", "server.pem"])
        .current_dir(&world.root)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        crate::support::loudly("SKIPPED: there is no openssl to make certificates with");
        return;
    }
    // The client shows the same certificate, which its own authority is.
    let both =
        ["server.pem", "server.key"].map(|name| std::fs::read_to_string(world.path(name)).unwrap()).concat();
    world.write("client.pem", &both);
    let pin = world.wheel(&plain("plum", "1.0"));
    let file = std::fs::read_dir(world.path("links")).unwrap().next().unwrap().unwrap().file_name();
    let file = file.to_str().unwrap();
    std::fs::create_dir_all(world.path("simple/plum")).unwrap();
    world.write("simple/plum/index.html", &format!("<a href=\"/links/{file}\">{file}</a>"));
    world.write("r.txt", &pin);
    let mut server = Command::new(&any_python().executable)
        .args(["-I", "-c", TLS_SERVER])
        .arg(&world.root)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut port = String::new();
    std::io::BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let index = format!("https://127.0.0.1:{}/simple/", port.trim());
    let pip = |more: &[&str]| {
        Run::new(world.path("env/bin/pip"))
            .args(["install", "--no-cache-dir", "--retries", "0", "--index-url", &index, "-r", "r.txt"])
            .args(more)
            .env("NO_PROXY", "127.0.0.1")
            .dir(&world.root)
            .run()
    };
    let told = [
        pip(&[]),
        pip(&["--cert", "server.pem"]),
        pip(&["--cert", "server.pem", "--client-cert", "server.pem"]),
        pip(&["--cert", "server.pem", "--client-cert", "client.pem"]),
    ];
    server.kill().unwrap();
    server.wait().unwrap();
    let [unknown, without, no_key, right] = told;
    unknown.code(1).stderr_has("--cert");
    without.code(1);
    no_key.code(1).stderr_has("key");
    right.ok().stdout_has("Successfully installed plum-1.0");
}

#[test]
fn nothing_is_left_in_the_temporary_folder() {
    let world = World::new();
    world.write("r.txt", &world.wheel(&plain("plum", "1.0").file("large.bin", vec![7; 3 << 20])));
    std::fs::create_dir(world.path("tmp")).unwrap();
    let pip = |words: &[&str]| {
        Run::new(world.path("env/bin/pip"))
            .args(["install", "--no-index", "--find-links", "links", "-r", "r.txt"])
            .args(words)
            .env("TMPDIR", world.path("tmp"))
            .dir(&world.root)
            .run()
    };
    for words in [
        &["--dry-run"][..],
        &[],
        &["--force-reinstall", "--compile"],
        &["--target", "t"],
        &["--platform", "x"],
    ] {
        let told = pip(words);
        assert!(tree(&world.path("tmp")).is_empty(), "{}", told.told());
    }
}

#[test]
fn a_refused_install_elsewhere_leaves_no_directory() {
    let world = World::new();
    world.wheel(&plain("plum", "1.0"));
    world.write("r.txt", &format!("plum==1.0 --hash=sha256:{}\n", "0".repeat(64)));
    for option in [["--target", "a/b/t"], ["--prefix", "a/b/p"], ["--root", "a/b/r"]] {
        let words = [&["-r", "r.txt"][..], &option].concat();
        world.install(&words).code(1);
        assert!(!world.path("a").exists(), "{option:?}");
    }
}
