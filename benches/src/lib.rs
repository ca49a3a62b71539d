//! What the benches share: made-up input, the same on every run.

use std::path::{Path, PathBuf};

/// A file of vendor-test-wheels/.
pub fn vendored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vendor-test-wheels").join(name)
}

/// `size` bytes that do not compress.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(size)
    .collect()
}

/// A hashed requirements file with `count` lines.
pub fn requirements(count: usize) -> String {
    (0..count).map(|n| format!("project-{n}==1.{n} \\\n    --hash=sha256:{n:064x}\n")).collect()
}

/// A pylock.toml with `count` packages of three wheels each.
pub fn pylock(count: usize) -> String {
    let mut text = String::from("lock-version = \"1.0\"\ncreated-by = \"bench\"\n");
    for n in 0..count {
        text += &format!("\n[[packages]]\nname = \"project-{n:05}\"\nversion = \"1.{n}\"\nwheels = [\n");
        for tag in ["py3-none-any", "cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-win_amd64"] {
            text += &format!(
                "    {{ url = \"https://files.example.org/project_{n:05}-1.{n}-{tag}.whl\", size = 1000, \
                 hashes = {{ sha256 = \"{n:064x}\" }} }},\n"
            );
        }
        text += "]\n";
    }
    text
}
