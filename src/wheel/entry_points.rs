//! entry_points.txt: the scripts it asks for ("Entry points specification", "File format").
//!
//! Owns: reading the two groups of scripts strictly. Never: passes on text from the file that was not taken apart.

use std::collections::BTreeMap;

use crate::error::{Code, Problem};

/// No entry_points.txt is larger, in bytes.
pub const MAX_ENTRY_POINTS: u64 = 4 << 20;
/// No script's name is longer, in bytes.
const MAX_NAME: usize = 255;

/// The scripts that entry points ask for. (Other groups are not an installer's business.)
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryPoints {
    /// `[console_scripts]` and `[gui_scripts]`, in order of name.
    pub scripts: Vec<Script>,
}

/// One script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The name of the file.
    pub name: String,
    /// The module: dotted identifiers.
    pub module: String,
    /// The object in it: dotted identifiers.
    pub object: String,
    /// Whether it stands under `[gui_scripts]`.
    pub gui: bool,
}

/// The group that a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    None,
    Scripts { gui: bool },
    Other,
}

impl EntryPoints {
    /// Reads entry_points.txt. The problem has no package or place: the caller adds them.
    ///
    /// # Errors
    /// `entry-points`.
    pub fn parse(text: &[u8]) -> Result<Self, Problem> {
        if u64::try_from(text.len()).map_or(true, |size| size > MAX_ENTRY_POINTS) {
            return Err(problem("it is too large"));
        }
        let text = std::str::from_utf8(text).map_err(|_| problem("it is not UTF-8"))?;
        let mut scripts = BTreeMap::new();
        let mut seen = [false; 2];
        let mut group = Group::None;
        for (number, line) in (1u32..).zip(text.split('\n')) {
            let at = |problem: Problem| problem.found(format!("line {number}: {}", line.trim_end()));
            let content = line.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let opened = open(name, &mut seen).map_err(at)?;
                // Readers differ on indented lines; among groups that are not ours it does not matter.
                let ours = [group, opened].iter().any(|group| matches!(group, Group::Scripts { .. }));
                if ours && line.starts_with(char::is_whitespace) {
                    return Err(at(problem("a group is indented")));
                }
                group = opened;
                continue;
            }
            match group {
                Group::None => return Err(at(problem("a line stands before the first group"))),
                Group::Other => {}
                Group::Scripts { gui } => {
                    let script = script(line, gui).map_err(at)?;
                    if scripts.insert(script.name.clone(), script).is_some() {
                        return Err(at(problem("two scripts have the same name")));
                    }
                }
            }
        }
        Ok(Self { scripts: scripts.into_values().collect() })
    }
}

fn open(name: &str, seen: &mut [bool; 2]) -> Result<Group, Problem> {
    let [console, gui] = seen;
    let (group, seen) = match name.trim() {
        "console_scripts" => (Group::Scripts { gui: false }, console),
        "gui_scripts" => (Group::Scripts { gui: true }, gui),
        _ => return Ok(Group::Other),
    };
    if std::mem::replace(seen, true) {
        return Err(problem("a group is there twice"));
    }
    Ok(group)
}

fn script(line: &str, gui: bool) -> Result<Script, Problem> {
    if line.starts_with(char::is_whitespace) {
        return Err(problem("a line continues the one before"));
    }
    let (name, value) =
        line.split_once('=').ok_or_else(|| problem("a line is not of the form `name = value`"))?;
    let name = name.trim();
    // A comma means nothing to a file system or a shell, and RECORD quotes it.
    if !is_name(&name.replace(',', "_")) {
        return Err(problem("a script has an unsafe name").expected("letters, digits, `_`, `.`, `-` and `,`"));
    }
    let reference = without_extras(value.trim()).ok_or_else(|| problem("a script's extras are malformed"))?;
    let (module, object) = reference
        .split_once(':')
        .map(|(module, object)| (module.trim(), object.trim()))
        .filter(|(module, object)| is_dotted(module) && is_dotted(object))
        .ok_or_else(|| problem("a script does not name an object").expected("module:object"))?;
    Ok(Script { name: name.to_owned(), module: module.to_owned(), object: object.to_owned(), gui })
}

fn is_name(name: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '-');
    !name.is_empty() && name.len() <= MAX_NAME && !matches!(name, "." | "..") && name.chars().all(is_word)
}

/// Takes `[extra, extra]` off the end: "Using extras for an entry point is no longer recommended"; they are checked
/// and then ignored.
fn without_extras(value: &str) -> Option<&str> {
    let Some((reference, extras)) = value.split_once('[') else { return Some(value) };
    let extras = extras.strip_suffix(']')?.trim();
    let is_extra = |extra: &str| is_name(extra.trim());
    (extras.is_empty() || extras.split(',').all(is_extra)).then(|| reference.trim_end())
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| {
        let starts = part.starts_with(|first: char| first == '_' || first.is_alphabetic());
        starts && part.chars().all(|character| character == '_' || character.is_alphanumeric())
    })
}

fn problem(what: &str) -> Problem {
    Problem::new(Code::EntryPoints, format!("entry_points.txt cannot be read: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str, &str, bool)]) {
        let read = EntryPoints::parse(text.as_bytes()).unwrap();
        let read: Vec<_> = read
            .scripts
            .iter()
            .map(|script| (script.name.as_str(), script.module.as_str(), script.object.as_str(), script.gui))
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn scripts_are_read_in_order_of_name() {
        check(
            "# made by hand\r\n[console_scripts]\r\nzed = a.b:c.d\r\nfoo.bar-baz_1=é:f\r\n\r\n[gui_scripts]\n; x\nGui = m:f [x, y-z]\n",
            &[("Gui", "m", "f", true), ("foo.bar-baz_1", "é", "f", false), ("zed", "a.b", "c.d", false)],
        );
        check(
            "[console_scripts]\na = m : f\nb = m:f[x]\nc = m:f []\n",
            &[("a", "m", "f", false), ("b", "m", "f", false), ("c", "m", "f", false)],
        );
        check("[console_scripts]\n, = m:f\n,a, = m:g\n", &[(",", "m", "f", false), (",a,", "m", "g", false)]);
        check("", &[]);
    }

    #[test]
    fn the_largest_file_is_read_and_no_larger_one() {
        let largest = usize::try_from(MAX_ENTRY_POINTS).unwrap();
        for (size, is_read) in [(largest, true), (largest + 1, false), (largest + 2, false)] {
            assert_eq!(EntryPoints::parse(&vec![b'#'; size]).is_ok(), is_read, "{size}");
        }
    }

    #[test]
    fn other_groups_may_hold_anything() {
        check("[pytest11]\nfoo bar: x = y\n   more\nnothing\n[other]\na = b\n[pytest11]\n", &[]);
        check("\n    [babel.extractors]\n    jinja2 = jinja2.ext:babel_extract[i18n]\n", &[]);
        check("[Console_Scripts]\n../x = y\n", &[]);
    }

    #[test]
    fn unsafe_names_and_values_are_refused() {
        for name in [
            "../x",
            "/x",
            "a/b",
            "a\\b",
            "..",
            ".",
            "",
            "a b",
            "a\tb",
            "a\u{0}b",
            "a:b",
            "a\u{202e}b",
            &"x".repeat(256),
        ] {
            check_refused(&format!("[console_scripts]\n{name} = m:f\n"));
        }
        for value in [
            "",
            "m",
            "m:",
            ":f",
            "m:f()",
            "m:f; import os",
            "m:f\n  x",
            "m f:g",
            "m:f g",
            "m..n:f",
            "m:.f",
            "m:f.",
            "1m:f",
            "m-n:f",
            "m:f:g",
            "m:f [",
            "m:f ]",
            "m:f [a",
            "m:f [a b]",
            "m:f [a] x",
            "m:f # c",
            "os\rimport x:f",
        ] {
            check_refused(&format!("[console_scripts]\nx = {value}\n"));
        }
    }

    #[test]
    fn an_ambiguous_file_is_refused() {
        for text in [
            "x = m:f\n[console_scripts]\n",
            "[console_scripts]\nx = m:f\nx = m:g\n",
            "[console_scripts]\nx = m:f\n[gui_scripts]\nx = m:g\n",
            "[console_scripts]\n[console_scripts]\n",
            "[console_scripts]\nx: m:f\n",
            "[console_scripts]\nx\n",
            " [console_scripts]\nx = m:f\n",
            "[other]\nx = y\n [console_scripts]\nx = m:f\n",
            "[console_scripts]\nx = m:f\n [other]\ny = z\n",
            "[console_scripts\nx = m:f\n",
            "[console_scripts]\n  x = m:f\n",
        ] {
            check_refused(text);
        }
        assert!(EntryPoints::parse(b"[console_scripts]\nx\xff = m:f\n").is_err());
    }

    #[track_caller]
    fn check_refused(text: &str) {
        assert_eq!(
            EntryPoints::parse(text.as_bytes()).map_err(|problem| problem.code()),
            Err(Code::EntryPoints),
            "{text:?}"
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_holds_only_words(text in "(\\[console_scripts\\]\n)?[a-z.:=\\[\\],/ \n\r\\x00é;#-]{0,60}") {
            for script in EntryPoints::parse(text.as_bytes()).map(|read| read.scripts).unwrap_or_default() {
                let dotted = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
                proptest::prop_assert!(dotted(&script.module) && dotted(&script.object));
                proptest::prop_assert!(!script.name.contains('/'));
            }
        }
    }
}
