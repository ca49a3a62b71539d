//! Indexes that want to know who asks, with the addresses that Artifactory, Nexus and CodeArtifact have. A reverse proxy
//! stands before an index of ours: it asks for user and token, and gives the paths their names.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use pipward::digest::Sha256;
use pipward::error::Code;

use super::{configure, index, strictly};
use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, scratch};
use crate::support::server::{Published, Response, Server};
use crate::support::world::{packages, text, wheel, write};

const TOKEN: &str = "eyJ2Zm9yZ2V0bWU-not_a.real+token";
/// The token as it stands in an address.
const QUOTED: &str = "eyJ2Zm9yZ2V0bWU-not_a.real%2Btoken";

/// How a product lays out an index.
struct Layout {
    user: &'static str,
    /// The path of the index, up to `simple/`.
    path: &'static str,
    /// Where a file is, as a page of that index says.
    href: fn(&str) -> String,
}

const LAYOUTS: [Layout; 3] = [
    // Artifactory: a repository below api/pypi, files under packages by their digest.
    Layout {
        user: "builder@example.org",
        path: "/artifactory/api/pypi/team-pypi-local/",
        href: |file| format!("../../packages/packages/ab/cd/{file}"),
    },
    // Nexus: a group of repositories, files by project and version.
    Layout {
        user: "builder",
        path: "/repository/pypi-all/",
        href: |file| format!("../../packages/plum/1/{file}"),
    },
    // CodeArtifact: one user for all, files below the page.
    Layout { user: "aws", path: "/pypi/team-repo/", href: |file| format!("1/{file}") },
];

impl Layout {
    /// The header that names the user.
    fn authorization(&self) -> String {
        use base64::Engine as _;
        let text = format!("{}:{TOKEN}", self.user);
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    }
}

/// Listens on a free port, and hands on what it is asked, under other paths, if the user is named. Returns its port.
fn proxy(upstream: u16, layout: &'static Layout) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let wanted = Arc::new(layout.authorization());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), wanted) = (client, Arc::clone(&wanted)) else { continue };
            std::thread::spawn(move || hand_on(client, upstream, layout, &wanted));
        }
    });
    port
}

fn hand_on(mut client: TcpStream, upstream: u16, layout: &Layout, wanted: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut line) = (Vec::new(), String::new());
    while reader.read_line(&mut line)? > 2 {
        head.push(line.trim_end().to_owned());
        line.clear();
    }
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let is_known = head.iter().any(|line| {
        line.split_once(": ")
            .is_some_and(|(name, value)| name.eq_ignore_ascii_case("authorization") && value == wanted)
    });
    let inside = path.strip_prefix(layout.path).map(|rest| match rest.rsplit_once('/') {
        Some((_, file)) if file.contains(".whl") => format!("/files/{file}"),
        _ => format!("/{rest}"),
    });
    let answer = match inside {
        Some(inside) if is_known => {
            let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
            // The user's name stays here, as it does with such products.
            let kept = head.iter().skip(1).filter(|line| !line.to_ascii_lowercase().starts_with("authorization"));
            let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
            server.write_all(format!("GET {inside} HTTP/1.1\r\n{kept}\r\n").as_bytes())?;
            // Our own server keeps a connection open until nothing more is asked.
            server.shutdown(std::net::Shutdown::Write)?;
            let mut answer = Vec::new();
            server.read_to_end(&mut answer)?;
            let text = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_default();
            answer.splice(text..text, *b"\r\nConnection: close");
            answer
        }
        Some(_) => b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"repository\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
        None => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
    };
    client.write_all(&answer)
}

/// An index in a layout, behind the proxy. Returns its port.
fn offered(server: &Server, layout: &'static Layout) -> u16 {
    let file = Published::new(wheel("plum", "1").build());
    server.file(&format!("/files/{}", file.name), file.bytes.clone());
    let sha256 = Sha256::of(&file.bytes).to_string();
    let href = (layout.href)(&file.name);
    let body = format!(
        "<!DOCTYPE html><html><body><a href=\"{href}#sha256={sha256}\">{}</a></body></html>",
        file.name
    );
    server.serve("/simple/plum/", Response::ok(body).header("Content-Type", "text/html;charset=utf-8"));
    proxy(server.port(), layout)
}

/// Every file below a directory that holds the secret, in one of its forms.
fn leaks(directory: &Path, layout: &Layout) -> Vec<String> {
    let basic = layout.authorization();
    let secrets = [TOKEN, QUOTED, basic.trim_start_matches("Basic ")];
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let has = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            if secrets.iter().any(|secret| has(secret)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[track_caller]
fn tells_nothing(told: Output, layout: &Layout) -> Output {
    let basic = layout.authorization();
    for secret in [TOKEN, QUOTED, basic.trim_start_matches("Basic ")] {
        assert!(!told.stdout.contains(secret) && !told.stderr.contains(secret), "{}", told.told());
    }
    told
}

/// A run that says all it can, with a cache below the directory.
fn talking(directory: &Path, arguments: &[&str]) -> Run {
    strictly(directory, &["-vvv"]).args(arguments).env("PIPWARD_CACHE_DIR", directory.join("cache"))
}

/// Locks and installs; `Run` says who asks.
fn lock_and_install(directory: &Path, layout: &Layout, who: &dyn Fn(Run) -> Run) {
    let python = any_python().executable.display().to_string();
    let run = |words: &[&str]| tells_nothing(who(talking(directory, words)).run(), layout);
    run(&["lock", "plum"]).ok();
    assert_eq!(packages(directory), ["plum 1"]);
    run(&["install", "-r", "pylock.toml", "--venv", "env", "--python", &python]).ok();
    run(&["lock", "plum", "--json", "-U"]).ok();
}

#[test]
fn the_layouts_of_artifactory_nexus_and_codeartifact_work_and_the_token_stays_secret() {
    for layout in &LAYOUTS {
        let server = Server::start();
        let port = offered(&server, layout);
        let user = layout.user.replace('@', "%40");
        let bare = format!("http://127.0.0.1:{port}{}simple/", layout.path);
        let full = bare.replace("//", &format!("//{user}:{QUOTED}@"));
        // In the address.
        let one = scratch();
        configure(one.path(), &index("team", &full, "packages = [\"plum\"]"));
        lock_and_install(one.path(), layout, &|run| run);
        std::fs::remove_file(one.path().join("pipward.toml")).unwrap();
        assert_eq!(leaks(one.path(), layout), [""; 0]);
        assert!(text(one.path(), "pylock.toml").contains(&format!("index = \"{bare}\"")));
        // In variables.
        let two = scratch();
        configure(two.path(), &index("team", &bare, ""));
        lock_and_install(two.path(), layout, &|run| {
            run.env("PIPWARD_INDEX_TEAM_USERNAME", layout.user).env("PIPWARD_INDEX_TEAM_PASSWORD", TOKEN)
        });
        assert_eq!(leaks(two.path(), layout), [""; 0]);
        // In netrc.
        let (three, home) = (scratch(), scratch());
        let netrc = home.path().join("netrc");
        write(home.path(), "netrc", &format!("machine 127.0.0.1 login {} password {TOKEN}\n", layout.user));
        configure(three.path(), &index("team", &bare, ""));
        lock_and_install(three.path(), layout, &|run| run.env("NETRC", &netrc));
        assert_eq!(leaks(three.path(), layout), [""; 0]);
        // On the command line, and from pip's variable.
        let four = scratch();
        let typed = talking(four.path(), &["lock", "-i", &full, "plum"]).run();
        tells_nothing(typed, layout).ok();
        let python = any_python().executable.display().to_string();
        let words = ["install", "-r", "pylock.toml", "--venv", "env", "--python", &python];
        tells_nothing(talking(four.path(), &words).env("PIP_INDEX_URL", &full).run(), layout).ok();
        assert_eq!(leaks(four.path(), layout), [""; 0]);
        // Nobody, or somebody else.
        let five = scratch();
        configure(five.path(), &index("team", &bare, ""));
        tells_nothing(talking(five.path(), &["lock", "plum"]).run(), layout).refused(Code::HttpStatus);
        configure(five.path(), &index("team", &full.replace(QUOTED, "wrong-secret"), ""));
        let told = talking(five.path(), &["lock", "plum"]).run().refused(Code::HttpStatus);
        assert!(!told.stderr.contains("wrong-secret"), "{}", told.told());
    }
}

#[test]
fn a_token_does_not_follow_a_redirect_to_another_host() {
    let layout = &LAYOUTS[2];
    let (server, store) = (Server::start(), Server::start());
    let port = offered(&server, layout);
    let file = Published::new(wheel("plum", "1").build());
    // The signed address of a store of files, as such products redirect to.
    let signed = format!("/bucket/{}?X-Amz-Signature=0", file.name);
    store.file(&signed, file.bytes.clone());
    server.serve(&format!("/files/{}", file.name), Response::redirect(store.url(&signed)));
    let scratch = scratch();
    let full = format!("http://{}:{QUOTED}@127.0.0.1:{port}{}simple/", layout.user, layout.path);
    configure(scratch.path(), &index("team", &full, ""));
    lock_and_install(scratch.path(), layout, &|run| run);
    assert!(!store.requests().is_empty());
    for request in store.requests() {
        assert_eq!(request.header("Authorization"), None);
        assert!(!format!("{request:?}").contains(TOKEN));
    }
}
