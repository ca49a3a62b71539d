//! Options whose names are begun and not ended, as pip's parser takes them.
//!
//! Pure. Owns: that a beginning of several of pip's names is ambiguous, also where they are names of one option, and that
//! names of pipward's own stand behind. Never: looks at a value.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::{Arg, Command};

use super::arrange::names;

/// The long options of pip 26.3, over all commands.
const PIPS: [&str; 115] = [
    "abi",
    "algorithm",
    "all",
    "all-releases",
    "bash",
    "break-system-packages",
    "build-constraint",
    "cache-dir",
    "cert",
    "check-build-dependencies",
    "client-cert",
    "compile",
    "config-settings",
    "constraint",
    "debug",
    "default-timeout",
    "dest",
    "destination-dir",
    "destination-directory",
    "disable-pip-version-check",
    "dry-run",
    "editable",
    "editor",
    "exclude",
    "exclude-editable",
    "exists-action",
    "extra-index-url",
    "files",
    "find-links",
    "fish",
    "force-reinstall",
    "format",
    "global",
    "group",
    "help",
    "ignore-installed",
    "ignore-requires-python",
    "implementation",
    "include-editable",
    "index",
    "index-url",
    "isolated",
    "json",
    "keyring-provider",
    "local",
    "local-log",
    "log",
    "log-file",
    "no-binary",
    "no-build-isolation",
    "no-cache-dir",
    "no-clean",
    "no-color",
    "no-compile",
    "no-dependencies",
    "no-deps",
    "no-index",
    "no-input",
    "no-proxy-env",
    "no-python-version-warning",
    "no-require-hashes",
    "no-user",
    "no-verify",
    "no-warn-conflicts",
    "no-warn-script-location",
    "not-required",
    "only-binary",
    "only-dependencies",
    "only-deps",
    "only-final",
    "outdated",
    "output",
    "path",
    "platform",
    "powershell",
    "pre",
    "prefer-binary",
    "prefix",
    "progress-bar",
    "proxy",
    "pypi-url",
    "python",
    "python-version",
    "quiet",
    "refresh-package",
    "report",
    "require-hashes",
    "require-venv",
    "require-virtualenv",
    "requirement",
    "requirements-from-script",
    "resume-retries",
    "retries",
    "root",
    "root-user-action",
    "site",
    "source",
    "source-dir",
    "source-directory",
    "src",
    "target",
    "timeout",
    "trusted-host",
    "upgrade",
    "upgrade-strategy",
    "uploaded-prior-to",
    "uptodate",
    "use-deprecated",
    "use-feature",
    "use-pep517",
    "user",
    "verbose",
    "wheel-dir",
    "yes",
    "zsh",
];

/// What was typed, with long options by their whole names where their beginnings are those of one of pip's.
///
/// # Errors
/// pip's words, where a beginning is that of several.
pub(super) fn finished(
    root: &Command,
    command: &Command,
    typed: &[OsString],
) -> Result<Vec<OsString>, String> {
    let known = || [root, command].into_iter().flat_map(Command::get_arguments);
    let has =
        |name: &str| name == "help" || known().any(|argument| names(argument).any(|known| known == name));
    let takes = |argument: &Arg| argument.get_action().takes_values();
    let mut words = Vec::with_capacity(typed.len());
    let mut left = typed.iter();
    while let Some(word) = left.next() {
        let Some(text) = word.to_str() else {
            words.push(word.clone());
            continue;
        };
        if text == "--" {
            words.push(word.clone());
            break;
        }
        let is_value_next = if let Some(long) = text.strip_prefix("--") {
            let (begun, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let all: BTreeSet<&str> = match has(begun) {
                true => [begun].into(),
                false => PIPS.into_iter().filter(|name| name.starts_with(begun) && has(name)).collect(),
            };
            let mut all = all.into_iter();
            let name = match (all.next(), all.next()) {
                (Some(first), Some(second)) => {
                    let all: Vec<String> =
                        [first, second].into_iter().chain(all).map(|name| format!("--{name}")).collect();
                    return Err(format!("ambiguous option: --{begun} ({}?)", all.join(", ")));
                }
                (Some(name), None) => name,
                (None, _) => begun,
            };
            words.push(match value {
                Some(value) => format!("--{name}={value}").into(),
                None => format!("--{name}").into(),
            });
            value.is_none() && known().any(|known| takes(known) && names(known).any(|known| known == name))
        } else {
            words.push(word.clone());
            // Of `-qr` the last letter takes the next word; of `-rFILE` the first one has its value.
            let letters = text.strip_prefix('-').unwrap_or_default();
            let taking = letters.char_indices().find(|(_, letter)| {
                known().any(|argument| takes(argument) && argument.get_short() == Some(*letter))
            });
            taking.is_some_and(|(at, letter)| at + letter.len_utf8() == letters.len())
        };
        if is_value_next {
            words.extend(left.next().cloned());
        }
    }
    words.extend(left.cloned());
    Ok(words)
}
