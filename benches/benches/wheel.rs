//! How fast a wheel goes from its bytes to verified, read and unpacked content.
//!
//! `PIPWARD_BENCH_WHEEL` names a larger wheel than the one that comes with the project.

use std::path::PathBuf;

use divan::counter::BytesCount;
use pipward::digest::{LockedHashes, Sha256};
use pipward::error::Place;
use pipward::fetch::Unverified;
use pipward::lock::{Location, LockedFile};
use pipward::verify::VerifiedWheel;
use pipward::wheel::Wheel;
use pipward_resolver::WheelName;

fn main() {
    divan::main();
}

struct Sample {
    bytes: Vec<u8>,
    locked: LockedFile,
}

impl Sample {
    fn new() -> Self {
        let path = std::env::var_os("PIPWARD_BENCH_WHEEL").map_or_else(
            || pipward_benches::vendored("pipward_demo_table-0.3.0-py3-none-any.whl"),
            PathBuf::from,
        );
        let bytes = std::fs::read(&path).expect("the wheel can be read");
        let name = path.file_name().and_then(|name| name.to_str()).expect("the wheel has a name");
        let locked = LockedFile {
            name: WheelName::parse(name).expect("the name is a wheel's"),
            location: Location::Path(path.clone()),
            size: None,
            upload_time: None,
            hashes: LockedHashes::sha256(Sha256::of(&bytes)),
            place: Place::file(&path),
        };
        Self { bytes, locked }
    }

    fn verified(&self) -> VerifiedWheel {
        let origin = self.locked.place.clone();
        let unverified = Unverified::private(self.bytes.clone(), origin, &self.locked.hashes);
        VerifiedWheel::check(unverified, &self.locked).expect("the hash is right")
    }
}

#[divan::bench]
fn verify(bencher: divan::Bencher) {
    let sample = Sample::new();
    bencher.counter(BytesCount::of_slice(&sample.bytes)).bench(|| sample.verified());
}

#[divan::bench]
fn read(bencher: divan::Bencher) {
    let sample = Sample::new();
    bencher.with_inputs(|| sample.verified()).bench_values(Wheel::read);
}

#[divan::bench]
fn unpack(bencher: divan::Bencher) {
    let sample = Sample::new();
    let wheel = Wheel::read(sample.verified()).expect("the wheel is sound");
    let size: u64 = wheel.entries().iter().map(|entry| entry.size()).sum();
    bencher.counter(BytesCount::new(size)).bench(|| {
        for entry in wheel.entries() {
            wheel.extract(entry, &mut std::io::sink()).expect("the entry is sound");
        }
    });
}
