//! The JSON in which an index gives provenance (PEP 740, "Provenance objects" and "Attestation objects").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::fault::{Fault, FaultKind};

/// More attestations of one file than anybody makes.
const MOST: usize = 32;

/// The largest provenance that is read, in bytes. That of the public index has about ten thousand.
pub(crate) const LARGEST: u64 = 1 << 20;

/// The provenance of one file.
#[derive(Debug, Clone)]
pub struct Provenance {
    attestations: Vec<Attestation>,
}

/// One attestation: a signed statement, and what proves the signature.
#[derive(Debug, Clone)]
pub struct Attestation {
    statement: Vec<u8>,
    envelope: Envelope,
    material: Material,
}

#[derive(Deserialize)]
struct WireProvenance {
    version: u64,
    attestation_bundles: Vec<WireBundle>,
}

#[derive(Deserialize)]
struct WireBundle {
    attestations: Vec<WireAttestation>,
}

#[derive(Deserialize)]
struct WireAttestation {
    version: u64,
    verification_material: Material,
    envelope: Envelope,
}

#[derive(Debug, Clone, Deserialize)]
struct Material {
    certificate: String,
    transparency_entries: Vec<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Envelope {
    statement: String,
    signature: String,
}

impl Provenance {
    /// Reads a provenance object.
    ///
    /// # Errors
    /// [`FaultKind::Form`].
    pub fn parse(body: &[u8]) -> Result<Self, Fault> {
        let wire: WireProvenance = read(body)?;
        known_version(wire.version)?;
        let attestations = wire.attestation_bundles.into_iter().flat_map(|bundle| bundle.attestations);
        let attestations: Vec<_> = attestations.take(MOST + 1).collect();
        if attestations.len() > MOST {
            return Err(form(format!("it holds more than {MOST} attestations")));
        }
        let attestations = attestations.into_iter().map(Attestation::of).collect::<Result<_, _>>()?;
        Ok(Self { attestations })
    }

    /// The attestations, in the order of the file.
    pub fn attestations(&self) -> &[Attestation] {
        &self.attestations
    }
}

impl Attestation {
    /// Reads one attestation object.
    ///
    /// # Errors
    /// [`FaultKind::Form`].
    pub fn parse(body: &[u8]) -> Result<Self, Fault> {
        read(body).and_then(Self::of)
    }

    fn of(wire: WireAttestation) -> Result<Self, Fault> {
        known_version(wire.version)?;
        // PEP 740: "a non-empty array"; each entry is looked at, and one is what there ever is.
        if wire.verification_material.transparency_entries.len() != 1 {
            return Err(Fault::new(
                FaultKind::LogEntry,
                format!(
                    "{} entries where one is expected",
                    wire.verification_material.transparency_entries.len()
                ),
            ));
        }
        let statement = STANDARD
            .decode(&wire.envelope.statement)
            .map_err(|_| form("its statement is not base64".to_owned()))?;
        Ok(Self { statement, envelope: wire.envelope, material: wire.verification_material })
    }

    /// The statement, as it was signed.
    pub(super) fn statement(&self) -> &[u8] {
        &self.statement
    }

    /// The same in Sigstore's own form (bundle 0.3): PEP 740 says how its fields map.
    pub(super) fn bundle(&self) -> String {
        serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": self.material.certificate },
                "tlogEntries": self.material.transparency_entries,
            },
            "dsseEnvelope": {
                "payload": self.envelope.statement,
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{ "sig": self.envelope.signature }],
            },
        })
        .to_string()
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| form(error.to_string()))
}

fn known_version(version: u64) -> Result<(), Fault> {
    if version == 1 { Ok(()) } else { Err(form(format!("its version is {version}, and 1 is known"))) }
}

fn form(seen: String) -> Fault {
    Fault::new(FaultKind::Form, seen)
}
