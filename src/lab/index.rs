//! A package index on the loopback address, as PEP 691 has it, which lives as long as its scenario.
//!
//! Never: listens on another address, and never reads a file: all it serves was put there.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::wheel::Wheel;
use crate::digest::Sha256;
use crate::error::{Code, Problem};

/// The content type of pages.
const PAGE: &str = "application/vnd.pypi.simple.v1+json";
/// No request has a longer head, in bytes.
const MAX_HEAD: u64 = 64 << 10;

type Answers = Arc<Mutex<BTreeMap<String, (&'static str, Vec<u8>)>>>;

/// An index.
pub(super) struct Index {
    address: SocketAddr,
    answers: Answers,
    is_over: Arc<AtomicBool>,
    now: Timestamp,
}

impl Index {
    /// An index without projects.
    pub(super) fn start(now: Timestamp) -> Result<Self, Problem> {
        let failed =
            |error| Problem::new(Code::Internal, "no server could be started on 127.0.0.1").cause(error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let answers = Answers::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let (known, over) = (Arc::clone(&answers), Arc::clone(&is_over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let known = Arc::clone(&known);
                if let Ok(stream) = stream {
                    // A client that goes away is no concern of the index.
                    std::thread::spawn(move || drop(answer(&stream, &known)));
                }
            }
        });
        Ok(Self { address, answers, is_over, now })
    }

    /// An address on it.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The address of its pages.
    pub(super) fn pages(&self) -> String {
        self.url("/simple/")
    }

    /// Puts wheels of one project there, each uploaded so many hours ago, in place of what it had.
    pub(super) fn publish(&self, wheels: &[(Wheel, i64)], status: Option<&str>) {
        let Some((first, _)) = wheels.first() else { return };
        let mut files = Vec::new();
        for (wheel, age) in wheels {
            let (name, bytes, metadata) = (wheel.file_name(), wheel.bytes(), wheel.metadata());
            let time = self.now.checked_sub(SignedDuration::from_hours(*age)).unwrap_or(self.now);
            let mut file = json!({
                "filename": name,
                "url": format!("/files/{name}"),
                "hashes": { "sha256": Sha256::of(&bytes).to_string() },
                "size": bytes.len(),
                "upload-time": time.to_string(),
                "core-metadata": { "sha256": Sha256::of(metadata.as_bytes()).to_string() },
            });
            if let (Some(text), Some(file)) = (wheel.provenance, file.as_object_mut()) {
                file.insert("provenance".into(), self.url(&format!("/files/{name}.provenance")).into());
                self.put(
                    format!("/files/{name}.provenance"),
                    "application/vnd.pypi.integrity.v1+json",
                    text.as_bytes().to_vec(),
                );
            }
            files.push(file);
            self.put(format!("/files/{name}.metadata"), "text/plain", metadata.into_bytes());
            self.put(format!("/files/{name}"), "application/octet-stream", bytes);
        }
        let versions: Vec<&str> = wheels.iter().map(|(wheel, _)| wheel.version).collect();
        let mut page = json!({
            "meta": { "api-version": "1.4" }, "name": first.name, "versions": versions, "files": files,
        });
        if let (Some(status), Some(page)) = (status, page.as_object_mut()) {
            page.insert("project-status".into(), json!({ "status": status }));
        }
        self.put(format!("/simple/{}/", first.name), PAGE, page.to_string().into_bytes());
    }

    fn put(&self, path: String, kind: &'static str, body: Vec<u8>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path, (kind, body));
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // The listener waits for somebody to come.
        drop(TcpStream::connect_timeout(&self.address, Duration::from_secs(1)));
    }
}

/// Answers one request, and closes the connection.
fn answer(stream: &TcpStream, known: &Answers) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut head = BufReader::new(stream).take(MAX_HEAD);
    let mut request = String::new();
    head.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
    }
    let mut words = request.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or(path);
    let found = known.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
    let (status, kind, body) = match found {
        Some((kind, body)) => ("200 OK", kind, body),
        None => ("404 Not Found", "text/plain", b"there is nothing here\n".to_vec()),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    if method != "HEAD" {
        stream.write_all(&body)?;
    }
    stream.flush()
}
