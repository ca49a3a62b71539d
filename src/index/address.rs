//! One small file at an address: a requirements file or a lock that `-r` names.
//!
//! Never: takes one over a connection that anybody on the way could change: it says what is installed.

use url::{Host, Url};

use super::NetworkOptions;
use super::engine::Engine;
use super::http::{Ask, Credentials, Kind, place, status_problem};
use crate::error::{Code, Problem};

/// Reads what stands at `url`: https, or http on this machine itself.
///
/// # Errors
/// `address-refused`, and those of the network.
pub fn read_address(url: &Url, network: &NetworkOptions) -> Result<Vec<u8>, Problem> {
    if url.scheme() != "https" && !is_here(url) {
        return Err(Problem::new(
            Code::AddressRefused,
            "a file that says what is installed is not read over a connection that others can change",
        )
        .at(place(url))
        .expected("https")
        .help("name it by https, or download it, review it, and name the copy"));
    }
    let engine = Engine::new(network.clone(), Credentials::from_netrc())?;
    let whole = engine.wait(engine.http.whole(&Ask::new(url.clone(), Kind::Metadata)))?;
    if whole.status.is_success() { Ok(whole.body) } else { Err(status_problem(whole.status, &whole.url)) }
}

/// Whether an address is on this machine itself, where nobody else can answer.
pub(super) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
