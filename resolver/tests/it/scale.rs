//! Large worlds: how many facts a solve asks for. (How long it takes is measured elsewhere.)

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::Arc;

use pipward_resolver::{
    Candidates, Dependencies, Facts, FactsError, PackageName, Recorded, Resolution, Version, WheelName, solve,
};

use crate::scenario::world;
use crate::universal::universal;

/// Recorded facts that count how often they are asked for.
struct Counted<'w> {
    world: &'w Recorded,
    candidates: Cell<usize>,
    dependencies: Cell<usize>,
}

impl Facts for Counted<'_> {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        self.candidates.set(self.candidates.get() + 1);
        self.world.candidates(name)
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        self.dependencies.set(self.dependencies.get() + 1);
        self.world.dependencies(name, version, wheel)
    }

    fn hint(&self, _: &[(PackageName, Option<(Version, WheelName)>)]) {}
}

/// Solves for Python 3.10 and later; the answer, the projects that were asked for, and the versions.
fn counted(text: &str, roots: &[&str]) -> (Resolution, usize, usize) {
    let world = world(text);
    let facts = Counted { world: &world, candidates: Cell::new(0), dependencies: Cell::new(0) };
    let resolution = solve(&universal(roots, "python_version >= '3.10'"), &facts).unwrap();
    (resolution, facts.candidates.get(), facts.dependencies.get())
}

#[test]
fn of_thousands_of_projects_each_is_asked_for_once() {
    let mut text = String::new();
    for at in 0..3000 {
        for version in 1..4 {
            let (next, far) = (at + 1, at * 2 + 1);
            let _ = writeln!(text, "p{at} {version} | p{next}>=1 | p{far}>=2 ; sys_platform == 'linux'");
        }
    }
    for at in 3000..6000 {
        let _ = writeln!(text, "p{at} 3");
    }
    let (resolution, projects, versions) = counted(&text, &["p0"]);
    let reached = resolution.packages.len();
    assert!(reached > 3000, "{reached}");
    assert_eq!((projects, versions), (reached, reached));
}

/// Each version of a link wants the same version of the next, and the last link has the oldest alone.
#[test]
fn a_chain_that_is_wrong_at_its_end_is_walked_once() {
    const LINKS: usize = 30;
    const VERSIONS: usize = 30;
    let mut text = String::new();
    for link in 0..LINKS {
        for version in 1..=VERSIONS {
            let next = link + 1;
            let _ = writeln!(text, "link{link} {version} | link{next}=={version} | leaf");
        }
    }
    let _ = writeln!(text, "link{LINKS} 1\nleaf 1");
    let (resolution, projects, versions) = counted(&text, &["link0"]);
    assert_eq!(resolution.packages.len(), LINKS + 2);
    assert_eq!(projects, LINKS + 2);
    assert!(versions <= LINKS * VERSIONS + 2, "{versions} versions were asked for");
}

#[test]
fn many_forks_ask_for_nothing_twice_and_one_name_has_few_versions() {
    let mut text = String::new();
    let mut roots = Vec::new();
    for at in 0..40 {
        let _ = writeln!(text, "new{at} 1\nnew{at} 2 python=>=3.11\nnew{at} 3 python=>=3.12");
        let _ =
            writeln!(text, "os{at} 1 | base<2 ; sys_platform == 'win32' | base>=2 ; sys_platform != 'win32'");
        roots.extend([format!("new{at}"), format!("os{at}")]);
    }
    text.push_str("base 1\nbase 2\n");
    let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
    let (resolution, projects, versions) = counted(&text, &roots);
    assert_eq!(resolution.packages.len(), 40 * 3 + 40 + 2);
    assert_eq!(projects, 81);
    assert!(versions <= 40 * 3 + 40 + 2, "{versions} versions were asked for");
}
