//! What a lock says of its own making: the environments, the inputs and the options.
//!
//! Pure. `--check` compares it with what the standing lock says, and asks no index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pipward_resolver::{ExtraName, ForkStrategy, MarkerTree, Prereleases, Strategy};

use super::kept::{AGES, SAID};
use super::{LockRequest, Range, standing};
use crate::config::Optional;
use crate::lock::{Lock, LockMarker, ToolTable};
use crate::requirements::FileRequirement;

impl LockRequest {
    /// The lock without its packages: all that its inputs say.
    pub(super) fn frame(&self) -> Lock {
        let (environments, requires_python) = self.range.of_lock();
        let names = |group: bool| -> Vec<ExtraName> {
            let name = |optional: &Optional| match optional {
                Optional::Extra(name) if !group => Some(name.clone()),
                Optional::Group(name) if group => Some(name.clone()),
                _ => None,
            };
            self.inputs.optional.iter().filter_map(name).collect()
        };
        Lock {
            file: self.file.clone(),
            environments,
            requires_python,
            extras: names(false),
            dependency_groups: names(true),
            tool: Some(self.tool_table()),
            ..Lock::default()
        }
    }

    /// The options that shape a resolution, where they are not the defaults.
    pub(super) fn options(&self) -> BTreeMap<String, String> {
        let strategy = match self.strategy {
            Strategy::Highest => None,
            Strategy::Lowest => Some("lowest"),
            Strategy::LowestDirect => Some("lowest-direct"),
        };
        let mut options = BTreeMap::new();
        let mut set = |name: &str, value: String| options.insert(name.to_owned(), value);
        if let Some(strategy) = strategy {
            set("resolution", strategy.to_owned());
        }
        if self.prereleases == Prereleases::Allow {
            set("pre", "true".to_owned());
        }
        if !self.prerelease_projects.is_empty() {
            set("prereleases", joined(&self.prerelease_projects, ", "));
        }
        if self.fork_strategy == ForkStrategy::Fewest {
            set("fork-strategy", "fewest".to_owned());
        }
        for (name, value) in standing::selected(&self.inputs.select, |file| from_lock(file, &self.file)) {
            set(name, value);
        }
        let (overrides, excludes) = &self.inputs.given;
        let overrides = overrides.iter().map(|file| from_lock(&file.to_string_lossy(), &self.file));
        for (name, value) in
            [(standing::OVERRIDE, joined(overrides, ", ")), (standing::EXCLUDE, joined(excludes, ", "))]
        {
            if !value.is_empty() {
                set(name, value);
            }
        }
        match (self.cutoffs().said, self.told_ages()) {
            (Some(said), _) => drop(set(SAID, said)),
            (None, Some(ages)) => drop(set(AGES, ages)),
            (None, None) => {}
        }
        match &self.range {
            Range::One(_) => drop(set("universal", "false".to_owned())),
            Range::Universal(universal) => {
                let texts: Vec<&str> = universal.required.iter().map(|marker| marker.text.as_str()).collect();
                if !texts.is_empty() {
                    set("required-environments", texts.join(" | "));
                }
            }
        }
        let conflict = |set: &Vec<Optional>| joined(set.iter().map(Optional::variable), " x ");
        if !self.inputs.conflicts.is_empty() {
            set("conflicts", joined(self.inputs.conflicts.iter().map(conflict), ", "));
        }
        options
    }

    fn tool_table(&self) -> ToolTable {
        let file = |requirement: &FileRequirement| from_lock(&requirement.place.file, &self.file);
        let roots = self.inputs.roots.iter().map(|root| (told(root), file(root)));
        let bounds = self.inputs.constraints.iter().map(|bound| (told(bound), format!("-c {}", file(bound))));
        // A file that two others include is read twice.
        let mut seen = BTreeSet::new();
        let inputs = roots.chain(bounds).filter(|input| seen.insert(input.clone())).collect();
        let cutoffs = self.cutoffs();
        ToolTable {
            inputs,
            options: self.options(),
            cutoff: Some(cutoffs.main),
            cutoffs: BTreeMap::new(),
            overrides: self.inputs.overrides.iter().map(told).collect(),
            excludes: self.inputs.excludes.iter().map(ToString::to_string).collect(),
            fingerprint: None,
        }
    }
}

/// A requirement in its usual words, with the sets of a lock in its marker and its hashes.
fn told(read: &FileRequirement) -> String {
    let mut requirement = read.requirement.clone();
    let marker = std::mem::replace(&mut requirement.marker, MarkerTree::TRUE);
    let mut text = requirement.to_string();
    if let Some(marker) = LockMarker::of_input(&marker) {
        text.push_str(&format!(" ; {}", marker.text));
    }
    for digest in &read.hashes {
        text.push_str(&format!(" --hash={}:{}", digest.algorithm(), digest.hex()));
    }
    text
}

fn joined<T: ToString>(items: impl IntoIterator<Item = T>, between: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(between)
}

/// A file as seen from the lock's directory, so that a lock says the same wherever its project lies and from wherever it
/// is made.
fn from_lock(file: &str, lock: &Path) -> String {
    if file == "command line" {
        return file.to_owned();
    }
    let (file, lock) = (plain(Path::new(file)), plain(lock));
    let base: Vec<Component<'_>> = lock.parent().map(|it| it.components().collect()).unwrap_or_default();
    let parts: Vec<Component<'_>> = file.components().collect();
    let shared = base.iter().zip(&parts).take_while(|(a, b)| a == b).count();
    let up = base.iter().skip(shared).map(|_| "..".into());
    let down = parts.iter().skip(shared).map(|part| part.as_os_str().to_string_lossy());
    joined(up.chain(down), "/")
}

/// The absolute path without `.` and `..`, by its words alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_seen_from_the_lock() {
        for (file, lock, expected) in [
            ("a.in", "pylock.toml", "a.in"),
            ("./a.in", "pylock.toml", "a.in"),
            ("/p/x/a.in", "/p/x/pylock.toml", "a.in"),
            ("/p/x/../y/a.in", "/p/x/pylock.toml", "../y/a.in"),
            ("/p/a.in", "/p/x/y/pylock.toml", "../../a.in"),
            ("command line", "/p/pylock.toml", "command line"),
        ] {
            assert_eq!(from_lock(file, Path::new(lock)), expected, "{file} from {lock}");
        }
    }
}
