//! Where a distribution came from, in the form of PEP 610.
//!
//! Pure.

use crate::digest::Sha256;
use crate::lock::{Location, LockedFile, LockedPackage};

/// Where a distribution came from that did not come from an index (PEP 610).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectUrl {
    url: String,
    /// The name by which its headers go, where the file was named and not the project.
    pub(super) unnamed: Option<String>,
}

impl DirectUrl {
    /// The address of a file that the user named itself: a requirement `name @ address`, or an `archive` of a lock.
    /// `None` for what an index or a lock's list of wheels leads to.
    pub fn of(package: &LockedPackage, file: &LockedFile) -> Option<Self> {
        let named = package.direct(file)?;
        let url = match &named.location {
            Location::Url(url) => url.to_string(),
            // Read again, so that `..` goes.
            Location::Path(path) => {
                url::Url::parse(url::Url::from_file_path(path).ok()?.as_str()).ok()?.to_string()
            }
        };
        let unnamed = package.spelled.is_none().then(|| package.name.to_string());
        Some(Self { url, unnamed })
    }

    /// The content of direct_url.json, as pip writes it.
    pub(super) fn json(&self, sha256: Sha256) -> Vec<u8> {
        let url = serde_json::Value::from(self.url.as_str());
        format!(
            "{{\"archive_info\": {{\"hash\": \"sha256={sha256}\", \"hashes\": {{\"sha256\": \"{sha256}\"}}}}, \
             \"url\": {url}}}"
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direct_url_is_written_as_pip_does() {
        let direct = DirectUrl { url: "https://example.org/a-1-py3-none-any.whl".into(), unnamed: None };
        let sha256 = Sha256::of(b"");
        let text = String::from_utf8(direct.json(sha256)).unwrap();
        assert_eq!(
            text,
            format!(
                r#"{{"archive_info": {{"hash": "sha256={sha256}", "hashes": {{"sha256": "{sha256}"}}}}, "url": "https://example.org/a-1-py3-none-any.whl"}}"#
            )
        );
    }
}
