//! Wheels that are zip files, but not the wheels they say they are; and honest ones, against an independent reader.

use std::io::Read as _;

use pipward::error::{Code, Place};
use pipward::fetch::Unverified;
use pipward::verify::VerifiedWheel;
use pipward::wheel::Wheel;
use proptest::prelude::*;

use crate::support::tape;
use crate::support::wheels::{WheelBuilder, locked, read, read_all, unverified};
use crate::support::zips::{Member, Zip};

fn builder() -> WheelBuilder {
    WheelBuilder::new("My.Pkg", "1.0")
        .file("my_pkg/__init__.py", "VALUE = 1\n")
        .executable("my_pkg/tool.sh", "#!/bin/sh\n")
        .data_script("my-tool", "#!python\n")
        .data("data", "share/my/thing.txt", "thing")
        .entry_points("[console_scripts]\nmy-pkg = my_pkg:main\n")
        .requires("idna (>=2)")
}

fn code_of(builder: &WheelBuilder) -> Result<(), Code> {
    let (name, bytes) = builder.build();
    read_all(&name, &bytes).map(|_| ()).map_err(|problem| {
        assert!(problem.help_text().is_some(), "{problem} has no way out");
        assert!(problem.package_name().is_some() && problem.place().is_some(), "{problem} names nothing");
        problem.code()
    })
}

#[track_caller]
fn check(what: &str, expected: Result<(), Code>, builder: &WheelBuilder) {
    let (name, bytes) = builder.build();
    tape::record(what, expected, &name, &bytes);
    assert_eq!(code_of(builder), expected, "{what}");
}

#[test]
pub(crate) fn an_honest_wheel_is_read() {
    let (name, bytes) = builder().tag("py2.py3-none-any").build_tag("1").build();
    let wheel = read(&name, &bytes).unwrap();
    assert_eq!(wheel.name().as_str(), "my_pkg-1.0-1-py2.py3-none-any.whl");
    assert_eq!(wheel.metadata().name.as_ref(), "my-pkg");
    assert_eq!(wheel.metadata().requires.len(), 1);
    assert!(wheel.root_is_purelib());
    assert_eq!(wheel.dist_info(), "my_pkg-1.0.dist-info");
    assert_eq!(wheel.entry_points().scripts[0].name, "my-pkg");
    assert_eq!(wheel.record().rows.len(), wheel.entries().len());
    assert!(wheel.warnings().is_empty());
    let executable: Vec<_> = wheel
        .entries()
        .iter()
        .filter(|entry| entry.executable())
        .map(|entry| entry.path().as_str())
        .collect();
    assert_eq!(executable, ["my_pkg/tool.sh", "my_pkg-1.0.data/scripts/my-tool"]);
    let init = wheel.entry("my_pkg/__init__.py").unwrap();
    assert_eq!(wheel.content(init).unwrap(), b"VALUE = 1\n");
    let mut sink = Vec::new();
    let (sha256, size) = wheel.extract(init, &mut sink).unwrap();
    assert_eq!((sha256, size), (pipward::digest::Sha256::of(b"VALUE = 1\n"), 10));
    assert_eq!(sink, b"VALUE = 1\n");
    assert_eq!(wheel.size(), bytes.len() as u64);
    let (name, bytes) = builder().platlib().build();
    assert!(!read(&name, &bytes).unwrap().root_is_purelib());
}

#[test]
pub(crate) fn a_large_entry_is_streamed() {
    let large: Vec<u8> = (0..5_000_000u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
    let (name, bytes) = WheelBuilder::new("pkg", "1").file("pkg/large.bin", &large).build();
    let wheel = read(&name, &bytes).unwrap();
    let entry = wheel.entry("pkg/large.bin").unwrap();
    assert!(entry.size() > pipward::wheel::archive::WHOLE_ENTRY);
    let mut content = Vec::new();
    wheel.extract(entry, &mut content).unwrap();
    assert!(content == large);
    assert_eq!(wheel.content(entry).map_err(|problem| problem.code()), Err(Code::ArchiveTooLarge));

    let lying = WheelBuilder::new("pkg", "1").file("pkg/large.bin", &large);
    let record = lying.honest_record().replacen("pkg/large.bin,sha256=", "pkg/large.bin,sha256=A", 1);
    let row = record.lines().next().unwrap().to_owned();
    let fixed = row.replacen(&row[..row.len()], &shorten(&row), 1);
    let record = record.replacen(&row, &fixed, 1);
    check("a large file's hash", Err(Code::RecordHash), &lying.record(record));
}

/// Drops the last but one digit of the digest, whose other bits would not be canonical.
fn shorten(row: &str) -> String {
    let at = row.rfind(',').unwrap();
    format!("{}{}", &row[..at - 2], &row[at - 1..])
}

#[test]
pub(crate) fn dist_info_fits_the_file_name() {
    let honest = builder();
    let with = |change: fn(&mut Zip)| {
        let (name, mut zip) = (honest.file_name(), honest.zip());
        change(&mut zip);
        read(&name, &zip.bytes()).map(|_| ()).map_err(|problem| problem.code())
    };
    let rename = |zip: &mut Zip, to: &str| {
        for member in &mut zip.members {
            member.both(|header| {
                let name = String::from_utf8(header.name.clone()).unwrap();
                header.name = name.replacen("my_pkg-1.0.dist-info", to, 1).into_bytes();
            });
        }
    };
    let _ = rename;
    assert_eq!(
        with(|zip| zip.members.retain(|member| !member.central.name.starts_with(b"my_pkg-1.0.dist-info"))),
        Err(Code::DistInfo)
    );
    assert_eq!(
        with(|zip| zip.members.push(Member::stored("other-1.0.dist-info/METADATA", b""))),
        Err(Code::DistInfo)
    );
    assert_eq!(
        with(|zip| zip.members.push(Member::stored("MY_PKG-1.0.DIST-INFO/METADATA", b""))),
        Err(Code::DistInfo)
    );
    assert_eq!(with(|zip| zip.members.push(Member::directory("other-1.0.dist-info/"))), Err(Code::DistInfo));

    for (directory, expected) in [
        ("my_pkg-1.0.dist-info", Ok(())),
        ("My.Pkg-1.0.dist-info", Ok(())),
        ("my-pkg-1.0.dist-info", Ok(())),
        ("my_pkg-1.0.0.dist-info", Ok(())),
        ("my_pkg-1.1.dist-info", Err(Code::DistInfo)),
        ("my_pkgs-1.0.dist-info", Err(Code::DistInfo)),
        ("my_pkg_extra-1.0.dist-info", Err(Code::DistInfo)),
        ("my_pkg.dist-info", Err(Code::DistInfo)),
        (".dist-info", Err(Code::DistInfo)),
        ("my_pkg-1.0.DIST-INFO", Err(Code::DistInfo)),
    ] {
        let plain = WheelBuilder::new("my_pkg", "1.0").file("my_pkg.py", "");
        let record = plain.honest_record().replace("my_pkg-1.0.dist-info", directory);
        let mut zip = plain.clone().record(record).zip();
        rename(&mut zip, directory);
        let read = read(&plain.file_name(), &zip.bytes()).map(|_| ());
        if let Err(problem) = &read
            && directory.ends_with("-1.1.dist-info")
        {
            assert_eq!(problem.expected_text(), Some("one for my-pkg 1.0"));
        }
        assert_eq!(read.map_err(|problem| problem.code()), expected, "{directory}");
    }
}

#[test]
pub(crate) fn metadata_fits_the_file_name() {
    let metadata = |text: &str| builder().metadata(text);
    check("normalised", Ok(()), &metadata("Metadata-Version: 2.4\nName: my--PKG\nVersion: 1\n"));
    check(
        "name",
        Err(Code::MetadataMismatch),
        &metadata("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"),
    );
    check(
        "version",
        Err(Code::MetadataMismatch),
        &metadata("Metadata-Version: 2.1\nName: my-pkg\nVersion: 2.0\n"),
    );
    check(
        "doubled",
        Err(Code::MetadataInvalid),
        &metadata("Metadata-Version: 2.1\nName: my-pkg\nName: x\nVersion: 1.0\n"),
    );
    check("missing", Err(Code::MetadataInvalid), &builder().without("METADATA"));
}

#[test]
pub(crate) fn wheel_files_are_read_strictly() {
    let wheel = |text: &str| builder().wheel(text);
    check("missing", Err(Code::WheelFileInvalid), &builder().without("WHEEL"));
    for text in [
        "",
        "Wheel-Version: 2.0\nRoot-Is-Purelib: true\n",
        "Wheel-Version: 1\nRoot-Is-Purelib: true\n",
        "Wheel-Version: 1.x\nRoot-Is-Purelib: true\n",
        "Wheel-Version: +1.0\nRoot-Is-Purelib: true\n",
        "Wheel-Version: 1.0\n",
        "Root-Is-Purelib: true\n",
        "Wheel-Version: 1.0\nRoot-Is-Purelib: yes\n",
        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nRoot-Is-Purelib: false\n",
        "Wheel-Version: 1.0\nWheel-Version: 1.0\nRoot-Is-Purelib: true\n",
        "Wheel-Version 1.0\n",
    ] {
        check(text, Err(Code::WheelFileInvalid), &wheel(text));
    }
    let warnings = |text: &str| {
        let (name, bytes) = wheel(text).build();
        read(&name, &bytes).unwrap().warnings().len()
    };
    assert_eq!(warnings("Wheel-Version: 1.0\nRoot-Is-Purelib: False\nTag: py3-none-any\n"), 0);
    assert_eq!(warnings("Wheel-Version: 1.9\nRoot-Is-Purelib: true\nTag: py3-none-any\n"), 1);
    assert_eq!(warnings("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: cp39-cp39-linux_x86_64\n"), 1);
}

#[test]
pub(crate) fn tags_that_differ_are_told() {
    let text = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: cp27-none-any\n";
    let (name, bytes) = builder().wheel(text).build();
    let wheel = read(&name, &bytes).unwrap();
    let told: Vec<String> = wheel.warnings().iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains("tags"), "{told:?}");
}

#[test]
pub(crate) fn record_lists_what_is_there() {
    let honest = builder().honest_record();
    let record = |from: &str, to: &str| {
        assert!(honest.contains(from), "{from}");
        builder().record(honest.replacen(from, to, 1))
    };
    let init = honest.lines().next().unwrap();
    let row = |to: &str| record(init, to);
    check("missing", Err(Code::RecordInvalid), &builder().without("RECORD"));
    check("unlisted", Err(Code::RecordUnlisted), &record(&format!("{init}\n"), ""));
    check("a ghost", Err(Code::RecordMissingFile), &row(&format!("{init}\nghost.py,,")));
    check("a ghost outside", Err(Code::RecordMissingFile), &row(&format!("{init}\n../../../bin/python,,")));
    check(
        "a ghost of a signature",
        Err(Code::RecordMissingFile),
        &row(&format!("{init}\nmy_pkg-1.0.dist-info/RECORD.jws,,")),
    );
    check("a directory", Err(Code::RecordMissingFile), &row(&format!("{init}\nmy_pkg/,,")));
    check(
        "another hash",
        Err(Code::RecordHash),
        &record("__init__.py,sha256=", "__init__.py,sha256=A").record(honest.replacen(
            init,
            &shorten(&init.replacen("sha256=", "sha256=A", 1)),
            1,
        )),
    );
    check("another size", Err(Code::RecordHash), &row(&init.replace(",10", ",11")));
    check("no size", Ok(()), &row(init.strip_suffix("10").unwrap()));
    check("no hash", Err(Code::RecordHash), &row("my_pkg/__init__.py,,10"));
    check("md5", Err(Code::RecordHash), &row("my_pkg/__init__.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,10"));
    check("sha1", Err(Code::RecordHash), &row("my_pkg/__init__.py,sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk,10"));
    check("padding", Err(Code::RecordInvalid), &row(&init.replace(",10", "=,10")));
    check("a row twice", Err(Code::RecordInvalid), &row(&format!("{init}\n{init}")));
    check("garbage", Err(Code::RecordInvalid), &builder().record(b"\xff\xfe,,\n"));
    check(
        "another spelling",
        Err(Code::RecordUnlisted),
        &record("my_pkg/__init__.py", "./my_pkg/__init__.py"),
    );
    check("no row for RECORD", Ok(()), &record("my_pkg-1.0.dist-info/RECORD,,\n", ""));
    check("another METADATA", Err(Code::RecordHash), &builder().requires("evil").record(&honest));
}

#[test]
pub(crate) fn signatures_of_record_need_no_row() {
    let with = |name: &str| {
        let builder = builder();
        let mut zip = builder.zip();
        zip.members.push(Member::stored(name, b"{}"));
        read_all(&builder.file_name(), &zip.bytes()).map(|_| ()).map_err(|problem| problem.code())
    };
    assert_eq!(with("my_pkg-1.0.dist-info/RECORD.jws"), Ok(()));
    assert_eq!(with("my_pkg-1.0.dist-info/RECORD.p7s"), Ok(()));
    assert_eq!(with("my_pkg-1.0.dist-info/RECORD.txt"), Err(Code::RecordUnlisted));
    assert_eq!(with("my_pkg/RECORD.jws"), Err(Code::RecordUnlisted));
    assert_eq!(with("evil.pth"), Err(Code::RecordUnlisted));
}

#[test]
pub(crate) fn what_is_read_early_is_what_record_vouches_for() {
    let honest = builder().honest_record();
    for file in ["METADATA", "WHEEL", "entry_points.txt"] {
        let row = honest.lines().find(|row| row.contains(file)).unwrap();
        let lie = shorten(&row.replacen("sha256=", "sha256=A", 1));
        let (name, bytes) = builder().record(honest.replacen(row, &lie, 1)).build();
        assert_eq!(
            read(&name, &bytes).map(|_| ()).map_err(|problem| problem.code()),
            Err(Code::RecordHash),
            "{file}"
        );
    }
}

#[test]
pub(crate) fn data_directories_have_known_schemes() {
    for scheme in ["purelib", "platlib", "headers", "scripts", "data"] {
        check(scheme, Ok(()), &builder().data(scheme, "x", ""));
    }
    let mut zip = builder().zip();
    for directory in ["my_pkg-1.0.data/", "my_pkg-1.0.data/scripts/", "my_pkg-1.0.data/data/share/"] {
        zip.members.insert(0, Member::directory(directory));
    }
    assert!(read_all(&builder().file_name(), &zip.bytes()).is_ok(), "directories of schemes");
    let file = |path: &str| builder().file(path, "");
    for path in [
        "my_pkg-1.0.data/other/x",
        "my_pkg-1.0.data/x",
        "my_pkg-1.0.data/PURELIB/x",
        "other-9.9.data/scripts/x",
        "My.Pkg-1.0.data/scripts/x",
        "my_pkg-1.0.DATA/scripts/x",
        "my_pkg-1.1.data/scripts/x",
        "x.data",
    ] {
        check(path, Err(Code::SchemeUnknown), &file(path));
    }
    check(
        "a file for a scheme",
        Err(Code::SchemeUnknown),
        &WheelBuilder::new("my-pkg", "1.0").file("my_pkg-1.0.data/scripts", ""),
    );
    check("below the root", Ok(()), &file("my_pkg/x.data/y"));
    check(
        "another dist-info",
        Err(Code::DistInfo),
        &builder().data("purelib", "other-1.0.dist-info/METADATA", ""),
    );
    check(
        "another dist-info",
        Err(Code::DistInfo),
        &builder().data("platlib", "other-1.0.Dist-Info/METADATA", ""),
    );
}

#[test]
pub(crate) fn what_installers_own_is_refused() {
    for name in ["INSTALLER", "REQUESTED", "direct_url.json", "installer", "INSTALLER/x"] {
        check(name, Err(Code::InstallerOwned), &builder().file(&format!("my_pkg-1.0.dist-info/{name}"), ""));
    }
    check("elsewhere", Ok(()), &builder().file("my_pkg/INSTALLER", ""));
    check("licenses", Ok(()), &builder().file("my_pkg-1.0.dist-info/licenses/INSTALLER", ""));
}

#[test]
pub(crate) fn entry_points_are_read_strictly() {
    for text in ["[console_scripts]\n../x = m:f\n", "[console_scripts]\nx = m:f()\n", "x = y\n"] {
        check(text, Err(Code::EntryPoints), &builder().entry_points(text));
    }
}

#[test]
pub(crate) fn other_bytes_than_the_locked_ones_are_refused() {
    let (name, bytes) = builder().build();
    let locked = locked(&name, &bytes);
    let other = WheelBuilder::new("My.Pkg", "1.0").file("evil.py", "").build().1;
    let padded = [&other[..], &vec![0; bytes.len().saturating_sub(other.len())]].concat();
    let check = |bytes: &[u8], locked: &pipward::lock::LockedFile| {
        VerifiedWheel::check(unverified(bytes, locked), locked).map(|_| ())
    };
    assert!(check(&bytes, &locked).is_ok());

    let mut sizeless = locked.clone();
    sizeless.size = None;
    assert!(check(&bytes, &sizeless).is_ok());
    let problem = check(&padded, &sizeless).unwrap_err();
    assert_eq!(problem.code(), Code::HashMismatch);
    assert_eq!(problem.package_name(), Some("my-pkg 1.0"));
    assert_eq!(problem.place(), Some(&locked.place));
    assert_eq!(
        problem.expected_text(),
        Some(format!("sha256:{}", pipward::digest::Sha256::of(&bytes)).as_str())
    );
    assert_eq!(
        problem.found_text(),
        Some(format!("sha256:{}", pipward::digest::Sha256::of(&padded)).as_str())
    );
    assert!(problem.message().contains("/wheels"), "{problem}");
    assert!(problem.help_text().is_some());

    assert_eq!(check(&other, &locked).unwrap_err().code(), Code::SizeMismatch);
    assert_eq!(check(b"", &locked).unwrap_err().code(), Code::SizeMismatch);
    let mut wrong_size = locked.clone();
    wrong_size.size = Some(1);
    assert_eq!(check(&bytes, &wrong_size).unwrap_err().code(), Code::SizeMismatch);
}

#[test]
pub(crate) fn all_strong_hashes_count() {
    use pipward::digest::{LockedHashes, Match, Sha256, StrongDigest};
    let (name, bytes) = builder().build();
    let mut locked = locked(&name, &bytes);
    let right = StrongDigest::Sha256(Sha256::of(&bytes));
    let wrong = StrongDigest::Sha512([7; 64]);
    for (rule, expected) in [(Match::All, Err(Code::HashMismatch)), (Match::Any, Ok(()))] {
        locked.hashes = LockedHashes::new(rule, vec![right, wrong]).unwrap();
        let fetched = Unverified::private(bytes.clone(), Place::file("x"), &locked.hashes);
        assert_eq!(
            VerifiedWheel::check(fetched, &locked).map(|_| ()).map_err(|problem| problem.code()),
            expected
        );
    }
}

/// A deterministic sequence of numbers (an LCG), so that a failure comes back.
fn numbers() -> impl Iterator<Item = usize> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    })
}

#[test]
pub(crate) fn any_flipped_byte_is_a_hash_mismatch() {
    let (name, bytes) = builder().build();
    let locked = locked(&name, &bytes);
    let mut numbers = numbers();
    for _ in 0..200 {
        let (at, bit) = (numbers.next().unwrap() % bytes.len(), numbers.next().unwrap() % 8);
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        let code =
            VerifiedWheel::check(unverified(&flipped, &locked), &locked).map(|_| ()).map_err(|p| p.code());
        assert_eq!(code, Err(Code::HashMismatch), "bit {bit} of byte {at}");
    }
}

/// Another reader's files, by name.
fn by_oracle(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut files = Vec::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        if file.is_file() {
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            files.push((file.name().unwrap().into_owned(), content));
        }
    }
    files
}

fn assert_as_oracle(name: &str, bytes: &[u8]) -> bool {
    match read_all(name, bytes) {
        Ok(files) => {
            assert_eq!(files, by_oracle(bytes));
            true
        }
        Err(_) => false,
    }
}

#[test]
pub(crate) fn honest_wheels_read_as_by_another_reader() {
    let (name, bytes) = builder().build();
    assert!(assert_as_oracle(&name, &bytes));
}

#[test]
pub(crate) fn wheels_of_another_writer_are_read() {
    use std::io::Write as _;
    let builder = builder().file("my_pkg/ünï.txt", "x");
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o644);
    for (at, (path, content)) in by_oracle(&builder.build().1).into_iter().enumerate() {
        let options =
            if at == 0 { options.compression_method(zip::CompressionMethod::Stored) } else { options };
        writer.start_file(path, options.large_file(at == 1)).unwrap();
        writer.write_all(&content).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let files = read_all(&builder.file_name(), &bytes).unwrap();
    assert_eq!(files, by_oracle(&bytes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is changed and then locked all the same: nothing panics, and what is accepted is what another reader
    /// reads.
    #[test]
    fn changed_wheels_never_read_differently(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let (name, mut bytes) = builder().build();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        assert_as_oracle(&name, &bytes);
    }

    /// As above, with whole stretches moved, doubled or dropped.
    #[test]
    fn spliced_wheels_never_read_differently(from: prop::sample::Index, to: prop::sample::Index, at: prop::sample::Index, drop: bool) {
        let (name, mut bytes) = builder().build();
        let (from, to, at) = (from.index(bytes.len()), to.index(bytes.len()), at.index(bytes.len()));
        let stretch = bytes[from.min(to)..from.max(to)].to_vec();
        if drop {
            bytes.drain(from.min(to)..from.max(to));
        }
        let at = at.min(bytes.len());
        bytes.splice(at..at, stretch);
        assert_as_oracle(&name, &bytes);
    }

    /// Any content comes out as it went in.
    #[test]
    fn any_content_comes_out_as_it_went_in(content: Vec<u8>, zeros in 0usize..100_000) {
        let content = [content, vec![0; zeros]].concat();
        let (name, bytes) = WheelBuilder::new("pkg", "1").file("pkg.bin", &content).build();
        let wheel = read(&name, &bytes).map(|wheel: Wheel| wheel.content(wheel.entry("pkg.bin").unwrap()).unwrap());
        prop_assert_eq!(wheel.unwrap(), content);
    }
}
