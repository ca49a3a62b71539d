//! devpi-server and pypiserver themselves.

use std::path::Path;

use pipward::error::Code;

use super::{SECRET, ground, hashed, install, keeps_secret, pip, plum, program};
use crate::commands::Place;
use crate::support::offline;
use crate::support::run::{Run, pipward, scratch};
use crate::support::server::{Published, Response, Server, Style};
use crate::support::services::Service;
use crate::support::wheels::WheelBuilder;

fn pear() -> (String, Vec<u8>) {
    WheelBuilder::new("pear", "2.0").file("pear.py", "").requires("plum>=1").build()
}

/// Installs `requirements.txt`, locks `pear` and `quince`, syncs and downloads, all by `words`.
#[track_caller]
fn serves(place: &Place, words: &[&str], names: &[&str]) {
    let install = install(place, words).run().ok();
    assert!(install.stdout.contains("plum-1.0"), "{}", install.told());
    let lock = pip(place, &["lock", "-o", "pylock.toml"]).args(names).args(words).run().ok();
    let sync = pip(place, &["sync", "-r", "pylock.toml"]).args(words).run().ok();
    let download = pip(place, &["download", "-r", "pylock.toml", "-d", "got"]).args(words).run().ok();
    let files = std::fs::read_dir(place.path("got")).unwrap().count();
    assert_eq!(files, names.len() + 1, "plum is a dependency");
    keeps_secret(place, &[&install, &lock, &sync, &download], &[]);
    std::fs::remove_dir_all(place.path("got")).unwrap();
    pip(place, &["uninstall", "-y"]).args(names).run().ok();
}

/// Who asks, and from where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Address,
    Variables,
    Netrc,
    Keyring,
}

/// Locks and installs `names` with the user from each place that can name him, by pipward's own command line. The index is
/// named in pipward.toml and has the names to itself; where the address itself has the password, it is typed.
#[track_caller]
fn serves_by_name(place: &Place, url: &str, names: &[&str]) {
    let outside = scratch();
    let netrc = format!("machine 127.0.0.1 login al password {SECRET}\n");
    std::fs::write(outside.path().join("netrc"), netrc).unwrap();
    let keyring = format!(
        "#!/bin/sh\necho asked >> '{}'\nprintf '{{\"username\": \"al\", \"password\": \"{SECRET}\"}}'\n",
        outside.path().join("asked").display()
    );
    program(&outside.path().join("bin"), "keyring", &keyring);
    let path = format!("{}:{}", outside.path().join("bin").display(), std::env::var("PATH").unwrap());
    let python = place.python.executable.display().to_string();
    let secret = url.replace("http://", &format!("http://al:{SECRET}@"));
    for way in [Way::Address, Way::Variables, Way::Netrc, Way::Keyring] {
        let (project, cache) = (place.path("project"), place.path("home/named"));
        std::fs::create_dir_all(&project).unwrap();
        let entry = format!(
            "[[index]]\nname = \"internal\"\nurl = \"{url}\"\npackages = [\"plum\", \"pear\", \"quince\"]\n\
             min-release-age = \"0h\"\n"
        );
        let typed: &[&str] = if way == Way::Address { &["--index-url", &secret] } else { &[] };
        if way != Way::Address {
            std::fs::write(project.join("pipward.toml"), entry).unwrap();
        }
        let bare = |words: &[&str]| {
            let run = pipward(["-vvv"]).args(words).dir(&project).env("HOME", place.path("home"));
            let run = run.env("PIPWARD_CACHE_DIR", &cache).env("PIPWARD_FILE_HOSTS", "");
            run.env("PIP_CONFIG_FILE", "/dev/null")
        };
        let run = |words: &[&str]| {
            let run = bare(words).args(typed);
            match way {
                Way::Address => run.run(),
                Way::Netrc => run.env("NETRC", outside.path().join("netrc")).run(),
                Way::Keyring => run.env("PATH", &path).run(),
                Way::Variables => run
                    .env("PIPWARD_INDEX_INTERNAL_USERNAME", "al")
                    .env("PIPWARD_INDEX_INTERNAL_PASSWORD", SECRET)
                    .run(),
            }
        };
        let mut said = vec![run(&[&["lock"], names].concat()).ok()];
        let installed = ["install", "-r", "pylock.toml", "--venv", "env", "--python", &python];
        said.push(run(&installed).ok());
        said.push(run(&["sync", "--venv", "env", "--rehash"]).ok());
        said.push(run(&[&["lock", "-U", "--json"], names].concat()).ok());
        said.push(run(&["download", "-r", "pylock.toml", "-d", "got", "--json"]).ok());
        said.push(bare(&["verify", "-r", "pylock.toml", "env", "--json"]).run().ok());
        let hashed = ["lock", "--no-universal", "--python", &python, "-o", "requirements.txt"];
        said.push(run(&[&hashed, names].concat()).ok());
        let locked = std::fs::read_to_string(project.join("pylock.toml")).unwrap();
        assert_eq!(locked.matches(&format!("index = \"{url}\"")).count(), names.len() + 1, "{locked}");
        assert_eq!(outside.path().join("asked").exists(), way == Way::Keyring, "{way:?}");
        // All of it is still there: lock, cache and environment.
        assert!(cache.join("wheels").is_dir() && project.join("env/bin").is_dir(), "{way:?}");
        keeps_secret(place, &said.iter().collect::<Vec<_>>(), &[]);
        for gone in [&cache, &project.join("env")] {
            std::fs::remove_dir_all(gone).unwrap();
        }
        let nobody = bare(&installed).run();
        assert_ne!(nobody.code, Some(0), "{}", nobody.told());
        keeps_secret(place, &[&nobody], &[]);
        std::fs::remove_dir_all(&project).unwrap();
    }
}

#[test]
fn devpi_serves_an_index_that_inherits_from_others() {
    if offline() {
        return;
    }
    let (place, upstream) = (ground(), Server::start());
    let quince = WheelBuilder::new("quince", "3.0").file("quince.py", "").build();
    upstream.publish("quince", &[Published::new(quince.clone())], &Style::default());
    let names = "<!DOCTYPE html><a href=\"quince/\">quince</a>";
    upstream.serve("/simple/", Response::ok(names).header("Content-Type", "text/html"));
    let outside = scratch();
    let devpi = Service::devpi(outside.path());
    let put = |login: (&str, &str), path: &str, body: &str| {
        devpi.send("PUT", login, path, "application/json", body.as_bytes());
    };
    let (root, al) = (("root", "root's secret"), ("al", SECRET));
    put(root, "/al", &format!("{{\"password\": \"{SECRET}\", \"email\": \"al@example.org\"}}"));
    put(al, "/al/base", r#"{"type": "stage", "bases": []}"#);
    let mirror = format!("{{\"type\": \"mirror\", \"mirror_url\": \"{}\"}}", upstream.url("/simple/"));
    put(al, "/al/mirror", &mirror);
    put(al, "/al/dev", r#"{"type": "stage", "bases": ["al/base", "al/mirror"]}"#);
    devpi.upload(al, "/al/base/", &plum());
    devpi.upload(al, "/al/dev/", &pear());

    std::fs::write(place.path("requirements.txt"), hashed(&[&plum(), &pear(), &quince])).unwrap();
    let secret = devpi.url(&format!("al:{SECRET}@"), "/al/dev/+simple/");
    serves(&place, &["--index-url", &secret], &["pear", "quince"]);
    serves_by_name(&place, &devpi.url("", "/al/dev/+simple/"), &["pear", "quince"]);
    // Nobody else may read it, and an index of its own has less.
    let open = devpi.url("", "/al/dev/+simple/");
    install(&place, &["-i", &open]).run().code(1).stderr_has("netrc");
    let base = devpi.url(&format!("al:{SECRET}@"), "/al/base/+simple/");
    install(&place, &["-i", &base]).run().code(1).stderr_has(Code::ProjectNotFound.name());
    let more = upstream.url("/simple/");
    std::fs::write(place.path("requirements.txt"), hashed(&[&plum(), &quince])).unwrap();
    install(&place, &["-i", &base, "--extra-index-url", &more]).run().ok();
    install(&place, &[]).env("PIP_INDEX_URL", &secret).run().ok();
}

#[test]
fn pypiserver_serves_a_folder_to_those_who_say_who_they_are() {
    if offline() {
        return;
    }
    let place = ground();
    let outside = scratch();
    let folder = outside.path().join("packages");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(plum().0), plum().1).unwrap();
    let passwords = outside.path().join("htpasswd");
    htpasswd(&passwords);
    let server = Service::pypiserver(outside.path(), &folder, &passwords);
    server.upload(("al", SECRET), "/", &pear());
    assert!(folder.join(pear().0).is_file());

    let secret = server.url(&format!("al:{SECRET}@"), "/simple/");
    serves(&place, &["-i", &secret], &["pear"]);
    serves_by_name(&place, &server.url("", "/simple/"), &["pear"]);
    let open = server.url("", "/simple/");
    let told = install(&place, &["-i", &open]).run().code(1).stderr_has("netrc");
    told.stderr_has(Code::HttpStatus.name());
    install(&place, &["-i", &server.url("al:wrong@", "/simple/")]).run().code(1).stderr_has("403");
    let netrc = format!("machine 127.0.0.1\n  login al\n  password {SECRET}\n");
    std::fs::write(outside.path().join("netrc"), netrc).unwrap();
    install(&place, &["-i", &open]).env("NETRC", outside.path().join("netrc")).run().ok();
    let config = format!(
        "[global]\nno-index = true\n[install]\nfind-links = {}\n",
        server.url(&format!("al:{SECRET}@"), "/packages/")
    );
    std::fs::write(outside.path().join("pip.conf"), config).unwrap();
    install(&place, &[]).env("PIP_CONFIG_FILE", outside.path().join("pip.conf")).run().ok();
}

/// `al` and the password, as `htpasswd -s` writes them.
fn htpasswd(path: &Path) {
    let python = crate::support::pythons::any_python().executable;
    let script = "import base64, hashlib, sys\n\
                  print(base64.b64encode(hashlib.sha1(sys.argv[1].encode()).digest()).decode())";
    let told = Run::new(python).args(["-I", "-c", script, SECRET]).run().ok();
    std::fs::write(path, format!("al:{{SHA}}{}", told.stdout)).unwrap();
}
