//! What may enter a lock, and from where an install takes it: indexes, ages, names and statuses, through the command line.

mod ages;
mod attacks;
mod credentials;
mod findings;
mod hashes;
mod hosts;
mod indexes;
mod names;
mod provenance;
mod publishers;
mod signed;
mod statuses;

use std::path::Path;

use pipward::digest::Sha256;
use serde_json::{Value, json};

use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, pipward};
use crate::support::server::{Published, Response, Server};
use crate::support::world::write;

/// Puts a project's page on an index, with keys of its own beside the files; the files too.
fn page(server: &Server, name: &str, files: &[Published], more: &Value) {
    let mut listed = Vec::new();
    for file in files {
        server.file(&format!("/files/{}", file.name), file.bytes.clone());
        let mut entry = json!({
            "filename": file.name, "url": server.url(&format!("/files/{}", file.name)),
            "hashes": {"sha256": Sha256::of(&file.bytes).to_string()},
        });
        if let Some(time) = &file.upload_time {
            entry["upload-time"] = time.clone().into();
        }
        if let Some(reason) = &file.yanked {
            entry["yanked"] = reason.clone().into();
        }
        listed.push(entry);
    }
    let mut page = json!({"meta": {"api-version": "1.4"}, "name": name, "versions": [], "files": listed});
    for (key, value) in more.as_object().into_iter().flatten() {
        page[key] = value.clone();
    }
    let page = Response::ok(page.to_string());
    server.serve(
        &format!("/simple/{name}/"),
        page.header("Content-Type", "application/vnd.pypi.simple.v1+json"),
    );
}

/// `[[index]]` of a pipward.toml.
fn index(name: &str, url: &str, more: &str) -> String {
    format!("[[index]]\nname = \"{name}\"\nurl = \"{url}\"\n{more}\n")
}

/// `[[policy.exception]]` of a pipward.toml.
fn exception(code: &str, package: &str, more: &str) -> String {
    format!(
        "[[policy.exception]]\ncode = \"{code}\"\npackage = \"{package}\"\nreason = \"it was looked at\"\n{more}\n"
    )
}

/// A run in a directory, where nothing but its pipward.toml says where files may come from.
fn strictly(directory: &Path, arguments: &[&str]) -> Run {
    pipward(arguments).dir(directory).env("PIPWARD_FILE_HOSTS", "")
}

/// `pipward lock`, by the configuration alone.
fn lock(directory: &Path, arguments: &[&str]) -> Output {
    strictly(directory, &["lock"]).args(arguments).run()
}

/// `pipward install` of ./pylock.toml into a new environment, by the configuration alone.
fn install(directory: &Path, arguments: &[&str]) -> Output {
    let environment = tempfile::Builder::new().prefix("env-").tempdir_in(directory).unwrap();
    let run = strictly(directory, &["install", "-r", "pylock.toml", "--venv"]);
    run.arg(environment.path().join("venv"))
        .arg("--python")
        .arg(any_python().executable)
        .args(arguments)
        .run()
}

/// Writes pipward.toml.
fn configure(directory: &Path, text: &str) {
    write(directory, "pipward.toml", text);
}

/// A time so many hours ago, to the second.
fn hours_ago(hours: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now - hours * 3600).unwrap().to_string()
}

/// Whether an index was asked about a name.
fn was_asked(server: &Server, name: &str) -> bool {
    server.requests().iter().any(|request| request.path.contains(name))
}
