//! Code -> a real case and its date.
//!
//! Pure. Each is public knowledge: an advisory, or a report that was in print.

use crate::error::Code;

const CODECOV: &str = "Codecov, January to April 2021: an intruder changed one line of its uploader script on the server. For two \
                       months it sent the secrets of thousands of builds away, until one customer compared its SHA-256 with the one published.";
const LITELLM: &str = "litellm, 24 March 2026: with a stolen upload token 1.82.7 and 1.82.8 were put on PyPI; litellm_init.pth of the \
                       latter ran at each start of Python, and sent keys and tokens away. They were up for a few hours.";
const ULTRALYTICS: &str = "ultralytics, December 2024: 8.3.41 and 8.3.42 came out of its own poisoned build; two days later 8.3.45 and \
                           8.3.46 were uploaded with an old token, without the build and so without provenance.";
const CTX: &str = "ctx, May 2022: a stranger bought the lapsed domain of a maintainer's address, took the project over, and replaced \
                   its releases by ones that sent away the variables of the environment.";
const CONFUSION: &str = "torchtriton, December 2022: a dependency of PyTorch's nightly builds, on PyTorch's own index, was registered on \
                         PyPI, whose file won. In February 2021 Alex Birsan had reached 35 companies that way (CVE-2018-20225).";
const COLOURAMA: &str =
    "colourama, October 2018: a look-alike of colorama that replaced Bitcoin addresses in the clipboard.";
const DIFFERENTIAL: &str = "uv, August 2025 (CVE-2025-54368): one ZIP file was two wheels, depending on which of its headers a reader \
                            believed. PyPI refuses such files since that month.";
const SLIP: &str = "Zip Slip, June 2018: names with `../` in archives wrote files anywhere on the machines of thousands of projects that \
                    unpacked them. CVE-2007-4559 had said so of Python's tarfile in 2007, and CVE-2025-47273 did of setuptools in May 2025.";
const BOMB: &str = "David Fifield's archive of July 2019: 46 MB of ZIP that unpack to 4.5 PB (CVE-2019-9674 is the same in Python's own \
                    zipfile).";
const PATCHED: &str = "ethers-provider2, March 2025: packages of npm that did no harm in themselves edited the files of another package \
                       that was installed already, so that taking them out again helped nothing.";
const RECORDS: &str = "PyPI, August 2025: the index began to warn about wheels whose RECORD and archive differ, since installers \
                       do not all compare the two, and a file that nobody listed is installed all the same.";
const SDISTS: &str = "W4SP, November 2022: dozens of packages on PyPI fetched a thief of passwords from their setup.py, which runs when \
                      pip merely builds them.";
const LOCKFILES: &str = "Lockfile injection, September 2019: Liran Tal showed that a pull request which changes only lines of a lock, \
                         which reviewers fold away, installs whatever it likes.";
const COLLISIONS: &str = "Flame, May 2012: a forged MD5 collision made malware look like an update of Windows. SHAttered did the same to \
                          SHA-1 in February 2017.";
const HTTP: &str = "CVE-2013-1629, 2013: pip before 1.3 fetched packages over plain http, and whoever sat on the way could \
                    replace them.";
const XZ: &str = "xz-utils, March 2024 (CVE-2024-3094): a maintainer of two years' standing, pushed into the project, put a back door into \
                  the archives of releases that the repository did not have.";
const EQUIFAX: &str = "Equifax, 2017: the data of 147 million people were lost by a hole in a library whose fix was two months old.";
const EVENT_STREAM: &str = "event-stream, November 2018: a package that many had and few knew why was given to a stranger, who made it \
                            bring flatmap-stream, which stole from wallets.";
const QUARANTINE: &str = "aiocpa, November 2024: PyPI put the project into quarantine after a release that sent tokens to a Telegram bot.";
const REVIVAL: &str = "Revival hijack, September 2024: some 22,000 deleted names of PyPI could be registered by anybody; pingdomv3 was.";
const SIGNED: &str = "Shai-Hulud, September 2025: a worm in npm packages used the tokens that it found to write to its victims' \
                      repositories, as themselves.";
const TERMINAL: &str = "Trojan Source, November 2021 (CVE-2021-42574): characters that turn the direction of text showed reviewers another \
                        text than machines read.";

/// The case behind a code; `None` where there is none.
pub(super) fn case(code: Code) -> Option<&'static str> {
    use Code as C;
    match code {
        C::HashMismatch | C::SizeMismatch => Some(CODECOV),
        C::MetadataMismatch | C::DependencyVersion | C::DependencyNotInLock | C::DuplicatePackage => Some(XZ),
        C::IndexConflict | C::NamePublic | C::ImportMissing => Some(CONFUSION),
        C::ProjectNotFound | C::FileNotLocked => Some(REVIVAL),
        C::FileHost
        | C::LockSyntax
        | C::LockSchema
        | C::LockVersion
        | C::LockDrift
        | C::DistributionUnlocked => Some(LOCKFILES),
        C::RedirectRefused | C::AddressRefused | C::TlsFailed | C::OptionRefused | C::OptionUnknown => {
            Some(HTTP)
        }
        C::IndexPageInvalid | C::ArchiveNotZip | C::ArchiveFraming | C::ArchiveZip64 | C::ArchiveHeader => {
            Some(DIFFERENTIAL)
        }
        C::ArchiveDescriptor
        | C::ArchiveDuplicate
        | C::ArchiveData
        | C::ArchiveMethod
        | C::DistInfo
        | C::WheelName => Some(DIFFERENTIAL),
        C::ArchiveTooLarge | C::IndexPageTooLarge => Some(BOMB),
        C::ArchiveName | C::ArchiveEntryKind | C::SchemeUnknown | C::SchemeCrossing | C::EnvironmentOwned => {
            Some(SLIP)
        }
        C::EntryPoints | C::UnsafeUninstall => Some(SLIP),
        C::HashWeak => Some(COLLISIONS),
        C::HashMissing | C::HashMalformed | C::PinMissing => Some(CTX),
        C::RequirementUnsupported | C::NoMatchingWheel | C::MetadataUnavailable => Some(SDISTS),
        C::NotInLock | C::LookAlike | C::NamespaceForeign => Some(COLOURAMA),
        C::RecordInvalid | C::RecordUnlisted | C::RecordMissingFile | C::RecordHash | C::InstallerOwned => {
            Some(RECORDS)
        }
        C::MetadataInvalid | C::WheelFileInvalid => Some(TERMINAL),
        C::ImportTransitive | C::DependencyUnused => Some(EVENT_STREAM),
        C::ProvenanceInvalid | C::ProvenanceLost | C::PublisherRequired => Some(ULTRALYTICS),
        C::PublisherChanged | C::ProjectArchived | C::ProjectDeprecated => Some(XZ),
        C::LockUnsigned | C::LockSignature => Some(SIGNED),
        C::ReleaseAge | C::StartupCode => Some(LITELLM),
        C::ReleaseYanked | C::KnownMalware => Some(CTX),
        C::ProjectQuarantined => Some(QUARANTINE),
        C::FileChanged | C::FileUnlisted | C::RecordOrigin | C::FileConflict => Some(PATCHED),
        C::KnownVulnerability
        | C::AdvisoriesMissing
        | C::AdvisoriesStale
        | C::AdvisoryInvalid
        | C::VexInvalid => Some(EQUIFAX),
        C::DownloadTruncated | C::DownloadCorrupt | C::FileNotFound | C::IndexUnreachable | C::HttpStatus => {
            None
        }
        C::LockNotFound
        | C::RequirementSyntax
        | C::PythonMismatch
        | C::EnvironmentMismatch
        | C::UnknownExtra => None,
        C::LicenseDenied | C::LicenseUnknown | C::PythonNotFound | C::PythonUnusable | C::NoEnvironment => {
            None
        }
        C::ExternallyManaged
        | C::EnvironmentInvalid
        | C::EnvironmentBusy
        | C::JournalUnreadable
        | C::DiskFull => None,
        C::NotWritable | C::FileAccess | C::Interrupted | C::Internal | C::Usage | C::ConfigInvalid => None,
        C::NoSolution | C::FileMissing | C::DistributionMissing => None,
    }
}
