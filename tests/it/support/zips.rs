//! A small ZIP writer for tests, in which every field can be made to lie.

#![allow(dead_code)]

use std::io::Write as _;

/// What a local header and a row of the central directory both say.
#[derive(Clone)]
pub struct Header {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    /// As DOS has it: time, date.
    pub modified: [u16; 2],
    pub crc: u32,
    pub compressed: u32,
    pub size: u32,
    pub extra: Vec<u8>,
}

/// One entry.
#[derive(Clone)]
pub struct Member {
    pub local: Header,
    pub central: Header,
    pub local_signature: [u8; 4],
    pub data: Vec<u8>,
    pub descriptor: Vec<u8>,
    /// Bytes before the local header.
    pub before: Vec<u8>,
    pub made_by: u16,
    /// The version of ZIP that is needed: in the local header, in the row.
    pub needs: [u16; 2],
    pub external: u32,
    pub comment: Vec<u8>,
    pub disk: u16,
    /// Another offset than the true one.
    pub offset: Option<u32>,
    pub in_directory: bool,
    pub in_file: bool,
}

impl Member {
    /// A deflated file.
    pub fn deflated(name: impl Into<Vec<u8>>, content: &[u8]) -> Self {
        let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(content).unwrap();
        Self::packed(name, content, 8, writer.finish().unwrap())
    }

    /// A stored file.
    pub fn stored(name: impl Into<Vec<u8>>, content: &[u8]) -> Self {
        Self::packed(name, content, 0, content.to_vec())
    }

    /// A directory; `name` ends in a slash.
    pub fn directory(name: impl Into<Vec<u8>>) -> Self {
        Self::stored(name, b"").mode(0o040_755)
    }

    /// A file of this content, packed to `data` by `method`.
    pub fn packed(name: impl Into<Vec<u8>>, content: &[u8], method: u16, data: Vec<u8>) -> Self {
        let name = name.into();
        let header = Header {
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            name,
            method,
            modified: [0, 0x21], // 1980-01-01
            crc: crc32fast::hash(content),
            compressed: u32::try_from(data.len()).unwrap(),
            size: u32::try_from(content.len()).unwrap(),
            extra: Vec::new(),
        };
        Self {
            local: header.clone(),
            central: header,
            local_signature: *b"PK\x03\x04",
            data,
            descriptor: Vec::new(),
            before: Vec::new(),
            made_by: 3 << 8 | 20,
            needs: [20, 20],
            external: 0o100_644 << 16,
            comment: Vec::new(),
            disk: 0,
            offset: None,
            in_directory: true,
            in_file: true,
        }
    }

    /// With this Unix mode, file type included.
    pub fn mode(mut self, mode: u32) -> Self {
        self.external = mode << 16;
        self
    }

    /// With the same change in both headers.
    pub fn both(&mut self, change: impl Fn(&mut Header)) {
        change(&mut self.local);
        change(&mut self.central);
    }

    /// As a writer that cannot seek makes it: bit 3, zeros in the local header, a descriptor behind the data.
    pub fn with_descriptor(mut self, signature: bool, wide: bool) -> Self {
        self.both(|header| header.flags |= 1 << 3);
        let Header { crc, compressed, size, .. } = self.central;
        (self.local.crc, self.local.compressed, self.local.size) = (0, 0, 0);
        self.descriptor = if signature { b"PK\x07\x08".to_vec() } else { Vec::new() };
        self.descriptor.extend(crc.to_le_bytes());
        for number in [compressed, size] {
            if wide {
                self.descriptor.extend(u64::from(number).to_le_bytes());
            } else {
                self.descriptor.extend(number.to_le_bytes());
            }
        }
        self
    }
}

/// An extra field.
pub fn extra(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), body].concat()
}

/// A ZIP64 extra field.
pub fn extra64(values: &[u64]) -> Vec<u8> {
    extra(1, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

/// The end record: what is `None` is told truly.
#[derive(Clone, Default)]
pub struct End {
    pub disk: u16,
    pub start_disk: u16,
    pub rows_here: Option<u16>,
    pub rows: Option<u16>,
    pub size: Option<u32>,
    pub offset: Option<u32>,
    pub comment: Vec<u8>,
    pub comment_length: Option<u16>,
}

/// The ZIP64 end record and its locator: what is `None` is told truly.
#[derive(Clone, Default)]
pub struct End64 {
    pub signature: Option<[u8; 4]>,
    pub record_size: Option<u64>,
    pub disk: u32,
    pub rows_here: Option<u64>,
    pub rows: Option<u64>,
    pub size: Option<u64>,
    pub offset: Option<u64>,
    pub extension: Vec<u8>,
    /// Bytes between the record and its locator.
    pub between: Vec<u8>,
    pub locator_disk: u32,
    pub locator_offset: Option<u64>,
    pub disks: Option<u32>,
    pub without_record: bool,
    pub without_locator: bool,
}

/// An archive.
#[derive(Clone, Default)]
pub struct Zip {
    pub members: Vec<Member>,
    /// Rows in another order than the local records.
    pub rows_reversed: bool,
    pub before_directory: Vec<u8>,
    pub after_directory: Vec<u8>,
    pub end64: Option<End64>,
    /// Bytes between the ZIP64 locator and the end record.
    pub before_end: Vec<u8>,
    pub end: End,
    pub after: Vec<u8>,
}

impl Zip {
    /// The member of this name.
    pub fn member(&mut self, name: &str) -> &mut Member {
        self.members.iter_mut().find(|member| member.central.name == name.as_bytes()).unwrap()
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut offsets = Vec::new();
        for member in &self.members {
            out.extend(&member.before);
            offsets.push(u32::try_from(out.len()).unwrap());
            if member.in_file {
                put_local(&mut out, member);
            }
        }
        out.extend(&self.before_directory);
        let directory = out.len();
        let mut rows: Vec<_> =
            self.members.iter().zip(offsets).filter(|(member, _)| member.in_directory).collect();
        if self.rows_reversed {
            rows.reverse();
        }
        for (member, offset) in rows {
            put_row(&mut out, member, member.offset.unwrap_or(offset));
        }
        let rows = self.members.iter().filter(|member| member.in_directory).count();
        let size = out.len() - directory;
        out.extend(&self.after_directory);
        if let Some(end64) = &self.end64 {
            put_end64(&mut out, end64, [rows, size, directory].map(|number| number as u64));
        }
        out.extend(&self.before_end);
        put_end(&mut out, &self.end, [rows, size, directory]);
        out.extend(&self.after);
        out
    }
}

fn put_local(out: &mut Vec<u8>, member: &Member) {
    out.extend(member.local_signature);
    out.extend(member.needs[0].to_le_bytes());
    put_header(out, &member.local);
    out.extend(&member.local.name);
    out.extend(&member.local.extra);
    out.extend(&member.data);
    out.extend(&member.descriptor);
}

/// From the flags to the length of the extra fields, which is the same in both headers.
fn put_header(out: &mut Vec<u8>, header: &Header) {
    out.extend(header.flags.to_le_bytes());
    out.extend(header.method.to_le_bytes());
    out.extend(header.modified.map(u16::to_le_bytes).concat());
    for number in [header.crc, header.compressed, header.size] {
        out.extend(number.to_le_bytes());
    }
    for length in [header.name.len(), header.extra.len()] {
        out.extend(u16::try_from(length).unwrap().to_le_bytes());
    }
}

fn put_row(out: &mut Vec<u8>, member: &Member, offset: u32) {
    out.extend(b"PK\x01\x02");
    out.extend(member.made_by.to_le_bytes());
    out.extend(member.needs[1].to_le_bytes());
    put_header(out, &member.central);
    out.extend(u16::try_from(member.comment.len()).unwrap().to_le_bytes());
    out.extend(member.disk.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    out.extend(member.external.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend(&member.central.name);
    out.extend(&member.central.extra);
    out.extend(&member.comment);
}

fn put_end64(out: &mut Vec<u8>, end: &End64, [rows, size, offset]: [u64; 3]) {
    let at = out.len() as u64;
    if !end.without_record {
        out.extend(end.signature.unwrap_or(*b"PK\x06\x06"));
        out.extend(end.record_size.unwrap_or(44 + end.extension.len() as u64).to_le_bytes());
        out.extend([45, 3, 45, 0]);
        out.extend(end.disk.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        let rows_here = end.rows_here.or(end.rows).unwrap_or(rows);
        for number in
            [rows_here, end.rows.unwrap_or(rows), end.size.unwrap_or(size), end.offset.unwrap_or(offset)]
        {
            out.extend(number.to_le_bytes());
        }
        out.extend(&end.extension);
    }
    out.extend(&end.between);
    if !end.without_locator {
        out.extend(b"PK\x06\x07");
        out.extend(end.locator_disk.to_le_bytes());
        out.extend(end.locator_offset.unwrap_or(at).to_le_bytes());
        out.extend(end.disks.unwrap_or(1).to_le_bytes());
    }
}

fn put_end(out: &mut Vec<u8>, end: &End, [rows, size, offset]: [usize; 3]) {
    out.extend(b"PK\x05\x06");
    out.extend(end.disk.to_le_bytes());
    out.extend(end.start_disk.to_le_bytes());
    let rows = end.rows.unwrap_or(rows as u16);
    out.extend(end.rows_here.unwrap_or(rows).to_le_bytes());
    out.extend(rows.to_le_bytes());
    out.extend(end.size.unwrap_or(size as u32).to_le_bytes());
    out.extend(end.offset.unwrap_or(offset as u32).to_le_bytes());
    out.extend(end.comment_length.unwrap_or(end.comment.len() as u16).to_le_bytes());
    out.extend(&end.comment);
}
