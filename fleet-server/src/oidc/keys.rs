//! The keys that an issuer publishes: a set of JSON Web Keys, RFC 7517.

use serde::Deserialize;
use serde_json::Value;

use super::from_base64url;
use super::signature::{Algorithm, PublicKey};

/// The most keys of a set.
const MAX_KEYS: usize = 64;

/// A key with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: Option<String>,
    key: PublicKey,
}

/// The keys of an issuer that can verify something here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(Vec<Named>);

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// The keys of a document. What is no key for signatures of a kind that is known here is left
    /// aside: an issuer may publish others next to them.
    ///
    /// # Errors
    /// What is wrong with the document, for people.
    pub(super) fn of(document: &[u8]) -> Result<Self, &'static str> {
        let set: Set =
            serde_json::from_slice(document).map_err(|_| "its keys are no set of JSON Web Keys")?;
        if set.keys.len() > MAX_KEYS {
            return Err("it publishes more keys than 64");
        }
        let keys: Vec<Named> = set.keys.into_iter().filter_map(named).collect();
        if keys.is_empty() {
            return Err("it publishes no key for RS256, ES256 or EdDSA");
        }
        Ok(Self(keys))
    }

    /// The key of a name that verifies what is signed by an algorithm. A token that names no key is
    /// verified where there is one alone that it can mean.
    pub(super) fn find(&self, name: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        let fits = |one: &&Named| {
            one.key.algorithm() == algorithm
                && name.is_none_or(|name| one.name.as_deref() == Some(name))
        };
        let mut fitting = self.0.iter().filter(fits);
        let found = fitting.next()?;
        fitting.next().is_none().then_some(&found.key)
    }
}

fn named(value: Value) -> Option<Named> {
    let written: Written = serde_json::from_value(value).ok()?;
    let Written { kty, kid, usage, key_ops, alg, crv, n, e, x, y } = written;
    let signs = usage.is_none_or(|usage| usage == "sig")
        && key_ops.is_none_or(|all| all.iter().any(|one| one == "verify"));
    if !signs {
        return None;
    }
    let bytes = |text: Option<String>| from_base64url(&text?);
    let key = match (kty.as_str(), crv.as_deref()) {
        ("RSA", _) => PublicKey::Rsa { modulus: bytes(n)?, exponent: bytes(e)? },
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes(x)?, bytes(y)?);
            if x.len() != 32 || y.len() != 32 {
                return None;
            }
            PublicKey::P256([&[4], x.as_slice(), y.as_slice()].concat())
        }
        ("OKP", Some("Ed25519")) => PublicKey::Ed25519(bytes(x)?),
        _ => return None,
    };
    // A key for RS512 or PS256 is not for RS256.
    let fits = alg.is_none_or(|alg| Algorithm::of(&alg) == Some(key.algorithm()));
    fits.then_some(Named { name: kid, key })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::token::parts;
    use super::*;

    fn keys(document: &Value) -> Keys {
        Keys::of(document.to_string().as_bytes()).unwrap()
    }

    fn verified(token: &str, key: &Value) -> bool {
        let parts = parts(token).unwrap();
        let keys = keys(&json!({ "keys": [key] }));
        let key = keys.find(parts.key.as_deref(), parts.algorithm).unwrap();
        key.has_signed(parts.signed.as_bytes(), &parts.signature)
    }

    /// RFC 7515, A.2: the payload and the key of the RSA example.
    const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const RSA: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const EC: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const ED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    fn rsa() -> Value {
        json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB" })
    }

    fn ec() -> Value {
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })
    }

    fn ed() -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        })
    }

    #[test]
    fn the_examples_of_the_standards_verify_and_changed_ones_do_not() {
        for (token, key) in [(RSA, rsa()), (EC, ec()), (ED, ed())] {
            assert!(verified(token, &key), "{token}");
            let (head, signature) = token.rsplit_once('.').unwrap();
            let (header, payload) = head.split_once('.').unwrap();
            let changed = format!(
                "{header}.{}.{signature}",
                payload.replacen('X', "Y", 1).replacen("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Ei", 1)
            );
            assert!(!verified(&changed, &key), "{changed}");
        }
        let short = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
        assert!(!verified(RSA, &short), "too few bits");
    }

    #[test]
    fn a_key_is_found_by_its_name_and_its_kind() {
        let with = |mut key: Value, more: Value| {
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            key
        };
        let set = keys(&json!({ "keys": [
            with(rsa(), json!({ "kid": "a", "use": "sig", "alg": "RS256" })),
            with(ec(), json!({ "kid": "a" })),
            with(ed(), json!({ "kid": "b", "key_ops": ["verify"] })),
            with(ed(), json!({ "kid": "c", "use": "enc" })),
            with(rsa(), json!({ "kid": "d", "alg": "PS256" })),
            with(rsa(), json!({ "kid": "e" })),
            { "kty": "oct", "k": "AAAA", "kid": "f" },
            "no key at all",
        ] }));
        assert_eq!(set.find(Some("a"), Algorithm::Rs256).unwrap().algorithm(), Algorithm::Rs256);
        assert_eq!(set.find(Some("a"), Algorithm::Es256).unwrap().algorithm(), Algorithm::Es256);
        assert!(set.find(Some("b"), Algorithm::Rs256).is_none(), "another kind");
        for left_aside in ["c", "d", "f"] {
            for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
                assert!(set.find(Some(left_aside), algorithm).is_none(), "{left_aside}");
            }
        }
        assert!(set.find(None, Algorithm::EdDsa).is_some(), "there is one alone");
        assert!(set.find(None, Algorithm::Rs256).is_none(), "there are two");
    }

    #[test]
    fn sets_without_end_depth_or_sense_are_refused() {
        let deep = format!("{{\"keys\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let many = json!({ "keys": vec![ec(); 65] }).to_string();
        for (document, why) in [
            (deep.as_str(), "no set"),
            (many.as_str(), "more keys"),
            ("{\"keys\":[]}", "no key for"),
            ("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}", "no key for"),
            ("<html>", "no set"),
            ("[]", "no set"),
        ] {
            let refused = Keys::of(document.as_bytes()).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
