// variant, name, exit class, the rule in one sentence, why it exists and what to do.
codes! {
    // Digest and fetch.
    HashMismatch, "hash-mismatch", Refused,
        "An artifact is not the one that was locked: its SHA-256 differs from the lock's.",
        "A lock names each file by its SHA-256. Other bytes under the same name mean that the index, a mirror, a proxy or the lock was changed. This is the alarm that pinning exists for: stolen upload tokens and poisoned mirrors show up here first. Nothing was parsed or installed. Compare the file with the project's own release page before you lock it again; do not simply accept the new hash.";
    SizeMismatch, "size-mismatch", Refused,
        "An artifact has another size than the lock says.",
        "The lock binds the size as well as the hash, so that an endless or padded answer is cut off early. If the index really has another file now, find out why before locking again with `pipward lock`.";
    DownloadTruncated, "download-truncated", Incomplete,
        "A download ended before all of the file had arrived.",
        "The connection was cut; what did arrive was thrown away unread. This is no alarm: run the same command again, and if it stays, look at the network or the proxy.";
    DownloadCorrupt, "download-corrupt", Incomplete,
        "A file arrived damaged: two downloads of it differ from each other.",
        "Asked twice, the server gave two different answers, neither of them the locked file. That is what a broken proxy or network does; nothing was parsed. Try again over another network or mirror.";
    FileNotFound, "file-not-found", Incomplete,
        "The server has no file at the locked address.",
        "The file was deleted or moved, or the mirror does not carry it. A lock never falls back to another file. Name a mirror that has it with --index-url, or lock again with `pipward lock --upgrade-package NAME`.";
    FileNotLocked, "file-not-locked", Refused,
        "The index has files for this release that this environment can use, and none of them is locked or hashed.",
        "A file whose hash is not given is never installed, also where it is newer or fits better. This is no alarm: projects add wheels for new Pythons to old releases, and a list of hashes may have been made elsewhere. Lock again to take it in, or add its hash to the requirement.";
    IndexUnreachable, "index-unreachable", Incomplete,
        "An index did not answer.",
        "The server could not be reached, or failed several times in a row. Look at the address, the network, the proxy and TLS settings, then run the same command again.";
    HttpStatus, "http-status", Incomplete,
        "A server answered with a status that pipward cannot use.",
        "401 and 403 mean that credentials are missing or wrong; 5xx that the server is in trouble. Transient ones have already been tried again.";
    RedirectRefused, "redirect-refused", Refused,
        "A server redirected to a place that pipward does not follow.",
        "Redirects are followed a few times, between http and https addresses only, and never from https down to http: that is how a network attacker takes over a download (CVE-2013-1629). Name the final address yourself if you trust it.";
    IndexPageInvalid, "index-page-invalid", Refused,
        "An index page is not what its content type says, or breaks the specification.",
        "Index pages are read strictly (PEP 503, 691, 700): a page that is half understood could hide a file or put one forward. Tell the operator of the index, or use another.";
    IndexPageTooLarge, "index-page-too-large", Refused,
        "An answer of an index is larger than pipward reads.",
        "Every answer has a cap, so that a hostile or broken server cannot fill memory or disk. Name a smaller index, or ask its operator why the answer is that large.";
    IndexConflict, "index-conflict", Refused,
        "Two sources offer one name, or one file, with different content.",
        "Every name comes from one index. If the newest of several were taken, whoever registers a private name on a public index would put his code into the lock (CVE-2018-20225, dependency confusion). Say in pipward.toml which index the name belongs to: packages = [\"NAME\"] in its [[index]].";
    FileHost, "file-host", Refused,
        "The lock's address of a file is on a host that its index does not keep files on.",
        "A lock is a file that many can edit and few read: an address in it that was moved to another host goes by in a review, tells that host who installs what, and waits for the day on which a hash is changed too. So the hosts come from your configuration (PyPI's are known), never from the lock. If an index of yours keeps its files there, add the host to file-hosts of its [[index]] in pipward.toml.";
    AddressRefused, "address-refused", Refused,
        "An address is of a kind that pipward does not use.",
        "Only http and https addresses (and local paths that the user named) are used; user names and passwords never stand in a lock. Use netrc, a variable or the keyring for credentials.";
    TlsFailed, "tls-failed", Incomplete,
        "A secure connection could not be made.",
        "The server's certificate does not lead to a root that this system trusts. With a private CA, give its file with --cert or SSL_CERT_FILE. There is no switch that turns the check off.";

    // Lock and requirements.
    LockNotFound, "lock-not-found", Usage,
        "There is no lock or requirements file at this place.",
        "pipward installs from a lock only. Write one with `pipward lock NAME…` or name it with -r, --lock or PIPWARD_LOCK.";
    LockSyntax, "lock-syntax", Refused,
        "A lock is not well-formed TOML.",
        "A lock that cannot be read whole is not read at all: a half-merged file could leave out what a review saw. Look at the line named (merge markers, for example), or write the lock anew with `pipward lock`.";
    LockSchema, "lock-schema", Refused,
        "A lock breaks the schema of PEP 751.",
        "Missing or wrong keys, doubled packages or files, and names that contradict each other are refused rather than guessed at. Write the lock anew with the tool that made it.";
    LockVersion, "lock-version", Refused,
        "A lock has a lock-version that pipward does not know.",
        "PEP 751 asks tools to refuse a major version that they do not know, since it may mean something else by the same words. Use a newer pipward, or lock again with this one.";
    HashMissing, "hash-missing", Refused,
        "Something that would be installed has no hash.",
        "Without a SHA-256 nobody can tell whether the file is the one that was reviewed: a changed file behind a pinned version goes in unseen. `pipward lock` writes hashes; `pipward hash FILE` computes one.";
    HashWeak, "hash-weak", Refused,
        "The only hashes given are too weak to rely on.",
        "MD5 and SHA-1 collisions can be made on a laptop, so they prove nothing about a file. Lock again with `pipward lock`, which writes SHA-256.";
    HashMalformed, "hash-malformed", Refused,
        "A hash is not what its algorithm writes.",
        "A SHA-256 is 64 hexadecimal digits. A shorter or longer one never matches anything and is a typing or merge fault.";
    PinMissing, "pin-missing", Refused,
        "A requirement is not pinned to one version with ==.",
        "A range lets the index choose what runs on your machine, today or after its next upload. `pipward lock` turns ranges into pins.";
    RequirementSyntax, "requirement-syntax", Refused,
        "A line of a requirements file, or a requirement, cannot be read.",
        "What cannot be read cannot be checked. See PEP 508 for requirements and pip's documentation for options in requirements files.";
    RequirementUnsupported, "requirement-unsupported", Refused,
        "A requirement is of a kind that pipward does not install or lock.",
        "Editable installs, local directories, version control addresses and source archives run the project's code while it is built. Build a wheel elsewhere, hash it with `pipward hash`, and name its folder with --find-links.";
    OptionRefused, "option-refused", Refused,
        "An option would loosen a promise of pipward.",
        "Options such as --trusted-host, --no-require-hashes or --no-binary turn off the very checks that the lock stands for; a file that carries them could switch them off for everyone. Delete the option.";
    OptionUnknown, "option-unknown", Refused,
        "A requirements file has an option that pip does not know.",
        "Options that nobody understands may have been meant to protect something, so they are not skipped. Delete the option, or correct its spelling.";
    NotInLock, "not-in-lock", Refused,
        "A name is not in the lock.",
        "What is typed at a prompt may be a look-alike of what was meant; only names that have been locked, with versions and hashes, are installed. Put it into the inputs of the lock and run `pipward lock`.";
    DependencyNotInLock, "dependency-not-in-lock", Refused,
        "A dependency of a locked package is not part of what would be installed.",
        "The lock must be closed: a package whose dependency is missing fails at run time, or picks up whatever is found. Lock again; or leave out this check alone with --no-deps.";
    DependencyVersion, "dependency-version", Refused,
        "A locked package needs another version of a dependency than the lock has.",
        "The lock contradicts the metadata of the wheels in it: it was edited by hand, or made with other metadata than the wheels carry. Lock again.";
    DuplicatePackage, "duplicate-package", Refused,
        "Two entries of one name apply to this environment.",
        "PEP 751 makes it an error when markers select two entries of one package: which of them wins would be a matter of order. Lock again.";
    PythonMismatch, "python-mismatch", Refused,
        "The lock, or a package in it, is for another Python.",
        "requires-python says for which interpreters the lock was resolved. Use a Python it names (--python), or lock for this one.";
    NothingSelected, "nothing-selected", Refused,
        "A lock selects nothing for an environment that would be emptied.",
        "`sync` takes out what a lock does not have. One that has nothing for this Python and platform would take out everything, and is seldom meant: a file that a failed command left empty, a lock for other platforms, a group that nobody asked for. Look at the file; where an empty environment is meant, say so with --allow-empty-requirements.";
    EnvironmentMismatch, "environment-mismatch", Refused,
        "The lock was made for other environments than this one.",
        "PEP 751's `environments` says for which platforms and Pythons the lock was resolved; elsewhere its set of packages may be wrong. Lock for this environment.";
    NoMatchingWheel, "no-matching-wheel", Refused,
        "A locked package has no wheel that this environment can use.",
        "There is no fall-back to an unlocked file or to a source distribution, whose build would run code. Lock for this platform and Python.";
    UnknownExtra, "unknown-extra", Refused,
        "An extra or dependency group is not in the lock.",
        "PEP 751 asks installers to refuse an extra or group that the lock does not list, since it was never resolved. Lock again with the extra or group, or leave it out.";
    WheelName, "wheel-name", Refused,
        "A file name is not a wheel's, or contradicts what names it.",
        "name-version-tags.whl is the first identity of a wheel; it must agree with the lock, with the address and with the metadata inside.";

    // Archive.
    ArchiveFraming, "archive-framing", Refused,
        "A wheel's archive has bytes where none belong, or its end record lies.",
        "Local entries, central directory and end record must cover each byte of the file once. Anything else lets two readers see two different archives in one file (CVE-2025-54368, CVE-2026-3219).";
    ArchiveZip64, "archive-zip64", Refused,
        "A wheel's ZIP64 records are missing, doubled or contradict the others.",
        "Two sets of sizes and offsets are two archives in one; readers choose differently (CVE-2025-8291).";
    ArchiveHeader, "archive-header", Refused,
        "A local header of a wheel's archive differs from the central directory.",
        "Name, flags, method, CRC and sizes must be the same in both places, else a reader that streams and one that seeks unpack different files (CVE-2025-54368). Tell the project: its wheel has to be built again.";
    ArchiveDescriptor, "archive-descriptor", Refused,
        "A data descriptor of a wheel's archive is missing or contradicts the central directory.",
        "Descriptors are accepted only where both headers announce one and its numbers agree, since a reader that streams believes the descriptor alone. Tell the project: its wheel has to be built again.";
    ArchiveDuplicate, "archive-duplicate", Refused,
        "A wheel's archive has two entries of one name.",
        "Which of the two is unpacked depends on the reader (CVE-2025-13327): a review sees one, the interpreter runs the other.";
    ArchiveName, "archive-name", Refused,
        "An entry of a wheel has an unsafe name.",
        "Absolute names, `..`, backslashes, drives, empty parts, control and bidirectional characters can lead outside the environment or deceive a reader (CVE-2026-1703, CVE-2025-47273). The whole wheel is refused; nothing is skipped.";
    ArchiveMethod, "archive-method", Refused,
        "An entry of a wheel uses a compression method or flag that wheels do not have.",
        "Only stored and deflated entries are read; encryption, patches and rare methods serve to hide content from scanners.";
    ArchiveEntryKind, "archive-entry-kind", Refused,
        "An entry of a wheel is neither a regular file nor a directory.",
        "Symbolic links and devices in an archive let later entries be written elsewhere (CVE-2025-29787, CVE-2025-8869). Wheels have files and directories alone; the project has to build this one again.";
    ArchiveData, "archive-data", Refused,
        "The data of an entry does not have the size or CRC that the archive says.",
        "Inflating stops at the declared size, must end exactly there, and must use all of the input; everything else is a bomb or a hiding place.";
    ArchiveTooLarge, "archive-too-large", Refused,
        "A wheel unpacks to more than pipward allows.",
        "Entries, total size, ratio and metadata are capped before the first file is written, so that a small file cannot fill a disk (CVE-2019-9674). If the project is really that large, raise the key that is named under [limits] of pipward.toml.";
    ArchiveNotZip, "archive-not-zip", Refused,
        "A file is not a ZIP archive.",
        "An error page, an empty file or another kind of archive under a wheel's name is never guessed at. Look at what the address really serves, and lock again if it is the right one.";

    // Wheel.
    DistInfo, "dist-info", Refused,
        "A wheel does not have exactly one .dist-info directory that fits its file name.",
        "The .dist-info directory says what is installed. None, several, or one of another name would let a wheel pass as another project.";
    MetadataInvalid, "metadata-invalid", Refused,
        "A wheel's METADATA is missing or malformed.",
        "Name, Version and Metadata-Version must be there exactly once. Otherwise nobody can tell what would be installed; the project has to build its wheel again.";
    MetadataMismatch, "metadata-mismatch", Refused,
        "A wheel's METADATA disagrees with its file name or with the lock.",
        "Lock, file name and METADATA must name the same project and version, and METADATA must be what the lock was resolved from. Otherwise the review of the lock was about something else. Lock again, and look at what has changed.";
    WheelFileInvalid, "wheel-file-invalid", Refused,
        "A wheel's WHEEL file is missing, malformed or of a version that pipward does not know.",
        "The binary distribution format asks installers to refuse a major version greater than the one they know. A later major version may lay files out otherwise. Use a newer pipward, or another release.";
    RecordInvalid, "record-invalid", Refused,
        "A wheel's RECORD is missing or malformed.",
        "RECORD is the wheel's own table of contents. The specification: installers must fail when a file is missing from it or a hash does not match.";
    RecordUnlisted, "record-unlisted", Refused,
        "A wheel carries a file that its RECORD does not list.",
        "A file that the table of contents does not know is how a payload is added to a finished wheel: a .pth that nobody listed runs at the next start of Python. If you know how it came there, add a [[policy.exception]] with code, package and reason to pipward.toml.";
    RecordMissingFile, "record-missing-file", Refused,
        "A wheel's RECORD lists a file that the wheel does not carry.",
        "Such rows are deleted at the next uninstall, whoever owns the file (GHSA-pjjw-68hj-v9mw). The project has to build its wheel again; until then a [[policy.exception]] with code, package and reason in pipward.toml leaves such rows out.";
    RecordHash, "record-hash", Refused,
        "A file of a wheel does not have the hash or size that its RECORD says, or has none.",
        "The specification asks installers to fail; a mismatch means that the wheel was changed after it was built. If you know by whom and why, add a [[policy.exception]] with code, package and reason to pipward.toml.";
    EntryPoints, "entry-points", Refused,
        "A wheel's entry_points.txt is malformed or names something unsafe.",
        "Entry points become executable scripts. A name with a slash lands elsewhere (CVE-2026-8643), a value with a newline becomes code.";
    SchemeUnknown, "scheme-unknown", Refused,
        "A wheel's .data directory has a key that is not an installation scheme.",
        "purelib, platlib, headers, scripts and data are the schemes there are; a file outside them has no known place.";
    SchemeCrossing, "scheme-crossing", Refused,
        "A wheel's scripts, headers or data would land among the modules.",
        "Data files that reach site-packages are modules, or start-up files, which the table of modules does not show to a review. Each scheme keeps to its own directories.";
    InstallerOwned, "installer-owned", Refused,
        "A wheel ships a file that only an installer writes.",
        "INSTALLER, REQUESTED and direct_url.json say how something was installed. A wheel that brings its own tells lies about itself.";

    ImportMissing, "import-missing", Refused,
        "The project imports a module that nothing in its lock brings.",
        "It runs where somebody installed the module by hand, and nowhere else; there, whatever has that name is imported, which nobody pinned. Names that are imported and not declared are also what dependency confusion waits for: in 2021 Alex Birsan put packages under such names on public indexes and reached the networks of 35 companies. Find out which distribution brings the module (it may have another name), and add it with `pipward add`. A module that is only wanted where it is there goes to --ignore.";
    ImportTransitive, "import-transitive", Refused,
        "The project imports a module that is there only because something else needs it.",
        "The next version of that other package may do without it or bring one that is incompatible, and a re-lock then breaks the project although none of its own requirements changed. Ask for the distribution yourself, with the versions that you need: `pipward add NAME`.";
    DependencyUnused, "dependency-unused", Refused,
        "The project asks for a distribution and imports none of its modules.",
        "Each distribution is code that somebody else can change: in 2018 event-stream, which many asked for and few knew why, brought flatmap-stream, which stole from wallets. What is not used can go (`pipward remove NAME`). What is used without an import (a plugin, a server that is started from a shell, types for a checker) is passed over with --ignore NAME.";
    LicenseDenied, "license-denied", Refused,
        "A distribution has a licence that the policy does not allow.",
        "`[policy.licenses]` says which licences are allowed (`allow`), or which are not (`deny`). Of what a licence offers (`MIT OR GPL-3.0-only`) one choice has to be allowed. Terms come in with a dependency of a dependency and bind whoever ships the whole: in 2017 the Apache Software Foundation gave its projects a year to take out everything under Facebook's BSD licence with a patents clause. Leave the package out, choose another, or, if you have read its terms and may accept them, write [[policy.exception]] with code = \"license-denied\", the package and the reason.";
    LicenseUnknown, "license-unknown", Refused,
        "A distribution does not say its licence in the words of SPDX.",
        "METADATA has no License-Expression (PEP 639), and its older fields leave open which licence is meant: `BSD License` is one of several. Where `[policy.licenses]` lists what is allowed, that counts as not allowed; where it lists only what is not, it is told. Read the licence in the package, and write [[policy.exception]] with code = \"license-unknown\", the package and what you found as the reason; or set `license-unknown` under [policy] to \"warn\" or \"allow\".";
    LookAlike, "look-alike", Refused,
        "A name that is asked for is close to that of a well-known project.",
        "Names that differ from a well-known one in a letter, a separator or a prefix are registered to catch slips of the pen, and what they bring runs at once (colorama 2022). Names of the lock are not asked about again, nor those that an index of your configuration has to itself. Write the name that you mean; if you do mean this one, add a [[policy.exception]] with code, package and reason to pipward.toml.";
    NamePublic, "name-public", Refused,
        "A name of your own is on the public index too.",
        "Whoever has an internal name on the public index is one missing line of configuration away from your machines (torchtriton 2022). Pin the name to your index by packages = [\"NAME\"] in pipward.toml, wherever it is installed; other tools may need the name registered by yourself.";
    NamespaceForeign, "namespace-foreign", Refused,
        "A project has a name in a namespace that somebody else has reserved.",
        "An index may reserve names that begin alike for one organization (PEP 752). A project of others in it may be older than the reservation, or may be passing itself off as one of theirs. Look at who makes it; if that is right, add a [[policy.exception]] with code, package and reason to pipward.toml.";
    ProvenanceInvalid, "provenance-invalid", Refused,
        "An index gives provenance for a file that does not hold.",
        "PEP 740: an attestation is a statement about one file, signed by a short-lived certificate of its publisher and entered into a public log. One that does not hold was made for other bytes, was changed, or was not made by a publisher at all. Nothing was locked. Tell the project and the index.";
    ProvenanceLost, "provenance-lost", Refused,
        "A package was published with provenance before, and now is not.",
        "A stolen upload token makes releases without the publisher's own build: the provenance that all earlier releases had is what they lack (ultralytics 2024, second stage). Look for the release on the project's own pages. If it is right, `pipward lock --accept-publisher NAME` takes it.";
    PublisherChanged, "publisher-changed", Refused,
        "A package has another publisher than before.",
        "A project that moved to another repository, and one that was taken over, look alike from here. Look at the project's own pages; if it has moved, `pipward lock --accept-publisher NAME` takes the new publisher, which the lock then names.";
    PublisherRequired, "publisher-required", Refused,
        "A package is not published by whom the policy asks for.",
        "[[policy.require]] says who publishes some packages; a file that others published, or that nobody vouches for, does not enter the lock. Do not lock it; if the project has moved, change the rule.";
    LockUnsigned, "lock-unsigned", Refused,
        "A lock has no signature, and the policy asks for one.",
        "require-signed-lock in [policy] says that nothing is installed but what somebody signed whom you trust with it: who can write to the repository cannot change what is installed. Sign with `pipward lock --sign-key KEY`, or with `ssh-keygen -Y sign -n pipward-lock`. What was typed, or comes from an address, has no signature.";
    LockSignature, "lock-signature", Refused,
        "The signature of a lock does not hold, or its key may not sign it.",
        "The signature is over every byte of the lock: one that does not hold was made for another lock, or the lock was changed since. Keys are those of the allowed signers, each with its names, namespaces and times. Review what changed in the lock before you have it signed again.";
    ProjectArchived, "project-archived", Refused,
        "A project is archived: no more updates are to be expected.",
        "PEP 792: its makers say that nobody will mend it, holes included. This is told, and refuses nothing unless [policy] says so. Look for another project that does the same.";
    ProjectDeprecated, "project-deprecated", Refused,
        "A project is deprecated: its makers ask for another to be used.",
        "PEP 792: its makers call it obsolete. This is told, and refuses nothing unless [policy] says so. Look at what the project names as its successor.";
    ReleaseAge, "release-age", Refused,
        "A newer release has not been public for long enough to be locked.",
        "Stolen accounts and poisoned releases are mostly found within days (litellm 2026), so new files wait 72 hours before a lock takes them. A newer release that waits is told of, and refuses nothing unless [policy] says so; where nothing older satisfies the requirements, there is no lock until then. Wait until the hour that is named; or shorten the wait by min-release-age; or, for a fix that cannot wait, add a [[policy.exception]] with code, package and reason to pipward.toml.";
    ReleaseYanked, "release-yanked", Refused,
        "A release that is pinned was yanked by its makers.",
        "PEP 592: a yanked release is broken or dangerous, and is taken only where it is pinned exactly. This is told, and refuses nothing unless [policy] says so. Pin another version, or leave the choice to `pipward lock`.";
    ReleaseLeftOut, "release-left-out", Refused,
        "A locked release is one that an option of this run leaves out.",
        "--only-final takes no pre-releases, and --uploaded-prior-to no file that is as new as that, whatever the lock says of them. Nothing is taken in place of what is left out: which release is right is for the lock to say. Lock another release with `pipward lock`, or leave out the option.";
    StartupCode, "startup-code", Refused,
        "A wheel brings, or an environment has, code that runs without anybody asking for the package.",
        "A .pth file with a line of code, a .start file, sitecustomize and usercustomize among the modules or in a folder that a .pth file names, a module that an installed .pth file imports, and a compiled file that stands for a source run whenever Python starts, before any check of yours. Stolen projects have used this (2026). So do files that other programs obey (shells, cron, systemd, IPython; names with a dot at the start), and programs with the name of one of the system (ls, ssh, sudo), which an activated environment puts before it. A .pth file may name folders that its own wheel fills, and nothing else. The few files that are known to be harmless pass by their SHA-256. A sync refuses such a file among the modules that no RECORD lists, too. Read the file; if you trust it, add a [[policy.exception]] with code, package and reason to pipward.toml.";

    // Environment.
    PythonNotFound, "python-not-found", Usage,
        "No Python interpreter was found as asked.",
        "Name one with --python, as a path or a version such as 3.13. pipward looks on PATH and where pyenv and uv keep theirs; it installs none.";
    PythonUnusable, "python-unusable", Refused,
        "A Python interpreter did not tell what pipward needs to know, or is too old.",
        "pipward asks the interpreter about itself with -I -S, without running site or any package. CPython and PyPy from 3.8 on are supported.";
    NoEnvironment, "no-environment", Usage,
        "There is no environment to install into.",
        "Name one with --venv DIR (made if missing), activate one, or name an interpreter with --python. pipward does not write into a Python of the system without being told to.";
    ExternallyManaged, "externally-managed", Refused,
        "The environment belongs to the system's package manager.",
        "PEP 668: files that pip and the system's package manager both write break the system. Install into a virtual environment: --venv DIR makes one.";
    EnvironmentInvalid, "environment-invalid", Refused,
        "A directory is there, but it is not a virtual environment that pipward can use.",
        "pipward does not write into a directory that it does not understand. Name another, or delete this one yourself.";
    EnvironmentBusy, "environment-busy", Incomplete,
        "Another process is changing this environment.",
        "Two writers at once would leave a mixture. Wait for the other one to end.";
    FileConflict, "file-conflict", Refused,
        "A file would be written over one that belongs to something else.",
        "Two distributions that bring the same file with different content overwrite each other silently, which is also how one package replaces a part of another; and of two files for one module (pear.py, pear.so, pear/__init__.py) Python imports one alone. Leave one of them out of the lock, or take releases that do not clash. A license or a readme gives way by itself; if a project can do without another file, a [[policy.exception]] with code, package and reason in pipward.toml leaves its file out.";
    EnvironmentOwned, "environment-owned", Refused,
        "A wheel would write a file that belongs to the environment itself.",
        "python, activate and pyvenv.cfg decide which code runs; no package replaces them.";
    UnsafeUninstall, "unsafe-uninstall", Refused,
        "An installed distribution cannot be removed safely.",
        "Its RECORD is missing or names files outside the environment. A RECORD may have been written by an attacker, so it never leads out of the environment's own directories.";
    JournalUnreadable, "journal-unreadable", Incomplete,
        "An interrupted change of this environment cannot be settled.",
        "The journal of a change that was interrupted is damaged. Make the environment anew from the lock.";

    // Files and the machine.
    DiskFull, "disk-full", Incomplete,
        "The disk is full.",
        "Everything written so far has been taken back. Free some space and run the same command again.";
    NotWritable, "not-writable", Incomplete,
        "A file or directory cannot be written or read by this user.",
        "Give the permission, or choose another place. Whatever had been written before has been taken back.";
    FileAccess, "file-access", Incomplete,
        "The system refused an operation on a file.",
        "The system's own words say why. Whatever had been written before has been taken back; put the cause right and run the same command again.";
    ProcessLimit, "process-limit", Incomplete,
        "The system gives no thread or no process.",
        "A limit is reached: of the processes and threads of this user (`ulimit -u`), of a container (`docker run --pids-limit`, pids.max of its cgroup), or memory. pipward makes do with one thread of each kind, and needs a process to ask Python; with less nothing is done, and whatever had been written before has been taken back. Raise the limit or end other programs, and run the same command again.";
    Interrupted, "interrupted", Interrupted,
        "The run was interrupted.",
        "Everything written so far has been taken back. Run the same command again whenever you like.";
    Internal, "internal", Incomplete,
        "pipward has a fault.",
        "This should not happen. Please report it with the command that you typed.";
    Usage, "usage", Usage,
        "The command line is not complete or contradicts itself.",
        "See `pipward --help` and `pipward COMMAND --help`. Nothing has been read or written.";

    ConfigInvalid, "config-invalid", Usage,
        "The configuration has a setting or a value that pipward does not know.",
        "Settings stand in pipward.toml, or under [tool.pipward] of pyproject.toml. One that is not known is refused, since a misspelled one would silently change nothing. Mend the line that is named.";

    // Resolving.
    LockDrift, "lock-drift", Refused,
        "The lock does not follow from its inputs any more.",
        "Inputs, options or the lock itself were changed since it was written. Run the same command without --check to lock again, and review what changes.";
    NoSolution, "no-solution", Refused,
        "No set of versions satisfies all requirements.",
        "The story above names the requirements that exclude each other. Loosen one of them, or choose another Python.";
    ProjectNotFound, "project-not-found", Refused,
        "No index has a project of this name.",
        "Look at the spelling. A name that does not exist today may be registered by anyone tomorrow.";
    ProjectQuarantined, "project-quarantined", Refused,
        "An index holds a project in quarantine.",
        "PEP 792: an index puts a project into quarantine when it is taken for harmful. Nothing of it is locked, whatever files are still listed. Find out what happened, and use something else meanwhile.";
    MetadataUnavailable, "metadata-unavailable", Refused,
        "The metadata of a candidate cannot be learned or is malformed.",
        "Without its dependencies a version cannot be locked. Try again when the index answers, or exclude the version that it cannot tell about.";

    // Findings of `verify`.
    FileChanged, "file-changed", Refused,
        "An installed file is not what its RECORD says.",
        "Somebody or something edited it after the install, or its permission bits: one that others can write, or that runs as somebody else, is a door. Install again from the lock.";
    FileMissing, "file-missing", Refused,
        "An installed file is gone.",
        "Imports of it fail, or find something else of that name. Install again from the lock.";
    FileUnlisted, "file-unlisted", Refused,
        "There is a file among the installed ones that no RECORD lists.",
        "Nobody vouches for it: it was put there after the install. Python imports it all the same, and runs some at each start. Find out who put it there; `pipward sync --remove-unlisted` removes all such files.";
    DistributionUnlocked, "distribution-unlocked", Refused,
        "A distribution is installed that the lock does not have, or has in another version.",
        "What is not in the lock was never reviewed. Put it into the inputs and lock again, or make the environment anew from the lock.";
    DistributionMissing, "distribution-missing", Refused,
        "The lock has a package for this environment that is not installed.",
        "What needs it fails when it is imported. Install again from the lock.";
    RecordOrigin, "record-origin", Refused,
        "An installed RECORD is not the one that the locked wheel leads to.",
        "Whoever changes a file and its line in RECORD passes a check against RECORD alone; compared with the locked wheel it shows. Install again from the lock.";

    // Findings of `audit`.
    KnownVulnerability, "known-vulnerability", Refused,
        "A locked or installed version has a known vulnerability.",
        "An advisory (OSV) names this version as affected. Whoever reads the advisory can write the attack: most intrusions through dependencies use holes that were fixed long before (Equifax lost the data of 147 million people in 2017 to one with a fix two months old). Move to a fixed version: `pipward audit --fix` proposes the smallest change. Where it does not concern you, say so in a VEX document, or put its id into [[audit.ignore]] of pipward.toml with a reason and an end date.";
    KnownMalware, "known-malware", Refused,
        "A locked or installed version is known to be malicious.",
        "The malicious packages repository (MAL-) has a report of it. Such releases run their code when they are installed or imported, and steal what they find (ctx and ultralytics, 2022 and 2024, were real projects before their releases were poisoned). No setting passes over this. Take the package out; where it was installed, change every secret that the machine could read.";
    AdvisoryInvalid, "advisory-invalid", Incomplete,
        "A record of an advisory database cannot be understood.",
        "A record that is half understood could hide what it is about, so an audit that needs it does not end as clean. Take the database anew, or name its id in [[audit.ignore]] with a reason.";
    AdvisoriesMissing, "advisories-missing", Incomplete,
        "There is no advisory database to audit with.",
        "Without data an audit would find nothing and look clean. Name a folder or an export with --db, or keep one with `pipward audit --update-db URL`.";
    AdvisoriesStale, "advisories-stale", Incomplete,
        "The advisory data is older than the policy allows, or does not tell its age.",
        "Old data knows nothing of new vulnerabilities, and says so by finding none. `max-age` under [audit] of pipward.toml is the limit. Bring the database up to date with `pipward audit --update-db URL`.";
    AuditIncomplete, "audit-incomplete", Incomplete,
        "Some of what was to be audited could not be looked up.",
        "The index does not know the release, or nobody can tell its version. What was not looked up is not known to be clean, so the audit does not end as if it were: it tells how many of the packages were asked about, and ends with 3 unless something else was found. Ask a source that knows them (--db), or name a package under [[audit.unanswered]] of pipward.toml with the reason why it need not be looked up.";
    VexInvalid, "vex-invalid", Incomplete,
        "A VEX document cannot be understood.",
        "VEX statements take findings out of an audit, so they are read strictly: OpenVEX or CycloneDX, with a status that is known, and never `not_affected` without a word of why. Ask whoever wrote the document for another one.";
}
