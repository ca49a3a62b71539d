//! Locks do not depend on the order in which an index answers, nor on threads, nor on what a cache has.

use crate::support::run::{Run, pipward, scratch};
use crate::support::server::{Published, Server};
use crate::support::world::{offer, text, wheel};

const NAMES: [&str; 12] = [
    "apple", "birch", "cedar", "daisy", "elder", "fern", "ginkgo", "hazel", "iris", "jasmine", "kale",
    "larch",
];
const MARKERS: [&str; 8] = [
    "",
    "",
    " ; sys_platform == 'win32'",
    " ; python_version >= '3.12'",
    " ; python_full_version < '4.0'",
    " ; 'win' in sys_platform",
    " ; platform_machine == 'aarch64' or python_version < '3.11'",
    " ; sys_platform != 'darwin' and implementation_name == 'cpython'",
];
const SPECIFIERS: [&str; 5] = ["", ">=2", "<3", "!=2", ">=1.5,<4"];

/// Each project has three versions, and each needs some that come after it in the alphabet.
fn index(server: &Server) -> String {
    let mut files = Vec::new();
    for (at, name) in NAMES.iter().enumerate() {
        for version in 1..4 {
            let mut made = wheel(name, &version.to_string());
            if version == 3 && at % 4 == 1 {
                made = made.requires_python(">=3.12");
            }
            for step in 1..5 {
                let mix = at * 31 + version * 17 + step * 7;
                if let Some(needed) = NAMES.get(at + step).filter(|_| mix % 3 != 0) {
                    let (specifier, marker) =
                        (SPECIFIERS[mix % SPECIFIERS.len()], MARKERS[mix % MARKERS.len()]);
                    made = made.requires(&format!("{needed}{specifier}{marker}"));
                }
            }
            files.push(Published::new(made.build()).uploaded("2025-01-01T00:00:00Z"));
        }
    }
    offer(server, files)
}

fn lock(index: &str) -> Run {
    let arguments = ["apple", "birch", "--python-version", "3.10", "--uploaded-prior-to", "2025-06-01"];
    pipward(["lock", "-i", index]).args(arguments)
}

#[test]
fn two_locks_are_identical_whatever_the_order_of_answers() {
    let server = Server::start();
    let index = index(&server);
    let first = scratch();
    lock(&index).dir(first.path()).run().ok();
    let expected = text(first.path(), "pylock.toml");
    assert!(expected.matches("[[packages]]").count() > 8, "{expected}");
    assert!(expected.matches("marker = ").count() > 4, "{expected}");
    let order = |server: &Server, from: usize| -> Vec<String> {
        server.requests().into_iter().skip(from).map(|request| request.path).collect()
    };
    let mut orders = std::collections::BTreeSet::from([order(&server, 0)]);
    for seed in 1..6 {
        server.delay(seed, 12);
        let (place, from) = (scratch(), server.requests().len());
        let threads = (1 + seed % 3).to_string();
        lock(&index).dir(place.path()).env("RAYON_NUM_THREADS", threads).run().ok();
        assert_eq!(text(place.path(), "pylock.toml"), expected, "seed {seed}");
        orders.insert(order(&server, from));
    }
    assert!(orders.len() > 1, "the index answered in one order");
}

#[test]
fn a_lock_is_the_same_with_a_cache_and_from_its_own_choices() {
    let server = Server::start();
    let index = index(&server);
    let place = scratch();
    let cache = place.path().join("cache");
    let run = || lock(&index).env("PIPWARD_CACHE_DIR", &cache).dir(place.path()).run().ok();
    run();
    let expected = text(place.path(), "pylock.toml");
    server.delay(7, 8);
    // Now the standing lock is preferred, and pages come from the cache.
    run();
    assert_eq!(text(place.path(), "pylock.toml"), expected);
    std::fs::remove_file(place.path().join("pylock.toml")).unwrap();
    run();
    assert_eq!(text(place.path(), "pylock.toml"), expected);
    lock(&index).env("PIPWARD_CACHE_DIR", &cache).args(["--upgrade"]).dir(place.path()).run().ok();
    assert_eq!(text(place.path(), "pylock.toml"), expected);
}
