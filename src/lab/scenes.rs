//! The scenarios.
//!
//! Each is told in the order in which it happened: what the attacker does, what pip makes of it, what pipward says, and, where
//! there is one, the way out.

use super::stage::Stage;
use super::wheel::Wheel;
use super::{Scenario, signed};
use crate::digest::Sha256;
use crate::error::{Code, Problem};

/// Hours: a release that everybody knows, and one of this morning.
const OLD: i64 = 5000;
const YOUNG: i64 = 3;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "dependency-confusion",
        title: "The name of an internal package is registered on a public index.",
        happened: "torchtriton, December 2022: a dependency of PyTorch's nightly builds, on PyTorch's own index, was registered on \
                   PyPI; whoever used both indexes got the stranger's, which sent SSH keys away.",
        plain: "pip asks all indexes and takes the highest version, whoever made it.",
        play: dependency_confusion,
    },
    Scenario {
        name: "look-alike",
        title: "A name is registered that is one letter away from a well-known one.",
        happened: "colourama, October 2018: a look-alike of colorama that watched the clipboard for Bitcoin addresses.",
        plain: "pip installs whatever has the name that was typed.",
        play: look_alike,
    },
    Scenario {
        name: "fresh-release",
        title: "A stolen account publishes a release, which is found out within hours.",
        happened: "ultralytics 8.3.41, December 2024: a release with a miner in it was on PyPI for half a day.",
        plain: "pip takes the newest release, minutes after it was uploaded.",
        play: fresh_release,
    },
    Scenario {
        name: "revived-name",
        title: "A name that its owner has deleted is registered anew.",
        happened: "Revival hijack, September 2024: 22,000 deleted names of PyPI could be taken by anybody; pingdomv3 was.",
        plain: "pip installs the stranger's file under the pinned version: the version is the same, the bytes are not.",
        play: revived_name,
    },
    Scenario {
        name: "moved-address",
        title: "A change of the lock moves the address of a file, and its hash with it.",
        happened: "Lockfile injection, as Liran Tal told of it in September 2019: a pull request that changes nothing but lines of a \
                   lock that nobody reads.",
        plain: "pip downloads from the address that stands in the lock, on any host.",
        play: moved_address,
    },
    Scenario {
        name: "lost-provenance",
        title: "All releases came out of the project's own build, and the newest does not.",
        happened: "ultralytics 8.3.45, December 2024: uploaded with an old token by somebody who could not use the build any more.",
        plain: "pip does not ask who published a file.",
        play: lost_provenance,
    },
    Scenario {
        name: "other-publisher",
        title: "The newest release is published by another repository, whose name begins alike.",
        happened: "xz-utils, March 2024: who may release changed long before anybody looked at what was released.",
        plain: "pip does not ask who published a file.",
        play: other_publisher,
    },
    Scenario {
        name: "quarantine",
        title: "An index holds a project in quarantine, and still lists its files.",
        happened: "aiocpa, November 2024: PyPI put it into quarantine after a release that sent tokens to a Telegram bot.",
        plain: "pip does not look at the status of a project (PEP 792) and installs what is listed.",
        play: quarantine,
    },
    Scenario {
        name: "startup-code",
        title: "A release brings a .pth file, whose code runs whenever Python starts.",
        happened: "litellm 1.82.8, March 2026: litellm_init.pth read keys and tokens at each start of Python; nobody had to import \
                   the package.",
        plain: "pip installs the file, and the next start of Python runs it.",
        play: startup_code,
    },
    Scenario {
        name: "unlisted-file",
        title: "A file is added to a finished wheel, and RECORD does not list it.",
        happened: "PyPI, August 2025: the index began to refuse wheels whose RECORD and ZIP archive differ, since installers do not \
                   compare them.",
        plain: "pip installs what is in the archive, listed or not.",
        play: unlisted_file,
    },
    Scenario {
        name: "poisoned-release",
        title: "A change of the lock keeps the version of a package, and changes its hash; the new file brings a .pth.",
        happened: "ctx, May 2022: a stranger took over a project of PyPI and replaced its old releases by ones that sent the \
                   environment's secrets away.",
        plain: "pip installs what the index has under that version, and has nothing to compare it with.",
        play: poisoned_release,
    },
    Scenario {
        name: "edited-file",
        title: "An installed file is edited, and its line in RECORD with it.",
        happened: "colorama and pytutor, March 2024: an intruder who had a developer's session put a changed package where many would \
                   install it from; what is installed is what has to be looked at.",
        plain: "pip check compares versions alone and says that nothing is broken.",
        play: edited_file,
    },
];

fn dependency_confusion(stage: &mut Stage) -> Result<(), Problem> {
    let (own, public) = (stage.index()?, stage.index()?);
    own.publish(&[(Wheel::good("plum", "2"), OLD)], None);
    public.publish(&[(Wheel::bad("plum", "3"), OLD)], None);
    stage.tell("Your index has plum 2. A stranger registers plum on the public one, as version 3.");
    let (own, public) = (own.pages(), public.pages());
    stage.pip(&["-i", &own, "--extra-index-url", &public, "plum"], "plum")?;
    stage.pipward(&["lock", "-i", &own, "--extra-index-url", &public, "plum"], Some(Code::IndexConflict))?;
    stage.tell("The way out: pipward.toml says whose the name is.");
    stage.configure(&[("own", &own, "packages = [\"plum\"]"), ("public", &public, "")])?;
    stage.pipward(&["lock", "plum"], None)
}

fn look_alike(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    index.publish(&[(Wheel::bad("colourama", "1"), OLD)], None);
    stage.tell("A stranger registers colourama. Somebody who means colorama types it.");
    stage.pip(&["-i", &index.pages(), "colourama"], "colourama")?;
    stage.pipward(&["lock", "colourama"], Some(Code::LookAlike))
}

fn fresh_release(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    index.publish(&[(Wheel::good("plum", "1"), OLD), (Wheel::bad("plum", "2"), YOUNG)], None);
    stage.tell(
        "plum 1 has been public for months. Three hours ago somebody with a stolen token uploaded plum 2.",
    );
    stage.pip(&["-i", &index.pages(), "plum"], "plum")?;
    stage.pipward(&["lock", "plum"], Some(Code::ReleaseAge))?;
    stage.tell("plum 1 is locked. Who insists on the new one is told why there is none yet.");
    stage.pipward(&["lock", "plum>=2", "--upgrade"], Some(Code::ReleaseAge))
}

fn revived_name(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    index.publish(&[(Wheel::good("plum", "1"), OLD)], None);
    stage.pipward(&["lock", "plum"], None)?;
    index.publish(&[(Wheel::bad("plum", "1"), YOUNG)], None);
    stage.tell(
        "The owner of plum deletes it. A stranger registers the name, and uploads a plum 1 of his own.",
    );
    stage.pip(&["-i", &index.pages(), "plum==1"], "plum")?;
    stage.install(Some(Code::HashMismatch))
}

fn moved_address(stage: &mut Stage) -> Result<(), Problem> {
    let (index, evil) = (stage.configured()?, stage.index()?);
    let (good, bad) = (Wheel::good("plum", "1").bytes(), Wheel::bad("plum", "1").bytes());
    index.publish(&[(Wheel::good("plum", "1"), OLD)], None);
    evil.publish(&[(Wheel::bad("plum", "1"), OLD)], None);
    stage.pipward(&["lock", "plum"], None)?;
    let lock = stage.read("pylock.toml")?;
    let lock = lock
        .replace(&index.url("/files/"), &evil.url("/files/"))
        .replace(&Sha256::of(&good).to_string(), &Sha256::of(&bad).to_string())
        .replace(&format!("size = {}", good.len()), &format!("size = {}", bad.len()));
    stage.write("pylock.toml", &lock)?;
    stage.tell("A pull request changes two lines of the lock: plum 1 now comes from another host, with another hash.");
    stage.pip(&["-r", "pylock.toml"], "plum")?;
    stage.install(Some(Code::FileHost))
}

fn lost_provenance(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    stage.trust()?;
    index.publish(&[(Wheel::good("plum", "1").published(signed::OWN), OLD)], None);
    stage.pipward(&["lock", "plum"], None)?;
    let releases = [(Wheel::good("plum", "1").published(signed::OWN), OLD), (Wheel::bad("plum", "2"), OLD)];
    index.publish(&releases, None);
    stage.tell("plum 1 was published by acme/plum on GitHub, and the lock notes it. plum 2 was uploaded with a stolen token.");
    stage.pip(&["-i", &index.pages(), "plum"], "plum")?;
    stage.pipward(&["lock", "plum", "--upgrade"], Some(Code::ProvenanceLost))
}

fn other_publisher(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    stage.trust()?;
    index.publish(&[(Wheel::good("plum", "1").published(signed::OWN), OLD)], None);
    stage.pipward(&["lock", "plum"], None)?;
    let stranger = Wheel::bad("plum", "2").published(signed::STRANGER);
    index.publish(&[(Wheel::good("plum", "1").published(signed::OWN), OLD), (stranger, OLD)], None);
    stage.tell("plum 1 was published by acme/plum. plum 2 has provenance that holds: of acme/plum-tools.");
    stage.pip(&["-i", &index.pages(), "plum"], "plum")?;
    stage.pipward(&["lock", "plum", "--upgrade"], Some(Code::PublisherChanged))
}

fn quarantine(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    index.publish(&[(Wheel::bad("plum", "1"), OLD)], Some("quarantined"));
    stage.tell("The index has found out what plum does, and has put it into quarantine.");
    stage.pip(&["-i", &index.pages(), "plum"], "plum")?;
    stage.pipward(&["lock", "plum"], Some(Code::ProjectQuarantined))
}

fn startup_code(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    index.publish(&[(Wheel::good("plum", "1").with_startup(), OLD)], None);
    stage.tell("plum 1 brings plum_init.pth. Nothing in it is imported by anybody.");
    stage.pip(&["-i", &index.pages(), "plum"], "sys")?;
    stage.pipward(&["lock", "plum"], None)?;
    stage.install(Some(Code::StartupCode))
}

fn unlisted_file(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    index.publish(&[(Wheel::good("plum", "1").with_unlisted(), OLD)], None);
    stage.tell(
        "Somebody adds plum_init.pth to the finished wheel of plum 1. Its table of contents stays as it was.",
    );
    stage.pip(&["-i", &index.pages(), "plum"], "sys")?;
    stage.pipward(&["lock", "plum"], None)?;
    stage.install(Some(Code::RecordUnlisted))
}

fn poisoned_release(stage: &mut Stage) -> Result<(), Problem> {
    let (index, other) = (stage.index()?, stage.index()?);
    index.publish(&[(Wheel::good("plum", "1"), OLD)], None);
    other.publish(&[(Wheel::good("plum", "1").with_startup(), OLD)], None);
    stage.configure(&[("own", &index.pages(), "")])?;
    stage.pipward(&["lock", "plum", "-o", "pylock.toml"], None)?;
    stage.configure(&[("own", &other.pages(), "")])?;
    stage.pipward(&["lock", "plum", "-o", "pylock.new.toml"], None)?;
    stage.configure(&[("own", &index.pages(), ""), ("other", &other.pages(), "")])?;
    stage.tell("A pull request brings pylock.new.toml: plum is still version 1, and has another hash.");
    stage.pip(&["-i", &other.pages(), "plum==1"], "sys")?;
    let alarms = ["ALARM: other hashes", "ALARM: new start-up code: plum_init.pth"];
    stage.alarmed(&["diff", "pylock.toml", "pylock.new.toml", "--deep"], &alarms)?;
    stage.tell("Who merges it all the same is refused at the install.");
    stage.pipward(&["install", "-r", "pylock.new.toml", "--venv", "env"], Some(Code::StartupCode))
}

fn edited_file(stage: &mut Stage) -> Result<(), Problem> {
    let index = stage.configured()?;
    index.publish(&[(Wheel::good("plum", "1"), OLD)], None);
    stage.pipward(&["lock", "plum"], None)?;
    stage.install(None)?;
    let failed = || Problem::new(Code::Internal, "the environment does not have what was installed");
    let module = stage.installed("plum.py").ok_or_else(failed)?;
    let record = stage.installed("plum-1.dist-info/RECORD").ok_or_else(failed)?;
    let payload = "print('the payload ran')\n";
    let listed = stage.read(&record)?;
    let line = Wheel::line("plum.py", payload);
    let edited: Vec<&str> =
        listed.lines().map(|old| if old.starts_with("plum.py,") { line.as_str() } else { old }).collect();
    stage.write(&module, payload)?;
    stage.write(&record, &(edited.join("\n") + "\n"))?;
    stage.tell("An intruder edits plum.py in the environment, and writes its new hash into RECORD.");
    stage.pipward(&["verify", "env", "-r", "pylock.toml"], Some(Code::RecordOrigin))
}
