//! devpi-server and pypiserver, installed for the tests by pipward itself, and run on loopback.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::peers::Peers;
use super::pythons::any_python;
use super::run::{Run, kept_dir};

/// Ends with the test that started it, however that ends: standard input is closed then.
const HEAD: &str = r"
import os, sys, threading
def watch():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
";

/// Reading is for the user `al` alone, as a plugin of a company would have it.
const DEVPI: &str = r#"
from devpi_server.config import get_pluginmanager, hookimpl
from devpi_server.main import _main
class Private:
    @hookimpl
    def devpiserver_stage_get_principals_for_pkg_read(self, ixconfig):
        return ["al"]
plugins = get_pluginmanager()
plugins.register(Private())
sys.exit(_main(plugins, ["devpi-server", *sys.argv[1:]]))
"#;

const PYPISERVER: &str = r"
from pypiserver.__main__ import main
sys.exit(main(sys.argv[1:]))
";

/// A server in a process of its own.
pub struct Service {
    child: Child,
    port: u16,
    log: PathBuf,
}

fn servers() -> Peers {
    Peers::made("servers.txt", any_python())
}

impl Service {
    /// devpi with the user `root` (password `root's secret`) and no index, in `directory`.
    pub fn devpi(directory: &Path) -> Self {
        let servers = servers();
        let data = kept_dir("devpi").join(servers.name());
        if !data.exists() {
            let fresh = directory.join("fresh");
            let init = Run::new(servers.program("devpi-init")).arg("--serverdir").arg(&fresh);
            init.args(["--no-root-pypi", "--root-passwd", "root's secret"]).run().ok();
            // Another test may have been faster.
            let _ = std::fs::rename(fresh, &data);
        }
        let own = directory.join("devpi");
        Run::new("cp").arg("-r").arg(data).arg(&own).run().ok();
        let mut words = vec!["--serverdir".into(), own.into_os_string()];
        // Its secrets are worth nothing, and need not cost seconds.
        words.extend(["--argon2-memory-cost", "8", "--argon2-parallelism", "1"].map(Into::into));
        words.extend(["--argon2-time-cost", "1", "--host", "127.0.0.1", "--port"].map(Into::into));
        Self::start(&servers, DEVPI, words, directory)
    }

    /// pypiserver on a folder, for those in `passwords` (of htpasswd's form).
    pub fn pypiserver(directory: &Path, folder: &Path, passwords: &Path) -> Self {
        let words: [&std::ffi::OsStr; 9] = [
            "run".as_ref(),
            folder.as_ref(),
            "-P".as_ref(),
            passwords.as_ref(),
            "-a".as_ref(),
            "download,list,update".as_ref(),
            "-i".as_ref(),
            "127.0.0.1".as_ref(),
            "-p".as_ref(),
        ];
        Self::start(&servers(), PYPISERVER, words.map(ToOwned::to_owned).to_vec(), directory)
    }

    /// Runs a script whose last argument is to be a port, and waits until somebody listens there.
    fn start(servers: &Peers, script: &str, words: Vec<std::ffi::OsString>, directory: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = directory.join("server.log");
        let output = std::fs::File::create(&log).unwrap();
        let child = Command::new(servers.python())
            .args(["-c", &format!("{HEAD}{script}")])
            .args(words)
            .arg(port.to_string())
            .env("PYTHONWARNINGS", "ignore")
            .env("HOME", directory)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut service = Self { child, port, log };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = service.child.try_wait().unwrap();
            let is_late = started.elapsed() > Duration::from_secs(300);
            assert!(ended.is_none() && !is_late, "it did not start: {ended:?}\n{}", service.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        service
    }

    /// The address of a path, with what stands before the host: `al:secret@`.
    pub fn url(&self, login: &str, path: &str) -> String {
        format!("http://{login}127.0.0.1:{}{path}", self.port)
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a request with a user and a password, and returns the answer's body.
    #[track_caller]
    pub fn send(&self, method: &str, login: (&str, &str), path: &str, kind: &str, body: &[u8]) -> String {
        use base64::Engine as _;
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", login.0, login.1));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Basic {basic}\r\n\
             Accept: application/json\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let is_well = ["HTTP/1.1 200 ", "HTTP/1.1 201 "].iter().any(|start| answer.starts_with(start));
        assert!(is_well, "{method} {path}: {answer}\n{}", self.log());
        answer
    }

    /// Uploads a wheel as twine does.
    #[track_caller]
    pub fn upload(&self, login: (&str, &str), path: &str, (name, bytes): &(String, Vec<u8>)) {
        let (project, version) = (name.split('-').next().unwrap(), name.split('-').nth(1).unwrap());
        let mut body = Vec::new();
        for (field, value) in [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("filetype", "bdist_wheel"),
            ("metadata_version", "2.1"),
            ("name", project),
            ("version", version),
        ] {
            let part =
                format!("--frontier\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        let head = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n--frontier--\r\n");
        self.send("POST", login, path, "multipart/form-data; boundary=frontier", &body);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
