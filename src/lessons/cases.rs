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

// Mishaps: nobody meant harm, and the harm was done.
const TRUNCATED: &str = "pip before 25.1 (April 2025) did not compare how much of a file had come with how much the server had \
                         announced: what a proxy had cut off failed later, with an error that spoke of something else.";
const ATOMICWRITES: &str = "atomicwrites, July 2022: its author deleted the project from PyPI and put it back, to be rid of a rule \
                            about its accounts; the older releases were gone meanwhile, and with them builds that pinned one.";
const FASTLY: &str = "Fastly, 8 June 2021: the network that PyPI is served over failed for most of an hour, all over the world.";
const RATE_LIMIT: &str = "Docker Hub, November 2020: it began to answer with 429 to whoever fetched too much, and builds that had \
                          always worked stopped.";
const COLORS: &str = "colors and faker, January 2022: their own author published releases that print without end. Who had no lock \
                      got them with the next build.";
const CELERY: &str = "celery 5.0.5 and `pytz (>dev)`: pip read such requirements as best it could for years, and stopped in June 2024 \
                      (24.1); whoever had built on the guess could not install any more.";
const IPYTHON: &str = "IPython 6.0, April 2017: the first large project that left Python 2 behind by Requires-Python. Tools that did \
                       not heed it installed a release that could not be imported.";
const TORCH: &str = "torch 2.0.1, May 2023: its wheels for macOS and for Linux told different dependencies. Locks that were made \
                     from one of them lacked the CUDA libraries on the other.";
const SECURITY_EXTRA: &str = "requests[security], July 2021: since 2.26 the extra brings nothing, and an installer that passes over \
                              extras without a word leaves those who rely on one without what they asked for.";
const BUSL: &str = "HashiCorp, August 2023: from one release to the next its tools were under the Business Source License, which \
                    competitors may not use; who upgraded without a look had agreed.";
const MIMEMAGIC: &str = "mimemagic, March 2021: a library that called itself MIT held a file under the GPL. Its releases were pulled, \
                         and every new project of Ruby on Rails, which needed it, could not be installed.";
const MACOS: &str = "macOS 12.3, March 2022: /usr/bin/python was gone, and the python3 of a new machine is a stub that asks for the \
                     developer tools and runs nothing.";
const DEBIAN: &str = "pip 10, April 2018: `sudo pip install --upgrade pip` replaced modules that Debian's own pip was made of, which \
                      ended with \"cannot import name 'main'\". PEP 668 and Debian 12 (June 2023) put an end to that.";
const CONCURRENT: &str = "pip's issue 2361, open since January 2015: two runs in one environment write over each other, and leave \
                          packages that are half of one release and half of another.";
const TILDE: &str = "\"Ignoring invalid distribution -ip\": since 2021 thousands ask what it means. An upgrade had been interrupted, and \
                     had left the half of a package behind, with its name changed to `~ip`.";
const TOYOTA: &str = "Toyota, 29 August 2023: all of its factories in Japan stood still for a day; the disk of a server for orders had \
                      run full while it was being worked on, and that of its stand-by too.";
const KINESIS: &str = "Amazon Kinesis, 25 November 2020: servers that were added made each of the others need more threads than its system \
                       allowed. What hung on it, CloudWatch and Cognito among it, did not work for most of a day.";
const NPM_SUDO: &str = "npm 5.7.0, February 2018: run with sudo it made files of the system, /etc and /usr among them, belong to \
                        somebody else, and machines had to be set up anew.";
const CROWDSTRIKE: &str = "CrowdStrike, 19 July 2024: a file of rules had one field more than its reader was made for. It read beyond \
                           the end, in the kernel, and 8.5 million machines did not start any more.";
const S3: &str = "Amazon S3, 28 February 2017: an operator mistyped one argument of a command, which took away far more servers than \
                  was meant, and much of the web with them.";
const CLOUDFLARE: &str = "Cloudflare, 18 November 2025: a file of settings had grown to twice what its readers took; they ended at it, \
                          and with them sites all over the world.";
const OLD_RESOLVER: &str = "pip before 20.3 (November 2020): it took the first version of a package that somebody asked for and \
                            installed the rest around it, whether or not they could work together.";
const BUMBLEBEE: &str = "Bumblebee, June 2011: one space too many in its install script, `rm -rf /usr /lib/...`, deleted /usr of those \
                         who updated.";
const LEFT_PAD: &str = "left-pad, March 2016: eleven lines were taken off npm, and thousands of projects that never knew they needed \
                        them could not be built.";

/// The case behind a code: what an attacker did, or what went wrong where nobody meant harm.
pub(super) fn case(code: Code) -> &'static str {
    use Code as C;
    match code {
        C::HashMismatch | C::SizeMismatch => CODECOV,
        C::MetadataMismatch | C::DependencyVersion | C::DependencyNotInLock | C::DuplicatePackage => XZ,
        C::IndexConflict | C::NamePublic | C::ImportMissing => CONFUSION,
        C::ProjectNotFound | C::FileNotLocked => REVIVAL,
        C::FileHost
        | C::LockSyntax
        | C::LockSchema
        | C::LockVersion
        | C::LockDrift
        | C::DistributionUnlocked => LOCKFILES,
        C::RedirectRefused | C::AddressRefused | C::TlsFailed | C::OptionRefused | C::OptionUnknown => HTTP,
        C::IndexPageInvalid | C::ArchiveNotZip | C::ArchiveFraming | C::ArchiveZip64 | C::ArchiveHeader => {
            DIFFERENTIAL
        }
        C::ArchiveDescriptor
        | C::ArchiveDuplicate
        | C::ArchiveData
        | C::ArchiveMethod
        | C::DistInfo
        | C::WheelName => DIFFERENTIAL,
        C::ArchiveTooLarge | C::IndexPageTooLarge => BOMB,
        C::ArchiveName | C::ArchiveEntryKind | C::SchemeUnknown | C::SchemeCrossing | C::EnvironmentOwned => {
            SLIP
        }
        C::EntryPoints | C::UnsafeUninstall => SLIP,
        C::HashWeak => COLLISIONS,
        C::HashMissing | C::HashMalformed | C::PinMissing => CTX,
        C::RequirementUnsupported | C::NoMatchingWheel | C::MetadataUnavailable => SDISTS,
        C::NotInLock | C::LookAlike | C::NamespaceForeign => COLOURAMA,
        C::RecordInvalid | C::RecordUnlisted | C::RecordMissingFile | C::RecordHash | C::InstallerOwned => {
            RECORDS
        }
        C::MetadataInvalid | C::WheelFileInvalid => TERMINAL,
        C::ImportTransitive | C::DependencyUnused => EVENT_STREAM,
        C::ProvenanceInvalid | C::ProvenanceLost | C::PublisherRequired => ULTRALYTICS,
        C::PublisherChanged | C::ProjectArchived | C::ProjectDeprecated => XZ,
        C::LockUnsigned | C::LockSignature => SIGNED,
        C::ReleaseAge | C::ReleaseLeftOut | C::StartupCode => LITELLM,
        C::ReleaseYanked | C::KnownMalware => CTX,
        C::ProjectQuarantined => QUARANTINE,
        C::FileChanged | C::FileUnlisted | C::RecordOrigin | C::FileConflict => PATCHED,
        C::KnownVulnerability
        | C::AdvisoriesMissing
        | C::AdvisoriesStale
        | C::AuditIncomplete
        | C::AdvisoryInvalid
        | C::VexInvalid => EQUIFAX,
        C::DownloadTruncated | C::DownloadCorrupt => TRUNCATED,
        C::FileNotFound => ATOMICWRITES,
        C::IndexUnreachable => FASTLY,
        C::HttpStatus => RATE_LIMIT,
        C::LockNotFound => COLORS,
        C::RequirementSyntax => CELERY,
        C::PythonMismatch => IPYTHON,
        C::EnvironmentMismatch => TORCH,
        C::UnknownExtra => SECURITY_EXTRA,
        C::LicenseDenied => BUSL,
        C::LicenseUnknown => MIMEMAGIC,
        C::PythonNotFound | C::PythonUnusable => MACOS,
        C::NoEnvironment | C::ExternallyManaged => DEBIAN,
        C::EnvironmentBusy => CONCURRENT,
        C::EnvironmentInvalid | C::JournalUnreadable | C::Interrupted => TILDE,
        C::DiskFull => TOYOTA,
        C::ProcessLimit => KINESIS,
        C::NotWritable | C::FileAccess => NPM_SUDO,
        C::Internal => CROWDSTRIKE,
        C::Usage | C::NothingSelected => S3,
        C::ConfigInvalid => CLOUDFLARE,
        C::NoSolution => OLD_RESOLVER,
        C::FileMissing => BUMBLEBEE,
        C::DistributionMissing => LEFT_PAD,
    }
}
