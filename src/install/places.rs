//! The directories of an environment, links on the way resolved.
//!
//! Owns: that a destination lies beneath the prefix whatever links stand on its way, and which files belong to the
//! environment itself. Never: writes.

mod own;
mod way;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

pub(super) use self::own::OwnIn;
use self::way::Way;
use super::InstallPlan;
use super::spelling::Spelling;
use crate::error::{Code, Place, Problem};
use crate::python::{Scheme, venv};
use crate::wheel::beneath::below;

/// What virtualenv and uv put among the modules of an environment that they make, in small letters.
pub const ENVIRONMENTS_OWN: [&str; 2] = ["_virtualenv.py", "_virtualenv.pth"];

/// An environment's prefix and the directories of its scheme. All answers are paths relative to the prefix that have no
/// link on the way and are spelled as they are listed, so that one file has one path (`lib64` is a link to `lib` in many an
/// environment; some file systems take `LIB` for it too).
#[derive(Debug)]
pub(super) struct Places {
    /// The prefix as the scheme spells it.
    prefix: PathBuf,
    /// Where the tree really is now.
    real: PathBuf,
    /// Of directories that are there, and of the outermost of those that are not.
    known: Mutex<HashMap<OsString, Way>>,
    spelling: Spelling,
    purelib: PathBuf,
    platlib: PathBuf,
    scripts: PathBuf,
    headers: PathBuf,
    data: PathBuf,
    /// The directories of modules as the scheme spells them, relative to the prefix: where one is a link, `..` in a
    /// RECORD leads up from here.
    spelled: [PathBuf; 2],
}

impl Places {
    /// The places of the environment whose tree is at `real` (no links in that path).
    ///
    /// # Errors
    /// `environment-invalid` where a directory of the scheme does not lie beneath the prefix.
    pub(super) fn new(scheme: &Scheme, prefix: &Path, real: PathBuf) -> Result<Self, Problem> {
        let mut places = Self {
            prefix: prefix.to_owned(),
            real,
            known: Mutex::default(),
            spelling: Spelling::default(),
            purelib: PathBuf::new(),
            platlib: PathBuf::new(),
            scripts: PathBuf::new(),
            headers: PathBuf::new(),
            data: PathBuf::new(),
            spelled: Default::default(),
        };
        places.purelib = places.directory(&scheme.purelib)?;
        places.platlib = places.directory(&scheme.platlib)?;
        places.scripts = places.directory(&scheme.scripts)?;
        places.headers = places.directory(&scheme.headers)?;
        places.data = places.directory(&scheme.data)?;
        places.spelled =
            [&scheme.purelib, &scheme.platlib].map(|path| places.relative(path).unwrap_or_default());
        Ok(places)
    }

    /// Where the tree is.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// A resolved path as it is told: where it will be, not where it is made.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        self.prefix.join(path)
    }

    /// Where a path, absolute as the scheme spells it, is now; links are not followed.
    pub(super) fn real_of(&self, path: &Path) -> Option<PathBuf> {
        self.relative(path).map(|path| self.real.join(path))
    }

    /// The directories in which distributions are looked for.
    pub(super) fn sites(&self) -> impl Iterator<Item = &Path> {
        let platlib = Some(self.platlib.as_path()).filter(|platlib| *platlib != self.purelib);
        std::iter::once(self.purelib.as_path()).chain(platlib)
    }

    /// A directory, absolute as the scheme spells it, resolved.
    ///
    /// # Errors
    /// `environment-invalid` where it leads out of the prefix.
    pub(super) fn directory(&self, path: &Path) -> Result<PathBuf, Problem> {
        self.relative(path).and_then(|path| self.resolve(&path)).ok_or_else(|| {
            Problem::new(Code::EnvironmentInvalid, "a directory of this environment lies outside of it")
                .at(Place::file(path))
                .expected(format!("a directory beneath {}", self.prefix.display()))
                .found("another one, by its path or by a link on the way")
                .help(self.link_on(path).map_or_else(
                    || "install into a virtual environment of its own: --venv DIR makes one".to_owned(),
                    |link| {
                        format!(
                            "{0} is a link: remove it, and not what it leads to (`rm {0}`), and run the same command \
                             again, which puts the directory there",
                            link.display()
                        )
                    },
                ))
        })
    }

    /// The first link beneath the directories of packages on the way to a path.
    fn link_on(&self, path: &Path) -> Option<PathBuf> {
        let inside = self.relative(path)?;
        let is_link =
            |above: &&Path| self.real.join(above).symlink_metadata().is_ok_and(|found| found.is_symlink());
        let mut way: Vec<&Path> = inside.ancestors().collect();
        way.reverse();
        let link = way.into_iter().find(is_link)?;
        let is_of_package = self.spelled.iter().any(|site| link.starts_with(site) && link != site);
        is_of_package.then(|| self.shown(link))
    }

    /// The file that a row of the RECORD in the directory `site` (resolved) names: its parent resolved, itself not.
    /// `None` where it leads out of the prefix, or names no file.
    pub(super) fn row(&self, site: &Path, row: &str) -> Option<PathBuf> {
        let [purelib, platlib] = &self.spelled;
        let site = match site {
            site if site == self.purelib => purelib,
            site if site == self.platlib => platlib,
            site => site,
        };
        let mut path = if Path::new(row).is_absolute() { PathBuf::new() } else { site.to_owned() };
        let row = match self.relative(Path::new(row)) {
            Some(inside) => inside,
            None if Path::new(row).is_absolute() => return None,
            None => PathBuf::from(row),
        };
        if row.as_os_str().as_encoded_bytes().ends_with(b"/.") {
            return None;
        }
        let mut last_is_name = false;
        for part in row.components() {
            last_is_name = matches!(part, Component::Normal(_));
            match part {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                Component::ParentDir => {
                    if !path.pop() {
                        return None;
                    }
                }
                Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        let name = path.file_name().filter(|_| last_is_name)?;
        let parent = self.resolve(path.parent()?)?;
        let name = self.spelling.of(&self.real.join(&parent), name);
        Some(parent.join(name))
    }

    /// Whether a resolved path is where distributions put files.
    pub(super) fn is_in_scheme(&self, path: &Path) -> bool {
        [&self.purelib, &self.platlib, &self.scripts, &self.headers, &self.data]
            .into_iter()
            .any(|directory| path.starts_with(directory) && path != directory.as_path())
    }

    /// Where a script of this name is.
    pub(super) fn script(&self, name: &str) -> PathBuf {
        self.scripts.join(name)
    }

    /// Whether a resolved path is that of a script.
    pub(super) fn is_script(&self, path: &Path) -> bool {
        path.parent() == Some(self.scripts.as_path())
    }

    /// Whether a directory belongs to the environment, so that it stays when it is empty.
    pub(super) fn keeps_directory(&self, path: &Path) -> bool {
        [&self.purelib, &self.platlib, &self.scripts, &self.headers, &self.data]
            .into_iter()
            .any(|directory| directory.starts_with(path))
    }

    /// Whether a file belongs to the environment itself, in any spelling: no distribution brings, replaces or removes
    /// it.
    pub(super) fn is_environments_own(&self, path: &Path) -> bool {
        let (Some(name), Some(parent)) = (path.file_name().and_then(|name| name.to_str()), path.parent())
        else {
            return true;
        };
        let name = name.to_ascii_lowercase();
        if self.sites().any(|site| path.starts_with(site)) {
            return self.sites().any(|site| site == parent) && ENVIRONMENTS_OWN.contains(&name.as_str());
        }
        // What stands beside site-packages is the standard library.
        let in_library = self.sites().filter_map(Path::parent).any(|library| {
            let name = library.file_name().map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default();
            (name.starts_with(b"python") || name.starts_with(b"pypy")) && path.starts_with(library)
        });
        in_library
            || name.starts_with("libpython")
                && parent.file_name().is_some_and(|lib| lib.eq_ignore_ascii_case("lib"))
            || same_directory(parent, &self.scripts) && venv::owns(&format!("bin/{name}"))
            || path.to_str().is_none_or(venv::owns)
    }

    /// A path relative to the prefix, of one that is absolute in either spelling.
    fn relative(&self, path: &Path) -> Option<PathBuf> {
        below(path, &self.prefix).or_else(|| below(path, &self.real)).map(Path::to_owned)
    }
}

/// Of a file of the environment itself that a wheel brings.
pub(super) fn owned(destination: &Path) -> Problem {
    Problem::new(Code::EnvironmentOwned, "it would write a file of the environment itself")
        .at(Place::file(destination))
        .help("do not install this wheel; tell its maintainers, and lock another version")
}

impl InstallPlan {
    /// Whether an environment of this scheme at `prefix`, which need not be there, would take its files: as a
    /// [`Session`](super::Session) finds, without one.
    ///
    /// # Errors
    /// `environment-owned`, and those of the scheme.
    pub fn spares_environment(&self, scheme: &Scheme, prefix: &Path) -> Result<(), Problem> {
        let places = Places::new(scheme, prefix, prefix.to_owned())?;
        for file in &self.files {
            let (Some(parent), Some(name)) = (file.destination.parent(), file.destination.file_name()) else {
                return Err(owned(&file.destination.path()));
            };
            if places.is_environments_own(&places.directory(&parent)?.join(name)) {
                return Err(owned(&file.destination.path()));
            }
        }
        Ok(())
    }
}

fn same_directory(one: &Path, other: &Path) -> bool {
    one.as_os_str().eq_ignore_ascii_case(other.as_os_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: &Path) -> Places {
        std::fs::create_dir_all(root.join("lib/python3.13/site-packages")).unwrap();
        std::fs::create_dir_all(root.join("bin")).unwrap();
        if !root.join("lib64").is_symlink() {
            std::os::unix::fs::symlink("lib", root.join("lib64")).unwrap();
        }
        let scheme = Scheme {
            purelib: "/final/lib/python3.13/site-packages".into(),
            platlib: "/final/lib64/python3.13/site-packages".into(),
            scripts: "/final/bin".into(),
            headers: "/final/include/site/python3.13".into(),
            data: "/final".into(),
            interpreter: "/final/bin/python".into(),
            python: (3, 13),
        };
        Places::new(&scheme, Path::new("/final"), root.canonicalize().unwrap()).unwrap()
    }

    #[test]
    fn links_within_are_followed_and_links_out_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        assert_eq!(places.sites().collect::<Vec<_>>(), [Path::new("lib/python3.13/site-packages")]);
        std::os::unix::fs::symlink("/etc", root.path().join("out")).unwrap();
        let check = |path: &str, expected: Option<&str>| {
            let found = places.directory(Path::new(path));
            assert_eq!(found.as_deref().ok(), expected.map(Path::new), "{path}");
            if let Err(problem) = found {
                assert_eq!(problem.code(), Code::EnvironmentInvalid);
            }
        };
        check("/final", Some(""));
        check("/final/lib64/x/y", Some("lib/x/y"));
        check("/final/out", None);
        check("/final/out/ssl", None);
        check("/final/bin/../lib", None);
        check("/other", None);
        for path in ["/final/new", "/final/new/deep/er", "/final/lib64/new/deep", "/final/lib64/new"] {
            let expected = path.trim_start_matches("/final/").replace("lib64", "lib");
            check(path, Some(&expected));
            check(path, Some(&expected));
        }
        check("/final/new/../lib", None);
    }

    #[test]
    fn rows_lead_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        std::os::unix::fs::symlink("/etc", root.path().join("lib/python3.13/site-packages/out")).unwrap();
        let site = Path::new("lib/python3.13/site-packages");
        let check = |row: &str, expected: Option<&str>| {
            assert_eq!(places.row(site, row).as_deref(), expected.map(Path::new), "{row}");
        };
        check("a/b.py", Some("lib/python3.13/site-packages/a/b.py"));
        check("../../../bin/x", Some("bin/x"));
        check("/final/bin/x", Some("bin/x"));
        check("../../../../x", None);
        check("../../../../../../../../etc/passwd", None);
        check("/etc/passwd", None);
        check("out/passwd", None);
        check(".", None);
        check("a/.", None);
        check("..", None);
        check("a/..", None);
        check("../../../lib64/python3.13/site-packages/a", Some("lib/python3.13/site-packages/a"));
    }

    #[test]
    fn rows_lead_up_from_where_a_linked_directory_stands() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("lib/python3.13")).unwrap();
        std::fs::create_dir_all(root.path().join("modules")).unwrap();
        let link = root.path().canonicalize().unwrap().join("lib/python3.13/site-packages");
        std::os::unix::fs::symlink(root.path().canonicalize().unwrap().join("modules"), link).unwrap();
        let places = places(root.path());
        let site = places.sites().next().unwrap().to_owned();
        assert_eq!(site, Path::new("modules"));
        let check = |row: &str, expected: Option<&str>| {
            assert_eq!(places.row(&site, row).as_deref(), expected.map(Path::new), "{row}");
        };
        check("../../../bin/x", Some("bin/x"));
        check("a/b.py", Some("modules/a/b.py"));
        check("../../../../x", None);
    }

    #[test]
    fn the_environments_own_files_are_known_in_any_spelling() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        for path in [
            "pyvenv.cfg",
            "PyVenv.CFG",
            "bin/python",
            "bin/Python3.13",
            "bin/python3.13t",
            "bin/activate",
            "bin/Activate.ps1",
            "bin/activate_this.py",
            "lib/python3.13/os.py",
            "lib64",
            "lib/python3.13/site-packages/_virtualenv.pth",
        ] {
            assert!(places.is_environments_own(Path::new(path)), "{path}");
        }
        for path in [
            "bin/python-argcomplete",
            "bin/flask",
            "share/activate",
            "lib/python3.13/site-packages/activate",
            "etc/x",
        ] {
            assert!(!places.is_environments_own(Path::new(path)), "{path}");
        }
    }

    /// Places in which the modules lie behind links, each in a directory of its own, and data in one too.
    fn linked(prefix: &Path) -> Places {
        for directory in ["deep/er/pure/site", "deep/er/er/plat/site", "bin", "include", "share"] {
            std::fs::create_dir_all(prefix.join(directory)).unwrap();
        }
        std::os::unix::fs::symlink("deep/er/pure", prefix.join("pure")).unwrap();
        std::os::unix::fs::symlink("deep/er/er/plat", prefix.join("plat")).unwrap();
        let scheme = Scheme {
            purelib: prefix.join("pure/site"),
            platlib: prefix.join("plat/site"),
            scripts: prefix.join("bin"),
            headers: prefix.join("include"),
            data: prefix.join("share"),
            interpreter: prefix.join("bin/python"),
            python: (3, 13),
        };
        Places::new(&scheme, prefix, prefix.to_owned()).unwrap()
    }

    #[test]
    fn rows_lead_up_from_where_the_scheme_says_the_modules_are() {
        let scratch = tempfile::tempdir().unwrap();
        let prefix = scratch.path().canonicalize().unwrap();
        let places = linked(&prefix);
        let check = |site: &str, row: &str, expected: Option<&str>| {
            assert_eq!(places.row(Path::new(site), row), expected.map(PathBuf::from), "{row} in {site}");
        };
        for site in ["deep/er/pure/site", "deep/er/er/plat/site"] {
            check(site, "x.py", Some(&format!("{site}/x.py")));
            check(site, "../../bin/x", Some("bin/x"));
            check(site, "./a/../x.py", Some(&format!("{site}/x.py")));
            check(site, "../../../x", None);
            check(site, "x/.", None);
            check(site, "..", None);
            check(site, "", None);
            check(site, &prefix.join("pure/site/y.py").display().to_string(), Some("deep/er/pure/site/y.py"));
            check(site, "/elsewhere/y.py", None);
        }
        check("share", "x", Some("share/x"));
        assert_eq!(places.shown(Path::new("share/x")), prefix.join("share/x"));
    }

    #[test]
    fn an_interpreter_among_scripts_elsewhere_is_the_environments_own() {
        let scratch = tempfile::tempdir().unwrap();
        let mut places = places(scratch.path());
        places.scripts = "local/scripts".into();
        for (path, expected) in [
            ("local/scripts/python", true),
            ("Local/Scripts/Python3", true),
            ("local/scripts/tool", false),
            ("local/other/python", false),
            ("bin/python", true),
        ] {
            assert_eq!(places.is_environments_own(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn what_is_distributions_and_what_the_environments_own_is_known_by_its_place() {
        let scratch = tempfile::tempdir().unwrap();
        let prefix = scratch.path().canonicalize().unwrap();
        let places = linked(&prefix);
        let site = "deep/er/pure/site";
        for (path, expected) in [
            ("bin/x", true),
            ("share/x", true),
            ("bin", false),
            ("share", false),
            ("other/x", false),
            ("x", false),
        ] {
            assert_eq!(places.is_in_scheme(Path::new(path)), expected, "{path}");
        }
        assert!(places.is_in_scheme(&Path::new(site).join("x")) && !places.is_in_scheme(Path::new(site)));
        assert!(places.is_script(Path::new("bin/x")));
        assert!(!places.is_script(Path::new("bin/a/x")) && !places.is_script(Path::new("share/x")));
        for (path, expected) in [
            ("bin/python", true),
            ("BIN/Python", true),
            ("Bin/activate", true),
            ("bin/tool", false),
            ("pyvenv.cfg", true),
            ("lib/libpython3.so", true),
            ("share/libpython3.so", false),
            ("lib/other.so", false),
            ("LIB/libM.so.6", true),
            ("lib/libmkl_core.so.2", false),
            (&format!("{site}/_virtualenv.py"), true),
            (&format!("{site}/_Virtualenv.pth"), true),
            (&format!("{site}/sub/_virtualenv.py"), false),
            (&format!("{site}/pyvenv.cfg"), false),
        ] {
            assert_eq!(places.is_environments_own(Path::new(path)), expected, "{path}");
        }
        for (path, expected) in
            [("bin", true), ("", true), ("deep/er", true), ("bin/x", false), ("other", false)]
        {
            assert_eq!(places.keeps_directory(Path::new(path)), expected, "{path}");
        }
    }
}
