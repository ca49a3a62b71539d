//! What markers are as sets, by example.

use super::*;
use crate::wheel_name::WheelName;

fn marker(text: &str) -> MarkerTree {
    match text {
        "true" => MarkerTree::TRUE,
        "false" => MarkerTree::FALSE,
        text => text.parse().unwrap(),
    }
}

fn specifiers(text: &str) -> VersionSpecifiers {
    text.parse().unwrap()
}

#[test]
fn requires_python_as_a_set() {
    let check =
        |text: &str, expected: &str| assert_eq!(of_python(&specifiers(text)), marker(expected), "{text}");
    check(">=3.9", "python_full_version >= '3.9'");
    check(">=3.9,<3.13", "python_full_version >= '3.9' and python_full_version < '3.13'");
    check("<=3.9", "python_full_version <= '3.9'");
    check(">3.9", "python_full_version > '3.9'");
    check("==3.9.*", "python_version == '3.9'");
    check("~=3.9", "python_full_version >= '3.9' and python_full_version < '4'");
    check(">=3.9,!=3.9.7", "python_full_version >= '3.9' and python_full_version != '3.9.7'");
    check(">=3.12.0rc1", "python_full_version >= '3.12'");
    check("!=3.10.*", "python_version != '3.10'");
    check(">=3,<2", "false");
    check("", "true");
}

#[test]
fn lower_bounds() {
    let check =
        |text: &str, expected: &str| assert_eq!(at_least(&specifiers(text)), marker(expected), "{text}");
    check(">=3.9,<3.13,!=3.9.7", "python_full_version >= '3.9'");
    check("<3.13", "true");
    check("!=3.0.*,!=3.1.*,>=2.7", "python_full_version >= '2.7'");
    check(">3.9.1", "python_full_version > '3.9.1'");
    let least = |text: &str| lower_bound_of(&marker(text)).map(|version| version.to_string());
    assert_eq!(least("python_version >= '3.10' and sys_platform == 'linux'").as_deref(), Some("3.10"));
    assert_eq!(least("python_version < '3.10'"), None);
    assert_eq!(least("sys_platform == 'linux'"), None);
    assert_eq!(
        least("python_version >= '3.12' or (python_version >= '3.11' and os_name == 'nt')").as_deref(),
        Some("3.11")
    );
    let mut both = marker("implementation_version >= '7' and python_version >= '3.11'");
    both.or(marker("implementation_version < '7' and python_version >= '3.12'"));
    assert_eq!(lower_bound_of(&both).map(|version| version.to_string()).as_deref(), Some("3.11"));
}

#[test]
fn open_ranges_and_upper_bounds() {
    let check = |text: &str, expected: &str| {
        assert_eq!(of_open_python(&specifiers(text)), marker(expected), "{text}");
    };
    check(">=3.9,<3.13,!=3.9.7", "python_full_version >= '3.9'");
    check("!=3.11.*,<4", "python_version != '3.11'");
    check("!=3.8.*,!=3.9.0,!=3.9.1,!=3.9.2.*", "python_version != '3.8'");
    check("!=2.*,>=2.7", "python_full_version >= '3'");
    check(">=3.10,!=3.10.0", "python_full_version >= '3.10'");
    check(">=3.10.1,!=3.11.*", "python_full_version >= '3.10.1' and python_version != '3.11'");
    check("!=3.18446744073709551615.1", "true");
    check("<3.13", "true");
    check(">=3,<2", "false");
    let most = |text: &str| upper_bound_of(&marker(text)).map(|version| version.to_string());
    assert_eq!(most("python_version < '3.12' and sys_platform == 'linux'").as_deref(), Some("3.12"));
    assert_eq!(most("python_version != '3.12'"), None);
    assert_eq!(most("sys_platform == 'linux'"), None);
    let mut both = marker("implementation_version >= '7' and python_version < '3.11'");
    both.or(marker("implementation_version < '7' and python_version < '3.12'"));
    assert_eq!(upper_bound_of(&both).map(|version| version.to_string()).as_deref(), Some("3.12"));
}

#[test]
fn wheels_as_sets() {
    let check = |tags: &str, expected: &str| {
        let wheel = WheelName::parse(&format!("a-1-{tags}.whl")).unwrap();
        assert!(same(&of_wheel(&wheel), &marker(expected)), "{tags}");
        assert_eq!(tags_of(&wheel), format!("-{tags}.whl"));
    };
    check("py3-none-any", "true");
    check("py2.py3-none-any", "true");
    check("py2-none-any", "false");
    check("py310-none-any", "python_version >= '3.10'");
    check("cp311-cp311-any", "implementation_name == 'cpython' and python_version == '3.11'");
    check("cp313-cp313t-any", "implementation_name == 'cpython' and python_version == '3.13'");
    check("cp38-abi3-any", "implementation_name == 'cpython' and python_version >= '3.8'");
    check("cp311-none-any", "implementation_name == 'cpython' and python_version == '3.11'");
    check("pp310-pypy310_pp73-any", "implementation_name == 'pypy' and python_version == '3.10'");
    check("py3-none-win_amd64", "sys_platform == 'win32' and platform_machine == 'AMD64'");
    check("py3-none-win32", "sys_platform == 'win32' and platform_machine == 'x86'");
    let linux = |machine: &str| format!("sys_platform == 'linux' and platform_machine == '{machine}'");
    check("py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64", &linux("x86_64"));
    check("py3-none-musllinux_1_2_aarch64", &linux("aarch64"));
    check("py3-none-linux_riscv64", &linux("riscv64"));
    check(
        "py3-none-macosx_11_0_universal2",
        "sys_platform == 'darwin' and (platform_machine == 'x86_64' or platform_machine == 'arm64')",
    );
    check("py3-none-macosx_11_0_arm64", "sys_platform == 'darwin' and platform_machine == 'arm64'");
    check("py3-none-ios_13_0_arm64_iphoneos", "sys_platform == 'ios'");
    check("py3-none-plan9_68k", "false");
    check("cp3-cp3-any", "false");
    check("cp311xyz-none-any", "false");
}

#[test]
fn the_world_knows_the_names_of_systems() {
    let never = |text: &str| assert!(!overlaps(world(), &marker(text)), "{text}");
    never("sys_platform == 'win32' and os_name == 'posix'");
    never("sys_platform == 'win32' and platform_system == 'Linux'");
    never("sys_platform != 'win32' and os_name == 'nt'");
    never("sys_platform == 'linux' and platform_system == 'Windows'");
    never("sys_platform == 'darwin' and os_name != 'posix'");
    never("implementation_name == 'cpython' and platform_python_implementation == 'PyPy'");
    let ever = |text: &str| assert!(overlaps(world(), &marker(text)), "{text}");
    ever("sys_platform == 'cygwin' and os_name == 'posix'");
    ever("sys_platform == 'win32' and os_name == 'nt' and platform_system == 'Windows'");
    ever("implementation_name == 'graalpy' and platform_python_implementation == 'GraalVM'");
}

fn check_text(text_in: &str, within: &str, expected: &str) {
    let mut region = world().clone();
    region.and(marker(within));
    let found = text(&marker(text_in), &region);
    assert_eq!(found.as_deref().unwrap_or("always"), expected, "{text_in}");
    let mut a = simplify(&marker(text_in), &region);
    a.and(region.clone());
    let mut b = marker(text_in);
    b.and(region.clone());
    assert!(same(&a, &b));
    if let Some(found) = found {
        let mut again = marker(&found);
        again.and(region);
        assert!(same(&again, &b), "{found}");
    }
}

#[test]
fn the_shortest_words() {
    let from_310 = "python_version >= '3.10'";
    check_text("python_version >= '3.9'", from_310, "always");
    check_text("python_version < '3.11' and python_version >= '3.10'", from_310, "python_version < '3.11'");
    check_text("python_full_version == '3.11.*'", from_310, "python_version == '3.11'");
    check_text("python_full_version >= '3.11.4'", from_310, "python_full_version >= '3.11.4'");
    check_text(
        "sys_platform == 'win32' and os_name == 'nt' and platform_system == 'Windows'",
        from_310,
        "sys_platform == 'win32'",
    );
    check_text(
        "(python_version < '3.12' and sys_platform == 'win32') or (python_version >= '3.12' and sys_platform == 'win32')",
        from_310,
        "sys_platform == 'win32'",
    );
    check_text("sys_platform == 'win32' or sys_platform != 'win32'", from_310, "always");
    check_text("sys_platform != 'win32' and python_version >= '3.10'", from_310, "sys_platform != 'win32'");
    check_text(
        "sys_platform == 'darwin' or (sys_platform == 'linux' and python_version >= '3.10') or os_name == 'java'",
        from_310,
        "os_name == 'java' or sys_platform == 'darwin' or sys_platform == 'linux'",
    );
    check_text(
        "(python_version >= '3.12' and sys_platform != 'win32') or python_version < '3.12'",
        from_310,
        "python_version < '3.12' or sys_platform != 'win32'",
    );
    check_text("python_version < '3'", from_310, "python_version < '0'");
    check_text("extra == 'e-a' and extra != 'e-b'", "extra != 'e-a' or extra != 'e-b'", "extra == 'e-a'");
    check_text(
        "platform_machine == 'x86_64' and sys_platform == 'linux'",
        from_310,
        "platform_machine == 'x86_64' and sys_platform == 'linux'",
    );
}

#[test]
fn what_alternatives_share_is_drawn_out() {
    let from_310 = "python_version >= '3.10'";
    check_text(
        "(python_version >= '3.11' and sys_platform != 'win32') or (platform_machine == 'aarch64' and sys_platform != 'win32')",
        from_310,
        "(python_version >= '3.11' or platform_machine == 'aarch64') and sys_platform != 'win32'",
    );
    check_text(
        "(platform_machine == 'aarch64' and extra == 'e-old') or (platform_machine == 'aarch64' and extra == 'e-new')",
        "extra != 'e-old' or extra != 'e-new'",
        "platform_machine == 'aarch64' and (extra == 'e-new' or extra == 'e-old')",
    );
    check_text(
        "(sys_platform == 'linux' or sys_platform == 'darwin') and (extra == 'e-a' or extra == 'e-b')",
        from_310,
        "(sys_platform == 'darwin' or sys_platform == 'linux') and (extra == 'e-a' or extra == 'e-b')",
    );
    check_text(
        "(python_version < '3.12' and (platform_machine == 'x86_64' or platform_machine == 'arm64')) or (python_version < '3.12' and extra == 'e-a')",
        from_310,
        "python_version < '3.12' and (platform_machine == 'arm64' or platform_machine == 'x86_64' or extra == 'e-a')",
    );
    check_text(
        "(sys_platform == 'linux' and platform_machine == 'x86_64' and extra == 'e-a') or (sys_platform == 'linux' and platform_machine == 'aarch64') or (sys_platform == 'darwin' and extra == 'e-a')",
        from_310,
        "(platform_machine == 'aarch64' and sys_platform == 'linux') or ((sys_platform == 'darwin' or (platform_machine == 'x86_64' and sys_platform == 'linux')) and extra == 'e-a')",
    );
}

#[test]
fn what_is_read_of_a_text_is_told_by_the_same_text() {
    let check = |given: &str, expected: &str| {
        for within in ["python_version >= '3.8'", "python_version >= '3.10'"] {
            let mut region = world().clone();
            region.and(marker(within));
            let told = text(&marker(given), &region).unwrap();
            assert_eq!(
                text(&marker(&told), &region).as_deref(),
                Some(told.as_str()),
                "{given} within {within}"
            );
            // Whatever is known of the shapes by now.
            let simple = simplify(&marker(given), &region);
            assert_eq!(text(&simple, &region).as_deref(), Some(told.as_str()), "{given} within {within}");
        }
        check_text(given, "python_version >= '3.8'", expected);
    };
    // Each of these has a text of its own in the words of the first diagram, and of that text another one is read.
    check(
        "python_version not in '3.9 3.11' and (python_version > '3' or sys_platform == 'win32')",
        "python_version != '3.9' and python_version != '3.11'",
    );
    check(
        "python_version < '4' and (platform_system == 'Windows' or implementation_name == 'pypy') and (sys_platform == 'darwin' or platform_python_implementation == 'CPython')",
        "python_version < '4' and ((platform_python_implementation == 'CPython' and sys_platform == 'win32') or (platform_python_implementation == 'PyPy' and sys_platform == 'darwin'))",
    );
    check(
        "implementation_name == 'cpython' or ((python_version != '3.10' or sys_platform == 'linux') and python_version != '3.11' and platform_python_implementation == 'PyPy')",
        "platform_python_implementation == 'CPython' or ((python_version < '3.10' or python_version >= '3.12' or (python_version < '3.11' and sys_platform == 'linux')) and platform_python_implementation == 'PyPy')",
    );
    check(
        "platform_system == 'Windows' or (python_version >= '3.11' and sys_platform == 'darwin' and (python_version < '4' or platform_python_implementation not in 'CPython CPython'))",
        "(python_version < '4' or platform_python_implementation not in 'CPython CPython' or sys_platform != 'darwin') and (sys_platform == 'win32' or (python_version >= '3.11' and sys_platform == 'darwin'))",
    );
}
