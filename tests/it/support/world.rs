//! A small index, and locks made from it.

use std::collections::BTreeMap;
use std::path::Path;

use super::run::{Output, pipward};
use super::server::{Published, Server, Style};
use super::wheels::WheelBuilder;

/// A wheel with one module.
pub fn wheel(name: &str, version: &str) -> WheelBuilder {
    WheelBuilder::new(name, version).file(&format!("{name}.py"), format!("version = '{version}'\n"))
}

/// Puts wheels on an index, by name. Returns its address.
pub fn publish(server: &Server, wheels: Vec<WheelBuilder>) -> String {
    offer(server, wheels.into_iter().map(|wheel| Published::new(wheel.build())).collect())
}

/// Puts files on an index, by name. Returns its address.
pub fn offer(server: &Server, files: Vec<Published>) -> String {
    let mut by_name: BTreeMap<String, Vec<Published>> = BTreeMap::new();
    for file in files {
        let name = file.name.split('-').next().unwrap().to_owned();
        by_name.entry(name).or_default().push(file);
    }
    for (name, files) in by_name {
        server.publish(&name, &files, &Style::default());
    }
    server.url("/simple/")
}

/// `pipward lock` in a directory.
pub fn lock(directory: &Path, index: &str, arguments: &[&str]) -> Output {
    pipward(["lock", "-i", index]).args(arguments).dir(directory).run()
}

/// A file of a directory.
pub fn text(directory: &Path, file: &str) -> String {
    std::fs::read_to_string(directory.join(file)).unwrap()
}

/// Writes a file of a directory.
pub fn write(directory: &Path, file: &str, text: &str) {
    std::fs::write(directory.join(file), text).unwrap();
}

/// `name version ; marker` of each entry of a directory's pylock.toml.
pub fn packages(directory: &Path) -> Vec<String> {
    let lock = pipward::lock::pylock::read(&directory.join("pylock.toml")).unwrap();
    let told = |package: &pipward::lock::LockedPackage| {
        let marker = package.marker.as_ref().map(|marker| format!(" ; {}", marker.text)).unwrap_or_default();
        format!("{} {}{marker}", package.name, package.version.as_ref().unwrap())
    };
    lock.packages.iter().map(|package| told(package)).collect()
}
