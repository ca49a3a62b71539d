//! Universal resolutions: where regions fork, and how they meet again.

use pipward_resolver::{
    ForkStrategy, MarkerTree, PackageName, Recorded, Request, Resolution, Scope, SolveError, Universe,
    markers, solve,
};

use crate::scenario::{request, world};

pub(crate) fn universal(requirements: &[&str], marker: &str) -> Request {
    let marker: MarkerTree = marker.parse().unwrap();
    Request { scope: Scope::Universal(Universe { marker, required: Vec::new() }), ..request(requirements) }
}

fn show(resolution: &Resolution) -> String {
    let line = |package: &pipward_resolver::ResolvedPackage| {
        let marker = markers::text(&package.marker, &resolution.universe);
        let marker = marker.map(|text| format!(" ; {text}")).unwrap_or_default();
        format!("{} {}{marker}", package.name, package.version)
    };
    resolution.packages.iter().map(line).chain(resolution.warnings.clone()).collect::<Vec<_>>().join("\n")
}

fn outcome(world: &Recorded, request: &Request) -> String {
    match solve(request, world) {
        Ok(resolution) => show(&resolution),
        Err(SolveError::NoSolution(story)) => story.to_string(),
        Err(SolveError::Facts(error)) => panic!("{error}"),
    }
}

fn check_request(text: &str, request: &Request, expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found = outcome(&world(text), request);
    let found: Vec<&str> = found.lines().map(str::trim).collect();
    assert_eq!(found.join("\n"), expected.join("\n"));
}

pub(crate) fn check(text: &str, requirements: &[&str], expected: &str) {
    check_request(text, &universal(requirements, "python_version >= '3.10'"), expected);
}

#[test]
fn a_newer_version_for_newer_pythons_forks_by_python() {
    let text = "
        a 1 python=>=3.8
        a 2 python=>=3.11
        a 3 python=>=3.12
        b 1 | a";
    check(
        text,
        &["b"],
        "
        a 1 ; python_version < '3.11'
        a 2 ; python_version == '3.11'
        a 3 ; python_version >= '3.12'
        b 1",
    );
    let fewest =
        Request { fork_strategy: ForkStrategy::Fewest, ..universal(&["b"], "python_version >= '3.10'") };
    check_request(text, &fewest, "a 1\nb 1");
}

#[test]
fn requirements_under_disjoint_markers_fork() {
    let text = "
        a 1
        a 2
        c 1 | a<2 ; sys_platform == 'win32' | a>=2 ; sys_platform != 'win32'";
    check(
        text,
        &["c"],
        "
        a 1 ; sys_platform == 'win32'
        a 2 ; sys_platform != 'win32'
        c 1",
    );
}

#[test]
fn requirements_that_one_version_satisfies_do_not_fork() {
    let text = "
        a 1
        a 2
        c 1 | a>=1 ; sys_platform == 'win32' | a>=2 ; sys_platform != 'win32'";
    check(text, &["c"], "a 2\nc 1");
}

#[test]
fn a_conflict_between_packages_forks_too() {
    let text = "
        a 1
        a 2
        b 1 | a<2 ; sys_platform == 'win32'
        c 1 | a>=2 ; sys_platform != 'win32'";
    check(
        text,
        &["b", "c"],
        "
        a 1 ; sys_platform == 'win32'
        a 2 ; sys_platform != 'win32'
        b 1
        c 1",
    );
}

#[test]
fn markers_are_inherited_and_what_nothing_reaches_is_dropped() {
    let text = "
        a 1 | b ; sys_platform == 'win32'
        b 1 | c ; python_version < '3.12' | d ; sys_platform == 'linux'
        c 1
        d 1";
    check(
        text,
        &["a"],
        "
        a 1
        b 1 ; sys_platform == 'win32'
        c 1 ; python_version < '3.12' and sys_platform == 'win32'",
    );
}

#[test]
fn extras_of_the_user_that_exclude_each_other_live_in_one_answer() {
    let text = "
        a 1
        a 2";
    let request = universal(
        &["a==1 ; extra == 'e-old'", "a==2 ; extra == 'e-new'"],
        "python_version >= '3.10' and (extra != 'e-old' or extra != 'e-new')",
    );
    check_request(
        text,
        &request,
        "
        a 1 ; extra == 'e-old'
        a 2 ; extra == 'e-new'",
    );
}

#[test]
fn overrides_and_excludes() {
    let text = "
        a 1 | b<2 | c | d ; sys_platform == 'win32'
        b 1
        b 2
        c 1
        d 1
        d 2";
    let mut wanted = universal(&["a"], "python_version >= '3.10'");
    wanted.overrides = request(&["b==2", "d==1 ; sys_platform == 'linux'"]).roots;
    wanted.excludes = ["c".parse::<PackageName>().unwrap()].into();
    check_request(
        text,
        &wanted,
        "
        a 1
        b 2
        d 1 ; sys_platform == 'linux'",
    );
}

#[test]
fn a_required_environment_finds_a_wheel() {
    let text = "
        a 1
        a 2 wheel=py3-none-manylinux_2_17_x86_64,py3-none-manylinux_2_17_aarch64,py3-none-win_amd64";
    let mut wanted = universal(&["a"], "python_version >= '3.10'");
    check_request(text, &wanted, "a 2");
    let marker: MarkerTree = "python_version >= '3.10'".parse().unwrap();
    let required = vec!["sys_platform == 'darwin'".parse().unwrap()];
    wanted.scope = Scope::Universal(Universe { marker, required });
    check_request(
        text,
        &wanted,
        "
        a 1 ; sys_platform == 'darwin'
        a 2 ; sys_platform != 'darwin'",
    );
}

/// The worked example of ARCHITECTURE.md.
#[test]
fn the_worked_example() {
    let text = "
        app 1 | plot | win ; sys_platform == 'win32'
        plot 1 python=>=3.8 | shapes>=2 ; sys_platform != 'win32'
        plot 2 python=>=3.12 | shapes>=2 ; sys_platform != 'win32'
        win 1 | shapes<2
        shapes 1
        shapes 2";
    check(
        text,
        &["app"],
        "
        app 1
        plot 1 ; python_version < '3.12'
        plot 2 ; python_version >= '3.12'
        shapes 1 ; sys_platform == 'win32'
        shapes 2 ; sys_platform != 'win32'
        win 1 ; sys_platform == 'win32'",
    );
}
