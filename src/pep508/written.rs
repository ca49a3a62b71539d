//! Requirements of a METADATA as text, read again when somebody asks for them.
//!
//! Never: forgets one that holds.

use std::sync::OnceLock;

use pipward_resolver::{ExtraName, MarkerEnvironment, Requirement, VerbatimUrl};

use super::{Strictness, requirement};

/// The requirements of one distribution, for one environment. A run has thousands of them, most of which are for an extra
/// that nobody asks for; read, each takes ten times of its text.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// Those that hold without an extra.
    plain: Lines,
    /// All of them, where that is more.
    all: Option<Lines>,
}

#[derive(Debug, Clone, Default)]
struct Lines {
    text: Box<str>,
    read: OnceLock<Vec<Requirement<VerbatimUrl>>>,
}

impl Lines {
    fn of(text: String) -> Self {
        Self { text: text.into(), read: OnceLock::new() }
    }

    fn read(&self) -> &[Requirement<VerbatimUrl>] {
        // They were read before, or there would be none of it.
        let read = |line| requirement(line, Strictness::Lenient).ok();
        self.read.get_or_init(|| self.text.split_terminator('\n').filter_map(read).collect())
    }
}

impl Written {
    /// Requirements and the lines that they were read from, one each, for whoever asks in an environment of these markers.
    pub(crate) fn of(all: &[Requirement<VerbatimUrl>], lines: &str, markers: &MarkerEnvironment) -> Self {
        let (mut plain, mut is_plain) = (String::new(), true);
        for (requirement, line) in all.iter().zip(lines.split_inclusive('\n')) {
            match requirement.evaluate_markers(markers, &[]) {
                true => plain.push_str(line),
                false => is_plain = false,
            }
        }
        Self { plain: Lines::of(plain), all: (!is_plain).then(|| Lines::of(lines.to_owned())) }
    }

    /// Whether there are none at all.
    pub(crate) fn is_empty(&self) -> bool {
        let plain = &self.plain;
        self.all.is_none() && plain.text.is_empty() && plain.read.get().is_none_or(Vec::is_empty)
    }

    /// In their order, those that may hold where these extras are asked for.
    pub(crate) fn with(&self, extras: &[ExtraName]) -> &[Requirement<VerbatimUrl>] {
        match &self.all {
            Some(all) if !extras.is_empty() => all.read(),
            _ => self.plain.read(),
        }
    }
}

/// What is not asked for again by its text, and holds anywhere.
impl From<Vec<Requirement<VerbatimUrl>>> for Written {
    fn from(read: Vec<Requirement<VerbatimUrl>>) -> Self {
        Self { plain: Lines { text: Box::default(), read: read.into() }, all: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipward_resolver::Target;
    use pipward_resolver::tags::Platform;

    #[test]
    fn those_that_hold_are_read_in_their_order() {
        let platform = Platform::Glibc { arch: "x86_64".into(), major: 2, minor: 36 };
        let markers = Target::described(&"3.12".parse().unwrap(), &platform).unwrap().markers;
        let lines = "a ; extra == 'x'\nb (>=1)\nc ; sys_platform == 'win32'\n\
                     d[y]  ==2 ; extra == 'x' and sys_platform == 'linux'\ne ; extra != 'x'\n";
        let read = lines.lines().map(|line| requirement(line, Strictness::Lenient).unwrap());
        let read: Vec<_> = read.collect();
        let written = Written::of(&read, lines, &markers);
        for extras in [vec![], vec!["x".parse().unwrap()], vec!["z".parse().unwrap()]] {
            let holds = |one: &&Requirement<VerbatimUrl>| one.evaluate_markers(&markers, &extras);
            let expected: Vec<_> = read.iter().filter(holds).collect();
            assert_eq!(
                written.with(&extras).iter().filter(holds).collect::<Vec<_>>(),
                expected,
                "{extras:?}"
            );
            assert_eq!(Written::from(read.clone()).with(&extras), read);
        }
        assert_eq!(written.with(&[]).len(), 2);
        let of_extra = Written::of(&read[..1], lines, &markers);
        assert!(of_extra.with(&[]).is_empty() && !of_extra.is_empty());
        assert!(Written::default().is_empty() && Written::of(&[], "", &markers).is_empty());
    }
}
