//! Signed locks: SSH signatures, as `ssh-keygen -Y sign` makes them and `ssh-keygen -Y verify` checks them.
//!
//! Owns: the namespace, and what a signature proves. Pure: the time is an argument.
//! Never: reads a file, and never asks for a passphrase.

mod signers;

use jiff::Zoned;
use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use crate::error::{Code, Place, Problem};
pub use signers::Signers;

/// What a signature is for (`ssh-keygen -n`): one that was made for mail or for git proves nothing here.
pub const NAMESPACE: &str = "pipward-lock";

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// As whom the file of allowed signers knows the key.
    pub principals: String,
    /// The key, as `ssh-keygen -l` writes it.
    pub fingerprint: String,
}

/// What a signature is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// Who may sign.
    pub signers: &'a Signers,
    /// Who it has to be, where that is asked for (`ssh-keygen -I`).
    pub principal: Option<&'a str>,
    /// The time, in the zone of this machine.
    pub now: &'a Zoned,
}

/// Signs bytes with an OpenSSH private key.
///
/// # Errors
/// `usage` for a key that cannot be used: another format, another algorithm, or with a passphrase.
pub fn sign(key: &str, message: &[u8]) -> Result<String, Problem> {
    let unusable = |what: &str| {
        Problem::new(Code::Usage, format!("this key cannot be used: {what}"))
            .expected("an Ed25519 key in OpenSSH's format, without a passphrase")
    };
    let key = PrivateKey::from_openssh(key).map_err(|error| {
        unusable("it is not a private key in OpenSSH's format")
            .cause(error)
            .help("ssh-keygen -t ed25519 makes one")
    })?;
    if key.is_encrypted() {
        return Err(unusable("it has a passphrase, which pipward does not ask for").help(format!(
            "sign with it by `ssh-keygen -Y sign -n {NAMESPACE} -f KEY LOCK`, which asks, or uses your agent"
        )));
    }
    let signed =
        key.sign(NAMESPACE, HashAlg::Sha512, message).and_then(|signed| signed.to_pem(LineEnding::LF));
    signed.map_err(|error| {
        unusable("it is not an Ed25519 key")
            .cause(error)
            .help(format!("sign with it by `ssh-keygen -Y sign -n {NAMESPACE} -f KEY LOCK`"))
    })
}

/// Who signed these bytes.
///
/// # Errors
/// `lock-signature`: what is wrong with the signature, or why its key does not count.
pub fn verify(signature: &str, message: &[u8], check: &Check<'_>) -> Result<Signed, Problem> {
    let wrong = |what: &str| Problem::new(Code::LockSignature, what.to_owned());
    let read = SshSig::from_pem(signature.trim())
        .map_err(|error| wrong("the signature cannot be read").cause(error))?;
    if read.namespace() != NAMESPACE {
        return Err(wrong("the signature was made for something else")
            .expected(format!("namespace {NAMESPACE}"))
            .found(format!("namespace {}", read.namespace()))
            .help(format!(
                "sign with `pipward lock --sign-key KEY`, or `ssh-keygen -Y sign -n {NAMESPACE}`"
            )));
    }
    let key = PublicKey::from(read.public_key().clone());
    key.verify(NAMESPACE, message, &read).map_err(|error| {
        wrong("the signature is not over this lock: one of the two was changed since")
            .cause(error)
            .help("find out who changed it, review what differs, and sign again")
    })?;
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let principals = check.signers.allow(&key, check).map_err(|why| {
        let problem = wrong("the lock is signed by a key that may not sign it").found(&fingerprint).help(
            "have it signed by somebody who may, or add the key to the allowed signers, if that is right",
        );
        if why.is_empty() { problem } else { problem.cause(why.join("; ")) }
    })?;
    Ok(Signed { principals, fingerprint })
}

/// The problem of a lock without a signature.
pub fn unsigned(lock: &str) -> Problem {
    Problem::new(Code::LockUnsigned, "this lock has no signature, and the policy asks for one")
        .at(Place::file(lock))
        .expected(format!("{lock}.sig"))
        .help("write and sign it with `pipward lock --sign-key KEY`")
}
