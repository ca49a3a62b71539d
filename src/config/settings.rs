//! pipward.toml, or `[tool.pipward]` of a pyproject.toml: what shapes a lock.
//!
//! Owns: the keys, and which file is the one. Never: takes a key that it does not know.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipward_resolver::{ExtraName, PackageName, VersionSpecifiers};

use super::indexes;
use super::limits::Limits;
use crate::advisory::{self, Rules};
use crate::document::{self, Item, Reading, Table};
use crate::error::{Code, Place, Problem, Problems};
use crate::index::{Ages, FileHost, IndexSource};
use crate::lock::LockMarker;
use crate::policy::{self, DatedPolicy, Policy};
use crate::requirements::{self, FileRequirement};

/// What a configuration file says of locks.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The file; none where there is none.
    pub file: Option<PathBuf>,
    /// `requires-python`, for a lock that is not made from a project.
    pub requires_python: Option<VersionSpecifiers>,
    /// `environments`: the lock is for these alone.
    pub environments: Vec<LockMarker>,
    /// `required-environments`: each finds a wheel of everything that it needs.
    pub required_environments: Vec<LockMarker>,
    /// `conflicts`: of each set at most one is asked for at a time.
    pub conflicts: Vec<Vec<Optional>>,
    /// `constraints`.
    pub constraints: Vec<FileRequirement>,
    /// `overrides`.
    pub overrides: Vec<FileRequirement>,
    /// `excludes`.
    pub excludes: Vec<PackageName>,
    /// `prereleases = "allow"`.
    pub prereleases: bool,
    /// `prereleases = ["name", …]`.
    pub prerelease_projects: Vec<PackageName>,
    /// `resolution`: `highest`, `lowest` or `lowest-direct`.
    pub resolution: Option<String>,
    /// `fork-strategy`: `requires-python` or `fewest`.
    pub fork_strategy: Option<String>,
    /// `uploaded-prior-to`.
    pub uploaded_prior_to: Option<String>,
    /// `index`.
    pub indexes: Vec<IndexSource>,
    /// `file-hosts`: hosts from which locked files of any index may come.
    pub file_hosts: Vec<FileHost>,
    /// `policy`.
    pub policy: Policy,
    /// How long new files wait, as `policy` says.
    ages: Ages,
    /// `audit`.
    pub audit: Rules,
    /// `limits`.
    pub limits: Limits,
    /// Where each key stands.
    places: BTreeMap<String, Place>,
}

/// What a project offers besides its dependencies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Optional {
    /// An extra.
    Extra(ExtraName),
    /// A dependency group.
    Group(ExtraName),
}

impl Optional {
    /// The extra that stands for it in the markers of a resolution.
    pub fn variable(&self) -> String {
        match self {
            Self::Extra(name) => format!("e-{name}"),
            Self::Group(name) => format!("g-{name}"),
        }
    }
}

/// The keys, with the names that uv has for some of them.
const KEYS: [&str; 19] = [
    "requires-python",
    "environments",
    "required-environments",
    "conflicts",
    "constraints",
    "constraint-dependencies",
    "overrides",
    "override-dependencies",
    "excludes",
    "exclude-dependencies",
    "prereleases",
    "resolution",
    "fork-strategy",
    "uploaded-prior-to",
    "index",
    "file-hosts",
    "policy",
    "audit",
    "limits",
];

impl Settings {
    /// Reads the nearest configuration from `directory` upwards: a pipward.toml, or a pyproject.toml that has
    /// `[tool.pipward]`.
    ///
    /// # Errors
    /// `config-invalid`, all faults at once.
    pub fn find(directory: &Path) -> Result<Self, Problems> {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        for directory in directory.ancestors() {
            let own = directory.join("pipward.toml");
            if own.is_file() {
                return Self::read(&own, &[]);
            }
            let project = directory.join("pyproject.toml");
            if project.is_file() {
                let settings = Self::read(&project, &["tool", "pipward"])?;
                if settings.file.is_some() {
                    return Ok(settings);
                }
            }
        }
        Ok(Self::default())
    }

    /// How long new files wait, with the exceptions that count.
    pub fn ages(&self, policy: &DatedPolicy) -> Ages {
        Ages { exempt: policy.excepted(Code::ReleaseAge), ..self.ages.clone() }
    }

    /// Where a setting stands, for a message about its value.
    pub fn place(&self, key: &str) -> Option<&Place> {
        self.places.get(key)
    }

    fn read(path: &Path, below: &[&str]) -> Result<Self, Problems> {
        let bytes = document::read_bytes(path, document::MAX_DOCUMENT, Code::ConfigInvalid)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Problem::new(Code::ConfigInvalid, "this file is not UTF-8").at(Place::file(path)))?;
        Self::parse(&text, path, below)
    }

    fn parse(text: &str, path: &Path, below: &[&str]) -> Result<Self, Problems> {
        let entries = document::parse(text, path, Code::ConfigInvalid)?;
        let reading = Reading::new(text, path, Code::ConfigInvalid);
        let root = Table::root(&reading, &entries);
        let mut settings = Self::default();
        match below {
            [tool, own] => {
                let tool = root.get(tool);
                let tool = tool.as_ref().filter(|item| item.value.is_table()).and_then(Item::table);
                let own = tool.as_ref().and_then(|tool| tool.get(own));
                if let Some(table) = own.as_ref().and_then(Item::table) {
                    settings.take(&table, path);
                }
            }
            _ => settings.take(&root, path),
        }
        let (problems, _) = reading.into_findings();
        Problems::unless_empty(settings, problems)
    }

    fn take(&mut self, table: &Table<'_, '_>, path: &Path) {
        self.file = Some(path.to_owned());
        for (key, item) in table.all() {
            self.places.insert(key.to_owned(), item.place());
            match key {
                "requires-python" => self.requires_python = item.parsed("specifiers such as >=3.10"),
                "environments" => self.environments = item.items().iter().filter_map(environment).collect(),
                "required-environments" => {
                    self.required_environments = item.items().iter().filter_map(environment).collect();
                }
                "conflicts" => self.conflicts = item.items().iter().map(conflict).collect(),
                "constraints" | "constraint-dependencies" => self.constraints.extend(listed(&item)),
                "overrides" | "override-dependencies" => self.overrides.extend(listed(&item)),
                "excludes" | "exclude-dependencies" => self.excludes.extend(names(&item)),
                "prereleases" if item.value.is_array() => self.prerelease_projects = names(&item),
                "prereleases" => {
                    self.prereleases = choice(&item, &["allow", "if-necessary"]) == Some("allow");
                }
                "resolution" => {
                    self.resolution =
                        choice(&item, &["highest", "lowest", "lowest-direct"]).map(str::to_owned);
                }
                "fork-strategy" => {
                    self.fork_strategy = choice(&item, &["requires-python", "fewest"]).map(str::to_owned);
                }
                "uploaded-prior-to" => self.uploaded_prior_to = item.text().map(str::to_owned),
                "index" => self.indexes = indexes::read(&item),
                "file-hosts" => self.file_hosts = indexes::hosts(&item),
                "policy" => {
                    self.policy = policy::read(&item);
                    self.ages = indexes::ages(&item);
                }
                "audit" => self.audit = advisory::read(&item),
                "limits" => self.limits = Limits::read(&item),
                _ => table.reading.report(
                    Problem::new(Code::ConfigInvalid, format!("pipward has no setting `{}`", shown(key)))
                        .at(item.place())
                        .expected(KEYS.join(", "))
                        .help("look at the spelling, or delete the line"),
                ),
            }
        }
    }
}

/// A key of the file, cut and on one line.
pub(super) fn shown(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// A marker, or the name of a system.
fn environment(item: &Item<'_, '_>) -> Option<LockMarker> {
    let text = item.text()?;
    let marker = match text {
        "linux" => "sys_platform == 'linux'",
        "macos" => "sys_platform == 'darwin'",
        "windows" => "sys_platform == 'win32'",
        marker => marker,
    };
    match LockMarker::parse_environment(marker) {
        Ok(marker) => Some(marker),
        Err(reason) => {
            item.reading.report(
                Problem::new(Code::ConfigInvalid, "this is not an environment")
                    .at(item.place())
                    .expected("a marker such as sys_platform == 'linux', or linux, macos or windows")
                    .found(shown(text))
                    .cause(reason),
            );
            None
        }
    }
}

/// `[{ extra = "cpu" }, { extra = "gpu" }]`.
fn conflict(item: &Item<'_, '_>) -> Vec<Optional> {
    let mut set = Vec::new();
    for item in item.items() {
        let Some(table) = item.table() else { continue };
        let name = |key: &str| table.get(key).and_then(|item| item.parsed::<ExtraName>("a name"));
        match (name("extra"), name("group")) {
            (Some(extra), None) => set.push(Optional::Extra(extra)),
            (None, Some(group)) => set.push(Optional::Group(group)),
            _ => item.reading.fault(item.place(), "a conflict names an `extra` or a `group`"),
        }
    }
    if set.len() < 2 {
        item.reading.fault(item.place(), "a conflict is between two extras or groups, or more");
    }
    set
}

fn listed(item: &Item<'_, '_>) -> Vec<FileRequirement> {
    let read = |item: Item<'_, '_>| {
        let read = requirements::entry::read(item.text()?, &[], &item.place());
        read.map_err(|problem| item.reading.report(problem)).ok()
    };
    item.items().into_iter().filter_map(read).collect()
}

fn names(item: &Item<'_, '_>) -> Vec<PackageName> {
    item.items().iter().filter_map(|item| item.parsed("the name of a project")).collect()
}

fn choice<'t>(item: &Item<'t, '_>, known: &[&str]) -> Option<&'t str> {
    let text = item.text()?;
    if known.contains(&text) {
        return Some(text);
    }
    item.reading.report(
        Problem::new(Code::ConfigInvalid, "this setting has no such value")
            .at(item.place())
            .expected(known.join(", "))
            .found(shown(text)),
    );
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, Problems> {
        Settings::parse(text, Path::new("pipward.toml"), &[])
    }

    #[test]
    fn all_keys() {
        let settings = read(
            r#"
            requires-python = ">=3.10"
            environments = ["linux", "sys_platform == 'darwin' and platform_machine == 'arm64'"]
            required-environments = ["windows"]
            conflicts = [[{ extra = "CPU" }, { extra = "gpu" }, { group = "dev" }]]
            constraints = ["a<2"]
            override-dependencies = ["b==1"]
            excludes = ["C_d"]
            prereleases = ["e"]
            resolution = "lowest-direct"
            fork-strategy = "fewest"
            uploaded-prior-to = "P7D"
            "#,
        )
        .unwrap();
        assert_eq!(settings.environments.len(), 2);
        assert_eq!(settings.required_environments[0].text, "sys_platform == 'win32'");
        let variables: Vec<String> = settings.conflicts[0].iter().map(Optional::variable).collect();
        assert_eq!(variables, ["e-cpu", "e-gpu", "g-dev"]);
        assert_eq!((settings.constraints.len(), settings.overrides.len()), (1, 1));
        assert_eq!(settings.excludes[0].to_string(), "c-d");
        assert_eq!(settings.prerelease_projects.len(), 1);
        assert_eq!(settings.resolution.as_deref(), Some("lowest-direct"));
        assert!(read("prereleases = 'allow'").unwrap().prereleases);
        assert_eq!(settings.place("resolution").and_then(|place| place.line), Some(10));
        assert_eq!(settings.place("prerelease"), None);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for bad in [
            "environment = []",
            "environments = ['solaris']",
            "environments = ['extra == \"x\"']",
            "resolution = 'newest'",
            "conflicts = [[{ name = 'x' }, { extra = 'y' }]]",
            "conflicts = [[{ extra = 'x' }]]",
            "excludes = ['a b']",
            "overrides = ['=1']",
            "requires-python = 'three'",
            "prereleases = 3",
        ] {
            let problems = read(bad).unwrap_err();
            assert!(problems.into_iter().all(|problem| problem.place().is_some()), "{bad}");
        }
    }

    #[test]
    fn a_project_without_the_table_says_nothing() {
        let parse = |text| Settings::parse(text, Path::new("pyproject.toml"), &["tool", "pipward"]).unwrap();
        assert!(parse("[project]\nname = 'x'").file.is_none());
        assert!(parse("[tool.black]\nline-length = 1").file.is_none());
        assert_eq!(parse("[tool.pipward]\nresolution = 'lowest'").resolution.as_deref(), Some("lowest"));
    }
}
