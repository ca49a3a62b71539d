//! Shared libraries that an interpreter loads from its own prefix, before any code of Python runs.
//!
//! Many interpreters look beside themselves first (`$ORIGIN/../lib`: conda's, standalone builds, copies of them), so a library
//! among the data of a wheel would be loaded in place of the system's.
//! Pure. Never: takes in what wheels honestly bring there: compilers' and vendors' run-time libraries.

/// What libc, the loader, CPython and the modules of its standard library need, without the version.
#[rustfmt::skip]
const LOADED: &[&str] = &[
    // glibc, musl and the compilers' own
    "ld", "libc", "libm", "libmvec", "libdl", "libpthread", "librt", "libutil", "libresolv", "libcrypt", "libnsl", "libanl",
    "libtirpc", "libthread_db", "libselinux", "libxcrypt", "libgcc_s", "libstdc++", "libc++", "libc++abi", "libunwind", "libatomic",
    // the standard library's
    "libz", "libbz2", "liblzma", "libzstd", "libssl", "libcrypto", "libffi", "libsqlite3", "libexpat", "libmpdec", "libuuid",
    "libncurses", "libncursesw", "libtinfo", "libtinfow", "libpanel", "libpanelw", "libform", "libformw", "libmenu",
    "libmenuw", "libreadline", "libhistory", "libedit", "libgdbm", "libgdbm_compat", "libndbm", "libdb", "libbsd", "libmd", "libintl",
    "libiconv", "libb2", "libx11", "libxau", "libxcb", "libxdmcp",
];
/// How names of such libraries begin.
const BEGINNINGS: &[&str] = &["libpython", "libpypy", "libnss_", "libtcl", "libtk"];
/// Folders in `lib` in which a loader looks before `lib` itself, or from which OpenSSL takes its modules.
const FOLDERS: &[&str] = &["glibc-hwcaps", "tls", "ossl-modules", "engines"];
/// Folders of processors, in which an older loader (glibc before 2.37) looks before `lib`.
const PROCESSORS: &[&str] =
    &["aarch64", "avx512_1", "haswell", "i586", "i686", "power9", "x86_64", "xeon_phi"];

/// Whether `relative` (to the prefix, in small letters, with `/`) is a library that an interpreter may load, or configures one.
pub(super) fn is_loaded(relative: &str) -> bool {
    let parts: Vec<&str> = relative.split('/').collect();
    match parts.as_slice() {
        ["ssl", _, ..] | ["etc", "ssl", _, ..] => true,
        ["lib" | "lib32" | "lib64", folder, _, ..]
            if FOLDERS.contains(folder) || folder.starts_with("engines-") =>
        {
            true
        }
        ["lib" | "lib32" | "lib64", folders @ .., name] => {
            folders.iter().all(|folder| PROCESSORS.contains(folder)) && is_library(name)
        }
        _ => false,
    }
}

fn is_library(name: &str) -> bool {
    let is_shared = [".so", ".dylib", ".dll"].iter().any(|end| match name.split_once(end) {
        Some((start, rest)) => !start.is_empty() && (rest.is_empty() || rest.starts_with('.')),
        None => false,
    });
    let stem = name.split(['.', '-']).next().unwrap_or_default();
    is_shared && (LOADED.contains(&stem) || BEGINNINGS.iter().any(|start| name.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interpreter_loads_is_known_and_what_wheels_bring_is_not() {
        for path in [
            "lib/libm.so.6",
            "lib/libc.so.6",
            "lib/libc.musl-x86_64.so.1",
            "lib/ld-linux-x86-64.so.2",
            "lib/libz.so.1",
            "lib/libssl.so.3",
            "lib/libcrypto.1.1.dylib",
            "lib/libsqlite3.0.dylib",
            "lib/libncursesw.so.6",
            "lib/libtcl8.6.so",
            "lib/libdb-5.3.so",
            "lib/libpython3.12.so.1.0",
            "lib/libstdc++.so.6",
            "lib/haswell/libm.so.6",
            "lib/haswell/x86_64/libm.so.6",
            "lib/engines/x.so",
            "etc/ssl/openssl.cnf",
            "lib/glibc-hwcaps/x86-64-v2/libanything.so",
            "lib/ossl-modules/legacy.so",
            "lib/engines-3/afalg.so",
            "lib64/libz.so",
            "ssl/openssl.cnf",
        ] {
            assert!(is_loaded(path), "{path}");
        }
        for path in [
            "lib/libmkl_core.so.2",
            "lib/libtbb.so.12",
            "lib/libiomp5.so",
            "lib/libmpi.so.12",
            "lib/libsvml.so",
            "lib/libimf.so",
            "lib/libopencl.so.1",
            "lib/libsycl.so",
            "lib/libz",
            "lib/libz.a",
            "lib/fine/libz.so.1",
            "lib/libzmq.so.5",
            "lib/libmagic.so.1",
            "lib/libcurl.so.4",
            "lib/pkgconfig/zlib.pc",
            "lib/r/library/x/libz.so",
            "share/libz.so.1",
            "libz.so.1",
            "ssl",
            "lib/tls",
        ] {
            assert!(!is_loaded(path), "{path}");
        }
    }
}
