//! The catalogue of hostile input, tried through the command line: each row has its cases, each case one code.
//!
//! A refused run leaves environment, store and everything around them as they were, does not panic, and takes neither
//! much memory nor much time. `PIPWARD_TEST_LONG=1` runs every case; a sample of each row runs by default (the same
//! cases run whole, by the types, in `hostile_archive`, `wheel` and `plan`). `others` puts the same corpus through pip and uv.

mod cases;
mod contest;
mod controls;
mod ground;
mod loaded;
mod others;
mod policy;
mod programs;
mod rows;
mod startup;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipward::error::Code;

use crate::support::{long, loudly};
use ground::Ground;

/// So many cases of a row run by default.
const SAMPLE: usize = 2;

/// Bad input, and what is said of it.
pub struct Case {
    pub row: &'static str,
    pub what: String,
    pub code: Code,
    pub input: Input,
}

/// How bad input comes.
pub enum Input {
    /// As wheels that a lock is right about.
    Wheels(Vec<(String, Vec<u8>)>),
    /// As a lock; the wheel `pear-1.0-py3-none-any.whl` lies beside it.
    Lock(Vec<u8>),
}

/// Runs one case; what is wrong with how it went.
fn tried(ground: &mut Ground, case: &Case) -> Vec<String> {
    let lock = match &case.input {
        Input::Wheels(wheels) => ground.lock_of(wheels),
        Input::Lock(text) => {
            ground.lock_of(&[cases::pear()]);
            std::fs::write(ground.path("work/pylock.toml"), text).unwrap();
            "pylock.toml".to_owned()
        }
    };
    let ran = ground.run(&["install", "--venv", "../stays/env", "-r", &lock, "--no-deps"]);
    let mut faults = ground.faults(&ran, case.code);
    if ran.stderr.contains(cases::PASSWORD) || ran.stdout.contains(cases::PASSWORD) {
        faults.push(format!("it tells a password: {}{}", ran.stdout, ran.stderr));
    }
    ground.settle();
    faults.into_iter().map(|fault| format!("{}: {}: {fault}", case.row, case.what)).collect()
}

/// Runs `work` for each of `all` on a few grounds at once, and gathers what is wrong.
fn on_grounds<T: Sync>(all: &[T], work: impl Fn(&mut Ground, &T) -> Vec<String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut ground = Ground::new();
                while let Some(one) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let found = work(&mut ground, one);
                    faults.lock().unwrap().extend(found);
                }
            });
        }
    });
    faults.into_inner().unwrap()
}

#[test]
fn every_row_of_the_catalogue_is_refused_with_its_code() {
    let all = cases::all();
    assert!(all.len() >= 150, "{} cases", all.len());
    let mut taken: Vec<&Case> = Vec::new();
    for row in rows::ROWS {
        let cases: Vec<&Case> = all.iter().filter(|case| case.row == row.name).collect();
        let step = if long() { 1 } else { cases.len().div_ceil(SAMPLE).max(1) };
        taken.extend(cases.into_iter().step_by(step));
    }
    if long() {
        loudly(&format!("hostile: {} cases", taken.len()));
    }
    let faults = on_grounds(&taken, |ground, case| tried(ground, case));
    assert!(faults.is_empty(), "{} faults in {} cases:\n{}", faults.len(), taken.len(), faults.join("\n"));
}

#[test]
fn every_row_of_the_catalogue_has_its_cases() {
    let all = cases::all();
    let sources: String = crate::tidy::test_sources();
    let mut missing = Vec::new();
    for row in rows::ROWS {
        let cases = all.iter().filter(|case| case.row == row.name).count();
        if cases == 0 && row.tests.is_empty() {
            missing.push(format!("{}: neither a case nor a test", row.name));
        }
        let gone = row.tests.iter().filter(|test| !sources.contains(&format!("fn {test}()")));
        missing.extend(gone.map(|test| format!("{}: there is no test {test}", row.name)));
    }
    let unknown = all.iter().filter(|case| !rows::ROWS.iter().any(|row| row.name == case.row));
    missing.extend(unknown.map(|case| format!("{}: no such row", case.row)));
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
