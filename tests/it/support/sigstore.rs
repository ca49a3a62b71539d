//! A Sigstore instance of our own: a certificate authority, a certificate log, a transparency log with one entry at a time,
//! and publishers who sign. Nothing of it is secret, and nobody trusts it who is not told to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipward::digest::Sha256;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType, SigningKey as _,
};
use serde_json::{Value, json};

/// When everything is signed: in the one day for which certificates are valid.
const TIME: u64 = 1_735_740_000;

/// The instance.
pub struct Sigstore {
    authority: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
    authority_key: Vec<u8>,
    certificates: KeyPair,
    log: KeyPair,
}

/// What is signed, and by whom.
pub struct Claim {
    /// `owner/name` on GitHub.
    pub repository: String,
    /// The statement.
    pub statement: Value,
    /// When the log says that it took the entry.
    pub time: u64,
    /// Whether the certificate log signs what the certificate says.
    pub is_logged: bool,
}

impl Claim {
    /// A publish attestation of a file.
    pub fn new(repository: &str, file: &str, bytes: &[u8]) -> Self {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": file, "digest": {"sha256": Sha256::of(bytes).to_string()}}],
            "predicateType": "https://docs.pypi.org/attestations/publish/v1",
            "predicate": null,
        });
        Self { repository: repository.to_owned(), statement, time: TIME, is_logged: true }
    }

    /// The same with another statement.
    pub fn stating(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.statement);
        self
    }
}

impl Sigstore {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let authority_key = key.subject_public_key_info();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        Self {
            authority: Issuer::new(params, key),
            certificate,
            authority_key,
            certificates: KeyPair::generate().unwrap(),
            log: KeyPair::generate().unwrap(),
        }
    }

    /// Its `trusted_root.json`.
    pub fn root(&self) -> String {
        let valid = json!({"start": "2020-01-01T00:00:00Z"});
        let log = |key: &KeyPair| {
            json!({
                "baseUrl": "https://log.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(key.subject_public_key_info()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": valid,
                },
                "logId": {"keyId": STANDARD.encode(id(key))},
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.log)],
            "certificateAuthorities": [{
                "subject": {"organization": "example", "commonName": "authority of a test"},
                "uri": "https://authority.example",
                "certChain": {"certificates": [{"rawBytes": STANDARD.encode(&self.certificate)}]},
                "validFor": valid,
            }],
            "ctlogs": [log(&self.certificates)],
            "timestampAuthorities": [],
        })
        .to_string()
    }

    /// Provenance with one attestation (PEP 740).
    pub fn provenance(&self, claim: &Claim) -> Value {
        json!({
            "version": 1,
            "attestation_bundles": [{
                "publisher": {"kind": "GitHub", "repository": "nobody/believes-this", "workflow": "x.yml"},
                "attestations": [self.attestation(claim)],
            }],
        })
    }

    /// An attestation.
    pub fn attestation(&self, claim: &Claim) -> Value {
        let key = KeyPair::generate().unwrap();
        let certificate = self.issue(&key, claim);
        let statement = claim.statement.to_string();
        let signed = format!("DSSEv1 28 application/vnd.in-toto+json {} {statement}", statement.len());
        let signature = key.sign(signed.as_bytes()).unwrap();
        json!({
            "version": 1,
            "verification_material": {
                "certificate": STANDARD.encode(&certificate),
                "transparency_entries": [self.entry(&certificate, &statement, &signature, claim.time)],
            },
            "envelope": {"statement": STANDARD.encode(&statement), "signature": STANDARD.encode(&signature)},
        })
    }

    /// A certificate with what the certificate log says of it (RFC 6962, section 3).
    fn issue(&self, key: &KeyPair, claim: &Claim) -> Vec<u8> {
        let sign = |more: Option<Vec<u8>>| {
            let mut params = params(&claim.repository);
            let scts = more.map(|content| {
                CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], content)
            });
            params.custom_extensions.extend(scts);
            params.signed_by(key, &self.authority).unwrap().der().to_vec()
        };
        let bare = sign(None);
        let body = first_element(&bare);
        let milliseconds = (TIME * 1000).to_be_bytes();
        let mut entry = vec![0, 0];
        entry.extend(milliseconds);
        entry.extend([0, 1]);
        entry.extend(Sha256::of(&self.authority_key).as_bytes());
        entry.extend(u32::try_from(body.len()).unwrap().to_be_bytes().into_iter().skip(1));
        entry.extend(body);
        entry.extend([0, 0]);
        let signer = if claim.is_logged { &self.certificates } else { &self.log };
        let signature = signer.sign(&entry).unwrap();
        let mut sct = vec![0];
        sct.extend(id(&self.certificates));
        sct.extend(milliseconds);
        sct.extend([0, 0, 4, 3]);
        sct.extend(prefixed(&signature));
        sign(Some(der(4, &prefixed(&prefixed(&sct)))))
    }

    /// An entry of the transparency log, alone in its tree (RFC 6962, section 2.1).
    fn entry(&self, certificate: &[u8], statement: &str, signature: &[u8], time: u64) -> Value {
        let verifier = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(certificate)
        );
        let payload = Sha256::of(statement.as_bytes()).to_string();
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": payload},
                "payloadHash": {"algorithm": "sha256", "value": payload},
                "signatures": [
                    {"signature": STANDARD.encode(signature), "verifier": STANDARD.encode(verifier)},
                ],
            },
        })
        .to_string();
        let root = STANDARD.encode(Sha256::of(&[&[0], body.as_bytes()].concat()).as_bytes());
        let note = format!("log.example\n1\n{root}\n");
        let signed = self.log.sign(note.as_bytes()).unwrap();
        let hint = &id(&self.log)[..4];
        let log_id: String = id(&self.log).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = STANDARD.encode(body);
        let promised = format!(
            "{{\"body\":\"{body}\",\"integratedTime\":{time},\"logID\":\"{log_id}\",\"logIndex\":0}}"
        );
        json!({
            "logIndex": "0",
            "logId": {"keyId": STANDARD.encode(id(&self.log))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": time.to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp": STANDARD.encode(self.log.sign(promised.as_bytes()).unwrap()),
            },
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": root,
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {
                    "envelope": format!(
                        "{note}\n\u{2014} log.example {}\n",
                        STANDARD.encode([hint, &signed].concat())
                    ),
                },
            },
            "canonicalizedBody": body,
        })
    }
}

/// A certificate of a workflow on GitHub (Fulcio's extensions).
fn params(repository: &str) -> CertificateParams {
    let uri = format!("https://github.com/{repository}");
    let workflow = format!("{uri}/.github/workflows/release.yml@refs/tags/v1");
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(workflow.as_str().try_into().unwrap())];
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2025, 1, 2);
    params.serial_number = Some(7.into());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    let said = [
        (8, "https://token.actions.githubusercontent.com"),
        (12, &uri),
        (14, "refs/tags/v1"),
        (18, &workflow),
    ];
    let extension = |(last, text): (u64, &str)| {
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, last], der(12, text.as_bytes()))
    };
    params.custom_extensions = said.map(extension).to_vec();
    params
}

fn id(key: &KeyPair) -> [u8; 32] {
    *Sha256::of(&key.subject_public_key_info()).as_bytes()
}

/// A length of two bytes, and the bytes.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// A DER element.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        short @ 0..128 => vec![short as u8],
        middle @ 128..256 => vec![0x81, middle as u8],
        long => [&[0x82], u16::try_from(long).unwrap().to_be_bytes().as_slice()].concat(),
    };
    [&[tag], length.as_slice(), content].concat()
}

/// The first element in a DER sequence.
fn first_element(sequence: &[u8]) -> &[u8] {
    let header = |bytes: &[u8]| match bytes[1] {
        0x81 => (3, usize::from(bytes[2])),
        0x82 => (4, usize::from(bytes[2]) << 8 | usize::from(bytes[3])),
        short => (2, usize::from(short)),
    };
    let inner = &sequence[header(sequence).0..];
    let (start, length) = header(inner);
    &inner[..start + length]
}
