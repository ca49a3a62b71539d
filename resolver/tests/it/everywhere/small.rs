//! Small worlds with markers, and the rules of an answer in one environment, read word by word.

use std::collections::{BTreeMap, BTreeSet};

use pep440_rs::VersionSpecifier;
use pipward_resolver::{MarkerTree, Prereleases, Recorded, Request, Version};
use proptest::prelude::*;

use super::Projection;
use super::grid::{ATOMS, Atom, Env, Range, UNIVERSES, WHEELS, Wheel};
use crate::ranges::contains;
use crate::scenario::{request, root, world};

pub(super) const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const VERSIONS: [&str; 7] = ["1", "1.5", "2", "2+cpu", "2.post1", "3", "1!1"];
const PRERELEASE: &str = "4rc1";
const SPECIFIERS: [&str; 18] = [
    "", "", "", ">=2", "<2", "==2", "!=2", ">=3", "<3", "<=2", ">2", "~=1.0", "==1.*", "==2+cpu", "<1!0",
    ">=1!0", "==3", "!=1",
];

/// A `Requires-Python`, the Pythons of it when its end is not looked at, and all of it.
#[derive(Clone, Copy)]
struct Pythons {
    text: &'static str,
    open: fn(&Env) -> bool,
    whole: fn(&Env) -> bool,
}

impl std::fmt::Debug for Pythons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text)
    }
}

const fn pythons(text: &'static str, open: fn(&Env) -> bool) -> Pythons {
    Pythons { text, open, whole: open }
}

const PYTHONS: [Pythons; 11] = [
    pythons("", |_| true),
    pythons("", |_| true),
    pythons("", |_| true),
    pythons("", |_| true),
    pythons(">=3.10", |env| env.minor >= 10),
    pythons(">=3.11", |env| env.minor >= 11),
    pythons(">=3.12", |env| env.minor >= 12),
    pythons("!=3.11.*", |env| env.minor != 11),
    Pythons {
        text: ">=3.9,!=3.10.*,!=3.11.4",
        open: |env| env.minor != 10,
        whole: |env| env.minor != 10 && (env.minor, env.patch) != (11, 4),
    },
    Pythons { text: "<3.12", open: |_| true, whole: |env| env.minor < 12 },
    Pythons {
        text: "!=3.10.*,<3.12",
        open: |env| env.minor != 10,
        whole: |env| env.minor != 10 && env.minor < 12,
    },
];

#[derive(Debug, Clone)]
pub(super) enum Cond {
    Always,
    Atom(Atom),
    Extra,
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

impl Cond {
    fn text(&self) -> String {
        match self {
            Self::Always => String::new(),
            Self::Atom(atom) => atom.text.to_owned(),
            Self::Extra => "extra == 'x'".to_owned(),
            Self::And(a, b) => format!("({}) and ({})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}) or ({})", a.text(), b.text()),
        }
    }

    fn tree(&self, extra: bool) -> MarkerTree {
        match self {
            Self::Always => MarkerTree::TRUE,
            Self::Atom(atom) => atom.text.parse().unwrap(),
            Self::Extra => {
                if extra {
                    MarkerTree::TRUE
                } else {
                    MarkerTree::FALSE
                }
            }
            Self::And(a, b) => {
                let mut both = a.tree(extra);
                both.and(b.tree(extra));
                both
            }
            Self::Or(a, b) => {
                let mut any = a.tree(extra);
                any.or(b.tree(extra));
                any
            }
        }
    }

    fn holds(&self, env: &Env, extra: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Atom(atom) => (atom.holds)(env),
            Self::Extra => extra,
            Self::And(a, b) => a.holds(env, extra) && b.holds(env, extra),
            Self::Or(a, b) => a.holds(env, extra) || b.holds(env, extra),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Need {
    pub(super) package: usize,
    extra: bool,
    specifier: &'static str,
    marker: Cond,
}

impl Need {
    fn text(&self) -> String {
        let extra = if self.extra { "[x]" } else { "" };
        let marker = match &self.marker {
            Cond::Always => String::new(),
            marker => format!(" ; {}", marker.text()),
        };
        format!("{}{extra}{}{marker}", NAMES[self.package], self.specifier)
    }

    fn takes(&self, version: &str) -> bool {
        let version: Version = version.parse().unwrap();
        let specifier = || self.specifier.parse::<VersionSpecifier>().unwrap();
        self.specifier.is_empty() || contains(&specifier(), &version)
    }

    fn pins(&self) -> bool {
        self.specifier.starts_with("==") && !self.specifier.ends_with('*')
    }
}

#[derive(Debug, Clone)]
pub(super) struct Release {
    pub(super) version: &'static str,
    pub(super) wheels: Vec<Wheel>,
    python: Pythons,
    /// Whether the bound stands in the metadata alone.
    hidden: bool,
    yanked: bool,
    needs: Vec<Need>,
}

#[derive(Clone)]
pub(crate) struct World {
    packages: Vec<Vec<Release>>,
    roots: Vec<Need>,
    constraints: Vec<Need>,
    overrides: Vec<Need>,
    excluded: Option<usize>,
    prereleases: bool,
    pub(crate) universe: Range,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |needs: &[Need]| needs.iter().map(Need::text).collect::<Vec<_>>().join(", ");
        writeln!(f, "for {}, with pre-releases: {}", self.universe.text, self.prereleases)?;
        writeln!(f, "roots {}", list(&self.roots))?;
        writeln!(f, "constraints {}", list(&self.constraints))?;
        writeln!(f, "overrides {}", list(&self.overrides))?;
        writeln!(f, "excluded {:?}\n{}", self.excluded.map(|at| NAMES[at]), self.text())
    }
}

/// Packages, without and with their extra.
type Reached = BTreeSet<(usize, bool)>;

impl World {
    pub(crate) fn recorded(&self) -> Recorded {
        world(&self.text())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, releases) in NAMES.iter().zip(&self.packages) {
            text.push_str(&format!("{name}\n"));
            for release in releases {
                let wheels: Vec<&str> = release.wheels.iter().map(|wheel| wheel.text).collect();
                let wheels = if wheels.is_empty() {
                    "sdist".to_owned()
                } else {
                    format!("wheel={}", wheels.join(","))
                };
                text.push_str(&format!("{name} {} {wheels} extras=x", release.version));
                if !release.python.text.is_empty() {
                    let key = if release.hidden { "meta-python" } else { "python" };
                    text.push_str(&format!(" {key}={}", release.python.text));
                }
                text.push_str(if release.yanked { " yanked=bad" } else { "" });
                release.needs.iter().for_each(|need| text.push_str(&format!(" | {}", need.text())));
                text.push('\n');
            }
        }
        text
    }

    pub(crate) fn request(&self) -> Request {
        let roots: Vec<String> = self.roots.iter().map(Need::text).collect();
        let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
        let listed = |list: &[Need]| list.iter().map(|need| root(&need.text(), "more.txt", 1)).collect();
        Request {
            constraints: listed(&self.constraints),
            overrides: listed(&self.overrides),
            excludes: self.excluded.iter().map(|at| NAMES[*at].parse().unwrap()).collect(),
            prereleases: if self.prereleases { Prereleases::Allow } else { Prereleases::IfNecessary },
            ..request(&roots)
        }
    }

    pub(super) fn release(&self, package: usize, version: &str) -> Option<&Release> {
        self.packages[package].iter().find(|release| release.version == version)
    }

    /// What stands in the place of a requirement: the overrides on its name, with the extras of both.
    fn in_force(&self, need: &Need) -> Vec<Need> {
        if self.excluded == Some(need.package) {
            return Vec::new();
        }
        let others: Vec<&Need> =
            self.overrides.iter().filter(|other| other.package == need.package).collect();
        if others.is_empty() {
            return vec![need.clone()];
        }
        let taken = |other: &&Need| Need { extra: other.extra || need.extra, ..(*other).clone() };
        others.iter().map(taken).collect()
    }

    fn active(&self, env: &Env, needs: &[Need], extra: bool) -> Vec<Need> {
        let mut all = Vec::new();
        for need in needs {
            let overridden = self.overrides.iter().any(|other| other.package == need.package);
            // An override stands for the requirement wherever that could count at all: without the extra, or with it.
            let counts =
                |asked: bool| if overridden { need.can_hold(asked) } else { need.marker.holds(env, asked) };
            if counts(false) || (extra && counts(true)) {
                all.extend(
                    self.in_force(need)
                        .into_iter()
                        .filter(|need| !overridden || need.marker.holds(env, false)),
                );
            }
        }
        all
    }

    /// What a release needs in an environment.
    pub(super) fn needs_of(&self, env: &Env, release: &Release, extra: bool) -> Vec<Need> {
        self.active(env, &release.needs, extra)
    }

    /// What follows from a choice of versions in an environment, or why the choice does not hold.
    pub(super) fn closure(&self, env: &Env, choice: &Projection) -> Result<Reached, String> {
        let mut reached = Reached::new();
        let mut open = self.active(env, &self.roots, false);
        while let Some(need) = open.pop() {
            let name = NAMES[need.package];
            let version = choice.get(&need.package).ok_or_else(|| format!("{name} is missing"))?;
            if !need.takes(version) {
                return Err(format!("{} does not take {version}", need.text()));
            }
            if !self.usable(env, need.package, version, false) {
                return Err(format!("{name} {version} cannot be used"));
            }
            let release = self.release(need.package, version).unwrap();
            for extra in [false, true] {
                if (!extra || need.extra) && reached.insert((need.package, extra)) {
                    open.extend(self.active(env, &release.needs, extra));
                }
            }
        }
        Ok(reached)
    }

    /// Whether a version may be chosen in an environment. `strictly`: with a wheel that the environment takes.
    pub(super) fn usable(&self, env: &Env, package: usize, version: &str, strictly: bool) -> bool {
        self.fits(env, package, version, strictly, !strictly)
    }

    /// The same; `anybody`: whose pins let a yanked version in.
    pub(super) fn fits(
        &self,
        env: &Env,
        package: usize,
        version: &str,
        strictly: bool,
        anybody: bool,
    ) -> bool {
        let Some(release) = self.release(package, version) else { return false };
        let parsed: Version = version.parse().unwrap();
        let roots = || self.roots.iter().flat_map(|root| self.in_force(root));
        let users = || roots().chain(self.overrides.iter().cloned()).chain(self.constraints.iter().cloned());
        let pinned = users().any(|root| {
            root.package == package
                && root.pins()
                && root.takes(version)
                && (!strictly || root.marker.holds(env, false))
        });
        let needs = || self.packages.iter().flatten().flat_map(|release| &release.needs);
        let pins = |need: &Need| need.package == package && need.pins() && need.takes(version);
        let pinned = pinned || (anybody && needs().any(pins));
        let pythons = if strictly { release.python.whole } else { release.python.open };
        let constrained = self
            .constraints
            .iter()
            .any(|need| need.package == package && need.marker.holds(env, false) && !need.takes(version));
        let wheel = if strictly {
            release.wheels.iter().any(|wheel| wheel.takes(env))
        } else {
            !release.wheels.is_empty()
        };
        pythons(env)
            && wheel
            && (!release.yanked || pinned)
            && !constrained
            && (self.prereleases || parsed.is_stable())
    }

    /// Whether anything holds in an environment: tries everything, one requirement after the other.
    pub(super) fn has_answer(&self, env: &Env, strictly: bool) -> bool {
        let open = self.active(env, &self.roots, false);
        self.search(env, strictly, open, &mut BTreeMap::new(), &Reached::new())
    }

    fn search(
        &self,
        env: &Env,
        strictly: bool,
        mut open: Vec<Need>,
        choice: &mut Projection,
        reached: &Reached,
    ) -> bool {
        let Some(need) = open.pop() else { return true };
        let known = choice.get(&need.package).cloned();
        let options: Vec<String> = match &known {
            Some(version) => vec![version.clone()],
            None => self.packages[need.package].iter().map(|release| release.version.to_owned()).collect(),
        };
        for version in options {
            if !need.takes(&version) || !self.usable(env, need.package, &version, strictly) {
                continue;
            }
            let release = self.release(need.package, &version).unwrap();
            let (mut open, mut reached) = (open.clone(), reached.clone());
            for extra in [false, true] {
                if (!extra || need.extra) && reached.insert((need.package, extra)) {
                    open.extend(self.active(env, &release.needs, extra));
                }
            }
            choice.insert(need.package, version);
            if self.search(env, strictly, open, choice, &reached) {
                return true;
            }
            if known.is_none() {
                choice.remove(&need.package);
            }
        }
        false
    }
}

impl Need {
    /// Whether the marker can hold anywhere, with or without the extra, as far as the algebra can tell.
    fn can_hold(&self, extra: bool) -> bool {
        !self.marker.tree(extra).is_false()
    }
}

fn any_cond(extras: bool) -> impl Strategy<Value = Cond> {
    let atom = || prop::sample::select(ATOMS).prop_map(Cond::Atom).boxed();
    let extra = if extras { Just(Cond::Extra).boxed() } else { Just(Cond::Always).boxed() };
    let pair = (atom(), atom(), any::<bool>()).prop_map(|(a, b, all)| {
        if all { Cond::And(Box::new(a), Box::new(b)) } else { Cond::Or(Box::new(a), Box::new(b)) }
    });
    let pair = pair.boxed();
    let nested = (pair.clone(), atom(), any::<bool>()).prop_map(|(a, b, all)| {
        if all { Cond::And(Box::new(a), Box::new(b)) } else { Cond::Or(Box::new(b), Box::new(a)) }
    });
    let for_extra = (atom(), any::<bool>()).prop_map(move |(a, all)| match (extras, all) {
        (false, _) => a,
        (true, true) => Cond::And(Box::new(Cond::Extra), Box::new(a)),
        (true, false) => Cond::Or(Box::new(a), Box::new(Cond::Extra)),
    });
    prop_oneof![5 => Just(Cond::Always), 6 => atom(), 2 => extra, 2 => pair, 1 => nested, 1 => for_extra]
}

fn any_need(extras: bool) -> impl Strategy<Value = Need> {
    let specifier = prop::sample::select(&SPECIFIERS[..]);
    (0..NAMES.len(), prop::bool::weighted(0.2), specifier, any_cond(extras))
        .prop_map(|(package, extra, specifier, marker)| Need { package, extra, specifier, marker })
}

fn any_release() -> impl Strategy<Value = Release> {
    let wheels = prop_oneof![
        7 => Just(vec![WHEELS[0]]),
        2 => prop::sample::subsequence(WHEELS, 0..3),
    ];
    let python = prop::sample::select(&PYTHONS[..]);
    (wheels, python, any::<bool>(), prop::bool::weighted(0.06), prop::collection::vec(any_need(true), 0..4))
        .prop_map(|(wheels, python, hidden, yanked, needs)| Release {
            version: "",
            wheels,
            python,
            hidden,
            yanked,
            needs,
        })
}

pub(crate) fn any_world() -> impl Strategy<Value = World> {
    prop::bool::weighted(0.2).prop_flat_map(|prereleases| {
        let mut versions = VERSIONS.to_vec();
        versions.extend(prereleases.then_some(PRERELEASE));
        let package = prop::sample::subsequence(versions, 1..=3).prop_flat_map(|versions| {
            prop::collection::vec(any_release(), versions.len()).prop_map(move |releases| {
                let named = versions.iter().zip(releases);
                named.map(|(version, release)| Release { version, ..release }).collect::<Vec<_>>()
            })
        });
        let packages = prop::collection::vec(package, NAMES.len());
        let few = |most: f64| {
            (prop::bool::weighted(most), any_need(false))
                .prop_map(|(some, need)| if some { vec![Need { extra: false, ..need }] } else { Vec::new() })
        };
        let roots = prop::collection::vec(any_need(false), 1..4);
        let excluded = prop::option::weighted(0.05, 0..NAMES.len());
        let universe = prop::sample::select(UNIVERSES);
        (packages, roots, few(0.25), few(0.15), excluded, universe).prop_map(
            move |(packages, roots, constraints, overrides, excluded, universe)| World {
                packages,
                roots,
                constraints,
                overrides,
                excluded,
                prereleases,
                universe,
            },
        )
    })
}
