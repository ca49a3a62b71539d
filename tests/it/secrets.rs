//! Passwords and tokens in every place where one can be given: none of them is told at any verbosity, written into any
//! file, or sent to another origin, whatever the servers answer.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use pipward::digest::Sha256;

use crate::support::long;
use crate::support::pythons::any_python;
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Fault, Published, Request, Response, Server, Style, nobody};
use crate::support::tree::{Node, tree};
use crate::support::world::wheel;

const SECRET: &str = "hunter2-s3cret";
/// Who asks: with a password, and as a token alone.
const WHO: [&str; 2] = ["me:hunter2-s3cret", "hunter2-s3cret"];

/// The forms in which the secret could turn up.
fn forms() -> [String; 4] {
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    [SECRET.to_owned(), encode(&format!("me:{SECRET}")), encode(&format!("{SECRET}:")), encode(SECRET)]
}

fn holds(bytes: &[u8]) -> bool {
    forms().iter().any(|form| bytes.windows(form.len()).any(|window| window == form.as_bytes()))
}

/// The files beneath `root` that hold the secret or are called by it.
fn tells(root: &Path) -> Vec<String> {
    let told = tree(root).into_iter().filter(|(path, node)| {
        holds(path.as_bytes())
            || match node {
                Node::File { content, .. } => holds(content),
                Node::Link { to } => holds(to.as_bytes()),
                Node::Directory { .. } => false,
            }
    });
    told.map(|(path, _)| path).collect()
}

fn sends(request: &Request) -> bool {
    let headers = request.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    headers.chain([request.path.clone()]).any(|text| holds(text.as_bytes()))
}

fn with(who: &str, address: &str) -> String {
    address.replacen("://", &format!("://{who}@"), 1)
}

/// An index that is asked with the secret, and another origin that must never see it.
struct World {
    index: Server,
    other: Server,
    proxy: Server,
    wheel: (String, Vec<u8>),
    /// What is given, secrets included; nothing is written there.
    given: tempfile::TempDir,
    /// Where everything runs.
    place: tempfile::TempDir,
    runs: Cell<usize>,
    asked: Cell<usize>,
}

impl World {
    fn new() -> Self {
        let (index, other, proxy) = (Server::start(), Server::start(), Server::start());
        let wheel = wheel("pear", "1.0").build();
        let world = Self {
            index,
            other,
            proxy,
            wheel,
            given: scratch(),
            place: scratch(),
            runs: Cell::new(0),
            asked: Cell::new(0),
        };
        let file = Published::new(world.wheel.clone());
        world.index.publish("pear", std::slice::from_ref(&file), &Style::default());
        world.other.publish("pear", std::slice::from_ref(&file), &Style::default());
        for (name, response) in [
            ("unauthorized", Response::status(401)),
            ("forbidden", Response::status(403)),
            ("missing", Response::status(404)),
            ("broken", Response::status(500)),
            ("silent", Response::ok("").fault(Fault::Silence)),
            ("cut", Response::ok("0123456789").fault(Fault::CutAfter(3))),
            ("odd", Response::ok(format!("<html>{SECRET}</html>"))),
            ("away", Response::redirect(world.other.url("/simple/pear/"))),
            ("around", Response::redirect(format!("/{name}/pear/", name = "around"))),
            ("nowhere", Response::redirect("file:///etc/passwd")),
        ] {
            world.index.serve(&format!("/{name}/pear/"), response);
        }
        // A page whose files are elsewhere, and one whose file is here and leads elsewhere.
        let page = |url: &str| {
            let page =
                format!("<a href=\"{url}#sha256={}\">{}</a>", Sha256::of(&world.wheel.1), world.wheel.0);
            Response::ok(page).header("Content-Type", "text/html")
        };
        let elsewhere = world.other.url(&format!("/files/{}", world.wheel.0));
        world.index.serve("/elsewhere/pear/", page(&elsewhere));
        world.index.serve("/leads/pear/", page(&format!("/leads/{}", world.wheel.0)));
        world.index.serve(&format!("/leads/{}", world.wheel.0), Response::redirect(elsewhere));
        world.index.serve("/pear.txt", Response::ok(world.requirements("")));
        let lock = "lock-version = \"1.0\"\ncreated-by = \"a test\"\n[[packages]]\nname = \"pear\"\nversion = \"1.0\"\n";
        let url = world.index.url(&format!("/files/{}", world.wheel.0));
        let lock =
            format!("{lock}wheels = [{{ url = \"{url}\", hashes = {{ sha256 = \"{}\" }} }}]\n", world.hash());
        world.place("pylock.toml", &lock);
        world.place("inputs.in", "");
        world.place("pear.txt", &world.requirements(""));
        world
    }

    fn hash(&self) -> String {
        Sha256::of(&self.wheel.1).to_string()
    }

    fn requirements(&self, options: &str) -> String {
        format!("{options}\npear==1.0 --hash=sha256:{}\n", self.hash())
    }

    fn address(&self, who: &str, path: &str) -> String {
        with(who, &self.index.url(path))
    }

    fn place(&self, name: &str, text: &str) {
        std::fs::write(self.place.path().join(name), text).unwrap();
    }

    /// Writes a file of what is given, and returns its path.
    fn given(&self, name: &str, text: &str) -> String {
        let path = self.given.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// As [`Self::run`]; every third time alone, unless everything is to run.
    #[track_caller]
    fn sometimes(&self, words: &str, variables: &[(&str, &str)]) {
        let count = self.asked.get();
        self.asked.set(count + 1);
        if long() || count.is_multiple_of(3) {
            self.run(words, variables);
        }
    }

    /// Runs a command, after which the secret is nowhere.
    #[track_caller]
    fn run(&self, words: &str, variables: &[(&str, &str)]) -> Output {
        let home = self.place.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        let count = self.runs.get();
        self.runs.set(count + 1);
        let verbosity = ["-vvv", "-v", "-q", "--json"][count % 4];
        let mut words: Vec<&str> = words.split(' ').collect();
        let at = if words[0] == "pip" { 2 } else { 1 };
        words.splice(at..at, [verbosity, "--log", "log"]);
        let run = pipward(words).dir(self.place.path()).env("HOME", &home);
        let run = run.env("NO_PROXY", "").env("no_proxy", "");
        let output = variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run();
        let told = output.stdout.clone() + &output.stderr;
        assert!(!holds(told.as_bytes()), "told: {}\n{variables:?}", output.told());
        assert_eq!(tells(self.place.path()), [""; 0], "written: {}\n{variables:?}", output.told());
        let sent: Vec<Request> = self.other.requests().into_iter().filter(sends).collect();
        assert!(sent.is_empty(), "sent elsewhere: {sent:?}\n{}\n{variables:?}", output.told());
        assert!(!output.stderr.contains("panicked"), "{}", output.told());
        output
    }
}

/// The commands that ask an index, each with an option that names one in place of `{}`.
const ASKING: [&str; 6] = [
    "lock pear --python-version 3.13 --no-universal --no-cache-dir -o pylock.out.toml",
    "install --target out -r pear.txt --cache-dir cache",
    "download -d files -r pear.txt --cache-dir cache",
    "sync --venv .venv -r pear.txt --cache-dir cache",
    "index versions pear --cache-dir cache",
    "add pear --input inputs.in -o pylock.added.toml --cache-dir cache",
];

const QUICK: &str = "--timeout 1 --retries 0";

#[test]
fn an_index_password_is_nowhere_whatever_the_server_does() {
    let world = World::new();
    let python = any_python().executable.display().to_string();
    for command in ASKING {
        let address = world.address(WHO[0], "/simple/");
        world.run(&format!("{command} --python {python} -i {address}"), &[]).ok();
    }
    for who in WHO {
        for path in [
            "simple",
            "unauthorized",
            "forbidden",
            "missing",
            "broken",
            "silent",
            "cut",
            "odd",
            "away",
            "around",
            "nowhere",
            "elsewhere",
            "leads",
        ] {
            let address = world.address(who, &format!("/{path}/"));
            let number = world.asked.get();
            // Each answer for a lock, and for one other command.
            for command in [ASKING[0], ASKING[1 + number % 5]] {
                world.sometimes(&format!("{command} --python {python} -i {address} {QUICK}"), &[]);
            }
        }
        let secure = world.address(who, "/simple/").replace("http://", "https://");
        for address in
            [with(who, &nobody()), secure, "http://me:hunter2-s3cret".into(), format!("ftp://{who}@h/")]
        {
            world.run(&format!("{} --python {python} -i {address} {QUICK}", ASKING[0]), &[]);
        }
    }
    assert!(world.index.requests().iter().any(sends), "the index itself is told");
    assert!(!world.other.requests().is_empty(), "nobody went elsewhere");
}

#[test]
fn every_place_for_an_address_keeps_its_password() {
    let world = World::new();
    let python = any_python().executable.display().to_string();
    for who in WHO {
        let (good, odd) = (world.address(who, "/simple/"), world.address(who, "/forbidden/"));
        let page = world.address(who, "/simple/pear/");
        let down = with(who, &nobody());
        for command in ASKING {
            let command = format!("{command} --python {python} {QUICK}");
            let option = |option: &str| world.sometimes(&format!("{command} {option}"), &[]);
            option(&format!("-i {} --extra-index-url {good}", world.other.url("/simple/")));
            option(&format!("-i {good} --extra-index-url {odd}"));
            option(&format!("-i {good} --find-links {page}"));
            option(&format!("--no-index --find-links {odd}pear/"));
            option(&format!("--no-index -f {down}"));
            let conf = format!(
                "[global]\nindex-url = {good}\nextra-index-url = {odd}\n    {down}\nfind-links = {page}\n"
            );
            let conf = world.given("pip.conf", &conf);
            world.run(&command, &[("PIP_CONFIG_FILE", &conf)]);
            world.run(
                &command,
                &[("PIP_INDEX_URL", &good), ("PIP_EXTRA_INDEX_URL", &odd), ("PIP_FIND_LINKS", &page)],
            );
            let pip = format!(
                "pip {}",
                command.split_once(" --no-universal").map_or(&command[..], |_| "download pear")
            );
            world.run(
                &pip,
                &[("PIP_INDEX_URL", &good), ("PIP_EXTRA_INDEX_URL", &odd), ("PIP_FIND_LINKS", &page)],
            );
        }
    }
}

#[test]
fn files_and_addresses_keep_their_passwords() {
    let world = World::new();
    let python = any_python().executable.display().to_string();
    let hash = world.hash();
    for who in WHO {
        let (good, down) = (world.address(who, "/simple/"), with(who, &nobody()));
        let file = world.address(who, &format!("/files/{}", world.wheel.0));
        let broken = format!("http://{who}:x/y@h/");
        let mut lines = Vec::new();
        for address in [&good, &down, &broken] {
            lines.extend(
                ["-i ", "--extra-index-url=", "-f ", "--find-links ", "--indx-url "]
                    .map(|o| format!("{o}{address}")),
            );
        }
        lines.extend([
            format!("pear @ {file}"),
            format!("pear @ {file} --hash=sha256:{hash}"),
            format!("{file}#sha256={hash}"),
            format!("git+{file}"),
            format!("-e git+{file}"),
            format!("-r {file}"),
            format!("-c {down}"),
            format!("pear {file}"),
            format!("pear @ {broken}"),
        ]);
        for line in lines {
            let given = world.given("given.txt", &world.requirements(&line));
            world.run(
                &format!("install --target out -r {given} --cache-dir cache {QUICK} --python {python}"),
                &[],
            );
            world.run(
                &format!("lock -r {given} --python-version 3.13 -o pylock.out.toml --no-cache-dir {QUICK}"),
                &[],
            );
        }
        for typed in [
            format!("install --target out {file}#sha256={hash} --python {python}"),
            format!("install --target out pear@{file} --python {python}"),
            format!("install --target out -r {good}../pear.txt --python {python}"),
            format!("install --target out -r pylock.toml -c {down} --python {python}"),
            format!("lock -r {good}../pear.txt --python-version 3.13 -o pylock.out.toml"),
            format!("lock pear@{file} --python-version 3.13 -o pylock.out.toml"),
            format!("add pear@{file} --input inputs.in -o pylock.added.toml --python {python}"),
            format!("download -d files {file}"),
            format!("index versions {file}"),
            format!("index versions pear {file}"),
            format!("hash {file}"),
            format!("--indx={file}"),
            format!("install --timeout {good}"),
            format!("pip install --timeout {good}"),
            format!("pip install --indx {good} pear"),
        ] {
            world.run(&format!("{typed} {QUICK}"), &[]);
        }
        for key in ["url", "path", "index"] {
            let text = std::fs::read_to_string(world.place.path().join("pylock.toml")).unwrap();
            let text = match key {
                "index" => text.replace("wheels =", &format!("index = \"{good}\"\nwheels =")),
                key => text.replace("url = \"http://", &format!("{key} = \"http://{who}@")),
            };
            let lock = world.given("pylock.toml", &text);
            for command in ["install --target out", "sync --venv env", "download -d files", "verify"] {
                world.sometimes(&format!("{command} -r {lock} {QUICK} --cache-dir cache"), &[]);
            }
        }
    }
}

#[test]
fn configurations_keep_their_passwords() {
    for who in WHO {
        for text in [
            "constraints = [\"pear @ {}\"]",
            "overrides = [\"pear @ {}\"]",
            "excludes = [\"{}\"]",
            "environments = [\"{}\"]",
            "index = \"{}\"",
            "resolution = \"{}\"",
            "uploaded-prior-to = \"{}\"",
            "\"{}\" = 1",
            "[[policy.exception]]\ncode = \"{}\"\npackage = \"{}\"\nreason = \"{}\"",
            "[policy]\n\"{}\" = \"allow\"\nstartup-code = \"{}\"",
            "[limits]\n\"{}\" = 1\npage = \"{}\"",
        ] {
            let world = World::new();
            let file = world.address(who, &format!("/files/{}", world.wheel.0));
            let text = text.replace("{}", &file);
            // The configuration stands above the place, where nobody writes.
            std::fs::create_dir(world.given.path().join("in")).unwrap();
            world.given("pipward.toml", &text);
            let inside = world.given.path().join("in").display().to_string();
            world.run(
                &format!("lock pear --project {inside} -o pylock.out.toml --python-version 3.13 {QUICK}"),
                &[],
            );
            std::fs::remove_file(world.given.path().join("pipward.toml")).unwrap();
            let head =
                format!("[project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"pear @ {file}\"]\n");
            world.given("pyproject.toml", &format!("{head}\n[tool.pipward]\n"));
            let project = world.given.path().display().to_string();
            world.run(
                &format!("lock --project {project} -o pylock.out.toml --python-version 3.13 {QUICK}"),
                &[],
            );
        }
    }
}

#[test]
fn proxies_and_netrc_keep_their_passwords() {
    let world = World::new();
    let python = any_python().executable.display().to_string();
    world.proxy.serve("/simple/pear/", Response::status(407));
    let index = world.index.url("/simple/");
    for who in WHO {
        let full = with(who, &world.proxy.url(""));
        let down = with(who, nobody().trim_end_matches("/simple/"));
        let bare = full.trim_start_matches("http://").to_owned();
        for proxy in [&full, &down, &bare, &format!("http://{who}:x/y@h")] {
            for command in [ASKING[0], ASKING[1], ASKING[4]] {
                let command = format!("{command} --python {python} {QUICK}");
                world.sometimes(&format!("{command} -i {index} --proxy {proxy}"), &[]);
                world.sometimes(&format!("{command} -i {index}"), &[("PIP_PROXY", proxy)]);
                let conf = world.given("pip.conf", &format!("[global]\nproxy = {proxy}\n"));
                world.sometimes(&format!("{command} -i {index}"), &[("PIP_CONFIG_FILE", &conf)]);
                for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
                    let index = match variable {
                        "HTTPS_PROXY" => index.replace("http://", "https://"),
                        _ => index.clone(),
                    };
                    world.sometimes(&format!("{command} -i {index}"), &[(variable, proxy)]);
                }
            }
        }
    }
    assert!(world.proxy.requests().iter().any(|request| request.header("Proxy-Authorization").is_some()));
    assert!(!world.index.requests().iter().any(sends), "the index is not told what the proxy is");
    let netrc = world.given("netrc", &format!("machine 127.0.0.1 login me password {SECRET}\n"));
    for path in ["simple", "forbidden", "unauthorized"] {
        let address = world.index.url(&format!("/{path}/"));
        for command in [ASKING[0], ASKING[1], ASKING[4]] {
            world.run(&format!("{command} --python {python} -i {address} {QUICK}"), &[("NETRC", &netrc)]);
        }
    }
    assert!(world.index.requests().iter().any(sends), "the index is told who asks");
}

#[test]
fn what_configures_pip_is_shown_without_passwords() {
    for who in WHO {
        let world = World::new();
        let address = world.address(who, "/simple/");
        let proxy = format!("me:{SECRET}@proxy.example:3128");
        let conf = format!(
            "[global]\nindex-url = {address}\nextra-index-url =\n    {address}\n    {address}\nproxy = {proxy}\n"
        );
        let conf = world.given("pip.conf", &conf);
        let variables = [
            ("PIP_CONFIG_FILE", conf.as_str()),
            ("PIP_INDEX_URL", &address),
            ("PIP_FIND_LINKS", &address),
            ("PIP_PROXY", &proxy),
        ];
        for words in [
            "config list",
            "config debug",
            "config get global.index-url",
            "config get global.extra-index-url",
            "config get global.proxy",
            "config get :env:.index-url",
            "config get :env:.proxy",
            "debug",
            "pip config list",
            "pip config get global.index-url",
            "pip debug",
        ] {
            for _ in 0..if long() { 4 } else { 1 } {
                let output = world.run(words, &variables);
                assert_eq!(output.code, Some(0), "{}", output.told());
            }
        }
        let output = pipward(["config", "get", "global.index-url"]).env("PIP_CONFIG_FILE", &conf).run().ok();
        assert!(output.stdout.starts_with("http://****@127.0.0.1:"), "{}", output.told());
    }
}

#[test]
fn what_is_installed_does_not_say_who_asked() {
    let world = World::new();
    let python = any_python().executable.display().to_string();
    world.place("pear.txt", &world.requirements(""));
    let address = world.address(WHO[0], "/simple/");
    world.run(&format!("lock pear -i {address} --python-version 3.13 -o pylock.new.toml"), &[]).ok();
    world.run(&format!("lock pear -i {address} --python-version 3.13 --no-universal -o new.txt"), &[]).ok();
    let install = format!("install --venv env -r pear.txt -i {address} --cache-dir cache --python {python}");
    world.run(&format!("{install} --report report.json"), &[]).ok();
    world.run(&format!("{install} --force-reinstall --report - --dry-run"), &[]).ok();
    world.run("inspect --python env", &[]).ok();
    world.run("freeze --python env", &[]).ok();
    world.run("show -f pear --python env", &[]).ok();
    world.run(&format!("list --outdated -i {address} --python env"), &[]).ok();
    world.run(&format!("verify env -r pylock.new.toml -i {address} --cache-dir cache"), &[]).ok();
    world.run("cache list --cache-dir cache", &[]).ok();
}

#[test]
fn a_keyring_keeps_its_password() {
    let world = World::new();
    let python = any_python().executable.display().to_string();
    let tool = |script: &str| {
        let path = world.given("keyring", script);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    };
    let path = format!("{}:/usr/bin:/bin", world.given.path().display());
    for path in ["unauthorized", "asks", "asks-and-leads"] {
        world.index.on(&format!("/{path}/pear/"), {
            let (page, away) = (format!("/{path}/page/"), world.other.url("/simple/pear/"));
            let path = path.to_owned();
            move |request, _| match (request.header("Authorization"), path.as_str()) {
                (Some(_), "asks") => Response::redirect(page.clone()),
                (Some(_), "asks-and-leads") => Response::redirect(away.clone()),
                _ => Response::status(401).header("WWW-Authenticate", "Basic realm=\"x\""),
            }
        });
    }
    world.index.serve("/asks/page/", Response::status(403));
    for script in [
        format!("#!/bin/sh\necho '{{\"username\": \"me\", \"password\": \"{SECRET}\"}}'\n"),
        format!("#!/bin/sh\necho {SECRET} >&2\necho {SECRET}\n"),
        format!("#!/bin/sh\necho {SECRET} >&2\necho {SECRET}\nexit 1\n"),
    ] {
        tool(&script);
        for place in ["unauthorized", "asks", "asks-and-leads"] {
            for who in ["", "me@"] {
                let address = world.index.url(&format!("/{place}/")).replace("://", &format!("://{who}"));
                let words = format!("{} --python {python} -i {address} {QUICK}", ASKING[0]);
                let words = format!("{words} --keyring-provider subprocess");
                world.run(&words, &[("PATH", &path)]);
            }
        }
    }
    assert!(world.index.requests().iter().any(sends), "nobody asked the keyring");
}
