//! A wheel by choice: honest where every choice is the first one, with the right RECORD, CRCs, sizes and offsets, and then
//! one or a few lies. Bytes at random would never get past the first of these.

use pipward::digest::{Sha256, StrongDigest};
use pipward::wheel::record::{Record, Row};

use super::choices::Choices;
use super::deflate;
use super::zips::{End, End64, Header, Member, Zip, extra, extra64};

/// The file name of every wheel here.
pub const NAME: &str = "pkg-1.0-py3-none-any.whl";
pub const DIST_INFO: &str = "pkg-1.0.dist-info";
pub const METADATA: &str = "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n";
pub const WHEEL: &str = "Wheel-Version: 1.0\nGenerator: fuzz\nRoot-Is-Purelib: true\nTag: py3-none-any\n";

/// The wheel that `bytes` choose.
pub fn wheel(bytes: &[u8]) -> Vec<u8> {
    let mut choices = Choices::new(bytes);
    let mut files = Vec::new();
    for _ in 0..choices.below(5) {
        files.push(file(&mut choices));
    }
    if choices.rarely() {
        let name = [&b"pkg/"[..], choices.bytes(6), b"/"].concat();
        let data = choices.one(&[&b""[..], b"\x03\x00", b"x"]);
        let method = if data.is_empty() { 0 } else { 8 };
        files.push((Member::packed(name, b"", method, data.to_vec()).mode(0o040_755), Vec::new()));
    }
    let mut zip = with_dist_info(files, METADATA.as_bytes(), WHEEL.as_bytes(), None);
    for _ in 0..choices.below(4) {
        let at = choices.below(zip.members.len());
        lie(&mut choices, &mut zip.members[at]);
    }
    if choices.maybe() {
        frame(&mut choices, &mut zip);
    }
    let mut bytes = zip.bytes();
    if choices.rarely() {
        for _ in 0..choices.below(4) {
            patch(&mut choices, &mut bytes);
        }
    }
    bytes
}

/// A wheel of one module with this METADATA, WHEEL and entry_points.txt.
pub fn around(metadata: &[u8], wheel: &[u8], entry_points: Option<&[u8]>) -> Vec<u8> {
    zip_around(metadata, wheel, entry_points).bytes()
}

/// As [`around`], for those who want to change it.
pub fn zip_around(metadata: &[u8], wheel: &[u8], entry_points: Option<&[u8]>) -> Zip {
    let module = (Member::stored("pkg/__init__.py", b""), Vec::new());
    with_dist_info(vec![module], metadata, wheel, entry_points)
}

fn with_dist_info(
    mut files: Vec<(Member, Vec<u8>)>,
    metadata: &[u8],
    wheel: &[u8],
    entry_points: Option<&[u8]>,
) -> Zip {
    let mut add = |name: &str, content: &[u8]| {
        files.push((Member::stored(format!("{DIST_INFO}/{name}"), content), content.to_vec()));
    };
    add("METADATA", metadata);
    add("WHEEL", wheel);
    if let Some(text) = entry_points {
        add("entry_points.txt", text);
    }
    let record = record(&files);
    let members = files.into_iter().map(|(member, _)| member).collect();
    let mut zip = Zip { members, ..Zip::default() };
    zip.members.push(Member::stored(format!("{DIST_INFO}/RECORD"), &record));
    zip
}

/// RECORD is right about all that has a name in it.
pub fn record(files: &[(Member, Vec<u8>)]) -> Vec<u8> {
    let mut rows = vec![Row::bare(format!("{DIST_INFO}/RECORD"))];
    for (member, content) in files.iter().filter(|(member, _)| !member.central.name.ends_with(b"/")) {
        let name = String::from_utf8_lossy(&member.central.name);
        let digest = Some(StrongDigest::Sha256(Sha256::of(content)));
        rows.push(Row { path: name.into_owned(), digest, size: Some(content.len() as u64) });
    }
    Record { rows }.write()
}

fn file(choices: &mut Choices<'_>) -> (Member, Vec<u8>) {
    let name = name(choices);
    let (method, data, content) = match choices.below(5) {
        0 => {
            let content = choices.bytes(48).to_vec();
            (0, content.clone(), content)
        }
        1 => {
            let content = choices.bytes(48).repeat(1 + choices.below(64));
            (8, Member::deflated("x", &content).data, content)
        }
        2 | 3 => {
            let (data, content) = deflate::stream(choices);
            (8, data, content)
        }
        _ => {
            // An archive in an archive, stored.
            let inner = around(choices.bytes(16), b"", None);
            (0, inner.clone(), inner)
        }
    };
    let member = Member::packed(name, &content, method, data);
    (member, content)
}

/// Mostly plain; else what readers are known to treat each in their own way.
fn name(choices: &mut Choices<'_>) -> Vec<u8> {
    const ODD: [&str; 24] = [
        "pkg/é.py",
        "pkg/e\u{301}.py",
        "pkg/A.py",
        "pkg/a.py",
        "pkg/a;1",
        "pkg/a.",
        "pkg/a ",
        " pkg/a",
        "-pkg",
        "pkg/a:b",
        "pkg/a*b",
        "pkg/[a]",
        "pkg/a\"b",
        "pkg/a,b",
        "pkg/日本.py",
        "pkg/\u{fffd}",
        "pkg/\u{200b}",
        "pkg/~",
        "pkg/con",
        "pkg-1.0.data/scripts/a",
        "pkg/a%2fb",
        "pkg/^M",
        "@LongLink",
        "pkg/\u{10ffff}",
    ];
    match choices.below(4) {
        0 | 1 => format!("pkg/m{}.py", choices.below(8)).into_bytes(),
        2 => choices.one(&ODD).into(),
        _ => [&b"pkg/"[..], choices.bytes(12)].concat(),
    }
}

fn lie(choices: &mut Choices<'_>, member: &mut Member) {
    match choices.below(16) {
        0 => {
            let (signature, wide) = (choices.maybe(), choices.maybe());
            *member = member.clone().with_descriptor(signature, wide);
        }
        1 => widen(choices, member),
        2 => {
            let header = header(choices, member);
            header.flags ^=
                choices.one(&[1u16 << 11, 1 << 3, 1, 2, 4, 1 << 5, 1 << 6, 1 << 13, 1 << 4, 1 << 12]);
        }
        3 => {
            let flags = choices.one(&[6u16, 1 << 11, 1 << 3, 2, 1, 1 << 13, 1 << 5]);
            member.both(|header| header.flags ^= flags);
        }
        4 => header(choices, member).method = choices.one(&[0u16, 8, 1, 9, 12, 14, 93, 99]),
        5 => header(choices, member).crc ^= 1 << (choices.byte() & 31),
        6 => {
            let by = number(choices);
            header(choices, member).size = by;
        }
        7 => {
            let by = number(choices);
            header(choices, member).compressed = by;
        }
        8 => {
            let more = field(choices, member);
            header(choices, member).extra.extend(more);
        }
        9 => {
            let more = field(choices, member);
            member.both(|header| header.extra.extend(&more));
        }
        10 => {
            member.made_by = choices.u16();
            member.external = choices.one(&[
                0,
                0x10,
                0x20,
                0o100_755 << 16,
                0o120_777 << 16,
                0o040_755 << 16,
                0o010_644 << 16,
                0o755 << 16,
                0o100_644 << 16 | 0x10,
                0xFFFF_FFFF,
            ]);
        }
        11 => member.needs[choices.below(2)] = choices.one(&[10u16, 45, 46, 51, 63, 64, 255, 0x0314, 0xFFFF]),
        12 => member.comment = choices.bytes(12).to_vec(),
        13 => member.before = choices.bytes(12).to_vec(),
        14 => member.descriptor = choices.bytes(25).to_vec(),
        _ => match choices.below(6) {
            0 => member.disk = choices.u16(),
            1 => member.offset = Some(number(choices)),
            2 => member.in_directory = false,
            3 => member.in_file = false,
            4 => header(choices, member).name = choices.bytes(20).to_vec(),
            _ => member.data.extend(choices.bytes(9)),
        },
    }
}

fn header<'m>(choices: &mut Choices<'_>, member: &'m mut Member) -> &'m mut Header {
    if choices.maybe() { &mut member.local } else { &mut member.central }
}

fn number(choices: &mut Choices<'_>) -> u32 {
    match choices.below(4) {
        0 => u32::from(choices.byte()),
        1 => choices.one(&[0, u32::MAX, u32::MAX - 1, 0x7FFF_FFFF, 0xFFFF]),
        2 => u32::from(choices.u16()),
        _ => choices.u32(),
    }
}

/// Saturates sizes and tells them in a ZIP64 field: rightly, unless another lie follows.
fn widen(choices: &mut Choices<'_>, member: &mut Member) {
    let (size, compressed) = (u64::from(member.central.size), u64::from(member.central.compressed));
    let local = choices.maybe();
    let saturate = |header: &mut Header, which: usize| {
        let mut values = Vec::new();
        if which != 1 {
            header.size = u32::MAX;
            values.push(size);
        }
        if which != 2 {
            header.compressed = u32::MAX;
            values.push(compressed);
        }
        header.extra.extend(extra64(&values));
    };
    match (local, choices.below(4)) {
        (_, 3) => member.local.extra.extend(extra64(&[size, compressed])),
        (true, which) => saturate(&mut member.local, which),
        (false, which) => saturate(&mut member.central, which),
    }
}

/// An extra field that some reader acts on.
fn field(choices: &mut Choices<'_>, member: &Member) -> Vec<u8> {
    let name = &member.central.name;
    match choices.below(9) {
        0 => extra(0x5455, &[&[1][..], &choices.u32().to_le_bytes()].concat()),
        1 => {
            let mut body = vec![1];
            body.extend(crc32fast::hash(name).to_le_bytes());
            body.extend(if choices.maybe() { choices.bytes(12) } else { name });
            extra(0x7075, &body)
        }
        2 => {
            let values: Vec<u64> = (0..choices.below(4)).map(|_| number(choices).into()).collect();
            extra64(&values)
        }
        3 => {
            // ASi's Unix field: CRC, mode, size or device, user, group, link.
            let mode = choices.one(&[0o100_644u16, 0o120_777, 0o040_755, 0o020_644, 0o060_644, 0]);
            let link = choices.bytes(8);
            let body = [&mode.to_le_bytes()[..], &(link.len() as u32).to_le_bytes(), &[0; 4], link].concat();
            extra(0x756e, &[&crc32fast::hash(&body).to_le_bytes()[..], &body].concat())
        }
        4 => extra(0x7875, &[1, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
        5 => extra(0x9901, &[2, 0, b'A', b'E', 3, 8, 0]),
        6 => choices.bytes(8).to_vec(),
        7 => {
            let kind = choices
                .one(&[0x0007u16, 0x0009, 0x000a, 0x000c, 0x000d, 0x0017, 0x4341, 0x6375, 0x334d, 0xa220]);
            extra(kind, choices.bytes(24))
        }
        _ => extra(choices.u16(), choices.bytes(16)),
    }
}

/// What stands around the entries.
fn frame(choices: &mut Choices<'_>, zip: &mut Zip) {
    zip.rows_reversed = choices.rarely();
    if choices.rarely() {
        zip.end.comment = choices.bytes(30).to_vec();
    }
    if choices.maybe() {
        zip.end64 = Some(End64::default());
        if choices.maybe() {
            zip.end =
                End { rows: Some(0xFFFF), size: Some(u32::MAX), offset: Some(u32::MAX), ..zip.end.clone() };
        }
    }
    match choices.below(20) {
        0 => zip.before_directory = choices.bytes(12).to_vec(),
        1 => zip.after_directory = choices.bytes(12).to_vec(),
        2 => zip.before_end = choices.bytes(24).to_vec(),
        3 => zip.after = choices.bytes(24).to_vec(),
        4 => zip.end.rows = Some(choices.u16() & 7),
        5 => zip.end.rows_here = Some(choices.u16() & 7),
        6 => zip.end.size = Some(number(choices)),
        7 => zip.end.offset = Some(number(choices)),
        8 => zip.end.comment_length = Some(u16::from(choices.byte())),
        9 => zip.end.comment = zip.bytes(),
        10 => (zip.end.disk, zip.end.start_disk) = (choices.u16() & 1, choices.u16() & 1),
        11 => frame64(choices, zip.end64.get_or_insert_default()),
        _ => {}
    }
}

fn frame64(choices: &mut Choices<'_>, end: &mut End64) {
    match choices.below(10) {
        0 => end.record_size = Some(choices.u64() & 63),
        1 => end.rows = Some(u64::from(choices.byte())),
        2 => end.rows_here = Some(u64::from(choices.byte())),
        3 => end.size = Some(choices.u64()),
        4 => end.offset = Some(choices.u64()),
        5 => end.extension = choices.bytes(24).to_vec(),
        6 => end.between = choices.bytes(24).to_vec(),
        7 => end.locator_offset = Some(u64::from(number(choices))),
        8 => {
            (end.disk, end.locator_disk, end.disks) = (1, u32::from(choices.byte()), Some(choices.u32() & 3));
        }
        _ => (end.without_record, end.without_locator) = (choices.maybe(), choices.maybe()),
    }
}

/// Changes the finished bytes, counted from the end, where the records of the archive are.
fn patch(choices: &mut Choices<'_>, bytes: &mut Vec<u8>) {
    let at = bytes.len().saturating_sub(usize::from(choices.u16()) % (bytes.len() + 1));
    match choices.below(3) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= choices.byte();
            }
        }
        1 => {
            let more = choices.bytes(8).to_vec();
            bytes.splice(at..at, more);
        }
        _ => {
            let end = (at + choices.below(8)).min(bytes.len());
            bytes.drain(at..end);
        }
    }
}
