//! What an issuer says of itself: OpenID Connect Discovery 1.0.

use serde::Deserialize;

use super::address::Address;

/// Where discovery documents are, below an issuer.
pub(super) const PATH: &str = "/.well-known/openid-configuration";

/// How a client with a secret shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// In the header.
    Basic,
    /// In the form.
    Post,
}

/// What is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Discovery {
    pub(super) authorization: Address,
    pub(super) token: Address,
    pub(super) keys: Address,
    pub(super) shows: Shows,
    /// Whether it says whose answer an answer is: RFC 9207.
    pub(super) names_itself: bool,
}

#[derive(Deserialize)]
struct Written {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Reads a document that was fetched for an issuer.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn read(document: &[u8], issuer: &str) -> Result<Discovery, String> {
    let written: Written = serde_json::from_slice(document)
        .map_err(|_| "its discovery document cannot be read".to_owned())?;
    if written.issuer != issuer {
        // One character apart is another issuer: whoever writes documents could be anybody.
        return Err("its discovery document is of another issuer than `oidc.issuer`".to_owned());
    }
    let may_be_plain = issuer.starts_with("http://");
    let address = |name: &str, text: &str| match Address::of(text) {
        Err(problem) => Err(format!("its `{name}` {problem}")),
        // An issuer elsewhere has no business on this very machine.
        Ok(place) if place.is_plain() && !may_be_plain => {
            Err(format!("its `{name}` must begin with `https://`"))
        }
        Ok(place) => Ok(place),
    };
    let pkce = written.code_challenge_methods_supported;
    if pkce.is_some_and(|methods| !methods.iter().any(|one| one == "S256")) {
        return Err("it does not take PKCE with S256".to_owned());
    }
    let methods = written.token_endpoint_auth_methods_supported.unwrap_or_default();
    let has = |word: &str| methods.iter().any(|one| one == word);
    let posts = has("client_secret_post") && !has("client_secret_basic");
    Ok(Discovery {
        authorization: address("authorization_endpoint", &written.authorization_endpoint)?,
        token: address("token_endpoint", &written.token_endpoint)?,
        keys: address("jwks_uri", &written.jwks_uri)?,
        shows: if posts { Shows::Post } else { Shows::Basic },
        names_itself: written.authorization_response_iss_parameter_supported,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(change: impl FnOnce(&mut Value)) -> Result<Discovery, String> {
        let mut document = json!({
            "issuer": "https://id.example",
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://keys.id.example/",
        });
        change(&mut document);
        read(document.to_string().as_bytes(), "https://id.example")
    }

    #[test]
    fn the_issuer_must_be_the_very_one_and_everything_has_tls() {
        assert!(with(|_| {}).is_ok());
        for issuer in ["https://id.example/", "https://ID.example", "http://id.example", ""] {
            let refused = with(|one| one["issuer"] = json!(issuer)).unwrap_err();
            assert!(refused.contains("another issuer"), "{refused}");
        }
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for plain in ["http://id.example/x", "http://127.0.0.1/x", "http://localhost:80/x"] {
                let refused = with(|one| one[name] = json!(plain)).unwrap_err();
                assert!(refused.contains(name) && refused.contains("https://"), "{refused}");
            }
        }
    }

    #[test]
    fn pkce_with_s256_is_needed_and_secrets_go_where_they_are_taken() {
        let methods = |word: &str, values: Value| with(|one| one[word] = values);
        let pkce = "code_challenge_methods_supported";
        assert!(methods(pkce, json!(["plain", "S256"])).is_ok());
        assert!(methods(pkce, json!(["plain"])).unwrap_err().contains("S256"));
        let auth = "token_endpoint_auth_methods_supported";
        let shows = |values: Value| methods(auth, values).unwrap().shows;
        assert_eq!(shows(json!(["client_secret_post"])), Shows::Post);
        assert_eq!(shows(json!(["client_secret_post", "client_secret_basic"])), Shows::Basic);
        assert_eq!(with(|_| {}).unwrap().shows, Shows::Basic);
    }
}
