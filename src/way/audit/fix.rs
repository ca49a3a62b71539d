//! The smallest change of a lock that clears the findings of an audit.
//!
//! Owns: which versions are asked for, lowest first, that one package which cannot be moved keeps no other from it, and that
//! the new lock is audited as the old one was. Never: writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pep508_rs::VersionOrUrl;
use pipward_resolver::{MarkerTree, PackageName, Version, VersionSpecifiers, markers};

use super::{AuditRequest, Audited, What, audit};
use crate::advisory::Finding;
use crate::error::{Code, Place, Problem, Problems};
use crate::lock::Lock;
use crate::way::lock::{LockRequest, Locked, Offered, Upgrade, Within, lock, offered};

/// How often a fix may turn out to need another one.
const ROUNDS: usize = 8;
/// How many versions above the lowest are tried where that one cannot be had.
const TRIES: usize = 4;

/// What can be done about an audit.
pub struct Fixed {
    /// The lock that was changed; none where nothing can be.
    pub locked: Option<Locked>,
    /// The audit of what would stand then.
    pub audited: Audited,
    /// What still fails.
    pub left: Vec<Left>,
}

/// A version that stays, with what is known of it.
pub struct Left {
    /// The package.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// What it is known by.
    pub ids: Vec<String>,
    /// Why it stays.
    pub why: Why,
}

/// Why a version stays.
#[derive(Debug, Clone)]
pub enum Why {
    /// It is malware, of which no version above it is free: it is taken out by hand.
    Malware,
    /// No version above it is free of it, of so many that there are.
    NoVersion(usize),
    /// A requirement of the user leaves out all versions that are free of it, of which this one is the lowest.
    Bound {
        /// The lowest version that is free of it.
        fix: Version,
        /// The requirement.
        requirement: String,
        /// Where it stands.
        place: Place,
    },
    /// The versions that are free of it, of which this one is the lowest, cannot be had together with the rest.
    NoSolution {
        /// The lowest version that is free of it.
        fix: Version,
        /// Why.
        story: Box<Problem>,
    },
    /// The versions that are free of it are for newer Pythons alone; it is kept for the others.
    Pythons {
        /// The lowest version that is free of it.
        fix: Version,
        /// The Pythons that it is for.
        pythons: VersionSpecifiers,
    },
    /// It was not told in so many rounds.
    Rounds,
}

/// A version that has to go.
struct Target {
    name: PackageName,
    from: Version,
    /// Where it is needed, if other versions are needed elsewhere.
    marker: Option<MarkerTree>,
    ids: Vec<String>,
    /// The versions above it that are free of what is known of it, lowest first.
    clean: Vec<Version>,
    /// The versions above the lowest of those that are not.
    bad: Vec<Version>,
}

impl Target {
    fn key(&self) -> (PackageName, Version) {
        (self.name.clone(), self.from.clone())
    }

    fn within(&self, specifiers: &str) -> Option<Within> {
        Some(Within {
            name: self.name.clone(),
            specifiers: specifiers.parse::<VersionSpecifiers>().ok()?,
            marker: self.marker.clone(),
            by: format!("audit --fix, for {} of {} {}", self.ids.join(", "), self.name, self.from),
        })
    }

    fn at(&self, version: &Version) -> Option<Within> {
        self.within(&format!("=={version}"))
    }

    /// Any of its clean versions.
    fn anywhere(&self) -> Option<Within> {
        let mut text = format!(">={}", self.clean.first()?);
        self.bad.iter().for_each(|version| text.push_str(&format!(",!={version}")));
        self.within(&text)
    }
}

/// The search for a lock.
struct Search<'a> {
    request: &'a mut LockRequest,
    step: &'a dyn Fn(),
    /// What waits for nothing anyway.
    exempt: BTreeSet<PackageName>,
    /// The ranges that were found to go together.
    fits: Vec<Within>,
    /// The lock that has all of them.
    best: Option<Locked>,
    stuck: BTreeMap<(PackageName, Version), Why>,
    /// What has been malware: whoever made it may have made the next release too, so that waits as all do.
    malware: BTreeSet<PackageName>,
    offered: BTreeMap<PackageName, Offered>,
}

/// Moves each version that fails an audit to the lowest one above it that does not, as far as that can be had together with
/// the inputs of the lock; everything else stays as it can. Fixes do not wait as new files do, but for those of malware.
///
/// # Errors
/// Those of locking and of auditing, but not that there is no solution: then the version is among those that are left.
pub fn fix(
    request: &mut LockRequest,
    asked: &AuditRequest,
    first: Audited,
    step: &dyn Fn(),
) -> Result<Fixed, Problems> {
    let mut search = Search {
        exempt: request.ages.exempt.clone(),
        request,
        step,
        fits: Vec::new(),
        best: None,
        stuck: BTreeMap::new(),
        malware: BTreeSet::new(),
        offered: BTreeMap::new(),
    };
    let mut audited = first;
    for _ in 0..ROUNDS {
        let targets = search.targets(&audited)?;
        if targets.is_empty() {
            break;
        }
        // A version that a fix led to and that has a hole of its own leads on.
        let leads_on = |within: &Within| {
            targets
                .iter()
                .any(|target| target.name == within.name && within.specifiers.contains(&target.from))
        };
        let (passed, fits): (Vec<_>, Vec<_>) = search.fits.drain(..).partition(leads_on);
        search.fits = fits;
        let before = search.fits.len();
        search.grow(targets)?;
        let has_moved = search.fits.len() > before;
        // One that leads no further stays where it led to.
        let stays = |within: &Within| {
            search.stuck.keys().any(|(name, from)| *name == within.name && within.specifiers.contains(from))
        };
        let stay: Vec<Within> = passed.into_iter().filter(stays).collect();
        search.fits.extend(stay);
        let Some(locked) = search.best.as_ref().filter(|_| has_moved) else { break };
        audited = audit(&again(asked, &locked.lock))?;
    }
    let left = search.left(&audited);
    Ok(Fixed { locked: search.best, audited, left })
}

fn again(asked: &AuditRequest, lock: &Lock) -> AuditRequest {
    AuditRequest {
        what: What::Lock(Box::new(lock.clone())),
        source: asked.source.clone(),
        rules: asked.rules.clone(),
        private: asked.private.clone(),
        network: asked.network.clone(),
        now: asked.now,
    }
}

impl Search<'_> {
    /// The versions that fail and may be moved. Those that cannot be are noted with the reason.
    fn targets(&mut self, audited: &Audited) -> Result<Vec<Target>, Problems> {
        let mut failing: BTreeMap<usize, Vec<&Finding>> = BTreeMap::new();
        for judged in audited.judged.iter().filter(|judged| judged.fails()) {
            failing.entry(judged.finding.subject).or_default().push(&judged.finding);
        }
        let mut open = Vec::new();
        for (at, findings) in failing {
            let Some(subject) = audited.subjects.get(at) else { continue };
            let key = (subject.name.clone(), subject.version.clone());
            if findings.iter().any(|finding| finding.is_malware()) {
                self.malware.insert(key.0.clone());
            }
            if !self.stuck.contains_key(&key) {
                open.push((subject, findings));
            }
        }
        let names: BTreeSet<PackageName> = open
            .iter()
            .map(|(subject, _)| subject.name.clone())
            .filter(|it| !self.offered.contains_key(it))
            .collect();
        let offered = offered(self.request, &names)?;
        self.offered.extend(offered);
        let mut targets = Vec::new();
        for (subject, findings) in open {
            let offered = self.offered.get(&subject.name).into_iter().flat_map(Offered::keys);
            let above = offered.filter(|version| **version > subject.version);
            let is_bad =
                |version: &&Version| findings.iter().any(|finding| finding.affects(subject, version));
            let (bad, clean): (Vec<&Version>, Vec<&Version>) = above.clone().partition(is_bad);
            let target = Target {
                name: subject.name.clone(),
                from: subject.version.clone(),
                marker: self.marker(&subject.name, &subject.version),
                ids: findings.iter().map(|finding| finding.id().to_owned()).collect(),
                bad: bad
                    .into_iter()
                    .filter(|it| clean.first().is_some_and(|least| it > least))
                    .cloned()
                    .collect(),
                clean: clean.into_iter().cloned().collect(),
            };
            match self.hindered(&target, above.count()) {
                Some(why) => drop(self.stuck.insert(target.key(), why)),
                None => targets.push(target),
            }
        }
        Ok(targets)
    }

    /// What hinders a move before anything is solved: that there is no version, or that the user's own requirements leave
    /// them all out.
    fn hindered(&self, target: &Target, above: usize) -> Option<Why> {
        let Some(fix) = target.clean.first() else {
            let is_malware = self.malware.contains(&target.name);
            return Some(if is_malware { Why::Malware } else { Why::NoVersion(above) });
        };
        let inputs = &self.request.inputs;
        let asked = inputs.roots.iter().chain(&inputs.constraints).filter(|asked| {
            asked.requirement.name == target.name
                && asked.requirement.marker.is_true()
                && !inputs.overrides.iter().any(|over| over.requirement.name == target.name)
        });
        for one in asked {
            if let Some(VersionOrUrl::VersionSpecifier(specifiers)) = &one.requirement.version_or_url
                && !target.clean.iter().any(|version| specifiers.contains(version))
            {
                return Some(Why::Bound {
                    fix: fix.clone(),
                    requirement: one.requirement.to_string(),
                    place: one.place.clone(),
                });
            }
        }
        None
    }

    /// Where a version is needed, if the lock has others of its name.
    fn marker(&self, name: &PackageName, version: &Version) -> Option<MarkerTree> {
        let lock = self.best.as_ref().map(|locked| &locked.lock).or(self.request.standing.as_ref())?;
        let entries: Vec<_> = lock.packages.iter().filter(|package| package.name == *name).collect();
        let is_it = |package: &&&Arc<crate::lock::LockedPackage>| package.version.as_ref() == Some(version);
        let mut own = entries
            .iter()
            .filter(is_it)
            .map(|package| package.marker.as_ref().map_or(MarkerTree::TRUE, |marker| marker.tree.clone()));
        let first = own.next()?;
        let all = own.fold(first, |mut all, one| {
            all.or(one);
            all
        });
        entries.iter().any(|package| package.version.as_ref() != Some(version)).then_some(all)
    }

    /// Locks with these ranges. `Err` within: why there is no solution.
    fn solve(&mut self, ranges: Vec<Within>) -> Result<Result<Locked, Box<Problem>>, Problems> {
        let moved =
            ranges.iter().map(|within| within.name.clone()).filter(|name| !self.malware.contains(name));
        self.request.ages.exempt = self.exempt.iter().cloned().chain(moved).collect();
        self.request.upgrade = Upgrade::Within(ranges);
        match lock(self.request, self.step) {
            Ok(locked) => Ok(Ok(locked)),
            Err(problems) => {
                let is_answer = |it: &Problem| matches!(it.code(), Code::NoSolution | Code::ReleaseAge);
                let story = problems.iter().next().filter(|_| problems.iter().all(is_answer)).cloned();
                story.map(|story| Err(Box::new(story))).ok_or(problems)
            }
        }
    }

    /// Moves as many of these as go together with what is known to fit: all at once, else one half after the other.
    fn grow(&mut self, mut targets: Vec<Target>) -> Result<(), Problems> {
        if targets.is_empty() {
            return Ok(());
        }
        let least = targets.iter().filter_map(|target| target.at(target.clean.first()?));
        let ranges: Vec<Within> = self.fits.iter().cloned().chain(least).collect();
        let story = match self.solve(ranges.clone())? {
            Ok(locked) => {
                (self.fits, self.best) = (ranges, Some(locked));
                return Ok(());
            }
            Err(story) => story,
        };
        if targets.len() == 1 {
            return targets.iter().try_for_each(|target| self.single(target, &story));
        }
        let rest = targets.split_off(targets.len() / 2);
        self.grow(targets)?;
        self.grow(rest)
    }

    /// Moves one whose lowest clean version cannot be had to the next that can.
    fn single(&mut self, target: &Target, story: &Problem) -> Result<(), Problems> {
        let with = |fits: &[Within], own: Option<Within>| -> Vec<Within> {
            fits.iter().cloned().chain(own).collect()
        };
        let newest = match target.clean.get(1) {
            Some(_) => self.solve(with(&self.fits, target.anywhere()))?,
            None => Err(Box::new(story.clone())),
        };
        let locked = match newest {
            Ok(locked) => locked,
            Err(story) => {
                let why = match self.for_newer_pythons(target)? {
                    Some(why) => why,
                    None => {
                        let fix = target.clean.first().cloned().unwrap_or_else(|| target.from.clone());
                        Why::NoSolution { fix, story }
                    }
                };
                self.stuck.insert(target.key(), why);
                return Ok(());
            }
        };
        let reached = locked.lock.packages.iter().filter(|package| package.name == target.name);
        let reached: Vec<Version> = reached.filter_map(|package| package.version.clone()).collect();
        let lower = target.clean.iter().skip(1).filter(|version| !reached.contains(version));
        for version in lower.take_while(|version| reached.iter().any(|it| it > version)).take(TRIES) {
            let ranges = with(&self.fits, target.at(version));
            if let Ok(locked) = self.solve(ranges.clone())? {
                (self.fits, self.best) = (ranges, Some(locked));
                return Ok(());
            }
        }
        let ranges = with(&self.fits, target.anywhere());
        (self.fits, self.best) = (ranges, Some(locked));
        Ok(())
    }

    /// Moves one whose clean versions are for newer Pythons than the lock, for those alone.
    fn for_newer_pythons(&mut self, target: &Target) -> Result<Option<Why>, Problems> {
        let Some(fix) = target.clean.first().filter(|_| target.marker.is_none()) else { return Ok(None) };
        let pythons = self.offered.get(&target.name).and_then(|offered| offered.get(fix)?.clone());
        let (Some(pythons), Some(within)) = (pythons, target.anywhere()) else { return Ok(None) };
        let marker = markers::of_python(&pythons);
        if marker.is_true() {
            return Ok(None);
        }
        let ranges: Vec<Within> =
            self.fits.iter().cloned().chain([Within { marker: Some(marker), ..within }]).collect();
        let Ok(locked) = self.solve(ranges.clone())? else { return Ok(None) };
        (self.fits, self.best) = (ranges, Some(locked));
        Ok(Some(Why::Pythons { fix: fix.clone(), pythons }))
    }

    /// What fails in the end, and why.
    fn left(&mut self, audited: &Audited) -> Vec<Left> {
        let mut left: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for judged in audited.judged.iter().filter(|judged| judged.fails()) {
            left.entry(judged.finding.subject).or_default().push(judged.finding.id().to_owned());
        }
        let told = left.into_iter().filter_map(|(at, ids)| {
            let subject = audited.subjects.get(at)?;
            let key = (subject.name.clone(), subject.version.clone());
            let why = self.stuck.get(&key).cloned().unwrap_or(Why::Rounds);
            Some(Left { name: key.0, version: key.1, ids, why })
        });
        told.collect()
    }
}
