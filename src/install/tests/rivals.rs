//! Plans of one run that bring different files of one name, and what stands in their way.

use super::*;

const NAMES: [&str; 3] = ["one", "two", "three"];

/// Plans that bring one file: its content, and whether it gives way.
fn plans(world: &World, path: &str, files: &[(&str, bool)]) -> Vec<InstallPlan> {
    let of = |(name, (content, gives_way)): (&&str, &(&str, bool))| {
        let mut plan = world.plan(name, "1.0", &[(path, content)]);
        for file in plan.files.iter_mut().filter(|file| file.destination.ends_with(path)) {
            file.gives_way = *gives_way;
        }
        plan
    };
    NAMES.iter().zip(files).map(of).collect()
}

/// What stands once all plans were added, whatever their order.
#[track_caller]
fn check(files: &[(&str, bool)], expected: Result<&str, Code>) {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let world = World::new();
        let plans = plans(&world, "share/thing", files);
        let ordered: Vec<&InstallPlan> = order.iter().filter_map(|at| plans.get(*at)).collect();
        match expected {
            Ok(content) => {
                world.install(&ordered).unwrap();
                assert_eq!(world.tree()[Path::new("share/thing")].1, content, "{order:?}");
                let held: Vec<bool> = plans
                    .iter()
                    .map(|plan| world.session().unwrap().holds(&world.wheel, plan).unwrap())
                    .collect();
                assert_eq!(held, vec![true; plans.len()], "{order:?}");
            }
            Err(code) => drop(world.check_refused(&ordered, code)),
        }
    }
}

#[test]
fn what_several_bring_gives_way_only_where_all_of_them_let_it() {
    check(&[("a", true), ("b", false)], Ok("b"));
    check(&[("a", false), ("b", true), ("c", true)], Ok("a"));
    check(&[("a", true), ("a", true), ("b", false)], Ok("b"));
    check(&[("a", true), ("a", false), ("b", false)], Err(Code::FileConflict));
    check(&[("a", false), ("b", false)], Err(Code::FileConflict));
}

#[test]
fn a_document_is_left_out_for_somebody_elses_and_for_nothing() {
    let world = World::new();
    let [path, other] = ["share/pkg/LICENSE", "share/pkg/tool"];
    let pkg = world.plan("pkg", "1.0", &[(path, "text"), (other, "tool")]);
    world.install(&[&pkg]).unwrap();
    let record = world.prefix.join(SITE).join("pkg-1.0.dist-info/RECORD");
    let whole = std::fs::read_to_string(&record).unwrap();
    let holds_without = |part: &str| {
        let left = whole.lines().filter(|line| !line.contains(part));
        std::fs::write(&record, left.fold(String::new(), |all, line| all + line + "\n")).unwrap();
        world.session().unwrap().holds(&world.wheel, &pkg).unwrap()
    };
    assert!(holds_without("nothing of the kind"));
    assert!(!holds_without("LICENSE"), "nobody has it");
    std::fs::write(&record, &whole).unwrap();
    world.install(&[&world.plan("their", "1.0", &[(path, "text"), (other, "tool")])]).unwrap();
    assert!(holds_without("LICENSE"));
    assert!(!holds_without("pkg/tool"), "it is no document");
}

#[test]
fn a_file_becomes_a_directory_where_it_goes_itself() {
    let world = World::populated();
    let path = format!("{SITE}/stays.py/deep.py");
    world.check_refused(&[&world.plan("new", "1", &[(&path, "")])], Code::FileConflict);
    let next = world.plan("stays", "2.0", &[(&path, "new")]);
    world.install(&[&next]).unwrap();
    assert_eq!(world.tree()[&PathBuf::from(path)].1, "new");
}

/// An environment that the run makes itself.
fn install_fresh(world: &World, plans: &[InstallPlan]) -> Result<PathBuf, Problems> {
    let prefix = world.directory.path().canonicalize().unwrap().join("fresh");
    let session = Session::build(&prefix, scheme(&prefix), |at| {
        skeleton(at);
        Ok(())
    })?;
    for plan in plans {
        session.add(&world.wheel, plan)?;
    }
    session.finish()?;
    Ok(prefix)
}

#[test]
fn in_a_new_environment_two_plans_bring_no_different_files_either() {
    let world = World::new();
    let at = |content: &'static str, name: &str| {
        plan(
            &world.directory.path().canonicalize().unwrap().join("fresh"),
            name,
            "1.0",
            &[("share/thing", content)],
        )
    };
    let problems = install_fresh(&world, &[at("a", "one"), at("b", "two")]).unwrap_err();
    let told: Vec<_> = problems.iter().map(|one| (one.code(), one.package_name())).collect();
    assert_eq!(told, [(Code::FileConflict, Some("one 1.0"))]);
    assert!(!world.directory.path().join("fresh").exists());
    let problems = install_fresh(&world, &[at("b", "two"), at("a", "one")]).unwrap_err();
    assert_eq!(problems.iter().next().unwrap().package_name(), Some("one 1.0"), "whichever came first");
    install_fresh(&world, &[at("a", "one"), at("a", "two")]).unwrap();
}

/// The same words whichever came first.
#[test]
fn a_file_and_a_directory_of_two_plans_are_told_alike_in_either_order() {
    let world = World::new();
    let prefix = world.directory.path().canonicalize().unwrap().join("fresh");
    let file = plan(&prefix, "one", "1.0", &[("share/thing", "a")]);
    let below = plan(&prefix, "two", "1.0", &[("share/thing/b/c", ""), ("share/thing/d", "")]);
    let told = |plans: [&InstallPlan; 2]| {
        let problems = install_fresh(&world, &plans.map(Clone::clone)).unwrap_err();
        problems.iter().map(|one| format!("{one} {:?}", one.place())).collect::<Vec<_>>()
    };
    let (one, other) = (told([&file, &below]), told([&below, &file]));
    assert_eq!(one, other);
    assert!(one.len() == 1 && one[0].contains(prefix.join("share/thing").to_str().unwrap()), "{one:?}");
}

#[test]
fn a_file_that_one_of_several_wants_to_run_can_be_run() {
    for executable in [[false, true, false], [true, false, false], [false, false, true], [false; 3]] {
        for contents in [["a", "a", "a"], ["b", "a", "a"]] {
            let world = World::new();
            let files: Vec<(&str, bool)> =
                contents.iter().map(|content| (*content, *content == "b")).collect();
            let mut plans = plans(&world, "share/thing", &files);
            for (plan, executable) in plans.iter_mut().zip(executable) {
                for file in plan.files.iter_mut().filter(|file| file.destination.ends_with("share/thing")) {
                    file.executable = executable;
                }
            }
            world.install(&plans.iter().collect::<Vec<_>>()).unwrap();
            let (mode, content) = &world.tree()[Path::new("share/thing")];
            let wanted = executable.iter().zip(contents).any(|(wants, of)| *wants && of == *content);
            assert_eq!((mode & 0o100 != 0, content.as_str()), (wanted, "a"), "{executable:?} {contents:?}");
        }
    }
}
