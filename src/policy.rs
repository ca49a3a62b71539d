//! (Wheel, plan, Policy) -> findings: what is allowed for no project, for all, or for those that are named.
//!
//! Owns: the levels of findings, the exceptions and who they are for. Pure: today's date is an argument.
//! Never: makes a promise looser; only what the tables of [`ADJUSTABLE`] and [`EXCEPTABLE`] codes list can be set, the
//! latter for one project at a time, as is who may name addresses (`address-refused`).

mod known;
mod licenses;
mod look_alike;
mod publishers;
mod read;
mod standing;
mod startup;
mod yanked;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use pipward_resolver::PackageName;

use crate::digest::Sha256;
use crate::error::{Code, Place, Problem, Problems};
use crate::index::Ages;
use crate::install::InstallPlan;
use crate::verify::VerifiedWheel;
use crate::wheel::archive::Limits;
use crate::wheel::{EXCEPTABLE, Wheel};

pub use look_alike::{look_alike, well_known};
pub use publishers::{Proven, Required, as_before, partial, publishers, unwanted};
pub(crate) use read::{AGES, read};
pub use standing::{title, too_young, unwanted_publishers};
pub use startup::{
    Imported, Named, Sites, Startup, has_code, imported, named_paths, reaches_others, startup_code, together,
};
pub use yanked::release_yanked;

/// The findings whose level can be set.
pub const ADJUSTABLE: [Code; 13] = [
    Code::LicenseDenied,
    Code::LicenseUnknown,
    Code::LookAlike,
    Code::NamespaceForeign,
    Code::ProjectArchived,
    Code::ProjectDeprecated,
    Code::ProvenanceInvalid,
    Code::ProvenanceLost,
    Code::PublisherChanged,
    Code::PublisherRequired,
    Code::ReleaseAge,
    Code::ReleaseYanked,
    Code::StartupCode,
];

/// What is done about a finding where nothing is said: it refuses the run, but for what is no more than worth knowing.
fn usual(code: Code) -> Level {
    match code {
        Code::ProjectArchived | Code::ProjectDeprecated | Code::ReleaseAge | Code::ReleaseYanked => {
            Level::Warn
        }
        _ => Level::Deny,
    }
}

/// Of two different files of one name, that of a project with an exception is left out.
pub const YIELDING: Code = Code::FileConflict;

/// What is done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It refuses the run.
    Deny,
    /// It is told.
    Warn,
    /// It is passed over.
    Allow,
}

/// A finding that is allowed for one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    code: Code,
    package: PackageName,
    /// The last day on which it counts.
    until: Option<Date>,
    place: Place,
}

/// `[policy]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    levels: BTreeMap<&'static str, Level>,
    exceptions: Vec<Exception>,
    limits: Limits,
    required: Vec<Required>,
    sigstore_root: Option<PathBuf>,
    keep_provenance: bool,
    verify_provenance: bool,
    allowed_signers: Option<PathBuf>,
    licenses: licenses::Licenses,
    require_signed_lock: bool,
    takes_trusted_host: bool,
}

/// What a policy makes of findings.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// These refuse the run.
    pub refused: Vec<Problem>,
    /// These are told.
    pub warned: Vec<Problem>,
}

impl Judged {
    /// Takes in what is found elsewhere; nothing is told twice.
    pub fn add(&mut self, other: Self) {
        let new = |into: &mut Vec<Problem>, from: Vec<Problem>| {
            for problem in from {
                if !into.contains(&problem) {
                    into.push(problem);
                }
            }
        };
        new(&mut self.refused, other.refused);
        new(&mut self.warned, other.warned);
    }

    /// What is to be told, where nothing refuses the run.
    ///
    /// # Errors
    /// All that refuses it.
    pub fn told(self) -> Result<Vec<String>, Problems> {
        Problems::unless_empty(self.warned.iter().map(ToString::to_string).collect(), self.refused)
    }
}

impl Policy {
    /// Whether command lines may have `--trusted-host`. It changes nothing: certificates are checked all the same.
    pub fn takes_trusted_host(&self) -> bool {
        self.takes_trusted_host
    }

    /// The same policy with other limits on what a wheel may hold.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The policy on a day, which decides which exceptions still count.
    pub fn on(self, today: Date) -> DatedPolicy {
        DatedPolicy { policy: self, today }
    }
}

/// A policy on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedPolicy {
    policy: Policy,
    today: Date,
}

impl DatedPolicy {
    /// What tells this policy from another one, with the ages that are asked for: what one let in, the other might not. An
    /// exception that has ended is none.
    pub fn fingerprint(&self, ages: &Ages) -> String {
        let mut policy = self.policy.clone();
        policy.exceptions.retain(|exception| exception.until.is_none_or(|until| until >= self.today));
        let all = (env!("CARGO_PKG_VERSION"), policy, ages);
        Sha256::of(format!("{all:?}").as_bytes()).to_string()
    }

    /// The day.
    pub fn today(&self) -> Date {
        self.today
    }

    /// Reads a wheel within the limits, passing over the faults of its RECORD for which its project has an exception.
    ///
    /// # Errors
    /// As [`Wheel::read`].
    pub fn read(&self, verified: VerifiedWheel) -> Result<Wheel, Problem> {
        let package = verified.name().name().clone();
        let passed: Vec<Code> =
            EXCEPTABLE.into_iter().filter(|code| self.is_excepted(*code, &package)).collect();
        Wheel::read_passing(verified, &self.policy.limits, &passed)
            .map_err(|problem| self.with_ended(problem, &package))
    }

    /// What publishers the configuration asks for.
    pub fn required(&self) -> &[Required] {
        &self.policy.required
    }

    /// The trusted root of a Sigstore instance of one's own, where the configuration names one.
    pub fn sigstore_root(&self) -> Option<&Path> {
        self.policy.sigstore_root.as_deref()
    }

    /// Whether a lock has the provenance of its files beside it.
    pub fn keeps_provenance(&self) -> bool {
        self.policy.keep_provenance
    }

    /// Whether an install proves anew who published what the lock names a publisher for.
    pub fn verifies_provenance(&self) -> bool {
        self.policy.verify_provenance
    }

    /// Who may sign locks, where the configuration names a file of them.
    pub fn allowed_signers(&self) -> Option<&Path> {
        self.policy.allowed_signers.as_deref()
    }

    /// Whether a lock without a signature of one of them is refused.
    pub fn requires_signed_lock(&self) -> bool {
        self.policy.require_signed_lock
    }

    /// Whether a project may name wheels by address in its requirements.
    pub fn may_name_addresses(&self, package: &PackageName) -> bool {
        self.is_excepted(Code::AddressRefused, package)
    }

    /// The plan, which gives way to other distributions' files if its project has an exception for that.
    pub fn yielding(&self, plan: InstallPlan) -> InstallPlan {
        if self.is_excepted(YIELDING, plan.name()) { plan.giving_way() } else { plan }
    }

    fn named<'p>(&'p self, code: Code, package: &'p PackageName) -> impl Iterator<Item = &'p Exception> + 'p {
        let exceptions = self.policy.exceptions.iter();
        exceptions.filter(move |exception| exception.code == code && exception.package == *package)
    }

    fn is_excepted(&self, code: Code, package: &PackageName) -> bool {
        self.named(code, package).any(|exception| exception.until.is_none_or(|until| self.today <= until))
    }

    /// The finding, with the exception that would have passed over it until a day that is gone.
    pub fn with_ended(&self, finding: Problem, package: &PackageName) -> Problem {
        match self.named(finding.code(), package).next() {
            Some(Exception { until: Some(until), place, .. }) => {
                finding.cause(format!("the exception at {place} ended on {until}"))
            }
            _ => finding,
        }
    }

    /// The projects for which a rule has an exception that counts today.
    pub fn excepted(&self, code: Code) -> BTreeSet<PackageName> {
        let all = self.policy.exceptions.iter().map(|exception| &exception.package);
        all.filter(|package| self.is_excepted(code, package)).cloned().collect()
    }

    /// Whether the configuration itself says what is done about a finding.
    pub fn says(&self, code: Code) -> bool {
        self.policy.levels.contains_key(code.name())
    }

    /// What is done about a finding that is about no project, where `usual` counts when nothing is said.
    pub fn level(&self, code: Code, usual: Level) -> Level {
        self.policy.levels.get(code.name()).copied().unwrap_or(usual)
    }

    /// Sorts the findings about a project.
    pub fn judge(&self, package: &PackageName, findings: Vec<Problem>) -> Judged {
        self.sorted(package, findings, usual)
    }

    /// The same, where the level that counts when nothing is said depends on more than the code.
    pub fn judge_as(&self, package: &PackageName, findings: Vec<Problem>, level: Level) -> Judged {
        self.sorted(package, findings, |_| level)
    }

    fn sorted(&self, package: &PackageName, findings: Vec<Problem>, usual: impl Fn(Code) -> Level) -> Judged {
        let mut judged = Judged::default();
        for finding in findings {
            let code = finding.code();
            if self.is_excepted(code, package) {
                continue;
            }
            match self.policy.levels.get(code.name()).copied().unwrap_or_else(|| usual(code)) {
                Level::Allow => {}
                Level::Warn => judged.warned.push(finding),
                Level::Deny => judged.refused.push(self.with_ended(finding, package)),
            }
        }
        judged
    }
}
