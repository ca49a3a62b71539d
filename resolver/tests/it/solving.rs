//! What a solve answers, world by world.

use pipward_resolver::{PackageName, Prereleases, Strategy, WheelName, solve};

use crate::scenario::{check, check_request, outcome, preference, request, root, world};

#[test]
fn takes_the_highest_that_fits() {
    let text = "
        a 1 | b<2
        a 2 | b>=2
        b 1
        b 2
        b 3";
    check(text, &["a"], "a==2 b==3");
    check(text, &["a", "b<2"], "a==1 b==1");
    check(text, &["b<3"], "b==2");
}

#[test]
fn backtracks_over_what_versions_depend_on() {
    check(
        "
        a 1 | c==1
        a 2 | c==2
        b 1 | c==1
        b 2 | c==3
        c 1
        c 2
        c 3",
        &["a", "b"],
        "a==1 b==1 c==1",
    );
}

#[test]
fn strategies() {
    let text = "
        a 1 | b
        a 2 | b
        b 1
        b 2";
    let with = |strategy| pipward_resolver::Request { strategy, ..request(&["a"]) };
    check_request(text, &with(Strategy::Highest), "a==2 b==2");
    check_request(text, &with(Strategy::Lowest), "a==1 b==1");
    check_request(text, &with(Strategy::LowestDirect), "a==1 b==2");
}

#[test]
fn prefers_the_versions_of_a_standing_lock() {
    let mut wanted = request(&["a"]);
    wanted.preferences.insert("a".parse().unwrap(), vec![preference("2")]);
    let text = "
        a 1
        a 2
        a 3";
    check_request(text, &wanted, "a==2");
    wanted.roots = vec![root("a>2", "in.txt", 1)];
    check_request(text, &wanted, "a==3");
}

#[test]
fn constraints_bind_and_bring_nothing_in() {
    let text = "
        a 1 | b
        b 1
        b 2
        c 1";
    let mut wanted = request(&["a"]);
    wanted.constraints = vec![root("b<2", "c.txt", 1), root("c==1", "c.txt", 2)];
    check_request(text, &wanted, "a==1 b==1");
    wanted.constraints.push(root("b>=2; python_version < '3'", "c.txt", 3));
    check_request(text, &wanted, "a==1 b==1");
    wanted.constraints = vec![root("b<1", "c.txt", 1)];
    check_request(
        text,
        &wanted,
        "there is no solution, since
        you require a (in.txt, line 1)
        a 1 requires b
        the constraint b<1 (c.txt, line 1) asks for a version of b that does not exist: there are 1 to 2",
    );
}

#[test]
fn markers_count_for_the_target() {
    check(
        "
        a 1 | win; sys_platform == 'win32' | lin; sys_platform == 'linux' | old; python_version < '3.9'
        win 1
        lin 1
        old 1",
        &["a", "win; os_name == 'nt'"],
        "a==1 lin==1",
    );
}

#[test]
fn extras_bring_in_what_they_add() {
    let text = "
        a 1 extras=x,y | b; extra == 'x' | c; extra == 'y' | d
        b 1
        c 1
        d 1";
    check(text, &["a"], "a==1 d==1");
    check(text, &["a[X]"], "a[x]==1 b==1 d==1");
    check(text, &["a[x]", "a[y]"], "a[x,y]==1 b==1 c==1 d==1");
    check(text, &["a[z]"], "a[z]==1 d==1\na 1 has no extra named z; it has x, y.");
}

#[test]
fn an_extra_may_name_other_extras_of_its_project() {
    let text = "
        a 1 extras=all,x,y | a[x,y]; extra == 'all' | b; extra == 'x' | c; extra == 'y'
        a 2 extras=all,x,y | a[x,y]; extra == 'all' | b>1; extra == 'x' | c; extra == 'y'
        b 1
        c 1";
    check(text, &["a[all]"], "a[all,x,y]==1 b==1 c==1");
    check("a 1 extras=x | a[x]; extra == 'x'", &["a[x]"], "a[x]==1");
    check(
        "
        a 1 | a>1
        a 0 ",
        &["a"],
        "a==0",
    );
}

#[test]
fn an_extra_follows_its_project() {
    // The extra alone would take a 3; the project cannot.
    check(
        "
        a 1 extras=x | c; extra == 'x'
        a 2 extras=x | c; extra == 'x'
        a 3 extras=x | c; extra == 'x'
        b 1 | a<2
        c 1",
        &["a[x]", "b"],
        "a[x]==1 b==1 c==1",
    );
}

#[test]
fn cycles_are_fine() {
    check(
        "
        a 1 | b
        b 1 | a",
        &["a"],
        "a==1 b==1",
    );
}

#[test]
fn only_wheels_that_the_target_takes_are_candidates() {
    let text = "
        a 1
        a 2 python=>=3.13
        a 3 sdist
        a 4 wheel=cp312-cp312-win_amd64,cp313-cp313-manylinux_2_17_x86_64
        a 5 new
        a 6 meta-python=<3";
    check(text, &["a"], "a==1");
    check(
        text,
        &["a>1"],
        "there is no solution, since
        you require a>1 (in.txt, line 1)
        a 6 needs Python <3
        hint: a 5 was uploaded at 2026-01-01T00:04Z: take it with --uploaded-prior-to 2026-01-01T00:05Z, or from 2026-01-04T01:00Z on without one",
    );
    check(
        text,
        &["a>1,<6"],
        "there is no solution, since
        you require a>1,<6 (in.txt, line 1)
        a has no version in >1,<6 that can be used: 2 needs Python >=3.13, not 3.12; \
3 has only a source distribution, and building one runs its code; 4 has no wheel for Python 3.12; 5 was uploaded after the cutoff
        hint: a 5 was uploaded at 2026-01-01T00:04Z: take it with --uploaded-prior-to 2026-01-01T00:05Z, or from 2026-01-04T01:00Z on without one",
    );
}

#[test]
fn wheels_come_best_first() {
    let text = "a 1 wheel=py3-none-any,1-cp312-cp312-linux_x86_64,2-cp312-cp312-linux_x86_64,cp311-abi3-linux_x86_64,cp39-cp39-win_amd64";
    let resolution = solve(&request(&["a"]), &world(text)).unwrap();
    let wheels = &resolution.packages[0].wheels;
    let found: Vec<&str> = wheels.iter().map(WheelName::as_str).collect();
    assert_eq!(
        found,
        [
            "a-1-2-cp312-cp312-linux_x86_64.whl",
            "a-1-1-cp312-cp312-linux_x86_64.whl",
            "a-1-cp311-abi3-linux_x86_64.whl",
            "a-1-py3-none-any.whl",
        ]
    );
}

#[test]
fn a_release_with_malformed_metadata_is_passed_over() {
    let text = "
        a 1
        a 2 malformed=not_a_requirement";
    check(text, &["a"], "a==1");
    check(
        text,
        &["a>1"],
        "there is no solution, since
        you require a>1 (in.txt, line 1)
        a 2 has metadata that cannot be read (not a requirement)",
    );
}

#[test]
fn yanked_versions_need_an_exact_pin() {
    let text = "
        a 1
        a 2 yanked=broken_build
        b 1 | a==2";
    check(text, &["a"], "a==1");
    check(text, &["a==2"], "a==2\na 2 was yanked (broken build); it is taken since you pin it.");
    check(
        text,
        &["a>1"],
        "there is no solution, since
        you require a>1 (in.txt, line 1)
        a has no version in >1 that can be used: 2 was yanked (broken build)
        hint: to take the yanked a 2 all the same, pin it: a==2",
    );
    check(
        text,
        &["b"],
        "a==2 b==1
        a 2 was yanked (broken build); it is taken since b 1 pins it.",
    );
}

#[test]
fn prereleases_are_taken_when_asked_for() {
    let text = "
        a 1
        a 2rc1
        b 1 | a>=2rc1
        c 1rc1
        d 1 | a>=2";
    check(text, &["a"], "a==1");
    check(text, &["a>=2rc1"], "a==2rc1");
    check(text, &["a>=0.dev0"], "a==2rc1");
    check(text, &["b"], "a==2rc1 b==1");
    check(text, &["a", "b"], "a==2rc1 b==1");
    // Nothing else satisfies.
    check(text, &["c"], "c==1rc1");
    check(text, &["a>1"], "a==2rc1");
    check(
        text,
        &["d"],
        "there is no solution, since\nyou require d (in.txt, line 1)\nd 1 requires a>=2\na has no version in >=2: it has 1 to 2rc1\nhint: a 2 is not released yet; its pre-release 2rc1 is taken for a>=2rc1",
    );
    check_request(
        text,
        &pipward_resolver::Request { prereleases: Prereleases::Allow, ..request(&["a"]) },
        "a==2rc1",
    );
    let mut constrained = request(&["a"]);
    constrained.constraints = vec![root("a>=2.0a1", "c.txt", 1)];
    check_request(text, &constrained, "a==2rc1");
}

#[test]
fn what_was_given_up_asks_for_no_prerelease() {
    // b 2 asks for one and cannot stand.
    check(
        "
        a 1
        a 2rc1
        b 1
        b 2 | a>=1rc1 | c>=2
        c 1
        c 2",
        &["b", "a>=1", "c<2"],
        "a==1 b==1 c==1",
    );
    // p 2 brings in b, which asks for one; neither is in the answer.
    check(
        "
        a 1
        a 2rc1
        b 1 | a>=1rc1 | c>=2
        c 1
        c 2
        p 1
        p 2 | b",
        &["p", "a>=1", "c<2"],
        "a==1 c==1 p==1",
    );
}

#[test]
fn a_conflict_opens_no_door_to_prereleases() {
    check(
        "
        a 1 | b<2
        a 2rc1 | b>=2
        b 1
        b 2",
        &["a", "b>=2"],
        "there is no solution, since
        you require a (in.txt, line 1)
        you require b>=2 (in.txt, line 2)
        a 1 requires b<2
        hint: a 2rc1 is a pre-release; to take it, require a>=2rc1, or allow pre-releases with --pre",
    );
}

#[test]
fn tells_what_is_not_there() {
    check(
        "a 1",
        &["b"],
        "there is no solution, since\nyou require b (in.txt, line 1)\nno index has a project named b",
    );
    check("a", &["a"], "there is no solution, since\nyou require a (in.txt, line 1)\na has no releases");
    check(
        "a 1\na 2",
        &["a>5"],
        "there is no solution, since\nyou require a>5 (in.txt, line 1)\na has no version in >5: it has 1 to 2",
    );
    check(
        "a 1 | x>=1.5\nb 1 | x<2\nx 1\nx 2",
        &["a", "b"],
        "there is no solution, since
        you require a (in.txt, line 1)
        you require b (in.txt, line 2)
        a 1 requires x>=1.5
        b 1 requires x<2
        x has no version in >=1.5,<2: it has 1 to 2",
    );
}

#[test]
fn tells_a_conflict_by_its_requirements() {
    check(
        "
        flask 3.0 | werkzeug>=3
        flask 3.1 | werkzeug>=3.1
        werkzeug 2.3
        werkzeug 3.1",
        &["flask>=3", "werkzeug<3"],
        "there is no solution, since
        you require flask>=3 (in.txt, line 1)
        you require werkzeug<3 (in.txt, line 2)
        every version of flask requires werkzeug>=3",
    );
    check(
        "a 1\na 2",
        &["a<2", "a>=2"],
        "there is no solution, since\nyou require a<2 (in.txt, line 1)\nyou require a>=2 (in.txt, line 2)",
    );
}

#[test]
fn an_address_is_taken_from_the_user_alone() {
    // The facts know the one wheel that the address names.
    let by_address = "b @ https://example.org/b-1-py3-none-any.whl";
    check("b 1", &[by_address], "b==1");
    let text = format!("a 1\na 2 | {by_address}\nb 1");
    check(&text, &["a", by_address], "a==2 b==1");
    check(&text, &["a", "b @ https://example.org/other/b-1-py3-none-any.whl"], "a==1 b==1");
    check(
        "
        a 1
        a 2 | b @ https://example.org/b-1-py3-none-any.whl",
        &["a"],
        "a==1",
    );
}

#[test]
fn text_of_others_stays_on_its_line() {
    let mut facts = world("a 1 yanked=x");
    let release = facts.projects.get_mut(&"a".parse::<PackageName>().unwrap()).unwrap();
    release.values_mut().for_each(|release| release.wheels[0].yanked = Some("bad\n\u{1b}[31mred".to_owned()));
    assert_eq!(
        outcome(&facts, &request(&["a==1"])),
        "a==1\na 1 was yanked (bad  [31mred); it is taken since you pin it."
    );
}

#[test]
fn a_long_proof_is_told_briefly() {
    // Each version falls by a reason of its own: the solver's proof is as deep as there are versions.
    let versions: String = (1..400).map(|version| format!("a {version} | b=={version}.5\n")).collect();
    let text = outcome(&world(&format!("{versions}b 1")), &request(&["a", "b"]));
    assert!(text.starts_with("there is no solution, since\n  you require a (in.txt, line 1)\n"), "{text}");
    assert!(text.lines().count() < 20, "{text}");
}
