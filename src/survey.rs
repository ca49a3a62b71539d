//! What a lock or an environment holds, for whoever looks: who needs what, under which licence, and from where.
//!
//! Pure. Never: decides what may be installed, reads a file, or asks an index: facts are arguments.

pub mod about;
pub mod bill;
pub mod cyclonedx;
pub mod graph;
pub mod licenses;
pub mod outline;
pub mod paths;
pub mod spdx;
