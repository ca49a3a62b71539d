//! What is asked of single locks: `-r 'pylock.toml[extra]'`, `--group pylock.toml:name`.
//!
//! Pure. Never: opens a file.

use std::path::{Path, PathBuf};

use pipward_resolver::ExtraName;

use super::Wanted;
use crate::error::{Code, Place, Problem};
use crate::lock::Chosen;
use crate::lock::pylock::is_pylock_name;

/// Locks and requirements files, each once, with what is asked of it.
pub(super) type Files = Vec<(PathBuf, Chosen)>;

/// Files, and the groups of projects. A lock of which groups alone are named has no default ones.
pub(super) fn of(wanted: &Wanted, faults: &mut Vec<Problem>) -> (Files, Vec<(PathBuf, String)>) {
    let (mut files, mut projects): (Files, Vec<(PathBuf, String)>) = (Vec::new(), Vec::new());
    let typed = wanted.files.iter().map(|file| (file, None));
    for (file, group) in typed.chain(wanted.groups.iter().map(|(file, group)| (file, Some(group)))) {
        let (path, extras) = match parted(file) {
            Ok(parted) => parted,
            Err(problem) => {
                faults.push(problem);
                continue;
            }
        };
        if !is_pylock_name(&path) {
            match group {
                Some(group) => projects.push((file.clone(), group.clone())),
                None => files.push((file.clone(), Chosen::default())),
            }
            continue;
        }
        let at = files.iter().position(|(known, _)| is_same(known, &path)).unwrap_or_else(|| {
            files.push((path, Chosen { without_default_groups: true, ..Chosen::default() }));
            files.len() - 1
        });
        let Some((_, chosen)) = files.get_mut(at) else { continue };
        chosen.extras.extend(extras);
        match group.map(|group| name(group, file)) {
            Some(Ok(group)) => chosen.groups.push(group),
            Some(Err(problem)) => faults.push(problem),
            None => chosen.without_default_groups = false,
        }
    }
    (files, projects)
}

/// `pylock.toml[extra,other]`, taken apart. Other paths stay as they are.
fn parted(file: &Path) -> Result<(PathBuf, Vec<ExtraName>), Problem> {
    let text = file.to_str().and_then(|text| text.strip_suffix(']')).and_then(|text| text.rsplit_once('['));
    match text {
        Some((path, extras)) if is_pylock_name(Path::new(path)) && !extras.is_empty() => {
            let extras = extras.split(',').map(|extra| name(extra, Path::new(path)));
            Ok((PathBuf::from(path), extras.collect::<Result<_, _>>()?))
        }
        _ => Ok((file.to_owned(), Vec::new())),
    }
}

fn name(text: &str, file: &Path) -> Result<ExtraName, Problem> {
    let parsed = text.trim().parse().ok().filter(|_| !text.trim().is_empty());
    parsed.ok_or_else(|| {
        Problem::new(Code::Usage, "this is not the name of an extra or group")
            .at(Place::file(file))
            .found(text)
            .help("write pylock.toml[extra,other], or --group pylock.toml:name")
    })
}

fn is_same(one: &Path, other: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    one == other || absolute(one) == absolute(other)
}
