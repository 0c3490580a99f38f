//! What a person at a machine asks to be allowed: it lands with the operators, and loosens nothing
//! by itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::{DeviceId, is_name};

/// The most bytes of a request.
pub const MAX_BYTES: usize = 16_384;

/// The most days that may be asked for.
pub const MAX_DAYS: u16 = 90;

/// The most characters of a reason.
pub const MAX_REASON: usize = 500;

/// The most characters of a key.
pub const MAX_KEY: usize = 200;

/// The most bytes of a value, as JSON.
pub const MAX_VALUE: usize = 4_096;

/// The most words of a command.
pub const MAX_WORDS: usize = 32;

/// The most characters of a user's name.
pub const MAX_USER: usize = 64;

/// Where people at a machine drop requests for its agent, below the machine's root: everybody may
/// put a file there, nobody but the agent sees what is in it.
pub const DROP_FOLDER: &str = "var/lib/codex-agent/requests";

/// Where the agent puts what became of a request, under the name that the request had, readable by
/// the user who asked and by nobody else.
pub const ANSWER_FOLDER: &str = "var/lib/codex-agent/answers";

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What is wanted.
    pub wants: Wanted,
    /// For how many days.
    pub days: u16,
    /// Why.
    pub reason: String,
    /// Who asked at the machine, by the owner of the file that the request came in: its agent
    /// writes this, and overwrites what the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What became of a request at its machine: what the agent writes into [`ANSWER_FOLDER`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// The agent has it, and tries to hand it on: there may be no network.
    Waits {
        /// Why it waits, where something went wrong.
        why: Option<String>,
    },
    /// The server has it.
    Filed {
        /// Its number there.
        number: u64,
    },
    /// The agent or the server does not take it.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// What the server answers to a request that it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its number.
    pub number: u64,
}

/// A name for a dropped request: 32 hexadecimal digits, so that nobody guesses another's.
pub fn is_drop_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Wanted {
    /// A value for a key of the configuration, or of requirements.
    Setting {
        /// The key, with dots.
        key: String,
        /// The value.
        value: Value,
    },
    /// A host that programs may reach.
    Domain {
        /// The host, without scheme, port and path.
        host: String,
    },
    /// A command that need not ask, or is not forbidden.
    Command {
        /// Its words.
        words: Vec<String>,
    },
}

/// A request as the server keeps it: with who asks, by the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filed {
    /// Its number on this server.
    pub number: u64,
    /// The machine.
    pub device: DeviceId,
    /// Its host name.
    pub host: String,
    /// The cohort whose bundle it has.
    pub cohort: String,
    /// When it came, by the server's clock.
    pub at: Timestamp,
    /// What is asked.
    pub request: Request,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// A text is too long, empty, or has control characters.
    #[error("`{0}` is empty, too long, or has control characters")]
    Text(&'static str),
    /// Too few or too many days.
    #[error("`days` must be 1 to {MAX_DAYS}: an exception ends")]
    Days,
    /// Too much of a value.
    #[error("`value` has more than {MAX_VALUE} bytes")]
    Value,
    /// No host.
    #[error("`{0}` is no host: write it without scheme, port and path, such as `files.example`")]
    Host(String),
    /// No command, or too long a one.
    #[error("a command has 1 to {MAX_WORDS} words")]
    Words,
}

impl Request {
    /// Holds it against every limit.
    ///
    /// # Errors
    /// The first limit that is broken.
    pub fn check(&self) -> Result<(), BadRequest> {
        if !(1..=MAX_DAYS).contains(&self.days) {
            return Err(BadRequest::Days);
        }
        text("reason", &self.reason, MAX_REASON)?;
        if self.reason.trim().is_empty() {
            return Err(BadRequest::Text("reason"));
        }
        self.user.as_ref().map_or(Ok(()), |user| text("user", user, MAX_USER))?;
        match &self.wants {
            Wanted::Setting { key, value } => {
                text("key", key, MAX_KEY)?;
                let size = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
                if size > MAX_VALUE { Err(BadRequest::Value) } else { Ok(()) }
            }
            Wanted::Domain { host } if is_host(host) => Ok(()),
            Wanted::Domain { host } => {
                let shown: String = host.chars().filter(|one| !one.is_control()).take(80).collect();
                Err(BadRequest::Host(shown))
            }
            Wanted::Command { words } => {
                if words.is_empty() || words.len() > MAX_WORDS {
                    return Err(BadRequest::Words);
                }
                words.iter().try_for_each(|word| text("words", word, MAX_KEY))
            }
        }
    }
}

impl Wanted {
    /// What is wanted, in a line.
    pub fn line(&self) -> String {
        match self {
            Self::Setting { key, value } => format!("{key} = {value}"),
            Self::Domain { host } => format!("reach {host}"),
            Self::Command { words } => format!("run {}", words.join(" ")),
        }
    }
}

fn text(name: &'static str, value: &str, most: usize) -> Result<(), BadRequest> {
    if is_name(value, most) { Ok(()) } else { Err(BadRequest::Text(name)) }
}

/// One host, and no pattern: who asks for `*.example` asks for more than anybody has looked at.
fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(wants: Wanted) -> Request {
        let reason = "the migration needs it".to_owned();
        Request { wants, days: 14, reason, user: None }
    }

    fn domain(host: &str) -> Request {
        request(Wanted::Domain { host: host.to_owned() })
    }

    #[test]
    fn every_limit_of_a_request_holds() {
        assert_eq!(domain("files.example").check(), Ok(()));
        for host in ["*.example", "https://files.example", "files.example:443", "files", "a..b", ""]
        {
            assert!(matches!(domain(host).check(), Err(BadRequest::Host(_))), "{host}");
        }
        let days = |days| Request { days, ..domain("files.example") }.check();
        assert_eq!(days(0), Err(BadRequest::Days));
        assert_eq!(days(91), Err(BadRequest::Days));
        let reason =
            |text: &str| Request { reason: text.to_owned(), ..domain("files.example") }.check();
        for text in ["", "  ", "a\nb", &"x".repeat(501)] {
            assert_eq!(reason(text), Err(BadRequest::Text("reason")), "{text:.10}");
        }
        let user =
            |name: &str| Request { user: Some(name.to_owned()), ..domain("files.example") }.check();
        assert_eq!(user("ana"), Ok(()));
        for name in ["", "a\nb", &"x".repeat(65)] {
            assert_eq!(user(name), Err(BadRequest::Text("user")), "{name:.10}");
        }
        let setting = |key: &str, value| request(Wanted::Setting { key: key.to_owned(), value });
        assert_eq!(setting("model", json!("gpt-5")).check(), Ok(()));
        assert_eq!(setting("", json!(1)).check(), Err(BadRequest::Text("key")));
        assert_eq!(setting("model", json!("x".repeat(5_000))).check(), Err(BadRequest::Value));
        let command = |words: Vec<String>| request(Wanted::Command { words }).check();
        assert_eq!(command(Vec::new()), Err(BadRequest::Words));
        assert_eq!(command(vec!["a".to_owned(); 33]), Err(BadRequest::Words));
        assert_eq!(command(vec!["a\u{7}".to_owned()]), Err(BadRequest::Text("words")));
    }

    #[test]
    fn a_request_is_read_as_it_is_written() {
        let text = r#"{"wants":{"kind":"domain","host":"files.example"},"days":14,"reason":"a"}"#;
        let read: Request = serde_json::from_str(text).expect("a request");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
        assert!(serde_json::from_str::<Request>(&text.replace("host", "hots")).is_err());
    }

    #[test]
    fn names_of_drops_lead_nowhere_else() {
        assert!(is_drop_name(&"0123456789abcdef".repeat(2)));
        for name in ["", "..", "../../etc/passwd", &"A".repeat(32), &"0".repeat(31)] {
            assert!(!is_drop_name(name), "{name}");
        }
    }
}
