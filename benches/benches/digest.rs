//! How fast bytes are hashed.

use divan::counter::BytesCount;
use pipward::digest::Hasher;

fn main() {
    divan::main();
}

#[divan::bench(args = [4 << 10, 1 << 20, 64 << 20])]
fn sha256(bencher: divan::Bencher, size: usize) {
    let bytes = pipward_benches::noise(size);
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| {
        let mut hasher = Hasher::sha256();
        hasher.update(&bytes);
        hasher.finish()
    });
}
