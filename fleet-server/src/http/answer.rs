//! What the server answers with.

use axum::body::Body;
use bytes::Bytes;
use codex_fleet::enrolment::Problem;
use hyper::StatusCode;
use hyper::header::{self, HeaderName, HeaderValue};
use serde::Serialize;

/// An answer.
pub type Answer = axum::response::Response;

/// The word of refusals because of the database.
pub const NO_DATABASE: &str = "database";

/// A refusal: a status, a word for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The word.
    pub error: &'static str,
    /// The sentence.
    pub message: String,
    /// In how many seconds it may be worth to try again.
    pub retry_seconds: Option<u64>,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into(), retry_seconds: None }
    }

    /// Something that nobody outside can do anything about.
    pub fn unavailable(error: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { retry_seconds: Some(5), ..Self::new(status, error, message) }
    }

    /// There is nothing of this name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The request has not the form that it must have.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// The answer that it is.
    pub fn answer(self) -> Answer {
        let Self { status, error, message, retry_seconds } = self;
        let mut answer = json(status, &Problem { error: error.to_owned(), message });
        if let Some(seconds) = retry_seconds {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

impl From<crate::store::sql::StoreError> for Refusal {
    fn from(error: crate::store::sql::StoreError) -> Self {
        use crate::store::sql::StoreError;
        match error {
            StoreError::Busy => {
                Self::unavailable("busy", "the server has too much to do: try again in a moment")
            }
            StoreError::Unavailable(_)
            | StoreError::Refused(_)
            | StoreError::Damaged(_)
            | StoreError::Version { .. } => {
                // What the database says may name paths and addresses: it goes to the log alone.
                tracing::error!(%error, "the database did not do what was asked");
                Self::unavailable(
                    NO_DATABASE,
                    "the server cannot write or read its database now; nothing was changed",
                )
            }
        }
    }
}

/// An answer in JSON, which nobody may keep and no browser may take for a page.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Answer {
    match serde_json::to_vec(value) {
        Ok(bytes) => bytes_of(status, "application/json", bytes),
        Err(_) => bytes_of(StatusCode::INTERNAL_SERVER_ERROR, "application/json", Vec::new()),
    }
}

/// As many headers as most answers have, and some more.
const HEADERS: usize = 10;

/// An answer of some kind, which nobody may keep.
pub fn bytes_of(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::new(Body::from(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    // With room for those that a file has: they need not be moved.
    headers.reserve(HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in harmless() {
        headers.insert(name, value);
    }
    answer
}

/// What keeps a browser from making anything of an answer.
pub fn harmless() -> [(HeaderName, HeaderValue); 2] {
    [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
    ]
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::new(Body::empty());
    *answer.status_mut() = status;
    answer
}
