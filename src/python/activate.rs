//! The scripts that people `source` to work inside an environment.
//!
//! Owns: their text, for POSIX shells, fish and csh. Never: puts a path into one without quoting it for that shell.

/// The activation scripts of an environment at `prefix`: file name and content.
pub(super) fn scripts(prefix: &str) -> [(&'static str, String); 3] {
    [
        ("activate", POSIX.replace("@PREFIX@", &quote_posix(prefix))),
        ("activate.fish", FISH.replace("@PREFIX@", &quote_fish(prefix))),
        ("activate.csh", CSH.replace("@PREFIX@", &quote_csh(prefix))),
    ]
}

fn quote_posix(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn quote_fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// csh expands `!` even between single quotes.
fn quote_csh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''").replace('!', r"\!"))
}

const POSIX: &str = r#"# Use it with `source`, from sh, bash or zsh. `deactivate` takes it back.

deactivate() {
    if [ -n "${_PIPWARD_OLD_PATH+x}" ]; then
        PATH="$_PIPWARD_OLD_PATH"
        export PATH
        unset _PIPWARD_OLD_PATH
    fi
    if [ -n "${_PIPWARD_OLD_PYTHONHOME+x}" ]; then
        PYTHONHOME="$_PIPWARD_OLD_PYTHONHOME"
        export PYTHONHOME
        unset _PIPWARD_OLD_PYTHONHOME
    fi
    if [ -n "${_PIPWARD_OLD_PS1+x}" ]; then
        PS1="$_PIPWARD_OLD_PS1"
        unset _PIPWARD_OLD_PS1
    fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    hash -r 2>/dev/null || true
    if [ "${1:-}" != keep ]; then
        unset -f deactivate
    fi
}

deactivate keep

VIRTUAL_ENV=@PREFIX@
VIRTUAL_ENV_PROMPT="${VIRTUAL_ENV##*/}"
export VIRTUAL_ENV VIRTUAL_ENV_PROMPT
_PIPWARD_OLD_PATH="$PATH"
PATH="$VIRTUAL_ENV/bin:$PATH"
export PATH
if [ -n "${PYTHONHOME+x}" ]; then
    _PIPWARD_OLD_PYTHONHOME="$PYTHONHOME"
    unset PYTHONHOME
fi
if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT:-}" ]; then
    _PIPWARD_OLD_PS1="${PS1-}"
    PS1="($VIRTUAL_ENV_PROMPT) ${PS1-}"
fi
hash -r 2>/dev/null || true
"#;

const FISH: &str = r#"# Use it with `source`, from fish. `deactivate` takes it back.

function deactivate -d "Leave the virtual environment"
    if set -q _pipward_old_path
        set -gx PATH $_pipward_old_path
        set -e _pipward_old_path
    end
    if set -q _pipward_old_pythonhome
        set -gx PYTHONHOME $_pipward_old_pythonhome
        set -e _pipward_old_pythonhome
    end
    if functions -q _pipward_old_prompt
        functions -e fish_prompt
        functions -c _pipward_old_prompt fish_prompt
        functions -e _pipward_old_prompt
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != keep
        functions -e deactivate
    end
end

deactivate keep

set -gx VIRTUAL_ENV @PREFIX@
set -gx VIRTUAL_ENV_PROMPT (basename $VIRTUAL_ENV)
set -g _pipward_old_path $PATH
set -gx PATH $VIRTUAL_ENV/bin $PATH
if set -q PYTHONHOME
    set -g _pipward_old_pythonhome $PYTHONHOME
    set -e PYTHONHOME
end
if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"
    functions -c fish_prompt _pipward_old_prompt
    function fish_prompt
        echo -n "($VIRTUAL_ENV_PROMPT) "
        _pipward_old_prompt
    end
end
"#;

const CSH: &str = r#"# Use it with `source`, from csh or tcsh. `deactivate` takes it back.

alias deactivate 'test $?_PIPWARD_OLD_PATH != 0 && setenv PATH "$_PIPWARD_OLD_PATH" && unset _PIPWARD_OLD_PATH; test $?_PIPWARD_OLD_PROMPT != 0 && set prompt="$_PIPWARD_OLD_PROMPT" && unset _PIPWARD_OLD_PROMPT; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; rehash; test "\!:*" != keep && unalias deactivate'

deactivate keep

setenv VIRTUAL_ENV @PREFIX@
setenv VIRTUAL_ENV_PROMPT "$VIRTUAL_ENV:t"
set _PIPWARD_OLD_PATH="$PATH"
setenv PATH "$VIRTUAL_ENV/bin:$PATH"
if (! $?VIRTUAL_ENV_DISABLE_PROMPT) then
    if ($?prompt) then
        set _PIPWARD_OLD_PROMPT="$prompt"
        set prompt = "($VIRTUAL_ENV_PROMPT) $prompt"
    endif
endif
rehash
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_each_shell() {
        assert_eq!(quote_posix("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(quote_fish(r"/a\b/it's"), r"'/a\\b/it\'s'");
        assert_eq!(quote_csh("/a!b/it's"), r"'/a\!b/it'\''s'");
    }

    #[test]
    fn a_posix_shell_activates_and_deactivates() {
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().join("it's $HOME here");
        std::fs::create_dir_all(&prefix).unwrap();
        let [(name, text), ..] = scripts(prefix.to_str().unwrap());
        std::fs::write(prefix.join(name), text).unwrap();
        let told = std::process::Command::new("sh")
            .args(["-euc", r#"before="$PATH"; . "$1"; echo "$VIRTUAL_ENV"; echo "${PATH%%:*}"; deactivate; [ "$PATH" = "$before" ]; echo "${VIRTUAL_ENV-none}""#, "sh"])
            .arg(prefix.join(name))
            .output()
            .unwrap();
        let prefix = prefix.display();
        assert_eq!(
            String::from_utf8_lossy(&told.stdout),
            format!("{prefix}\n{prefix}/bin\nnone\n"),
            "{told:?}"
        );
        assert!(told.status.success());
    }
}
