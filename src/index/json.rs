//! The JSON form of the simple API (PEP 691, 700, 714, 592).
//!
//! Pure. Strict about what it reads, silent about what it does not know.

use std::borrow::Cow;
use std::fmt;

use pipward_resolver::PackageName;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use url::Url;

use super::packed::{Page, PageBuilder};
use super::page::{Address, Advertised, FileName, Marks, Namespace, PageFile, invalid, status};
use crate::digest::Sha256;
use crate::error::Problem;

/// Reads a project page.
///
/// # Errors
/// `index-page-invalid`, `address-refused`.
pub(crate) fn parse(body: &[u8], base: &Url, project: &PackageName) -> Result<Page, Problem> {
    let malformed = |error: &dyn fmt::Display| {
        invalid(base, "its JSON is not what PEP 691 describes").package(project).cause(error)
    };
    // Looked at once as a whole, which is cheaper than text by text.
    let text = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
    let wire: WirePage<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    // PEP 691: "clients MUST fail if the major version is one that they do not know".
    let version = &wire.meta.api_version.0;
    if version.split('.').next() != Some("1") {
        return Err(invalid(base, "its api-version is one that pipward does not know")
            .package(project)
            .expected("1.x")
            .found(version));
    }
    if wire.name.0.parse::<PackageName>().ok().as_ref() != Some(project) {
        return Err(invalid(base, "it is the page of another project")
            .package(project)
            .expected(project)
            .found(&wire.name.0));
    }
    let mut builder = PageBuilder::new(base);
    builder.mark(Marks {
        status: match &wire.project_status {
            Some(given) => {
                let reason = given.reason.as_ref().map_or("", |reason| reason.0.as_ref());
                status(&given.status.0, reason, base).map_err(|problem| problem.package(project))?
            }
            None => None,
        },
        namespace: wire.namespace.map(|given| Namespace {
            prefix: given.prefix.0.into_owned(),
            authorized: given.authorized,
            open: given.open,
        }),
    });
    for file in wire.files {
        let Some(name) = FileName::parse(&file.filename.0, Some(project)) else { continue };
        let read = PageFile {
            address: Address::resolve(&file.url.0, base).map_err(|problem| problem.package(name.as_str()))?,
            sha256: file.hashes.0,
            size: file.size,
            upload_time: file.upload_time.and_then(|text| text.0.parse().ok()),
            requires_python: None,
            yanked: file.yanked.0,
            // PEP 714: core-metadata counts where both are given.
            provenance: file
                .provenance
                .map(|text| Address::resolve(&text.0, base))
                .transpose()
                .map_err(|problem| problem.package(name.as_str()))?,
            metadata: file.core_metadata.or(file.dist_info_metadata).unwrap_or_default().0,
            name,
        };
        builder.add(&read, file.requires_python.as_ref().map(|text| text.0.as_ref()));
    }
    builder.finish()
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WirePage<'a> {
    #[serde(borrow)]
    meta: Meta<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    files: Vec<WireFile<'a>>,
    #[serde(borrow, default)]
    project_status: Option<ProjectStatus<'a>>,
    #[serde(borrow, default)]
    namespace: Option<WireNamespace<'a>>,
}

/// PEP 752, "Project detail": null, or the grant that the name is in.
#[derive(serde::Deserialize)]
struct WireNamespace<'a> {
    #[serde(borrow)]
    prefix: Text<'a>,
    authorized: bool,
    #[serde(default)]
    open: bool,
}

/// PEP 792.
#[derive(serde::Deserialize)]
struct ProjectStatus<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow, default)]
    reason: Option<Text<'a>>,
}

#[derive(serde::Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "api-version")]
    api_version: Text<'a>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WireFile<'a> {
    #[serde(borrow)]
    filename: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    hashes: Hashes,
    #[serde(borrow, default)]
    requires_python: Option<Text<'a>>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(borrow, default)]
    upload_time: Option<Text<'a>>,
    #[serde(default)]
    yanked: Yanked,
    #[serde(default)]
    core_metadata: Option<CoreMetadata>,
    #[serde(default)]
    dist_info_metadata: Option<CoreMetadata>,
    #[serde(borrow, default)]
    provenance: Option<Text<'a>>,
}

/// Text that borrows from the page where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// The SHA-256 of a `hashes` table; other algorithms are not looked at.
struct Hashes(Option<Sha256>);

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HashesVisitor).map(Self)
    }
}

struct HashesVisitor;

impl<'de> Visitor<'de> for HashesVisitor {
    type Value = Option<Sha256>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of hashes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(algorithm) = map.next_key::<Text<'de>>()? {
            if algorithm.0 != "sha256" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let hex = map.next_value::<Text<'de>>()?;
            let digest =
                Sha256::from_hex(&hex.0).ok_or_else(|| de::Error::custom("a sha256 is malformed"))?;
            if found.replace(digest).is_some() {
                return Err(de::Error::duplicate_field("sha256"));
            }
        }
        Ok(found)
    }
}

/// `false`, `true`, or the reason (PEP 691). An empty reason means not yanked, as for pip.
#[derive(Default)]
struct Yanked(Option<String>);

impl<'de> Deserialize<'de> for Yanked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct YankedVisitor;
        impl<'de> Visitor<'de> for YankedVisitor {
            type Value = Yanked;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean or a reason")
            }
            fn visit_bool<E: de::Error>(self, yanked: bool) -> Result<Self::Value, E> {
                Ok(Yanked(yanked.then(String::new)))
            }
            fn visit_str<E: de::Error>(self, reason: &str) -> Result<Self::Value, E> {
                Ok(Yanked((!reason.is_empty()).then(|| reason.to_owned())))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Yanked(None))
            }
        }
        deserializer.deserialize_any(YankedVisitor)
    }
}

/// A boolean or a table of hashes (PEP 714).
#[derive(Default)]
struct CoreMetadata(Advertised);

impl<'de> Deserialize<'de> for CoreMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CoreVisitor;
        impl<'de> Visitor<'de> for CoreVisitor {
            type Value = CoreMetadata;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean or a table of hashes")
            }
            fn visit_bool<E: de::Error>(self, given: bool) -> Result<Self::Value, E> {
                Ok(CoreMetadata(if given { Advertised::Unhashed } else { Advertised::No }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let sha256 = HashesVisitor.visit_map(map)?;
                Ok(CoreMetadata(sha256.map_or(Advertised::Unhashed, Advertised::Sha256)))
            }
        }
        deserializer.deserialize_any(CoreVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(body: &str) -> Result<Page, Code> {
        let base = Url::parse("https://h.example/simple/idna/").unwrap();
        parse(body.as_bytes(), &base, &"idna".parse().unwrap()).map_err(|problem| problem.code())
    }

    fn page(files: &str) -> String {
        format!(r#"{{"meta":{{"api-version":"1.1"}},"name":"idna","files":[{files}],"versions":["3.10"]}}"#)
    }

    fn file(more: &str) -> String {
        page(&format!(
            r#"{{"filename":"idna-3.10-py3-none-any.whl","url":"../../f/idna-3.10-py3-none-any.whl","hashes":{{"sha256":"{HEX}"}}{more}}}"#
        ))
    }

    fn only(body: &str) -> PageFile {
        let page = read(body).unwrap();
        let files = page.files();
        assert_eq!(files.len(), 1, "{body}");
        files[0].clone()
    }

    #[test]
    fn a_file_is_read_whole() {
        let found = only(&file(&format!(
            r#","requires-python":">=3.6","size":70442,"upload-time":"2024-09-15T18:07:37.964Z","yanked":"a \"bad\" one","core-metadata":{{"sha256":"{HEX}"}}"#
        )));
        assert_eq!(found.address, Address::Web("https://h.example/f/idna-3.10-py3-none-any.whl".into()));
        assert_eq!(found.sha256, Sha256::from_hex(HEX));
        assert_eq!(found.size, Some(70442));
        assert_eq!(found.upload_time.unwrap().to_string(), "2024-09-15T18:07:37.964Z");
        assert_eq!(found.requires_python.unwrap().to_string(), ">=3.6");
        assert_eq!(found.yanked.as_deref(), Some("a \"bad\" one"));
        assert_eq!(found.metadata, Advertised::Sha256(Sha256::from_hex(HEX).unwrap()));
    }

    #[test]
    fn yanked_and_core_metadata_have_several_forms() {
        for (more, yanked) in [("true", Some("")), ("false", None), ("null", None), (r#""""#, None)] {
            assert_eq!(only(&file(&format!(r#","yanked":{more}"#))).yanked.as_deref(), yanked, "{more}");
        }
        for (more, metadata) in [
            (r#","core-metadata":true"#, Advertised::Unhashed),
            (r#","core-metadata":false"#, Advertised::No),
            (r#","core-metadata":null"#, Advertised::No),
            (r#","dist-info-metadata":true"#, Advertised::Unhashed),
            (r#","core-metadata":false,"dist-info-metadata":true"#, Advertised::No),
            (r#","core-metadata":{"md5":"x"}"#, Advertised::Unhashed),
            ("", Advertised::No),
        ] {
            assert_eq!(only(&file(more)).metadata, metadata, "{more}");
        }
    }

    #[test]
    fn a_hash_that_is_not_sha256_is_no_hash() {
        let body =
            file("").replace(&format!(r#""sha256":"{HEX}""#), r#""md5":"d41d8cd98f00b204e9800998ecf8427e""#);
        assert_eq!(only(&body).sha256, None);
    }

    #[test]
    fn unknown_keys_and_foreign_files_are_passed_over() {
        assert_eq!(only(&file(r#","new-key":{"deep":[1,{"x":null}]}"#)).size, None);
        let foreign = r#"{"filename":"evil-1.0-py3-none-any.whl","url":"https://h/x","hashes":{}},{"filename":"idna-3.10.egg","url":"ftp://h/x","hashes":{}}"#;
        assert_eq!(read(&page(foreign)).unwrap().files().len(), 0);
    }

    #[test]
    fn what_breaks_the_specification_is_refused() {
        let good = file("");
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for bad in [
            String::new(),
            "<!DOCTYPE html>".to_owned(),
            "[]".to_owned(),
            good.replace(r#""api-version":"1.1""#, r#""api-version":"2.0""#),
            good.replace(r#""api-version":"1.1""#, r#""api-version":"10.0""#),
            good.replace(r#""meta":{"api-version":"1.1"},"#, ""),
            good.replace(r#""name":"idna""#, r#""name":"other""#),
            good.replace(r#""name":"idna","#, ""),
            good.replace(r#""name":"idna""#, r#""name":"idna","name":"idna""#),
            good.replace(HEX, HEX.trim_start_matches('e')),
            good.replace(r#""hashes":{"#, &format!(r#""hashes":{{"sha256":"{HEX}","#)),
            file(r#","size":-1"#),
            file(r#","size":1e400"#),
            file(r#","yanked":[]"#),
            file(r#","yanked":false,"yanked":"x""#),
            file("").replace("\"files\":[", &format!("\"files\":[{deep},")),
            format!("{good} x"),
        ] {
            assert_eq!(
                read(&bad),
                Err(Code::IndexPageInvalid),
                "{}",
                bad.chars().take(200).collect::<String>()
            );
        }
    }

    #[test]
    fn depth_in_unknown_keys_does_not_exhaust_the_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let _ = read(&file(&format!(r#","x":{deep}"#)));
    }

    #[test]
    fn quarantined_projects_have_no_candidates() {
        let with = |status: &str| {
            read(&file("").replacen('{', &format!(r#"{{"project-status":{{"status":"{status}"}},"#), 1))
        };
        assert!(with("active").is_ok() && with("archived").is_ok() && with("deprecated").is_ok());
        assert_eq!(with("quarantined"), Err(Code::ProjectQuarantined));
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        for bad in ["file:///etc/passwd", "ftp://h/x.whl"] {
            let body = file("").replace("../../f/idna-3.10-py3-none-any.whl", bad);
            assert_eq!(read(&body), Err(Code::AddressRefused), "{bad}");
        }
    }

    #[test]
    fn one_file_has_one_hash() {
        let one = r#"{"filename":"idna-3.10-py3-none-any.whl","url":"https://h/x","hashes":{}}"#;
        assert_eq!(read(&page(&format!("{one},{one}"))).unwrap().files().len(), 1);
        let other = one.replace("{}", &format!(r#"{{"sha256":"{HEX}"}}"#));
        assert_eq!(read(&page(&format!("{one},{other}"))), Err(Code::IndexPageInvalid));
    }

    #[test]
    fn a_name_is_compared_normalised() {
        let body = file("").replace(r#""name":"idna""#, r#""name":"IDNA""#);
        assert!(read(&body).is_ok());
    }
}
