//! How fast locks, requirements and specifiers are read.

use std::path::Path;

use divan::counter::ItemsCount;
use pipward_resolver::VersionSpecifiers;

fn main() {
    divan::main();
}

#[divan::bench(args = [10, 100, 1000])]
fn pylock(bencher: divan::Bencher, count: usize) {
    let text = pipward_benches::pylock(count);
    bencher
        .counter(ItemsCount::new(count))
        .bench(|| pipward::lock::pylock::parse(&text, Path::new("/pylock.toml")).expect("the lock is sound"));
}

#[divan::bench(args = [10, 100, 1000])]
fn requirements(bencher: divan::Bencher, count: usize) {
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    std::fs::write(file.path(), pipward_benches::requirements(count)).expect("the file can be written");
    bencher
        .counter(ItemsCount::new(count))
        .bench(|| pipward::requirements::read(file.path()).expect("the file is sound"));
}

#[divan::bench(args = ["==1.2.3", ">=1.2,<2,!=1.5.*", "~=1.4.2", ">=2!1.0a1,<2!3"])]
fn ranges(specifiers: &str) -> impl Sized {
    let specifiers: VersionSpecifiers = specifiers.parse().expect("the specifiers are sound");
    pipward_resolver::ranges::of_specifiers(&specifiers)
}
