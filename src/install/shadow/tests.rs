//! What is found, next to what the obvious way finds, for plans and environments of any shape.

use std::sync::Arc;

use super::super::claims::Bringer;
use super::super::places::OwnIn;
use super::super::{PlannedFile, Source};
use super::*;
use crate::python::Scheme;

mod oracle;

const SITE: &str = "lib/python3.13/site-packages";
const DIRECTORIES: [&str; 7] = ["", "a/", "b/", "a/b/", "a/b/a/", "b/a/", "a/__pycache__/"];
const NAMES: [&str; 9] =
    ["a.py", "a.so", "a.abi3.so", "b.py", "b.pyc", "__init__.py", "__init__.so", "__init__.txt", "a.txt"];

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Some paths, of those of a site, below which no file is a directory.
    fn paths(&mut self, most: u64) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        for _ in 0..self.roll(most) {
            let directory = DIRECTORIES[usize::try_from(self.roll(7)).unwrap()];
            paths.insert(format!("{SITE}/{directory}{}", NAMES[usize::try_from(self.roll(9)).unwrap()]));
        }
        paths
    }
}

fn claim(claims: &mut Claims, path: &Path, bringer: &Arc<Bringer>, gives_way: bool) {
    let directory = path.parent().unwrap();
    let mut way: Vec<&Path> = directory.ancestors().collect();
    way.reverse();
    way.into_iter().for_each(|at| claims.add_directory(at, &bringer.package).unwrap());
    let file = PlannedFile {
        destination: path.to_owned().into(),
        source: Source::Generated(Vec::new()),
        executable: false,
        digest: crate::digest::Kept::Nothing,
        size: 0,
        is_sized: true,
        gives_way,
    };
    if !claims.has(path) {
        claims.claim(directory, &[&file], bringer, &OwnIn::Nothing).unwrap();
    }
}

#[test]
fn it_is_what_the_obvious_way_finds() {
    let most = if std::env::var_os("PIPWARD_TEST_LONG").is_some() { 6_000 } else { 200 };
    let mut found = [0; 3];
    for seed in 1..=most {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap();
        let there = dice.paths(6);
        if dice.roll(8) > 0 {
            std::fs::create_dir_all(real.join(SITE)).unwrap();
        }
        for path in &there {
            std::fs::create_dir_all(real.join(path).parent().unwrap()).unwrap();
            std::fs::write(real.join(path), "").unwrap();
        }
        if dice.roll(4) == 0 {
            let _ = std::os::unix::fs::symlink("a", real.join(SITE).join("b"));
        }
        let scheme = Scheme {
            purelib: real.join(SITE),
            platlib: real.join(SITE),
            scripts: real.join("bin"),
            headers: real.join("include"),
            data: real.clone(),
            interpreter: real.join("bin/python"),
            python: (3, 13),
        };
        let places = Places::new(&scheme, &real, real.clone()).unwrap();
        let mut claims = Claims::default();
        for name in ["one", "two"] {
            let dist_info = PathBuf::from(format!("{SITE}/{name}-1.dist-info"));
            let bringer = Arc::new(Bringer { package: format!("{name} 1").into(), dist_info });
            for path in dice.paths(7) {
                claim(&mut claims, Path::new(&path), &bringer, dice.roll(4) == 0);
            }
        }
        let going: BTreeSet<PathBuf> =
            there.iter().filter(|_| dice.roll(3) == 0).map(PathBuf::from).collect();
        let of_plans = among_plans(&places, &claims);
        assert_eq!(of_plans, oracle::among_plans(&places, &claims), "{seed}");
        let sorted = |found: Vec<Shadow>| found.into_iter().collect::<BTreeSet<_>>();
        let hidden = sorted(hidden_among_plans(&places, &claims));
        assert_eq!(hidden, sorted(oracle::hidden_among_plans(&places, &claims)), "{seed}");
        let beside = of_what_is_there(&places, &claims, &going);
        assert_eq!(beside, oracle::of_what_is_there(&places, &claims, &going), "{seed}");
        for (count, one) in found.iter_mut().zip([of_plans.len(), hidden.len(), beside.len()]) {
            *count += usize::from(one > 0);
        }
    }
    assert!(found.iter().all(|count| *count > most as usize / 40), "too few cases say anything: {found:?}");
}
