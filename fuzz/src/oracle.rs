//! Other readers of archives: the `zip` crate, Python's zipfile in a process of its own, and `unzip`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Regular files by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

const SCRIPT: &str = include_str!("zipfile.py");

/// What the `zip` crate reads.
pub fn zip_crate(bytes: &[u8]) -> Result<Files, String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut files = Files::new();
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| format!("entry {at}: {error}"))?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().map_err(|error| format!("entry {at}: {error}"))?.into_owned();
        let mut content = Vec::new();
        entry.take(64 << 20).read_to_end(&mut content).map_err(|error| format!("{name}: {error}"))?;
        if files.insert(name.clone(), content).is_some() {
            return Err(format!("{name} twice"));
        }
    }
    Ok(files)
}

/// A Python that waits for archives.
pub struct Zipfile {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

impl Zipfile {
    /// `None` where there is no Python.
    pub fn start() -> Option<Self> {
        let python = std::env::var_os("PIPWARD_FUZZ_PYTHON").unwrap_or_else(|| "python3".into());
        let mut child = Command::new(python)
            .args(["-I", "-S", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        Some(Self { stdin: child.stdin.take()?, stdout: child.stdout.take()?, child })
    }

    pub fn read(&mut self, bytes: &[u8]) -> Result<Files, String> {
        let answer = self.ask(bytes).expect("Python answers");
        let (kind, mut rest) = answer.split_first().expect("an answer has a kind");
        if *kind == b'E' {
            return Err(String::from_utf8_lossy(rest).into_owned());
        }
        let mut files = Files::new();
        while !rest.is_empty() {
            let length = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap()) as usize;
            let (name, content) = (length(0), length(4));
            let (entry, after) = rest[8..].split_at(name + content);
            rest = after;
            let name = String::from_utf8_lossy(&entry[..name]).into_owned();
            if files.insert(name.clone(), entry[name.len()..].to_vec()).is_some() {
                return Err(format!("{name} twice"));
            }
        }
        Ok(files)
    }

    fn ask(&mut self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        self.stdin.write_all(&u32::try_from(bytes.len()).expect("a small archive").to_le_bytes())?;
        self.stdin.write_all(bytes)?;
        self.stdin.flush()?;
        let mut length = [0; 4];
        self.stdout.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_le_bytes(length) as usize];
        self.stdout.read_exact(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Zipfile {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `unzip` extracts into `directory`, which is empty; `None` where there is no `unzip`.
pub fn unzip(bytes: &[u8], directory: &Path) -> Option<Result<Files, String>> {
    let (archive, target) = (directory.join("archive.zip"), directory.join("files"));
    std::fs::write(&archive, bytes).expect("the archive is written");
    // -V: a name that ends like `;1` is no version of VMS.
    let output = Command::new("unzip")
        .args(["-qq", "-o", "-V", "-d"])
        .args([&target, &archive])
        .env("LC_ALL", "C.UTF-8")
        .env_remove("UNZIP")
        .env_remove("UNZIPOPT")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Some(Err(format!("{}: {told}", output.status)));
    }
    let mut files = Files::new();
    Some(walk(&target, "", &mut files).map(|()| files).map_err(|error| error.to_string()))
}

/// Fails on whatever is neither a file nor a directory.
pub fn walk(directory: &Path, prefix: &str, files: &mut Files) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{name}/"), files)?;
        } else if kind.is_file() {
            files.insert(name, std::fs::read(entry.path())?);
        } else {
            return Err(std::io::Error::other(format!("{name} is neither a file nor a directory")));
        }
    }
    Ok(())
}
