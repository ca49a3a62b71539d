//! pip's own configuration: its files, their sections, and the variables `PIP_…` (pip's "Configuration" page).
//!
//! Owns: which files there are, and which value wins. Never: judges a value; whoever takes one does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::ValueOrigin;
use crate::error::{Code, Place, Problem};

/// Variables that have the form of options and are none.
const NO_OPTIONS: [&str; 3] = ["config-file", "version", "help"];

/// Which of pip's files one is. Later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// For the whole machine.
    Global,
    /// For this user.
    User,
    /// For one environment.
    Site,
    /// The one that `PIP_CONFIG_FILE` names.
    Named,
}

/// What pip's files and variables say, unlayered.
#[derive(Debug, Clone, Default)]
pub struct PipConfig {
    /// By section, then by option.
    sections: BTreeMap<String, BTreeMap<String, (String, ValueOrigin)>>,
    variables: BTreeMap<String, (String, ValueOrigin)>,
}

/// pip's files in the order in which later ones win, whether they are there or not. `site` is the prefix of the
/// environment that pip would run in; `isolated` leaves the user's own out.
pub fn files(
    variable: &dyn Fn(&str) -> Option<String>,
    site: Option<&Path>,
    isolated: bool,
) -> Vec<(FileKind, PathBuf)> {
    let named = variable("PIP_CONFIG_FILE").filter(|_| !isolated);
    // "PIP_CONFIG_FILE=os.devnull: no configuration file at all."
    if named.as_deref() == Some("/dev/null") {
        return Vec::new();
    }
    let home = variable("HOME").map(PathBuf::from);
    let everywhere = variable("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".to_owned());
    let mut files: Vec<(FileKind, PathBuf)> = everywhere
        .split(':')
        .map(|directory| (FileKind::Global, Path::new(directory).join("pip/pip.conf")))
        .collect();
    files.push((FileKind::Global, "/etc/pip.conf".into()));
    if !isolated && named.as_deref().is_none_or(|path| !Path::new(path).exists()) {
        files.extend(home.as_ref().map(|home| (FileKind::User, home.join(".pip/pip.conf"))));
        let user = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let user = user.or_else(|| home.map(|home| home.join(".config")));
        files.extend(user.map(|base| (FileKind::User, base.join("pip/pip.conf"))));
    }
    files.extend(site.map(|prefix| (FileKind::Site, prefix.join("pip.conf"))));
    files.extend(named.map(|path| (FileKind::Named, PathBuf::from(path))));
    files
}

impl PipConfig {
    /// Reads `files`, and of `variables` those that begin with `PIP_`.
    ///
    /// # Errors
    /// `requirement-syntax` for a file that cannot be read as one.
    pub fn read<'v>(
        files: &[(FileKind, PathBuf)],
        variables: impl Iterator<Item = (&'v String, &'v String)>,
    ) -> Result<Self, Problem> {
        let mut config = Self::default();
        for (_, path) in files {
            config.take_file(path)?;
        }
        for (name, value) in variables {
            let Some(option) = name.strip_prefix("PIP_").map(option_name) else { continue };
            if !value.is_empty() && !NO_OPTIONS.contains(&option.as_str()) {
                let origin = ValueOrigin::Variable(name.clone());
                config.variables.insert(option, (value.clone(), origin));
            }
        }
        Ok(config)
    }

    fn take_file(&mut self, path: &Path) -> Result<(), Problem> {
        let invalid = |what: &str, line: Option<usize>| {
            let line = line.and_then(|at| u32::try_from(at).ok()?.checked_add(1));
            Problem::new(Code::RequirementSyntax, "a configuration file of pip cannot be read")
                .at(line.map_or_else(|| Place::file(path), |line| Place::line(path, line)))
                .cause(what)
                .help("mend the file, or set PIP_CONFIG_FILE=/dev/null to use no such file")
        };
        // One that is not there, or may not be read, is passed over, as by pip.
        let Ok(bytes) = fs_err::read(path) else { return Ok(()) };
        let text = String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8", None))?;
        let options = ini::ParseOption {
            enabled_escape: false,
            enabled_quote: false,
            enabled_indented_mutiline_value: true,
            ..ini::ParseOption::default()
        };
        let parsed = ini::Ini::load_from_str_opt(&text, options)
            .map_err(|error| invalid(&error.msg, Some(error.line)))?;
        for (section, values) in &parsed {
            let Some(section) = section else {
                if values.is_empty() {
                    continue;
                }
                return Err(invalid("an option stands before any section", None));
            };
            let mut keys = BTreeSet::new();
            if let Some((twice, _)) = values.iter().find(|(key, _)| !keys.insert(option_name(key))) {
                return Err(invalid(&format!("`{twice}` stands twice in [{section}]"), None));
            }
            let known = self.sections.entry(section.trim().to_owned()).or_default();
            for (key, value) in values {
                // "Empty values are dropped."
                if !value.trim().is_empty() {
                    let origin = ValueOrigin::File(path.to_owned());
                    known.insert(option_name(key), (value.trim().to_owned(), origin));
                }
            }
        }
        Ok(())
    }

    /// What counts for one command, by option: `[global]` of all files, then the command's own section of all files,
    /// then their `[:env:]`, and variables.
    pub fn for_command(&self, command: &str) -> BTreeMap<String, (String, ValueOrigin)> {
        let mut all = BTreeMap::new();
        for section in ["global", command, ":env:"].into_iter().filter_map(|name| self.sections.get(name)) {
            all.extend(section.clone());
        }
        all.extend(self.variables.clone());
        all
    }
}

/// The long option that a key or the rest of a variable stands for.
fn option_name(key: &str) -> String {
    let key = key.trim().to_ascii_lowercase().replace('_', "-");
    key.trim_start_matches("--").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_count_before_files() {
        let scratch = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = scratch.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = [
            (FileKind::Global, write("a", "[install]\nindex_url = a\n[global]\ntimeout = 1\n")),
            (
                FileKind::User,
                write("b", "[global]\nindex-url = b\ntimeout = 2\nretries =\n[:env:]\npre = 1\n"),
            ),
        ];
        let variables: BTreeMap<String, String> =
            [("PIP_TIMEOUT", ""), ("PIP_NO_INDEX", "1"), ("PIP_CONFIG_FILE", "x"), ("HOME", "/")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        let config = PipConfig::read(&files, variables.iter()).unwrap();
        let check = |command: &str, expected: &[(&str, &str)]| {
            let found = config.for_command(command);
            let found: Vec<_> =
                found.iter().map(|(name, (value, _))| (name.as_str(), value.as_str())).collect();
            assert_eq!(found, expected, "{command}");
        };
        check("install", &[("index-url", "a"), ("no-index", "1"), ("pre", "1"), ("timeout", "2")]);
        check("list", &[("index-url", "b"), ("no-index", "1"), ("pre", "1"), ("timeout", "2")]);
    }
}
