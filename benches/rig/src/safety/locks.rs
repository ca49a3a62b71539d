//! Locks of an index, a cache and a standing lock that were tampered with.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Case, locked, tamper};
use crate::corpus::Corpus;
use crate::fairness::pins;
use crate::measure::run;
use crate::scenario::{Scenario, Stand};
use crate::server::{Manner, Served};
use crate::tools::{Ground, Tool};

/// Tampers in every scenario that locks.
pub(super) fn check(case: &Case<'_>) -> Result<Vec<String>> {
    let mut told = Vec::new();
    for scenario in [Scenario::LockCold, Scenario::UniversalCold] {
        told.push(metadata(case, scenario)?);
    }
    for scenario in [Scenario::LockWarm, Scenario::UniversalWarm, Scenario::LockCheck] {
        told.push(cache(case, scenario)?);
    }
    told.push(standing(case)?);
    Ok(told)
}

fn is_universal(scenario: Scenario) -> bool {
    matches!(scenario, Scenario::UniversalCold | Scenario::UniversalWarm)
}

/// Where pipward locks in a scenario, over a lock that it made.
fn stand(case: &Case<'_>, scenario: Scenario, index: &str) -> Result<Stand> {
    let (ground, lock) = locked(case, index, is_universal(scenario))?;
    Ok(Stand::new(scenario, Tool::Pipward, ground, lock.clone(), lock))
}

/// A metadata file that is not what its page says: the lock is the one that honest files give, or there is none.
fn metadata(case: &Case<'_>, scenario: Scenario) -> Result<String> {
    let pinned = |corpus: &Corpus, manner: &Manner| -> Result<_> {
        let server = Served::start(corpus, manner)?;
        pins(&locked(case, &server.index, is_universal(scenario))?.1)
    };
    let good = pinned(case.corpus, &Manner::default())?;
    let tamper = Some(format!("{}.metadata", case.wheel));
    let name = scenario.name();
    match pinned(case.corpus, &Manner { tamper, ..Manner::default() }) {
        Err(_) => Ok(format!("{name}: a changed metadata file was refused")),
        Ok(pins) if pins == good => {
            Ok(format!("{name}: a changed metadata file was not used, and the wheel itself asked"))
        }
        Ok(_) => bail!("{name}: a changed metadata file was believed"),
    }
}

/// Every index page and metadata file that is kept: the lock is the one that honest ones give, or there is none.
fn cache(case: &Case<'_>, scenario: Scenario) -> Result<String> {
    let server = Served::start(case.corpus, &Manner::default())?;
    let mut stand = stand(case, scenario, &server.index)?;
    let good = pins(&stand.ground.lock())?;
    stand.prepare(case.programs)?;
    let changed = ["index", "metadata"]
        .map(|part| tamper_below(&stand.ground.cache().join(part)))
        .into_iter()
        .sum::<Result<usize>>()?;
    let name = scenario.name();
    if changed == 0 {
        bail!("{name}: nothing is kept that could be changed");
    }
    if !run(&mut stand.command(case.programs).context("no command")?)?.ok {
        return Ok(format!("{name}: {changed} changed pages and metadata files of the cache were refused"));
    }
    if pins(&stand.ground.lock())? != good {
        bail!("{name}: a changed entry of the cache was believed");
    }
    Ok(format!("{name}: {changed} changed pages and metadata files of the cache were not believed"))
}

/// A standing lock with another hash than its index gives.
fn standing(case: &Case<'_>) -> Result<String> {
    let server = Served::start(case.corpus, &Manner::default())?;
    let mut stand = stand(case, Scenario::LockCheck, &server.index)?;
    stand.prepare(case.programs)?;
    let mut check = stand.command(case.programs).context("no command")?;
    if !run(&mut check)?.ok {
        bail!("lock --check: an honest lock was refused");
    }
    other_hash(&stand.ground)?;
    if run(&mut check)?.ok {
        bail!("lock --check: a hash that was changed was passed over");
    }
    Ok("lock --check: a lock with another hash was refused".to_owned())
}

/// Changes the first digit of the first SHA-256 of a lock.
fn other_hash(ground: &Ground) -> Result<()> {
    let text = std::fs::read_to_string(ground.lock())?;
    let (before, hash) = text.split_once("sha256 = \"").context("the lock has no hash")?;
    let mut digits = hash.chars();
    let first = digits.next().context("the lock is cut")?;
    let other = if first == '0' { '1' } else { '0' };
    Ok(std::fs::write(ground.lock(), format!("{before}sha256 = \"{other}{}", digits.as_str()))?)
}

/// Changes every file below a directory; returns how many.
fn tamper_below(directory: &Path) -> Result<usize> {
    let mut changed = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            changed += tamper_below(&entry.path())?;
        } else {
            tamper(&entry.path())?;
            changed += 1;
        }
    }
    Ok(changed)
}
