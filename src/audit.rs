//! What a wheel can do once it is installed, as far as its files tell, for people who review a change of a lock.
//!
//! Pure. Never: runs, imports or compiles anything, and never decides what may be installed.

mod imports;

use std::collections::BTreeSet;
use std::path::Path;

use crate::digest::Sha256;
use crate::error::Problem;
use crate::wheel::archive::Entry;
use crate::wheel::{Wheel, startup};

/// The most that is read of one module for its imports, in bytes.
const MAX_MODULE: u64 = 4 << 20;
/// A wheel that grew by more than this factor, and by more than [`JUMP_BYTES`], grew suddenly.
const JUMP: u64 = 2;
const JUMP_BYTES: u64 = 256 << 10;

/// What a wheel brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Shared objects and programs in machine code, without what their names say of Python and platform.
    pub native: BTreeSet<String>,
    /// Files that Python runs by itself when it starts, each with the digest of its content.
    pub startup: BTreeSet<(String, Sha256)>,
    /// Programs that land on the PATH.
    pub scripts: BTreeSet<String>,
    /// Entry points of other groups, `group: name`: code that other programs load when they find it.
    pub entry_points: BTreeSet<String>,
    /// What can be imported by its first name.
    pub imports: BTreeSet<String>,
    /// Modules it imports that speak to the network.
    pub network: BTreeSet<String>,
    /// Modules it imports, or functions it calls, that start processes.
    pub processes: BTreeSet<String>,
    /// Modules it imports that call machine code.
    pub machine: BTreeSet<String>,
    /// Modules and scripts that were not looked through, and why.
    pub unread: BTreeSet<String>,
    /// The size of all its files, in bytes.
    pub size: u64,
    /// How many files it has.
    pub files: u64,
}

/// One thing that a wheel can do and the one before it could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gain {
    /// What kind of thing.
    pub what: &'static str,
    /// Which.
    pub which: String,
    /// Whether it runs by itself, without anybody importing it.
    pub is_alarm: bool,
}

impl Capabilities {
    /// Looks through a wheel.
    ///
    /// # Errors
    /// Those of its content.
    pub fn of(wheel: &Wheel) -> Result<Self, Problem> {
        let mut found = Self::default();
        let dist_info = format!("{}/", wheel.dist_info());
        let data = dist_info.replace(".dist-info/", ".data/");
        for entry in wheel.entries() {
            let path = entry.path().as_str();
            found.size = found.size.saturating_add(entry.size());
            found.files = found.files.saturating_add(1);
            if path.starts_with(&dist_info) {
                continue;
            }
            let installed = match path.strip_prefix(&data) {
                Some(rest) => match rest.split_once('/') {
                    Some(("scripts", name)) => {
                        found.scripts.insert(name.to_owned());
                        found.look_through(wheel, entry, name, true)?;
                        continue;
                    }
                    Some(("purelib" | "platlib", inner)) => inner,
                    _ => continue,
                },
                None => path,
            };
            found.name(installed);
            if startup::Kind::of(Path::new(installed)).is_some() {
                found.startup.insert((installed.to_owned(), wheel.digest(entry)?));
            }
            found.look_through(wheel, entry, installed, false)?;
        }
        found.scripts.extend(wheel.entry_points().scripts.iter().map(|script| script.name.clone()));
        if let Some(entry) = wheel.entry(&format!("{dist_info}entry_points.txt")) {
            found.entry_points = groups(&String::from_utf8_lossy(&wheel.content(entry)?));
        }
        Ok(found)
    }

    /// Takes note of what a path says: a name to import, machine code.
    fn name(&mut self, path: &str) {
        let first = path.split('/').next().unwrap_or(path);
        let is_file = first == path;
        let stem = first.split('.').next().unwrap_or(first);
        let extension = path.rsplit('/').next().and_then(|last| last.rsplit_once('.')).map(|(_, end)| end);
        let is_code = extension.is_some_and(|end| matches!(end, "py" | "pyi" | "so" | "pyd" | "pyc"));
        if is_code && stem.chars().all(|c| c.is_alphanumeric() || c == '_') && !(is_file && stem.is_empty()) {
            self.imports.insert(stem.to_owned());
        }
        let folder = path.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or(path);
        let end = match extension {
            Some(end @ ("so" | "pyd" | "dll" | "dylib" | "exe")) => end,
            _ if last.contains(".so.") => "so",
            _ => return,
        };
        self.native.insert(format!("{folder}{}.{end}", last.split(['.', '-']).next().unwrap_or(last)));
    }

    /// Scans a module, or a script whose first line names Python; takes note of what cannot be.
    fn look_through(
        &mut self,
        wheel: &Wheel,
        entry: &Entry,
        path: &str,
        is_script: bool,
    ) -> Result<(), Problem> {
        let lower = path.to_ascii_lowercase();
        let is_module = lower.ends_with(".py") || lower.ends_with(".pyw");
        if lower.ends_with(".pyc") {
            self.unread.insert(format!("{path} (compiled)"));
        } else if (is_module || is_script) && entry.size() > MAX_MODULE {
            self.unread.insert(format!("{path} (too large to be read)"));
        } else if is_module || is_script {
            let content = wheel.content(entry)?;
            if is_module || is_python(&content) {
                self.scan(&content);
            }
        }
        Ok(())
    }

    fn scan(&mut self, source: &[u8]) {
        for module in imports::of(&String::from_utf8_lossy(source)) {
            self.network.extend(imports::network(&module).map(str::to_owned));
            self.processes.extend(imports::process(&module).map(str::to_owned));
            self.machine.extend(imports::machine(&module).map(str::to_owned));
        }
    }

    /// What this one can do and `before` could not, what runs by itself first.
    pub fn gains(&self, before: &Self) -> Vec<Gain> {
        let mut gains = Vec::new();
        for (path, digest) in self.startup.difference(&before.startup) {
            let known = before.startup.iter().any(|(old, _)| old == path);
            let what = if known { "changed start-up code" } else { "start-up code" };
            let which = format!("{path} (sha256:{digest})");
            gains.push(Gain { what, which, is_alarm: true });
        }
        let mut add = |what, new: &BTreeSet<String>, old: &BTreeSet<String>| {
            let come = new.difference(old).cloned();
            gains.extend(come.map(|which| Gain { what, which, is_alarm: false }));
        };
        add("native code", &self.native, &before.native);
        add("program", &self.scripts, &before.scripts);
        add("entry point", &self.entry_points, &before.entry_points);
        add("import name", &self.imports, &before.imports);
        add("network import", &self.network, &before.network);
        add("process-starting import", &self.processes, &before.processes);
        add("machine-code import", &self.machine, &before.machine);
        add("code that was not looked through", &self.unread, &before.unread);
        let (old, new) = (before.size, self.size);
        if new > old.saturating_mul(JUMP) && new.saturating_sub(old) > JUMP_BYTES && old > 0 {
            gains.push(Gain { what: "size", which: format!("{old} to {new} bytes"), is_alarm: false });
        }
        gains
    }
}

/// Whether the first line of a script names Python.
fn is_python(script: &[u8]) -> bool {
    let first = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first.starts_with(b"#!") && String::from_utf8_lossy(first).to_lowercase().contains("py")
}

/// `group: name` for every entry point but those of scripts.
fn groups(text: &str) -> BTreeSet<String> {
    let mut group = "";
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            group = name.trim();
        } else if let Some((name, _)) = line.split_once('=')
            && !line.starts_with(['#', ';'])
            && !matches!(group, "console_scripts" | "gui_scripts")
        {
            found.insert(format!("{group}: {}", name.trim()));
        }
    }
    found
}

#[cfg(test)]
mod tests;
