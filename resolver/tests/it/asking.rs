//! What a solve asks of its facts: nothing twice, and it says what it will ask for.

use std::cell::RefCell;
use std::sync::Arc;

use pipward_resolver::recorded::Recorder;
use pipward_resolver::{
    Candidates, Dependencies, Facts, FactsError, PackageName, Recorded, Version, WheelName, solve,
};

use crate::scenario::{request, world};

/// Facts that notes what it is asked and hinted at.
struct Noted {
    facts: Recorded,
    asked: RefCell<Vec<String>>,
    hinted: RefCell<Vec<Vec<String>>>,
}

impl Facts for Noted {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        self.asked.borrow_mut().push(name.to_string());
        self.facts.candidates(name)
    }
    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        self.asked.borrow_mut().push(format!("{name} {version}"));
        self.facts.dependencies(name, version, wheel)
    }
    fn hint(&self, soon: &[(PackageName, Option<(Version, WheelName)>)]) {
        let show = |(name, version): &(PackageName, Option<(Version, WheelName)>)| match version {
            Some((version, _)) => format!("{name} {version}"),
            None => name.to_string(),
        };
        self.hinted.borrow_mut().push(soon.iter().map(show).collect());
    }
}

fn noted(text: &str, requirements: &[&str]) -> Noted {
    let noted = Noted { facts: world(text), asked: RefCell::default(), hinted: RefCell::default() };
    let _ = solve(&request(requirements), &noted);
    noted
}

#[test]
fn asks_for_nothing_twice_and_hints_level_by_level() {
    let noted = noted(
        "
        a 1 | c | d
        b 1 | d | e
        b 2 | d | e
        c 1
        d 1
        e 1",
        &["a", "b"],
    );
    let mut asked = noted.asked.borrow().clone();
    asked.sort();
    let mut once = asked.clone();
    once.dedup();
    assert_eq!(asked, once);
    let hinted = noted.hinted.borrow();
    let expected: [&[&str]; 5] = [&["a", "b"], &["a 1", "b 2"], &["c", "d"], &["e"], &["c 1", "d 1", "e 1"]];
    assert_eq!(*hinted, expected);
}

#[test]
fn hints_at_several_versions_when_it_backtracks() {
    let versions: String = (1..40).map(|version| format!("a {version} | b=={version}\n")).collect();
    let noted = noted(&format!("{versions}b 1"), &["a", "b"]);
    let longest = noted.hinted.borrow().iter().map(Vec::len).max().unwrap();
    assert!(longest >= 8, "{longest}");
}

/// It is chosen again each time that another one goes back, and nothing of it is new.
#[test]
fn hints_at_no_other_versions_of_what_stays_as_it_was() {
    let versions: String =
        (1..40).map(|version| format!("a {version}\nb {version} | c=={version}\n")).collect();
    for roots in [["a", "b"], ["b", "a"]] {
        let noted = noted(&format!("{versions}c 1"), &roots);
        let hinted = noted.hinted.borrow();
        let mut of_a = hinted.iter().flatten().filter(|hint| hint.starts_with("a "));
        assert!(of_a.all(|hint| hint == "a 39"), "{hinted:?}");
    }
}

#[test]
fn a_record_repeats_a_solve() {
    let facts = world(
        "
        a 1 | b>=1; python_version >= '3'
        a 2 yanked=why | c
        b 1 extras=x
        b 2 sdist
        c 1",
    );
    let recorder = Recorder::new(&facts);
    let first = solve(&request(&["a", "b[x]"]), &recorder).unwrap();
    let record = recorder.into_record();
    let again = Recorded::from_json(&record.to_json().unwrap()).unwrap();
    assert_eq!(record, again);
    assert_eq!(solve(&request(&["a", "b[x]"]), &again).unwrap(), first);
    assert!(again.projects.len() == 2, "only what was asked for");
}

#[test]
fn a_missing_fact_stops_the_solve() {
    let mut facts = world("a 1");
    facts
        .projects
        .values_mut()
        .flat_map(|project| project.values_mut())
        .for_each(|release| release.metadata = None);
    let error = solve(&request(&["a"]), &facts).unwrap_err();
    assert!(matches!(error, pipward_resolver::SolveError::Facts(_)));
}
