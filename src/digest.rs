//! Digests that can be relied on.
//!
//! Owns: [`Sha256`], [`StrongDigest`] and [`LockedHashes`]. A weak digest (MD5, SHA-1) has no
//! representation here, and a set of locked hashes cannot be empty.
//! Never: decides what to do on a mismatch (`verify` does).

use std::fmt;

use sha2::Digest as _;

use crate::error::{Code, Problem};

/// A SHA-256 digest: the identity of an artifact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits, in either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        decode_hex::<32>(text).map(Self)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

/// A digest of an algorithm that is strong enough to name a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StrongDigest {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-384.
    Sha384([u8; 48]),
    /// SHA-512.
    Sha512([u8; 64]),
}

impl StrongDigest {
    /// The name of the algorithm, as `hashlib` and the packaging specifications spell it.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha384(_) => "sha384",
            Self::Sha512(_) => "sha512",
        }
    }

    /// The digest in lower-case hexadecimal.
    pub fn hex(&self) -> String {
        struct Hex<'a>(&'a [u8]);
        impl fmt::Display for Hex<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(self.0, f)
            }
        }
        match self {
            Self::Sha256(digest) => digest.to_string(),
            Self::Sha384(bytes) => Hex(bytes).to_string(),
            Self::Sha512(bytes) => Hex(bytes).to_string(),
        }
    }

    /// Reads `algorithm` and `hex`.
    ///
    /// # Errors
    /// `hash-weak` for an algorithm that is not strong (or not known), `hash-malformed` for text
    /// that is not a digest of a strong one. The caller adds package and place.
    pub fn parse(algorithm: &str, hex: &str) -> Result<Self, Problem> {
        let read = match algorithm.to_ascii_lowercase().as_str() {
            "sha256" => Sha256::from_hex(hex).map(Self::Sha256),
            "sha384" => decode_hex(hex).map(Self::Sha384),
            "sha512" => decode_hex(hex).map(Self::Sha512),
            _ => {
                return Err(Problem::new(
                    Code::HashWeak,
                    format!("a {algorithm} hash proves nothing about a file"),
                )
                .expected("sha256, sha384 or sha512")
                .found(algorithm)
                .help("write the lock anew with `pipward lock`, which writes SHA-256"));
            }
        };
        read.ok_or_else(|| {
            Problem::new(Code::HashMalformed, format!("this is not a {algorithm} hash"))
                .expected("hexadecimal digits, 64 for sha256, 96 for sha384, 128 for sha512")
                .found(hex)
                .help("copy the hash whole, or write the lock anew with `pipward lock`")
        })
    }
}

impl fmt::Display for StrongDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for StrongDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StrongDigest({self})")
    }
}

/// A digest, if there is one, in half the room: that of nearly every file is a SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// There is none.
    Nothing,
    /// A SHA-256.
    Sha256(Sha256),
    /// Another one.
    Longer(Box<StrongDigest>),
}

impl Kept {
    /// The digest.
    pub fn get(&self) -> Option<StrongDigest> {
        match self {
            Self::Nothing => None,
            Self::Sha256(digest) => Some(StrongDigest::Sha256(*digest)),
            Self::Longer(digest) => Some(**digest),
        }
    }
}

impl PartialEq<Option<StrongDigest>> for Kept {
    fn eq(&self, other: &Option<StrongDigest>) -> bool {
        self.get() == *other
    }
}

impl From<Option<StrongDigest>> for Kept {
    fn from(digest: Option<StrongDigest>) -> Self {
        match digest {
            None => Self::Nothing,
            Some(StrongDigest::Sha256(digest)) => Self::Sha256(digest),
            Some(longer) => Self::Longer(longer.into()),
        }
    }
}

/// What a set of locked hashes says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// One file, told several times: all must match (PEP 751, `hashes`).
    All,
    /// Several files of one release: one must match (pip's `--hash`, given several times).
    Any,
}

/// The hashes that a lock gives for something: never empty, never weak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedHashes {
    rule: Match,
    digests: Vec<StrongDigest>,
}

impl LockedHashes {
    /// A set that follows `rule`; `None` when `digests` is empty.
    pub fn new(rule: Match, mut digests: Vec<StrongDigest>) -> Option<Self> {
        digests.sort_unstable();
        digests.dedup();
        digests.shrink_to_fit();
        (!digests.is_empty()).then_some(Self { rule, digests })
    }

    /// The one SHA-256 of one file.
    pub fn sha256(digest: Sha256) -> Self {
        Self { rule: Match::All, digests: vec![StrongDigest::Sha256(digest)] }
    }

    /// Whether all or any must match.
    pub fn rule(&self) -> Match {
        self.rule
    }

    /// The digests, sorted.
    pub fn digests(&self) -> &[StrongDigest] {
        &self.digests
    }

    /// The SHA-256 digests among them.
    pub fn sha256s(&self) -> impl Iterator<Item = Sha256> + '_ {
        self.digests.iter().filter_map(|digest| match digest {
            StrongDigest::Sha256(digest) => Some(*digest),
            _ => None,
        })
    }

    /// Whether `computed` satisfies the set.
    pub fn accept(&self, computed: &Computed) -> bool {
        let mut matches = self.digests.iter().map(|digest| computed.matches(digest));
        match self.rule {
            Match::All => matches.all(|matched| matched),
            Match::Any => matches.any(|matched| matched),
        }
    }
}

/// The digests of a file that was read once, from its first byte to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    sha256: Sha256,
    sha384: Option<[u8; 48]>,
    sha512: Option<[u8; 64]>,
}

impl Computed {
    /// The SHA-256, which is always computed.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The longest digest that was computed.
    pub fn strongest(&self) -> StrongDigest {
        match (self.sha512, self.sha384) {
            (Some(bytes), _) => StrongDigest::Sha512(bytes),
            (None, Some(bytes)) => StrongDigest::Sha384(bytes),
            (None, None) => StrongDigest::Sha256(self.sha256),
        }
    }

    fn matches(&self, digest: &StrongDigest) -> bool {
        match digest {
            StrongDigest::Sha256(digest) => self.sha256 == *digest,
            StrongDigest::Sha384(bytes) => self.sha384.as_ref() == Some(bytes),
            StrongDigest::Sha512(bytes) => self.sha512.as_ref() == Some(bytes),
        }
    }
}

/// Computes SHA-256, and what else the locked hashes ask for, over bytes as they arrive.
#[derive(Clone)]
pub struct Hasher {
    sha256: sha2::Sha256,
    sha384: Option<sha2::Sha384>,
    sha512: Option<sha2::Sha512>,
}

impl Hasher {
    /// A hasher for what `wanted` asks for.
    pub fn new(wanted: &LockedHashes) -> Self {
        let has = |name| wanted.digests.iter().any(|digest| digest.algorithm() == name);
        Self {
            sha256: sha2::Sha256::new(),
            sha384: has("sha384").then(sha2::Sha384::new),
            sha512: has("sha512").then(sha2::Sha512::new),
        }
    }

    /// A hasher for SHA-256 alone.
    pub fn sha256() -> Self {
        Self { sha256: sha2::Sha256::new(), sha384: None, sha512: None }
    }

    /// A hasher for SHA-384 (and SHA-256, which is always computed).
    pub fn sha384() -> Self {
        Self { sha384: Some(sha2::Sha384::new()), ..Self::sha256() }
    }

    /// A hasher for SHA-512 (and SHA-256, which is always computed).
    pub fn sha512() -> Self {
        Self { sha512: Some(sha2::Sha512::new()), ..Self::sha256() }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(hasher) = &mut self.sha384 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha512 {
            hasher.update(bytes);
        }
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> Computed {
        Computed {
            sha256: Sha256(self.sha256.finalize().into()),
            sha384: self.sha384.map(|hasher| hasher.finalize().into()),
            sha512: self.sha512.map(|hasher| hasher.finalize().into()),
        }
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit));
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
    f.write_str(&text)
}

fn decode_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    let value = |digit: u8| VALUES.get(usize::from(digit)).copied().unwrap_or(NO_DIGIT);
    let (mut bytes, mut all) = ([0; N], 0);
    for (byte, pair) in bytes.iter_mut().zip(text.as_chunks::<2>().0) {
        let [high, low] = pair.map(value);
        all |= high | low;
        *byte = high << 4 | low;
    }
    (all < NO_DIGIT).then_some(bytes)
}

/// What stands for a character that is no digit: no digits make it together.
const NO_DIGIT: u8 = 16;

/// The values of hexadecimal digits. Index pages have two digests a file, and thousands of files.
// Computed when it is compiled: a place that is not there would not get further.
#[allow(clippy::indexing_slicing)]
const VALUES: [u8; 256] = {
    let (mut values, mut at) = ([NO_DIGIT; 256], 0);
    while at < 256 {
        let digit = (at as u8 as char).to_digit(16);
        if let Some(digit) = digit {
            values[at] = digit as u8;
        }
        at += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_strictly() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256::from_hex(empty), Some(Sha256::of(b"")));
        assert_eq!(Sha256::from_hex(&empty.to_uppercase()), Some(Sha256::of(b"")));
        for bad in ["", "abc", empty.trim_start_matches('e'), &format!("{empty}0"), &empty.replace('e', "+")]
        {
            assert_eq!(Sha256::from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn weak_algorithms_have_no_representation() {
        for weak in ["md5", "sha1", "sha224", "crc32", ""] {
            let problem = StrongDigest::parse(weak, "d41d8cd98f00b204e9800998ecf8427e").map_err(|p| p.code());
            assert_eq!(problem, Err(Code::HashWeak));
        }
    }

    /// The digests of nothing are those that FIPS 180 and its test vectors give.
    #[test]
    fn each_strong_algorithm_is_compared() {
        let nothing = [
            ("sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                "sha384",
                "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
            ),
            (
                "sha512",
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f\
                 63b931bd47417a81a538327af927da3e",
            ),
        ];
        for (algorithm, hex) in nothing {
            let digest = StrongDigest::parse(algorithm, hex).unwrap();
            assert_eq!((digest.algorithm(), digest.hex().as_str()), (algorithm, hex));
            assert_eq!(format!("{digest:?}"), format!("StrongDigest({algorithm}:{hex})"));
            let wanted = LockedHashes::new(Match::All, vec![digest]).unwrap();
            let mut hasher = Hasher::new(&wanted);
            assert!(wanted.accept(&hasher.clone().finish()), "{algorithm}");
            hasher.update(b"x");
            assert!(!wanted.accept(&hasher.finish()), "{algorithm}");
            assert_eq!(
                StrongDigest::parse(algorithm, &format!("{hex}00")).map_err(|p| p.code()),
                Err(Code::HashMalformed)
            );
        }
    }

    #[test]
    fn all_means_all_and_any_means_one() {
        let good = StrongDigest::Sha256(Sha256::of(b"x"));
        let bad = StrongDigest::Sha256(Sha256::of(b"y"));
        let digests = vec![good, bad];
        let mut hasher = Hasher::sha256();
        hasher.update(b"x");
        let computed = hasher.finish();
        let accepts =
            |rule| LockedHashes::new(rule, digests.clone()).is_some_and(|hashes| hashes.accept(&computed));
        assert!(accepts(Match::Any));
        assert!(!accepts(Match::All));
        assert!(LockedHashes::new(Match::Any, vec![]).is_none());
    }

    #[test]
    fn every_digest_that_is_kept_comes_back() {
        for digest in [
            Some(StrongDigest::Sha256(Sha256::of(b"x"))),
            Some(StrongDigest::Sha384([1; 48])),
            Some(StrongDigest::Sha512([7; 64])),
            None,
        ] {
            assert_eq!(Kept::from(digest).get(), digest);
        }
        assert!(size_of::<Kept>() <= 40);
    }
}
