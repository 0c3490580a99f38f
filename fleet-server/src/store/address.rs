//! What the address of a PostgreSQL database says about TLS.
//!
//! Two of `libpq`'s words are taken, with its meaning: `sslmode=disable`, and `sslmode=verify-full` with
//! `sslrootcert`. Those in between encrypt to whoever answers, or not at all when somebody in between
//! says so: they are refused, never read as something weaker.

use std::path::{Path, PathBuf};

use rustls::{ClientConfig, RootCertStore};

use super::sql::StoreError;
use crate::authority::certificates;
use crate::tls::provider;
use crate::world;

/// The most bytes of the authority's file.
const MAX_FILE: u64 = 1_000_000;

/// How a connection is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// Not at all: a socket, or a network of its own.
    None,
    /// With TLS, and only if the server shows a certificate of this authority for its name.
    Full {
        /// The authority's certificates, PEM.
        authority: PathBuf,
    },
}

fn wrong(problem: &str) -> StoreError {
    StoreError::Unavailable(format!("the address of the database cannot be used: {problem}"))
}

/// Splits an address into what the driver reads and what is said of TLS.
pub(super) fn read(address: &str) -> Result<(String, Protection), StoreError> {
    let (place, query) = address.split_once('?').unwrap_or((address, ""));
    let (mut mode, mut authority, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => authority = Some(plain(value)?),
            Some((name, _)) if name.starts_with("ssl") => {
                return Err(wrong("of TLS it may have `sslmode` and `sslrootcert` alone"));
            }
            Some(_) | None => rest.push(pair),
        }
    }
    let protection = match (mode, authority) {
        (None | Some("disable"), None) => Protection::None,
        (None | Some("disable"), Some(_)) => {
            return Err(wrong("`sslrootcert` without `sslmode=verify-full` protects nothing"));
        }
        (Some("verify-full"), Some(authority)) => Protection::Full { authority },
        (Some("verify-full"), None) => {
            return Err(wrong(
                "`sslmode=verify-full` needs `sslrootcert`, a file with the authority",
            ));
        }
        (Some(_), _) => {
            return Err(wrong(
                "`sslmode` must be `verify-full` or `disable`: the others do not check who answers",
            ));
        }
    };
    let query = rest.join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    Ok((format!("{place}{mark}{query}"), protection))
}

/// A value with its escapes read.
fn plain(value: &str) -> Result<PathBuf, StoreError> {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let mut digit =
            || char::from(rest.next()?).to_digit(16).and_then(|one| u8::try_from(one).ok());
        bytes.push(match byte {
            b'%' => match (digit(), digit()) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(wrong("an escape of `sslrootcert` is none")),
            },
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("`sslrootcert` is no text"))?;
    Ok(PathBuf::from(text))
}

/// TLS to whoever shows a certificate of an authority.
pub(super) fn tls(authority: &Path) -> Result<ClientConfig, StoreError> {
    let bytes = world::read(authority, MAX_FILE).map_err(|error| wrong(&error.to_string()))?;
    let mut roots = RootCertStore::empty();
    let all = certificates(&bytes).map_err(|error| wrong(&error.to_string()))?;
    for certificate in all {
        roots.add(certificate).map_err(|error| wrong(&error.to_string()))?;
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(address: &str) -> String {
        read(address).expect_err("cannot be used").to_string()
    }

    #[test]
    fn what_is_said_of_tls_is_taken_out() {
        assert_eq!(
            read("postgres://fleet@db/fleet?sslmode=verify-full&connect_timeout=3&sslrootcert=/a%20b.pem").unwrap(),
            (
                "postgres://fleet@db/fleet?connect_timeout=3".to_owned(),
                Protection::Full { authority: "/a b.pem".into() }
            )
        );
        for address in ["postgres://fleet@db/fleet", "postgres://fleet@db/fleet?sslmode=disable"] {
            assert_eq!(
                read(address).unwrap(),
                ("postgres://fleet@db/fleet".to_owned(), Protection::None)
            );
        }
    }

    #[test]
    fn what_protects_less_than_it_seems_to_is_refused() {
        for mode in ["allow", "prefer", "require", "verify-ca", "verify-ful", ""] {
            let address = format!("postgres://u:secret@db/x?sslmode={mode}&sslrootcert=/ca.pem");
            let problem = problem(&address);
            assert!(problem.contains("must be `verify-full` or `disable`"), "{mode}: {problem}");
            assert!(!problem.contains("secret"), "a password is in no message");
        }
        assert!(problem("postgres://db/x?sslmode=verify-full").contains("needs `sslrootcert`"));
        assert!(problem("postgres://db/x?sslrootcert=/ca.pem").contains("protects nothing"));
        assert!(problem("postgres://db/x?sslcert=/a").contains("alone"));
        assert!(problem("postgres://db/x?sslmode=verify-full&sslrootcert=%4").contains("escape"));
    }
}
