//! Entries that no wheel has: by their names, flags, methods and kinds.

use super::*;

#[test]
pub(crate) fn names_that_lie_are_refused() {
    let named = |name: &'static [u8]| {
        move |zip: &mut Zip| zip.member(INIT).both(|header| header.name = name.to_vec())
    };
    for name in [
        &b"../evil.py"[..],
        b"pkg/../../evil",
        b"pkg/..",
        b"..",
        b".",
        b"./a",
        b"pkg/./a",
        b"pkg//a",
        b"/etc/x",
        b"//x",
        b"",
        b"pkg\\a",
        b"..\\a",
        b"C:/a",
        b"c:a",
        b"pkg/D:x",
        b"pkg/a\0.py",
        b"pkg/a\n.py",
        b"pkg/\x7f",
    ] {
        check(&String::from_utf8_lossy(name), Code::ArchiveName, named(name));
    }
    check("a directory that leads elsewhere", Code::ArchiveName, |zip| {
        zip.members.push(Member::directory("../x/"));
    });
    check("a directory of no name", Code::ArchiveName, |zip| zip.members.push(Member::directory("/")));
    check("two slashes", Code::ArchiveName, |zip| zip.members.push(Member::directory("d//")));
    check("a bidi character", Code::ArchiveName, |zip| {
        zip.members.push(Member::stored("pkg/\u{202e}yp.x", b""));
    });
    check("a row of its own in RECORD", Code::ArchiveName, |zip| {
        zip.members.push(Member::stored("pkg/a\u{2028}apple/__init__.py", b""));
    });
    check("a C1 character", Code::ArchiveName, |zip| zip.members.push(Member::stored("pkg/\u{85}", b"")));
    check("a part too long", Code::ArchiveName, |zip| zip.members.push(Member::stored("x".repeat(256), b"")));
    check("a path too long", Code::ArchiveName, |zip| {
        zip.members.push(Member::stored(format!("{}/", "x".repeat(200)).repeat(21) + "x", b""));
    });
    check("a path too deep", Code::ArchiveName, |zip| {
        zip.members.push(Member::stored("x/".repeat(64) + "x", b""));
    });
    check("not UTF-8", Code::ArchiveName, named(b"pkg/\xff.py"));
    check("overlong UTF-8", Code::ArchiveName, named(b"pkg/\xc0\xae\xc0\xae/x"));
    check("UTF-8 without flag", Code::ArchiveName, named("pkg/é.py".as_bytes()));
}

#[test]
pub(crate) fn a_second_name_is_refused() {
    let unicode = |name: &str, crc_of: &str| {
        let crc = crc32fast::hash(crc_of.as_bytes()).to_le_bytes();
        extra(0x7075, &[&[1][..], &crc, name.as_bytes()].concat())
    };
    accept("the same name again", |zip| zip.member(INIT).both(|header| header.extra = unicode(INIT, INIT)));
    check("another name", Code::ArchiveName, |zip| zip.member(INIT).central.extra = unicode("../x", INIT));
    check("another name in the local header", Code::ArchiveName, |zip| {
        zip.member(INIT).local.extra = unicode("../x", INIT);
    });
    check("another CRC", Code::ArchiveName, |zip| zip.member(INIT).central.extra = unicode(INIT, "x"));
    check("another version", Code::ArchiveName, |zip| {
        let mut second = unicode(INIT, INIT);
        second[4] = 2;
        zip.member(INIT).central.extra = second;
    });
    for is_local in [true, false] {
        check("before a descriptor", Code::ArchiveDescriptor, |zip| {
            let member = zip.member(INIT);
            *member = member.clone().with_descriptor(true, false);
            let header = if is_local { &mut member.local } else { &mut member.central };
            header.extra = unicode(INIT, INIT);
        });
    }
    check("empty", Code::ArchiveName, |zip| zip.member(INIT).central.extra = extra(0x7075, &[]));
    check("twice", Code::ArchiveName, |zip| {
        zip.member(INIT).central.extra = [unicode(INIT, INIT), unicode(INIT, INIT)].concat();
    });
}

#[test]
pub(crate) fn flags_and_methods_that_wheels_do_not_have_are_refused() {
    for bit in [0, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15] {
        check(&format!("flag {bit}"), Code::ArchiveMethod, |zip| {
            zip.member(INIT).both(|header| header.flags |= 1 << bit);
        });
    }
    for method in [1, 6, 9, 12, 14, 20, 93, 95, 98, 99, 0xFFFF] {
        check(&format!("method {method}"), Code::ArchiveMethod, |zip| {
            zip.member(INIT).both(|header| header.method = method);
        });
    }
    for kind in [0x000f, 0x0014, 0x0015, 0x0016, 0x0017, 0x0018, 0x0019, 0x9901] {
        check(&format!("field {kind:#x} in the row"), Code::ArchiveMethod, |zip| {
            zip.member(INIT).central.extra = extra(kind, &[2, 0, b'A', b'E', 3, 8, 0]);
        });
        check(&format!("field {kind:#x} in the local header"), Code::ArchiveMethod, |zip| {
            zip.member(INIT).local.extra = extra(kind, b"");
        });
    }
    for needs in [46, 51, 63, 64, 255] {
        for header in 0..2 {
            check(&format!("version {needs}, header {header}"), Code::ArchiveMethod, |zip| {
                zip.member(INIT).needs[header] = needs;
            });
        }
    }
}

#[test]
pub(crate) fn links_and_devices_are_refused() {
    for kind in [0o120_000u16, 0o020_000] {
        let asi = [&[0; 4][..], &(kind | 0o777).to_le_bytes(), &[0; 8], b"/etc"].concat();
        check(&format!("{kind:o} by ASi's field"), Code::ArchiveEntryKind, |zip| {
            zip.member(INIT).external = 0;
            zip.member(INIT).central.extra = extra(0x756e, &asi);
        });
    }
    for length in [13, 20] {
        check(&format!("PKWARE's field of {length} bytes"), Code::ArchiveEntryKind, |zip| {
            zip.member(INIT).local.extra = extra(0x000d, &vec![b'x'; length]);
        });
    }
    for kind in [0o120_000, 0o010_000, 0o020_000, 0o060_000, 0o140_000, 0o170_000] {
        check(&format!("{kind:o}"), Code::ArchiveEntryKind, |zip| {
            zip.member(INIT).external = (kind | 0o777) << 16;
        });
        check(&format!("{kind:o} made on DOS"), Code::ArchiveEntryKind, |zip| {
            zip.member(INIT).external = (kind | 0o777) << 16;
            zip.member(INIT).made_by = 20;
        });
    }
    check("a directory's mode", Code::ArchiveEntryKind, |zip| zip.member(INIT).external = 0o040_755 << 16);
    check("a directory's mode on nothing", Code::ArchiveEntryKind, |zip| {
        zip.members.push(Member::stored("d", b"").mode(0o040_755));
    });
    check("a directory of some size", Code::ArchiveEntryKind, |zip| {
        let mut member = Member::deflated("d/", b"").mode(0o040_755);
        member.both(|header| header.size = 5);
        zip.members.push(member);
    });
    check("a directory with a CRC", Code::ArchiveEntryKind, |zip| {
        let mut member = Member::directory("d/");
        member.both(|header| header.crc = 5);
        zip.members.push(member);
    });
    check("a directory's attribute", Code::ArchiveEntryKind, |zip| zip.member(INIT).external |= 0x10);
    check("a file's mode", Code::ArchiveEntryKind, |zip| zip.members.push(Member::stored("d/", b"")));
    check("a directory with content", Code::ArchiveEntryKind, |zip| {
        zip.members.push(Member::stored("d/", b"x").mode(0o040_755));
    });
    check("a directory with hidden content", Code::ArchiveEntryKind, |zip| {
        let mut member = Member::deflated("d/", b"hidden").mode(0o040_755);
        member.both(|header| (header.size, header.crc) = (0, 0));
        zip.members.push(member);
    });
}
