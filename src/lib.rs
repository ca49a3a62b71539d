//! pipward: a drop-in for `pip install` that refuses what is not pinned and hashed in a lock,
//! and the locker that writes that lock.

pub mod cache;
pub mod digest;
pub mod error;
pub mod fetch;
pub mod index;
pub mod install;
pub mod lock;
pub mod python;
pub mod requirement;
pub mod requirements;
pub mod verify;
pub mod wheel;
