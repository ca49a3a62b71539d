//! Answers that arrive late, in another order, on other threads, or asked for by nobody change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};

use pipward_resolver::{
    CandidateWheel, Candidates, Dependencies, Facts, FactsError, PackageName, Recorded, Scope, SolveError,
    Universe, Version, WheelName, solve,
};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::everywhere::{any_world, show};

/// What was asked of an index and is under way.
type Asked = (PackageName, Option<(Version, WheelName)>);

/// Facts that a thread of its own fetches: what was hinted at and asked for waits in a heap that is shuffled anew before each
/// answer, so that answers arrive in any order. Lists of wheels are shuffled too.
struct Shuffled<'a> {
    source: &'a Recorded,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    dice: u64,
    waiting: Vec<Asked>,
    known: BTreeSet<Asked>,
    closed: bool,
    order: Vec<Asked>,
}

impl State {
    fn roll(&mut self, end: usize) -> usize {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.dice >> 33).unwrap() % end.max(1)
    }
}

impl Shuffled<'_> {
    fn ask(&self, asked: Asked) {
        let mut state = self.state.lock().unwrap();
        if !state.known.contains(&asked) && !state.waiting.contains(&asked) {
            state.waiting.push(asked);
            self.arrived.notify_all();
        }
    }

    /// Asks, and waits until it has arrived; whatever else waits may arrive before it.
    fn wait(&self, asked: &Asked) {
        self.ask(asked.clone());
        let state = self.state.lock().unwrap();
        drop(self.arrived.wait_while(state, |state| !state.known.contains(asked)).unwrap());
    }

    /// Answers what waits, in any order, until it is told to end.
    fn serve(&self) {
        let mut state = self.state.lock().unwrap();
        loop {
            state =
                self.arrived.wait_while(state, |state| !state.closed && state.waiting.is_empty()).unwrap();
            if state.closed {
                return;
            }
            let length = state.waiting.len();
            let at = state.roll(length);
            let next = state.waiting.swap_remove(at);
            state.order.push(next.clone());
            state.known.insert(next);
            self.arrived.notify_all();
        }
    }
}

impl Facts for Shuffled<'_> {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        self.wait(&(name.clone(), None));
        let candidates = self.source.candidates(name)?;
        let mut state = self.state.lock().unwrap();
        let shuffled = candidates.releases.iter().map(|(version, release)| {
            let mut release = release.clone();
            shuffle(&mut release.wheels, &mut state);
            (version.clone(), release)
        });
        Ok(Arc::new(Candidates { known: candidates.known, releases: shuffled.collect() }))
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        self.wait(&(name.clone(), Some((version.clone(), wheel.clone()))));
        self.source.dependencies(name, version, wheel)
    }

    fn hint(&self, soon: &[Asked]) {
        soon.iter().cloned().for_each(|asked| self.ask(asked));
    }
}

fn shuffle(wheels: &mut [CandidateWheel], state: &mut State) {
    for end in (1..wheels.len()).rev() {
        wheels.swap(end, state.roll(end + 1));
    }
}

/// The answer or the story, and the order in which facts arrived.
fn outcome(request: &pipward_resolver::Request, source: &Recorded, seed: u64) -> (String, Vec<Asked>) {
    let state = Mutex::new(State { dice: seed, ..State::default() });
    let facts = Shuffled { source, state, arrived: Condvar::new() };
    let text = std::thread::scope(|scope| {
        scope.spawn(|| facts.serve());
        let solved = solve(request, &facts);
        facts.state.lock().unwrap().closed = true;
        facts.arrived.notify_all();
        match solved {
            Ok(answer) => {
                let wheels: BTreeMap<_, _> =
                    answer.packages.iter().map(|package| (&package.name, &package.wheels)).collect();
                format!("{}{wheels:?}{:?}", show(&answer), answer.warnings)
            }
            Err(SolveError::NoSolution(story)) => story.to_string(),
            Err(SolveError::Facts(error)) => panic!("{error}"),
        }
    });
    (text, facts.state.into_inner().unwrap().order)
}

#[test]
fn the_order_of_answers_changes_nothing() {
    let mut runner = TestRunner::new(super::fixed_seed(0));
    let cases = super::cases(150);
    let mut shuffled = 0;
    for seed in 0..u64::from(cases) {
        let world = any_world().new_tree(&mut runner).unwrap().current();
        let mut request = world.request();
        let marker = world.universe.text.parse().unwrap();
        request.scope = Scope::Universal(Universe { marker, required: Vec::new() });
        let facts = world.recorded();
        let (first, one) = outcome(&request, &facts, seed);
        for other in 1..4 {
            let (again, order) = outcome(&request, &facts, seed + 1000 * other);
            assert_eq!(first, again, "{world:?}");
            shuffled += u32::from(order != one);
        }
    }
    // In small worlds much comes one after the other.
    assert!(shuffled > cases / 2, "the answers came in another order {shuffled} times, of {}", 3 * cases);
}
