//! The allocator of the program, and how long it keeps what was given back.
//!
//! Never: touches an allocation.

use std::ffi::c_long;

// A third of the time of a lock with a warm cache went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3 (`enum mi_option_e`), which libmimalloc-sys gives no name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// In milliseconds; mimalloc's own is 1000. A run is short and frees whole wheels on other threads than those that fetched
/// them: an install of 97 wheels took 90 MB with that, and 63 MB with 1, in the same time.
const DELAY: c_long = 1;

/// Gives back soon what is free. `MIMALLOC_PURGE_DELAY` says otherwise.
#[allow(unsafe_code)]
pub(crate) fn give_back_soon() {
    // SAFETY: the function writes one number of mimalloc's table of options, whose place is in bounds, and may be called
    // at any time. Were the place another option's, a number would be wrong and no memory.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, DELAY) };
}

#[cfg(test)]
mod tests {
    /// So that an update of mimalloc which renumbers its options is seen.
    #[test]
    #[allow(unsafe_code)]
    fn the_option_is_the_delay() {
        // SAFETY: as above; it only reads.
        let (before, _) =
            (unsafe { libmimalloc_sys::mi_option_get(super::PURGE_DELAY) }, super::give_back_soon());
        assert!(before == 1000 || before == super::DELAY, "{before}");
    }
}
