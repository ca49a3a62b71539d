//! Distributions that bring different files of one name: code is refused, a document gives way, and so does what policy
//! names.

use std::path::PathBuf;

use pipward::error::Code;

use super::ground::{Ground, Ran};
use crate::support::pythons::any_python;
use crate::support::wheels::WheelBuilder;

type Wheel = (String, Vec<u8>);

fn wheel(name: &str, path: &str, content: &str) -> Wheel {
    WheelBuilder::new(name, "1.0").file(&format!("{name}.py"), "").file(path, content).build()
}

fn install(ground: &mut Ground, wheels: &[Wheel], more: &[&str]) -> Ran {
    let lock = ground.lock_of(wheels);
    ground.run(&[&["install", "--venv", "env", "-r", &lock], more].concat())
}

fn site(ground: &Ground) -> PathBuf {
    ground.path(&format!("work/env/lib/python{}/site-packages", any_python().version))
}

/// The file of the environment, and whether the RECORD of each of two projects lists it.
fn stands(ground: &Ground, path: &str, names: [&str; 2]) -> (String, [bool; 2]) {
    let site = site(ground);
    let lists = |name: &str| {
        let record = std::fs::read_to_string(site.join(format!("{name}-1.0.dist-info/RECORD"))).unwrap();
        record.lines().any(|line| line.starts_with(&format!("{path},")))
    };
    (std::fs::read_to_string(site.join(path)).unwrap(), names.map(lists))
}

fn policy(ground: &Ground, packages: &[&str]) {
    let exceptions = packages.iter().map(|package| {
        format!(
            "[[policy.exception]]\ncode = \"file-conflict\"\npackage = \"{package}\"\nreason = \"we do without\"\n"
        )
    });
    std::fs::write(ground.path("work/pipward.toml"), exceptions.collect::<String>()).unwrap();
}

#[test]
fn of_two_documents_that_of_the_first_name_stands() {
    let mut ground = Ground::new();
    let (one, two) = (wheel("one", "LICENSE", "of one"), wheel("two", "LICENSE", "of two"));
    for wheels in [[one.clone(), two.clone()], [two.clone(), one.clone()]] {
        let ran = install(&mut ground, &wheels, &[]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert!(ran.stderr.contains("LICENSE of two 1.0 was left out: one 1.0 has"), "{}", ran.stderr);
        assert_eq!(stands(&ground, "LICENSE", ["one", "two"]), ("of one".to_owned(), [true, false]));
        assert!(!ground.path("work/env/.pipward-apart").exists());
        let ran = ground.run(&["verify", "env", "-r", "pylock.toml"]);
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        let ran = install(&mut ground, &wheels, &["--rehash"]);
        assert!(!ran.stdout.contains("Successfully installed"), "{}{}", ran.stdout, ran.stderr);
        std::fs::remove_dir_all(ground.path("work/env")).unwrap();
    }
}

#[test]
fn a_document_that_is_installed_stays_and_goes_with_its_owner() {
    let mut ground = Ground::new();
    let (one, two) = (wheel("one", "pkg/README.md", "of one"), wheel("two", "pkg/README.md", "of two"));
    let three = wheel("three", "pkg/README.md", "of two");
    assert_eq!(install(&mut ground, std::slice::from_ref(&two), &[]).status, 0);
    let ran = install(&mut ground, &[one.clone(), three], &[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("README.md of one 1.0 was left out"), "{}", ran.stderr);
    assert_eq!(stands(&ground, "pkg/README.md", ["one", "two"]), ("of two".to_owned(), [false, true]));
    assert_eq!(ground.run(&["uninstall", "--python", "env", "one", "-y"]).status, 0);
    assert_eq!(std::fs::read_to_string(site(&ground).join("pkg/README.md")).unwrap(), "of two");
    assert_eq!(ground.run(&["uninstall", "--python", "env", "two", "three", "-y"]).status, 0);
    assert!(!site(&ground).join("pkg").exists());
    std::fs::create_dir(site(&ground).join("pkg")).unwrap();
    std::fs::write(site(&ground).join("pkg/README.md"), "of the user").unwrap();
    let ran = install(&mut ground, &[one], &[]);
    assert_eq!(ran.codes(), [Code::FileConflict.name()], "{}", ran.stderr);
}

#[test]
fn what_policy_names_gives_way_and_nothing_else_does() {
    let mut ground = Ground::new();
    let path = "tests/__init__.py";
    let both = [wheel("one", path, "x = 1\n"), wheel("two", path, "x = 2\n")];
    let mut check = |excepted: &[&str], expected: Option<(&str, [bool; 2])>| {
        policy(&ground, excepted);
        for compile in [&["--compile"][..], &[]] {
            let ran = install(&mut ground, &both, compile);
            match expected {
                Some((content, lists)) => {
                    assert_eq!(ran.status, 0, "{excepted:?}\n{}", ran.stderr);
                    let found = stands(&ground, path, ["one", "two"]);
                    assert_eq!(found, (content.to_owned(), lists), "{excepted:?}");
                    let ran = ground.run(&["verify", "env", "-r", "pylock.toml"]);
                    assert_eq!(ran.status, 0, "{excepted:?} {}{}", ran.stdout, ran.stderr);
                    std::fs::remove_dir_all(ground.path("work/env")).unwrap();
                }
                None => {
                    assert_eq!(ran.codes(), [Code::FileConflict.name()], "{excepted:?}\n{}", ran.stderr);
                    assert!(ran.stderr.contains("policy.exception"), "{}", ran.stderr);
                    assert!(!ground.path("work/env").exists());
                }
            }
        }
    };
    check(&[], None);
    check(&["three"], None);
    check(&["one"], Some(("x = 2\n", [false, true])));
    check(&["two"], Some(("x = 1\n", [true, false])));
    check(&["one", "two"], Some(("x = 1\n", [true, false])));
}

#[test]
fn a_script_is_no_document() {
    let mut ground = Ground::new();
    let script = |name: &str| {
        let builder = WheelBuilder::new(name, "1.0").file(&format!("{name}.py"), "");
        builder.data_script("readme", format!("of {name}")).build()
    };
    let ran = install(&mut ground, &[script("one"), script("two")], &[]);
    assert_eq!(ran.codes(), [Code::FileConflict.name()], "{}", ran.stderr);
    let program =
        |name: &str| WheelBuilder::new(name, "1.0").executable("README", format!("of {name}")).build();
    let ran = install(&mut ground, &[program("one"), program("two")], &[]);
    assert_eq!(ran.codes(), [Code::FileConflict.name()], "{}", ran.stderr);
}

#[test]
fn declarations_of_a_namespace_are_one_and_nothing_else_takes_their_place() {
    let plain = "from pkgutil import extend_path\n\n__path__ = extend_path(__path__, __name__)\n";
    let told = format!(
        "# N.B.\n# This will add to the package\u{2019}s __path__ all subdirectories of directories on sys.path named after \
         the package which effectively combines both modules into a single namespace (dbt.adapters)\n# The matching \
         statement is in plugins/postgres/dbt/__init__.py\n\n{plain}"
    );
    let mut ground = Ground::new();
    let path = "space/__init__.py";
    let (one, two) = (wheel("one", path, &told), wheel("two", path, plain));
    let ran = install(&mut ground, &[two.clone(), one.clone()], &[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(stands(&ground, path, ["one", "two"]), (told.clone(), [true, false]));
    assert_eq!(ground.run(&["verify", "env", "-r", "pylock.toml"]).status, 0);
    let ran = install(&mut ground, &[one.clone(), two.clone()], &["--rehash"]);
    assert!(!ran.stdout.contains("Successfully installed"), "{}{}", ran.stdout, ran.stderr);
    std::fs::remove_dir_all(ground.path("work/env")).unwrap();
    assert_eq!(install(&mut ground, std::slice::from_ref(&two), &[]).status, 0);
    let ran = install(&mut ground, std::slice::from_ref(&one), &[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(stands(&ground, path, ["one", "two"]), (plain.to_owned(), [false, true]));
    let evil = wheel("evil", path, &format!("{plain}import os\n"));
    let ran = install(&mut ground, std::slice::from_ref(&evil), &[]);
    assert_eq!(ran.codes(), [Code::FileConflict.name()], "{}", ran.stderr);
    std::fs::remove_dir_all(ground.path("work/env")).unwrap();
    let ran = install(&mut ground, &[evil, one], &[]);
    assert_eq!(ran.codes(), [Code::FileConflict.name()], "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("work/env/lib/python{}", any_python().version)), "{}", ran.stderr);
}

#[test]
fn of_two_files_for_one_module_one_has_to_give_way() {
    let mut ground = Ground::new();
    let (one, two) = (wheel("one", "pear/__init__.py", "of = 1"), wheel("two", "pear.py", "of = 2"));
    let refused = [Code::FileConflict.name()];
    for wheels in [[one.clone(), two.clone()], [two.clone(), one.clone()]] {
        let ran = install(&mut ground, &wheels, &[]);
        assert_eq!(ran.codes(), refused, "{}", ran.stderr);
        assert!(ran.stderr.contains("pear") && ran.stderr.contains("one 1.0 and two 1.0"), "{}", ran.stderr);
    }
    for (first, second) in [(&one, &two), (&two, &one)] {
        assert_eq!(install(&mut ground, std::slice::from_ref(first), &[]).status, 0);
        let ran = install(&mut ground, std::slice::from_ref(second), &[]);
        assert_eq!(ran.codes(), refused, "{}", ran.stderr);
        assert!(ran.stderr.contains(&first.0[..3]), "{}", ran.stderr);
        std::fs::remove_dir_all(ground.path("work/env")).unwrap();
    }
    policy(&ground, &["one"]);
    let wheels = [one.clone(), two.clone()];
    let ran = install(&mut ground, &wheels, &[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("pear/__init__.py of one 1.0 was left out: two 1.0 has"), "{}", ran.stderr);
    assert_eq!(stands(&ground, "pear.py", ["one", "two"]), ("of = 2".to_owned(), [false, true]));
    assert!(!site(&ground).join("pear/__init__.py").exists());
    let ran = install(&mut ground, &wheels, &["--rehash"]);
    assert!(!ran.stdout.contains("Successfully installed"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ground.run(&["verify", "env", "-r", "pylock.toml"]).status, 0);
    std::fs::remove_dir_all(ground.path("work/env")).unwrap();
    assert_eq!(install(&mut ground, std::slice::from_ref(&two), &[]).status, 0);
    let ran = install(&mut ground, std::slice::from_ref(&one), &[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(!site(&ground).join("pear/__init__.py").exists());
}

#[test]
fn what_python_does_not_import_for_a_module_stands_beside_it() {
    let mut ground = Ground::new();
    let owner = wheel("owner", "pear.py", "");
    for path in
        ["pear/sub.txt", "pear.pyi", "pear.txt", "pear-stubs/__init__.pyi", "peach/pear.py", "pear_.so"]
    {
        let late = wheel("late", path, "");
        assert_eq!(install(&mut ground, &[owner.clone(), late.clone()], &[]).status, 0, "{path}");
        std::fs::remove_dir_all(ground.path("work/env")).unwrap();
        assert_eq!(install(&mut ground, std::slice::from_ref(&owner), &[]).status, 0, "{path}");
        assert_eq!(install(&mut ground, &[late], &[]).status, 0, "{path}");
        std::fs::remove_dir_all(ground.path("work/env")).unwrap();
    }
    let both = WheelBuilder::new("both", "1.0")
        .file("pear.py", "")
        .file("pear.abi3.so", "")
        .file("pear/__init__.py", "");
    assert_eq!(install(&mut ground, &[both.build()], &[]).status, 0, "its own files are its own business");
    let newer = WheelBuilder::new("both", "2.0").file("pear/__init__.so", "");
    assert_eq!(install(&mut ground, &[newer.build()], &[]).status, 0, "what goes is in nobody's way");
}

#[test]
fn a_file_does_not_stand_before_anothers_namespace() {
    let mut ground = Ground::new();
    let refused = [Code::FileConflict.name()];
    for (over, below) in [
        ("space.py", "space/sub.py"),
        ("space.abi3.so", "space/deep/er/sub.py"),
        ("space/in.py", "space/in/sub.so"),
    ] {
        let (one, two) = (wheel("one", over, "of = 1"), wheel("two", below, "of = 2"));
        for wheels in [[one.clone(), two.clone()], [two.clone(), one.clone()]] {
            let ran = install(&mut ground, &wheels, &[]);
            assert_eq!(ran.codes(), refused, "{over}: {}", ran.stderr);
            assert!(ran.stderr.contains("one 1.0 and two 1.0"), "{}", ran.stderr);
            assert_eq!(install(&mut ground, &wheels[..1], &[]).status, 0);
            let ran = install(&mut ground, &wheels[1..], &[]);
            assert_eq!(ran.codes(), refused, "{over}: {}", ran.stderr);
            std::fs::remove_dir_all(ground.path("work/env")).unwrap();
        }
        policy(&ground, &["one"]);
        let ran = install(&mut ground, &[one, two], &[]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert!(site(&ground).join(below).exists() && !site(&ground).join(over).exists());
        policy(&ground, &[]);
        std::fs::remove_dir_all(ground.path("work/env")).unwrap();
    }
}

#[test]
fn plugins_lie_in_the_folder_of_a_package() {
    let mut ground = Ground::new();
    let owner = wheel("owner", "pear/__init__.py", "");
    let both = WheelBuilder::new("both", "1.0").file("plum.py", "").file("plum/sub.py", "").build();
    for path in ["pear/sub.py", "pear/plugins/sub.py"] {
        let late = wheel("late", path, "");
        let all = [owner.clone(), late.clone(), both.clone()];
        assert_eq!(install(&mut ground, &all, &[]).status, 0, "{path}");
        std::fs::remove_dir_all(ground.path("work/env")).unwrap();
        for wheels in [[&owner, &late], [&late, &owner]] {
            for one in wheels {
                assert_eq!(install(&mut ground, std::slice::from_ref(one), &[]).status, 0, "{path}");
            }
            std::fs::remove_dir_all(ground.path("work/env")).unwrap();
        }
    }
}
