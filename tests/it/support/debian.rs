//! A minimal root of Debian's own packages, entered with a namespace that needs no privileges.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::run::{Output, Run, kept_dir, scratch};
use super::{loudly, offline};

/// The packages of the usual root: what these need comes too, and nothing else.
pub const PYTHON: &[&str] = &["python3", "dash", "coreutils"];

/// A copy of a root, of one test.
pub struct Root {
    path: PathBuf,
}

/// What stands between a command and a root: `$1` is the root.
const ENTER: &str = r#"
set -e
root=$1; shift
mount --rbind /proc "$root/proc"
for device in null zero urandom; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
exec chroot "$root" "$@"
"#;

/// The words by which a namespace is entered here; none where there is no way.
fn namespace() -> Option<Vec<&'static str>> {
    [vec!["--user", "--map-root-user", "--mount"], vec!["--mount"]].into_iter().find(|words| {
        let tried = Command::new("unshare").args(words).arg("true").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    })
}

impl Root {
    /// A copy of a root with these packages, at `path`. Without apt or namespaces there is none, and a line says so.
    pub fn copy(packages: &[&str], path: PathBuf) -> Option<Self> {
        let kept = kept(packages)?;
        if namespace().is_none() {
            loudly("SKIPPED: no namespace can be entered here (unshare --user --map-root-user --mount)");
            return None;
        }
        // Files are shared with the kept root: what is changed here is made anew, never written into.
        Run::new("cp").arg("-al").arg(kept).arg(&path).run().ok();
        Some(Self { path })
    }

    /// A path in the root.
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        self.path.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Runs a program of the root, with these variables alone; `network` is whether it sees one.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = S>,
        directory: &str,
        variables: &[(String, String)],
        network: bool,
    ) -> Output {
        let run = Run::new("unshare").args(namespace().unwrap()).args((!network).then_some("--net"));
        let run = run.args(["sh", "-c", ENTER, "sh"]).arg(&self.path);
        let run = run.args(["/usr/bin/env", "-i", "-C", directory]);
        run.args(variables.iter().map(|(name, value)| format!("{name}={value}"))).args(words).run()
    }
}

/// The root of these packages, made once.
fn kept(packages: &[&str]) -> Option<PathBuf> {
    let place = kept_dir("debian");
    let root = place.join(packages.join("-"));
    let guard = std::fs::File::create(place.join("guard")).unwrap();
    guard.lock().unwrap();
    if root.exists() {
        return Some(root);
    }
    if offline() {
        return None;
    }
    let work = scratch();
    let archives = work.path().join("archives");
    std::fs::create_dir_all(archives.join("partial")).unwrap();
    std::fs::write(work.path().join("status"), "").unwrap();
    // As if nothing were installed: apt works out what the packages need, and fetches it.
    let option = |name: &str, path: &Path| format!("-o{name}={}", path.display());
    let fetched = Command::new("apt-get")
        .args(["-q", "-y", "--no-install-recommends", "--download-only", "-oDebug::NoLocking=1"])
        .args(["-oDir::Cache::pkgcache=", "-oDir::Cache::srcpkgcache="])
        .arg(option("Dir::State::status", &work.path().join("status")))
        .arg(option("Dir::Cache::archives", &archives))
        .arg("install")
        .args(packages)
        .stdin(Stdio::null())
        .output();
    if !fetched.as_ref().is_ok_and(|output| output.status.success()) {
        let why = fetched.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        loudly(&format!("SKIPPED: Debian's packages {packages:?} cannot be had here: {why:?}"));
        return None;
    }
    let made = work.path().join("root");
    for entry in std::fs::read_dir(&archives).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "deb") {
            Run::new("dpkg-deb").arg("-x").arg(entry).arg(&made).run().ok();
        }
    }
    for directory in ["proc", "dev", "tmp", "root", "home", "usr/local/bin"] {
        std::fs::create_dir_all(made.join(directory)).unwrap();
    }
    std::fs::rename(made, &root).unwrap();
    Some(root)
}
