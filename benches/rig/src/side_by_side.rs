//! The run: every workload, scenario and place, the tools in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::corpus::Corpus;
use crate::fairness::{difference, pins, tree, wheels};
use crate::measure::succeed;
use crate::report::{Row, Run};
use crate::scenario::{Scenario, Stand};
use crate::server::{Manner, Served};
use crate::tools::{Action, Ground, Programs, Tool, command, is_memory};
use crate::workload::Workload;

/// How often a scenario is measured until nothing is fetched meanwhile.
const TRIES: usize = 4;

/// What is run.
pub struct Plan<'a> {
    /// The programs.
    pub programs: &'a Programs,
    /// The frozen index.
    pub corpus: &'a Corpus,
    /// How it is served.
    pub manner: &'a Manner,
    /// The workloads.
    pub workloads: Vec<&'static Workload>,
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// Rounds of each tool; one more is run before and not counted.
    pub rounds: usize,
    /// Rounds of pip, which takes its time.
    pub pip_rounds: usize,
    /// Where the numbers are kept, after each row.
    pub keep: Option<&'a Path>,
}

/// The locks of a workload: what all tools install.
pub struct Locked {
    /// The lock.
    pub lock: PathBuf,
    /// The same with another version of one package.
    pub changed: PathBuf,
    /// The wheels that it selects.
    pub wheels: Vec<PathBuf>,
}

/// What a workload may take of a disk, in bytes.
const ROOM: u64 = 32 << 30;

/// Measures everything in one place: in a directory of its own in `directory`.
pub fn place(plan: &Plan<'_>, name: &str, directory: &Path, run: &mut Run) -> Result<()> {
    let server = Served::start(plan.corpus, plan.manner)?;
    let place = directory.join("pipward-rig");
    Ground::clear(&place)?;
    for workload in &plan.workloads {
        let directory = place.join(workload.name);
        let locked = lock(plan, workload, &directory, &server.index, run)?;
        for scenario in &plan.scenarios {
            eprintln!("{name}: {}: {}", workload.name, scenario.name());
            let told = run.fairness.len();
            let once = |run: &mut Run| {
                run.fairness.truncate(told);
                scenario_of(plan, workload, *scenario, &directory, &locked, &server.index, run)
                    .with_context(|| format!("{name}: {}: {}", workload.name, scenario.name()))
            };
            let samples = undisturbed(plan.corpus, || once(run))?;
            run.rows.push(Row {
                place: name.to_owned(),
                workload: workload.name.to_owned(),
                scenario: *scenario,
                samples,
            });
            if let Some(keep) = plan.keep {
                std::fs::write(keep, serde_json::to_vec_pretty(run)?)?;
            }
        }
        Ground::take_away(&directory)?;
        let room = rustix::fs::statvfs(&place)?;
        if !is_memory(&place)? && room.f_bavail.saturating_mul(room.f_frsize) < ROOM {
            eprintln!(
                "{name}: what was measured is removed, for want of room: runs right after it may be slower"
            );
            Ground::clear(&place)?;
        }
    }
    Ground::clear(&place)
}

/// Measures anew what the network was waited for: with `--record` the server fetches what it does not have.
fn undisturbed<S>(corpus: &Corpus, mut measure: impl FnMut() -> Result<S>) -> Result<S> {
    for _ in 0..TRIES {
        let before = corpus.count()?;
        let samples = measure()?;
        if corpus.count()? == before {
            return Ok(samples);
        }
        eprintln!("something was fetched meanwhile: once more");
    }
    anyhow::bail!("each time something was fetched that the corpus does not have")
}

/// Locks a workload with pipward and with uv, and compares.
pub fn lock(
    plan: &Plan<'_>,
    workload: &Workload,
    directory: &Path,
    index: &str,
    run: &mut Run,
) -> Result<Locked> {
    let locked = Locked {
        lock: directory.join("pylock.toml"),
        changed: directory.join("pylock.changed.toml"),
        wheels: Vec::new(),
    };
    let mut locks = Vec::new();
    for tool in [Tool::Pipward, Tool::Uv] {
        let ground = Ground::new(directory.join(format!("lock-{}", tool.name())), index)?;
        locks.push(lock_by(plan.programs, tool, &ground, &workload.requirements(), false)?);
        if tool == Tool::Pipward {
            std::fs::copy(ground.lock(), &locked.lock)?;
            std::fs::copy(ground.lock(), &locked.changed)?;
            if let Some(name) = workload.changed {
                lock_without(plan.programs, &ground, &workload.requirements(), name)?;
                std::fs::copy(ground.lock(), &locked.changed)?;
            }
        }
    }
    let [ours, theirs] = locks.as_slice() else { anyhow::bail!("two locks") };
    let (all, other) = (versions(ours), versions(theirs).symmetric_difference(&versions(ours)).count());
    run.fairness.push(format!(
        "{}: {} packages locked; {other} entries differ from uv's lock",
        workload.name,
        all.len()
    ));
    same_universal(plan, workload, directory, index, run)?;
    let mut download = std::process::Command::new(&plan.programs.pipward);
    let folder = directory.join("wheels");
    download.args(["download", "-q", "-r"]).arg(&locked.lock).arg("-d").arg(&folder);
    download.arg("--python").arg(&plan.programs.python).args(["--no-cache-dir", "--index-url", index]);
    download.env("HOME", directory);
    succeed(&mut download)?;
    let mut wheels: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    wheels.retain(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheels.sort();
    Ok(Locked { wheels, ..locked })
}

/// Locks with a tool. What that pins.
pub fn lock_by(
    programs: &Programs,
    tool: Tool,
    ground: &Ground,
    requirements: &str,
    universal: bool,
) -> Result<BTreeSet<String>> {
    std::fs::write(ground.requirements(), requirements)?;
    Ground::clear(&ground.lock())?;
    let action = Action::Lock { universal, check: false };
    succeed(&mut command(programs, tool, ground, action).context("no command")?)?;
    pins(&ground.lock())
}

/// Locks anew, with another version of a project than the standing lock has.
pub fn lock_without(programs: &Programs, ground: &Ground, requirements: &str, name: &str) -> Result<()> {
    let standing = pins(&ground.lock())?;
    let pinned = standing.iter().find_map(|pin| pin.strip_prefix(&format!("{name} ")));
    let version = pinned.and_then(|pin| pin.split(' ').next()).context("nothing to change")?;
    let requirements = format!("{requirements}{name}!={version}\n");
    lock_by(programs, Tool::Pipward, ground, &requirements, false).map(|_| ())
}

/// Locks for all environments with both, and compares.
fn same_universal(
    plan: &Plan<'_>,
    workload: &Workload,
    directory: &Path,
    index: &str,
    run: &mut Run,
) -> Result<()> {
    let mut locks = Vec::new();
    for tool in [Tool::Pipward, Tool::Uv] {
        let ground = Ground::new(directory.join(format!("universal-{}", tool.name())), index)?;
        locks.push(versions(&lock_by(plan.programs, tool, &ground, &workload.requirements(), true)?));
    }
    let [ours, theirs] = locks.as_slice() else { anyhow::bail!("two locks") };
    run.fairness.push(format!(
        "{}: {} versions locked for all environments; {} differ from uv's",
        workload.name,
        ours.len(),
        ours.symmetric_difference(theirs).count()
    ));
    Ok(())
}

/// Names and versions of what is pinned.
fn versions(pins: &BTreeSet<String>) -> BTreeSet<String> {
    pins.iter().map(|pin| pin.rsplit_once(' ').map_or(pin.as_str(), |(pin, _)| pin).to_owned()).collect()
}

fn scenario_of(
    plan: &Plan<'_>,
    workload: &Workload,
    scenario: Scenario,
    directory: &Path,
    locked: &Locked,
    index: &str,
    run: &mut Run,
) -> Result<BTreeMap<Tool, Vec<crate::measure::Sample>>> {
    let mut stands = Vec::new();
    for tool in std::iter::once(Tool::Pipward).chain(scenario.peers().iter().copied()) {
        if tool.is_pip() && plan.pip_rounds == 0 || tool == Tool::Rip && plan.programs.rip.is_none() {
            continue;
        }
        let mut ground =
            Ground::new(directory.join(format!("run-{}", tool.name().replace(' ', "-"))), index)?;
        ground.wheels.clone_from(&locked.wheels);
        std::fs::write(ground.requirements(), workload.requirements())?;
        let (lock, changed) = (locked.lock.clone(), locked.changed.clone());
        stands.push((tool, Stand::new(scenario, tool, ground, lock, changed)));
    }
    let mut samples: BTreeMap<Tool, Vec<_>> = BTreeMap::new();
    for round in 0..=plan.rounds {
        for (tool, stand) in &mut stands {
            let warming = round == 0;
            if tool.is_pip() && (warming || round > plan.pip_rounds) {
                continue;
            }
            let sample = stand.run(plan.programs)?;
            if !warming {
                samples.entry(*tool).or_default().extend(sample);
            }
        }
    }
    let is_install = matches!(
        scenario,
        Scenario::InstallCold
            | Scenario::InstallNoCache
            | Scenario::InstallWarm
            | Scenario::InstallNothing
            | Scenario::InstallChanged
    );
    if is_install {
        same_trees(workload, scenario, &stands, run)?;
    }
    for (_, stand) in &stands {
        Ground::take_away(&stand.ground.cache())?;
        Ground::take_away(&stand.ground.environment())?;
        Ground::clear(&stand.ground.lock())?;
    }
    samples.retain(|_, samples| !samples.is_empty());
    Ok(samples)
}

fn same_trees(
    workload: &Workload,
    scenario: Scenario,
    stands: &[(Tool, Stand)],
    run: &mut Run,
) -> Result<()> {
    let mut ours: Option<BTreeMap<String, String>> = None;
    for (tool, stand) in stands.iter().filter(|(tool, _)| *tool != Tool::Limit) {
        let theirs = tree(&stand.ground.environment())?;
        let Some(ours) = &ours else {
            ours = Some(theirs);
            continue;
        };
        let told = difference(ours, &theirs).unwrap_or_else(|| "file for file the same".to_owned());
        run.fairness.push(format!(
            "{}: {}: {} files next to {}'s: {told}",
            workload.name,
            scenario.name(),
            ours.len(),
            tool.name()
        ));
        if *tool == Tool::Rip {
            let refused = std::fs::read_to_string(stand.ground.refused())?;
            run.fairness.extend(refused.lines().map(|line| format!("{}: rip refuses {line}", workload.name)));
        }
    }
    Ok(())
}

/// A wheel of a workload's lock that is installed, for tampering.
pub fn a_wheel(locked: &Locked) -> Result<String> {
    let named = wheels(&locked.lock)?;
    let installed = locked.wheels.iter().filter_map(|path| path.file_name()?.to_str());
    installed
        .filter(|name| named.iter().any(|wheel| wheel == name))
        .map(str::to_owned)
        .next()
        .context("no wheel")
}
