//! What executable scripts hold: the `#!` line, and the text that calls an entry point.
//!
//! Owns: both, byte for byte as pip writes them for the same interpreter. Never: puts anything from a wheel into a script
//! that the strict parser of entry points has not taken apart.

use std::path::Path;

use crate::error::{Code, Place, Problem};
use crate::wheel::entry_points::Script;

/// The longest `#!` line that every kernel reads, in bytes, with its line break.
const LONGEST: usize = 127;

/// The first line (or lines) of a script that `interpreter` runs. Where the path has a space, or is too long for a
/// `#!` line, a shell starts the interpreter, in words that Python reads as a string.
///
/// # Errors
/// `environment-invalid` for a path that can be written in neither form.
pub(super) fn shebang(interpreter: &Path) -> Result<String, Problem> {
    let refused = || {
        Problem::new(Code::EnvironmentInvalid, "the path of the interpreter cannot be written into scripts")
            .at(Place::file(interpreter))
            .expected("UTF-8, without control characters; without quotes, $, ` and \\ where it is long or has a space")
            .help("choose another directory for the environment")
    };
    let text = interpreter.to_str().ok_or_else(refused)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(refused());
    }
    if !text.contains(' ') && text.len() + "#!\n".len() <= LONGEST {
        return Ok(format!("#!{text}\n"));
    }
    if text.contains(['"', '\'', '$', '`', '\\']) {
        return Err(refused());
    }
    let quote = if text.contains(' ') { "\"" } else { "" };
    Ok(format!("#!/bin/sh\n'''exec' {quote}{text}{quote} \"$0\" \"$@\"\n' '''\n"))
}

/// The script of an entry point, behind its `shebang`.
pub(super) fn entry_point(script: &Script, shebang: &str, python: (u8, u8)) -> Vec<u8> {
    let Script { module, object, .. } = script;
    let imported = object.split('.').next().unwrap_or(object);
    // str.removesuffix came with 3.9; for an older Python the last pip wrote another text.
    let text = if python >= (3, 9) {
        format!(
            "{shebang}import sys\nfrom {module} import {imported}\nif __name__ == '__main__':\n    \
             sys.argv[0] = sys.argv[0].removesuffix('.exe')\n    sys.exit({object}())\n"
        )
    } else {
        format!(
            "{shebang}# -*- coding: utf-8 -*-\nimport re\nimport sys\nfrom {module} import {imported}\nif __name__ == \
             '__main__':\n    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])\n    \
             sys.exit({object}())\n"
        )
    };
    text.into_bytes()
}

/// The scripts to generate: those that entry points name, but for pip's and easy_install's versioned ones, which a wheel
/// names for the Python that built it; they follow the Python that they are installed for.
pub(super) fn to_generate(scripts: &[Script], python: (u8, u8)) -> Vec<Script> {
    let (major, minor) = python;
    let mut wanted: Vec<Script> = scripts.to_vec();
    let families: [(&str, &str, &[String]); 2] = [
        ("pip", "pip", &[format!("pip{major}"), format!("pip{major}.{minor}")]),
        ("easy_install", "easy_install-", &[format!("easy_install-{major}.{minor}")]),
    ];
    for (name, prefix, versioned) in families {
        let Some(script) = scripts.iter().find(|script| script.name == name && !script.gui) else { continue };
        wanted.retain(|other| other.gui || !other.name.strip_prefix(prefix).is_some_and(is_version));
        let named = |name: &String| Script { name: name.clone(), ..script.clone() };
        wanted.extend(versioned.iter().map(named));
    }
    wanted
}

/// `3` or `3.13`. `easy_install-3` is left alone by pip; nobody ever shipped one.
fn is_version(text: &str) -> bool {
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').map_or_else(|| numeric(text), |(major, minor)| numeric(major) && numeric(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(name: &str, object: &str) -> Script {
        Script { name: name.into(), module: "pkg.cli".into(), object: object.into(), gui: false }
    }

    #[test]
    fn only_versions_of_pip_follow_the_python() {
        let named = |names: &[&str]| -> Vec<String> {
            let scripts: Vec<Script> = names.iter().map(|name| script(name, "main")).collect();
            to_generate(&scripts, (3, 13)).into_iter().map(|script| script.name).collect()
        };
        assert_eq!(named(&["pip", "pip3.9"]), ["pip", "pip3", "pip3.13"]);
        assert_eq!(named(&["pip", "pip3.x", "pip.3"]), ["pip", "pip3.x", "pip.3", "pip3", "pip3.13"]);
    }

    #[test]
    fn the_first_line_fits_the_interpreter() {
        let check = |path: &str, expected: &str| assert_eq!(shebang(Path::new(path)).unwrap(), expected);
        check("/env/bin/python", "#!/env/bin/python\n");
        check("/my env/bin/python", "#!/bin/sh\n'''exec' \"/my env/bin/python\" \"$0\" \"$@\"\n' '''\n");
        let fits = format!("/{}", "x".repeat(123));
        check(&fits, &format!("#!{fits}\n"));
        let long = format!("{fits}x");
        check(&long, &format!("#!/bin/sh\n'''exec' {long} \"$0\" \"$@\"\n' '''\n"));
        check("/it's/$HOME/bin/python", "#!/it's/$HOME/bin/python\n");
    }

    #[test]
    fn a_path_that_would_become_code_is_refused() {
        for path in [
            "/a\nimport os/python",
            "/a b/$(id)/python",
            "/a b/`id`/python",
            "/a b'''/python",
            "/a b\\/x",
            "",
        ] {
            assert_eq!(shebang(Path::new(path)).unwrap_err().code(), Code::EnvironmentInvalid, "{path:?}");
        }
    }

    #[test]
    fn an_entry_point_is_called() {
        let text = entry_point(&script("x", "Main.run"), "#!/p\n", (3, 13));
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "#!/p\nimport sys\nfrom pkg.cli import Main\nif __name__ == '__main__':\n    sys.argv[0] = \
             sys.argv[0].removesuffix('.exe')\n    sys.exit(Main.run())\n"
        );
        let old = String::from_utf8(entry_point(&script("x", "run"), "#!/p\n", (3, 8))).unwrap();
        assert!(!old.contains("removesuffix") && old.ends_with("    sys.exit(run())\n"), "{old}");
    }

    #[test]
    fn versioned_scripts_follow_the_python() {
        let check = |names: &[&str], expected: &[&str]| {
            let scripts: Vec<Script> = names.iter().map(|name| script(name, "main")).collect();
            let mut found: Vec<String> =
                to_generate(&scripts, (3, 13)).into_iter().map(|script| script.name).collect();
            found.sort();
            assert_eq!(found, expected);
        };
        check(&["pip", "pip3", "pip3.9", "pipx"], &["pip", "pip3", "pip3.13", "pipx"]);
        check(&["pip3", "pip3.9"], &["pip3", "pip3.9"]);
        check(&["easy_install", "easy_install-3.6"], &["easy_install", "easy_install-3.13"]);
        check(&["black", "blackd"], &["black", "blackd"]);
    }
}
