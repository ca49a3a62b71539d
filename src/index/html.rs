//! The HTML form of the simple API (PEP 503, 592, 629, 658, 714), and pages for --find-links.
//!
//! Pure. Anchors are read and nothing else; no script, no frame, no form.

use std::borrow::Cow;

use pipward_resolver::PackageName;
use url::Url;

use super::packed::{Page, PageBuilder};
use super::page::{Address, Advertised, FileName, Marks, PageFile, invalid, status};
use crate::digest::Sha256;
use crate::error::Problem;

/// Reads the anchors of a page. With a `project`, files of others are passed over.
///
/// # Errors
/// `index-page-invalid`, `address-refused`.
pub(crate) fn parse(body: &[u8], base: &Url, project: Option<&PackageName>) -> Result<Page, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| invalid(base, "it is not UTF-8"))?;
    let dom = tl::parse(text, tl::ParserOptions::default())
        .map_err(|_| invalid(base, "it is too large for HTML"))?;
    let mut from = Cow::Borrowed(base);
    let mut builder = PageBuilder::new(base);
    let (mut has_base, mut has_form, mut has_files) = (false, false, false);
    let mut said = (String::new(), String::new());
    for tag in dom.nodes().iter().filter_map(tl::Node::as_tag) {
        let name = tag.name().as_utf8_str();
        if name.eq_ignore_ascii_case("meta") {
            check_version(tag, base)?;
            let content = || attribute(tag, "content").unwrap_or_default();
            match attribute(tag, "name").as_deref() {
                Some("pypi:project-status") => said.0 = content(),
                Some("pypi:project-status-reason") => said.1 = content(),
                _ => {}
            }
        } else if name.eq_ignore_ascii_case("base") && !has_base {
            if let Some(href) = attribute(tag, "href") {
                let url = base.join(&href).map_err(|_| invalid(base, "its base address cannot be read"))?;
                // A page from the network must not pass itself off as one of this machine.
                if url.scheme() == "file" && base.scheme() != "file" {
                    return Err(invalid(base, "its base address is a local file"));
                }
                (from, has_base) = (Cow::Owned(url), true);
            }
        } else if name.eq_ignore_ascii_case("a")
            && let Some(file) = anchor(tag, &from, project)?
        {
            builder.add(&file, attribute(tag, "data-requires-python").as_deref());
            has_files = true;
        } else if name.eq_ignore_ascii_case("form") {
            has_form = true;
        }
    }
    // Taken for a project without files, it would leave the name to the next index.
    if project.is_some() && has_form && !has_files {
        return Err(invalid(
            base,
            "it has a form and no files, as a page has that wants somebody to sign in",
        )
        .help("look at it in a browser, and give a user name and password"));
    }
    builder.mark(Marks { status: status(&said.0, &said.1, base)?, namespace: None });
    builder.finish()
}

/// PEP 629: "clients MUST error if the major version is one that they do not know".
fn check_version(tag: &tl::HTMLTag<'_>, base: &Url) -> Result<(), Problem> {
    if attribute(tag, "name").as_deref() != Some("pypi:repository-version") {
        return Ok(());
    }
    let version = attribute(tag, "content").unwrap_or_default();
    if version.trim().split('.').next() == Some("1") {
        return Ok(());
    }
    Err(invalid(base, "its repository-version is one that pipward does not know")
        .expected("1.x")
        .found(version))
}

fn anchor(
    tag: &tl::HTMLTag<'_>,
    base: &Url,
    project: Option<&PackageName>,
) -> Result<Option<PageFile>, Problem> {
    let Some(href) = attribute(tag, "href") else { return Ok(None) };
    let (address, fragment) = href.split_once('#').unwrap_or((&href, ""));
    // PEP 503: the last part of the path is the file name.
    let path = address.split('?').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let Ok(last) = percent_encoding::percent_decode_str(last).decode_utf8() else { return Ok(None) };
    let Some(name) = FileName::parse(&last, project) else { return Ok(None) };
    let address = Address::resolve(address, base).map_err(|problem| problem.package(name.as_str()))?;
    let sha256 = match fragment.split('&').find_map(|part| part.strip_prefix("sha256=")) {
        None => None,
        Some(hex) => Some(
            Sha256::from_hex(hex)
                .ok_or_else(|| invalid(base, "a sha256 is malformed").package(name.as_str()).found(hex))?,
        ),
    };
    // PEP 714: data-core-metadata counts where both are given.
    let metadata = attribute(tag, "data-core-metadata").or_else(|| attribute(tag, "data-dist-info-metadata"));
    Ok(Some(PageFile {
        address,
        sha256,
        size: None,
        upload_time: None,
        requires_python: None,
        yanked: attribute(tag, "data-yanked"),
        provenance: attribute(tag, "data-provenance")
            .map(|text| Address::resolve(&text, base))
            .transpose()?,
        metadata: metadata.map_or(Advertised::No, |text| advertised(&text)),
        name,
    }))
}

/// `true`, or `sha256=HEX` (PEP 658).
fn advertised(text: &str) -> Advertised {
    match text.trim() {
        "false" => Advertised::No,
        text => text
            .strip_prefix("sha256=")
            .and_then(Sha256::from_hex)
            .map_or(Advertised::Unhashed, Advertised::Sha256),
    }
}

/// An attribute's value, its references resolved; empty where it has none.
fn attribute(tag: &tl::HTMLTag<'_>, name: &str) -> Option<String> {
    tag.attributes().iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| {
        let value = value.unwrap_or_default();
        html_escape::decode_html_entities(value.as_ref()).trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(body: &str) -> Result<Page, Code> {
        let base = Url::parse("https://h.example/simple/idna/").unwrap();
        parse(body.as_bytes(), &base, Some(&"idna".parse().unwrap())).map_err(|problem| problem.code())
    }

    #[test]
    fn a_page_to_sign_in_is_no_project_without_files() {
        let form = "<form method=post><input type=password></form>";
        assert_eq!(read(form).map(|page| page.files().len()), Err(Code::IndexPageInvalid));
        assert_eq!(
            read("<!DOCTYPE html><title>Links for idna</title>").map(|page| page.files().len()),
            Ok(0)
        );
        assert_eq!(only(&format!("{form}<a href=idna-3.0.tar.gz>x</a>")).name.as_str(), "idna-3.0.tar.gz");
    }

    fn only(body: &str) -> PageFile {
        let page = read(body).unwrap();
        let files = page.files();
        assert_eq!(files.len(), 1, "{body}");
        files[0].clone()
    }

    #[test]
    fn an_anchor_is_read_whole() {
        let found = only(&format!(
            "<!DOCTYPE html><html><head><meta name=\"pypi:repository-version\" content=\"1.1\"></head><body>
             <A HREF='../../f/idna-3.10-py3-none-any.whl#sha256={HEX}' data-requires-python='&gt;=3.6' data-yanked='bad &amp; worse' data-core-metadata=\"sha256={HEX}\">idna</A><br/>"
        ));
        assert_eq!(found.address, Address::Web("https://h.example/f/idna-3.10-py3-none-any.whl".into()));
        assert_eq!(found.sha256, Sha256::from_hex(HEX));
        assert_eq!(found.requires_python.unwrap().to_string(), ">=3.6");
        assert_eq!(found.yanked.as_deref(), Some("bad & worse"));
        assert_eq!(found.metadata, Advertised::Sha256(Sha256::from_hex(HEX).unwrap()));
    }

    #[test]
    fn attributes_may_be_bare() {
        let found = only("<a href=idna-3.10-py3-none-any.whl data-yanked data-dist-info-metadata=true>x</a>");
        assert_eq!((found.yanked.as_deref(), found.metadata), (Some(""), Advertised::Unhashed));
        let found = only("<a href=\"idna-3.10-py3-none-any.whl#md5=d41d8cd98f00b204e9800998ecf8427e\">x</a>");
        assert_eq!((found.yanked, found.metadata, found.sha256), (None, Advertised::No, None));
    }

    #[test]
    fn names_are_percent_decoded() {
        let found = only("<a href='https://h/idna-3.10%2Bcpu-py3-none-any.whl?x=/y.whl'>x</a>");
        assert_eq!(found.name.version().to_string(), "3.10+cpu");
    }

    #[test]
    fn the_first_base_counts() {
        let found = only(
            "<base href='https://files.example/a/'><base href='https://no/'><a href=idna-3.10-py3-none-any.whl>x</a>",
        );
        assert_eq!(found.address, Address::Web("https://files.example/a/idna-3.10-py3-none-any.whl".into()));
    }

    #[test]
    fn what_breaks_the_specification_is_refused() {
        let anchor = "<a href=idna-3.10-py3-none-any.whl>x</a>";
        for (bad, code) in [
            ("<meta name='pypi:repository-version' content='2.0'>".to_owned(), Code::IndexPageInvalid),
            ("<a href='idna-3.10-py3-none-any.whl#sha256=abc'>x</a>".to_owned(), Code::IndexPageInvalid),
            (format!("<base href='file:///'>{anchor}"), Code::IndexPageInvalid),
            ("<a href='file:///idna-3.10-py3-none-any.whl'>x</a>".to_owned(), Code::AddressRefused),
            ("<a href='ftp://h/idna-3.10-py3-none-any.whl'>x</a>".to_owned(), Code::AddressRefused),
        ] {
            assert_eq!(read(&bad), Err(code), "{bad}");
        }
        let base = Url::parse("https://h/").unwrap();
        assert!(parse(b"\xff\xfe", &base, None).is_err());
    }

    #[test]
    fn hostile_markup_yields_nothing_and_does_not_panic() {
        for body in [
            "<a".repeat(10_000),
            "<div>".repeat(100_000),
            "<a href='".to_owned(),
            "<!--".repeat(1000),
            "\0<a href=\0>".to_owned(),
            "</a>".repeat(1000),
            "<a href='mailto:x@y'>idna-3.10-py3-none-any.whl</a>".to_owned(),
        ] {
            let _ = read(&body);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(<|>|a|/|href|=|'|\"|#|!|-|&amp;|[^a]|idna-1-py3-none-any.whl){0,60}") {
            let _ = read(&text);
        }
    }
}
