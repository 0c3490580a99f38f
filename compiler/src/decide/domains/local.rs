//! Addresses that the proxy counts as local or private by their text alone (measured on 0.169.0).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a host in its normal form is a local name or address. Names that resolve to such an
/// address are refused too, but that is not known from the policy.
pub(crate) fn is_local(host: &str) -> bool {
    let unscoped = host.split_once('%').map_or(host, |(address, _)| address);
    match unscoped.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => is_local_v4(address),
        Ok(IpAddr::V6(address)) => is_local_v6(address),
        Err(_) => host == "localhost",
    }
}

/// Whether listing this very host can open a local address.
pub(crate) fn is_literal(host: &str) -> bool {
    let unscoped = host.split_once('%').map_or(host, |(address, _)| address);
    host == "localhost" || unscoped.parse::<IpAddr>().is_ok()
}

/// First address and prefix length of the ranges that are not public.
const RANGES: [(Ipv4Addr, u32); 14] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// How many of some addresses are local.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Within {
    /// None of them.
    None,
    /// Some, but not all.
    Some,
    /// All of them.
    All,
}

/// How many addresses of version 4 are local that begin with these bytes.
pub(crate) fn within(first_bytes: &[u8]) -> Within {
    let length = u32::try_from(first_bytes.len()).unwrap_or(4).min(4) * 8;
    let mut bytes = [0; 4];
    bytes.iter_mut().zip(first_bytes).for_each(|(byte, own)| *byte = *own);
    let bits = u32::from_be_bytes(bytes);
    let same = |first: &Ipv4Addr, bits_compared: u32| {
        let shift = 32 - bits_compared;
        bits.checked_shr(shift) == u32::from(*first).checked_shr(shift)
    };
    if RANGES.iter().any(|(first, own)| *own <= length && same(first, *own)) {
        return Within::All;
    }
    let some = RANGES.iter().any(|(first, own)| *own > length && same(first, length));
    if some { Within::Some } else { Within::None }
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    RANGES.iter().any(|(first, length)| {
        let shift = 32 - length;
        bits >> shift == u32::from(*first) >> shift
    })
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4() {
        return is_local_v4(inner) || address.is_loopback();
    }
    address.is_multicast() || address.is_unique_local() || address.is_unicast_link_local()
}
