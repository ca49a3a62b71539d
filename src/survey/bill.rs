//! (Lock, Graph, METADATA) -> Bill: what an SBOM tells, whatever its form.
//!
//! Pure. What it says follows from the lock, METADATA of the locked wheels and the time that is handed in, so that two runs
//! make the same document.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::graph::Graph;
use crate::digest::{LockedHashes, Sha256};
use crate::lock::{Location, Lock, LockedPackage, LockedSource};
use crate::wheel::about::About;
use crate::wheel::licenses::License;

/// What a package URL writes as it is (purl specification, "character encoding").
const PURL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// A bill of materials.
#[derive(Debug, Clone)]
pub struct Bill {
    /// What it is about.
    pub name: String,
    /// The version of pipward.
    pub tool: &'static str,
    /// When it was made, as far as that is the same for everybody.
    pub time: Option<Timestamp>,
    /// The SHA-256 of the lock.
    pub lock: Sha256,
    /// The releases.
    pub parts: Vec<Part>,
    /// The positions of those that were asked for.
    pub roots: Vec<usize>,
}

/// A release.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its name, normalised.
    pub name: String,
    /// Its version; empty where the lock has none.
    pub version: String,
    /// Its package URL.
    pub purl: String,
    /// One line of it.
    pub summary: Option<String>,
    /// Its licence.
    pub license: License,
    /// When it is installed, where not always: a marker for each entry of the lock.
    pub markers: Vec<String>,
    /// Its wheels.
    pub wheels: Vec<WheelPart>,
    /// The hashes of one that is locked by hash alone, as algorithm and hexadecimal digits.
    pub hashes: Vec<(String, String)>,
    /// The positions of the releases that it needs.
    pub needs: Vec<usize>,
}

/// A wheel of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelPart {
    /// Its file name.
    pub file: String,
    /// Its address; `None` for one on the machine of whoever locked.
    pub url: Option<String>,
    /// Its hashes, as algorithm and hexadecimal digits.
    pub hashes: Vec<(String, String)>,
    /// The SBOMs that it carries, as path in the wheel and digest.
    pub sboms: Vec<(String, Sha256)>,
}

/// What is known besides the lock.
#[derive(Debug)]
pub struct Known<'a> {
    /// Who needs whom.
    pub graph: &'a Graph,
    /// What METADATA says, beside `lock.packages`.
    pub about: &'a [About],
    /// SBOMs by wheel file name.
    pub sboms: &'a std::collections::BTreeMap<String, Vec<(String, Sha256)>>,
}

impl Bill {
    /// The bill of a lock. Entries of one release (under several markers) are one part.
    pub fn of(lock: &Lock, digest: Sha256, name: String, time: Option<Timestamp>, known: &Known<'_>) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        // The part of each entry.
        let mut part_of = Vec::new();
        for (at, package) in lock.packages.iter().enumerate() {
            let part = part(package, known.about.get(at), known);
            let same = parts.iter().position(|other| other.purl == part.purl);
            match same.and_then(|at| parts.get_mut(at)) {
                Some(known) => known.join(part),
                None => parts.push(part),
            }
            part_of.push(same.unwrap_or(parts.len() - 1));
        }
        for (at, edges) in known.graph.edges.iter().enumerate() {
            let needs = edges.iter().filter_map(|edge| part_of.get(edge.to)).copied();
            if let Some(part) = part_of.get(at).and_then(|at| parts.get_mut(*at)) {
                part.needs.extend(needs);
                part.needs.sort_unstable();
                part.needs.dedup();
            }
        }
        let roots = known.graph.roots.iter().filter_map(|root| part_of.get(root.edge.to)).copied();
        let mut roots: Vec<usize> = roots.collect();
        roots.sort_unstable();
        roots.dedup();
        Self { name, tool: env!("CARGO_PKG_VERSION"), time, lock: digest, parts, roots }
    }
}

impl Part {
    fn join(&mut self, other: Self) {
        self.markers.extend(other.markers);
        self.hashes.extend(other.hashes);
        self.wheels.extend(other.wheels);
        self.wheels.sort_by(|one, other| one.file.cmp(&other.file));
        self.wheels.dedup();
    }
}

fn part(package: &LockedPackage, about: Option<&About>, known: &Known<'_>) -> Part {
    let wheels = match &package.source {
        LockedSource::Wheels(files) => {
            let mut wheels: Vec<WheelPart> = files
                .iter()
                .map(|file| WheelPart {
                    file: file.name.as_str().to_owned(),
                    url: match &file.location {
                        Location::Url(url) => Some(url.to_string()),
                        Location::Path(_) => None,
                    },
                    hashes: digests(&file.hashes),
                    sboms: known.sboms.get(file.name.as_str()).cloned().unwrap_or_default(),
                })
                .collect();
            wheels.sort_by(|one, other| one.file.cmp(&other.file));
            wheels
        }
        _ => Vec::new(),
    };
    let hashes = match &package.source {
        LockedSource::ByHash(hashes) => digests(hashes),
        _ => Vec::new(),
    };
    Part {
        name: package.name.to_string(),
        version: package.version.as_ref().map(ToString::to_string).unwrap_or_default(),
        purl: purl(package),
        summary: about.and_then(|about| about.summary.clone()),
        license: about.map_or(License::Unsaid, License::of),
        markers: package.marker.iter().map(|marker| marker.text.clone()).collect(),
        wheels,
        hashes,
        needs: Vec::new(),
    }
}

fn digests(hashes: &LockedHashes) -> Vec<(String, String)> {
    hashes.digests().iter().map(|digest| (digest.algorithm().to_string(), digest.hex())).collect()
}

/// `pkg:pypi/NAME@VERSION`, with the index or address that it is from where that is not PyPI.
fn purl(package: &LockedPackage) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, PURL).to_string();
    let mut purl = format!("pkg:pypi/{}", package.name);
    if let Some(version) = &package.version {
        purl.push_str(&format!("@{}", encoded(&version.to_string())));
    }
    let direct = match (&package.source, &package.index) {
        (LockedSource::Wheels(files), None) => files.first().filter(|file| package.is_direct(file)),
        _ => None,
    };
    match (&package.index, direct.map(|file| &file.location)) {
        (Some(index), _) if index.host_str() != Some("pypi.org") => {
            purl.push_str(&format!("?repository_url={}", encoded(index.as_str().trim_end_matches('/'))));
        }
        (None, Some(Location::Url(url))) => {
            purl.push_str(&format!("?download_url={}", encoded(url.as_str())));
        }
        _ => {}
    }
    purl
}

/// A UUID (RFC 9562, version 8) that follows from a text.
pub(super) fn uuid_of(text: &str) -> String {
    let hex = Sha256::of(text.as_bytes()).to_string();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}
