//! Wheels that are named by address: several for one name, and those that packages name.

use pipward::digest::Sha256;
use pipward::error::Code;

use crate::support::run::scratch;
use crate::support::server::Server;
use crate::support::wheels::WheelBuilder;
use crate::support::world::{lock, packages, publish, text, wheel, write};

/// `NAME @ ADDRESS#sha256=…` of a wheel that the server has from now on.
fn named(server: &Server, name: &str, wheel: &WheelBuilder) -> String {
    let (file, bytes) = wheel.build();
    let path = format!("/elsewhere/{file}");
    let hash = Sha256::of(&bytes);
    server.file(&path, bytes);
    format!("{name} @ {}#sha256={hash}", server.url(&path))
}

#[test]
fn one_name_has_an_address_for_each_system() {
    let server = Server::start();
    let linux = wheel("torch", "2+cpu").tag("py3-none-manylinux_2_17_x86_64").platlib().requires("leaf");
    let linux = named(&server, "torch", &linux);
    let mac = named(&server, "torch", &wheel("torch", "2").tag("py3-none-macosx_11_0_arm64").platlib());
    let index = publish(&server, vec![wheel("leaf", "1"), wheel("plum", "1").requires("torch>=2")]);
    let scratch = scratch();
    let directory = scratch.path();
    let lines = format!("plum\n{linux} ; sys_platform == 'linux'\n{mac} ; sys_platform == 'darwin'\n");
    write(directory, "a.in", &lines.replace("plum", "plum ; sys_platform != 'win32'"));
    let options = ["-r", "a.in", "--python-version", "3.10"];
    write(directory, "pipward.toml", "environments = ['linux', 'macos']\n");
    lock(directory, &index, &options).ok();
    assert_eq!(
        packages(directory),
        [
            "leaf 1 ; sys_platform == 'linux'",
            "plum 1",
            "torch 2 ; sys_platform == 'darwin'",
            "torch 2+cpu ; sys_platform == 'linux'"
        ]
    );
    let first = text(directory, "pylock.toml");
    assert!(first.contains("/elsewhere/torch-2-py3-none-macosx_11_0_arm64.whl"), "{first}");
    lock(directory, &index, &options).ok();
    assert_eq!(text(directory, "pylock.toml"), first);
}

#[test]
fn two_wheels_of_one_version_are_one_package() {
    let server = Server::start();
    let linux = wheel("torch", "2").tag("py3-none-manylinux_2_17_x86_64").platlib();
    let linux = named(&server, "torch", &linux.requires("leaf").requires("seed"));
    let mac = wheel("torch", "2").tag("py3-none-macosx_11_0_arm64").platlib().requires("leaf");
    let mac = named(&server, "torch", &mac);
    let index = publish(&server, vec![wheel("leaf", "1"), wheel("seed", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "pipward.toml", "environments = ['linux', 'macos']\n");
    write(
        directory,
        "a.in",
        &format!("{linux} ; sys_platform == 'linux'\n{mac} ; sys_platform == 'darwin'\n"),
    );
    lock(directory, &index, &["-r", "a.in", "--python-version", "3.10"]).ok();
    assert_eq!(packages(directory), ["leaf 1", "seed 1 ; sys_platform == 'linux'", "torch 2"]);
    let made = text(directory, "pylock.toml");
    assert!(made.contains("manylinux_2_17_x86_64.whl") && made.contains("macosx_11_0_arm64.whl"), "{made}");
}

#[test]
fn addresses_that_a_lock_cannot_tell_apart_are_refused() {
    let server = Server::start();
    let one = named(&server, "torch", &wheel("torch", "2").build_tag("1"));
    let two = named(&server, "torch", &wheel("torch", "2").build_tag("2"));
    let index = publish(&server, vec![]);
    let scratch = scratch();
    write(
        scratch.path(),
        "a.in",
        &format!("{one} ; sys_platform == 'linux'\n{two} ; sys_platform == 'darwin'\n"),
    );
    lock(scratch.path(), &index, &["-r", "a.in"])
        .refused(Code::DuplicatePackage)
        .stderr_has("some machine takes either of them")
        .stderr_has("a.in:2");
}

#[test]
fn a_policy_lets_a_package_name_addresses() {
    let server = Server::start();
    let stone = named(&server, "stone", &wheel("stone", "5"));
    let index = publish(
        &server,
        vec![wheel("plum", "1").requires(&stone), wheel("stone", "1"), wheel("leaf", "1").requires("stone")],
    );
    let scratch = scratch();
    let directory = scratch.path();
    let refused = || {
        lock(directory, &index, &["leaf", "plum"])
            .refused(Code::NoSolution)
            .stderr_has("plum 1 depends on stone by its address");
    };
    refused();
    let exception = |package: &str| {
        let text = format!(
            "[[policy.exception]]\ncode = 'address-refused'\npackage = '{package}'\nreason = 'our own'\n"
        );
        write(directory, "pipward.toml", &text);
    };
    exception("leaf");
    refused();
    exception("plum");
    lock(directory, &index, &["leaf", "plum"])
        .ok()
        .stderr_has("stone 5 comes from an address that plum 1 names");
    assert_eq!(packages(directory), ["leaf 1", "plum 1", "stone 5"]);
    assert!(text(directory, "pylock.toml").contains("/elsewhere/stone-5-py3-none-any.whl"));
}

#[test]
fn addresses_of_versions_that_were_given_up_count_for_nothing() {
    let server = Server::start();
    let stone = named(&server, "stone", &wheel("stone", "5"));
    let index = publish(
        &server,
        vec![
            wheel("plum", "1").requires("stone"),
            wheel("plum", "2").requires(&stone).requires("leaf>=2"),
            wheel("stone", "1"),
            wheel("leaf", "1"),
            wheel("leaf", "2"),
            wheel("seed", "1").requires("leaf<2"),
        ],
    );
    let scratch = scratch();
    let directory = scratch.path();
    let exception = "[[policy.exception]]\ncode = 'address-refused'\npackage = 'plum'\nreason = 'our own'\n";
    write(directory, "pipward.toml", exception);
    lock(directory, &index, &["plum", "seed"]).ok();
    assert_eq!(packages(directory), ["leaf 1", "plum 1", "seed 1", "stone 1"]);
}

#[test]
fn an_address_that_a_package_names_has_a_hash() {
    let server = Server::start();
    let stone = named(&server, "stone", &wheel("stone", "5"));
    let bare = stone.split('#').next().unwrap();
    let index = publish(&server, vec![wheel("plum", "1").requires(bare)]);
    let scratch = scratch();
    let exception = "[[policy.exception]]\ncode = 'address-refused'\npackage = 'plum'\nreason = 'our own'\n";
    write(scratch.path(), "pipward.toml", exception);
    lock(scratch.path(), &index, &["plum"]).refused(Code::HashMissing).stderr_has("METADATA of plum 1");
}
