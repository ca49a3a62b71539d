//! What was noted of an environment spares a look at files that are as they were, and nothing else.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{set_times_as, sync};
use crate::commands::{Place, simple};
use crate::support::server::{Published, Response, Server};
use crate::support::tree::{assert_same, tree};
use crate::support::wheels::WheelBuilder;
use crate::support::world::offer;

fn with_files(name: &str, count: usize) -> WheelBuilder {
    (0..count).fold(simple(name, "1"), |wheel, at| wheel.file(&format!("{name}/many/f{at}.py"), "x = 1\n"))
}

fn installed(wheels: &[WheelBuilder]) -> Place {
    let place = Place::with(&[]);
    let requirements = place.offer(wheels);
    std::fs::write(place.path("lock.txt"), requirements).unwrap();
    sync(&place, &[]).ok();
    sync(&place, &[]).ok().stdout_has("Nothing to do");
    place
}

/// Another content of the same size, and the times that were there: ctime tells.
fn edit(place: &Place, file: &Path) {
    let reference = place.path("reference");
    std::fs::write(&reference, "").unwrap();
    set_times_as(&reference, file);
    let mut text = std::fs::read(file).unwrap();
    *text.iter_mut().rfind(|byte| !byte.is_ascii_whitespace()).unwrap() = b'#';
    std::fs::write(file, text).unwrap();
    set_times_as(file, &reference);
}

fn is_found(place: &Place, change: impl Fn(&Path), file: &str) {
    let wanted = tree(&place.environment());
    change(&place.library().join(file));
    sync(place, &["--dry-run"]).ok().stdout_has("Would");
    sync(place, &[]).ok().stdout_has("Successfully installed");
    assert_same(&wanted, &tree(&place.environment()));
    sync(place, &[]).ok().stdout_has("Nothing to do");
}

#[test]
fn a_change_is_found_wherever_it_is() {
    let alpha = with_files("alpha", 20)
        .file("alpha/few/one.py", "x = 1\n")
        .file("root_of_alpha.py", "x = 1\n")
        .entry_points("[console_scripts]\nalpha1 = alpha:main\n");
    let place = installed(&[alpha]);
    for file in [
        "alpha/many/f0.py",
        "alpha/many/f19.py",
        "alpha/few/one.py",
        "root_of_alpha.py",
        "alpha-1.dist-info/METADATA",
        "../../../bin/alpha1",
    ] {
        is_found(&place, |file| edit(&place, file), file);
        is_found(&place, |file| std::fs::remove_file(file).unwrap(), file);
        let to_link = |file: &Path| {
            let elsewhere = place.path("elsewhere");
            std::fs::rename(file, &elsewhere).unwrap();
            std::os::unix::fs::symlink(&elsewhere, file).unwrap();
        };
        is_found(&place, to_link, file);
    }
}

/// The work is divided between threads then.
#[test]
fn a_change_is_found_among_many_files() {
    let place = installed(&["alpha", "beta", "gamma"].map(|name| with_files(name, 1100)));
    for file in ["alpha/many/f0.py", "beta/many/f1099.py", "gamma/__init__.py"] {
        is_found(&place, |file| std::fs::remove_file(file).unwrap(), file);
        is_found(&place, |file| edit(&place, file), &file.replace("__init__", "many/f7"));
    }
}

/// What was noted of small ones is read together; each of them is looked at.
#[test]
fn a_change_is_found_in_each_of_many_small_ones() {
    let names = ["alpha", "beta", "gamma", "delta"];
    let place = installed(&names.map(|name| with_files(name, 3)));
    for name in names {
        is_found(&place, |file| edit(&place, file), &format!("{name}/many/f1.py"));
    }
}

fn noted(place: &Place) -> PathBuf {
    let mut found = std::fs::read_dir(place.path("cache/witness")).unwrap();
    found.next().unwrap().unwrap().path()
}

#[test]
fn what_is_noted_may_be_damaged() {
    let place = installed(&[with_files("alpha", 12), simple("beta", "1")]);
    let file = noted(&place);
    let whole = std::fs::read(&file).unwrap();
    let wanted = tree(&place.environment());
    let written: [&dyn Fn(); 4] = [
        &|| std::fs::write(&file, &whole[..whole.len() / 2]).unwrap(),
        &|| std::fs::write(&file, [&whole[..], &whole[..50]].concat()).unwrap(),
        &|| std::fs::write(&file, whole.iter().map(|byte| byte ^ 0x55).collect::<Vec<u8>>()).unwrap(),
        &|| {
            std::fs::remove_file(&file).unwrap();
            std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        },
    ];
    for damage in written {
        damage();
        sync(&place, &[]).ok().stdout_has("Nothing to do: 2 packages");
        assert_same(&wanted, &tree(&place.environment()));
        // The run looked at each file, and noted them anew.
        assert!(std::fs::symlink_metadata(&file).unwrap().is_file());
        assert_eq!(std::fs::read(&file).unwrap().len(), whole.len());
    }
}

#[test]
fn what_a_run_puts_in_is_noted_as_if_it_were_read_again() {
    let odd = WheelBuilder::new("Od.d_Name", "1.0").file("odd/__init__.py", "x = 1\n");
    let place = installed(&[odd, with_files("alpha", 12)]);
    let put_in = std::fs::read(noted(&place)).unwrap();
    std::fs::remove_file(noted(&place)).unwrap();
    sync(&place, &[]).ok().stdout_has("Nothing to do: 2 packages");
    assert!(std::fs::read(noted(&place)).unwrap() == put_in);
}

#[test]
fn what_stays_is_noted_still_when_another_package_changes() {
    let alpha = || with_files("alpha", 3);
    let place = installed(&[alpha(), simple("beta", "1")]);
    let is_noted = |name: &str| {
        let text = std::fs::read(noted(&place)).unwrap();
        text.windows(name.len()).any(|found| found == name.as_bytes())
    };
    assert!(is_noted("alpha-1.dist-info") && is_noted("beta-1.dist-info"));
    std::fs::write(place.path("lock.txt"), place.offer(&[alpha(), simple("beta", "2")])).unwrap();
    sync(&place, &[]).ok();
    assert!(is_noted("alpha-1.dist-info") && is_noted("beta-2.dist-info"));
    assert!(!is_noted("beta-1.dist-info"));
}

/// A file that changes within the tick of the clock in which it was noted would have the time that was noted.
#[test]
fn what_is_noted_is_older_than_a_tick() {
    for _ in 0..8 {
        let alpha = with_files("alpha", 1)
            .file("top.py", "x = 1\n")
            .entry_points("[console_scripts]\nalpha1 = alpha:main\n");
        let place = installed(&[alpha]);
        let note = noted(&place).metadata().unwrap();
        // These two get their place, and a new ctime, at the very end.
        for file in ["top.py", "../../../bin/alpha1"] {
            let found = place.library().join(file).metadata().unwrap();
            let (changed, noted) = ((found.ctime(), found.ctime_nsec()), (note.mtime(), note.mtime_nsec()));
            assert!(changed < noted, "{file} changed at {changed:?} and was noted at {noted:?}");
        }
    }
}

/// A package that stays is compared early. What it is at the end of the run, nobody has looked at.
#[test]
fn what_changes_while_a_run_works_is_not_noted() {
    // What is here already has been compared by the time that the rest has come; on a busy machine that may take longer.
    let ways = [1, 4, 16].into_iter().map(Duration::from_secs);
    assert!(ways.into_iter().any(is_healed_afterwards), "it was always compared too late for this test");
}

/// Whether a file was compared before it changed, so that the run did not see that; then the next one has to.
fn is_healed_afterwards(wait: Duration) -> bool {
    let [alpha, beta] = [with_files("alpha", 3), simple("beta", "1")];
    let place = installed(std::slice::from_ref(&alpha));
    let file = place.library().join("alpha/many/f1.py");
    let wanted = tree(&place.environment());
    std::fs::remove_file(noted(&place)).unwrap();
    let server = Server::start();
    let (name, bytes) = beta.build();
    let line = format!("beta==1 --hash=sha256:{}\n", pipward::digest::Sha256::of(&bytes));
    offer(&server, vec![Published::new(alpha.build()), Published::new(beta.build())]);
    let edited = file.clone();
    server.on(&format!("/files/{name}"), move |_, _| {
        std::thread::sleep(wait);
        std::fs::write(&edited, "x = 2\n").unwrap();
        Response::ok(bytes.clone())
    });
    let alone = std::fs::read_to_string(place.path("lock.txt")).unwrap();
    std::fs::write(place.path("lock.txt"), format!("{alone}{line}")).unwrap();
    let words = ["sync", "--index-url", &server.url("/simple/"), "-r", "lock.txt"];
    let run = place.ours(&words).env("PIPWARD_CACHE_DIR", place.path("cache")).run();
    run.ok().stdout_has("beta-1");
    if std::fs::read(&file).unwrap() != b"x = 2\n" {
        return false;
    }
    std::fs::write(place.path("lock.txt"), alone).unwrap();
    sync(&place, &[]).ok().stdout_has("Successfully installed alpha-1");
    assert_same(&wanted, &tree(&place.environment()));
    sync(&place, &[]).ok().stdout_has("Nothing to do");
    true
}

/// What says that a file is as it was is compared with the system, and not believed.
#[test]
fn a_forged_note_is_no_worse_than_none_where_all_is_hashed() {
    let place = installed(&[with_files("alpha", 12)]);
    let file = place.library().join("alpha/many/f3.py");
    let before = std::fs::metadata(&file).unwrap();
    edit(&place, &file);
    let after = std::fs::metadata(&file).unwrap();
    let mut bytes = std::fs::read(noted(&place)).unwrap();
    let told = |found: &std::fs::Metadata| {
        let seconds = [found.mtime(), found.ctime()].map(i64::to_le_bytes).concat();
        [&found.size().to_le_bytes()[..], &found.ino().to_le_bytes(), &seconds].concat()
    };
    let rest = |found: &std::fs::Metadata| {
        [found.mode(), found.mtime_nsec() as u32, found.ctime_nsec() as u32].map(u32::to_le_bytes).concat()
    };
    let old = [told(&before), rest(&before)].concat();
    let at = bytes.windows(old.len()).position(|found| found == old).unwrap();
    bytes.splice(at..at + old.len(), [told(&after), rest(&after)].concat());
    std::fs::write(noted(&place), bytes).unwrap();
    sync(&place, &[]).ok().stdout_has("Nothing to do");
    sync(&place, &["--rehash"]).ok().stdout_has("Successfully installed alpha-1");
}
