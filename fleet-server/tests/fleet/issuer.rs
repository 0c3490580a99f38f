//! An identity provider on the loopback: discovery, keys, authorisation and token endpoints, and
//! everything that one can do wrong or do to us.
#![allow(dead_code, unreachable_pub, reason = "every test takes what it needs")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use rustls::ServerConfig;
use serde_json::{Value, json};

/// The client that the issuer knows, and its secret.
pub const CLIENT: (&str, &str) = ("codex-fleet", "a secret: with+odd/characters");

/// The audience of bearer tokens.
pub const AUDIENCE: &str = "codex-policy";

pub fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair of one of the three kinds.
pub enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

/// A key with its name.
pub struct Key {
    pub name: &'static str,
    pub pair: Pair,
}

impl Key {
    /// `ring` makes no RSA keys, so this one is always the same.
    pub fn rsa(name: &'static str) -> Arc<Self> {
        let pair = RsaKeyPair::from_pkcs8(include_bytes!("fixtures/issuer.rsa.der")).unwrap();
        Arc::new(Self { name, pair: Pair::Rsa(Box::new(pair)) })
    }

    pub fn ec(name: &'static str) -> Arc<Self> {
        let (kind, dice) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(kind, &dice).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &dice).unwrap();
        Arc::new(Self { name, pair: Pair::Ec(Box::new(pair)) })
    }

    pub fn ed(name: &'static str) -> Arc<Self> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Arc::new(Self { name, pair: Pair::Ed(Box::new(pair)) })
    }

    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
            Pair::Ed(_) => "EdDSA",
        }
    }

    pub fn published(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let parts: PublicKeyComponents<Vec<u8>> = pair.public().into();
                json!({ "kty": "RSA", "n": encoded(&parts.n), "e": encoded(&parts.e) })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encoded(&point[1..33]), encoded(&point[33..]));
                json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
            }
            Pair::Ed(pair) => {
                let x = encoded(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
            }
        };
        key["kid"] = json!(self.name);
        key["use"] = json!("sig");
        key["alg"] = json!(self.algorithm());
        key
    }

    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        let dice = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &dice, message, &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&dice, message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this header; the algorithm and the name are this key's where it says nothing.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let mut whole = json!({ "alg": self.algorithm(), "kid": self.name, "typ": "JWT" });
        let more = header.as_object().unwrap();
        whole.as_object_mut().unwrap().extend(more.clone());
        let signed = format!(
            "{}.{}",
            encoded(whole.to_string().as_bytes()),
            encoded(claims.to_string().as_bytes())
        );
        let signature = encoded(&self.signature(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// How a document of the issuer comes.
#[derive(Clone, Debug, Default)]
pub enum Manner {
    /// As it should.
    #[default]
    Right,
    /// These bytes instead.
    Instead(Vec<u8>),
    /// Bytes without end.
    Endless,
    /// A byte now and then.
    Slow,
    /// A status.
    Status(u16),
    /// A redirect to this address.
    Elsewhere(String),
}

struct Code {
    client: String,
    resource: String,
    challenge: String,
    redirect: String,
    nonce: String,
    used: bool,
}

pub type Change = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// What the issuer does at the moment.
pub struct State {
    pub keys: Vec<Arc<Key>>,
    pub signer: Arc<Key>,
    /// What ID tokens say of whoever signs in.
    pub person: Value,
    /// What is done to an ID token's claims before it is signed.
    pub change: Change,
    /// Takes codes and verifiers as they come.
    pub is_lax: bool,
    pub discovery: Change,
    /// How the documents of paths come.
    pub manners: BTreeMap<&'static str, Manner>,
    /// How often paths were asked for.
    pub asked: BTreeMap<String, usize>,
    /// The forms that came to the token endpoint, with what stood in the header.
    pub forms: Vec<(BTreeMap<String, String>, String)>,
    codes: BTreeMap<String, Code>,
    /// Names itself in its answers.
    pub names_itself: bool,
    /// The groups of whoever signs in to Codex, and for how many seconds that is good.
    pub codex: (Vec<&'static str>, i64),
}

/// Codex, as a client of the issuer.
pub const CODEX: &str = "codex-cli";

/// The issuer.
pub struct Issuer {
    pub address: SocketAddr,
    pub url: String,
    state: Arc<Mutex<State>>,
    ends: Arc<AtomicBool>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

impl Issuer {
    pub fn start() -> Self {
        Self::start_with(None)
    }

    pub fn start_with(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", address.port());
        let rsa = Key::rsa("rsa");
        let state = State {
            keys: vec![Arc::clone(&rsa), Key::ec("ec"), Key::ed("ed")],
            signer: rsa,
            person: json!({
                "sub": "248289761001", "email": "ana@bank.example", "groups": ["fleet-operators"],
            }),
            change: Arc::new(|_| {}),
            is_lax: false,
            discovery: Arc::new(|_| {}),
            manners: BTreeMap::new(),
            asked: BTreeMap::new(),
            forms: Vec::new(),
            codes: BTreeMap::new(),
            names_itself: true,
            codex: (Vec::new(), 600),
        };
        let issuer = Self {
            address,
            url: url.clone(),
            state: Arc::new(Mutex::new(state)),
            ends: Arc::default(),
        };
        let (state, ends) = (Arc::clone(&issuer.state), Arc::clone(&issuer.ends));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let (state, url, tls) = (Arc::clone(&state), url.clone(), tls.clone());
                let ends = Arc::clone(&ends);
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                    match tls {
                        None => answer(stream, &state, &url, &ends),
                        Some(config) => {
                            let connection = rustls::ServerConnection::new(config).unwrap();
                            answer(
                                rustls::StreamOwned::new(connection, stream),
                                &state,
                                &url,
                                &ends,
                            );
                        }
                    }
                });
            }
        });
        issuer
    }

    /// Changes what the issuer does.
    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    pub fn asked(&self, path: &str) -> usize {
        self.with(|state| state.asked.get(path).copied().unwrap_or_default())
    }

    /// What a bearer token of somebody in these groups says.
    pub fn claims(&self, groups: &[&str]) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({
            "iss": self.url, "sub": "248289761001", "aud": AUDIENCE, "azp": "codex-cli",
            "iat": now, "exp": now + 600, "groups": groups,
        })
    }

    pub fn key(&self, number: usize) -> Arc<Key> {
        self.with(|state| Arc::clone(&state.keys[number]))
    }

    /// A bearer token of somebody in these groups.
    pub fn bearer(&self, groups: &[&str]) -> String {
        self.key(0).token(&json!({}), &self.claims(groups))
    }

    /// Signs in as a browser does; gives where it is sent back to.
    pub fn authorise(&self, location: &str) -> String {
        let path = location.strip_prefix(&self.url).expect("it is this issuer");
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let reply = crate::support::read_reply(&mut stream).unwrap();
        assert_eq!(reply.status, 302, "{}", String::from_utf8_lossy(&reply.body));
        reply.header("location").unwrap().to_owned()
    }
}

/// A query or a form, decoded.
pub fn pairs(text: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            if *first == b'%' {
                let digits = std::str::from_utf8(&after[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &after[2..];
            } else {
                bytes.push(*first);
                rest = after;
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    let all = text.split('&').filter_map(|pair| pair.split_once('='));
    all.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn answer(stream: impl Stream, state: &Mutex<State>, url: &str, ends: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        // Whoever does not want the certificate goes without a word.
        let Ok(read) = reader.read_line(&mut line) else { return };
        if read == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let lines = head.iter().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let found = found.next();
        found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let target = head[0].split(' ').nth(1).unwrap().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut state = state.lock().unwrap();
    *state.asked.entry(path.to_owned()).or_default() += 1;
    let manner = state.manners.get(path).cloned().unwrap_or_default();
    let (status, more, body) = match (path, manner) {
        (_, Manner::Endless | Manner::Slow) => {
            let slowly = matches!(state.manners.get(path), Some(Manner::Slow));
            drop(state);
            return without_end(reader.get_mut(), slowly, ends);
        }
        (_, Manner::Status(status)) => (status, String::new(), b"{}".to_vec()),
        (_, Manner::Elsewhere(place)) => (302, format!("Location: {place}\r\n"), Vec::new()),
        (_, Manner::Instead(bytes)) => (200, String::new(), bytes),
        ("/.well-known/openid-configuration", Manner::Right) => {
            let mut document = json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
                "jwks_uri": format!("{url}/keys"),
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": state.names_itself,
            });
            (state.discovery)(&mut document);
            (200, String::new(), document.to_string().into_bytes())
        }
        ("/keys", Manner::Right) => {
            let keys: Vec<Value> = state.keys.iter().map(|key| key.published()).collect();
            (200, String::new(), json!({ "keys": keys }).to_string().into_bytes())
        }
        ("/authorize", Manner::Right) => authorised(&mut state, query, url),
        ("/token", Manner::Right) => {
            let form = pairs(std::str::from_utf8(&body).unwrap());
            let (status, answer) = token(&mut state, &form, &header("authorization"), url);
            state.forms.push((form, header("authorization")));
            (status, String::new(), answer.to_string().into_bytes())
        }
        _ => (404, String::new(), Vec::new()),
    };
    drop(state);
    let head = format!(
        "HTTP/1.1 {status} OK\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n",
        body.len()
    );
    // Whoever asked may be gone.
    drop(reader.get_mut().write_all(&[head.as_bytes(), &body].concat()));
    drop(reader.get_mut().flush());
}

fn without_end(stream: &mut impl Stream, slowly: bool, ends: &AtomicBool) {
    drop(stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"keys\":["));
    let piece = if slowly { b" ".to_vec() } else { vec![b' '; 65_536] };
    while !ends.load(Ordering::SeqCst) && stream.write_all(&piece).is_ok() && stream.flush().is_ok()
    {
        if slowly {
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

type Made = (u16, String, Vec<u8>);

fn authorised(state: &mut State, query: &str, url: &str) -> Made {
    let asked = pairs(query);
    assert_eq!(asked["response_type"], "code");
    assert!([CLIENT.0, CODEX].contains(&asked["client_id"].as_str()), "{asked:?}");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{asked:?}");
    let code = format!("code-{}", state.codes.len());
    let redirect = asked["redirect_uri"].clone();
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let made = Code {
        client: text("client_id"),
        resource: text("resource"),
        challenge: asked["code_challenge"].clone(),
        redirect: redirect.clone(),
        nonce: text("nonce"),
        used: false,
    };
    state.codes.insert(code.clone(), made);
    let mut place = format!("{redirect}?code={code}&state={}", asked["state"]);
    if state.names_itself {
        place += &format!("&iss={}", url.replace(':', "%3A").replace('/', "%2F"));
    }
    (302, format!("Location: {place}\r\n"), Vec::new())
}

fn token(
    state: &mut State,
    form: &BTreeMap<String, String>,
    authorization: &str,
    url: &str,
) -> (u16, Value) {
    let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let refused = |error: &str| (400, json!({ "error": error }));
    let basic = authorization.strip_prefix("Basic ").map(|text| {
        let both = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        let (name, secret) = both.split_once(':').unwrap();
        let pair = pairs(&format!("a={name}&b={secret}"));
        pair["a"] == CLIENT.0 && pair["b"] == CLIENT.1
    });
    let posted = [CLIENT.0, CODEX].contains(&text("client_id"))
        && (text("client_secret").is_empty() || text("client_secret") == CLIENT.1);
    if !basic.unwrap_or(posted) {
        return refused("invalid_client");
    }
    if text("client_id") == CODEX && text("grant_type") == "refresh_token" {
        let is_ours = text("refresh_token") == "again";
        return if is_ours {
            access(state, text("resource"), url)
        } else {
            refused("invalid_grant")
        };
    }
    let is_lax = state.is_lax;
    let Some(code) = state.codes.get_mut(text("code")) else { return refused("invalid_grant") };
    let challenge = encoded(
        ring::digest::digest(&ring::digest::SHA256, text("code_verifier").as_bytes()).as_ref(),
    );
    let is_right = text("grant_type") == "authorization_code"
        && text("redirect_uri") == code.redirect
        && challenge == code.challenge
        && !code.used;
    if !is_right && !is_lax {
        return refused("invalid_grant");
    }
    code.used = true;
    if code.client == CODEX {
        let resource = code.resource.clone();
        return access(state, &resource, url);
    }
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({
        "iss": url, "aud": CLIENT.0, "iat": now, "exp": now + 300, "nonce": code.nonce,
    });
    claims.as_object_mut().unwrap().extend(state.person.as_object().unwrap().clone());
    (state.change)(&mut claims);
    let header = claims.get("header").cloned().unwrap_or_else(|| json!({}));
    claims.as_object_mut().unwrap().remove("header");
    let id_token = state.signer.token(&header, &claims);
    (200, json!({ "access_token": "opaque", "token_type": "Bearer", "id_token": id_token }))
}

/// What Codex is given for a resource.
fn access(state: &State, resource: &str, url: &str) -> (u16, Value) {
    let now = jiff::Timestamp::now().as_second();
    let (groups, lasts) = &state.codex;
    let claims = json!({
        "iss": url, "sub": "248289761001", "aud": resource, "client_id": CODEX,
        "iat": now, "exp": now + 600, "groups": groups,
    });
    let token = state.signer.token(&json!({ "typ": "at+jwt" }), &claims);
    let answer = json!({
        "access_token": token, "token_type": "Bearer", "expires_in": lasts, "refresh_token": "again",
    });
    (200, answer)
}

/// The settings of TLS that a server in a folder has.
pub fn tls_of(folder: &std::path::Path) -> Arc<ServerConfig> {
    let pem = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let chain = codex_fleet_server::authority::certificates(&pem("server.pem")).unwrap();
    let key = codex_fleet_server::authority::private_key(&pem("server.key"), "key").unwrap();
    let config = ServerConfig::builder_with_provider(codex_fleet_server::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}
