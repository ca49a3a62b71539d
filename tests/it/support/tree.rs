//! What stands in a directory, to be compared.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A file, a link or a directory, with what must not differ.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    Directory { mode: u32 },
    Link { to: String },
    File { mode: u32, content: Vec<u8> },
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory { mode } => write!(f, "directory {mode:o}"),
            Self::Link { to } => write!(f, "link to {to}"),
            Self::File { mode, content } => {
                let digest = pipward::digest::Sha256::of(content).to_string();
                write!(f, "file {mode:o}, {} bytes, sha256 {}…", content.len(), &digest[..12])
            }
        }
    }
}

/// A directory's content by relative path.
pub type Tree = BTreeMap<String, Node>;

/// Reads all of `root`. A root that is not there is an empty tree.
pub fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    walk(root, root, &mut found);
    found
}

fn walk(root: &Path, directory: &Path, found: &mut Tree) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        let node = if metadata.is_symlink() {
            Node::Link { to: std::fs::read_link(&path).unwrap().display().to_string() }
        } else if metadata.is_dir() {
            walk(root, &path, found);
            Node::Directory { mode }
        } else {
            Node::File { mode, content: std::fs::read(&path).unwrap() }
        };
        found.insert(path.strip_prefix(root).unwrap().display().to_string(), node);
    }
}

/// Each path at which two trees differ, a line each.
pub fn differences(left: &Tree, right: &Tree) -> Vec<String> {
    let mut told = Vec::new();
    for (path, node) in left {
        match right.get(path) {
            None => told.push(format!("{path}: only left: {node:?}")),
            Some(other) if other != node => told.push(format!("{path}: left {node:?}, right {other:?}")),
            Some(_) => {}
        }
    }
    let only_right = right.iter().filter(|(path, _)| !left.contains_key(*path));
    told.extend(only_right.map(|(path, node)| format!("{path}: only right: {node:?}")));
    told
}

#[track_caller]
pub fn assert_same(left: &Tree, right: &Tree) {
    let differences = differences(left, right);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
