//! Code -> the way out.
//!
//! Pure.

use crate::error::Code;

/// What to do about a code.
pub(super) fn way_out(code: Code) -> &'static str {
    use Code as C;
    match code {
        C::HashMismatch => {
            "Find out who changed the file: compare with the project's own release page, and ask its makers. Lock again only when you know."
        }
        C::SizeMismatch => "Look at what the index serves now; then `pipward lock --upgrade-package NAME`.",
        C::DownloadTruncated | C::IndexUnreachable => {
            "Run the same command again; if it stays, look at the network, the proxy and the address."
        }
        C::DownloadCorrupt => {
            "Run the same command again, over another network or with --index-url of another mirror."
        }
        C::FileNotFound => {
            "Name a mirror that has the file with --index-url, or `pipward lock --upgrade-package NAME`."
        }
        C::FileNotLocked => {
            "`pipward lock --upgrade-package NAME` takes the files in, or add the hash that you have compared to the requirement; review what it changes."
        }
        C::HttpStatus => {
            "For 401 and 403 give credentials (netrc, a variable, keyring: docs/trust.md); for 5xx wait and run it again."
        }
        C::RedirectRefused => "Write the final address into the configuration, if it is one that you trust.",
        C::IndexPageInvalid => "Tell the operator of the index, or take another with --index-url.",
        C::IndexPageTooLarge => {
            "Ask the operator of the index why; if the page is right, raise the limit that is named."
        }
        C::IndexConflict => "Say whose the name is: packages = [\"NAME\"] in one [[index]] of pipward.toml.",
        C::FileHost => {
            "Look at what changed the address (`pipward diff`); take the change back, or add the host to file-hosts of its index."
        }
        C::AddressRefused => {
            "Use an http or https address without a password in it, with #sha256=…; or name the project and lock it."
        }
        C::TlsFailed => "Give the file of your own CA with --cert or SSL_CERT_FILE.",
        C::LockNotFound => "`pipward lock NAME…` writes a lock; -r, --lock or PIPWARD_LOCK name one.",
        C::LockSyntax => {
            "Mend the line that is named (merge markers, mostly), or lock again with `pipward lock`."
        }
        C::LockSchema | C::DuplicatePackage => {
            "Lock again with the tool that made the lock, or with `pipward lock`."
        }
        C::LockVersion => "Use a newer pipward, or lock again with this one.",
        C::HashMissing | C::HashWeak => {
            "`pipward lock -r requirements.in -o requirements.txt` writes a SHA-256 for each file."
        }
        C::HashMalformed => "Copy the hash again, or compute it with `pipward hash FILE`.",
        C::PinMissing => "`pipward lock` turns ranges into pins with hashes.",
        C::RequirementSyntax => "Mend the line that is named; PEP 508 says how requirements are written.",
        C::RequirementUnsupported => {
            "Build a wheel in a place of its own, `pipward hash` it, and name its folder with --find-links (docs/local-projects.md)."
        }
        C::OptionRefused => "Delete the option; what it was for has another way, which the refusal names.",
        C::OptionUnknown => "Correct the spelling of the option, or delete it.",
        C::NotInLock => "`pipward add NAME` resolves it, writes the lock and installs.",
        C::DependencyNotInLock | C::DependencyVersion => "`pipward lock` makes the lock closed again.",
        C::PythonMismatch => {
            "Take a Python that the lock is for (--python), or `pipward lock --python-version …` for this one."
        }
        C::NothingSelected => {
            "Look at the lock; where an empty environment is meant, --allow-empty-requirements says so."
        }
        C::EnvironmentMismatch => "`pipward lock` with this environment among `environments`.",
        C::NoMatchingWheel => {
            "`pipward lock` for this platform and Python, or a version of the package that has a wheel for it."
        }
        C::UnknownExtra => "Leave the extra or group out, or `pipward lock --extra NAME`.",
        C::WheelName | C::ArchiveNotZip => {
            "Look at what the address really serves; lock again once it is the wheel."
        }
        C::ArchiveFraming
        | C::ArchiveZip64
        | C::ArchiveHeader
        | C::ArchiveDescriptor
        | C::ArchiveDuplicate => {
            "Take another release, and tell the project: the wheel has to be built again, with a plain ZIP writer."
        }
        C::ArchiveName | C::ArchiveMethod | C::ArchiveEntryKind | C::ArchiveData => {
            "Take another release, and tell the project and the index; do not unpack the file by other means."
        }
        C::ArchiveTooLarge => {
            "If the project is really that large, raise the key under [limits] that is named."
        }
        C::DistInfo | C::MetadataInvalid | C::WheelFileInvalid | C::RecordInvalid => {
            "Take another release, and tell the project: its wheel has to be built again."
        }
        C::MetadataMismatch => "`pipward lock`, and review with `pipward diff` what has changed.",
        C::RecordUnlisted | C::RecordMissingFile | C::RecordHash => {
            "Take another release, and tell the project. Until it is mended, an exception names it and the reason."
        }
        C::EntryPoints | C::SchemeUnknown | C::SchemeCrossing | C::InstallerOwned | C::EnvironmentOwned => {
            "Leave the package out, or take another release; tell the project."
        }
        C::ImportMissing => "`pipward add NAME` of the distribution that brings the module.",
        C::ImportTransitive => "`pipward add NAME`: ask for it yourself.",
        C::DependencyUnused => "`pipward remove NAME`.",
        C::LicenseDenied => "Leave the package out, take another, or have its terms judged by whoever may.",
        C::LicenseUnknown => {
            "Read the licence in the package; write what you found as the reason of an exception."
        }
        C::LookAlike => "Write the name that you mean; if you do mean this one, an exception says so.",
        C::NamePublic => "Pin the name to your index: packages = [\"NAME\"] in its [[index]].",
        C::NamespaceForeign => "Look at who makes the project; take the owner's, if that is what you meant.",
        C::ProvenanceInvalid => "Do not install the file; tell the project and the index.",
        C::ProvenanceLost | C::PublisherChanged => {
            "Look for the release on the project's own pages; if it is right, `pipward lock --accept-publisher NAME`."
        }
        C::PublisherRequired => {
            "Do not lock the file; if the project has moved, change its [[policy.require]]."
        }
        C::LockUnsigned => {
            "`pipward lock --sign-key KEY`, or `ssh-keygen -Y sign -n pipward-lock -f KEY pylock.toml`."
        }
        C::LockSignature => "Review what changed in the lock (`pipward diff`), then have it signed again.",
        C::ProjectArchived | C::ProjectDeprecated => "Look for the project that took its place.",
        C::ReleaseAge => {
            "Wait until the hour that is named. For a fix that cannot wait, an exception names the project and the reason."
        }
        C::ReleaseYanked => "`pipward lock --upgrade-package NAME`, or pin another version.",
        C::ReleaseLeftOut => "Lock another release with `pipward lock`, or leave out the option.",
        C::StartupCode => {
            "Read the file (the refusal names it); leave the package out, or write an exception with what you found."
        }
        C::PythonNotFound => "Name a Python with --python, as a path or a version.",
        C::PythonUnusable => "Take CPython or PyPy from 3.8 on, with --python.",
        C::NoEnvironment => "--venv DIR makes one, or activate one.",
        C::ExternallyManaged => "--venv DIR makes an environment of your own.",
        C::EnvironmentInvalid => "Name another directory, or delete this one yourself.",
        C::EnvironmentBusy => "Wait for the other process to end, and run the command again.",
        C::FileConflict => "Leave one of the two packages out, or take releases that do not clash.",
        C::UnsafeUninstall => "Make the environment anew: `pipward sync`, or --venv with another DIR.",
        C::JournalUnreadable => "Make the environment anew from the lock, in another directory.",
        C::DiskFull => "Free some space, and run the same command again.",
        C::NotWritable => "Give the permission, or choose another place.",
        C::FileAccess => "Put the cause right that the system names, and run the same command again.",
        C::ProcessLimit => {
            "Raise the limit of processes, or end other programs, and run the same command again."
        }
        C::Interrupted => "Run the same command again whenever you like.",
        C::Internal => "Report it, with the command that you typed.",
        C::Usage => "See `pipward COMMAND --help`.",
        C::ConfigInvalid => "Mend the line that is named; docs/configuration.md has all keys.",
        C::LockDrift => "Run the command without --check to lock again, and review what changes.",
        C::NoSolution => "Loosen one of the requirements that the story names, or choose another Python.",
        C::ProjectNotFound => "Look at the spelling, and at which index the name is looked for on.",
        C::ProjectQuarantined => {
            "Take something else until the index has settled it; if it is installed, treat it as hostile."
        }
        C::MetadataUnavailable => {
            "Run it again when the index answers, or leave out that version: `NAME!=VERSION`."
        }
        C::FileChanged | C::FileMissing | C::RecordOrigin | C::DistributionMissing => {
            "Install again from the lock: `pipward sync -r pylock.toml`. For a file that others changed, find out who did."
        }
        C::FileUnlisted => "Find out who put it there; make the environment anew from the lock.",
        C::DistributionUnlocked => "`pipward add NAME`, or `pipward sync` to take it out.",
        C::KnownVulnerability => {
            "`pipward audit --fix` proposes the smallest change of the lock that mends it."
        }
        C::KnownMalware => {
            "Take the package out; where it was installed, change every secret that the machine could read."
        }
        C::AdvisoryInvalid | C::AdvisoriesMissing | C::AdvisoriesStale => {
            "`pipward audit --update-db URL` takes the database anew; --db names one."
        }
        C::AuditIncomplete => {
            "Ask a source that knows the release (--db), or say under [[audit.unanswered]] why it need not be looked up."
        }
        C::VexInvalid => "Ask whoever wrote the document for one that is valid.",
    }
}
