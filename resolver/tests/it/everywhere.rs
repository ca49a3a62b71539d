//! Random small worlds for every environment at once: the universal answer is judged in each environment of a grid by
//! itself, by rules that are written down here once more, slowly.
//!
//! What is promised, and what the tests here hold it to:
//!
//! - an answer, projected on any environment of its universe, is closed and valid there: one version a name, every
//!   requirement that holds there satisfied, nothing missing and nothing that is not needed;
//! - where there is no answer, there is an environment that has none by itself;
//! - asked again with its own answer to prefer, the solver gives the same answer;
//! - answers that arrive late, or on other threads, change nothing.
//!
//! A version counts as usable in an environment when its lower bound on Python allows it and *some* wheel of it is for the
//! universe: which environments must find a wheel of their own is what `required` says.

mod grid;
mod small;

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::{
    ForkStrategy, MarkerTree, Preference, Request, Resolution, ResolvedPackage, Scope, SolveError,
    Strategy as Prefer, Universe, Version, WheelName, markers, solve,
};
use proptest::prelude::*;

use grid::{Env, grid, pythons};
pub(crate) use small::any_world;
use small::{NAMES, World};

/// What an answer has in one environment.
type Projection = BTreeMap<usize, String>;

fn place(name: &str) -> usize {
    NAMES.iter().position(|known| *known == name).unwrap()
}

/// The packages of the answer that hold in an environment; panics where a name has two versions.
fn project(answer: &Resolution, env: &Env) -> Projection {
    let mut found = Projection::new();
    for package in answer.packages.iter().filter(|package| env.holds(&package.marker)) {
        let twice = found.insert(place(package.name.as_ref()), package.version.to_string());
        assert_eq!(twice, None, "two versions of {} in {env:?}", package.name);
    }
    found
}

/// Panics unless the answer holds in the environment, and has there nothing but what is needed.
fn judge(world: &World, answer: &Resolution, env: &Env) {
    let found = project(answer, env);
    let reached = world.closure(env, &found).unwrap_or_else(|why| panic!("{why} in {env:?}\n{found:?}"));
    let names: BTreeSet<usize> = reached.iter().map(|(package, _)| *package).collect();
    assert_eq!(names, found.keys().copied().collect(), "what is needed and what is there, in {env:?}");
    for package in answer.packages.iter().filter(|package| env.holds(&package.marker)) {
        let at = place(package.name.as_ref());
        let release = world.release(at, &found[&at]).unwrap();
        let extra = reached.contains(&(at, true));
        assert!(!extra || !package.extras.is_empty(), "{} lacks its extra in {env:?}", package.name);
        let needed: BTreeMap<String, String> = world
            .needs_of(env, release, extra)
            .into_iter()
            .filter(|need| need.package != at)
            .map(|need| (NAMES[need.package].to_owned(), found[&need.package].clone()))
            .collect();
        let told: BTreeMap<String, String> = package
            .dependencies
            .iter()
            .filter(|edge| env.holds(&edge.marker))
            .map(|edge| (edge.name.to_string(), edge.version.to_string()))
            .collect();
        // An extra is told of a package as a whole, so its edges may be told where the extra is not asked for; they are
        // never missing where it is.
        assert_eq!(needed, told, "the edges of {} in {env:?}", package.name);
        for tags in release.wheels.iter().filter(|wheel| wheel.takes(env)) {
            let there =
                package.wheels.iter().any(|wheel| wheel.as_str().ends_with(&format!("-{}.whl", tags.text)));
            assert!(there, "{} lacks its wheel {} for {env:?}", package.name, tags.text);
        }
    }
}

/// The universe of a world, and its environments in the grid.
fn universe(world: &World) -> (Universe, Vec<&'static Env>) {
    let text = world.universe.text;
    let marker: MarkerTree = text.parse().unwrap();
    let inside = grid().iter().filter(|env| (world.universe.holds)(env)).collect();
    (Universe { marker, required: Vec::new() }, inside)
}

fn run(world: &World, prefer: Prefer, fewest: bool, free: usize) -> Result<Resolution, String> {
    let (universe, inside) = universe(world);
    let mut request = world.request();
    request.strategy = prefer;
    request.fork_strategy = if fewest { ForkStrategy::Fewest } else { ForkStrategy::RequiresPython };
    request.scope = Scope::Universal(universe);
    let facts = world.recorded();
    match solve(&request, &facts) {
        Ok(answer) => {
            inside.iter().for_each(|env| judge(world, &answer, env));
            for package in &answer.packages {
                let told = markers::text(&package.marker, &answer.universe);
                let tree = told.as_deref().map_or(MarkerTree::TRUE, |text| text.parse().unwrap());
                let same = inside.iter().all(|env| env.holds(&tree) == env.holds(&package.marker));
                assert!(same, "{}: {told:?}", package.name);
                let needed = inside.iter().any(|env| env.holds(&package.marker));
                assert!(needed || world.universe.open, "nobody needs {} {told:?}", package.name);
            }
            relock(world, request, &answer, &inside, free);
            Ok(answer)
        }
        Err(SolveError::NoSolution(story)) => {
            let lacking = inside.iter().find(|env| !world.has_answer(env, true));
            assert!(lacking.is_some(), "each environment has an answer, but: {story}");
            Err(story.to_string())
        }
        Err(SolveError::Facts(error)) => panic!("{error}"),
    }
}

/// Asked again with its answer to prefer, the solver gives the same; and once more with one name left free, an answer that
/// holds, in which nothing else moves unless that name does.
fn relock(world: &World, mut request: Request, answer: &Resolution, inside: &[&Env], free: usize) {
    let facts = world.recorded();
    let told = |package: &ResolvedPackage| markers::text(&package.marker, &answer.universe);
    for package in &answer.packages {
        let list = request.preferences.entry(package.name.clone()).or_default();
        // As a lock has it: in words.
        let marker = told(package).as_deref().map_or(MarkerTree::TRUE, |text| text.parse().unwrap());
        list.push(Preference { version: package.version.clone(), marker });
    }
    let again = solve(&request, &facts).unwrap();
    assert_eq!(locked(answer), locked(&again), "asked again with its answer to prefer");
    inside.iter().for_each(|env| judge(world, &again, env));
    let Some(name) = request.preferences.keys().cycle().nth(free).cloned() else { return };
    request.preferences.remove(&name);
    let upgraded = solve(&request, &facts).unwrap();
    inside.iter().for_each(|env| judge(world, &upgraded, env));
    let of_name = |answer: &Resolution| -> Vec<(Version, Option<String>)> {
        let found = answer.packages.iter().filter(|package| package.name == name);
        found.map(|package| (package.version.clone(), told(package))).collect()
    };
    if of_name(answer) == of_name(&upgraded) {
        assert_eq!(locked(answer), locked(&upgraded), "{name} did not move");
    }
}

/// What a lock has of an answer: the edges without their markers, and the wheels.
fn locked(answer: &Resolution) -> Vec<String> {
    let told = |package: &ResolvedPackage| {
        let edges: Vec<String> =
            package.dependencies.iter().map(|edge| format!("{} {}", edge.name, edge.version)).collect();
        let wheels: Vec<&str> = package.wheels.iter().map(WheelName::as_str).collect();
        let marker = markers::text(&package.marker, &answer.universe);
        format!("{} {} {marker:?} {:?} {edges:?} {wheels:?}", package.name, package.version, package.extras)
    };
    answer.packages.iter().map(told).collect()
}

pub(crate) fn show(answer: &Resolution) -> String {
    let mut text = String::new();
    for package in &answer.packages {
        let marker = markers::text(&package.marker, &answer.universe).unwrap_or_default();
        text.push_str(&format!("{} {} {:?} {marker}\n", package.name, package.version, package.extras));
        for edge in &package.dependencies {
            let marker = markers::text(&edge.marker, &answer.universe).unwrap_or_default();
            text.push_str(&format!("    {} {} {marker}\n", edge.name, edge.version));
        }
    }
    text
}

fn strategies() -> impl Strategy<Value = Prefer> {
    prop_oneof![3 => Just(Prefer::Highest), 1 => Just(Prefer::Lowest), 1 => Just(Prefer::LowestDirect)]
}

proptest! {
    #![proptest_config(super::fixed_seed(super::cases(600)))]

    #[test]
    fn answers_hold_in_each_environment(
        world in any_world(), prefer in strategies(), fewest in any::<bool>(), free in 0..NAMES.len(),
    ) {
        let _ = run(&world, prefer, fewest, free);
    }

    #[test]
    fn one_environment_has_an_answer_where_there_is_one(world in any_world(), prefer in strategies(), at in 0usize..1000) {
        let targets = pythons();
        let (env, target) = &targets[at % targets.len()];
        let mut request = world.request();
        request.strategy = prefer;
        request.scope = Scope::One(Box::new(target.clone()));
        match solve(&request, &world.recorded()) {
            Ok(answer) => {
                let found: Projection = answer.packages.iter()
                    .map(|package| (place(package.name.as_ref()), package.version.to_string())).collect();
                let reached = world.closure(env, &found).unwrap_or_else(|why| panic!("{why}"));
                let names: BTreeSet<usize> = reached.iter().map(|(package, _)| *package).collect();
                prop_assert_eq!(names, found.keys().copied().collect());
                for (package, version) in &found {
                    prop_assert!(world.fits(env, *package, version, true, true), "{} {}", NAMES[*package], version);
                }
            }
            Err(SolveError::NoSolution(story)) => {
                prop_assert!(!world.has_answer(env, true), "there is an answer, but: {}", story);
            }
            Err(SolveError::Facts(error)) => panic!("{error}"),
        }
    }
}
