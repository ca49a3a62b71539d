//! Provenance (PEP 740): who published a file, proven offline.
//!
//! Owns: [`Verifier`], the only maker of a [`Publisher`] that is proven.
//! Never: fetches anything, and never believes the `publisher` field that stands beside an attestation: nobody signed it.

mod fault;
mod provenance;
mod publisher;
mod statement;

use sigstore_verify::VerificationPolicy;
use sigstore_verify::trust_root::{SigstoreInstance, TrustedRoot};
use sigstore_verify::types::{Bundle, Sha256Hash};

use crate::digest::Sha256;
pub use fault::{Fault, FaultKind};
pub(crate) use provenance::LARGEST;
pub use provenance::{Attestation, Provenance};
pub use publisher::Publisher;

/// What verifies attestations: the keys and certificates of one Sigstore instance.
pub struct Verifier {
    inner: sigstore_verify::Verifier,
}

impl Verifier {
    /// The public instance (`sigstore.dev`), by the root that is built in.
    ///
    /// # Errors
    /// [`FaultKind::Root`] if the built-in root could not be read, which a test rules out.
    pub fn public() -> Result<Self, Fault> {
        Self::of(TrustedRoot::from_embedded(SigstoreInstance::PublicGood))
    }

    /// An instance of one's own, by its `trusted_root.json`.
    ///
    /// # Errors
    /// [`FaultKind::Root`].
    pub fn from_root(json: &str) -> Result<Self, Fault> {
        Self::of(TrustedRoot::from_json(json))
    }

    fn of(root: Result<TrustedRoot, sigstore_verify::trust_root::Error>) -> Result<Self, Fault> {
        let root = root.map_err(|error| Fault::new(FaultKind::Root, error.to_string()))?;
        let inner = sigstore_verify::Verifier::new(&root)
            .map_err(|error| Fault::new(FaultKind::Root, error.to_string()))?;
        Ok(Self { inner })
    }

    /// Who published this file, by all attestations of its provenance.
    ///
    /// An attestation of a kind that PEP 740's index does not know proves nothing and is passed over; one of a
    /// kind that is known must hold. At least one must be left.
    ///
    /// # Errors
    /// The first fault that was found.
    pub fn verify(
        &self,
        provenance: &Provenance,
        file: &str,
        sha256: &Sha256,
    ) -> Result<Vec<Publisher>, Fault> {
        let mut publishers = Vec::new();
        let mut passed_over = None;
        for attestation in provenance.attestations() {
            match self.verify_one(attestation, file, sha256) {
                Ok(publisher) if publishers.contains(&publisher) => {}
                Ok(publisher) => publishers.push(publisher),
                Err(fault) if fault.kind() == FaultKind::Predicate => passed_over = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        match (publishers.is_empty(), passed_over) {
            (false, _) => {
                publishers.sort();
                Ok(publishers)
            }
            (true, Some(fault)) => Err(fault),
            (true, None) => Err(Fault::new(FaultKind::Form, "it holds no attestation")),
        }
    }

    /// Who published this file, by one attestation.
    ///
    /// What the statement says is looked at first, so that a fault is told for what it is; it counts only once the
    /// signature over it, the certificate at the time of signing and the entry in the log have been proven.
    ///
    /// # Errors
    /// The first fault that was found.
    pub fn verify_one(
        &self,
        attestation: &Attestation,
        file: &str,
        sha256: &Sha256,
    ) -> Result<Publisher, Fault> {
        statement::check(attestation.statement(), file, sha256)?;
        let bundle = Bundle::from_json(&attestation.bundle())
            .map_err(|error| Fault::new(FaultKind::Form, error.to_string()))?;
        let digest = Sha256Hash::new(*sha256.as_bytes());
        let result =
            self.inner.verify(digest, &bundle, &VerificationPolicy::any_identity()).map_err(Fault::from)?;
        if !(result.certificate_verified() && result.sct_verified() && result.tlog_verified()) {
            return Err(Fault::new(FaultKind::LogEntry, "the proof is not whole"));
        }
        let certificate = result
            .certificate()
            .ok_or_else(|| Fault::new(FaultKind::Certificate, "it has no signing certificate"))?;
        Publisher::of(certificate)
    }
}
