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

/// An index page (PEP 691) with as many wheels of `project`.
pub fn page(files: usize) -> String {
    let file = |n: usize| {
        let name = format!("project-1.{}-cp3{}-cp3{}-manylinux_2_17_x86_64.whl", n / 4, 9 + n % 4, 9 + n % 4);
        format!(
            r#"{{"filename":"{name}","url":"https://files.example.org/{n:064x}/{name}","hashes":{{"sha256":"{n:064x}"}},"requires-python":">=3.9","size":{n},"upload-time":"2024-09-15T18:07:37.964Z","yanked":false,"core-metadata":{{"sha256":"{n:064x}"}}}}"#
        )
    };
    let files: Vec<String> = (0..files).map(file).collect();
    format!(r#"{{"meta":{{"api-version":"1.1"}},"name":"project","files":[{}]}}"#, files.join(","))
}

/// METADATA with as many requirements.
pub fn metadata(requirements: usize) -> String {
    let mut text =
        String::from("Metadata-Version: 2.1\nName: project\nVersion: 1.0\nRequires-Python: >=3.9\n");
    for n in 0..requirements {
        text += &format!(
            "Requires-Dist: dependency-{n} >=1.{n},<2 ; python_version >= '3.{}' and extra == 'test'\n",
            9 + n % 4
        );
    }
    text + "\n" + &"A line of the description.\n".repeat(200)
}
