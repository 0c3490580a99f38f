//! A host as a person writes it, and as the proxy gets to see it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use crate::decide::domains::normal_host;

/// What was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The host that the proxy compares.
    pub(super) host: String,
    /// The address as the proxy names it where nobody may be asked.
    pub(super) address: String,
    /// What was done to get there, for the reader.
    pub(super) notes: Vec<String>,
}

/// Why a text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHost {
    /// There is nothing, or a blank in it.
    Empty,
    /// A label is empty, too long or has a hyphen at its end, or the whole is too long.
    Labels,
}

impl NoHost {
    /// Why, as a sentence without a full stop.
    pub(super) fn because(self) -> &'static str {
        match self {
            Self::Empty => "this is no host: it is empty or has blanks in it",
            Self::Labels => {
                "no host can have this name: its parts have 1 to 63 letters, none has a hyphen at \
                 either end, and all together have at most 253"
            }
        }
    }
}

/// Reads a host: a port, brackets, and whatever else belongs to an address of the web fall away;
/// names are turned into the form in which programs send them.
///
/// # Errors
/// Why it is no host.
pub(super) fn read(asked: &str) -> Result<Name, NoHost> {
    let mut notes = Vec::new();
    let text = asked.trim();
    let after_scheme = text.split_once("://").map(|(_, rest)| rest);
    let whole = after_scheme.unwrap_or(text);
    let authority = whole.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host_text = without_port(place);
    let host = host_text;
    if after_scheme.is_some() || place != host || whole != authority {
        notes.push("only the host counts: not the scheme, the port, the path or a user".to_owned());
    }
    if host.is_empty() || host.contains(char::is_whitespace) || host.contains(char::is_control) {
        return Err(NoHost::Empty);
    }
    let ending = if host.ends_with('.') { Ending::Dot } else { Ending::Letter };
    let host = sent(&normal_host(host), ending, &mut notes)?;
    if host.parse::<IpAddr>().is_err() && !has_good_labels(&host) {
        return Err(NoHost::Labels);
    }
    let secure = text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    let (scheme, usual) = if secure { ("https", "443") } else { ("http", "80") };
    let port = place.strip_prefix(host_text).and_then(|rest| rest.strip_prefix(':'));
    let port = port.filter(|port| !port.is_empty()).unwrap_or(usual);
    Ok(Name { address: format!("{scheme}://{host}:{port}"), host, notes })
}

/// Whether programs leave the proxy out for a host when local addresses are open: what 0.169.0 lists
/// in `NO_PROXY` then.
pub(super) fn is_direct(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address == Ipv4Addr::LOCALHOST || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn without_port(place: &str) -> &str {
    if let Some(end) = place.strip_prefix('[').and_then(|rest| rest.find(']')) {
        return place.get(..end + 2).unwrap_or(place);
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => place,
    }
}

/// How a host ends as it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Dot,
    Letter,
}

/// The form in which programs send a name.
fn sent(host: &str, ending: Ending, notes: &mut Vec<String>) -> Result<String, NoHost> {
    // With a dot at its end it is a name.
    if let Some(address) = loose_address(host).filter(|_| ending == Ending::Letter) {
        notes.push(format!("programs read `{host}` as the address {address}"));
        return Ok(address.to_string());
    }
    if host.is_ascii() {
        return Ok(host.to_owned());
    }
    let labels: Option<Vec<Cow<'_, str>>> =
        host.split(['.', '。', '．']).map(ascii_label).collect();
    let name = labels.ok_or(NoHost::Labels)?.join(".");
    notes.push(format!(
        "programs ask for it as `{name}`, and entries are compared with that: an entry with other \
         letters than those of ASCII matches nothing"
    ));
    Ok(name)
}

fn ascii_label(label: &str) -> Option<Cow<'_, str>> {
    if label.is_ascii() {
        return Some(Cow::Borrowed(label));
    }
    Some(Cow::Owned(format!("xn--{}", punycode(&label.to_lowercase())?)))
}

/// A label in letters of ASCII (RFC 3492); `None` for one too long to be a label.
fn punycode(label: &str) -> Option<String> {
    const LONGEST: usize = 63;
    let letters: Vec<u32> = label.chars().map(u32::from).collect();
    if letters.len() > LONGEST {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    let (mut code, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    if basic > 0 {
        out.push('-');
    }
    while usize::try_from(handled).ok()? < letters.len() {
        let next = letters.iter().copied().filter(|letter| *letter >= code).min()?;
        delta = delta.checked_add((next - code).checked_mul(handled + 1)?)?;
        code = next;
        for letter in &letters {
            if *letter < code {
                delta = delta.checked_add(1)?;
            }
            if *letter == code {
                out.push_str(&variable(delta, bias)?);
                bias = adapted(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        code += 1;
    }
    Some(out)
}

/// A number in digits of a base that shrinks.
fn variable(mut number: u32, bias: u32) -> Option<String> {
    let digit = |value: u32| {
        let byte = u8::try_from(value).ok()?;
        Some(char::from(if byte < 26 { b'a' + byte } else { b'0' + (byte - 26) }))
    };
    let mut out = String::new();
    let mut at = 36;
    loop {
        let threshold = at.max(bias).saturating_sub(bias).clamp(1, 26);
        if number < threshold {
            out.push(digit(number)?);
            return Some(out);
        }
        let base = 36 - threshold;
        out.push(digit(threshold + (number - threshold) % base)?);
        number = (number - threshold) / base;
        at += 36;
    }
}

fn adapted(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut steps = 0;
    while delta > 455 {
        delta /= 35;
        steps += 36;
    }
    steps + 36 * delta / (delta + 38)
}

/// An address in a form that programs understand besides the usual one: fewer parts, or parts in
/// octal or hexadecimal digits.
fn loose_address(host: &str) -> Option<Ipv4Addr> {
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let parts: Option<Vec<u32>> = host.split('.').map(number).collect();
    let (last, before) = parts.as_deref()?.split_last().map(|(last, before)| (*last, before))?;
    if before.len() > 3 || before.iter().any(|part| *part > 255) {
        return None;
    }
    let left = 4 - u32::try_from(before.len()).ok()?;
    if left < 4 && last >= 1 << (8 * left) {
        return None;
    }
    let high = before.iter().fold(0_u32, |whole, part| whole << 8 | part);
    let high = if left == 4 { 0 } else { high << (8 * left) };
    Some(Ipv4Addr::from(high | last))
}

fn number(part: &str) -> Option<u32> {
    if let Some(digits) = part.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok();
    }
    if part.len() > 1 && part.starts_with('0') {
        return u32::from_str_radix(part, 8).ok();
    }
    part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
}

fn has_good_labels(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What curl made of the same and the proxy of 0.169.0 saw.
    #[test]
    fn hosts_are_read_as_the_proxy_sees_them() {
        for (asked, host) in [
            ("ok.example", "ok.example"),
            ("OK.example.:8080", "ok.example"),
            ("https://user:pw@ok.example:1/x?y#z", "ok.example"),
            ("http://[::1]:80/", "::1"),
            ("[fe80::1]", "fe80::1"),
            ("::1", "::1"),
            ("0x7f.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("o_k.example", "o_k.example"),
            ("  ok.example ", "ok.example"),
        ] {
            assert_eq!(read(asked).map(|name| name.host).as_deref(), Ok(host), "{asked}");
        }
        for (asked, wrong) in [
            ("", NoHost::Empty),
            ("   ", NoHost::Empty),
            ("http:///x", NoHost::Empty),
            ("a b.example", NoHost::Empty),
            ("ok..example", NoHost::Labels),
            ("-ok.example", NoHost::Labels),
            ("ok.example-", NoHost::Labels),
            (&"a".repeat(64), NoHost::Labels),
            (&"ü".repeat(100_000), NoHost::Labels),
            (&"a.".repeat(1000), NoHost::Labels),
        ] {
            assert_eq!(read(asked), Err(wrong), "{asked}");
        }
    }
}
