//! The frozen folder: `pages/NAME.json`, and files flat by their names, which are unique on an index.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A folder of index pages, metadata and wheels.
#[derive(Debug, Clone)]
pub struct Corpus {
    directory: PathBuf,
}

impl Corpus {
    /// The corpus in a folder, which is made.
    pub fn at(directory: PathBuf) -> Result<Self> {
        for part in ["pages", "files"] {
            std::fs::create_dir_all(directory.join(part))?;
        }
        Ok(Self { directory })
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// How many pages and files there are.
    pub fn count(&self) -> Result<usize> {
        let count = |part: &str| Ok(std::fs::read_dir(self.directory.join(part))?.count());
        count("pages").and_then(|pages| Ok(pages + count("files")?))
    }

    /// Where a wheel or a metadata file lies.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join("files").join(name)
    }

    /// Where the page of a project lies.
    pub fn page_path(&self, name: &str) -> PathBuf {
        self.directory.join("pages").join(format!("{name}.json"))
    }

    /// A page as it is served at `origin`. A bare one names no metadata files.
    pub fn page(&self, name: &str, bare: bool, origin: &str) -> Result<Vec<u8>> {
        let text = std::fs::read_to_string(self.page_path(name))?;
        let text = text.replace("\"url\":\"/files/", &format!("\"url\":\"{origin}/files/"));
        if !bare {
            return Ok(text.into_bytes());
        }
        let mut page: Value = serde_json::from_str(&text)?;
        for file in page["files"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            file.remove("core-metadata");
            file.remove("data-dist-info-metadata");
        }
        Ok(serde_json::to_vec(&page)?)
    }

    /// Puts a file there, whole or not at all.
    pub fn put(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.persist(path).with_context(|| format!("writing {}", path.display()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_page_names_no_metadata() {
        let place = tempfile::tempdir().unwrap();
        let corpus = Corpus::at(place.path().to_owned()).unwrap();
        let page =
            r#"{"files":[{"url":"/files/a-1-py3-none-any.whl","core-metadata":{"sha256":"0"}}],"name":"a"}"#;
        corpus.put(&corpus.page_path("a"), page.as_bytes()).unwrap();
        assert_eq!(corpus.page("a", false, "").unwrap(), page.as_bytes());
        let bare = String::from_utf8(corpus.page("a", true, "http://x").unwrap()).unwrap();
        assert!(bare.contains("http://x/files/a-1-py3-none-any.whl") && !bare.contains("metadata"), "{bare}");
        assert!(corpus.page("b", false, "").is_err());
    }
}
