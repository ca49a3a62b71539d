//! An index on loopback, as cheap as it can be: pages from memory, wheels by `sendfile`.
//!
//! It speaks what the tools ask of PyPI: JSON pages (PEP 691), metadata files (PEP 658) unless they are turned off, ranges,
//! entity tags, gzip. It runs in a process of its own, so that neither its time nor its memory counts for anybody.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::corpus::Corpus;
use crate::freeze;

/// How an index behaves.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Manner {
    /// Milliseconds before each answer.
    #[arg(long, default_value_t = 0)]
    pub latency: u64,
    /// No metadata files beside wheels: tools read them out of wheels by ranges.
    #[arg(long)]
    pub bare: bool,
    /// What is missing is fetched from PyPI and kept.
    #[arg(long)]
    pub record: bool,
    /// The file that is served with one byte changed.
    #[arg(long)]
    pub tamper: Option<String>,
}

/// An index that serves a corpus as long as it lives.
pub struct Served {
    child: Child,
    /// The address of its simple index.
    pub index: String,
}

impl Served {
    /// Starts one.
    pub fn start(corpus: &Corpus, manner: &Manner) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg(corpus.directory()).arg("--latency").arg(manner.latency.to_string());
        for (flag, set) in [("--bare", manner.bare), ("--record", manner.record)] {
            command.args(set.then_some(flag));
        }
        if let Some(name) = &manner.tamper {
            command.arg("--tamper").arg(name);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        Ok(Self { child, index: line.trim().to_owned() })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Page {
    plain: Vec<u8>,
    gzip: Vec<u8>,
}

struct Server {
    corpus: Corpus,
    manner: Manner,
    /// Scheme, address and port, which stand before each file on a page, as on PyPI.
    origin: String,
    /// By name; none where the index has none either.
    pages: RwLock<HashMap<String, Option<Arc<Page>>>>,
    /// Files that the index does not have either.
    gone: RwLock<HashSet<String>>,
}

struct Request {
    head: bool,
    path: String,
    range: Option<String>,
    matches: Option<String>,
    gzip: bool,
}

/// Serves until standard input ends, as it does when whoever started it is gone. The address of the index is printed first.
pub fn serve(corpus: Corpus, manner: Manner) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let origin = format!("http://{}", listener.local_addr()?);
    println!("{origin}/simple/");
    std::io::stdout().flush()?;
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let server =
        Arc::new(Server { corpus, manner, origin, pages: RwLock::default(), gone: RwLock::default() });
    for stream in listener.incoming() {
        let (stream, server) = (stream?, Arc::clone(&server));
        std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
            // A client that went away is no fault.
            let _ = server.converse(stream);
        })?;
    }
    Ok(())
}

impl Server {
    fn converse(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = read(&mut reader)? {
            if self.manner.latency > 0 {
                std::thread::sleep(Duration::from_millis(self.manner.latency));
            }
            let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
            match parts.as_slice() {
                ["simple", name] => self.page(&mut stream, &request, name)?,
                ["files", name] if !name.starts_with('.') => self.file(&mut stream, &request, name)?,
                _ => missing(&mut stream)?,
            }
        }
        Ok(())
    }

    fn page(&self, stream: &mut TcpStream, request: &Request, name: &str) -> Result<()> {
        let known = self.pages.read().ok().and_then(|pages| pages.get(name).cloned());
        let page = match known {
            Some(page) => page,
            None => {
                if self.manner.record {
                    freeze::page(&self.corpus, name)?;
                }
                let page = match self.corpus.page(name, self.manner.bare, &self.origin) {
                    Ok(plain) => Some(Arc::new(Page { gzip: gzip(&plain)?, plain })),
                    Err(_) => None,
                };
                if let Ok(mut pages) = self.pages.write() {
                    pages.insert(name.to_owned(), page.clone());
                }
                page
            }
        };
        let Some(page) = page else { return missing(stream) };
        let tag = format!("\"{}-{}\"", page.plain.len(), page.gzip.len());
        let common =
            format!("etag: {tag}\r\ncache-control: max-age=600, public\r\nvary: Accept, Accept-Encoding\r\n");
        if request.matches.as_ref().is_some_and(|matches| *matches == tag) {
            return head(stream, "304 Not Modified", &common, 0);
        }
        let (body, encoding) =
            if request.gzip { (&page.gzip, "content-encoding: gzip\r\n") } else { (&page.plain, "") };
        let headers = format!("content-type: application/vnd.pypi.simple.v1+json\r\n{encoding}{common}");
        head(stream, "200 OK", &headers, body.len() as u64)?;
        Ok(stream.write_all(if request.head { &[] } else { body })?)
    }

    fn file(&self, stream: &mut TcpStream, request: &Request, name: &str) -> Result<()> {
        if self.manner.bare && name.ends_with(".metadata") {
            return missing(stream);
        }
        let is_gone = || self.gone.read().is_ok_and(|gone| gone.contains(name));
        if self.manner.record && !is_gone() {
            freeze::file(&self.corpus, name)?;
            if !self.corpus.file(name).exists()
                && let Ok(mut gone) = self.gone.write()
            {
                gone.insert(name.to_owned());
            }
        }
        let Ok(file) = File::open(self.corpus.file(name)) else { return missing(stream) };
        let size = file.metadata()?.len();
        let headers = "content-type: application/octet-stream\r\naccept-ranges: bytes\r\n\
                       cache-control: max-age=365000000, immutable, public\r\n";
        let (from, to) = match request.range.as_deref().map(|text| range(text, size)) {
            None => {
                head(stream, "200 OK", headers, size)?;
                (0, size)
            }
            Some(Some((from, to))) => {
                let headers = format!("{headers}content-range: bytes {from}-{}/{size}\r\n", to - 1);
                head(stream, "206 Partial Content", &headers, to - from)?;
                (from, to)
            }
            Some(None) => {
                let headers = format!("content-range: bytes */{size}\r\n");
                return head(stream, "416 Range Not Satisfiable", &headers, 0);
            }
        };
        if request.head {
            return Ok(());
        }
        if self.manner.tamper.as_deref() == Some(name) {
            let mut bytes = std::fs::read(self.corpus.file(name))?;
            crate::safety::change(&mut bytes);
            return Ok(stream.write_all(&bytes[usize::try_from(from)?..usize::try_from(to)?])?);
        }
        let mut at = from;
        while at < to {
            let count = usize::try_from(to - at)?.min(1 << 20);
            if rustix::fs::sendfile(&*stream, &file, Some(&mut at), count)? == 0 {
                break;
            }
        }
        Ok(())
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let head = words.next() == Some("HEAD");
    let path = words.next().unwrap_or_default().replace("%2B", "+").replace("%2b", "+").replace("%21", "!");
    let mut request = Request { head, path, range: None, matches: None, gzip: false };
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            return Ok(Some(request));
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = Some(value.to_owned()),
            "if-none-match" => request.matches = Some(value.to_owned()),
            "accept-encoding" => request.gzip = value.contains("gzip"),
            _ => {}
        }
    }
}

/// First byte, and the one behind the last. `None` where there is nothing of it.
fn range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) => (from, to.saturating_add(1).min(size)),
        (Ok(from), Err(_)) => (from, size),
        (Err(_), Ok(last)) => (size.saturating_sub(last), size),
        _ => return None,
    };
    (from < to).then_some((from, to))
}

fn head(stream: &mut TcpStream, status: &str, headers: &str, length: u64) -> Result<()> {
    Ok(stream
        .write_all(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").as_bytes())?)
}

fn missing(stream: &mut TcpStream) -> Result<()> {
    head(stream, "404 Not Found", "", 0)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        let check = |text: &str, expected| assert_eq!(range(text, 100), expected, "{text}");
        check("bytes=0-9", Some((0, 10)));
        check("bytes=90-", Some((90, 100)));
        check("bytes=-10", Some((90, 100)));
        check("bytes=-1000", Some((0, 100)));
        check("bytes=90-1000", Some((90, 100)));
        check("bytes=100-", None);
        check("lines=1-2", None);
    }
}
