//! The user's keyring, asked through the `keyring` command where a server asks who it is.
//!
//! Owns: which `keyring` that is, how it is asked, and what it said, once for each server and user.
//! Never: writes to it, keeps what it said longer than the run, or starts a command out of a virtual environment,
//! which may be the code of a package.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde::Deserialize;
use url::Url;

use super::credentials::Authorization;
use crate::index::KeyringProvider;
use crate::index::engine::blocking;

/// The most that is read of an answer: 1 MiB.
const ANSWER_CAP: u64 = 1 << 20;

/// A server by its origin, and the user that is known already, if one is.
type Asked = (String, Option<String>);

/// The keyring of this run.
pub(super) struct Keyring {
    provider: KeyringProvider,
    said: Mutex<BTreeMap<Asked, Option<Authorization>>>,
    /// Held while the command runs: many requests are refused at once, and one question is enough.
    asking: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

/// What `keyring --mode=creds --output=json get` prints.
#[derive(Deserialize)]
struct Told {
    username: Option<String>,
    password: String,
}

impl Keyring {
    pub(super) fn new(provider: KeyringProvider) -> Self {
        Self { provider, said: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// What the keyring said before.
    pub(super) fn known(&self, url: &Url, user: Option<&str>) -> Option<Authorization> {
        self.said.lock().ok()?.get(&asked(url, user)).cloned().flatten()
    }

    /// Asks under each of the names `services`, until one is known there.
    pub(super) async fn ask(
        &self,
        url: &Url,
        services: Vec<String>,
        user: Option<&str>,
    ) -> Option<Authorization> {
        if self.provider != KeyringProvider::Command {
            return None;
        }
        let key = asked(url, user);
        let _alone = self.asking.lock().await;
        if let Some(said) = self.said.lock().ok()?.get(&key) {
            return said.clone();
        }
        let user = user.map(str::to_owned);
        let answer = blocking(move || {
            let Some(program) = program() else { return Ok(None) };
            tracing::debug!(program = %program.display(), "asking the keyring");
            Ok(services.iter().find_map(|service| get(&program, service, user.as_deref())))
        });
        let answer = answer.await.ok().flatten();
        self.said.lock().ok()?.insert(key, answer.clone());
        answer
    }
}

fn asked(url: &Url, user: Option<&str>) -> Asked {
    (url.origin().ascii_serialization(), user.map(str::to_owned))
}

/// The first `keyring` on PATH that does not stand in a virtual environment.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .filter(|directory| !directory.parent().is_some_and(|prefix| prefix.join("pyvenv.cfg").is_file()))
        .map(|directory| directory.join("keyring"))
        .find(|program| program.is_file())
}

/// Asks for user and password; a keyring that cannot tell both (before 25.2.1) for the password of a known user.
fn get(program: &std::path::Path, service: &str, user: Option<&str>) -> Option<Authorization> {
    let both = run(program, &["--mode=creds", "--output=json", "get"], service, user);
    if let Ok(text) = both {
        let told: Told = serde_json::from_str(&text).ok()?;
        let name = told.username.or_else(|| user.map(str::to_owned)).unwrap_or_default();
        return Authorization::basic(&name, &told.password);
    }
    // argparse ends with 2 where it does not know an option.
    if both != Err(Some(2)) {
        return None;
    }
    let user = user?;
    let password = run(program, &["get"], service, Some(user)).ok()?;
    let password = password.strip_suffix('\n').unwrap_or(&password);
    Authorization::basic(user, password)
}

/// What the command prints, or the status that it ends with.
fn run(
    program: &std::path::Path,
    words: &[&str],
    service: &str,
    user: Option<&str>,
) -> Result<String, Option<i32>> {
    let mut child = Command::new(program)
        .args(words)
        .arg(service)
        .args(user)
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| None)?;
    let mut text = String::new();
    let read = child.stdout.take().map(|stdout| stdout.take(ANSWER_CAP).read_to_string(&mut text));
    let status = child.wait().map_err(|_| None)?;
    match read {
        Some(Ok(_)) if status.success() => Ok(text),
        _ => Err(status.code()),
    }
}
