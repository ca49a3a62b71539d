//! What setuptools' `develop` left of an editable installation: an `.egg-link`, a line of `easy-install.pth`, and scripts.
//!
//! Owns: which files of the environment these are, and `easy-install.pth` without that line. Never: follows the link to
//! take anything out where it leads, or changes a file where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::places::Places;
use super::tree::read_file;
use super::uninstall::{normalize, open};
use crate::error::{Problem, io};
use crate::wheel::entry_points::EntryPoints;

/// The largest of these files that is read, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// The most entries of a project that are looked at.
const MAX_ENTRIES: usize = 1 << 16;

/// The files that go with a link: itself, and the scripts that its project names.
pub(super) fn paths(places: &Places, link: &Path) -> Vec<PathBuf> {
    let mut found = vec![link.to_owned()];
    let Some(project) = target(places, link) else { return found };
    let name = link.file_stem().map(|stem| normalize(&stem.to_string_lossy())).unwrap_or_default();
    let entries = project.read_dir().into_iter().flatten().take(MAX_ENTRIES).flatten();
    let infos = entries.filter(|entry| {
        let file = entry.file_name().to_string_lossy().into_owned();
        file.strip_suffix(".egg-info").is_some_and(|stem| normalize(stem) == name)
    });
    for info in infos {
        let text = text(&info.path().join("entry_points.txt")).unwrap_or_default();
        let Ok(points) = EntryPoints::parse(&text) else { continue };
        // A name is one of a file: the parser takes no other.
        found.extend(points.scripts.iter().map(|script| places.script(&script.name)));
    }
    found
}

/// `easy-install.pth` beside a link, without the line that the link is about; from `edited`, where another link was left
/// out of it already. Nothing where no line is about it.
pub(super) fn without(
    places: &Places,
    link: &Path,
    edited: &BTreeMap<PathBuf, Vec<u8>>,
) -> Option<(PathBuf, Vec<u8>)> {
    let site = link.parent()?;
    let list = site.join("easy-install.pth");
    let before = match edited.get(&list) {
        Some(text) => text.clone(),
        None => text(&places.real().join(&list))?,
    };
    let project = target(places, link)?;
    let (mut after, mut is_about_it) = (Vec::new(), false);
    for line in before.split_inclusive(|byte| *byte == b'\n') {
        let path = String::from_utf8_lossy(line);
        if resolved(&places.real().join(site).join(path.trim_end())) == project && !path.trim().is_empty() {
            is_about_it = true;
        } else {
            after.extend_from_slice(line);
        }
    }
    if after.last().is_some_and(|last| *last != b'\n') {
        after.push(b'\n');
    }
    is_about_it.then_some((list, after))
}

/// Writes the other contents of files that stay into the stage at `target`, with their modes, and has them moved.
///
/// # Errors
/// Those of the file system.
pub(super) fn stage(
    places: &Places,
    target: &Path,
    edited: BTreeMap<PathBuf, Vec<u8>>,
    out: &mut BTreeSet<PathBuf>,
    into: &mut Vec<PathBuf>,
) -> Result<(), Problem> {
    for (path, content) in edited {
        // A wheel that brings a file of that name has the last word.
        if out.contains(&path) || into.contains(&path) {
            continue;
        }
        let at = target.join(&path);
        let write = || {
            std::fs::create_dir_all(at.parent().unwrap_or(&at))?;
            let mode = places.real().join(&path).symlink_metadata()?.permissions();
            let mut file = File::create_new(&at)?;
            file.write_all(&content)?;
            file.set_permissions(mode)
        };
        write().map_err(|error| io("writing a file", &at, &error))?;
        out.insert(path.clone());
        into.push(path);
    }
    Ok(())
}

/// The directory that a link leads to: its first line.
fn target(places: &Places, link: &Path) -> Option<PathBuf> {
    let at = places.real().join(link);
    let text = text(&at)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(resolved(&at.parent()?.join(line)))
}

fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.components().collect())
}

fn text(path: &Path) -> Option<Vec<u8>> {
    open(path).and_then(|file| read_file(file, MAX_TEXT)).ok().flatten()
}
