//! The addresses of a server's name, as the system knows them.
//!
//! Owns: that a name is looked up also where there is no thread for it.

use std::net::ToSocketAddrs as _;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::super::engine::blocking;

/// Asks the system.
pub(super) struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = blocking(move || Ok((name.as_str(), 0).to_socket_addrs())).await??;
            Ok(Box::new(found) as Addrs)
        })
    }
}
