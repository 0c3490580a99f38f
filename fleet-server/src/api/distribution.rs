//! The release: files out of memory, asked for with conditions.

use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::Call;
use crate::config::ReleaseReaders;
use crate::http::answer::{Answer, Refusal, bytes_of, empty};
use crate::release::name_of;
use crate::tree::{Entry, Keep};

/// A file of the release.
pub(super) fn file(call: &Call) -> Result<Answer, Refusal> {
    let path = call.request.uri.path();
    let snapshot = call.fleet.snapshot();
    let name = path.strip_prefix("/release/").and_then(name_of);
    let entry = name.and_then(|name| snapshot.tree.file(&name).cloned());
    let entry = entry.ok_or_else(|| Refusal::not_found("the release has no such file"))?;
    Ok(given(&entry, &call.request.headers, call.fleet.config.release_readers))
}

pub(super) fn given(entry: &Entry, headers: &HeaderMap, readers: ReleaseReaders) -> Answer {
    let keep = match (entry.keep, readers) {
        (Keep::Forever, ReleaseReaders::Anyone) => "public, max-age=31536000, immutable",
        (Keep::Forever, ReleaseReaders::Fleet) => "private, max-age=31536000, immutable",
        (Keep::Ask, ReleaseReaders::Anyone) => "no-cache",
        (Keep::Ask, ReleaseReaders::Fleet) => "private, no-cache",
    };
    let packed = entry.gzip.as_ref().filter(|_| takes_gzip(headers));
    let tag = if packed.is_some() { &entry.gzip_tag } else { &entry.tag };
    let mut answer = if is_known(headers, entry) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        let body = packed.unwrap_or(&entry.plain).clone();
        bytes_of(StatusCode::OK, "application/json", body)
    };
    let out = answer.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    out.insert(header::ETAG, tag.clone());
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed.is_some() {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

fn values<'all>(headers: &'all HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'all str> {
    let all = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether the other side has these very bytes.
fn is_known(headers: &HeaderMap, entry: &Entry) -> bool {
    values(headers, &header::IF_NONE_MATCH).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag).as_bytes();
        tag == b"*" || tag == entry.tag.as_bytes() || tag == entry.gzip_tag.as_bytes()
    })
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    values(headers, &header::ACCEPT_ENCODING).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches("q=");
        let is_refused = !weight.is_empty() && weight.trim_matches(['0', '.']).is_empty();
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_whom_it_is_welcome() {
        let takes = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            takes_gzip(&headers)
        };
        assert!(takes("gzip"));
        assert!(takes("br, GZIP;q=0.5"));
        assert!(!takes("gzip;q=0"));
        assert!(!takes("gzip; q=0.0"));
        assert!(!takes("br, *"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
