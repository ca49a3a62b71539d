//! Names that are close to those of well-known projects, and are none themselves.
//!
//! Pure. Owns: the list of well-known names, and what counts as close. A name that is on the list is never a look-alike.
//! What is close is narrow on purpose: whoever is warned of honest names stops reading.

use std::hash::Hasher as _;
use std::sync::OnceLock;

use pipward_resolver::PackageName;
use rustc_hash::{FxHashMap, FxHasher};
use typomania::checks::{Check, Omitted, Squat, SwappedCharacters, SwappedWords, Typos};
use typomania::{AuthorSet, Corpus, Harness, Package};

/// In the order of downloads.
const WELL_KNOWN: &str = include_str!("well_known.txt");
/// So many of them are known well enough for somebody to imitate.
const IMITATED: usize = 5000;
/// The letters of names.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
/// In a word that is shorter than this, one letter more, less or other makes another word.
const WORD: usize = 6;
/// A name that is shorter than this has too many neighbours.
const SHORT: usize = 5;

/// The names that somebody may imitate, the most downloaded first.
pub fn well_known() -> impl Iterator<Item = &'static str> {
    all().take(IMITATED)
}

fn all() -> impl Iterator<Item = &'static str> {
    WELL_KNOWN.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// A well-known name that this one may be taken for, and in what they differ.
pub fn look_alike(name: &PackageName) -> Option<(&'static str, &'static str)> {
    static CHECKS: OnceLock<Harness<WellKnown>> = OnceLock::new();
    let harness = CHECKS.get_or_init(|| {
        Harness::<WellKnown>::empty_builder()
            .with_check(Folded)
            .with_check(SwappedCharacters)
            .with_check(Dropped)
            .with_check(Typos::new(
                NEIGHBOURS.iter().map(|(key, others)| (*key, others.chars().map(String::from).collect())),
            ))
            .with_check(Omitted::new(LETTERS))
            .with_check(Affixes)
            .with_check(SwappedWords::new("-"))
            .build(WellKnown)
    });
    // Most names are of the list, and the rest of this is then not made.
    if is_known(name.as_ref()) {
        return None;
    }
    // What the corpus says cannot fail.
    let squats = harness.check_package(name.as_ref(), Box::new(Anybody)).unwrap_or_default();
    // The most downloaded of them is the one that is meant.
    let rank = |squat: &Squat| names().imitated.get(squat.package()).copied();
    let closest =
        squats.iter().filter_map(|squat| Some((rank(squat)?, squat))).min_by_key(|(rank, _)| rank.0);
    closest.map(|((_, known), squat)| (known, difference(squat)))
}

fn difference(squat: &Squat) -> &'static str {
    match squat {
        Squat::Custom { message, .. } if message == SEPARATORS => "it differs in its separators",
        Squat::Custom { message, .. } if message == GLYPHS => "it differs in characters that look alike",
        Squat::Custom { message, .. } if message == AFFIX => "it is that name with something added",
        Squat::Custom { .. } => "it has a letter more",
        Squat::OmittedCharacter(_) => "it has a letter less",
        Squat::SwappedCharacters(_) => "two letters are swapped",
        Squat::SwappedWords(_) => "its words are in another order",
        _ => "it differs in one letter",
    }
}

const SEPARATORS: &str = "separators";
const GLYPHS: &str = "glyphs";
const AFFIX: &str = "affix";
const DROPPED: &str = "dropped";

/// What stands beside a key, and what its letter is taken for.
const NEIGHBOURS: [(char, &str); 26] = [
    ('a', "qwszeo"),
    ('b', "vfghnd"),
    ('c', "xsdfvks"),
    ('d', "esrfcxb"),
    ('e', "wsdfraoi"),
    ('f', "rdtgvc"),
    ('g', "tfyhbvq"),
    ('h', "ygujnb"),
    ('i', "uojkaely"),
    ('j', "uhikmn"),
    ('k', "ijolmc"),
    ('l', "okpi"),
    ('m', "njk"),
    ('n', "bhjm"),
    ('o', "ipklaeu"),
    ('p', "olq"),
    ('q', "wapg"),
    ('r', "edft"),
    ('s', "awedxzc"),
    ('t', "rfgy"),
    ('u', "yhjiov"),
    ('v', "cfgbuw"),
    ('w', "qasev"),
    ('x', "zsdc"),
    ('y', "tghui"),
    ('z', "asx"),
];

/// The well-known names, as typomania asks for them.
struct WellKnown;

/// The well-known names.
struct Names {
    /// With their places in the list.
    imitated: FxHashMap<&'static str, (usize, &'static str)>,
    /// By a hash of what is left of them when separators, or characters that look alike, count for nothing.
    joined: FxHashMap<u64, &'static str>,
    folded: FxHashMap<u64, &'static str>,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(Names::new)
}

/// Whether a name is on the list. Few are asked for, so that a table of them all would cost more than looking through those
/// of its length that begin as it does.
fn is_known(name: &str) -> bool {
    static SHELVES: OnceLock<Vec<Vec<&'static str>>> = OnceLock::new();
    let shelves = SHELVES.get_or_init(|| {
        let mut shelves: Vec<Vec<&'static str>> = Vec::new();
        for name in all() {
            let at = shelf(name);
            if shelves.len() <= at {
                shelves.resize_with(at + 1, Vec::new);
            }
            shelves.get_mut(at).into_iter().for_each(|names| names.push(name));
        }
        shelves
    });
    shelves.get(shelf(name)).is_some_and(|names| names.contains(&name))
}

/// By length, and by the last five bits of the first letter.
fn shelf(name: &str) -> usize {
    let first = name.bytes().next().unwrap_or_default();
    name.len() * 32 + usize::from(first % 32)
}

impl Names {
    fn new() -> Self {
        let mut names = Self {
            imitated: well_known().enumerate().map(|(rank, name)| (name, (rank, name))).collect(),
            joined: FxHashMap::default(),
            folded: FxHashMap::default(),
        };
        for name in well_known() {
            names.joined.entry(hash(joined(name))).or_insert(name);
            names.folded.entry(hash(folded(name))).or_insert(name);
        }
        names
    }
}

/// For one name five thousand are looked at: nothing is put together of their letters.
fn hash(letters: impl Iterator<Item = u8>) -> u64 {
    let mut hasher = FxHasher::default();
    letters.for_each(|letter| hasher.write_u8(letter));
    hasher.finish()
}

fn joined(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|letter| *letter != b'-')
}

/// `rn` looks like `m`, `1` like `l`.
fn folded(name: &str) -> impl Iterator<Item = u8> {
    let mut rest = name.as_bytes();
    std::iter::from_fn(move || {
        let (letter, after) = match rest {
            [b'r', b'n', after @ ..] => (b'm', after),
            [b'v', b'v', after @ ..] => (b'w', after),
            [letter, after @ ..] => (*letter, after),
            [] => return None,
        };
        rest = after;
        Some(match letter {
            b'0' => b'o',
            b'1' | b'i' => b'l',
            b'3' => b'e',
            b'4' => b'a',
            b'5' => b's',
            b'7' => b't',
            b'8' => b'b',
            b'9' => b'g',
            letter => letter,
        })
    })
}

impl Corpus for WellKnown {
    fn contains_name(&self, name: &str) -> typomania::Result<bool> {
        Ok(is_known(name))
    }

    fn get(&self, name: &str) -> typomania::Result<Option<&dyn Package>> {
        Ok(names().imitated.contains_key(name).then_some(&Anybody as &dyn Package))
    }

    fn possible_squat(&self, known: &str, name: &str, _package: &dyn Package) -> typomania::Result<bool> {
        Ok(known != name && names().imitated.contains_key(known) && weighs(known, name))
    }
}

/// Whether the difference is one that readers pass over: in letters of a name that is long enough, and, unless letters
/// changed places, in a long word of it. A digit more or another one is another release line.
fn weighs(known: &str, name: &str) -> bool {
    let same = |(left, right): &(u8, u8)| left == right;
    let start = known.bytes().zip(name.bytes()).take_while(same).count();
    let most = known.len().min(name.len()) - start;
    let end = known.bytes().rev().zip(name.bytes().rev()).take(most).take_while(same).count();
    let changed = |text: &str| -> String {
        text.get(start..text.len().saturating_sub(end)).unwrap_or_default().to_owned()
    };
    let (gone, come) = (changed(known), changed(name));
    if name.len() < SHORT || gone.chars().chain(come.chars()).any(|c| c.is_ascii_digit()) {
        return false;
    }
    let mut letters: (Vec<char>, Vec<char>) = (gone.chars().collect(), come.chars().collect());
    letters.0.sort_unstable();
    letters.1.sort_unstable();
    if letters.0 == letters.1 {
        // Short words in another order are a matter of taste.
        let words_moved = gone.contains('-');
        return !words_moved || known.split('-').all(|word| word.len() > 2);
    }
    // The word that holds the difference, in the longer of the two.
    let longer = if known.len() > name.len() { known } else { name };
    let before = longer.get(..start).and_then(|text| text.rfind('-')).map_or(0, |at| at + 1);
    let after = longer.get(start..).and_then(|text| text.find('-')).map_or(longer.len(), |at| start + at);
    after - before >= WORD
}

/// The same without separators, or with characters that look alike.
struct Folded;

impl Check for Folded {
    fn check(&self, _: &dyn Corpus, name: &str, _: &dyn Package) -> typomania::Result<Vec<Squat>> {
        let names = names();
        let mut found = Vec::new();
        if joined(name).count() >= SHORT {
            let known = names.joined.get(&hash(joined(name))).filter(|known| joined(known).eq(joined(name)));
            found.extend(known.map(|known| Squat::custom(SEPARATORS, known)));
        }
        if name.len() >= SHORT - 1 {
            let known = names.folded.get(&hash(folded(name))).filter(|known| folded(known).eq(folded(name)));
            found.extend(known.map(|known| Squat::custom(GLYPHS, known)));
        }
        Ok(found)
    }
}

/// One letter too many.
struct Dropped;

impl Check for Dropped {
    fn check(&self, corpus: &dyn Corpus, name: &str, package: &dyn Package) -> typomania::Result<Vec<Squat>> {
        let mut found = Vec::new();
        for (at, letter) in name.char_indices() {
            let mut shorter = name.to_owned();
            shorter.remove(at);
            if letter.is_ascii_lowercase() && corpus.possible_squat(&shorter, name, package)? {
                found.push(Squat::custom(DROPPED, &shorter));
            }
        }
        Ok(found)
    }
}

/// `python-`, `py` and their like before or after the name.
struct Affixes;

impl Check for Affixes {
    fn check(&self, corpus: &dyn Corpus, name: &str, _: &dyn Package) -> typomania::Result<Vec<Squat>> {
        const BEFORE: [&str; 7] = ["python-", "python3-", "py-", "py3-", "python", "py", "lib"];
        const AFTER: [&str; 8] = ["-python", "-python3", "-py", "-py3", "-lib", "python", "py", "lib"];
        let before = BEFORE.iter().filter_map(|affix| Some((affix, name.strip_prefix(affix)?)));
        let after = AFTER.iter().filter_map(|affix| Some((affix, name.strip_suffix(affix)?)));
        let mut found = Vec::new();
        for (affix, rest) in before.chain(after) {
            // Grown together with a short name it makes a name of its own.
            let least = if affix.contains('-') { SHORT - 1 } else { SHORT };
            if rest.len() >= least && corpus.get(rest)?.is_some() {
                found.push(Squat::custom(AFFIX, rest));
            }
        }
        Ok(found)
    }
}

/// Who made a project is not known here.
struct Anybody;

impl AuthorSet for Anybody {
    fn contains(&self, _: &str) -> bool {
        false
    }
}

impl Package for Anybody {
    fn authors(&self) -> &dyn AuthorSet {
        self
    }

    fn description(&self) -> Option<&str> {
        None
    }

    fn shared_authors(&self, _: &dyn AuthorSet) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        let found = look_alike(&name.parse().unwrap());
        assert_eq!(found.map(|(known, _)| known), expected, "{name}: {found:?}");
    }

    #[test]
    fn look_alikes_are_seen() {
        check("reqeusts", Some("requests"));
        check("requestss", Some("requests"));
        check("reqests", Some("requests"));
        check("rewuests", Some("requests"));
        check("python-requests", Some("requests"));
        check("requests-lib", Some("requests"));
        check("pyrequests", Some("requests"));
        check("colourama", Some("colorama"));
        check("colorarna", Some("colorama"));
        check("djang0", Some("django"));
        check("r3quests", Some("requests"));
        check("cryp7o9raphy", Some("cryptography"));
        check("dj4ngo", Some("django"));
        check("dateutil-python", Some("python-dateutil"));
        check("pythondateutil", Some("python-dateutil"));
        check("type-extensions", None);
        check("typing-extension", Some("typing-extensions"));
        check("scikitlearn", Some("scikit-learn"));
        check("beautifulsoup4", None);
        check("beautifulsuop4", Some("beautifulsoup4"));
    }

    #[test]
    fn honest_names_are_not() {
        for name in well_known().take(200) {
            check(name, None);
        }
        for name in
            ["httpx2", "httpcore2", "jaraco-test", "tensorflow-gpu", "cymysql", "acme-tools", "x", "ab", "-"]
        {
            if let Ok(name) = name.parse::<PackageName>() {
                check(name.as_ref(), None);
            }
        }
    }
}
