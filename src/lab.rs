//! Attacks that have happened, replayed on this machine, to be watched: what plain pip does, and what pipward says.
//!
//! Owns: the scenarios, a folder of their own that is removed at the end, an index on the loopback address, and wheels that
//! leave a mark in that folder and do nothing else. Never: asks another machine, and never touches a file outside of its folder.

mod index;
mod scenes;
pub mod signed;
mod stage;
mod wheel;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::error::{Code, Problem};

pub use stage::{Step, Who};

/// A scenario.
#[derive(Debug)]
pub struct Scenario {
    /// What is typed to run it.
    pub name: &'static str,
    /// What is attacked, in one sentence.
    pub title: &'static str,
    /// Where it has happened, and when.
    pub happened: &'static str,
    /// What plain pip does.
    pub plain: &'static str,
    play: fn(&mut stage::Stage) -> Result<(), Problem>,
}

/// What a scenario needs of the machine.
#[derive(Debug, Clone)]
pub struct Bench {
    /// A Python to install for, and whose pip is shown, if it has one.
    pub python: PathBuf,
    /// The time.
    pub now: Timestamp,
}

/// How a scenario went.
#[derive(Debug, Clone)]
pub struct Played {
    /// What was typed, and what came of it.
    pub steps: Vec<Step>,
    /// Whether the payload ran after pip had installed it; `None` where no pip was at hand.
    pub ran_with_pip: Option<bool>,
    /// The codes with which pipward told of the attack.
    pub codes: Vec<Code>,
}

/// All scenarios, in an order to watch them in.
pub const SCENARIOS: &[Scenario] = scenes::ALL;

impl Scenario {
    /// The scenario of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Plays it in a folder of its own, which is removed afterwards.
    ///
    /// # Errors
    /// Those of files and programs; `internal` where pipward does not say what it has to.
    pub fn play(&self, bench: &Bench) -> Result<Played, Problem> {
        // Whoever interrupts it waits until the folder is gone.
        let _writing = crate::way::Writing::begin();
        let mut stage = stage::Stage::new(bench)?;
        (self.play)(&mut stage)?;
        Ok(stage.end())
    }
}
