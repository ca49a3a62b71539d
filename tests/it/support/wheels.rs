//! Wheels for tests: a builder of honest ones whose parts can be replaced by lies, and the honest way to read them.

#![allow(dead_code)]

use pipward::digest::{LockedHashes, Sha256, StrongDigest};
use pipward::error::{Place, Problem};
use pipward::fetch::Unverified;
use pipward::lock::{Location, LockedFile};
use pipward::verify::VerifiedWheel;
use pipward::wheel::Wheel;
use pipward::wheel::record::{Record, Row, encode};
use pipward_resolver::WheelName;

use super::zips::{Member, Zip};

/// Builds an honest wheel; the methods that replace a whole file let it lie.
#[derive(Clone)]
pub struct WheelBuilder {
    name: String,
    version: String,
    tag: String,
    build: Option<String>,
    purelib: bool,
    files: Vec<(String, Vec<u8>, u32)>,
    headers: String,
    metadata: Option<String>,
    wheel: Option<String>,
    entry_points: Option<String>,
    record: Option<Vec<u8>>,
    without: Vec<&'static str>,
}

impl WheelBuilder {
    /// `name` as METADATA will spell it.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            tag: "py3-none-any".to_owned(),
            build: None,
            purelib: true,
            files: Vec::new(),
            headers: String::new(),
            metadata: None,
            wheel: None,
            entry_points: None,
            record: None,
            without: Vec::new(),
        }
    }

    /// A file of mode 0644.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with_mode(path, content, 0o100_644)
    }

    /// A file of mode 0755.
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with_mode(path, content, 0o100_755)
    }

    /// A file of this mode, file type included.
    pub fn file_with_mode(mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Self {
        self.files.push((path.to_owned(), content.as_ref().to_vec(), mode));
        self
    }

    /// A file below the .data directory.
    pub fn data(self, scheme: &str, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = format!("{}.data/{scheme}/{path}", self.stem());
        self.file(&path, content)
    }

    /// A script below the .data directory.
    pub fn data_script(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = format!("{}.data/scripts/{name}", self.stem());
        self.executable(&path, content)
    }

    /// entry_points.txt.
    pub fn entry_points(mut self, text: &str) -> Self {
        self.entry_points = Some(text.to_owned());
        self
    }

    /// A header of METADATA.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\n"));
        self
    }

    /// `Requires-Dist`.
    pub fn requires(self, requirement: &str) -> Self {
        self.header("Requires-Dist", requirement)
    }

    /// `Requires-Python`.
    pub fn requires_python(self, specifiers: &str) -> Self {
        self.header("Requires-Python", specifiers)
    }

    /// `Provides-Extra`.
    pub fn extra(self, extra: &str) -> Self {
        self.header("Provides-Extra", extra)
    }

    /// The tag of the file name, which may be compressed.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = tag.to_owned();
        self
    }

    /// The build tag.
    pub fn build_tag(mut self, build: &str) -> Self {
        self.build = Some(build.to_owned());
        self
    }

    /// `Root-Is-Purelib: false`.
    pub fn platlib(mut self) -> Self {
        self.purelib = false;
        self
    }

    /// Another METADATA.
    pub fn metadata(mut self, text: &str) -> Self {
        self.metadata = Some(text.to_owned());
        self
    }

    /// Another WHEEL.
    pub fn wheel(mut self, text: &str) -> Self {
        self.wheel = Some(text.to_owned());
        self
    }

    /// Another RECORD.
    pub fn record(mut self, text: impl AsRef<[u8]>) -> Self {
        self.record = Some(text.as_ref().to_vec());
        self
    }

    /// Leaves out a file of .dist-info.
    pub fn without(mut self, name: &'static str) -> Self {
        self.without.push(name);
        self
    }

    /// `name-version`, escaped.
    pub fn stem(&self) -> String {
        let name = self.name.to_ascii_lowercase().replace(['-', '.'], "_");
        format!("{name}-{}", self.version)
    }

    /// The name of the .dist-info directory.
    pub fn dist_info(&self) -> String {
        format!("{}.dist-info", self.stem())
    }

    /// The file name.
    pub fn file_name(&self) -> String {
        let build = self.build.as_ref().map(|build| format!("-{build}")).unwrap_or_default();
        format!("{}{build}-{}.whl", self.stem(), self.tag)
    }

    fn metadata_text(&self) -> String {
        let Self { name, version, headers, .. } = self;
        let honest = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{headers}");
        self.metadata.clone().unwrap_or(honest)
    }

    fn wheel_text(&self) -> String {
        let parts: Vec<Vec<&str>> = self.tag.split('-').map(|set| set.split('.').collect()).collect();
        let mut text = format!("Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {}\n", self.purelib);
        for python in &parts[0] {
            for abi in &parts[1] {
                for platform in &parts[2] {
                    text.push_str(&format!("Tag: {python}-{abi}-{platform}\n"));
                }
            }
        }
        self.wheel.clone().unwrap_or(text)
    }

    /// All files but RECORD.
    fn all_files(&self) -> Vec<(String, Vec<u8>, u32)> {
        let mut files = self.files.clone();
        let mut add = |name: &str, text: String| {
            if !self.without.contains(&name) {
                files.push((format!("{}/{name}", self.dist_info()), text.into_bytes(), 0o100_644));
            }
        };
        add("METADATA", self.metadata_text());
        add("WHEEL", self.wheel_text());
        if let Some(text) = &self.entry_points {
            add("entry_points.txt", text.clone());
        }
        files
    }

    /// The RECORD that is right.
    pub fn honest_record(&self) -> String {
        let mut text = String::new();
        for (path, content, _) in self.all_files() {
            let digest = encode(&StrongDigest::Sha256(Sha256::of(&content)));
            let row = Record { rows: vec![Row::bare(path)] }.write();
            let path = String::from_utf8(row).unwrap();
            let path = path.strip_suffix(",,\r\n").unwrap();
            text.push_str(&format!("{path},{digest},{}\n", content.len()));
        }
        text + &format!("{}/RECORD,,\n", self.dist_info())
    }

    /// The archive, for those who want to change it.
    pub fn zip(&self) -> Zip {
        let mut zip = Zip::default();
        for (path, content, mode) in self.all_files() {
            zip.members.push(Member::deflated(path, &content).mode(mode));
        }
        let record = self.record.clone().unwrap_or_else(|| self.honest_record().into_bytes());
        if !self.without.contains(&"RECORD") {
            zip.members.push(Member::deflated(format!("{}/RECORD", self.dist_info()), &record));
        }
        zip
    }

    /// File name and bytes.
    pub fn build(&self) -> (String, Vec<u8>) {
        (self.file_name(), self.zip().bytes())
    }
}

/// A lock entry that is right about `bytes`.
pub fn locked(name: &str, bytes: &[u8]) -> LockedFile {
    LockedFile {
        name: WheelName::parse(name).unwrap(),
        location: Location::Path(std::path::PathBuf::from("/wheels").join(name)),
        size: Some(bytes.len() as u64),
        upload_time: None,
        hashes: LockedHashes::sha256(Sha256::of(bytes)),
        place: Place::file("pylock.toml").entry("packages[0].wheels[0]"),
    }
}

/// What a fetch of `bytes` hands out.
pub fn unverified(bytes: &[u8], locked: &LockedFile) -> Unverified {
    Unverified::private(bytes.to_vec(), Place::file("/wheels"), &locked.hashes)
}

/// Locks `bytes` honestly, verifies and reads them.
pub fn read(name: &str, bytes: &[u8]) -> Result<Wheel, Problem> {
    let locked = locked(name, bytes);
    Wheel::read(VerifiedWheel::check(unverified(bytes, &locked), &locked)?)
}

/// As [`read`], with the content of every file.
pub fn read_all(name: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    let wheel = read(name, bytes)?;
    wheel.check_contents()?;
    wheel
        .entries()
        .iter()
        .map(|entry| {
            let mut content = Vec::new();
            match wheel.extract(entry, &mut content) {
                Ok(_) => Ok((entry.path().to_string(), content)),
                Err(pipward::wheel::ExtractError::Wheel(problem)) => Err(problem),
                Err(pipward::wheel::ExtractError::Sink(error)) => panic!("{error}"),
            }
        })
        .collect()
}
