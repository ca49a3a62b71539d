//! Files of one name that several distributions bring with different content: who gives way.
//!
//! Owns: what a plain document is, and whose file stands. A distribution that gives way leaves its file out, and its
//! RECORD does not list it. Never: lets one give way to nobody, or code give way without a policy that names its project.

use std::ffi::OsStr;
use std::path::Path;

use super::claims::{Claim, two_plans};
use super::{InstallPlan, PlannedFile};
use crate::digest::{Sha256, StrongDigest};
use crate::error::Problem;

/// Names of documents, as they begin.
const DOCUMENTS: &[&str] = &[
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "authors",
    "contributors",
    "contributing",
    "readme",
    "changelog",
    "changes",
    "history",
    "news",
    "code_of_conduct",
    "security",
];
/// How they may end.
const TEXTS: &[&str] = &["txt", "md", "rst", "markdown", "adoc"];

/// Whether nobody imports, runs or configures anything by the file at a path, whatever is in it: it is a text for people,
/// by its name, and not metadata.
pub(super) fn is_document(path: &Path) -> bool {
    path.file_name().is_some_and(is_named_document) && !is_metadata(path)
}

/// Whether a file is such a text by its name alone.
pub(super) fn is_named_document(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_text = |ending: &str| TEXTS.iter().any(|text| text.eq_ignore_ascii_case(ending));
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if is_text(ending) => stem,
        Some(_) => return false,
        None => name,
    };
    let stem = &*stem.to_ascii_lowercase();
    let word = stem.split(['-', '_']).next().unwrap_or(stem);
    DOCUMENTS.contains(&stem) || DOCUMENTS.contains(&word)
}

/// Whether a file is in the metadata of a distribution.
fn is_metadata(path: &Path) -> bool {
    path.iter().any(|part| {
        let part = part.to_string_lossy().to_ascii_lowercase();
        part.ends_with(".dist-info") || part.ends_with(".egg-info")
    })
}

impl InstallPlan {
    /// The same plan, every file of which, but for metadata, is left out where another distribution has a different one
    /// of its name. (Plain documents always are.)
    #[must_use]
    pub fn giving_way(mut self) -> Self {
        for file in &mut self.files {
            file.gives_way = !is_metadata(&file.destination.path());
        }
        self
    }

    /// The paths of the rows of RECORD whose files may be left out.
    pub fn may_be_left_out(&self) -> impl Iterator<Item = String> {
        let library = self.dist_info.parent().unwrap_or(Path::new(""));
        let files = self.files.iter().filter(|file| file.may_be_left_out());
        files.map(move |file| file.relative(library).into_owned())
    }

    /// The rows of RECORD whose files are run.
    pub fn executable(&self) -> impl Iterator<Item = String> {
        let library = self.dist_info.parent().unwrap_or(Path::new(""));
        let files = self.files.iter().filter(|file| file.executable);
        files.map(move |file| file.relative(library).into_owned())
    }
}

/// `__init__.py` files that declare a namespace with `pkgutil.extend_path` and do nothing else, by their SHA-256. Which one
/// of them stands makes no difference.
const NAMESPACES: &[&str] = &[
    // dbt-core, and dbt's adapters.
    "a8415eab7cae7f7950295b1e00b98bf1a3ccf1fa424b9e01ff9a6bcb4d0cde19",
    "c6c354475c6b2c95b1f87d78bf172a6d6c2ac4da06f4cd4e4eeafa07433bb70a",
];

/// The known declarations of a namespace.
pub(super) fn namespaces() -> impl Iterator<Item = StrongDigest> {
    NAMESPACES.iter().filter_map(|hex| Sha256::from_hex(hex)).map(StrongDigest::Sha256)
}

/// Whether a file's content is a known declaration of a namespace.
pub(super) fn is_namespace(digest: Option<StrongDigest>) -> bool {
    digest.is_some_and(|digest| namespaces().any(|known| known == digest))
}

impl PlannedFile {
    /// Whether its row may be missing where another distribution has a file of its name.
    pub(super) fn may_be_left_out(&self) -> bool {
        self.gives_way || is_namespace(self.digest.get())
    }
}

/// What becomes of different files of one name.
pub(super) enum Outcome {
    /// Several do not give way.
    Conflict(Vec<Problem>),
    /// The file at this position stands.
    Stands(usize),
}

/// Whose file stands: that of the one which does not give way, else the first by name. All of them give way to each other
/// where each declares a namespace and no more. The order of `rivals` does not
/// count. `at` is for messages.
pub(super) fn decide(at: &Path, rivals: &[Claim]) -> Outcome {
    let mut order: Vec<usize> = (0..rivals.len()).collect();
    order.sort_by_key(|at| rivals.get(*at).map(Claim::package));
    let firm: Vec<usize> =
        order.iter().copied().filter(|at| rivals.get(*at).is_some_and(|claim| !claim.gives_way)).collect();
    let in_effect_one =
        firm.iter().filter_map(|at| rivals.get(*at)).all(|claim| is_namespace(claim.digest()));
    if let [first, others @ ..] = firm.as_slice()
        && !others.is_empty()
        && !in_effect_one
    {
        let package = |at: &usize| rivals.get(*at).map_or("", Claim::package);
        let conflicts = others.iter().map(|other| two_plans(at, package(first), package(other)));
        return Outcome::Conflict(conflicts.collect());
    }
    Outcome::Stands(firm.first().or(order.first()).copied().unwrap_or_default())
}

/// What is said of a file that was left out.
pub(super) fn told(at: &Path, package: &str, owner: &str) -> String {
    format!("{} of {package} was left out: {owner} has another file of that name or module", at.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_known_by_their_names() {
        for name in [
            "LICENSE",
            "LICENSE.txt",
            "LICENCE-MIT",
            "license_apache.txt",
            "README.md",
            "README.rst",
            "CHANGES",
            "pkg/docs/NOTICE.adoc",
            "CODE_OF_CONDUCT.md",
        ] {
            assert!(is_document(&Path::new("/env/site-packages").join(name)), "{name}");
        }
        for name in [
            "readme.py",
            "license.pth",
            "LICENSE.so",
            "license.pyc",
            "README.md.py",
            "requirements.txt",
            "words.txt",
            "guide.md",
            "licenses/x",
            "README.cfg",
            "README.toml",
            "readme.html",
            "licensed.txt",
            "pkg-1.0.dist-info/LICENSE",
            "pkg-1.0.dist-info/licenses/README.md",
            "pkg.egg-info/README.md",
            "",
        ] {
            assert!(!is_document(&Path::new("/env/site-packages").join(name)), "{name}");
        }
    }
}
