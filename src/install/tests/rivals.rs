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
