//! Signed locks: what pipward signs ssh-keygen verifies, and the other way round; and today's policy on a standing lock.

use std::path::Path;

use pipward::error::Code;

use super::{configure, hours_ago, index, install, lock, page, strictly};
use crate::support::run::{Output, Run, scratch};
use crate::support::server::{Published, Server};
use crate::support::world::{publish, text, wheel, write};

fn keygen(directory: &Path, arguments: &[&str]) -> Output {
    Run::new("ssh-keygen").dir(directory).args(arguments).run()
}

/// A new key, and its public half.
fn key(directory: &Path, file: &str, more: &[&str]) -> String {
    let made = ["-q", "-t", "ed25519", "-C", "test", "-f", file];
    let passphrase: &[&str] = if more.contains(&"-N") { &[] } else { &["-N", ""] };
    keygen(directory, &[made.as_slice(), passphrase, more].concat()).ok();
    let public = text(directory, &format!("{file}.pub"));
    public.trim().rsplit_once(' ').unwrap().0.to_owned()
}

fn verify_lock(directory: &Path, arguments: &[&str]) -> Output {
    strictly(directory, &["verify-lock", "-f", "signers"]).args(arguments).run()
}

/// A project with a lock, and a key that may sign it.
fn project() -> (Server, tempfile::TempDir, String) {
    let (server, scratch) = (Server::start(), scratch());
    let at = publish(&server, vec![wheel("plum", "1")]);
    configure(scratch.path(), &index("here", &at, ""));
    let public = key(scratch.path(), "id", &[]);
    write(scratch.path(), "signers", &format!("# who\nrelease@example.org,ci@example.org {public}\n"));
    (server, scratch, public)
}

/// Whether ssh-keygen verifies the signature beside the lock.
fn keygen_verifies(directory: &Path) -> bool {
    let sign = "-Y verify -n pipward-lock -f signers -I ci@example.org -s pylock.toml.sig < pylock.toml";
    Run::new("sh").dir(directory).args(["-c", &format!("ssh-keygen {sign}")]).run().code == Some(0)
}

#[test]
fn what_pipward_signs_ssh_keygen_verifies_and_the_other_way_round() {
    let (_server, scratch, _) = project();
    let directory = scratch.path();
    lock(directory, &["plum", "--sign-key", "id"]).ok();
    verify_lock(directory, &[]).ok().stderr_has("release@example.org");
    verify_lock(directory, &["-I", "ci@example.org"]).ok();
    verify_lock(directory, &["-I", "eve@example.org"]).refused(Code::LockSignature);
    assert!(keygen_verifies(directory));
    let ours = text(directory, "pylock.toml.sig");
    std::fs::remove_file(directory.join("pylock.toml.sig")).unwrap();
    verify_lock(directory, &[]).refused(Code::LockUnsigned);
    keygen(directory, &["-q", "-Y", "sign", "-n", "pipward-lock", "-f", "id", "pylock.toml"]).ok();
    verify_lock(directory, &[]).ok();
    assert_eq!(text(directory, "pylock.toml.sig").trim(), ours.trim(), "Ed25519 signs the same bytes alike");
    // One that was made for something else.
    std::fs::remove_file(directory.join("pylock.toml.sig")).unwrap();
    keygen(directory, &["-q", "-Y", "sign", "-n", "git", "-f", "id", "pylock.toml"]).ok();
    verify_lock(directory, &[]).refused(Code::LockSignature).stderr_has("namespace git");
    write(directory, "pylock.toml.sig", &ours.replace("SIGNATURE", "NATURE"));
    verify_lock(directory, &[]).refused(Code::LockSignature);
    write(directory, "pylock.toml.sig", &ours);
    // A changed byte.
    let locked = text(directory, "pylock.toml");
    write(directory, "pylock.toml", &locked.replacen("created-by", "created-bY", 1));
    verify_lock(directory, &[]).refused(Code::LockSignature).stderr_has("changed since");
    assert!(!keygen_verifies(directory));
}

#[test]
fn the_lines_of_allowed_signers_count_as_ssh_keygen_counts_them() {
    let (_server, scratch, public) = project();
    let directory = scratch.path();
    lock(directory, &["plum", "--sign-key", "id"]).ok();
    for (line, expected) in [
        (format!("*@example.org namespaces=\"git,pipward-*\" {public} a comment"), true),
        (format!("ci@example.org namespaces=\"git\" {public}"), false),
        (format!("*,!ci@example.org {public}"), false),
        (format!("ci@example.org valid-after=\"20200101\",valid-before=\"20990101Z\" {public}"), true),
        (format!("ci@example.org valid-before=\"20200101000000Z\" {public}"), false),
        (format!("ci@example.org valid-after=\"209901010000\" {public}"), false),
        ("ci@example.org ".to_owned() + &key(directory, "other", &[]), false),
    ] {
        write(directory, "signers", &format!("{line}\n"));
        assert_eq!(keygen_verifies(directory), expected, "ssh-keygen: {line}");
        let verified = verify_lock(directory, &["-I", "ci@example.org"]);
        if expected { drop(verified.ok()) } else { drop(verified.refused(Code::LockSignature)) }
    }
    for bad in [
        format!("ci@example.org cert-authority {public}"),
        "ci@example.org".to_owned(),
        "ci x y z".to_owned(),
        format!("ci@example.org namespaces=\"git\",namespaces=\"pipward-lock\" {public}"),
        format!("ci@example.org valid-before=\"20200101\",valid-before=\"20990101\" {public}"),
        format!("ci@example.org valid-after=20200101 {public}"),
        format!("ci@example.org namespaces=pipward-lock {public}"),
    ] {
        write(directory, "signers", &format!("{bad}\n"));
        assert!(!keygen_verifies(directory), "ssh-keygen: {bad}");
        verify_lock(directory, &[]).refused(Code::ConfigInvalid).stderr_has("signers:1");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told() {
    let (_server, scratch, _) = project();
    let directory = scratch.path();
    key(directory, "locked", &["-N", "secret"]);
    lock(directory, &["plum", "--sign-key", "locked"]).refused(Code::Usage).stderr_has("passphrase");
    lock(directory, &["plum", "--sign-key", "signers"]).refused(Code::Usage).stderr_has("OpenSSH");
    lock(directory, &["plum", "--sign-key", "nothing"]).refused(Code::Usage).stderr_has("nothing");
    lock(directory, &["plum", "--sign-key", "id", "-o", "-"]).refused(Code::Usage);
    // The signature of before is told of when the lock changes.
    lock(directory, &["plum", "--sign-key", "id"]).ok();
    lock(directory, &["plum<2"]).ok().stderr_has("sign it again");
}

#[test]
fn nothing_is_installed_without_a_signature_where_the_policy_asks_for_one() {
    let (server, scratch, _) = project();
    let directory = scratch.path();
    let here = index("here", &server.url("/simple/"), "");
    let policy = "[policy]\nrequire-signed-lock = true\nallowed-signers = \"signers\"\n";
    lock(directory, &["plum"]).ok();
    configure(directory, &format!("{here}{policy}"));
    install(directory, &[]).refused(Code::LockUnsigned);
    lock(directory, &["--check-policy"]).refused(Code::LockUnsigned);
    strictly(directory, &["sync", "--venv", "new"]).run().refused(Code::LockUnsigned);
    strictly(directory, &["download", "-r", "pylock.toml", "-d", "wheels"]).run().refused(Code::LockUnsigned);
    lock(directory, &["plum", "--sign-key", "id"]).ok();
    install(directory, &[]).ok();
    lock(directory, &["--check-policy"]).ok();
    strictly(directory, &["verify-lock"]).run().ok();
    // By name, from the signed lock; a requirements file beside it is not signed.
    strictly(directory, &["install", "plum", "--venv", "named"]).run().ok();
    let sha256 = pipward::digest::Sha256::of(&wheel("plum", "1").build().1);
    write(directory, "requirements.txt", &format!("plum==1 --hash=sha256:{sha256}\n"));
    let hashed = ["install", "-i", &server.url("/simple/"), "-r", "requirements.txt", "--venv", "hashed"];
    strictly(directory, &hashed).run().refused(Code::LockUnsigned);
    keygen(directory, &["-q", "-Y", "sign", "-n", "pipward-lock", "-f", "id", "requirements.txt"]).ok();
    strictly(directory, &hashed).run().ok();
    write(directory, "pylock.toml", &format!("{}# \n", text(directory, "pylock.toml")));
    install(directory, &[]).refused(Code::LockSignature);
    configure(directory, &format!("{here}[policy]\nrequire-signed-lock = true\n"));
    install(directory, &[]).refused(Code::ConfigInvalid).stderr_has("allowed-signers");
}

/// The bytes that are checked are those that are parsed: a lock that can be read only once is enough.
#[test]
fn a_signed_lock_is_read_once() {
    let (server, scratch, _) = project();
    let directory = scratch.path();
    let policy = "[policy]\nrequire-signed-lock = true\nallowed-signers = \"signers\"\n";
    configure(directory, &format!("{}{policy}", index("here", &server.url("/simple/"), "")));
    lock(directory, &["plum", "--sign-key", "id"]).ok();
    let (bytes, pipe) = (text(directory, "pylock.toml"), directory.join("pylock.once.toml"));
    write(directory, "pylock.once.toml.sig", &text(directory, "pylock.toml.sig"));
    let once = |bytes: String| {
        let pipe = pipe.clone();
        let _ = std::fs::remove_file(&pipe);
        Run::new("mkfifo").arg(&pipe).run().ok();
        std::thread::spawn(move || std::fs::write(pipe, bytes))
    };
    let fetch = ["download", "-r", "pylock.once.toml", "-d", "wheels"];
    once(bytes.clone());
    strictly(directory, &fetch).run().ok();
    once(format!("{bytes}# \n"));
    strictly(directory, &fetch).run().refused(Code::LockSignature);
    once(bytes);
    strictly(directory, &["install", "--venv", "env", "-r", "pylock.once.toml"]).run().ok();
}

#[test]
fn todays_policy_is_applied_to_a_standing_lock() {
    let (server, scratch) = (Server::start(), scratch());
    let directory = scratch.path();
    page(
        &server,
        "plum",
        &[Published::new(wheel("plum", "1").build()).uploaded(&hours_ago(100))],
        &serde_json::json!({}),
    );
    let here = index("here", &server.url("/simple/"), "");
    configure(directory, &here);
    lock(directory, &["plum"]).ok();
    let asked = server.requests().len();
    lock(directory, &["--check-policy"]).ok();
    configure(directory, &format!("{here}[policy]\nmin-release-age = \"200h\"\n"));
    lock(directory, &["--check-policy"]).refused(Code::ReleaseAge).stderr_has("plum 1");
    assert_eq!(server.requests().len(), asked, "no index is asked");
    install(directory, &[]).ok().stderr_has("release-age");
    let fetch = ["download", "-r", "pylock.toml", "-d", "wheels"];
    strictly(directory, &fetch).run().ok().stderr_has("release-age");
    configure(directory, &format!("{here}[policy]\nmin-release-age = \"200h\"\nrelease-age = \"deny\"\n"));
    install(directory, &[]).refused(Code::ReleaseAge);
    let exception = super::exception("release-age", "plum", "");
    configure(directory, &format!("{here}[policy]\nmin-release-age = \"200h\"\n{exception}"));
    lock(directory, &["--check-policy"]).ok();
    install(directory, &[]).ok();
    let moved =
        text(directory, "pylock.toml").replace(&server.url("/files/"), "https://elsewhere.example/files/");
    write(directory, "pylock.toml", &moved);
    lock(directory, &["--check-policy"]).refused(Code::FileHost);
    write(directory, "pylock.toml", &moved.replace("plum", "requets"));
    lock(directory, &["--check-policy"]).refused(Code::LookAlike);
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    lock(directory, &["--check-policy"]).refused(Code::LockNotFound);
}
