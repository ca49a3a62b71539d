//! Index pages and wheels made by code, the same on every run: many tiny wheels, graphs of projects, and forks.

use std::io::Write as _;

use anyhow::Result;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::corpus::Corpus;
use crate::workload::MADE;

/// How many projects the graphs of the growth curve have.
pub const GRAPHS: &[usize] = &[10, 30, 100, 300, 1000];
/// How often the growth curve forks.
pub const FORKS: &[usize] = &[1, 2, 4, 8, 16];
/// The first minor version of Python at which it forks.
const FIRST_MINOR: usize = 8;

/// The name of a made project.
pub fn name(number: usize) -> String {
    format!("made-{number:05}")
}

/// The file name and the SHA-256 of a made project's wheel.
pub fn wheel(corpus: &Corpus, number: usize) -> Result<(String, String)> {
    let page: Value = serde_json::from_slice(&corpus.page(&name(number), false, "")?)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok((text(&page["files"][0]["filename"]), text(&page["files"][0]["hashes"]["sha256"])))
}

/// The project that stands for a whole graph.
pub fn graph_root(count: usize) -> String {
    node(count, 0)
}

/// Requirements that fork so many times.
pub fn forking(count: usize) -> String {
    (0..count).map(|n| format!("forked=={}; python_version == '3.{}'\n", n + 1, FIRST_MINOR + n)).collect()
}

/// Makes all that is missing.
pub fn make(corpus: &Corpus) -> Result<()> {
    if corpus.page_path(&name(MADE - 1)).exists() && corpus.page_path("forked").exists() {
        return Ok(());
    }
    for number in 0..MADE {
        made_wheel(corpus, number)?;
    }
    for &count in GRAPHS {
        for number in 0..count {
            let versions: Vec<_> = (1..=5).map(|version| (version, needs(count, number))).collect();
            metadata_alone(corpus, &node(count, number), &versions)?;
        }
    }
    let most = FORKS.iter().copied().max().unwrap_or_default();
    metadata_alone(corpus, "forked", &(1..=most).map(|version| (version, Vec::new())).collect::<Vec<_>>())
}

fn node(count: usize, number: usize) -> String {
    format!("graph-{count}-{number}")
}

/// A tree of all, and one edge more from each.
fn needs(count: usize, number: usize) -> Vec<String> {
    let mut needs: Vec<usize> = [2 * number + 1, 2 * number + 2, number * 7 + 3].into();
    needs.retain(|other| *other < count && *other != number);
    needs.sort_unstable();
    needs.dedup();
    needs.into_iter().map(|other| format!("{}>=2,<6", node(count, other))).collect()
}

/// Pages and metadata without wheels: enough to lock.
fn metadata_alone(corpus: &Corpus, name: &str, versions: &[(usize, Vec<String>)]) -> Result<()> {
    let mut files = Vec::new();
    for (version, needs) in versions {
        let file = format!("{}-{version}-py3-none-any.whl", name.replace('-', "_"));
        let metadata = metadata(name, &version.to_string(), needs);
        corpus.put(&corpus.file(&format!("{file}.metadata")), metadata.as_bytes())?;
        files.push(entry(&file, &hash(file.as_bytes()), 1000, &hash(metadata.as_bytes())));
    }
    page(corpus, name, files)
}

fn made_wheel(corpus: &Corpus, number: usize) -> Result<()> {
    let (name, module) = (name(number), name(number).replace('-', "_"));
    let file = format!("{module}-1.0-py3-none-any.whl");
    let info = format!("{module}-1.0.dist-info");
    let metadata = metadata(&name, "1.0", &[]);
    let wheel = "Wheel-Version: 1.0\nGenerator: rig\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let module_text = format!("\"\"\"Made.\"\"\"\n\nNUMBER = {number}\n");
    let parts = [
        (format!("{module}/__init__.py"), module_text.as_str()),
        (format!("{module}/part.py"), "def part():\n    return 1\n"),
        (format!("{info}/METADATA"), &metadata),
        (format!("{info}/WHEEL"), wheel),
    ];
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let mut record = String::new();
    for (path, text) in &parts {
        writer.start_file(path.as_str(), options)?;
        writer.write_all(text.as_bytes())?;
        record += &format!("{path},sha256={},{}\n", base64(&Sha256::digest(text.as_bytes())), text.len());
    }
    record += &format!("{info}/RECORD,,\n");
    writer.start_file(format!("{info}/RECORD"), options)?;
    writer.write_all(record.as_bytes())?;
    let bytes = writer.finish()?.into_inner();
    corpus.put(&corpus.file(&file), &bytes)?;
    corpus.put(&corpus.file(&format!("{file}.metadata")), metadata.as_bytes())?;
    page(corpus, &name, vec![entry(&file, &hash(&bytes), bytes.len(), &hash(metadata.as_bytes()))])
}

fn metadata(name: &str, version: &str, needs: &[String]) -> String {
    let needs: String = needs.iter().map(|need| format!("Requires-Dist: {need}\n")).collect();
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
}

fn entry(file: &str, sha256: &str, size: usize, metadata: &str) -> Value {
    json!({
        "filename": file, "url": format!("/files/{file}"), "hashes": {"sha256": sha256}, "size": size,
        "upload-time": "2025-01-01T00:00:00.000000Z", "yanked": false, "core-metadata": {"sha256": metadata},
    })
}

fn page(corpus: &Corpus, name: &str, files: Vec<Value>) -> Result<()> {
    let page = json!({"meta": {"api-version": "1.1"}, "name": name, "files": files});
    corpus.put(&corpus.page_path(name), &serde_json::to_vec(&page)?)
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RECORD's alphabet, without padding (RFC 4648, section 5).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let three = [group[0], group.get(1).copied().unwrap_or(0), group.get(2).copied().unwrap_or(0)];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for at in 0..=group.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_record() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(base64(bytes), expected);
        check(b"", "");
        check(b"\xfb", "-w");
        check(b"\xff\xff", "__8");
        check(b"abc", "YWJj");
    }

    #[test]
    fn a_graph_reaches_all_of_its_nodes() {
        let mut reached = std::collections::BTreeSet::from([graph_root(30)]);
        for number in 0..30 {
            assert!(reached.contains(&node(30, number)), "{number}");
            reached.extend(needs(30, number).iter().map(|need| need.split('>').next().unwrap().to_owned()));
        }
    }
}
