//! pipward: a drop-in for `pip install` that refuses what is not pinned and hashed in a lock,
//! and the locker that writes that lock.
//!
//! The modules in reading order, which is the way of a datum through the house:
//!
//! ```text
//! "idna>=3" -> Requirement -> Request <-> Facts -> Resolution -> Lock -> pylock.toml
//! pylock.toml -> Lock -> Selection -> LockedFile -> Unverified -> VerifiedWheel -> Wheel
//!             -> InstallPlan -> Staged -> Installed
//! ```
//!
//! Each arrow consumes what stands left of it, so that no step can be skipped. Locking and
//! installing meet only in the file. ARCHITECTURE.md names the invariants.

pub mod error;

pub mod digest;

mod memory;
pub use memory::Allocator;

mod room;

mod threads;

mod beside;

mod document;

pub mod imports;

pub mod pep508;

pub mod requirements;

pub mod lock;

pub mod index;

pub mod fetch;

pub mod cache;

pub mod verify;

pub mod wheel;

pub mod python;

pub mod install;

pub mod inspect;

pub mod audit;

pub mod advisory;

pub mod survey;

pub mod attest;

pub mod signature;

pub mod policy;

pub mod config;

pub mod way;

pub mod lab;

pub mod lessons;

pub mod cli;
