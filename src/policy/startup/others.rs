//! What other programs than Python run by themselves, and names of programs that people mean to be the system's.
//!
//! Owns: both tables, with what is to be said of each. Pure. Never: takes in a place that honest wheels fill: completions of
//! shells, manual pages, menus of desktops, and what Jupyter is told in JSON.

use std::path::Path;

use crate::wheel::beneath::folded;

/// Places in the prefix, in small letters: a file there, or below, is run or obeyed by a program that nobody asked to. A part
/// with `*` is how a name begins or ends.
#[rustfmt::skip]
const PLACES: &[(&str, &str)] = &[
    ("share/fish/vendor_conf.d", "each fish runs what is in this folder when it starts"),
    ("share/fish/vendor_functions.d", "fish takes functions from this folder in place of programs"),
    ("etc/fish/conf.d", "each fish runs what is in this folder when it starts"),
    ("etc/fish/config.fish", "each fish runs this file when it starts"),
    ("etc/fish/functions", "fish takes functions from this folder in place of programs"),
    ("etc/profile*", "shells run this at each login"),
    ("etc/bash.bashrc", "each bash runs this file when it starts"),
    ("etc/bashrc", "each bash runs this file when it starts"),
    ("etc/zsh", "each zsh runs what is in this folder when it starts"),
    ("etc/zshenv", "each zsh runs this file when it starts"),
    ("etc/zshrc", "each zsh runs this file when it starts"),
    ("etc/zprofile", "each zsh runs this file at a login"),
    ("etc/zlogin", "each zsh runs this file at a login"),
    ("etc/csh*", "each csh runs this file when it starts"),
    ("etc/xonsh", "each xonsh runs what is in this folder when it starts"),
    ("share/nushell/vendor/autoload", "each nushell runs what is in this folder when it starts"),
    ("share/fish/functions", "fish takes functions from this folder in place of programs"),
    ("share/fish/config.fish", "each fish runs this file when it starts"),
    ("etc/inputrc", "shells take keys and what these run from it"),
    ("etc/tmux.conf", "each tmux obeys it, and runs what it names"),
    ("etc/x11", "each session of a desktop runs what is in this folder"),
    ("share/gnome/autostart", "each session of a desktop starts what is in this folder"),
    ("etc/environment*", "it sets variables of each session"),
    ("lib/environment.d", "it sets variables of each session"),
    ("etc/ld.so.*", "the loader obeys it in each program"),
    ("etc/cron*", "cron runs what is named there"),
    ("etc/anacrontab", "anacron runs what is named there"),
    ("etc/init*", "it is run when the system starts"),
    ("etc/rc*", "it is run when the system starts"),
    ("etc/systemd", "systemd takes services from this folder"),
    ("lib/systemd", "systemd takes services from this folder"),
    ("share/systemd", "systemd takes services from this folder"),
    ("etc/dbus-1", "D-Bus takes services from this folder"),
    ("share/dbus-1/services", "D-Bus starts what is named there when anybody asks for the service"),
    ("share/dbus-1/system-services", "D-Bus starts what is named there when anybody asks for the service"),
    ("etc/udev", "udev runs what rules in this folder name"),
    ("lib/udev", "udev runs what rules in this folder name"),
    ("etc/sudoers*", "sudo obeys it"),
    ("etc/pam.d", "each login obeys it"),
    ("etc/ssh", "ssh obeys it"),
    ("share/polkit-1/rules.d", "polkit runs rules in this folder"),
    ("etc/polkit-1", "polkit runs rules in this folder"),
    ("etc/xdg/autostart", "each session of a desktop starts what is in this folder"),
    ("share/autostart", "each session of a desktop starts what is in this folder"),
    ("etc/gdb*", "each gdb runs it when it starts"),
    ("share/gdb/auto-load", "gdb runs what is in this folder beside the program of its name"),
    ("share/vim/vimfiles/plugin", "each vim runs what is in this folder when it starts"),
    ("share/nvim/site/plugin", "each nvim runs what is in this folder when it starts"),
    ("share/nvim/site/pack", "each nvim runs what is in this folder when it starts"),
    ("share/nvim/site/after/plugin", "each nvim runs what is in this folder when it starts"),
    ("share/vim/vimfiles/after/plugin", "each vim runs what is in this folder when it starts"),
    ("share/vim/vimfiles/pack", "each vim runs what is in this folder when it starts"),
    ("etc/vim*", "each vim runs it when it starts"),
    ("share/emacs/site-lisp/site-start*", "each emacs runs it when it starts"),
    ("etc/gitconfig", "git obeys it, and runs what it names"),
    ("etc/ipython", "each IPython of the environment runs its configuration"),
    ("share/ipython/profile*", "each IPython of the environment runs what a profile has"),
    ("etc/jupyter/*.py", "each Jupyter of the environment runs its configuration"),
    ("pydistutils.cfg", "builds obey it"),
    ("uv.toml", "uv takes indexes from it"),
    ("etc/uv", "uv takes indexes from it"),
    ("etc/xdg/uv", "uv takes indexes from it"),
    ("etc/pip.conf", "pip takes indexes from it"),
    ("etc/xdg/pip", "pip takes indexes from it"),
    ("etc/npmrc", "npm takes indexes from it"),
    ("pipward.toml", "pipward obeys it"),
];

/// Names with a dot at the start that no program obeys.
const HARMLESS: &[&str] = &[".libs", ".dylibs", ".ds_store", ".gitkeep", ".keep", ".placeholder"];

/// Programs of the system that people and scripts call by their names. In an environment that is activated, its own folder
/// of programs is looked in first. Not in it: names that are words, which projects use for programs of their own, and what
/// wheels honestly bring: compilers, builders, `node`.
#[rustfmt::skip]
const PROGRAMS: &[&str] = &[
    "apt", "apt-get", "awk", "basename", "bash", "bzip2", "cat", "chgrp", "chmod", "chown", "chsh", "cp", "crontab", "csh",
    "curl", "dash", "date", "dd", "df", "dirname", "dnf", "doas", "docker", "dpkg", "du", "egrep", "env", "fgrep", "find",
    "fish", "gawk", "git", "gpg", "gpg2", "grep", "gunzip", "gzip", "head", "hostname", "id", "journalctl", "kill", "killall",
    "ksh", "less", "ln", "login", "ls", "mawk", "mkdir", "mktemp", "mount", "mv", "newgrp", "nohup", "openssl", "passwd",
    "perl", "pgrep", "ping", "pkexec", "pkill", "podman", "ps", "readlink", "realpath", "rm", "rmdir", "rpm", "rsync",
    "runuser", "scp", "sed", "sftp", "sh", "sleep", "sort", "ssh", "ssh-add", "ssh-agent", "ssh-copy-id", "ssh-keygen",
    "stty", "su", "sudo", "sudoedit", "systemctl", "tail", "tar", "tcsh", "tee", "touch", "tr", "tty", "umount", "uname",
    "uniq", "unzip", "vi", "vim", "visudo", "wc", "wget", "which", "whoami", "xargs", "xz", "yum", "zcat", "zip", "zsh",
];

/// Programs that people mean to be those of one project.
const OWNED: &[(&str, &str)] =
    &[("easy_install", "setuptools"), ("pip", "pip"), ("pipward", "pipward"), ("uv", "uv"), ("uvx", "uv")];

/// Why a file of the prefix is run, or obeyed, by programs that nobody asked to, if it is. `tail` is its path in the prefix.
pub(super) fn obeyed(tail: &Path) -> Option<&'static str> {
    tail.to_str()?;
    let path = folded(tail);
    let first = path.split('/').next().unwrap_or_default();
    if first.starts_with('.') && !HARMLESS.contains(&first) {
        return Some("programs obey files whose names begin with a dot, in a home or a project");
    }
    let is_at = |place: &str| {
        let mut parts = path.split('/');
        place.split('/').all(|wanted| parts.next().is_some_and(|part| fits(wanted, part)))
    };
    PLACES.iter().find(|(place, _)| is_at(place)).map(|(_, why)| *why)
}

/// Whether anything in a directory of the prefix may be [`obeyed`], whatever it is called.
pub(super) fn may_hold_obeyed(directory: &Path) -> bool {
    let directory = folded(directory);
    let parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    let is_hidden = parts.first().is_none_or(|first| first.starts_with('.'));
    let leads_to = |place: &str| place.split('/').zip(&parts).all(|(wanted, part)| fits(wanted, part));
    is_hidden || PLACES.iter().any(|(place, _)| leads_to(place))
}

fn fits(wanted: &str, part: &str) -> bool {
    match wanted.split_once('*') {
        Some((start, end)) => part.starts_with(start) && part.ends_with(end),
        None => part == wanted,
    }
}

/// Whose place a program of this name takes, if it takes one.
pub(super) fn stands_for(project: &str, name: &str) -> Option<String> {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let owner = OWNED.iter().find(|(program, _)| {
        let rest = name.strip_prefix(program).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
        rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    });
    if let Some((program, owner)) = owner {
        return (*owner != project).then(|| {
            format!("where the environment is activated, this is run for the {program} of {owner}")
        });
    }
    PROGRAMS
        .contains(&name)
        .then(|| format!("where the environment is activated, this is run for the {name} of the system"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order_and_in_small_letters() {
        assert!(PROGRAMS.is_sorted_by(|one, other| one < other));
        for (place, why) in PLACES {
            assert!(*place == place.to_lowercase() && !place.ends_with('/') && why.len() > 10, "{place}");
        }
    }

    #[test]
    fn above_what_is_obeyed_something_may_be() {
        for (place, _) in PLACES {
            let file = format!("{}/x", place.replace('*', "A"));
            let path = Path::new(&file);
            assert!(obeyed(path).is_some(), "{file}");
            for directory in path.ancestors() {
                assert!(may_hold_obeyed(directory), "{file}: {}", directory.display());
            }
        }
        assert!(may_hold_obeyed(Path::new(".config/x")));
        for directory in ["lib", "LIB", "etc", "share/fish", "lib/udev/rules.d"] {
            assert!(may_hold_obeyed(Path::new(directory)), "{directory}");
        }
        for directory in ["lib/python3.13/site-packages", "lib64/python3.8/site-packages", "bin", "share/man"]
        {
            assert!(!may_hold_obeyed(Path::new(directory)), "{directory}");
        }
    }

    #[test]
    fn honest_places_are_left_alone() {
        for path in [
            "share/man/man1/x.1",
            "share/fish/vendor_completions.d/x.fish",
            "share/bash-completion/completions/x",
            "share/zsh/site-functions/_x",
            "etc/bash_completion.d/x",
            "etc/jupyter/jupyter_server_config.d/x.json",
            "etc/jupyter/nbconfig/notebook.d/x.json",
            "share/jupyter/kernels/x/kernel.json",
            "share/applications/x.desktop",
            "share/polkit-1/actions/com.mesonbuild.install.policy",
            "share/icons/hicolor/x.svg",
            "etc/x.conf",
            "etc/xdg/x/config",
            ".libs/libx.so",
            "x/.hidden",
            "share/x/.bashrc",
        ] {
            assert_eq!(obeyed(Path::new(path)), None, "{path}");
        }
        for (project, name) in [
            ("pip", "pip"),
            ("pip", "pip3.13"),
            ("setuptools", "easy_install-3.8"),
            ("uv", "uvx"),
            ("x", "pip-compile"),
            ("x", "pipx"),
            ("x", "uvicorn"),
            ("x", "git-x"),
            ("x", "ls-x"),
            ("x", "test"),
            ("x", "install"),
            ("cmake", "cmake"),
            ("ninja", "ninja"),
            ("x", "node"),
            ("x", "npm"),
            ("x", "patchelf"),
            ("x", "clang"),
            ("x", "gcc"),
            ("x", "swig"),
            ("x", "make"),
            ("mercurial", "hg"),
        ] {
            assert_eq!(stands_for(project, name), None, "{project} {name}");
        }
    }

    #[test]
    fn what_is_obeyed_is_found_in_any_case() {
        for path in [
            ".bashrc",
            ".config/fish/config.fish",
            ".SSH/authorized_keys",
            ".envrc",
            "share/fish/vendor_conf.d/x.fish",
            "Share/Fish/Vendor_Conf.d/x.fish",
            "etc/profile",
            "etc/profile.d/x.sh",
            "etc/cron.daily/x",
            "etc/crontab",
            "lib/systemd/user/x.service",
            "etc/ipython/ipython_config.py",
            "etc/jupyter/jupyter_server_config.py",
            "etc/xdg/autostart/x.desktop",
            "uv.toml",
        ] {
            assert!(obeyed(Path::new(path)).is_some(), "{path}");
        }
        for (project, name) in
            [("x", "ls"), ("x", "LS"), ("x", "sudo.exe"), ("x", "pip"), ("x", "pip3.99"), ("x", "uv")]
        {
            assert!(stands_for(project, name).is_some(), "{project} {name}");
        }
    }
}
