//! `pipward verify-lock`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::options::policy;
use super::render::Printer;
use crate::error::{Code, Problem};
use crate::signature::Check;
use crate::way::signatures;

/// Arguments of `pipward verify-lock`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward verify-lock --allowed-signers allowed_signers
  pipward verify-lock pylock.toml --principal release@example.org

The signature is one of SSH, as `ssh-keygen -Y sign -n pipward-lock` makes it: either tool takes the other's.")]
pub(crate) struct VerifyLockArgs {
    /// The lock
    #[arg(value_name = "FILE", default_value = "pylock.toml")]
    lock: PathBuf,
    /// The signature [default: the lock's name with .sig]
    #[arg(short, long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Who may sign, as ssh-keygen reads it [default: allowed-signers in [policy]]
    #[arg(short = 'f', long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Who has to have signed it [default: anyone of them]
    #[arg(short = 'I', long, value_name = "NAME")]
    principal: Option<String>,
}

pub(super) fn run(arguments: &VerifyLockArgs, printer: &Printer) -> Outcome {
    let policy = policy()?;
    let file = arguments.allowed_signers.as_deref().or(policy.allowed_signers()).ok_or_else(|| {
        Problem::new(Code::Usage, "nobody said who may sign locks")
            .help("name a file with --allowed-signers, or with allowed-signers in [policy] of pipward.toml")
    })?;
    let now = jiff::Zoned::now();
    let signers = signatures::signers(file, &now)?;
    let signature = arguments.signature.clone().unwrap_or_else(|| signatures::beside(&arguments.lock));
    let check = Check { signers: &signers, principal: arguments.principal.as_deref(), now: &now };
    let signed = signatures::verify(&arguments.lock, &signature, &check)?;
    let lock = arguments.lock.display().to_string();
    printer.note(&format!("{lock} is signed by {} with the key {}", signed.principals, signed.fingerprint));
    printer.document(&json!({
        "ok": true,
        "file": lock,
        "principals": signed.principals,
        "fingerprint": signed.fingerprint,
    }));
    Ok(0)
}
