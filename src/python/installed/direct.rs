//! direct_url.json (PEP 610, "Recording the Direct URL Origin of installed distributions").
//!
//! Owns: reading it, and telling it as a requirement. Never: asks the address.

use serde_json::{Map, Value, json};

/// Where a distribution came from that did not come from an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The address.
    pub url: String,
    /// What stands there.
    pub kind: OriginKind,
    /// The directory within an archive or repository.
    pub subdirectory: Option<String>,
}

/// What stands at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginKind {
    /// An archive, with its hashes in the order of the file.
    Archive(Vec<(String, String)>),
    /// A local directory.
    Directory {
        /// Whether the distribution is the directory itself.
        editable: bool,
    },
    /// A repository.
    Vcs {
        /// `git`, `hg`, …
        vcs: String,
        /// The commit.
        commit: String,
        /// What was asked for: a branch or a tag.
        requested: Option<String>,
    },
}

impl Origin {
    /// Reads direct_url.json.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let object = value.as_object().ok_or("it is no object")?;
        let url = string(object, "url").ok_or("it has no `url`")?;
        let kinds = [
            object.get("archive_info").and_then(Value::as_object).map(archive),
            object.get("dir_info").and_then(Value::as_object).map(|info| OriginKind::Directory {
                editable: info.get("editable").and_then(Value::as_bool).unwrap_or(false),
            }),
            object.get("vcs_info").and_then(Value::as_object).and_then(|info| {
                Some(OriginKind::Vcs {
                    vcs: string(info, "vcs")?,
                    commit: string(info, "commit_id")?,
                    requested: string(info, "requested_revision"),
                })
            }),
        ];
        let mut kinds = kinds.into_iter().flatten();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Ok(Self { url, kind, subdirectory: string(object, "subdirectory") }),
            _ => Err("it must have one of `archive_info`, `dir_info` and `vcs_info`".to_owned()),
        }
    }

    /// Whether the distribution is a directory of its own that is worked on.
    pub fn is_editable(&self) -> bool {
        self.kind == OriginKind::Directory { editable: true }
    }

    /// `name @ address#sha256=…` (PEP 440, "Direct references").
    pub fn requirement(&self, name: &str) -> String {
        let mut fragments = Vec::new();
        let address = match &self.kind {
            OriginKind::Archive(hashes) => {
                fragments.extend(hashes.first().map(|(algorithm, hex)| format!("{algorithm}={hex}")));
                self.url.clone()
            }
            OriginKind::Directory { .. } => self.url.clone(),
            OriginKind::Vcs { vcs, commit, .. } => format!("{vcs}+{}@{commit}", self.url),
        };
        fragments.extend(self.subdirectory.iter().map(|directory| format!("subdirectory={directory}")));
        let mark = if fragments.is_empty() { "" } else { "#" };
        format!("{name} @ {address}{mark}{}", fragments.join("&"))
    }

    /// As the installation report and `inspect` tell it.
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("url".into(), self.url.as_str().into());
        if let Some(directory) = &self.subdirectory {
            object.insert("subdirectory".into(), directory.as_str().into());
        }
        let (key, info) = match &self.kind {
            OriginKind::Archive(hashes) => {
                let mut info = Map::new();
                if let Some((algorithm, hex)) = hashes.first() {
                    info.insert("hash".into(), format!("{algorithm}={hex}").into());
                    let all = hashes.iter().map(|(name, hex)| (name.clone(), Value::from(hex.as_str())));
                    info.insert("hashes".into(), all.collect::<Map<_, _>>().into());
                }
                ("archive_info", Value::Object(info))
            }
            OriginKind::Directory { editable: true } => ("dir_info", json!({ "editable": true })),
            OriginKind::Directory { editable: false } => ("dir_info", json!({})),
            OriginKind::Vcs { vcs, commit, requested } => {
                let mut info = json!({ "vcs": vcs, "commit_id": commit });
                if let (Some(requested), Some(object)) = (requested, info.as_object_mut()) {
                    object.insert("requested_revision".into(), requested.as_str().into());
                }
                ("vcs_info", info)
            }
        };
        object.insert(key.into(), info);
        Value::Object(object)
    }
}

fn string(object: &Map<String, Value>, key: &str) -> Option<String> {
    object.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// `hashes`, or `hash` of older files.
fn archive(info: &Map<String, Value>) -> OriginKind {
    let pair = |(name, hex): (&String, &Value)| Some((name.clone(), hex.as_str()?.to_owned()));
    let mut hashes: Vec<(String, String)> =
        info.get("hashes").and_then(Value::as_object).into_iter().flatten().filter_map(pair).collect();
    if hashes.is_empty() {
        let legacy = string(info, "hash");
        hashes.extend(
            legacy
                .as_deref()
                .and_then(|text| text.split_once('='))
                .map(|(name, hex)| (name.to_owned(), hex.to_owned())),
        );
    }
    OriginKind::Archive(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_told_as_a_requirement() {
        let check = |text: &str, expected: Result<&str, ()>| {
            let found = Origin::parse(text).map(|origin| origin.requirement("x")).map_err(drop);
            assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text).map_err(|()| &()), "{text}");
        };
        check(
            r#"{"url": "https://e/x.whl", "archive_info": {"hash": "sha256=ab"}}"#,
            Ok("x @ https://e/x.whl#sha256=ab"),
        );
        check(
            r#"{"url": "https://e/r", "vcs_info": {"vcs": "git", "commit_id": "c1"}, "subdirectory": "s"}"#,
            Ok("x @ git+https://e/r@c1#subdirectory=s"),
        );
        check(r#"{"url": "file:///x", "dir_info": {}}"#, Ok("x @ file:///x"));
        check(r#"{"url": "file:///x"}"#, Err(()));
        check(r#"{"url": "file:///x", "dir_info": {}, "archive_info": {}}"#, Err(()));
        check("[]", Err(()));
    }
}
