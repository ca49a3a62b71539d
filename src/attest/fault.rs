//! Why an attestation proves nothing.

use std::fmt;

use sigstore_verify::bundle::Error as BundleError;
use sigstore_verify::{CertificateError, Error, TransparencyLogError};

/// The rule that an attestation broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The trusted root cannot be used.
    Root,
    /// It is not what PEP 740 describes.
    Form,
    /// The statement is not an in-toto v1 statement.
    Statement,
    /// The statement speaks of no file or of several.
    Subjects,
    /// The statement speaks of a file with another name.
    FileName,
    /// The statement speaks of other bytes.
    Digest,
    /// The predicate is neither PyPI's publish nor SLSA's provenance.
    Predicate,
    /// The certificate does not lead to the root, or was not valid when it signed.
    Certificate,
    /// No certificate log vouches for the certificate.
    CertificateLog,
    /// The entry in the transparency log is another one, or none is there.
    LogEntry,
    /// The log's proof that it holds the entry is wrong.
    InclusionProof,
    /// The log did not sign the state that the proof leads to.
    Checkpoint,
    /// The time of signing is not the one that the log signed.
    Time,
    /// The signature is not the certificate's, or not over this statement.
    Signature,
    /// The certificate does not say which publisher it was given to.
    Publisher,
}

impl FaultKind {
    /// The rule, in a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Root => "the trusted root cannot be used",
            Self::Form => "it is not provenance as PEP 740 describes it",
            Self::Statement => "its statement is not an in-toto v1 statement",
            Self::Subjects => "its statement does not speak of exactly one file",
            Self::FileName => "its statement speaks of a file with another name",
            Self::Digest => "its statement speaks of other bytes than the locked ones",
            Self::Predicate => "its predicate is neither a publish attestation nor SLSA provenance",
            Self::Certificate => "its certificate does not lead to the trusted root at the time of signing",
            Self::CertificateLog => "no trusted certificate log vouches for its certificate",
            Self::LogEntry => "the transparency log has no entry for it",
            Self::InclusionProof => "the log's proof of inclusion is wrong",
            Self::Checkpoint => "the log did not sign the state that the proof leads to",
            Self::Time => "its time of signing is not the one that the log signed",
            Self::Signature => "its signature is not over this statement",
            Self::Publisher => "its certificate names no publisher that pipward knows",
        }
    }
}

/// A broken rule, with what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    seen: String,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, seen: impl Into<String>) -> Self {
        Self { kind, seen: seen.into() }
    }

    /// The rule that was broken.
    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// What was seen. May hold text from outside.
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind.sentence(), self.seen)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Certificate(CertificateError::Sct(_)) => FaultKind::CertificateLog,
            Error::Certificate(_) | Error::TrustedCertificate(_) => FaultKind::Certificate,
            Error::TransparencyLog(fault) => match fault {
                TransparencyLogError::InclusionProof(_) => FaultKind::InclusionProof,
                TransparencyLogError::Checkpoint(_) => FaultKind::Checkpoint,
                TransparencyLogError::InclusionPromise(_) | TransparencyLogError::IntegratedTime(_) => {
                    FaultKind::Time
                }
                _ => FaultKind::LogEntry,
            },
            Error::Bundle(BundleError::MissingCheckpoint | BundleError::CheckpointRootMismatch) => {
                FaultKind::Checkpoint
            }
            Error::Timestamp(_) => FaultKind::Time,
            Error::SignatureInvalid(_) | Error::Crypto(_) => FaultKind::Signature,
            Error::ArtifactMismatch(_) => FaultKind::Digest,
            Error::InvalidTrustRoot(_) | Error::TrustRoot(_) => FaultKind::Root,
            _ => FaultKind::Form,
        };
        Self::new(kind, error.to_string())
    }
}
