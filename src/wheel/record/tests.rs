//! Rows read and written, both ways of each.

use super::*;

/// The SHA-256 of nothing.
const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

#[track_caller]
fn check_refused(text: &str, code: Code) {
    assert_eq!(Record::parse(text.as_bytes()).map_err(|problem| problem.code()), Err(code), "{text}");
}

#[test]
fn rows_are_read() {
    let record =
        Record::parse(format!("a.py,{EMPTY},0\r\n\"b,\"\"c.py\",{EMPTY},\nx/RECORD,,\n\n").as_bytes())
            .unwrap();
    assert_eq!(record.rows[0], Row::of("a.py", Sha256::of(b""), 0));
    assert_eq!(record.rows[1].path, "b,\"c.py");
    assert_eq!(record.rows[1].size, None);
    assert_eq!(record.rows[2], Row::bare("x/RECORD"));
    assert_eq!(record.rows.len(), 3);
}

#[test]
fn the_largest_record_is_read_and_no_larger_one() {
    let largest = usize::try_from(MAX_RECORD).unwrap();
    for (size, is_read) in [(largest, true), (largest + 1, false), (largest + 2, false)] {
        assert_eq!(Record::parse(&vec![b'\n'; size]).is_ok(), is_read, "{size}");
    }
}

#[test]
fn what_is_no_table_is_told_by_its_line() {
    let problem = Record::parse(b"a,,\n\xff,,\n").unwrap_err();
    let told = format!("{problem} {:?} {:?}", problem.found_text(), problem.cause_text());
    assert!(told.contains("text that is not UTF-8 on line 2"), "{told}");
}

#[test]
fn stronger_digests_are_read() {
    let sha384 = format!("a,sha384={},", "A".repeat(64));
    let sha512 = format!("a,sha512={}A,", "A".repeat(85));
    assert_eq!(Record::parse(sha384.as_bytes()).unwrap().rows[0].digest, Some(StrongDigest::Sha384([0; 48])));
    assert_eq!(Record::parse(sha512.as_bytes()).unwrap().rows[0].digest, Some(StrongDigest::Sha512([0; 64])));
}

#[test]
fn malformed_rows_are_refused() {
    for text in [
        "a.py\n",
        "a.py,\n",
        "a.py,,,\n",
        ",,\n",
        "a,,\na,,\n",
        "a,xyz,\n",
        "a,,x\n",
        "a,,-1\n",
        "a,,+1\n",
        "a,,1.5\n",
        "a,,99999999999999999999\n",
        &format!("a,{EMPTY}=,\n"),
        &format!("a,{},\n", EMPTY.get(..40).unwrap()),
        &format!("a,{},\n", EMPTY.replace('-', "+")),
        "a,sha256=,\n",
        &format!("a,{}V,\n", EMPTY.get(..49).unwrap()),
    ] {
        check_refused(text, Code::RecordInvalid);
    }
    assert_eq!(Record::parse(b"a\xff,,\n").map_err(|problem| problem.code()), Err(Code::RecordInvalid));
}

#[test]
fn weak_digests_are_refused() {
    for text in
        ["a,md5=1B2M2Y8AsgTpgAmY7PhCfg,0\n", "a,sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk,0\n", "a,SHA256=x,0\n"]
    {
        check_refused(text, Code::RecordHash);
    }
}

#[test]
fn an_installed_record_is_read_leniently() {
    let record = Record::parse_installed(b"../../bin/x,md5=zzz,x\n/abs\n\na,,5,more\n").unwrap();
    let expected = [
        Row::bare("../../bin/x"),
        Row::bare("/abs"),
        Row { path: "a".to_owned(), digest: None, size: Some(5) },
    ];
    assert_eq!(record.rows, expected);
}

#[test]
fn writing_sorts_and_quotes() {
    let record = Record {
        rows: vec![Row::bare("x/RECORD"), Row::bare("a\"b,c"), Row::of("a.py", Sha256::of(b""), 0)],
    };
    let text = format!("\"a\"\"b,c\",,\r\na.py,{EMPTY},0\r\nx/RECORD,,\r\n");
    assert_eq!(String::from_utf8(record.write()).unwrap(), text);
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_read(paths in proptest::collection::btree_set("[a-z,\"\r\n é/]{1,8}", 0..6)) {
        let rows: Vec<_> = paths.iter().map(|path| Row::of(path.as_str(), Sha256::of(path.as_bytes()), 7)).collect();
        let record = Record { rows };
        proptest::prop_assert_eq!(Record::parse(&record.write()).unwrap(), record);
    }

    #[test]
    fn no_bytes_make_it_panic(text: Vec<u8>) {
        let _ = Record::parse(&text);
        let _ = Record::parse_installed(&text);
    }
}

proptest::proptest! {
    #[test]
    fn both_ways_read_the_same(parts in proptest::collection::vec(0usize..16, 0..24)) {
        const PARTS: [&str; 16] = [
            "a", "b/c", ",", ",", ",,", "\n", "\r\n", "\r", "\"", "\u{feff}", "7", " ", "md5=x", EMPTY, "\u{e9}", "x",
        ];
        let text: String = parts.into_iter().map(|at| PARTS[at]).collect();
        let both = |one: Result<Record, Problem>, other: Result<Record, Problem>| {
            let told = |result: Result<Record, Problem>| result.map_err(|problem| problem.to_string());
            (told(one), told(other))
        };
        for passed in [&[][..], &[Code::RecordHash]] {
            let (one, other) =
                both(Record::parse_passing(text.as_bytes(), passed), Record::parse_whole(text.as_bytes(), passed));
            proptest::prop_assert_eq!(one, other);
        }
        let (one, other) =
            both(Record::parse_installed(text.as_bytes()), Record::parse_installed_whole(text.as_bytes()));
        proptest::prop_assert_eq!(one, other);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(
        if std::env::var_os("PIPWARD_TEST_LONG").is_some() { 300_000 } else { 500 }
    ))]
    #[test]
    fn both_ways_read_the_same_whatever_is_changed(
        rows in proptest::collection::vec((0usize..4, 0usize..6, proptest::option::of(0u64..12)), 0..5),
        end in proptest::sample::select(vec!["\n", "\r\n", "\r", "\n\r"]),
        changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0usize..3, 0usize..14), 0..5),
    ) {
        const PATHS: [&str; 4] = ["a.py", "b/c.py", "\u{e9}\u{1f40d}", "x-1.dist-info/RECORD"];
        const BYTES: [u8; 14] =
            [0, b'"', b',', b'\r', b'\n', b' ', b'=', b'0', b'+', 0x80, 0xc3, 0xff, 0xef, b'\\'];
        let digests = [EMPTY, "", "md5=x", "sha256=", "SHA256=x", "sha512=AA"];
        let row = |(path, digest, size): (usize, usize, Option<u64>)| {
            let size = size.map(|size| size.to_string()).unwrap_or_default();
            format!("{},{},{size}{end}", PATHS[path], digests[digest])
        };
        let mut text = rows.into_iter().map(row).collect::<String>().into_bytes();
        for (at, how, byte) in changes {
            let (at, byte) = (at.index(text.len() + 1), BYTES[byte]);
            match how {
                0 => text.insert(at, byte),
                1 if at < text.len() => text[at] = byte,
                _ => drop(text.drain(at..(at + 1).min(text.len()))),
            }
        }
        let told = |result: Result<Record, Problem>| result.map_err(|problem| format!("{problem:?}"));
        for passed in [&[][..], &[Code::RecordHash]] {
            proptest::prop_assert_eq!(
                told(Record::parse_passing(&text, passed)), told(Record::parse_whole(&text, passed))
            );
        }
        proptest::prop_assert_eq!(
            told(Record::parse_installed(&text)), told(Record::parse_installed_whole(&text))
        );
    }
}

#[test]
fn a_row_that_is_read_by_its_commas_is_the_row_that_is_read_as_a_table() {
    for text in [
        format!("a,{EMPTY},0\r\nb,,\n\n\rc/d,{EMPTY},"),
        format!("a,{EMPTY},0\na,{EMPTY},0\n"),
        "\u{feff}a,,\n".to_owned(),
        "a,sha256=x,\n".to_owned(),
        "a,,,\n".to_owned(),
        "a,,01\n".to_owned(),
    ] {
        let told = |record: Result<Record, Problem>| record.map_err(|problem| problem.to_string());
        let whole = told(Record::parse_whole(text.as_bytes(), &[]));
        assert_eq!(told(Record::parse(text.as_bytes())), whole, "{text:?}");
        let whole = told(Record::parse_installed_whole(text.as_bytes()));
        assert_eq!(told(Record::parse_installed(text.as_bytes())), whole, "{text:?}");
    }
}
