//! The seeds that are wheels: written by `PIPWARD_FUZZ_SEEDS=1 cargo test --test it fuzz_corpus`.

use super::recipe::{METADATA, WHEEL, around, zip_around};
use super::zips::{End, End64, Member, Zip};

const METADATA_PATH: &str = "pkg-1.0.dist-info/METADATA";

/// Names and bytes of the wheels in `seeds/archive/`.
pub fn wheels() -> Vec<(&'static str, Vec<u8>)> {
    let metadata =
        format!("{METADATA}Requires-Dist: idna>=3 ; python_version < \"3.12\"\nProvides-Extra: a\n");
    let with = |change: &dyn Fn(&mut Zip)| {
        let mut zip = zip_around(metadata.as_bytes(), WHEEL.as_bytes(), None);
        change(&mut zip);
        zip.bytes()
    };
    let scripts = b"[console_scripts]\na = pkg:main\n[gui_scripts]\nb = pkg.x:y.z [e]\n";
    vec![
        ("wheel-plain", with(&|_| {})),
        ("wheel-scripts", around(METADATA.as_bytes(), WHEEL.as_bytes(), Some(scripts))),
        (
            "wheel-deflated",
            with(&|zip| zip.members[1] = Member::deflated(METADATA_PATH, metadata.as_bytes())),
        ),
        (
            "wheel-descriptor",
            with(&|zip| {
                let deflated = Member::deflated(METADATA_PATH, metadata.as_bytes());
                zip.members[1] = deflated.with_descriptor(true, false);
            }),
        ),
        ("wheel-directory", with(&|zip| zip.members.insert(0, Member::directory("pkg/")))),
        ("wheel-comment", with(&|zip| zip.end.comment = b"made by hand".to_vec())),
        (
            "wheel-zip64",
            with(&|zip| {
                zip.end64 = Some(End64::default());
                zip.end = End {
                    rows: Some(0xFFFF),
                    size: Some(u32::MAX),
                    offset: Some(u32::MAX),
                    ..End::default()
                };
            }),
        ),
        // Each was taken by us once, and skipped, or made a symbolic link, by unzip or zipfile.
        ("wheel-needs-64", with(&|zip| zip.members[0].needs = [64, 64])),
        (
            "wheel-asi-link",
            with(&|zip| {
                let body = [&[0; 4][..], &0o120_777u16.to_le_bytes(), &[0; 8], b"/etc"].concat();
                zip.members[0].external = 0;
                zip.members[0].central.extra = super::zips::extra(0x756e, &body);
            }),
        ),
    ]
}
