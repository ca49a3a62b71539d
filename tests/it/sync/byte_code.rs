//! Byte-code is a cache: what nothing vouches for is counted by `verify`, and goes with `--rehash` and `repair --byte-code`.

use std::path::PathBuf;

use super::{fresh, sync, verify};
use crate::commands::Place;
use crate::support::run::{Output, Run, pipward};
use crate::support::tree::{Tree, assert_same, tree};

/// Where Python keeps a module.
fn cached(place: &Place, module: &str) -> PathBuf {
    let tag = format!("cpython-{}", place.python.version.replace('.', ""));
    let (package, name) = module.split_once('.').unwrap();
    place.library().join(format!("{package}/__pycache__/{name}.{tag}.pyc"))
}

/// Byte-code by Python's own rules for a source that is another one: it is taken while time and size are those of the file.
fn plant(place: &Place, module: &str) {
    let script = "import sys, marshal, importlib.util, os\n\
                  source, target = sys.argv[1:]\n\
                  found = os.stat(source)\n\
                  code = compile('x = \"planted\"', source, 'exec')\n\
                  os.makedirs(os.path.dirname(target), exist_ok=True)\n\
                  head = importlib.util.MAGIC_NUMBER + bytes(4)\n\
                  for number in (int(found.st_mtime), found.st_size):\n\
                  \x20   head += (number & 0xffffffff).to_bytes(4, 'little')\n\
                  open(target, 'wb').write(head + marshal.dumps(code))\n";
    let source = place.library().join(format!("{}.py", module.replace('.', "/")));
    Run::new(&place.python.executable)
        .args(["-I", "-c", script])
        .arg(source)
        .arg(cached(place, module))
        .run()
        .ok();
}

/// What a module of the environment has in `x`.
fn imported(place: &Place, module: &str) -> String {
    let script = format!("import {module}; print({module}.x)");
    Run::new(place.environment().join("bin/python")).args(["-c", &script]).run().ok().stdout.trim().to_owned()
}

fn without_byte_code(tree: &Tree) -> Tree {
    tree.iter()
        .filter(|(path, _)| !path.contains("__pycache__"))
        .map(|(path, node)| (path.clone(), node.clone()))
        .collect()
}

#[test]
fn planted_byte_code_is_counted_and_goes() {
    type Remedy = fn(&Place) -> Output;
    let remedies: [Remedy; 3] = [
        |place| sync(place, &["--rehash"]),
        |place| {
            let words = ["install", "--rehash", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];
            place.ours(&words).env("PIPWARD_CACHE_DIR", place.path("cache")).run()
        },
        |place| pipward(["repair", "--byte-code"]).arg(place.environment()).run(),
    ];
    for remedy in remedies {
        let (place, wanted) = fresh();
        plant(&place, "alpha.mod");
        assert_eq!(imported(&place, "alpha.mod"), "planted");
        for options in [&[][..], &["-r", "lock.txt"]] {
            // Its package was imported too.
            verify(&place, options).ok().stdout_has("2 files are byte-code that nothing vouches for");
        }
        let before = tree(&place.environment());
        sync(&place, &[]).ok().stdout_has("Nothing to do");
        sync(&place, &["--rehash", "--dry-run"]).ok().stdout_has("Would remove 2 files of byte-code");
        assert_same(&before, &tree(&place.environment()));
        remedy(&place).ok().stdout_has("Removed 2 files of byte-code");
        assert_same(&wanted, &tree(&place.environment()));
        assert_eq!(imported(&place, "alpha.mod"), "1");
    }
}

/// Python follows links, so they go; what they lead to is somebody else's.
#[test]
fn byte_code_behind_a_link_goes() {
    let (place, wanted) = fresh();
    plant(&place, "alpha.mod");
    let (file, cache) = (cached(&place, "alpha.mod"), place.library().join("alpha/__pycache__"));
    let aside = place.path("aside");
    std::fs::rename(&cache, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &cache).unwrap();
    assert_eq!(imported(&place, "alpha.mod"), "planted");
    verify(&place, &[]).code(1).stderr_has("no RECORD lists this file");
    sync(&place, &["--rehash"]).ok().stdout_has("Removed 1 file of byte-code");
    assert_same(&wanted, &tree(&place.environment()));
    std::fs::create_dir(&cache).unwrap();
    std::os::unix::fs::symlink(aside.join(file.file_name().unwrap()), &file).unwrap();
    assert_eq!(imported(&place, "alpha.mod"), "planted");
    sync(&place, &["--rehash"]).ok().stdout_has("Removed");
    assert_same(&wanted, &tree(&place.environment()));
    assert!(aside.join(file.file_name().unwrap()).exists());
}

/// What was compiled at its installation is made again, byte for byte.
#[test]
fn byte_code_of_an_installation_is_made_again() {
    let (place, _) = fresh();
    sync(&place, &["--compile", "--rehash"]).ok().stdout_has("Successfully installed alpha-1 beta-1");
    let wanted = tree(&place.environment());
    let file = cached(&place, "alpha.mod");
    assert!(file.exists());
    for options in [&[][..], &["-r", "lock.txt"]] {
        let told = verify(&place, options).ok();
        assert!(!told.stdout.contains("byte-code"), "{}", told.told());
    }
    sync(&place, &["--rehash"]).ok().stdout_has("Nothing to do");
    // Changed, gone, and changed along with RECORD.
    let record = place.library().join("alpha-1.dist-info/RECORD");
    let text = std::fs::read_to_string(&record).unwrap();
    for case in ["changed", "gone", "listed"] {
        match case {
            "gone" => std::fs::remove_file(&file).unwrap(),
            _ => plant(&place, "alpha.mod"),
        }
        if case == "listed" {
            let digest = pipward::digest::Sha256::of(&std::fs::read(&file).unwrap());
            let digest = pipward::wheel::record::encode(&pipward::digest::StrongDigest::Sha256(digest));
            let size = std::fs::metadata(&file).unwrap().len();
            let lines = text.lines().map(|line| {
                let is_its = line.contains("__pycache__/mod.");
                let path = line.split(',').next().unwrap();
                if is_its { format!("{path},sha256={digest},{size}\n") } else { format!("{line}\n") }
            });
            std::fs::write(&record, lines.collect::<String>()).unwrap();
            verify(&place, &[]).ok();
            verify(&place, &["-r", "lock.txt"])
                .ok()
                .stdout_has("1 file is byte-code that nothing vouches for");
        }
        sync(&place, &["--rehash"]).ok().stdout_has("Successfully installed alpha-1");
        assert_same(&wanted, &tree(&place.environment()));
    }
    pipward(["repair", "--byte-code"]).arg(place.environment()).run().ok().stdout_has("Nothing to repair");
    assert_same(&wanted, &tree(&place.environment()));
}

/// What another tool compiled has no hashes: it goes, and `verify` does not miss it.
#[test]
fn byte_code_of_another_tool_may_go() {
    let (place, _) = fresh();
    let record = place.library().join("alpha-1.dist-info/RECORD");
    let file = cached(&place, "alpha.mod");
    plant(&place, "alpha.mod");
    let row = file.strip_prefix(place.library()).unwrap().display().to_string();
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, format!("{text}{row},,\n")).unwrap();
    verify(&place, &["-r", "lock.txt"]).ok().stdout_has("1 file is byte-code");
    pipward(["repair", "--byte-code", "--venv"])
        .arg(place.environment())
        .run()
        .ok()
        .stdout_has("Removed 1 file of byte-code");
    assert!(!file.exists());
    verify(&place, &["-r", "lock.txt"]).ok();
    // A sync leaves RECORD as a fresh one.
    sync(&place, &["--rehash"]).ok().stdout_has("Successfully installed alpha-1");
    assert_eq!(std::fs::read_to_string(&record).unwrap(), text);
}

/// A row for one module does not make a compiled installation.
#[test]
fn a_row_with_a_hash_that_was_added_goes() {
    let (place, wanted) = fresh();
    let record = place.library().join("alpha-1.dist-info/RECORD");
    plant(&place, "alpha.mod");
    let file = cached(&place, "alpha.mod");
    let bytes = std::fs::read(&file).unwrap();
    let digest = pipward::digest::StrongDigest::Sha256(pipward::digest::Sha256::of(&bytes));
    let row = file.strip_prefix(place.library()).unwrap().display().to_string();
    let text = std::fs::read_to_string(&record).unwrap();
    let row = format!("{row},sha256={},{}\n", pipward::wheel::record::encode(&digest), bytes.len());
    std::fs::write(&record, format!("{text}{row}")).unwrap();
    sync(&place, &["--rehash"]).ok().stdout_has("Successfully installed alpha-1");
    assert_same(&wanted, &tree(&place.environment()));
    sync(&place, &["--rehash"]).ok().stdout_has("Nothing to do");
}

/// Byte-code that Python runs without a look at its source, or without a source, is a finding.
#[test]
fn byte_code_that_hides_its_source_is_found() {
    let (place, wanted) = fresh();
    plant(&place, "alpha.mod");
    let file = cached(&place, "alpha.mod");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4] = 1;
    std::fs::write(&file, &bytes).unwrap();
    verify(&place, &[]).code(1).stderr_has("without a look at its source");
    let record = place.library().join("alpha-1.dist-info/RECORD");
    let text = std::fs::read_to_string(&record).unwrap();
    let row = file.strip_prefix(place.library()).unwrap().display().to_string();
    std::fs::write(&record, format!("{text}{row},,\n")).unwrap();
    verify(&place, &[]).code(1).stderr_has("without a look at its source");
    std::fs::write(&record, &text).unwrap();
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    // A package stands before the module of its name.
    let package = place.library().join("alpha/mod");
    std::fs::create_dir(&package).unwrap();
    std::fs::write(package.join("__init__.pyc"), bytes).unwrap();
    verify(&place, &[]).code(1).stderr_has("no RECORD lists this file").stderr_has("__init__.pyc");
    sync(&place, &["--remove-unlisted"]).ok();
    assert_same(&without_byte_code(&wanted), &tree(&place.environment()));
}
