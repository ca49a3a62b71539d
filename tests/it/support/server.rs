//! A loopback index that can tell the truth and can lie.
//!
//! Hand-made HTTP/1.1 over threads: what it sends is under a test's full control, byte by byte.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipward::digest::Sha256;

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// One answer. The default is an honest 200.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Sends only so many bytes of the body (the length announced stays that of the whole), then closes.
    pub cut_after: Option<usize>,
    /// Announces no length and closes at the end.
    pub without_length: bool,
    /// Waits before it answers.
    pub delay: Duration,
    /// Closes without a word.
    pub hang_up: bool,
}

impl Answer {
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            cut_after: None,
            without_length: false,
            delay: Duration::ZERO,
            hang_up: false,
        }
    }

    pub fn body(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new(200) }.header("Content-Type", content_type)
    }

    pub fn redirect(to: &str) -> Self {
        Self::new(302).header("Location", to)
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

type Handler = dyn Fn(&Request) -> Option<Answer> + Send + Sync;

/// A running server. It stops when dropped.
pub struct Server {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    stop: AtomicBool,
    requests: Mutex<Vec<Request>>,
    site: Mutex<Site>,
    handler: Mutex<Option<Box<Handler>>>,
}

/// One file of the index.
#[derive(Debug, Clone)]
pub struct ServedFile {
    pub name: String,
    pub bytes: Vec<u8>,
    /// What the page says of it: `sha256`, another algorithm, or nothing.
    pub hashes: Vec<(String, String)>,
    pub requires_python: Option<String>,
    pub upload_time: Option<String>,
    pub yanked: Option<String>,
    pub size: Option<u64>,
    /// METADATA beside the file; whether and with which hash the page advertises it.
    pub metadata: Option<Vec<u8>>,
    pub advertised: Option<String>,
}

impl ServedFile {
    /// A wheel as a good index has it: SHA-256, size, an old upload time, no core-metadata.
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
            hashes: vec![("sha256".to_owned(), Sha256::of(bytes).to_string())],
            requires_python: None,
            upload_time: Some("2020-01-01T00:00:00Z".to_owned()),
            yanked: None,
            size: Some(bytes.len() as u64),
            metadata: None,
            advertised: None,
        }
    }

    /// With METADATA served and advertised with its hash (PEP 658, 714).
    #[must_use]
    pub fn with_metadata(mut self, text: &[u8]) -> Self {
        self.advertised = Some(Sha256::of(text).to_string());
        self.metadata = Some(text.to_vec());
        self
    }
}

/// Which form of page the index speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Json,
    Html,
}

struct Site {
    projects: HashMap<String, Vec<ServedFile>>,
    speaks: Speaks,
    page_headers: Vec<(String, String)>,
}

impl Server {
    /// An empty index that speaks JSON.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            requests: Mutex::new(Vec::new()),
            site: Mutex::new(Site { projects: HashMap::new(), speaks: Speaks::Json, page_headers: Vec::new() }),
            handler: Mutex::new(None),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let serving = Arc::clone(&serving);
                std::thread::spawn(move || serving.serve(&stream));
            }
        });
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of the index.
    pub fn index(&self) -> String {
        format!("{}/simple/", self.root())
    }

    /// The address of a file.
    pub fn file_url(&self, name: &str) -> String {
        format!("{}/files/{name}", self.root())
    }

    pub fn speaks(&self, speaks: Speaks) {
        self.shared.site.lock().unwrap().speaks = speaks;
    }

    /// Headers that every index page is sent with, such as ETag or Cache-Control. An ETag is honoured.
    pub fn page_header(&self, name: &str, value: &str) {
        self.shared.site.lock().unwrap().page_headers.push((name.to_owned(), value.to_owned()));
    }

    /// Adds a file to a project (named as normalised), or replaces the one of this name.
    pub fn add(&self, project: &str, file: ServedFile) {
        let mut site = self.shared.site.lock().unwrap();
        let files = site.projects.entry(project.to_owned()).or_default();
        files.retain(|other| other.name != file.name);
        files.push(file);
    }

    /// Changes a file that is there.
    pub fn change(&self, project: &str, name: &str, change: impl FnOnce(&mut ServedFile)) {
        let mut site = self.shared.site.lock().unwrap();
        let files = site.projects.get_mut(project).unwrap();
        change(files.iter_mut().find(|file| file.name == name).unwrap());
    }

    /// Lets `handler` answer first; `None` leaves the request to the index.
    pub fn intercept(&self, handler: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) {
        *self.shared.handler.lock().unwrap() = Some(Box::new(handler));
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many requests there were whose target contains `part`.
    pub fn asked(&self, part: &str) -> usize {
        self.requests().iter().filter(|request| request.target.contains(part)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
        let mut reader = BufReader::new(stream);
        while let Some(request) = read_request(&mut reader) {
            self.requests.lock().unwrap().push(request.clone());
            let handled = self.handler.lock().unwrap().as_ref().and_then(|handler| handler(&request));
            let answer = handled.unwrap_or_else(|| self.site.lock().unwrap().answer(&request));
            std::thread::sleep(answer.delay);
            if answer.hang_up || !send(stream, &request, &answer) {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length: u64 = headers.get("content-length").and_then(|text: &String| text.parse().ok()).unwrap_or(0);
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    Some(Request { method, target, headers })
}

/// Sends an answer; returns whether the connection can be used again.
fn send(mut stream: &TcpStream, request: &Request, answer: &Answer) -> bool {
    let mut body = answer.body.as_slice();
    let mut status = answer.status;
    let mut head = String::new();
    if status == 200
        && let Some((from, to)) = range(request.header("range"), body.len())
    {
        let _ = write!(head, "Content-Range: bytes {from}-{}/{}\r\n", to - 1, body.len());
        body = &body[from..to];
        status = 206;
    }
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if answer.without_length {
        head.push_str("Connection: close\r\n");
    } else if !matches!(status, 204 | 304) {
        let _ = write!(head, "Content-Length: {}\r\n", body.len());
    }
    let sent = write!(stream, "HTTP/1.1 {status} X\r\nAccept-Ranges: bytes\r\n{head}\r\n");
    if request.method == "HEAD" || matches!(status, 204 | 304) {
        return sent.is_ok();
    }
    let part = &body[..answer.cut_after.unwrap_or(body.len()).min(body.len())];
    sent.is_ok() && stream.write_all(part).is_ok() && answer.cut_after.is_none() && !answer.without_length
}

/// `bytes=3-7`, `bytes=3-` or `bytes=-5`, as a half-open range.
fn range(header: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = header.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => (from, (to + 1).min(length)),
        (Ok(from), Err(_)) => (from, length),
        (Err(_), Ok(last)) => (length.saturating_sub(last), length),
        _ => return None,
    };
    (from < to && to <= length).then_some((from, to))
}

impl Site {
    fn answer(&self, request: &Request) -> Answer {
        let path = request.target.split(['?', '#']).next().unwrap_or_default();
        if let Some(project) = path.strip_prefix("/simple/") {
            return self.page(project.trim_end_matches('/'), request);
        }
        let name = path.strip_prefix("/files/").unwrap_or_default().replace("%2B", "+");
        let files = || self.projects.values().flatten();
        if let Some(name) = name.strip_suffix(".metadata") {
            let metadata = files().find(|file| file.name == name).and_then(|file| file.metadata.clone());
            return metadata.map_or(Answer::new(404), |text| Answer::body("application/octet-stream", text));
        }
        let file = files().find(|file| file.name == name);
        file.map_or(Answer::new(404), |file| Answer::body("application/octet-stream", file.bytes.clone()))
    }

    fn page(&self, project: &str, request: &Request) -> Answer {
        let Some(files) = self.projects.get(project) else { return Answer::new(404) };
        let etag = self.page_headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("etag"));
        if etag.is_some_and(|(_, tag)| tag == request.header("if-none-match")) {
            return Answer { headers: self.page_headers.clone(), ..Answer::new(304) };
        }
        let mut answer = match self.speaks {
            Speaks::Json => Answer::body("application/vnd.pypi.simple.v1+json", json_page(project, files)),
            Speaks::Html => Answer::body("text/html; charset=utf-8", html_page(files)),
        };
        answer.headers.extend(self.page_headers.clone());
        answer
    }
}

fn json_page(project: &str, files: &[ServedFile]) -> String {
    let rows: Vec<serde_json::Value> = files
        .iter()
        .map(|file| {
            let mut row = serde_json::json!({
                "filename": file.name,
                "url": format!("../../files/{}", file.name),
                "hashes": file.hashes.iter().cloned().collect::<HashMap<_, _>>(),
            });
            let mut put = |key: &str, value: Option<serde_json::Value>| {
                if let Some(value) = value {
                    row[key] = value;
                }
            };
            put("requires-python", file.requires_python.clone().map(Into::into));
            put("upload-time", file.upload_time.clone().map(Into::into));
            put("yanked", file.yanked.clone().map(Into::into));
            put("size", file.size.map(Into::into));
            put("core-metadata", file.advertised.as_ref().map(|hash| serde_json::json!({ "sha256": hash })));
            row
        })
        .collect();
    serde_json::json!({ "meta": { "api-version": "1.1" }, "name": project, "files": rows }).to_string()
}

fn html_page(files: &[ServedFile]) -> String {
    let mut page = String::from("<!DOCTYPE html><html><body>\n");
    for file in files {
        let fragment = file.hashes.first().map(|(name, hash)| format!("#{name}={hash}")).unwrap_or_default();
        let mut attributes = String::new();
        let mut put = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                let _ = write!(attributes, " {name}=\"{}\"", html_escape::encode_double_quoted_attribute(value));
            }
        };
        put("data-requires-python", file.requires_python.as_ref());
        put("data-yanked", file.yanked.as_ref());
        put("data-core-metadata", file.advertised.as_ref().map(|hash| format!("sha256={hash}")).as_ref());
        let _ = writeln!(page, "<a href=\"../../files/{0}{fragment}\"{attributes}>{0}</a><br/>", file.name);
    }
    page.push_str("</body></html>\n");
    page
}
