//! Start-up files that were read and found harmless, by their SHA-256.
//!
//! Owns: the table. A file that differs in one byte is not in it. Never: takes one in by its name alone.

use crate::digest::Sha256;

/// A start-up file: whose, what it is called, its SHA-256, and what it does.
struct Known {
    /// A project, or the beginning of the names of several, with `*`.
    project: &'static str,
    /// The file name, or how it ends, with `*`.
    file: &'static str,
    sha256: &'static str,
    /// What it does when Python starts, for the reader of this table.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is for the reader"))]
    does: &'static str,
}

const NAMESPACE: &str =
    "makes the package a namespace, as setuptools did before PEP 420; imports nothing else";

const fn known(project: &'static str, file: &'static str, sha256: &'static str, does: &'static str) -> Known {
    Known { project, file, sha256, does }
}

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    known("setuptools", "distutils-precedence.pth", "2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224",
        "imports setuptools' own _distutils_hack, unless SETUPTOOLS_USE_DISTUTILS says otherwise"),
    known("setuptools", "distutils-precedence.pth", "7ea7ffef3fe2a117ee12c68ed6553617f0d7fd2f0590257c25c484959a3b7373",
        "the same, only if SETUPTOOLS_USE_DISTUTILS asks for it"),
    known("coverage", "a1_coverage.pth", "ef2ed06d19867ec669c09a804060666a9cd5e383af0a9d11aa2de79b77d448e8",
        "starts coverage in child processes, if COVERAGE_PROCESS_START or COVERAGE_PROCESS_CONFIG is set"),
    known("coverage", "a1_coverage.pth", "320272733976834259547e559d769d87e2c1c7ead17c90446376800e79f2aeb4",
        "the same, in an earlier release"),
    known("pytest-cov", "pytest-cov.pth", "f47446a60fdf5905e84e7d7c892baf92f8d5a3226d0da1599b9c014eab6c7ddb",
        "starts coverage in child processes, if COV_CORE_SOURCE is set"),
    known("coloredlogs", "coloredlogs.pth", "dda83a855986efa5cd87f0248b0199c0086eb0e8e7fece7d6741959c5ce39536",
        "calls coloredlogs.auto_install, if COLOREDLOGS_AUTO_INSTALL is set"),
    known("matplotlib", "*-nspkg.pth", "af80ee4584a67e12c46d49cb14269fba7e5d2b62e9be639ef13acc1d10ac977c", NAMESPACE),
    known("modin", "modin-autoimport-pandas.pth", "8f99909a1136a2902bfa05c4a61e55ada48b24e3a902b5cc23239c3604513ede",
        "imports pandas, if __MODIN_AUTOIMPORT_PANDAS__ is set"),
    known("pastedeploy", "*-nspkg.pth", "0fcd9886bc8bfc1024f79238dbe8ed22bc35b95e436e5fad5bbb1dc10f7985b3", NAMESPACE),
    known("protobuf", "*-nspkg.pth", "c47e604f1738522a583f7aab6cffb80821cd18157dede051e10aa185e0af065e", NAMESPACE),
    known("google-*", "*-nspkg.pth", "c47e604f1738522a583f7aab6cffb80821cd18157dede051e10aa185e0af065e", NAMESPACE),
    known("google-*", "*-nspkg.pth", "6f40f9759937454ccae78b59f62643bcb9bbbbc96d73913362b1829a1b2ea0dc", NAMESPACE),
    known("google-*", "*-nspkg.pth", "0bded1b6ecfa60ab0904e857e7061834fb4662d935dfa0d565f916dcf1482f22", NAMESPACE),
    known("googleapis-common-protos", "*-nspkg.pth", "4e0e2ba637b0171ece4364f416026bd37ab5a630eebf4b37fcab7b3a6e8d4536", NAMESPACE),
    known("ruamel-yaml*", "*-nspkg.pth", "444376de46bbeaa015b62bae3fe592ac7003e257a2714b0507f0150837d17bc5", NAMESPACE),
    known("snowflake-*", "*-nspkg.pth", "10b9493201fbdc2bcfcaef1654f6b46ea7269d3eb8d3149a159c26ec1c37fa8d", NAMESPACE),
    known("sphinxcontrib-*", "*-nspkg.pth", "6ef09bbd30e129409336dac26eee8755ef13b180b81b8fa14645de1dd109eade", NAMESPACE),
    known("zc-*", "*-nspkg.pth", "8bb837dd1750cc9df72d96077d0fd899084b39c85c5869c19e26f6cf14090a26", NAMESPACE),
    known("zope-*", "*-nspkg.pth", "4961151fe8c45ac298acbd2aa02e86049692b71fe22b11a8018f4f432705542e", NAMESPACE),
    known("google-*", "*-nspkg.pth", "492187369ed89466a43eca61c645a6d1f2a0de9ceb7d0611438d993ed88f17ee", NAMESPACE),
    known("paste*", "*-nspkg.pth", "236d2e067e624c4183e744d0872255403e05ac6588d5b1a0acc9ca3e2e08b3a9", NAMESPACE),
    known("ruamel-yaml*", "*-nspkg.pth", "5d47557035329cc310d5dc7fcd8787db9137c775dde05ecdb9f9a78dc43e69bb", NAMESPACE),
    known("sphinxcontrib-*", "*-nspkg.pth", "a328acccc2310e241f406ef5fd39a60ce5ffdd678a9454be561d28af01a81e54", NAMESPACE),
    known("zc-*", "*-nspkg.pth", "bee4f957816ca3dc8f3aeee07f9347a8454027a890ad80c4bb40ca8aa6196933", NAMESPACE),
    known("zope-*", "*-nspkg.pth", "fe5e8464969e7c28b5cb2b660db150197fe37d2da002d1726839a52b5b852de7", NAMESPACE),
    known("matplotlib", "*-nspkg.pth", "1603bfdee834ef511710a4fc9a038f054872aecc0fb4f0988cea540b26aeed45", NAMESPACE),
    known("snowflake-*", "*-nspkg.pth", "f0cb34144fbfffda273d5fdfd71edb753b7d2acfa268536e51c4d6ba005f8ca0", NAMESPACE),
    known("protobuf", "*-nspkg.pth", "492187369ed89466a43eca61c645a6d1f2a0de9ceb7d0611438d993ed88f17ee", NAMESPACE),
];

/// Modules that `.pth` files which are everywhere import at each start, and the project that alone may bring them. The files
/// may be those of another Python: one that an environment sees as well, or from which a user's directory is read first.
const IMPORTED: &[(&str, Option<&str>)] = &[("_distutils_hack", Some("setuptools")), ("_virtualenv", None)];
/// The namespaces that the files of this table make. They look for the package as Python does, and that loads machine code.
const NAMESPACES: &[&str] =
    &["google", "mpl_toolkits", "paste", "ruamel", "snowflake", "sphinxcontrib", "zc", "zope"];

/// Why Python would load a file among the modules at each start, in an environment in which a file like those of the table
/// stands, if it would. `parts` is its path in small letters.
pub(super) fn touched(project: &str, parts: &[&str]) -> Option<&'static str> {
    fn stem(part: &str) -> &str {
        part.split('.').next().unwrap_or_default()
    }
    let (first, last) = (stem(parts.first()?), *parts.last()?);
    let owner = IMPORTED.iter().find(|(module, _)| *module == first);
    if owner.is_some_and(|(_, owner)| *owner != Some(project)) {
        return Some("tools that are in many environments have Python import this module at each start");
    }
    let is_native = [".so", ".pyd", ".dll"].iter().any(|end| last.ends_with(end));
    // The namespace itself, and one in it: `google.cloud`, and what `google-cloud-*` may have made of that.
    let most =
        if first == "google" && parts.get(1).is_some_and(|part| stem(part) == "cloud") { 3 } else { 2 };
    let is_package = parts.len() <= most || stem(last) == "__init__";
    (is_native && is_package && NAMESPACES.contains(&first))
        .then_some("a namespace in machine code, which packages that share it load at each start")
}

/// Whether a file of this content is in the table, whoever's.
pub(super) fn has_content(sha256: Sha256) -> bool {
    let sha256 = sha256.to_string();
    KNOWN.iter().any(|known| sha256 == known.sha256)
}

/// Whether a project's file of this name and content is in the table.
pub(super) fn is_known(project: &str, file: &str, sha256: Sha256) -> bool {
    let sha256 = sha256.to_string();
    KNOWN.iter().any(|known| {
        let project = match known.project.strip_suffix('*') {
            Some(start) => project.starts_with(start),
            None => project == known.project,
        };
        let file = match known.file.strip_prefix('*') {
            Some(end) => file.ends_with(end),
            None => file == known.file,
        };
        project && file && sha256 == known.sha256
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digest_is_one_and_each_file_is_told() {
        for known in KNOWN {
            let is_hex = known.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            assert!(is_hex && known.sha256.len() == 64, "{} {}", known.project, known.sha256);
            assert!(known.does.len() > 20);
        }
    }

    #[test]
    fn what_known_files_load_is_not_for_others() {
        let check = |project: &str, path: &str, fine: bool| {
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(touched(project, &parts).is_none(), fine, "{project} {path}");
        };
        check("setuptools", "_distutils_hack/__init__.py", true);
        check("hack", "_distutils_hack/__init__.py", false);
        check("hack", "_distutils_hack.py", false);
        check("hack", "_distutils_hack.abi3.so", false);
        check("virtualenv", "_virtualenv.py", false);
        check("hack", "_distutils_hacks.py", true);
        check("google-evil", "google/__init__.abi3.so", false);
        check("google-evil", "google/cloud/__init__.cpython-312-x86_64-linux-gnu.so", false);
        check("harmless", "zope.abi3.so", false);
        check("harmless", "google/cloud.abi3.so", false);
        check("harmless", "google/cloud.cpython-312-x86_64-linux-gnu.so", false);
        check("harmless", "google/logging.so", false);
        check("harmless", "google/cloud/storage.so", false);
        check("harmless", "zope/interface.so", false);
        check("harmless", "google/cloud.py", true);
        check("protobuf", "google/_upb/_message.abi3.so", true);
        check("google-crc32c", "google/cloud/__init__.py", true);
        check("zope-interface", "zope/interface/_zope_interface_coptimizations.so", true);
    }

    #[test]
    fn content_counts_and_so_do_names() {
        let setuptools = b"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim(); \n";
        let digest = Sha256::of(setuptools);
        assert!(is_known("setuptools", "distutils-precedence.pth", digest));
        assert!(!is_known("setuptools", "other.pth", digest));
        assert!(!is_known("setuptool", "distutils-precedence.pth", digest));
        assert!(!is_known("setuptools", "distutils-precedence.pth", Sha256::of(b"import os")));
    }
}
