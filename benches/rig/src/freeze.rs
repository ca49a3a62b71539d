//! Filling a corpus from PyPI: each page, metadata file and wheel that a tool asks for is fetched once and kept.
//!
//! A page is kept without files that are younger than the cutoff, and with addresses that lead back to the server. The
//! addresses that it had are kept beside it, for files that are asked for later.

use std::io::Read as _;
use std::sync::{LazyLock, Mutex};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::corpus::Corpus;
use crate::workload::CUTOFF;

/// One fetch at a time: freezing is rare, and an index is somebody's machine.
static TURN: Mutex<()> = Mutex::new(());

static AGENT: LazyLock<ureq::Agent> = LazyLock::new(|| {
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
    ureq::Agent::config_builder().tls_config(tls).http_status_as_error(false).build().into()
});

/// Fetches the page of a project, unless it is there.
pub fn page(corpus: &Corpus, name: &str) -> Result<()> {
    let _turn = TURN.lock();
    if corpus.page_path(name).exists() {
        return Ok(());
    }
    let Some(text) = get(&format!("https://pypi.org/simple/{name}/"))? else { return Ok(()) };
    let (page, origins) = cut(serde_json::from_slice(&text)?, CUTOFF)?;
    corpus.put(&origins_path(corpus, name), &serde_json::to_vec(&origins)?)?;
    corpus.put(&corpus.page_path(name), &serde_json::to_vec(&page)?)
}

/// Fetches a wheel or a metadata file of a known page, unless it is there.
pub fn file(corpus: &Corpus, name: &str) -> Result<()> {
    if corpus.file(name).exists() {
        return Ok(());
    }
    let _turn = TURN.lock();
    if corpus.file(name).exists() {
        return Ok(());
    }
    let (wheel, suffix) = match name.strip_suffix(".metadata") {
        Some(wheel) => (wheel, ".metadata"),
        None => (name, ""),
    };
    let project = wheel.split('-').next().unwrap_or_default().to_lowercase().replace(['_', '.'], "-");
    let origins =
        std::fs::read(origins_path(corpus, &project)).with_context(|| format!("no page for {name}"))?;
    let origins: Value = serde_json::from_slice(&origins)?;
    let Some(url) = origins[wheel].as_str() else { return Ok(()) };
    match get(&format!("{url}{suffix}"))? {
        Some(bytes) => corpus.put(&corpus.file(name), &bytes),
        None => Ok(()),
    }
}

fn origins_path(corpus: &Corpus, name: &str) -> std::path::PathBuf {
    corpus.directory().join("pages").join(format!("{name}.origins"))
}

fn get(url: &str) -> Result<Option<Vec<u8>>> {
    let accept = "application/vnd.pypi.simple.v1+json, */*;q=0.1";
    let mut answer = AGENT.get(url).header("accept", accept).call()?;
    match answer.status().as_u16() {
        200 => {}
        404 => return Ok(None),
        status => bail!("{url} answers {status}"),
    }
    let mut bytes = Vec::new();
    answer.body_mut().as_reader().read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The page without what came after the cutoff, and where each file was.
fn cut(mut page: Value, cutoff: &str) -> Result<(Value, Value)> {
    let mut origins = serde_json::Map::new();
    let files = page["files"].as_array_mut().context("a page without files")?;
    files.retain(|file| file["upload-time"].as_str().is_none_or(|time| time < cutoff));
    for file in files.iter_mut().filter_map(Value::as_object_mut) {
        let name = file.get("filename").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(url) = file.insert("url".to_owned(), Value::from(format!("/files/{name}"))) {
            origins.insert(name, url);
        }
        // It leads to another host.
        file.remove("provenance");
    }
    Ok((page, Value::Object(origins)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_and_leads_back() {
        let file = |name: &str, time: &str| serde_json::json!({"filename": name, "upload-time": time, "provenance": "https://x/", "url": format!("https://x/{name}")});
        let page = serde_json::json!({"name": "a", "files": [
            file("a-1-py3-none-any.whl", "2025-01-01T00:00:00Z"), file("a-2-py3-none-any.whl", "2026-01-01T00:00:00Z"),
        ]});
        let (page, origins) = cut(page, "2025-06-01T00:00:00").unwrap();
        let files = page["files"].as_array().unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0]["url"], "/files/a-1-py3-none-any.whl");
        assert!(files[0].get("provenance").is_none());
        assert_eq!(origins["a-1-py3-none-any.whl"], "https://x/a-1-py3-none-any.whl");
    }
}
