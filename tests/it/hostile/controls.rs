//! What is odd but legal: it installs, with the content that it has.

use pipward_resolver::WheelName;

use super::cases::GROUPS;
use super::{Ground, on_grounds};
use crate::support::long;
use crate::support::pythons::any_python;
use crate::support::tape::{Recorded, recorded};
use crate::support::wheels::WheelBuilder;
use crate::{hostile_archive, wheel};

fn odd(what: &str, builder: &WheelBuilder) -> Recorded {
    let (name, bytes) = builder.build();
    Recorded { what: what.to_owned(), expected: Ok(()), name, bytes }
}

fn all() -> Vec<Recorded> {
    let mut all: Vec<Recorded> = [
        hostile_archive::an_honest_archive_is_read as fn(),
        hostile_archive::descriptors_that_agree_are_read,
        hostile_archive::zip64_that_agrees_is_read,
    ]
    .into_iter()
    .chain(GROUPS.iter().map(|(_, group)| *group))
    .chain([wheel::entry_points_are_read_strictly as fn()])
    .flat_map(recorded)
    .filter(|case| case.expected.is_ok())
    .collect();
    let new = |name: &str| WheelBuilder::new(name, "1.0").file("pkg/__init__.py", "");
    all.extend([
        odd("a name with dots", &new("My.Odd-Name")),
        odd("an epoch", &WheelBuilder::new("pkg", "1!2.0")),
        odd("a local version", &WheelBuilder::new("pkg", "1.0+local.7")),
        odd("a pre-release", &WheelBuilder::new("pkg", "1.0rc1.post2.dev3")),
        odd("a build tag", &new("pkg").build_tag("7abc")),
        odd("several tags", &new("pkg").tag("py2.py3-none-any")),
        odd("platlib", &new("pkg").platlib()),
        odd("names in Unicode", &new("pkg").file("pkg/übung/模块.py", "x = 1\n")),
        odd("spaces", &new("pkg").file("pkg/a file with spaces.txt", "x")),
        odd("commas and quotes", &new("pkg").file("pkg/a,\"b\".txt", "x")),
        odd("dots", &new("pkg").file("pkg/...txt", "x").file("pkg/.hidden", "x").file("pkg/a..b", "x")),
        odd("an empty file", &new("pkg").file("pkg/empty", "")),
        odd("a large file of zeros", &new("pkg").file("pkg/zeros", vec![0; 2 << 20])),
        odd("a long name", &new("pkg").file(&format!("pkg/{}", "x".repeat(250)), "x")),
        odd("deep directories", &new("pkg").file(&format!("pkg/{}x", "d/".repeat(60)), "x")),
        odd("names that differ in case", &new("pkg").file("pkg/readme", "1").file("pkg/README", "2")),
        odd("a module beside a package", &new("pkg").file("pkg.py", "")),
        odd("a script", &new("pkg").data_script("odd-tool", "#!python\nprint(1)\n")),
        odd("data", &new("pkg").data("data", "share/odd/x", "1").data("headers", "odd.h", "")),
        odd("licenses", &new("pkg").file("pkg-1.0.dist-info/licenses/LICENSE", "free")),
        odd("a top_level.txt", &new("pkg").file("pkg-1.0.dist-info/top_level.txt", "pkg\n")),
        odd("no modules at all", &WheelBuilder::new("pkg", "1.0")),
        odd("a directory named as metadata", &new("pkg").file("pkg/x.dist-info/METADATA", "")),
        odd(
            "other entry points",
            &new("pkg").entry_points("[odd.group]\na-b = pkg.mod:Class.attr [extra]\n"),
        ),
        odd("a path file", &new("pkg").file("odd.pth", "pkg\n")),
    ]);
    all
}

fn installs(ground: &mut Ground, case: &Recorded) -> Vec<String> {
    let lock = ground.lock_of(&[(case.name.clone(), case.bytes.clone())]);
    let ran = ground.run(&["install", "--venv", "out", "-r", &lock, "--no-deps"]);
    let mut faults = ground.excesses(&ran);
    if ran.status != 0 {
        faults.push(ran.stderr.clone());
    }
    let done = format!("Successfully installed {}-", WheelName::parse(&case.name).unwrap().name());
    if !ran.stdout.contains(&done) {
        faults.push(format!("{done:?} is not said\n{}", ran.stdout));
    }
    let library = format!("work/out/lib/python{}/site-packages", any_python().version);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&case.bytes)).unwrap();
    for at in 0..archive.len() {
        use std::io::Read as _;
        let mut entry = archive.by_index(at).unwrap();
        let path = entry.name().unwrap().into_owned();
        if entry.is_dir() || path.ends_with("/RECORD") || path.contains(".data/") {
            continue;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if std::fs::read(ground.path(&library).join(&path)).ok() != Some(content) {
            faults.push(format!("{path} is not what the wheel has"));
        }
    }
    let _ = std::fs::remove_dir_all(ground.path("work/out"));
    faults.into_iter().map(|fault| format!("{}: {fault}", case.what)).collect()
}

#[test]
fn what_is_odd_but_legal_installs() {
    let all = all();
    assert!(all.len() >= 40, "{} controls", all.len());
    let step = if long() { 1 } else { 3 };
    let taken: Vec<&Recorded> = all.iter().step_by(step).collect();
    let faults = on_grounds(&taken, |ground, case| installs(ground, case));
    assert!(faults.is_empty(), "{} faults in {} cases:\n{}", faults.len(), taken.len(), faults.join("\n"));
}

/// "The path … MUST be relative to the location of this file", or absolute: either may lead elsewhere.
#[test]
fn a_lock_may_name_files_elsewhere() {
    let mut ground = Ground::new();
    let (name, bytes) = WheelBuilder::new("pkg", "1.0").file("pkg.py", "").build();
    let lock = ground.lock_of(&[(name.clone(), bytes)]);
    std::fs::rename(ground.path("work").join(&name), ground.path("stays").join(&name)).unwrap();
    let text = std::fs::read_to_string(ground.path("work/pylock.toml")).unwrap();
    let elsewhere = ground.path("stays").join(&name);
    let honest = std::fs::read(&elsewhere).unwrap();
    let other: Vec<u8> = honest.iter().rev().copied().collect();
    let absolute = ground.path("stays").join(&name).display().to_string();
    for path in [format!("../stays/{name}"), format!("./x/../../stays/{name}"), absolute] {
        std::fs::create_dir_all(ground.path("work/x")).unwrap();
        let named = text.replace(&format!("path = \"{name}\""), &format!("path = \"{path}\""));
        std::fs::write(ground.path("work/pylock.toml"), named).unwrap();
        let ran = ground.run(&["install", "--no-cache-dir", "--venv", "out", "-r", &lock]);
        assert_eq!(ran.status, 0, "{path}\n{}", ran.stderr);
        std::fs::remove_dir_all(ground.path("work/out")).unwrap();
        // Wherever it is, it is hashed before anything looks into it.
        std::fs::write(&elsewhere, &other).unwrap();
        let ran = ground.run(&["install", "--no-cache-dir", "--venv", "out", "-r", &lock]);
        assert_eq!(ran.codes(), ["hash-mismatch"], "{path}\n{}", ran.stderr);
        std::fs::write(&elsewhere, &honest).unwrap();
    }
}
