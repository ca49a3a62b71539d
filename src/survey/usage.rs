//! (What a project imports, what a lock's distributions are imported by) -> what is unused, missing, or there by chance.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Import, standard_library};

/// A distribution, and what it is imported by.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name, normalised.
    pub name: String,
    /// Whether the project itself asks for it.
    pub is_direct: bool,
    /// Whether it is there. Of what is asked for under markers that hold elsewhere alone nothing but its name is known.
    pub is_here: bool,
    /// What it can be imported by, each the shortest dotted name that is its own: `requests`, `google.cloud.storage`.
    pub imports: BTreeSet<String>,
}

/// A file of the project, or a cell of a notebook, and what it imports.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path, from where was looked.
    pub file: String,
    /// The cell, counted from 1.
    pub cell: Option<usize>,
    /// What it imports.
    pub imports: Vec<Import>,
}

/// Where something is imported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The file.
    pub file: String,
    /// The line, counted from 1; of a notebook, in its cell.
    pub line: u32,
    /// The cell of a notebook.
    pub cell: Option<usize>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Distributions that the project asks for and does not import.
    pub unused: Vec<String>,
    /// Modules that nothing in the lock brings.
    pub missing: BTreeMap<String, Vec<At>>,
    /// Modules that only a distribution brings for which the project does not ask, with these distributions.
    pub transitive: BTreeMap<String, (BTreeSet<String>, Vec<At>)>,
    /// The other modules, with the distributions that bring them. (Those of the standard library and of the project itself
    /// are not told.)
    pub used: BTreeMap<String, BTreeSet<String>>,
}

/// Whose an import is.
enum Whose<'p> {
    Standard,
    Local,
    Of(Vec<&'p Provider>),
    /// Nobody's, by the name to tell it by.
    Nobody(String),
}

/// What an import needs: the module, or each name that is taken from it, which may be a module of a namespace.
fn asked(import: &Import) -> Vec<String> {
    let names = import.names.iter().filter(|name| *name != "*");
    let all: Vec<String> = names.map(|name| format!("{}.{name}", import.module)).collect();
    if all.is_empty() { vec![import.module.clone()] } else { all }
}

/// Compares. `local` has the project's own modules.
pub fn judge(sources: &[Source], providers: &[Provider], local: &BTreeSet<String>) -> Usage {
    let standard: BTreeSet<&str> = standard_library().collect();
    let mut usage = Usage::default();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for source in sources {
        for (import, wanted) in
            source.imports.iter().flat_map(|it| asked(it).into_iter().map(move |w| (it, w)))
        {
            let top = wanted.split('.').next().unwrap_or(&wanted).to_owned();
            let at = At { file: source.file.clone(), line: import.line, cell: source.cell };
            let note = |places: &mut Vec<At>| {
                if places.last() != Some(&at) {
                    places.push(at.clone());
                }
            };
            match whose(&wanted, &top, providers, local, &standard) {
                Whose::Standard | Whose::Local => {}
                // What only a checker of types sees is missed by nobody who runs the project.
                Whose::Nobody(_) if import.for_types => {}
                Whose::Nobody(name) => note(usage.missing.entry(name).or_default()),
                Whose::Of(all) => {
                    used.extend(all.iter().map(|provider| provider.name.as_str()));
                    let names = all.iter().map(|provider| provider.name.clone());
                    if all.iter().any(|provider| provider.is_direct) {
                        usage.used.entry(top).or_default().extend(names);
                    } else if !import.for_types {
                        let (known, places) = usage.transitive.entry(top).or_default();
                        known.extend(names);
                        note(places);
                    }
                }
            }
        }
    }
    let direct: BTreeSet<&str> =
        providers.iter().filter(|it| it.is_direct && it.is_here).map(|it| it.name.as_str()).collect();
    usage.unused = direct.difference(&used).map(ToString::to_string).collect();
    usage
}

fn whose<'p>(
    wanted: &str,
    top: &str,
    providers: &'p [Provider],
    local: &BTreeSet<String>,
    standard: &BTreeSet<&str>,
) -> Whose<'p> {
    if standard.contains(top) {
        return Whose::Standard;
    }
    // A namespace of the project's own may be shared with distributions: those come first where they are meant.
    let of = |fits: &dyn Fn(&String) -> bool| -> Vec<&'p Provider> {
        providers.iter().filter(|provider| provider.imports.iter().any(fits)).collect()
    };
    let exact = of(&|own| is_within(wanted, own));
    if local.contains(top) {
        let is_deep = |provider: &&Provider| provider.imports.iter().any(|own| own.contains('.'));
        return if exact.iter().any(is_deep) { Whose::Of(exact) } else { Whose::Local };
    }
    if !exact.is_empty() {
        return Whose::Of(exact);
    }
    // The namespace alone: all that is in it.
    let all = of(&|own| is_within(own, wanted));
    if !all.is_empty() {
        return Whose::Of(all);
    }
    // What is not in a namespace that others have a part in is told whole: its first name is there.
    let is_namespace = !of(&|own| is_within(own, top)).is_empty();
    Whose::Nobody(if is_namespace { wanted.to_owned() } else { top.to_owned() })
}

/// Whether a dotted name is another, or lies beneath it.
fn is_within(name: &str, other: &str) -> bool {
    name.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What files can be imported by, each the shortest dotted name that leads to no other distribution's: a package with an
/// `__init__`, a module at the top, and beneath namespaces (PEP 420) whatever is in them. `namespaces` are those of before
/// PEP 420, whose `__init__` is in several distributions.
pub fn import_names<'f>(
    files: impl Iterator<Item = &'f str>,
    namespaces: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut packages: BTreeSet<String> = BTreeSet::new();
    let mut modules: Vec<(Vec<String>, String)> = Vec::new();
    for file in files {
        let Some((folders, stem)) = module(file) else { continue };
        if stem == "__init__" {
            packages.extend(Some(folders.join(".")).filter(|package| !namespaces.contains(package)));
        } else {
            modules.push((folders, stem));
        }
    }
    let mut names = BTreeSet::new();
    let shortest = |folders: &[String]| {
        (1..=folders.len())
            .filter_map(|end| folders.get(..end))
            .map(|part| part.join("."))
            .find(|it| packages.contains(it))
    };
    for (folders, stem) in &modules {
        let name = shortest(folders).unwrap_or_else(|| {
            let all: Vec<&str> = folders.iter().map(String::as_str).chain([stem.as_str()]).collect();
            all.join(".")
        });
        names.insert(name);
    }
    for package in &packages {
        let folders: Vec<String> = package.split('.').map(str::to_owned).collect();
        names.extend(shortest(&folders));
    }
    names
}

/// The folders and the name of a module; `None` for what cannot be imported.
fn module(file: &str) -> Option<(Vec<String>, String)> {
    let is_name = |text: &str| {
        !text.is_empty()
            && !text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let (folders, last) = file.rsplit_once('/').map_or((None, file), |(folders, last)| (Some(folders), last));
    let (stem, _) = last.split_once('.')?;
    let end = last.rsplit_once('.').map(|(_, end)| end)?;
    let is_module = match end {
        "py" => last.matches('.').count() == 1,
        "so" | "pyd" => true,
        _ => false,
    };
    let folders: Vec<String> =
        folders.map(|folders| folders.split('/').map(str::to_owned).collect()).unwrap_or_default();
    let fits =
        is_module && is_name(stem) && folders.iter().all(|folder| is_name(folder) && folder != "__pycache__");
    fits.then(|| (folders, stem.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_names(files: &[&str], expected: &[&str]) {
        let found = import_names(files.iter().copied(), &BTreeSet::from(["old".to_owned()]));
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn names_are_the_shortest_of_ones_own() {
        check_names(
            &["a/__init__.py", "a/b/c.py", "six.py", "_cffi.abi3.so", "x-1.dist-info/METADATA"],
            &["_cffi", "a", "six"],
        );
        check_names(
            &["google/cloud/storage/__init__.py", "google/cloud/storage/blob.py"],
            &["google.cloud.storage"],
        );
        check_names(
            &["ns/one.py", "ns/deep/two.cpython-313-x86_64-linux-gnu.so"],
            &["ns.deep.two", "ns.one"],
        );
        check_names(&["old/__init__.py", "old/one/__init__.py", "old/two.py"], &["old.one", "old.two"]);
        check_names(&["a/py.typed", "a-stubs/__init__.pyi", "b/__init__.pyi", "1x.py", "../../bin/x"], &[]);
    }

    fn usage(imports: &[&str], providers: &[(&str, bool, &[&str])], local: &[&str]) -> String {
        let imports = imports.iter().map(|text| {
            let (module, names) = text.split_once(':').unwrap_or((text, ""));
            let names = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            Import { module: module.to_owned(), names, line: 1, for_types: false }
        });
        let sources = [Source { file: "x.py".to_owned(), cell: None, imports: imports.collect() }];
        let providers: Vec<Provider> = providers
            .iter()
            .map(|(name, is_direct, imports)| Provider {
                name: (*name).to_owned(),
                is_direct: *is_direct,
                is_here: true,
                imports: imports.iter().map(|it| (*it).to_owned()).collect(),
            })
            .collect();
        let local = local.iter().map(|it| (*it).to_owned()).collect();
        let found = judge(&sources, &providers, &local);
        let transitive: Vec<String> = found
            .transitive
            .iter()
            .map(|(module, (names, _))| {
                format!("{module}={}", names.iter().cloned().collect::<Vec<_>>().join("+"))
            })
            .collect();
        let missing: Vec<&str> = found.missing.keys().map(String::as_str).collect();
        format!(
            "unused {} missing {} transitive {}",
            found.unused.join(","),
            missing.join(","),
            transitive.join(",")
        )
    }

    #[test]
    fn each_kind_is_told_apart() {
        let providers: &[(&str, bool, &[&str])] = &[
            ("pillow", true, &["PIL"]),
            ("requests", true, &["requests"]),
            ("urllib3", false, &["urllib3"]),
        ];
        let told = |imports: &[&str]| usage(imports, providers, &["app"]);
        assert_eq!(told(&["PIL.Image", "os.path", "app.x", "requests"]), "unused  missing  transitive ");
        assert_eq!(
            told(&["urllib3", "yaml"]),
            "unused pillow,requests missing yaml transitive urllib3=urllib3"
        );
    }

    #[test]
    fn what_is_for_types_or_elsewhere_is_no_finding() {
        let import =
            |module: &str| Import { module: module.to_owned(), names: Vec::new(), line: 1, for_types: true };
        let imports = ["attrs", "typeshed", "grape"].map(import).into();
        let sources = [Source { file: "x.py".to_owned(), cell: None, imports }];
        let provider = |name: &str, is_direct, is_here| Provider {
            name: name.to_owned(),
            is_direct,
            is_here,
            imports: [name.to_owned()].into(),
        };
        let providers =
            [provider("attrs", true, true), provider("grape", false, true), provider("tomli", true, false)];
        let found = judge(&sources, &providers, &BTreeSet::new());
        let used = [("attrs".to_owned(), ["attrs".to_owned()].into())].into();
        assert_eq!(found, Usage { used, ..Usage::default() });
    }

    #[test]
    fn namespaces_are_told_apart_by_what_is_in_them() {
        let providers: &[(&str, bool, &[&str])] = &[
            ("google-cloud-storage", true, &["google.cloud.storage"]),
            ("google-auth", false, &["google.auth"]),
        ];
        let told = |imports: &[&str]| usage(imports, providers, &[]);
        assert_eq!(told(&["google.cloud:storage"]), "unused  missing  transitive ");
        assert_eq!(told(&["google.cloud.storage.blob"]), "unused  missing  transitive ");
        assert_eq!(
            told(&["google.auth"]),
            "unused google-cloud-storage missing  transitive google=google-auth"
        );
        // The namespace alone may mean either, and one of them is asked for.
        assert_eq!(told(&["google"]), "unused  missing  transitive ");
        for nothing in ["google.other", "google.cloud.nothere"] {
            let expected = format!("unused google-cloud-storage missing {nothing} transitive ");
            assert_eq!(told(&[nothing]), expected);
        }
        assert_eq!(
            told(&["google.cloud:storage,nothere"]),
            "unused  missing google.cloud.nothere transitive "
        );
        assert_eq!(told(&["google:cloud"]), "unused  missing  transitive ");
        assert_eq!(told(&["google.cloud.storage:Client,*"]), "unused  missing  transitive ");
        // A namespace that the project has a part in.
        assert_eq!(
            usage(&["google.cloud:storage", "google.own"], providers, &["google"]),
            "unused  missing  transitive "
        );
    }
}
