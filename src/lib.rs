//! pipward: a drop-in for `pip install` that refuses what is not pinned and hashed in a lock,
//! and the locker that writes that lock.

pub mod cache;
pub mod digest;
mod document;
pub mod error;
pub mod fetch;
pub mod index;
pub mod install;
pub mod lock;
pub mod pep508;
pub mod python;
pub mod requirements;
pub mod verify;
pub mod wheel;
