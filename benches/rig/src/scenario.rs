//! What is measured of a workload: before each run everything is as it was before the last one.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::measure::{Sample, measured, size_of, succeed};
use crate::tools::{Action, Ground, Programs, Tool, command};

/// Starts of a process that make one sample.
const STARTS: u32 = 20;
/// A warm cache is warmed again after this long: pages are fresh for ten minutes.
const FRESH: Duration = Duration::from_secs(400);

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// A lock for one environment, nothing known.
    LockCold,
    /// The same, everything in the cache.
    LockWarm,
    /// A lock for every environment, nothing known.
    UniversalCold,
    /// The same, everything in the cache.
    UniversalWarm,
    /// Whether a standing lock follows from its inputs.
    LockCheck,
    /// An install with an empty cache.
    InstallCold,
    /// An install without a cache.
    InstallNoCache,
    /// An install into an empty environment, everything in the cache.
    InstallWarm,
    /// An install where everything is in its place.
    InstallNothing,
    /// An install where one package has another version.
    InstallChanged,
    /// Comparing what is installed with the lock.
    Verify,
    /// The start of a process.
    Start,
}

impl Scenario {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::LockCold => "lock cold",
            Self::LockWarm => "lock warm",
            Self::UniversalCold => "universal cold",
            Self::UniversalWarm => "universal warm",
            Self::LockCheck => "lock --check",
            Self::InstallCold => "install cold",
            Self::InstallNoCache => "install without cache",
            Self::InstallWarm => "install warm",
            Self::InstallNothing => "install of nothing",
            Self::InstallChanged => "one package changed",
            Self::Verify => "verify",
            Self::Start => "process start",
        }
    }

    /// Who takes part besides pipward.
    pub fn peers(self) -> &'static [Tool] {
        match self {
            Self::LockCold => &[Tool::Uv, Tool::Pip],
            Self::LockWarm | Self::UniversalCold | Self::UniversalWarm | Self::LockCheck => &[Tool::Uv],
            Self::InstallCold => &[Tool::Uv, Tool::Pip, Tool::PipCompiling, Tool::Limit],
            Self::InstallNoCache => &[Tool::Uv, Tool::Rip],
            Self::InstallNothing | Self::InstallChanged | Self::Start => &[Tool::Uv],
            Self::InstallWarm => &[Tool::UvCopy, Tool::Uv],
            Self::Verify => &[],
        }
    }
}

/// One tool in one scenario.
pub struct Stand {
    scenario: Scenario,
    tool: Tool,
    /// Where it runs.
    pub ground: Ground,
    lock: PathBuf,
    changed: PathBuf,
    warmed: Option<Instant>,
}

impl Stand {
    /// A tool that has not run yet. `lock` is what is installed, `changed` the one with another version.
    pub fn new(scenario: Scenario, tool: Tool, ground: Ground, lock: PathBuf, changed: PathBuf) -> Self {
        Self { scenario, tool, ground, lock, changed, warmed: None }
    }

    fn action(&self) -> Action<'_> {
        match self.scenario {
            Scenario::LockCold | Scenario::LockWarm => Action::Lock { universal: false, check: false },
            Scenario::UniversalCold | Scenario::UniversalWarm => {
                Action::Lock { universal: true, check: false }
            }
            Scenario::LockCheck => Action::Lock { universal: false, check: true },
            Scenario::InstallCold | Scenario::InstallWarm | Scenario::InstallNothing => {
                Action::Install { lock: &self.lock, cached: true }
            }
            Scenario::InstallNoCache => Action::Install { lock: &self.lock, cached: false },
            Scenario::InstallChanged => Action::Install { lock: &self.changed, cached: true },
            Scenario::Verify => Action::Verify { lock: &self.lock },
            Scenario::Start => Action::Start,
        }
    }

    /// The command of the scenario. `None` where the tool has nothing of the kind.
    pub fn command(&self, programs: &Programs) -> Option<std::process::Command> {
        command(programs, self.tool, &self.ground, self.action())
    }

    fn other(&self, programs: &Programs, action: Action<'_>) -> Result<()> {
        if let Some(mut command) = command(programs, self.tool, &self.ground, action) {
            succeed(&mut command)?;
        }
        Ok(())
    }

    /// Puts everything as it has to stand before a run.
    pub fn prepare(&mut self, programs: &Programs) -> Result<()> {
        let ground = &self.ground;
        let install = Action::Install { lock: &self.lock, cached: true };
        let stale = self.warmed.is_none_or(|when| when.elapsed() > FRESH);
        match self.scenario {
            Scenario::LockCold | Scenario::UniversalCold => {
                Ground::take_away(&ground.cache())?;
                Ground::clear(&ground.lock())?;
            }
            Scenario::LockWarm | Scenario::UniversalWarm | Scenario::LockCheck => {
                if stale {
                    Ground::take_away(&ground.cache())?;
                    Ground::clear(&ground.lock())?;
                    let universal = self.scenario == Scenario::UniversalWarm;
                    self.other(programs, Action::Lock { universal, check: false })?;
                    self.warmed = Some(Instant::now());
                }
                if self.scenario != Scenario::LockCheck {
                    Ground::clear(&self.ground.lock())?;
                }
            }
            Scenario::InstallCold | Scenario::InstallNoCache => {
                Ground::take_away(&ground.cache())?;
                ground.new_environment(programs)?;
            }
            Scenario::InstallWarm => {
                if stale {
                    Ground::take_away(&ground.cache())?;
                    ground.new_environment(programs)?;
                    self.other(programs, install)?;
                    self.warmed = Some(Instant::now());
                }
                self.ground.new_environment(programs)?;
            }
            Scenario::InstallNothing | Scenario::Verify => {
                if self.warmed.is_none() {
                    ground.new_environment(programs)?;
                    self.other(programs, install)?;
                    self.warmed = Some(Instant::now());
                }
            }
            Scenario::InstallChanged => {
                if self.warmed.is_none() {
                    ground.new_environment(programs)?;
                    self.other(programs, Action::Install { lock: &self.changed, cached: true })?;
                }
                self.other(programs, install)?;
                self.warmed = Some(Instant::now());
            }
            Scenario::Start => {}
        }
        Ok(())
    }

    /// Runs once.
    pub fn run(&mut self, programs: &Programs) -> Result<Option<Sample>> {
        self.prepare(programs)?;
        self.ground.settle()?;
        if self.scenario == Scenario::Start {
            return self.start(programs);
        }
        let Some(command) = self.command(programs) else { return Ok(None) };
        let mut sample = measured(&command)?;
        sample.cache = size_of(&self.ground.cache());
        Ok(Some(sample))
    }

    fn start(&self, programs: &Programs) -> Result<Option<Sample>> {
        let mut all = Sample::default();
        for _ in 0..STARTS {
            let Some(command) = self.command(programs) else { return Ok(None) };
            let sample = measured(&command)?;
            all.wall += sample.wall / f64::from(STARTS);
            all.cpu += sample.cpu / f64::from(STARTS);
            all.peak = all.peak.max(sample.peak);
        }
        Ok(Some(all))
    }
}
