//! Archives that lie: each case is one lie in an otherwise honest wheel, and is refused with one code.

pub(crate) mod entries;

use pipward::error::Code;
use pipward::wheel::Wheel;
use pipward::wheel::archive::Limits;

use crate::support::tape::record;
use crate::support::wheels::{WheelBuilder, locked, read, unverified};
use crate::support::zips::{End64, Member, Zip, extra, extra64};

const INIT: &str = "pkg/__init__.py";
const STORED: &str = "pkg/stored.bin";
const RECORD: &str = "pkg-1.0.dist-info/RECORD";

/// An honest wheel with a deflated and a stored file.
fn honest() -> (String, Zip) {
    let builder =
        WheelBuilder::new("pkg", "1.0").file(INIT, "print('hello hello hello')\n").file(STORED, "stored");
    let mut zip = builder.zip();
    *zip.member(STORED) = Member::stored(STORED, b"stored");
    (builder.file_name(), zip)
}

fn code_of(what: &str, expected: Result<(), Code>, lie: impl FnOnce(&mut Zip)) -> Result<(), Code> {
    let (name, mut zip) = honest();
    lie(&mut zip);
    record(what, expected, &name, &zip.bytes());
    let wheel = read(&name, &zip.bytes()).map_err(|problem| {
        assert!(problem.help_text().is_some(), "{problem} has no way out");
        assert!(problem.package_name().is_some() && problem.place().is_some(), "{problem} names nothing");
        problem.code()
    })?;
    wheel.check_contents().map_err(|problem| problem.code())
}

/// This is no lie.
#[track_caller]
fn accept(what: &str, change: impl FnOnce(&mut Zip)) {
    assert_eq!(code_of(what, Ok(()), change), Ok(()), "{what}");
}

#[track_caller]
fn check(what: &str, code: Code, lie: impl FnOnce(&mut Zip)) {
    assert_eq!(code_of(what, Err(code), lie), Err(code), "{what}");
}

#[test]
pub(crate) fn an_honest_archive_is_read() {
    accept("as it is", |_| {});
    accept("a comment", |zip| zip.end.comment = b"made by hand".to_vec());
    accept("an entry's comment", |zip| zip.member(INIT).comment = b"first".to_vec());
    accept("rows in another order", |zip| zip.rows_reversed = true);
    accept("other extra fields", |zip| zip.member(INIT).local.extra = extra(0x5455, &[1, 0, 0, 0, 0]));
    accept("times, and the first in the directory", |zip| {
        zip.member(INIT).local.extra = extra(0x5455, &[3, 0, 0, 0, 0, 0, 0, 0, 0]);
        zip.member(INIT).central.extra = extra(0x5455, &[3, 0, 0, 0, 0]);
    });
    accept("times of NTFS", |zip| {
        let body = [&[0, 0, 0, 0, 1, 0, 24, 0][..], &[0; 24]].concat();
        zip.member(INIT).both(|header| header.extra = extra(0x000a, &body));
    });
    accept("deflate options", |zip| zip.member(INIT).both(|header| header.flags |= 6));
    accept("a directory", |zip| zip.members.insert(0, Member::directory("pkg/")));
    accept("a directory without mode", |zip| zip.members.insert(0, Member::directory("pkg/").mode(0)));
    accept("a deflated directory", |zip| {
        zip.members.insert(0, Member::deflated("pkg/", b"").mode(0o040_755));
    });
    accept("no mode", |zip| zip.member(INIT).external = 0);
    accept("the version that has ZIP64", |zip| zip.member(INIT).needs = [45, 10]);
    accept("times and owners", |zip| {
        zip.member(INIT).both(|header| header.extra = extra(0x000d, &[0; 12]));
        zip.member(STORED).both(|header| header.extra = extra(0x5455, &[1, 0, 0, 0, 0]));
    });
    accept("a time of its own", |zip| zip.member(INIT).both(|header| header.modified = [0x6000, 0x5a21]));
    accept("a file by ASi's field", |zip| {
        zip.member(INIT).central.extra = extra(0x756e, &[0, 0, 0, 0, 0xa4, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]);
    });
}

#[test]
pub(crate) fn descriptors_that_agree_are_read() {
    for (signature, wide) in [(false, false), (false, true), (true, false), (true, true)] {
        accept("a descriptor", |zip| {
            let member = zip.member(INIT);
            *member = member.clone().with_descriptor(signature, wide);
        });
    }
    accept("a stored file of nothing", |zip| {
        zip.members.insert(0, Member::stored("pkg/", b"").mode(0o040_755).with_descriptor(true, false));
    });
}

#[test]
pub(crate) fn zip64_that_agrees_is_read() {
    accept("end records that agree", |zip| zip.end64 = Some(End64::default()));
    accept("a saturated end record", |zip| {
        zip.end64 = Some(End64::default());
        (zip.end.rows, zip.end.size, zip.end.offset) = (Some(0xFFFF), Some(u32::MAX), Some(u32::MAX));
    });
    accept("saturated sizes", |zip| {
        let member = zip.member(INIT);
        let (size, compressed) = (member.central.size.into(), member.central.compressed.into());
        member.both(|header| (header.size, header.compressed) = (u32::MAX, u32::MAX));
        member.both(|header| header.extra = extra64(&[size, compressed]));
    });
    accept("a saturated size in one header", |zip| {
        let member = zip.member(INIT);
        member.local.extra = extra64(&[member.local.size.into()]);
        member.local.size = u32::MAX;
    });
    accept("sizes told again in the local header", |zip| {
        let local = &mut zip.member(INIT).local;
        local.extra = extra64(&[local.size.into(), local.compressed.into()]);
    });
    accept("a saturated offset", |zip| {
        let member = zip.member(INIT);
        member.central.extra = extra64(&[0]);
        member.offset = Some(u32::MAX);
    });
}

#[test]
pub(crate) fn duplicates_are_refused() {
    check("a name twice", Code::ArchiveDuplicate, |zip| zip.members.push(Member::deflated(INIT, b"other")));
    check("a name twice, same content", Code::ArchiveDuplicate, |zip| {
        let member = zip.member(INIT).clone();
        zip.members.push(member);
    });
    check("RECORD twice", Code::ArchiveDuplicate, |zip| {
        let member = zip.member(RECORD).clone();
        zip.members.push(member);
    });
    check("a directory twice", Code::ArchiveDuplicate, |zip| {
        zip.members.extend([Member::directory("d/"), Member::directory("d/")]);
    });
    check("a file and a directory", Code::ArchiveDuplicate, |zip| {
        zip.members.extend([Member::stored("d", b""), Member::directory("d/")]);
    });
    check("a file below a file", Code::ArchiveDuplicate, |zip| {
        zip.members.push(Member::stored("pkg/__init__.py/a/b", b""));
    });
    check("a file above a file", Code::ArchiveDuplicate, |zip| zip.members.push(Member::stored("pkg", b"")));
    check("a directory below a file", Code::ArchiveDuplicate, |zip| {
        zip.members.push(Member::directory("pkg/__init__.py/d/"));
    });
    check("the same name through a dot", Code::ArchiveName, |zip| {
        zip.members.push(Member::deflated("pkg/./__init__.py", b"other"));
    });
}

#[test]
pub(crate) fn local_headers_that_differ_are_refused() {
    check("name", Code::ArchiveHeader, |zip| zip.member(INIT).local.name = b"pkg/__evil__.py".to_vec());
    check("shorter name", Code::ArchiveHeader, |zip| zip.member(INIT).local.name = b"pkg/x.py".to_vec());
    check("method", Code::ArchiveHeader, |zip| zip.member(INIT).local.method = 0);
    check("CRC", Code::ArchiveHeader, |zip| zip.member(INIT).local.crc ^= 1);
    check("zero CRC without descriptor", Code::ArchiveHeader, |zip| zip.member(INIT).local.crc = 0);
    check("size", Code::ArchiveHeader, |zip| zip.member(INIT).local.size += 1);
    check("zero size without descriptor", Code::ArchiveHeader, |zip| zip.member(INIT).local.size = 0);
    check("compressed size", Code::ArchiveHeader, |zip| zip.member(INIT).local.compressed -= 1);
    check("flags", Code::ArchiveHeader, |zip| zip.member(INIT).local.flags = 1 << 11);
    check("descriptor flag in the local header", Code::ArchiveHeader, |zip| {
        zip.member(INIT).local.flags = 1 << 3;
    });
    check("descriptor flag in the row", Code::ArchiveHeader, |zip| zip.member(INIT).central.flags = 1 << 3);
    check("time", Code::ArchiveHeader, |zip| zip.member(INIT).local.modified[0] += 1);
    check("date", Code::ArchiveHeader, |zip| zip.member(INIT).central.modified[1] += 1);
    check("masked flag in the local header", Code::ArchiveHeader, |zip| {
        zip.member(INIT).local.flags = 1 << 13;
    });
}

#[test]
pub(crate) fn bytes_that_no_record_covers_are_refused() {
    check("before the archive", Code::ArchiveFraming, |zip| zip.members[0].before = b"#!/bin/sh\n".to_vec());
    check("between entries", Code::ArchiveFraming, |zip| zip.members[1].before = b"x".to_vec());
    check("before the directory", Code::ArchiveFraming, |zip| zip.before_directory = b"x".to_vec());
    check("behind the directory", Code::ArchiveFraming, |zip| zip.after_directory = b"x".to_vec());
    check("before the end record", Code::ArchiveFraming, |zip| zip.before_end = b"x".to_vec());
    check("behind the end record", Code::ArchiveFraming, |zip| zip.after = b"x".to_vec());
    check("zeros behind the end record", Code::ArchiveFraming, |zip| zip.after = vec![0; 512]);
    check("far behind the end record", Code::ArchiveNotZip, |zip| {
        zip.members[0].before = b"x".to_vec();
        zip.after = vec![0; 70_000];
    });
    check("a local record without a row", Code::ArchiveFraming, |zip| zip.members[1].in_directory = false);
    check("a first local record without a row", Code::ArchiveFraming, |zip| {
        zip.members[0].in_directory = false;
    });
    check("a row without a local record", Code::ArchiveFraming, |zip| zip.members[1].in_file = false);
    check("two rows of one record", Code::ArchiveFraming, |zip| {
        let mut alias = zip.members[0].clone();
        (alias.in_file, alias.offset) = (false, Some(0));
        zip.members.insert(1, alias);
    });
    check("a row that points into another record", Code::ArchiveFraming, |zip| {
        zip.members[1].offset = Some(40);
    });
    check("a local record of another kind", Code::ArchiveFraming, |zip| {
        zip.members[1].local_signature = *b"PK\x03\x05";
    });
    check("a directory longer than its rows", Code::ArchiveFraming, |zip| {
        zip.after_directory = b"x".to_vec();
        let rows: usize = zip.members.iter().map(|member| 46 + member.central.name.len()).sum();
        zip.end.size = Some(u32::try_from(rows + 1).unwrap());
    });
    check("a row that points outside", Code::ArchiveFraming, |zip| zip.members[1].offset = Some(0x7FFF_FFFF));
    check("data that reaches into the next record", Code::ArchiveFraming, |zip| {
        zip.members[0].both(|header| header.compressed += 4);
    });
    check("data that ends early", Code::ArchiveFraming, |zip| {
        zip.members[0].both(|header| header.compressed -= 1);
    });
    check("an archive before this one", Code::ArchiveFraming, |zip| {
        zip.members[0].before = honest().1.bytes();
    });
    check("an archive behind this one", Code::ArchiveFraming, |zip| zip.after = honest().1.bytes());
    check("an archive in the comment", Code::ArchiveFraming, |zip| zip.end.comment = honest().1.bytes());
}

#[test]
pub(crate) fn end_records_that_lie_are_refused() {
    check("fewer rows", Code::ArchiveFraming, |zip| zip.end.rows = Some(1));
    check("more rows", Code::ArchiveFraming, |zip| zip.end.rows = Some(200));
    check("no rows", Code::ArchiveFraming, |zip| zip.end.rows = Some(0));
    check("other rows on this disk", Code::ArchiveFraming, |zip| zip.end.rows_here = Some(1));
    check("a disk", Code::ArchiveFraming, |zip| zip.end.disk = 1);
    check("a start disk", Code::ArchiveFraming, |zip| zip.end.start_disk = 1);
    check("an entry's disk", Code::ArchiveFraming, |zip| zip.member(INIT).disk = 1);
    check("directory offset", Code::ArchiveFraming, |zip| zip.end.offset = Some(10));
    check("directory offset outside", Code::ArchiveFraming, |zip| zip.end.offset = Some(u32::MAX - 1));
    check("directory size", Code::ArchiveFraming, |zip| zip.end.size = Some(46));
    check("shorter comment", Code::ArchiveFraming, |zip| {
        zip.end.comment = b"comment".to_vec();
        zip.end.comment_length = Some(3);
    });
    check("longer comment", Code::ArchiveFraming, |zip| zip.end.comment_length = Some(3));
    check("signature bytes in the comment", Code::ArchiveFraming, |zip| {
        zip.end.comment = b"PK\x05\x06".to_vec();
    });
    check("signature bytes in an entry's comment", Code::ArchiveFraming, |zip| {
        zip.member(INIT).comment = b"PK\x01\x02".to_vec();
    });
    check("two end records that both fit", Code::ArchiveFraming, |zip| {
        zip.end.comment = Zip::default().bytes();
    });
}

#[test]
pub(crate) fn zip64_records_that_lie_are_refused() {
    let with = |end64: End64| move |zip: &mut Zip| zip.end64 = Some(end64);
    check("saturated rows without ZIP64", Code::ArchiveZip64, |zip| zip.end.rows = Some(0xFFFF));
    check("saturated offset without ZIP64", Code::ArchiveZip64, |zip| zip.end.offset = Some(u32::MAX));
    check("saturated size without ZIP64", Code::ArchiveZip64, |zip| zip.end.size = Some(u32::MAX));
    check("other rows", Code::ArchiveZip64, with(End64 { rows: Some(1), ..End64::default() }));
    check(
        "other rows on this disk",
        Code::ArchiveZip64,
        with(End64 { rows_here: Some(1), ..End64::default() }),
    );
    check("other offset", Code::ArchiveZip64, with(End64 { offset: Some(1), ..End64::default() }));
    check("other size", Code::ArchiveZip64, with(End64 { size: Some(1), ..End64::default() }));
    check("a disk", Code::ArchiveFraming, with(End64 { disk: 1, ..End64::default() }));
    check("the record's disk", Code::ArchiveFraming, with(End64 { locator_disk: 1, ..End64::default() }));
    check(
        "signature",
        Code::ArchiveZip64,
        with(End64 { signature: Some(*b"PK\x06\x08"), ..End64::default() }),
    );
    check("two disks", Code::ArchiveFraming, with(End64 { disks: Some(2), ..End64::default() }));
    check("an extension", Code::ArchiveZip64, with(End64 { extension: vec![0; 8], ..End64::default() }));
    check("record size", Code::ArchiveZip64, with(End64 { record_size: Some(45), ..End64::default() }));
    check(
        "locator elsewhere",
        Code::ArchiveZip64,
        with(End64 { locator_offset: Some(0), ..End64::default() }),
    );
    check(
        "a gap before the locator",
        Code::ArchiveZip64,
        with(End64 { between: vec![0; 4], ..End64::default() }),
    );
    check("a locator alone", Code::ArchiveZip64, with(End64 { without_record: true, ..End64::default() }));
    check("a record alone", Code::ArchiveFraming, with(End64 { without_locator: true, ..End64::default() }));
    check("a gap behind the locator", Code::ArchiveFraming, |zip| {
        zip.end64 = Some(End64::default());
        zip.before_end = vec![0; 4];
    });
    check("2^40 entries", Code::ArchiveTooLarge, |zip| {
        zip.end64 = Some(End64 { rows: Some(1 << 40), ..End64::default() });
        zip.end.rows = Some(0xFFFF);
    });
    check("an offset that overflows", Code::ArchiveFraming, |zip| {
        zip.end64 = Some(End64 { offset: Some(u64::MAX), ..End64::default() });
        zip.end.offset = Some(u32::MAX);
    });
}

#[test]
pub(crate) fn zip64_fields_that_lie_are_refused() {
    check("saturated without field", Code::ArchiveZip64, |zip| {
        zip.member(INIT).both(|header| header.size = u32::MAX);
    });
    check("a field with nothing saturated", Code::ArchiveZip64, |zip| {
        zip.member(INIT).central.extra = extra64(&[26, 26]);
    });
    check("sizes told again, otherwise", Code::ArchiveZip64, |zip| {
        let local = &mut zip.member(INIT).local;
        local.extra = extra64(&[local.size.into(), 7]);
    });
    check("one size told again", Code::ArchiveZip64, |zip| {
        let local = &mut zip.member(INIT).local;
        local.extra = extra64(&[local.size.into()]);
    });
    check("sizes told again in the row", Code::ArchiveZip64, |zip| {
        let row = &mut zip.member(INIT).central;
        row.extra = extra64(&[row.size.into(), row.compressed.into()]);
    });
    check("all told again in the row", Code::ArchiveZip64, |zip| {
        let row = &mut zip.member(INIT).central;
        row.extra = extra64(&[row.size.into(), row.compressed.into(), 0]);
    });
    check("an empty field", Code::ArchiveZip64, |zip| zip.member(INIT).central.extra = extra64(&[]));
    check("a field too long for the row", Code::ArchiveZip64, |zip| {
        let row = &mut zip.member(INIT).central;
        row.extra = extra64(&[row.size.into(), row.compressed.into()]);
        row.size = u32::MAX;
    });
    check("a field too long", Code::ArchiveZip64, |zip| {
        zip.member(INIT).both(|header| header.extra = extra64(&[header.size.into(), 0]));
        zip.member(INIT).both(|header| header.size = u32::MAX);
    });
    check("a field too short", Code::ArchiveZip64, |zip| {
        zip.member(INIT).both(|header| header.extra = extra(1, &[0; 4]));
        zip.member(INIT).both(|header| header.size = u32::MAX);
    });
    check("a field twice", Code::ArchiveZip64, |zip| {
        zip.member(INIT)
            .both(|header| header.extra = [extra64(&[header.size.into()]), extra64(&[1])].concat());
        zip.member(INIT).both(|header| header.size = u32::MAX);
    });
    check("another size in the local field", Code::ArchiveHeader, |zip| {
        zip.member(INIT).local.extra = extra64(&[7]);
        zip.member(INIT).local.size = u32::MAX;
    });
    check("extra fields that are cut", Code::ArchiveHeader, |zip| {
        zip.member(INIT).central.extra = vec![1, 0, 9];
    });
    check("a local extra field that is cut", Code::ArchiveHeader, |zip| {
        zip.member(INIT).local.extra = vec![0x55, 0x54, 9, 0, 1];
    });
}

/// What makes a lenient reader look for another archive, in what an entry holds.
#[test]
pub(crate) fn extra_fields_that_are_not_of_their_form_are_refused() {
    for (kind, body) in [
        (0x5455, &[][..]),
        (0x5455, &[1, 0, 0, 0]),
        (0x5455, &[0, 0, 0, 0, 0]),
        (0x5455, &[8, 0, 0, 0, 0]),
        (0x5455, &[7, 0, 0, 0, 0, 0, 0, 0, 0]),
        (0x000a, &[0; 32]),
        (0x000a, &[0, 0, 0, 0, 1, 0, 24, 0]),
        (0x6375, &[]),
        (0x6375, &[1, 0, 0, 0, 0]),
    ] {
        let name = format!("field {kind:#x} {body:?}");
        check(&name, Code::ArchiveHeader, |zip| zip.member(INIT).local.extra = extra(kind, body));
        check(&name, Code::ArchiveHeader, |zip| zip.member(STORED).central.extra = extra(kind, body));
    }
    check("a first time alone in a local header", Code::ArchiveHeader, |zip| {
        zip.member(INIT).local.extra = extra(0x5455, &[3, 0, 0, 0, 0]);
    });
}

#[test]
pub(crate) fn descriptors_that_lie_are_refused() {
    let lie = |change: fn(&mut Member)| {
        move |zip: &mut Zip| {
            let member = zip.member(INIT);
            *member = member.clone().with_descriptor(true, false);
            change(member);
        }
    };
    check("CRC", Code::ArchiveDescriptor, lie(|member| member.descriptor[4] ^= 1));
    check("compressed size", Code::ArchiveDescriptor, lie(|member| member.descriptor[8] ^= 1));
    check("size", Code::ArchiveDescriptor, lie(|member| member.descriptor[12] ^= 1));
    check("signature", Code::ArchiveDescriptor, lie(|member| member.descriptor[0] ^= 1));
    check("missing", Code::ArchiveDescriptor, lie(|member| member.descriptor.clear()));
    check("too long", Code::ArchiveDescriptor, lie(|member| member.descriptor.push(0)));
    check(
        "twice",
        Code::ArchiveDescriptor,
        lie(|member| member.descriptor.extend(member.descriptor.clone())),
    );
    check("another CRC in the local header", Code::ArchiveHeader, lie(|member| member.local.crc = 7));
    check("another size in the local header", Code::ArchiveHeader, lie(|member| member.local.size = 7));
    check("without flag", Code::ArchiveFraming, |zip| zip.member(INIT).descriptor = vec![0; 16]);
    check("a stored file", Code::ArchiveDescriptor, |zip| {
        let member = zip.member(STORED);
        *member = member.clone().with_descriptor(true, false);
    });
}

#[test]
pub(crate) fn data_that_lies_is_refused() {
    check("CRC", Code::ArchiveData, |zip| zip.member(INIT).both(|header| header.crc ^= 1));
    // RECORD is the one file whose size RECORD does not say.
    check("size too small", Code::ArchiveData, |zip| zip.member(RECORD).both(|header| header.size -= 1));
    check("size too large", Code::ArchiveData, |zip| zip.member(RECORD).both(|header| header.size += 1));
    check("impossible size", Code::ArchiveData, |zip| {
        zip.member(RECORD).both(|header| header.size = 7 << 20);
    });
    check("another size than RECORD's", Code::RecordHash, |zip| {
        zip.member(INIT).both(|header| header.size += 1);
    });
    check("a stored file of two sizes", Code::ArchiveData, |zip| {
        zip.member(STORED).both(|header| header.size += 1);
    });
    check("a stored file's CRC", Code::ArchiveData, |zip| zip.member(STORED).both(|header| header.crc ^= 1));
    check("no deflated data", Code::ArchiveData, |zip| zip.member(INIT).data.fill(0xFF));
    check("bytes behind the stream", Code::ArchiveData, |zip| {
        let member = zip.member(INIT);
        member.data.push(0);
        member.both(|header| header.compressed += 1);
    });
}

#[test]
pub(crate) fn bombs_are_refused() {
    let bomb = |size: u32| {
        move |zip: &mut Zip| {
            let mut member = Member::deflated("pkg/bomb", b"");
            member.both(|header| header.size = size);
            zip.members.push(member);
        }
    };
    check("a declared size", Code::ArchiveTooLarge, bomb(u32::MAX - 1));
    check("a ratio", Code::ArchiveTooLarge, bomb(65 << 20));
    check("a real bomb", Code::ArchiveTooLarge, |zip| {
        zip.members.push(Member::deflated("pkg/bomb", &vec![0; 65 << 20]));
    });
    check("many sizes that add up past 2^64", Code::ArchiveTooLarge, |zip| {
        for at in 0..3 {
            let mut member = Member::deflated(format!("pkg/{at}"), b"");
            member.both(|header| (header.size, header.extra) = (u32::MAX, extra64(&[u64::MAX])));
            zip.members.push(member);
        }
    });
    check("a METADATA bomb", Code::ArchiveTooLarge, |zip| {
        *zip.member("pkg-1.0.dist-info/METADATA") =
            Member::deflated("pkg-1.0.dist-info/METADATA", &vec![b'\n'; (16 << 20) + 1]);
    });
    check("a WHEEL bomb", Code::ArchiveTooLarge, |zip| {
        *zip.member("pkg-1.0.dist-info/WHEEL") =
            Member::deflated("pkg-1.0.dist-info/WHEEL", &vec![b'\n'; (1 << 20) + 1]);
    });
}

#[test]
pub(crate) fn the_limits_can_be_narrowed() {
    let (name, zip) = honest();
    let bytes = zip.bytes();
    let locked = locked(&name, &bytes);
    let code = |limits: Limits| {
        let verified = pipward::verify::VerifiedWheel::check(unverified(&bytes, &locked), &locked).unwrap();
        Wheel::read_within(verified, &limits).map(|_| ()).map_err(|problem| problem.code())
    };
    assert_eq!(code(Limits::default()), Ok(()));
    assert_eq!(code(Limits { entries: 2, ..Limits::default() }), Err(Code::ArchiveTooLarge));
    assert_eq!(code(Limits { inflated: 100, ..Limits::default() }), Err(Code::ArchiveTooLarge));
    assert_eq!(code(Limits { ratio: 0, ratio_from: 100, ..Limits::default() }), Err(Code::ArchiveTooLarge));
}

#[test]
pub(crate) fn what_is_exactly_at_a_limit_is_read() {
    let (name, zip) = honest();
    let bytes = zip.bytes();
    let locked = locked(&name, &bytes);
    let told = |limits: Limits| {
        let verified = pipward::verify::VerifiedWheel::check(unverified(&bytes, &locked), &locked).unwrap();
        Wheel::read_within(verified, &limits)
            .err()
            .map(|problem| problem.help_text().unwrap_or("").to_owned())
    };
    let wheel = read(&name, &bytes).unwrap();
    let sizes = || wheel.entries().iter().map(pipward::wheel::archive::Entry::size);
    let (count, total) = (wheel.entries().len() as u64, sizes().sum::<u64>());
    let size_of = |file: &str| {
        wheel
            .entries()
            .iter()
            .find(|entry| entry.path().as_str().ends_with(file))
            .map(pipward::wheel::archive::Entry::size)
    };
    let metadata = size_of("/METADATA").max(size_of("/RECORD")).unwrap();
    let limits = |most: u64, which: &str| {
        let mut limits = Limits { ratio: 0, ratio_from: 1 << 40, ..Limits::default() };
        match which {
            "entries" => limits.entries = most,
            "unpacked" => limits.inflated = most,
            "metadata-file" => limits.metadata = most,
            _ => limits.ratio_from = most,
        }
        limits
    };
    for (which, exact) in
        [("entries", count), ("unpacked", total), ("ratio", total), ("metadata-file", metadata)]
    {
        assert_eq!(told(limits(exact, which)), None, "{which}");
        let help = told(limits(exact - 1, which)).unwrap_or_default();
        assert!(help.contains(which), "{which}: {help}");
    }
    let both = Limits { inflated: 100, ratio: 0, ratio_from: 100, ..Limits::default() };
    assert!(told(both).unwrap_or_default().contains("ratio"), "of two equal limits the likely one is told");
}

#[test]
pub(crate) fn what_is_no_archive_is_refused() {
    let (name, zip) = honest();
    let bytes = zip.bytes();
    let code = |bytes: &[u8]| read(&name, bytes).map(|_| ()).map_err(|problem| problem.code());
    assert_eq!(code(b""), Err(Code::ArchiveNotZip));
    assert_eq!(code(b"<!DOCTYPE html><title>503</title>"), Err(Code::ArchiveNotZip));
    assert_eq!(code(b"\x1f\x8b\x08\0\0\0\0\0"), Err(Code::ArchiveNotZip));
    assert_eq!(code(&Zip::default().bytes()), Err(Code::DistInfo));
    for cut in 4..bytes.len() {
        assert_eq!(code(&bytes[..cut]), Err(Code::ArchiveFraming), "cut at {cut}");
    }
}
