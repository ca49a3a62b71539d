//! What files tell of a wheel.

use super::*;

#[test]
fn imports_are_found_in_any_form() {
    let source = "import os, socket as s\nfrom urllib import request\nfrom .http import client\n\
                  try: import subprocess\nx = __import__('ctypes')  # import requests\n\
                  y = importlib.import_module(\"http.client\")\nos.system ( 'x')\nos.popen('ls'); import pty\n\
                  from multiprocessing import (\n    Pool,\n)\n";
    let mut found = Capabilities::default();
    found.scan(source.as_bytes());
    let all = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(all(&found.network), "http.client socket urllib.request");
    assert_eq!(all(&found.processes), "multiprocessing os.popen os.system pty subprocess");
    assert_eq!(all(&found.machine), "ctypes");
}

#[test]
fn paths_tell_names_and_machine_code() {
    let mut found = Capabilities::default();
    for path in [
        "six.py",
        "pkg/__init__.py",
        "pkg/_speed.cpython-312-x86_64-linux-gnu.so",
        "pkg.libs/libgfortran-040039e1.so.5.0.0",
        "pkg/data.json",
        "_flat.cp312-win_amd64.pyd",
        "readme-only/notes.txt",
    ] {
        found.name(path);
    }
    let all = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(all(&found.imports), "_flat pkg six");
    assert_eq!(all(&found.native), "_flat.pyd pkg.libs/libgfortran.so pkg/_speed.so");
}

#[test]
fn what_runs_by_itself_comes_first() {
    let digest = Sha256::of(b"x");
    let before = Capabilities { size: 1 << 20, ..Capabilities::default() };
    let after = Capabilities {
        startup: [("a.pth".to_owned(), digest)].into(),
        network: ["socket".to_owned()].into(),
        size: 5 << 20,
        ..Capabilities::default()
    };
    let gains = after.gains(&before);
    let told: Vec<_> = gains.iter().map(|gain| (gain.what, gain.is_alarm)).collect();
    assert_eq!(told, [("start-up code", true), ("network import", false), ("size", false)]);
    assert!(before.gains(&after).is_empty());
}

#[test]
fn groups_of_entry_points_are_told_but_scripts() {
    let text = "[console_scripts]\nrun = a:b\n[pytest11]\n # no\nplug = a.c\n[x.y]\nz=a\n";
    assert_eq!(groups(text), ["pytest11: plug".to_owned(), "x.y: z".to_owned()].into());
}
