//! Which roots a server's certificate may lead to.
//!
//! Never: offers a way to skip the check.

use std::path::Path;

use rustls::InconsistentKeys;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::error::{Code, Place, Problem};

/// The largest file of root certificates that is read: 16 MiB.
const CERT_CAP: u64 = 16 << 20;

/// TLS with the system's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured), the bundled ones
/// where the system has none (a minimal image), and those of `cert`, a file or a folder of them, besides. `client_cert` is
/// a file with a certificate of our own, its chain and its key.
///
/// # Errors
/// `tls-failed` where `cert` cannot be read or has no certificate, or `client_cert` lacks certificate or key.
pub(super) fn config(
    cert: Option<&Path>,
    client_cert: Option<&Path>,
) -> Result<rustls::ClientConfig, Problem> {
    let mut roots = rustls::RootCertStore::empty();
    // A few unreadable certificates among the system's are usual and not our concern.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if let Some(path) = cert {
        let (added, _) = roots.add_parsable_certificates(read(path)?);
        if added == 0 {
            return Err(unusable(path, "it holds no certificate in PEM form"));
        }
    }
    let builder = trusting(roots)?;
    let mut config = match client_cert {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let text = text(path)?;
            let chain = certificates(path, &text)?;
            let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&text)
                .map_err(|_| unusable(path, "it holds no key in PEM form beside the certificate"))?;
            let signer = builder.crypto_provider().key_provider.load_private_key(key);
            let signer = signer.map_err(|error| unusable(path, &error.to_string()))?;
            let certified = CertifiedKey::new(chain, signer);
            // What else there is to say of the certificate, such as that it is of X.509 version 1, the server judges.
            if let Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) =
                certified.keys_match()
            {
                return Err(unusable(path, "its certificate and its key do not belong together"));
            }
            builder.with_client_cert_resolver(std::sync::Arc::new(SingleCertAndKey::from(certified)))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// TLS that trusts nobody, for a client that does not speak it.
///
/// # Errors
/// `internal`.
pub(super) fn without_roots() -> Result<rustls::ClientConfig, Problem> {
    Ok(trusting(rustls::RootCertStore::empty())?.with_no_client_auth())
}

fn trusting(
    roots: rustls::RootCertStore,
) -> Result<rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert>, Problem> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::new(Code::Internal, "TLS could not be set up").cause(error))?;
    Ok(builder.with_root_certificates(roots))
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    if path.is_dir() {
        return Ok(rustls_native_certs::load_certs_from_paths(None, Some(path)).certs);
    }
    certificates(path, &text(path)?)
}

fn text(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(open(path)?, CERT_CAP), &mut text)
        .map_err(|error| unusable(path, &error.to_string()))?;
    Ok(text)
}

fn certificates(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Problem> {
    CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|_| unusable(path, "it is not well-formed PEM"))
}

/// What is said of a file that is none.
pub(crate) const CERTIFICATES: &str = "a file of certificates cannot be used";

/// That a file of certificates is there, whether or not this run comes to read it.
///
/// # Errors
/// `tls-failed`.
pub(crate) fn look_for(path: &Path) -> Result<(), Problem> {
    if path.is_dir() { Ok(()) } else { open(path).map(drop) }
}

fn open(path: &Path) -> Result<impl std::io::Read, Problem> {
    crate::cache::open_regular(path, true).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, why: &str) -> Problem {
    Problem::new(Code::TlsFailed, CERTIFICATES)
        .at(Place::file(path))
        .cause(why)
        .help("name a file of certificates in PEM form with --cert, and one with a certificate and its key with --client-cert")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_always_roots_and_http_2() {
        let config = config(None, None).unwrap();
        assert_eq!(config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("empty", ""), ("words", "hello"), ("cut", "-----BEGIN CERTIFICATE-----\nAAAA")]
        {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            let problem = config(Some(&path), None).map(|_| ()).unwrap_err();
            assert_eq!(problem.code(), Code::TlsFailed, "{name}");
        }
        let missing = config(Some(&directory.path().join("none")), None).map(|_| ()).unwrap_err();
        assert_eq!(missing.code(), Code::TlsFailed);
    }

    /// Made by `openssl x509 -req` without extensions, as private authorities do; its key is for this test alone.
    const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBHzCBxQIUS5ebH/1NTBlnqme20EuYLZy/Y2IwCgYIKoZIzj0EAwIwETEPMA0G\n\
A1UEAwwGY2xpZW50MCAXDTI2MTEyNzAxNTIzMFoYDzIxMjYxMTAzMDE1MjMwWjAR\n\
MQ8wDQYDVQQDDAZjbGllbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARS5AmY\n\
SyxAzWHIu1dR5xyCorJjf5cTX7/cOmJj1YmmVg2l+xAwhTEAjSLXkFFU5uzs3nL8\n\
rwMcywQcgXnhjcJPMAoGCCqGSM49BAMCA0kAMEYCIQCWMvRUP8HCbHzF8Wyw8h2d\n\
DQovPf3KAf9wgits7Hv0IAIhAMiMLkmKmpp/FhvEAoz3XSqbinayRjKpDWjQhoQo\n\
txZ8\n\
-----END CERTIFICATE-----\n";
    const KEY: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSiyeojH3cokzYpf2\n\
liuSReku/mDy8jonf44XSYFmkuahRANCAARS5AmYSyxAzWHIu1dR5xyCorJjf5cT\n\
X7/cOmJj1YmmVg2l+xAwhTEAjSLXkFFU5uzs3nL8rwMcywQcgXnhjcJP\n\
-----END PRIVATE KEY-----\n";

    #[test]
    fn a_certificate_of_a_client_is_the_servers_to_judge_and_has_its_own_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("client.pem");
        for text in [format!("{VERSION_1}{KEY}"), format!("{KEY}{VERSION_1}")] {
            std::fs::write(&path, text).unwrap();
            assert!(config(None, Some(&path)).unwrap().client_auth_cert_resolver.has_certs());
        }
        std::fs::write(&path, VERSION_1).unwrap();
        assert_eq!(config(None, Some(&path)).map(|_| ()).unwrap_err().code(), Code::TlsFailed);
    }
}
