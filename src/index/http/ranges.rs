//! Parts of files, and when a server wants to be asked again (RFC 9110, sections 10.2.3 and 14.4).
//!
//! Pure. Never: takes a header that is not exactly as it has to be.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{self, HeaderMap, HeaderValue};

/// What Content-Range says: start, end (exclusive) and size of the whole.
pub(crate) fn content_range(headers: &HeaderMap) -> Option<(u64, u64, u64)> {
    parse_range(headers.get(header::CONTENT_RANGE)?.to_str().ok()?)
}

/// `bytes 10-19/100`.
fn parse_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, last) = range.split_once('-')?;
    let (start, last, size): (u64, u64, u64) = (start.parse().ok()?, last.parse().ok()?, size.parse().ok()?);
    (start <= last && last < size).then(|| (start, last + 1, size))
}

/// An entity tag that promises the same bytes: a strong one.
pub(crate) fn strong_tag(headers: &HeaderMap) -> Option<HeaderValue> {
    let tag = headers.get(header::ETAG)?;
    let text = tag.to_str().ok()?;
    (text.len() > 2 && text.starts_with('"') && text.ends_with('"')).then(|| tag.clone())
}

/// How long Retry-After asks to wait: so many seconds, or until a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_strictly() {
        assert_eq!(parse_range("bytes 10-19/100"), Some((10, 20, 100)));
        for bad in [
            "bytes 10-19/*",
            "bytes 20-10/100",
            "bytes 10-100/100",
            "10-19/100",
            "bytes */100",
            "bytes -1-2/3",
        ] {
            assert_eq!(parse_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn waits_are_read_as_seconds_and_as_dates() {
        let now: Timestamp = "1994-11-06T08:49:37Z".parse().unwrap();
        let check = |text: &str, expected: Option<u64>| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        };
        check("7", Some(7));
        check("Sun, 06 Nov 1994 08:49:57 GMT", Some(20));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("-7", None);
        check("soon", None);
    }

    #[test]
    fn only_a_strong_tag_promises_the_same_bytes() {
        let check = |text: &str| {
            let headers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_str(text).unwrap())]);
            strong_tag(&headers).is_some()
        };
        assert!(check("\"abc\""));
        assert!(!check("W/\"abc\"") && !check("abc") && !check("\"\""));
    }
}
