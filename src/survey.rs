//! What a lock or an environment holds, for whoever looks: who needs what, and from where.
//!
//! Pure. Never: decides what may be installed, reads a file, or asks an index: facts are arguments.

pub mod bill;
pub mod cyclonedx;
pub mod graph;
pub mod notebook;
pub mod outline;
pub mod paths;
pub mod spdx;
pub mod stats;
pub mod usage;
