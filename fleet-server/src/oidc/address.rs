//! Addresses that may be asked, or to which a browser may be sent.

use hyper::Uri;

/// An address with TLS, or one on this very machine: `https://…`, `http://127.0.0.1:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// The most characters of an address.
const MAX: usize = 2_048;

impl Address {
    /// An address of a text. It names a host; it has no user, no fragment and no odd character.
    ///
    /// # Errors
    /// What is wrong with it, to go after its name.
    pub fn of(text: &str) -> Result<Self, &'static str> {
        let plain =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>');
        if text.len() > MAX || !text.bytes().all(plain) || text.contains('#') {
            return Err("must be an address of plain characters, without a fragment");
        }
        let uri: Uri =
            text.parse().map_err(|_| "must be an address such as `https://id.example`")?;
        let authority = uri.authority().ok_or("must name a host")?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err("must name a host, and no user");
        }
        if !text.starts_with("https://") && !text.starts_with("http://") {
            return Err("must begin with `https://`");
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self(text.to_owned())),
            Some("http") if is_loopback(authority.host()) => Ok(Self(text.to_owned())),
            _ => Err("must begin with `https://`; `http://` is for this very machine alone"),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is on this very machine.
    pub(super) fn is_loopback(&self) -> bool {
        let uri: Option<Uri> = self.0.parse().ok();
        uri.as_ref().and_then(Uri::host).is_some_and(is_loopback)
    }

    /// Whether it has no TLS.
    pub(super) fn is_plain(&self) -> bool {
        self.0.starts_with("http://")
    }

    /// Its host, for people.
    pub fn host(&self) -> String {
        let uri: Option<Uri> = self.0.parse().ok();
        uri.as_ref().and_then(Uri::host).unwrap_or_default().to_owned()
    }

    /// Whether it has a question mark.
    pub(super) fn has_query(&self) -> bool {
        self.0.contains('?')
    }

    /// The address with something after the question mark, or after what stands there already.
    pub(super) fn with_query(&self, pairs: &[(&str, &str)]) -> String {
        let joint = if self.has_query() { '&' } else { '?' };
        format!("{}{joint}{}", self.0, form(pairs))
    }
}

/// A loopback address in numbers, or the name that stands for it.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Pairs as forms and queries have them.
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A text with everything escaped that is no unreserved character of RFC 3986.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_tls_are_on_this_machine_alone() {
        for good in [
            "https://id.bank.example/realms/bank",
            "https://id.bank.example:8443",
            "http://127.0.0.1:8080/a?b=c",
            "http://[::1]:8080",
            "http://localhost",
        ] {
            assert!(Address::of(good).is_ok(), "{good}: {:?}", Address::of(good));
        }
        for bad in [
            "http://id.bank.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "https://user@id.example",
            "http://127.0.0.1@evil.example",
            "https://id.example/#fragment",
            "https://id.example/\\evil",
            "https://id.example/a b",
            "https://id.example/\r\nx: y",
            "https:///path",
            "javascript:alert(1)",
            "ftp://id.example",
            "/relative",
            "",
        ] {
            assert!(Address::of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_are_escaped_and_joined() {
        let pairs = [("a", "x y&z"), ("b", "é")];
        let plain = Address::of("https://id.example/authorize").unwrap();
        assert_eq!(plain.with_query(&pairs), "https://id.example/authorize?a=x%20y%26z&b=%C3%A9");
        let asked = Address::of("https://id.example/authorize?p=1").unwrap();
        assert_eq!(asked.with_query(&pairs[..1]), "https://id.example/authorize?p=1&a=x%20y%26z");
    }
}
