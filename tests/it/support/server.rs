//! A loopback HTTP/1.1 server for tests, with TLS where asked: it serves a simple index, and it can lie, stall, cut and
//! change its mind. It records each request.

#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipward::digest::Sha256;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// What was posted.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What goes wrong while an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Content-Length says all, the connection ends after so many bytes.
    CutAfter(usize),
    /// No Content-Length; the connection ends after so many bytes, which HTTP/1 takes for the end.
    EndAfter(usize),
    /// Content-Length says all, and nothing more comes after so many bytes.
    StallAfter(usize),
    /// The connection ends before any answer.
    Drop,
    /// No answer ever comes.
    Silence,
    /// The body is all that is sent, without a head, and the connection ends.
    Raw,
    /// Content-Length says all, which comes a byte at a time with so many milliseconds between two.
    Drip(u64),
    /// Chunks, of which the last one never comes: the connection ends after so many bytes.
    ChunksEndAfter(usize),
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub fault: Fault,
}

impl Response {
    /// 200 with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), fault: Fault::None }
    }
    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::ok("") }
    }
    /// A redirect.
    pub fn redirect(to: impl Into<String>) -> Self {
        Self::status(302).header("Location", to)
    }
    /// The same with a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
    /// The same with a fault.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }
    /// The same in another content encoding.
    pub fn encoded(mut self, encoding: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("Content-Encoding", encoding)
    }
    /// The same, gzipped.
    pub fn gzip(mut self) -> Self {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(&self.body).unwrap();
        self.body = writer.finish().unwrap();
        self.header("Content-Encoding", "gzip")
    }
}

type Handler = Box<dyn Fn(&Request, usize) -> Response + Send + Sync>;

#[derive(Default)]
struct State {
    handlers: Mutex<HashMap<String, (Arc<Handler>, usize)>>,
    requests: Mutex<Vec<Request>>,
    closed: AtomicBool,
    /// Whether requests are read no further than their first line, which resets the connection when it ends.
    careless: AtomicBool,
    /// Each answer waits up to so many milliseconds, by this seed.
    delay: Mutex<Option<(u64, u64)>>,
}

/// The hosts of all servers of this process. Tests of other rules may install from any of them.
static HOSTS: Mutex<String> = Mutex::new(String::new());

/// They, as `PIPWARD_FILE_HOSTS` wants them.
pub fn hosts() -> String {
    HOSTS.lock().unwrap().clone()
}

/// The server. It ends when it is dropped.
pub struct Server {
    scheme: &'static str,
    address: std::net::SocketAddr,
    state: Arc<State>,
}

impl Server {
    /// Starts one on a free port.
    pub fn start() -> Self {
        Self::started("http", |stream, state| {
            let _ = serve(stream, state);
        })
    }

    /// Starts one that speaks TLS.
    pub fn start_tls(config: Arc<rustls::ServerConfig>) -> Self {
        Self::started("https", move |stream, state| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::StreamOwned::new(connection, stream);
            let served = serve(&mut tls, state);
            tls.conn.send_close_notify();
            let _ = tls.flush();
            if served.is_err() {
                // What is left unread would make the end a reset, which overtakes the alert.
                let _ = tls.sock.shutdown(std::net::Shutdown::Write);
                let _ = tls.sock.set_read_timeout(Some(Duration::from_secs(5)));
                let _ = std::io::copy(&mut tls.sock, &mut std::io::sink());
            }
        })
    }

    fn started(scheme: &'static str, serve: impl Fn(TcpStream, &State) + Send + Sync + 'static) -> Self {
        let serve = Arc::new(serve);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        *HOSTS.lock().unwrap() += &format!("{address} localhost:{} ", address.port());
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&shared)) else { continue };
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || {
                    // Head and body go in two writes, of which the second must not wait for an answer to the first.
                    let _ = stream.set_nodelay(true);
                    serve(stream, &shared);
                });
            }
        });
        Self { scheme, address, state }
    }

    /// The address of a path of it.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers a path by `handler`, which is told how many times the path was asked for before.
    pub fn on(&self, path: &str, handler: impl Fn(&Request, usize) -> Response + Send + Sync + 'static) {
        self.state.handlers.lock().unwrap().insert(path.to_owned(), (Arc::new(Box::new(handler)), 0));
    }

    /// Answers a path always alike.
    pub fn serve(&self, path: &str, response: Response) {
        self.on(path, move |_, _| response.clone());
    }

    /// Answers a path by one response after the other; the last one stays.
    pub fn sequence(&self, path: &str, responses: Vec<Response>) {
        self.on(path, move |_, nth| responses[nth.min(responses.len() - 1)].clone());
    }

    /// Lets each answer wait a while, of up to `most` milliseconds, by a seed: another seed gives another order.
    pub fn delay(&self, seed: u64, most: u64) {
        *self.state.delay.lock().unwrap() = Some((seed, most));
    }

    /// From now on each answer is followed by a reset of the connection: what was asked is not read to its end. (An answer
    /// can end early by its fault.)
    pub fn reset(&self) {
        self.state.careless.store(true, Ordering::SeqCst);
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The requests for one path so far.
    pub fn asked(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path == path).collect()
    }

    /// Serves a file, by ranges too.
    pub fn file(&self, path: &str, body: Vec<u8>) {
        self.on(path, move |request, _| ranged(request, &body));
    }

    /// Puts a project's page at `/simple/<name>/` and its files under `/files/`. Returns the index's address.
    pub fn publish(&self, name: &str, files: &[Published], style: &Style) -> String {
        for file in files {
            let path = format!("/files/{}", file.name);
            let (body, ranges) = (file.bytes.clone(), style.ranges);
            self.on(
                &path,
                move |request, _| {
                    if ranges { ranged(request, &body) } else { Response::ok(body.clone()) }
                },
            );
            if let Some(metadata) = &file.metadata {
                self.serve(&format!("{path}.metadata"), Response::ok(metadata.clone()));
            }
        }
        let (body, kind) = match style.form {
            Form::Json => (json(name, files, style), "application/vnd.pypi.simple.v1+json"),
            Form::Html => (html(files, style), "text/html; charset=utf-8"),
        };
        let mut page = Response::ok(body).header("Content-Type", kind);
        page.headers.extend(style.headers.clone());
        let etag = page.headers.iter().find(|(name, _)| name == "ETag").map(|(_, etag)| etag.clone());
        self.on(&format!("/simple/{name}/"), move |request, _| {
            if etag.is_some() && request.header("If-None-Match") == etag.as_deref() {
                return Response::status(304).header("ETag", etag.clone().unwrap_or_default());
            }
            page.clone()
        });
        self.url("/simple/")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it ends.
        let _ = TcpStream::connect(self.address);
    }
}

/// An address at which nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    *HOSTS.lock().unwrap() += &format!("{address} ");
    format!("http://{address}/simple/")
}

/// A file on an index.
#[derive(Debug, Clone)]
pub struct Published {
    pub name: String,
    pub bytes: Vec<u8>,
    /// What stands beside it as `.metadata`.
    pub metadata: Option<Vec<u8>>,
    pub upload_time: Option<String>,
    /// The reason for which it was yanked.
    pub yanked: Option<String>,
    /// The Pythons that it is for, as the page says.
    pub requires_python: Option<String>,
    /// A hash to claim instead of the true one.
    pub sha256: Option<String>,
}

impl Published {
    /// A file without metadata beside it.
    pub fn new((name, bytes): (String, Vec<u8>)) -> Self {
        Self {
            name,
            bytes,
            metadata: None,
            upload_time: None,
            yanked: None,
            requires_python: None,
            sha256: None,
        }
    }
    /// The same with metadata beside it.
    pub fn metadata(mut self, text: &str) -> Self {
        self.metadata = Some(text.as_bytes().to_vec());
        self
    }
    /// The same with an upload time.
    pub fn uploaded(mut self, time: &str) -> Self {
        self.upload_time = Some(time.to_owned());
        self
    }
    /// The same, yanked.
    pub fn yanked(mut self, reason: &str) -> Self {
        self.yanked = Some(reason.to_owned());
        self
    }
    fn claimed(&self) -> String {
        self.sha256.clone().unwrap_or_else(|| Sha256::of(&self.bytes).to_string())
    }
}

/// The form of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Html,
}

/// Which hashes a page gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashes {
    Sha256,
    Md5,
    None,
}

/// How an index presents itself.
#[derive(Debug, Clone)]
pub struct Style {
    pub form: Form,
    pub hashes: Hashes,
    /// Whether metadata beside the files is announced.
    pub advertise: bool,
    pub ranges: bool,
    pub headers: Vec<(String, String)>,
}

impl Default for Style {
    fn default() -> Self {
        Self { form: Form::Json, hashes: Hashes::Sha256, advertise: true, ranges: true, headers: Vec::new() }
    }
}

fn json(name: &str, files: &[Published], style: &Style) -> String {
    let files: Vec<serde_json::Value> = files
        .iter()
        .map(|file| {
            let hashes = match style.hashes {
                Hashes::Sha256 => serde_json::json!({"sha256": file.claimed()}),
                Hashes::Md5 => serde_json::json!({"md5": "d41d8cd98f00b204e9800998ecf8427e"}),
                Hashes::None => serde_json::json!({}),
            };
            let mut entry = serde_json::json!({
                "filename": file.name, "url": format!("../../files/{}", file.name),
                "hashes": hashes, "size": file.bytes.len(), "yanked": false,
            });
            if let Some(reason) = &file.yanked {
                entry["yanked"] = reason.clone().into();
            }
            if let Some(pythons) = &file.requires_python {
                entry["requires-python"] = pythons.clone().into();
            }
            if let Some(time) = &file.upload_time {
                entry["upload-time"] = time.clone().into();
            }
            if let Some(metadata) = file.metadata.as_ref().filter(|_| style.advertise) {
                entry["core-metadata"] = serde_json::json!({"sha256": Sha256::of(metadata).to_string()});
            }
            entry
        })
        .collect();
    serde_json::json!({"meta": {"api-version": "1.1"}, "name": name, "versions": [], "files": files})
        .to_string()
}

fn html(files: &[Published], style: &Style) -> String {
    let mut page = String::from("<!DOCTYPE html><html><body>\n");
    for file in files {
        let fragment = match style.hashes {
            Hashes::Sha256 => format!("#sha256={}", file.claimed()),
            Hashes::Md5 => "#md5=d41d8cd98f00b204e9800998ecf8427e".to_owned(),
            Hashes::None => String::new(),
        };
        let metadata = file
            .metadata
            .as_ref()
            .filter(|_| style.advertise)
            .map(|text| format!(" data-core-metadata=\"sha256={}\"", Sha256::of(text)));
        page += &format!(
            "<a href=\"../../files/{}{fragment}\"{}>{}</a>\n",
            file.name,
            metadata.unwrap_or_default(),
            file.name
        );
    }
    page
}

/// A file, or the part of it that a request asks for.
pub fn ranged(request: &Request, body: &[u8]) -> Response {
    let Some(asked) = request.header("Range").and_then(|range| range.strip_prefix("bytes=")) else {
        return Response::ok(body);
    };
    let (start, end) = match asked.split_once('-').unwrap() {
        ("", last) => (body.len().saturating_sub(last.parse().unwrap()), body.len()),
        (start, "") => (start.parse().unwrap(), body.len()),
        (start, last) => (start.parse().unwrap(), last.parse::<usize>().unwrap() + 1),
    };
    let mut response = Response::ok(&body[start..end.min(body.len())])
        .header("Content-Range", format!("bytes {start}-{}/{}", end - 1, body.len()));
    response.status = 206;
    response
}

fn serve(stream: impl Read + Write, state: &State) -> std::io::Result<()> {
    let careless = state.careless.load(Ordering::SeqCst);
    let mut reader = BufReader::with_capacity(if careless { 1 } else { 1 << 13 }, stream);
    loop {
        let mut line = String::new();
        if reader.by_ref().take(1 << 16).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        let mut line = String::new();
        while !careless && reader.by_ref().take(1 << 16).read_line(&mut line)? > 0 {
            match line.trim_end().split_once(": ") {
                Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
                None => break,
            }
            line.clear();
        }
        let mut request = Request { path: path.clone(), headers, body: Vec::new() };
        if let Some(length) = request.header("Content-Length").and_then(|length| length.parse().ok()) {
            reader.by_ref().take(length).read_to_end(&mut request.body)?;
        }
        let mut wait = 0;
        if let Some((seed, most)) = *state.delay.lock().unwrap() {
            let mixed = path.bytes().fold(seed, |mixed, byte| {
                (mixed ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
            });
            wait = mixed % (most + 1);
        }
        std::thread::sleep(Duration::from_millis(wait));
        state.requests.lock().unwrap().push(request.clone());
        let found = state.handlers.lock().unwrap().get_mut(&path).map(|(handler, nth)| {
            *nth += 1;
            (Arc::clone(handler), *nth - 1)
        });
        let response = found.map_or_else(|| Response::status(404), |(handler, nth)| handler(&request, nth));
        if !send(reader.get_mut(), state, &response)? || careless {
            // What was not read of a careless one makes a reset of the end.
            return Ok(());
        }
    }
}

/// Sends an answer; whether the connection may be used again.
fn send(stream: &mut impl Write, state: &State, response: &Response) -> std::io::Result<bool> {
    let mut head = format!("HTTP/1.1 {} Status\r\n", response.status);
    for (name, value) in &response.headers {
        head += &format!("{name}: {value}\r\n");
    }
    match response.fault {
        Fault::Drop => return Ok(false),
        Fault::Silence => {
            wait_for_the_end(state);
            return Ok(false);
        }
        Fault::Raw => {
            stream.write_all(&response.body)?;
            return Ok(false);
        }
        _ => {}
    }
    if matches!(response.fault, Fault::EndAfter(_)) {
        head += "Connection: close\r\n\r\n";
    } else if matches!(response.fault, Fault::ChunksEndAfter(_)) {
        head += "Transfer-Encoding: chunked\r\n\r\n";
    } else if response.status == 304 {
        head += "\r\n";
    } else {
        head += &format!("Content-Length: {}\r\n\r\n", response.body.len());
    }
    stream.write_all(head.as_bytes())?;
    if let Fault::Drip(pause) = response.fault {
        for byte in &response.body {
            stream.write_all(&[*byte])?;
            std::thread::sleep(Duration::from_millis(pause));
        }
        return Ok(true);
    }
    if let Fault::ChunksEndAfter(count) = response.fault {
        stream.write_all(format!("{count:x}\r\n").as_bytes())?;
        stream.write_all(&response.body[..count])?;
        stream.write_all(b"\r\n")?;
        return Ok(false);
    }
    let part = match response.fault {
        Fault::CutAfter(count) | Fault::EndAfter(count) | Fault::StallAfter(count) => &response.body[..count],
        _ => &response.body,
    };
    stream.write_all(part)?;
    stream.flush()?;
    if matches!(response.fault, Fault::StallAfter(_)) {
        wait_for_the_end(state);
    }
    Ok(response.fault == Fault::None)
}

fn wait_for_the_end(state: &State) {
    while !state.closed.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(20));
    }
}
