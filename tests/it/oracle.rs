//! What `packaging` says of generated versions, specifiers, markers, tags and file names, against what the resolver says.
//!
//! Each test makes its cases from a fixed seed, hands them to one run of Python, and compares. `PIPWARD_TEST_LONG=1` makes
//! many times as many cases, and prints how many.

mod markers;
mod names;
mod ranges;
mod tags;

use crate::support::peers::peers;
use crate::support::run::scratch;
use crate::support::{long, loudly};

/// A small generator of numbers (SplitMix64): the same seed gives the same cases everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// Runs a script on cases, as JSON in and JSON out.
fn asked(script: &str, cases: &serde_json::Value) -> serde_json::Value {
    let scratch = scratch();
    let (input, output) = (scratch.path().join("in.json"), scratch.path().join("out.json"));
    std::fs::write(&input, serde_json::to_vec(cases).unwrap()).unwrap();
    peers().script(script, &[&input, &output]).ok();
    serde_json::from_slice(&std::fs::read(&output).unwrap()).unwrap()
}

/// As many cases as a CI run takes, or more.
fn cases(usual: usize, many: usize) -> usize {
    if long() { many } else { usual }
}

/// Fails with the first differences, if there are any; tells of the rest by their number.
fn none(what: &str, compared: usize, differences: &[String]) {
    let some = differences.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{what}: {} of {compared} differ:\n{some}", differences.len());
    if long() {
        loudly(&format!("{what}: {compared} compared, 0 differ"));
    }
}
