//! Random small worlds, solved by trying everything: the same request has an answer in both or in neither, and every
//! answer holds.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::recorded::Recorded;
use pipward_resolver::{Prereleases, Request, Resolution, SolveError, Strategy as Preference, solve};
use proptest::prelude::*;

use crate::scenario::{request, world};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// In order; those at odd places are pre-releases where a world has any.
const VERSIONS: [&str; 6] = ["1", "2rc1", "2", "3rc1", "3", "4rc1"];

fn is_final(version: usize) -> bool {
    version.is_multiple_of(2)
}

#[derive(Debug, Clone)]
struct Need {
    package: usize,
    /// Whether `[x]` of the package is asked for.
    extra: bool,
    operator: &'static str,
    version: usize,
    /// Whether it is needed for `[x]` alone.
    only_for_extra: bool,
}

#[derive(Debug, Clone)]
struct Offered {
    version: usize,
    wheel: bool,
    needs: Vec<Need>,
}

#[derive(Debug, Clone)]
struct World {
    packages: Vec<Vec<Offered>>,
    roots: Vec<Need>,
}

/// Packages, without and with their extra.
type Reached = BTreeSet<(usize, bool)>;

impl Need {
    fn text(&self) -> String {
        let extra = if self.extra { "[x]" } else { "" };
        let marker = if self.only_for_extra { "; extra == 'x'" } else { "" };
        let version = if self.operator.is_empty() { "" } else { VERSIONS[self.version] };
        format!("{}{extra}{}{version}{marker}", NAMES[self.package], self.operator)
    }

    /// Whether a version satisfies the specifier; places in `VERSIONS` compare as the versions do.
    fn takes(&self, version: usize) -> bool {
        match self.operator {
            "==" => version == self.version,
            "!=" => version != self.version,
            ">=" => version >= self.version,
            // `<2` does not take `2rc1`; of a pre-release there are no other pre-releases here.
            "<" if is_final(self.version) && self.version > 0 => version + 1 < self.version,
            "<" => version < self.version,
            _ => true,
        }
    }

    fn names_prerelease(&self) -> bool {
        !is_final(self.version) && !matches!(self.operator, "" | "!=")
    }
}

impl World {
    fn recorded(&self) -> Recorded {
        let mut text = String::new();
        for (name, versions) in NAMES.iter().zip(&self.packages) {
            text.push_str(name);
            text.push('\n');
            for offered in versions {
                let flag = if offered.wheel { "" } else { "sdist" };
                text.push_str(&format!("{name} {} {flag} extras=x", VERSIONS[offered.version]));
                offered.needs.iter().for_each(|need| text.push_str(&format!(" | {}", need.text())));
                text.push('\n');
            }
        }
        world(&text)
    }

    fn request(&self, prereleases: Prereleases, strategy: Preference) -> Request {
        let roots: Vec<String> = self.roots.iter().map(Need::text).collect();
        let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
        Request { prereleases, strategy, ..request(&roots) }
    }

    /// What follows from a choice of one version for each package: the packages that are needed and whether with their
    /// extra, and all needs on them; none where a need is not met.
    fn closure(&self, choice: &[Option<usize>]) -> Option<(Reached, Vec<&Need>)> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&Need> = self.roots.iter().collect();
        let mut all = Vec::new();
        while let Some(need) = open.pop() {
            let version = choice[need.package]?;
            if !need.takes(version) {
                return None;
            }
            all.push(need);
            let offered = self.packages[need.package].iter().find(|offered| offered.version == version)?;
            if !offered.wheel {
                return None;
            }
            for extra in [false, true] {
                if (extra && !need.extra) || !reached.insert((need.package, extra)) {
                    continue;
                }
                open.extend(offered.needs.iter().filter(|need| need.only_for_extra == extra));
            }
        }
        Some((reached, all))
    }

    /// All choices, one version for each package that has any.
    fn choices(&self) -> Vec<Vec<Option<usize>>> {
        let mut choices = vec![Vec::new()];
        for versions in &self.packages {
            let mut options: Vec<Option<usize>> = versions
                .iter()
                .filter(|offered| offered.wheel)
                .map(|offered| Some(offered.version))
                .collect();
            if options.is_empty() {
                options.push(None);
            }
            let extended = choices.iter().flat_map(|choice: &Vec<Option<usize>>| {
                options.iter().map(|option| choice.iter().copied().chain([*option]).collect())
            });
            choices = extended.collect();
        }
        choices
    }

    fn has_answer(&self) -> bool {
        self.choices().iter().any(|choice| self.closure(choice).is_some())
    }

    /// The answer that has the highest version of each package, compared with every other answer that has the package; or the
    /// lowest. None where no answer is so.
    fn best(&self, lowest: bool) -> Option<BTreeMap<usize, usize>> {
        let mut answers: BTreeSet<BTreeMap<usize, usize>> = BTreeSet::new();
        for choice in self.choices() {
            if let Some((reached, _)) = self.closure(&choice) {
                answers.insert(reached.iter().map(|(at, _)| (*at, choice[*at].unwrap())).collect());
            }
        }
        let beats = |one: &BTreeMap<usize, usize>, other: &BTreeMap<usize, usize>| {
            let better = |mine: usize, theirs: usize| if lowest { mine <= theirs } else { mine >= theirs };
            one.iter().all(|(at, version)| other.get(at).is_none_or(|theirs| better(*version, *theirs)))
        };
        answers.iter().find(|one| answers.iter().all(|other| beats(one, other))).cloned()
    }

    /// Whether no pre-release is in a choice that its needs do not ask for.
    fn asks_for(&self, choice: &[Option<usize>], needs: &[&Need]) -> bool {
        choice.iter().enumerate().all(|(package, version)| {
            let needs: Vec<&&Need> = needs.iter().filter(|need| need.package == package).collect();
            if needs.is_empty() || version.is_none_or(is_final) {
                return true;
            }
            let finals =
                self.packages[package].iter().filter(|offered| offered.wheel && is_final(offered.version));
            let mut fitting = finals.filter(|offered| needs.iter().all(|need| need.takes(offered.version)));
            needs.iter().any(|need| need.names_prerelease()) || fitting.next().is_none()
        })
    }

    /// Panics unless the answer holds and has nothing that is not needed.
    fn check(&self, resolution: &Resolution, prereleases: Prereleases) {
        let place = |name: &str| NAMES.iter().position(|known| *known == name).unwrap();
        let mut choice = vec![None; NAMES.len()];
        let mut found = BTreeMap::new();
        for package in &resolution.packages {
            let name = &package.name;
            let version = VERSIONS.iter().position(|known| *known == package.version.to_string()).unwrap();
            choice[place(name.as_ref())] = Some(version);
            found.insert(place(name.as_ref()), package);
            assert!(!package.wheels.is_empty());
        }
        let (reached, needs) = self.closure(&choice).expect("the answer holds");
        let packages: BTreeSet<usize> = reached.iter().map(|(package, _)| *package).collect();
        assert_eq!(packages, found.keys().copied().collect());
        for (at, package) in found {
            assert_eq!(!package.extras.is_empty(), reached.contains(&(at, true)));
            let offered =
                self.packages[at].iter().find(|offered| Some(offered.version) == choice[at]).unwrap();
            let needed = offered.needs.iter().filter(|need| reached.contains(&(at, need.only_for_extra)));
            let names: BTreeSet<&str> =
                needed.filter(|need| need.package != at).map(|need| NAMES[need.package]).collect();
            assert_eq!(names, package.dependencies.iter().map(|needed| needed.name.as_ref()).collect());
        }
        if prereleases == Prereleases::IfNecessary {
            assert!(self.asks_for(&choice, &needs), "a pre-release that nobody asks for");
        }
    }
}

fn any_need(prereleases: bool, only_for_extra: bool) -> impl Strategy<Value = Need> {
    let operators = prop::sample::select(vec!["", "==", "!=", ">=", ">=", "<", "<"]);
    let step = if prereleases { 1 } else { 2 };
    (0..NAMES.len(), prop::bool::weighted(0.3), operators, 0..6usize, prop::bool::weighted(0.3)).prop_map(
        move |(package, extra, operator, version, for_extra)| Need {
            package,
            extra,
            operator,
            version: version / step * step,
            only_for_extra: only_for_extra && for_extra,
        },
    )
}

fn any_world(prereleases: bool) -> impl Strategy<Value = World> {
    let versions: Vec<usize> = if prereleases { (0..6).collect() } else { vec![0, 2, 4] };
    let most = versions.len();
    let offered = move || {
        let needs = prop::collection::vec(any_need(prereleases, true), 0..4);
        (prop::bool::weighted(0.9), needs)
    };
    let package = prop::sample::subsequence(versions, 0..=most.min(4)).prop_flat_map(move |versions| {
        prop::collection::vec(offered(), versions.len()).prop_map(move |offered| {
            let pairs = versions.iter().zip(offered);
            pairs
                .map(|(version, (wheel, needs))| Offered { version: *version, wheel, needs })
                .collect::<Vec<_>>()
        })
    });
    let packages = prop::collection::vec(package, NAMES.len());
    let roots = prop::collection::vec(any_need(prereleases, false), 1..4);
    (packages, roots).prop_map(|(packages, roots)| World { packages, roots })
}

fn strategies() -> impl Strategy<Value = Preference> {
    prop_oneof![Just(Preference::Highest), Just(Preference::Lowest), Just(Preference::LowestDirect)]
}

fn run(world: &World, prereleases: Prereleases, strategy: Preference) -> Result<Resolution, String> {
    let (facts, request) = (world.recorded(), world.request(prereleases, strategy));
    let first = solve(&request, &facts);
    let again = solve(&request, &facts);
    match (first, again) {
        (Ok(first), Ok(again)) => {
            assert_eq!(first, again);
            world.check(&first, prereleases);
            Ok(first)
        }
        (Err(SolveError::NoSolution(first)), Err(SolveError::NoSolution(again))) => {
            assert_eq!(first, again);
            let first = first.to_string();
            assert!(first.lines().count() >= 1 && !first.contains("nothing satisfies"), "{first}");
            Err(first)
        }
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(super::fixed_seed(super::cases(300)))]

    #[test]
    fn answers_where_there_is_one(world in any_world(false), strategy in strategies()) {
        let answer = run(&world, Prereleases::IfNecessary, strategy);
        prop_assert_eq!(answer.is_ok(), world.has_answer(), "{:?}", answer);
    }

    #[test]
    fn the_best_answer_is_found_where_one_is_best(
        (prereleases, world) in any::<bool>().prop_flat_map(|some| (Just(some), any_world(some))),
        lowest in any::<bool>(),
    ) {
        let strategy = if lowest { Preference::Lowest } else { Preference::Highest };
        let allowed = if prereleases { Prereleases::Allow } else { Prereleases::IfNecessary };
        if let Some(best) = world.best(lowest) {
            let answer = run(&world, allowed, strategy).unwrap();
            let found: BTreeMap<usize, usize> = answer.packages.iter().map(|package| {
                let at = NAMES.iter().position(|name| *name == package.name.as_ref()).unwrap();
                (at, VERSIONS.iter().position(|known| *known == package.version.to_string()).unwrap())
            }).collect();
            prop_assert_eq!(found, best);
        }
    }

    #[test]
    fn answers_where_prereleases_are_allowed(world in any_world(true), strategy in strategies()) {
        let answer = run(&world, Prereleases::Allow, strategy);
        prop_assert_eq!(answer.is_ok(), world.has_answer(), "{:?}", answer);
    }

    #[test]
    fn takes_no_prerelease_that_nobody_asks_for(world in any_world(true), strategy in strategies()) {
        // `run` checks the answer. There may be none where one needs a pre-release against a conflict.
        if run(&world, Prereleases::IfNecessary, strategy).is_ok() {
            prop_assert!(world.has_answer());
        } else {
            let finals = World {
                packages: world.packages.iter().map(|versions| {
                    versions.iter().filter(|offered| is_final(offered.version)).cloned().collect()
                }).collect(),
                ..world.clone()
            };
            prop_assert!(!finals.has_answer(), "final releases would do");
        }
    }
}
