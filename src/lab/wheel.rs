//! Wheels for the scenarios: small, stored, and made in memory.
//!
//! Pure.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::digest::Sha256;

/// What every payload does: it leaves a mark where the scenario looks for it, and nothing elsewhere.
const PAYLOAD: &str = "import os\nmark = os.environ.get('PIPWARD_LAB_MARK')\n\
                       if mark:\n    open(mark, 'w').write('the payload ran')\n";
/// The same as one line of a `.pth` file, which Python runs when it starts.
const PAYLOAD_LINE: &str = "import os; mark = os.environ.get('PIPWARD_LAB_MARK'); mark and open(mark, 'w').write('the payload ran')\n";

/// A wheel of one module.
#[derive(Debug, Clone)]
pub(super) struct Wheel {
    /// Its project.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    files: Vec<(String, String)>,
    /// Files that RECORD does not list.
    unlisted: Vec<(String, String)>,
    /// What its index says of who published it (PEP 740).
    pub provenance: Option<&'static str>,
}

impl Wheel {
    /// A wheel that does nothing.
    pub(super) fn good(name: &'static str, version: &'static str) -> Self {
        let module = (format!("{name}.py"), padded(&format!("version = '{version}'\n")));
        Self { name, version, files: vec![module], unlisted: Vec::new(), provenance: None }
    }

    /// A wheel whose module leaves a mark when it is imported.
    pub(super) fn bad(name: &'static str, version: &'static str) -> Self {
        let module = (format!("{name}.py"), padded(PAYLOAD));
        Self { name, version, files: vec![module], unlisted: Vec::new(), provenance: None }
    }

    /// The same with a `.pth` file that leaves a mark whenever Python starts.
    pub(super) fn with_startup(mut self) -> Self {
        self.files.push((format!("{}_init.pth", self.name), PAYLOAD_LINE.to_owned()));
        self
    }

    /// The same with that file in the archive, and not in RECORD.
    pub(super) fn with_unlisted(mut self) -> Self {
        self.unlisted.push((format!("{}_init.pth", self.name), PAYLOAD_LINE.to_owned()));
        self
    }

    /// The same, published by somebody.
    pub(super) fn published(mut self, provenance: &'static str) -> Self {
        self.provenance = Some(provenance);
        self
    }

    /// Its file name.
    pub(super) fn file_name(&self) -> String {
        format!("{}-{}-py3-none-any.whl", self.name, self.version)
    }

    /// Its METADATA.
    pub(super) fn metadata(&self) -> String {
        format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", self.name, self.version)
    }

    /// The line of RECORD for a file.
    pub(super) fn line(path: &str, text: &str) -> String {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::of(text.as_bytes()).as_bytes());
        format!("{path},sha256={digest},{}", text.len())
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let dist_info = format!("{}-{}.dist-info", self.name, self.version);
        let mut files = self.files.clone();
        files.push((format!("{dist_info}/METADATA"), self.metadata()));
        let wheel = "Wheel-Version: 1.0\nGenerator: pipward-lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
        files.push((format!("{dist_info}/WHEEL"), wheel.to_owned()));
        let mut record = String::new();
        for (path, text) in &files {
            let _ = writeln!(record, "{}", Self::line(path, text));
        }
        let _ = writeln!(record, "{dist_info}/RECORD,,");
        files.splice(0..0, self.unlisted.clone());
        files.push((format!("{dist_info}/RECORD"), record));
        archive(&files)
    }
}

/// A module of the same length as all others: a stranger's file need not differ in size.
fn padded(text: &str) -> String {
    format!("{text:#<256}\n")
}

/// A ZIP archive of stored entries (APPNOTE 4.3).
fn archive(files: &[(String, String)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (path, text) in files {
        let offset = length(archive.len());
        let mut common = Vec::new();
        // Version 2.0, no flags, stored, 1 January 1980.
        for field in [20_u16, 0, 0, 0, 33] {
            common.extend(field.to_le_bytes());
        }
        common.extend(crc32fast::hash(text.as_bytes()).to_le_bytes());
        common.extend(length(text.len()).to_le_bytes());
        common.extend(length(text.len()).to_le_bytes());
        common.extend(u16::try_from(path.len()).unwrap_or(u16::MAX).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(path.as_bytes());
        archive.extend(text.as_bytes());
        // Made by Unix; a regular file that its owner can write.
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let (start, size) = (length(archive.len()), length(directory.len()));
    let count = u16::try_from(files.len()).unwrap_or(u16::MAX).to_le_bytes();
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count);
    archive.extend(count);
    archive.extend(size.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
