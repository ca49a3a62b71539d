//! The same commands with something tampered with: speed that was bought with a check shows here.

mod locks;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::corpus::Corpus;
use crate::fairness::{difference, tree};
use crate::measure::{run, succeed};
use crate::scenario::{Scenario, Stand};
use crate::server::{Manner, Served};
use crate::side_by_side::{lock_by, lock_without};
use crate::tools::{Ground, Programs, Tool};

/// Changes one byte in the middle.
pub fn change(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
}

/// What a workload is locked to, and where.
pub struct Case<'a> {
    /// The frozen index.
    pub corpus: &'a Corpus,
    /// The programs.
    pub programs: &'a Programs,
    /// An empty directory.
    pub directory: PathBuf,
    /// The requirements, one a line.
    pub requirements: String,
    /// A wheel that is installed.
    pub wheel: String,
    /// The project whose version changes in "one package changed".
    pub changed: Option<&'static str>,
}

/// Tampers in every scenario, one after the other. What is neither refused nor healed is an error.
pub fn check(case: &Case<'_>) -> Result<Vec<String>> {
    let mut told = locks::check(case)?;
    for scenario in [Scenario::InstallCold, Scenario::InstallNoCache] {
        told.push(download(case, scenario)?);
    }
    let honest = Served::start(case.corpus, &Manner::default())?;
    let (ground, lock) = locked(case, &honest.index, false)?;
    let stand = |scenario| Stand::new(scenario, Tool::Pipward, ground.clone(), lock.clone(), lock.clone());
    let mut warm = stand(Scenario::InstallWarm);
    warm.run(case.programs)?;
    let good = tree(&ground.environment())?;
    warm.prepare(case.programs)?;
    let entry = store_entry(&ground.cache())?;
    tamper(&entry)?;
    succeed(&mut warm.command(case.programs).context("no command")?)?;
    same(&good, &ground.environment())?;
    told.push("install warm: a changed entry of the store was not used, and fetched anew".to_owned());

    let victim = installed(&good, &ground.environment())?;
    tamper(&victim)?;
    succeed(&mut stand(Scenario::InstallNothing).command(case.programs).context("no command")?)?;
    same(&good, &ground.environment())?;
    told.push("install of nothing: an edited installed file was written anew".to_owned());
    if let Some(name) = case.changed {
        lock_without(case.programs, &ground, &case.requirements, name)?;
        let other = case.directory.join("pylock.changed.toml");
        std::fs::copy(ground.lock(), &other)?;
        let with = |scenario, lock: &PathBuf| {
            Stand::new(scenario, Tool::Pipward, ground.clone(), lock.clone(), other.clone())
        };
        with(Scenario::InstallWarm, &other).run(case.programs)?;
        let wanted = tree(&ground.environment())?;
        with(Scenario::InstallWarm, &lock).run(case.programs)?;
        same(&good, &ground.environment())?;
        let mut both = good.clone();
        both.retain(|path, digest| wanted.get(path) == Some(digest));
        if both.len() == good.len() {
            bail!("one package changed: the two locks install the same");
        }
        tamper(&installed(&both, &ground.environment())?)?;
        succeed(&mut with(Scenario::InstallChanged, &lock).command(case.programs).context("no command")?)?;
        same(&wanted, &ground.environment())?;
        told.push("one package changed: an edited file of another one was written anew".to_owned());
        with(Scenario::InstallWarm, &lock).run(case.programs)?;
    }
    tamper(&victim)?;
    if run(&mut stand(Scenario::Verify).command(case.programs).context("no command")?)?.ok {
        bail!("verify: an edited installed file was passed over");
    }
    told.push("verify: an edited installed file was told".to_owned());
    Ok(told)
}

/// A lock of the case over an empty cache, and a copy of it.
fn locked(case: &Case<'_>, index: &str, universal: bool) -> Result<(Ground, PathBuf)> {
    Ground::clear(&case.directory)?;
    let ground = Ground::new(case.directory.clone(), index)?;
    lock_by(case.programs, Tool::Pipward, &ground, &case.requirements, universal)?;
    let lock = case.directory.join("pylock.toml");
    std::fs::copy(ground.lock(), &lock)?;
    Ok((ground, lock))
}

/// A wheel that is not what the lock says.
fn download(case: &Case<'_>, scenario: Scenario) -> Result<String> {
    let manner = Manner { tamper: Some(case.wheel.clone()), ..Manner::default() };
    let server = Served::start(case.corpus, &manner)?;
    let (ground, lock) = locked(case, &server.index, false)?;
    let mut stand = Stand::new(scenario, Tool::Pipward, ground.clone(), lock.clone(), lock);
    stand.prepare(case.programs)?;
    let before = tree(&ground.environment())?;
    if run(&mut stand.command(case.programs).context("no command")?)?.ok {
        bail!("{}: a changed wheel was installed", scenario.name());
    }
    if let Some(told) = difference(&before, &tree(&ground.environment())?) {
        bail!("{}: a refused wheel left something: {told}", scenario.name());
    }
    Ok(format!("{}: a changed wheel was refused, and nothing was left of it", scenario.name()))
}

fn same(good: &std::collections::BTreeMap<String, String>, environment: &Path) -> Result<()> {
    match difference(good, &tree(environment)?) {
        None => Ok(()),
        Some(told) => bail!("an environment is not what it was: {told}"),
    }
}

fn tamper(path: &Path) -> Result<()> {
    let mut bytes = std::fs::read(path)?;
    change(&mut bytes);
    Ok(std::fs::write(path, bytes)?)
}

/// The first wheel of pipward's store.
fn store_entry(cache: &Path) -> Result<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(cache.join("wheels"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    entries.sort();
    entries.into_iter().next().context("the store is empty")
}

/// A module that a wheel brought.
fn installed(tree: &std::collections::BTreeMap<String, String>, environment: &Path) -> Result<PathBuf> {
    let mut modules = tree.keys().filter(|path| path.contains("site-packages") && path.ends_with(".py"));
    let module =
        modules.find(|path| std::fs::metadata(environment.join(path)).is_ok_and(|found| found.len() > 10));
    Ok(environment.join(module.context("no module")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_byte() {
        let mut bytes = b"hello".to_vec();
        change(&mut bytes);
        assert_eq!(bytes.iter().zip(b"hello").filter(|(a, b)| a != b).count(), 1);
        change(&mut []);
    }
}
