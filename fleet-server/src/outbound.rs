//! What this server asks of others, an identity provider and a collector: one kind of client.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::authority::certificates;

/// A client that believes these authorities (PEM), or those of the web where none are given, and
/// asks what was configured, never what that points at. None where there is no certificate in them.
///
/// `time` is how long an answer may take, from the connection to its last byte.
pub(crate) fn client(authorities: Option<&[u8]>, time: Duration) -> Option<Agent> {
    let roots = match authorities {
        None => RootCerts::WebPki,
        Some(pem) => {
            let found = certificates(pem).ok()?;
            let found = found.iter().map(|one| Certificate::from_der(one.as_ref()).to_owned());
            RootCerts::new_with_certs(&found.collect::<Vec<_>>())
        }
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_global(Some(time))
        .user_agent(concat!("codex-fleet-server/", env!("CARGO_PKG_VERSION")))
        .build();
    Some(config.into())
}
