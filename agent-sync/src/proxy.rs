//! Through which proxy a server is reached: the one that settings name, else the one that the
//! environment of the service names. What the environment says is an argument here.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What settings say to use no proxy, whatever the environment says.
pub const NONE: &str = "none";

/// The address of a proxy. It may hold a password, and is not in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProxyAddress(String);

impl ProxyAddress {
    /// The address, secrets included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address for people: without what stands before an `@`.
    pub fn shown(&self) -> String {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let host: String = host.chars().filter(|one| !one.is_control()).take(200).collect();
        if scheme.is_empty() { host } else { format!("{scheme}://{host}") }
    }
}

impl From<String> for ProxyAddress {
    fn from(address: String) -> Self {
        Self(address)
    }
}

impl std::fmt::Debug for ProxyAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.shown())
    }
}

/// What an environment says of proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    https: Option<ProxyAddress>,
    http: Option<ProxyAddress>,
    without: Vec<String>,
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, each in small letters first, as
    /// curl does. A variable that is empty is none.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| {
            let small = variable(&name.to_ascii_lowercase()).filter(|text| !text.is_empty());
            small.or_else(|| variable(name)).filter(|text| !text.trim().is_empty())
        };
        let all = read("ALL_PROXY");
        let proxy = |name| read(name).or_else(|| all.clone()).map(ProxyAddress);
        let without = read("NO_PROXY").unwrap_or_default();
        Self {
            https: proxy("HTTPS_PROXY"),
            http: proxy("HTTP_PROXY"),
            without: without
                .split([',', ' '])
                .map(|one| one.trim().to_ascii_lowercase())
                .filter(|one| !one.is_empty())
                .collect(),
        }
    }

    /// The proxy for an address. What is on this machine is reached without one.
    pub fn of_address(&self, address: &str) -> Option<ProxyAddress> {
        let (scheme, rest) = address.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = host_and_port(authority, scheme);
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if is_here(&host) || self.without.iter().any(|one| excludes(one, &host, port)) {
            return None;
        }
        if scheme == "http" { self.http.clone() } else { self.https.clone() }
    }
}

fn host_and_port<'text>(authority: &'text str, scheme: &str) -> (&'text str, u16) {
    let usual = if scheme == "http" { 80 } else { 443 };
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|one| one.split_once(']')) {
        let port = rest.strip_prefix(':').and_then(|port| port.parse().ok());
        return (host, port.unwrap_or(usual));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().unwrap_or(usual)),
        None => (authority, usual),
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether an entry of `NO_PROXY` is about a host: `*`, a name with everything below it (with or
/// without a dot or `*.` in front), an address, or a network such as `10.0.0.0/8`; a port after it
/// holds for that port alone.
fn excludes(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        return is_in(network, bits, host);
    }
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, number)) if !is_address(entry) => match number.parse::<u16>() {
            Ok(number) => (name, Some(number)),
            Err(_) => return false,
        },
        _ => (entry, None),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    if let (Ok(one), Ok(other)) = (name.parse::<IpAddr>(), host.parse::<IpAddr>()) {
        return one == other;
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    let name = name.strip_prefix('.').unwrap_or(name);
    !name.is_empty()
        && (host == name || host.strip_suffix(name).is_some_and(|above| above.ends_with('.')))
}

fn is_in(network: &str, bits: &str, host: &str) -> bool {
    let Ok(bits) = bits.parse::<u32>() else { return false };
    match (network.parse(), host.parse()) {
        (Ok(IpAddr::V4(network)), Ok(IpAddr::V4(host))) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            network.to_bits() & mask == host.to_bits() & mask
        }
        (Ok(IpAddr::V6(network)), Ok(IpAddr::V6(host))) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            network.to_bits() & mask == host.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let found = |name: &str| {
            variables.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned())
        };
        Proxies::of(found)
    }

    #[test]
    fn small_letters_win_and_each_scheme_has_its_own_proxy() {
        let found = proxies(&[
            ("https_proxy", "http://small:1"),
            ("HTTPS_PROXY", "http://large:1"),
            ("ALL_PROXY", "http://all:1"),
        ]);
        let of = |address| found.of_address(address).map(|one| one.as_str().to_owned());
        assert_eq!(of("https://fleet.example").as_deref(), Some("http://small:1"));
        assert_eq!(of("http://fleet.example").as_deref(), Some("http://all:1"));
        let empty = proxies(&[("https_proxy", ""), ("HTTPS_PROXY", " ")]);
        assert_eq!(empty, Proxies::default());
        assert_eq!(empty.of_address("https://fleet.example"), None);
    }

    #[test]
    fn what_no_proxy_names_is_reached_directly_and_nothing_else() {
        let list = "bank.example, .corp.example,*.lab.example,10.1.0.0/16 fd00::/8,192.0.2.7,odd.example:8443";
        let found = proxies(&[("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", list)]);
        for (address, is_direct) in [
            ("https://bank.example", true),
            ("https://FLEET.bank.example./release", true),
            ("https://notbank.example", false),
            ("https://bank.example.evil.example", false),
            ("https://a.corp.example", true),
            ("https://a.lab.example:8443/x", true),
            ("https://10.1.255.1", true),
            ("https://10.2.0.1", false),
            ("https://[fd12::1]:8443", true),
            ("https://[fe12::1]:8443", false),
            ("https://192.0.2.7", true),
            ("https://192.0.2.70", false),
            ("https://odd.example", false),
            ("https://odd.example:8443", true),
            ("https://localhost:1", true),
            ("https://127.0.0.1:1", true),
            ("https://[::1]", true),
        ] {
            assert_eq!(found.of_address(address).is_none(), is_direct, "{address}");
        }
        for broken in ["10.0.0.0/33", "10.0.0.0/x", "a:b", ":", ".", "/", "::/129"] {
            let found = proxies(&[("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", broken)]);
            assert!(found.of_address("https://10.0.0.1").is_some(), "{broken}");
        }
        let all = proxies(&[("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", "*")]);
        assert_eq!(all.of_address("https://fleet.example"), None);
        let every = proxies(&[("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", "0.0.0.0/0")]);
        assert_eq!(every.of_address("https://10.0.0.1"), None);
    }

    #[test]
    fn a_password_is_never_shown() {
        let found = proxies(&[("HTTPS_PROXY", "http://ana:hunt@er2@proxy.example:3128")]);
        let shown = format!("{found:?}");
        assert!(shown.contains("http://proxy.example:3128"), "{shown}");
        assert!(!shown.contains("hunt") && !shown.contains("ana"), "{shown}");
    }
}
