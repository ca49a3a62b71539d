//! Where our universal answers differ, or differed, from those of uv 0.13.9 for real projects: each kind as a small world,
//! with the specification's sentence that decides it. The names are those of the projects in which it was found.

use crate::universal::check;

/// scrapy: there is no wheel of what it needs on PyPy. "When it evaluates to False, the dependency specification should be
/// ignored" (PEP 508): where the marker holds it counts, so that an answer for all environments has the newest release
/// that can be had in all. (`pipward lock` asks for CPython alone, where nobody names another implementation, and gets the
/// newest: the scenario `on-cpython-alone`.) uv takes one between the two on CPython, since that release happens to name another project
/// twice, under markers that tell PyPy from the rest; on PyPy it takes what we take.
#[test]
fn what_lacks_on_one_implementation_holds_a_release_back() {
    check(
        "
        scrapy 1 | lxml
        scrapy 2 | lxml>=1 ; platform_python_implementation == 'CPython' | lxml>=2 ; platform_python_implementation == 'PyPy' | pypydispatcher ; platform_python_implementation == 'PyPy'
        scrapy 3 | lxml | pypydispatcher ; platform_python_implementation == 'PyPy'
        lxml 2
        pypydispatcher 1 sdist",
        &["scrapy"],
        "
        lxml 2
        scrapy 1",
    );
}

/// With an address, which no index vouches for, it is known at once what cannot be had in a part (PEP 508, as above): the
/// side that can have the newest is solved first, and is not held back by the other.
#[test]
fn what_cannot_be_had_in_a_part_holds_nobody_else_back() {
    check(
        "
        app 1
        app 2 | tool @ https://example.org/tool-1-py3-none-any.whl ; sys_platform == 'win32'",
        &["app"],
        "
        app 1 ; sys_platform == 'win32'
        app 2 ; sys_platform != 'win32'",
    );
}

/// sphinx and docutils, litellm and importlib-metadata, sympy and mpmath: one of two can have its newest. "When multiple
/// candidate versions match a version specifier, the preferred version SHOULD be the latest" (PEP 440) is said of each
/// alone. A project that lost five versions to what was decided before it is decided first, so that nobody gets an
/// ancient one for the sake of the newest of another.
#[test]
fn a_project_that_lost_many_versions_is_decided_first() {
    let old: String = (2..9).map(|version| format!("sphinx {version} | docutils<2\n")).collect();
    let world = format!("docutils 1\ndocutils 2\nsphinx 1 | docutils\n{old}");
    check(&world, &["docutils", "sphinx"], "docutils 1\nsphinx 8");
}

/// With few versions lost, the order of the user's requirements decides.
#[test]
fn a_project_that_lost_few_versions_is_not() {
    let old: String = (2..5).map(|version| format!("sphinx {version} | docutils<2\n")).collect();
    let world = format!("docutils 1\ndocutils 2\nsphinx 1 | docutils\n{old}");
    check(&world, &["docutils", "sphinx"], "docutils 2\nsphinx 1");
}

/// protobuf among three hundred projects: what a version asked for that was given up binds nobody, and "the preferred
/// version SHOULD be the latest" (PEP 440). uv's answer keeps an older protobuf, though its other versions are ours.
#[test]
fn what_was_given_up_holds_nobody_back() {
    check(
        "
        tool 1 | protobuf
        tool 2 | protobuf<7 | gone
        protobuf 6
        protobuf 7",
        &["tool", "protobuf"],
        "protobuf 7\ntool 1",
    );
}

/// The newest for each Python, wherever that stands: in the index or in METADATA alone. "This field specifies the Python
/// version(s) that the distribution is compatible with" (core metadata, Requires-Python). The side of a fork with the
/// newer versions is solved first, so that the older one of the other side is not preferred there.
#[test]
fn a_python_that_only_the_metadata_tell_forks_all_the_same() {
    check(
        "
        plum 1 | stone<2 ; sys_platform == 'win32' | stone ; sys_platform != 'win32'
        stone 1
        stone 2 meta-python=>=3.12",
        &["plum"],
        "
        plum 1
        stone 1 ; python_version < '3.12' or sys_platform == 'win32'
        stone 2 ; python_version >= '3.12' and sys_platform != 'win32'",
    );
}
