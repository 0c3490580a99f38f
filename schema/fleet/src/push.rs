//! The hint that something is new. It is not signed on purpose: the worst that a forged one does
//! is one conditional request, and an agent limits how many hints it follows.

use serde::{Deserialize, Serialize};

/// The most bytes of a hint.
pub const MAX_BYTES: usize = 1_024;

/// The longest spread that an agent accepts, in milliseconds: one hour.
pub const MAX_SPREAD: u64 = 3_600_000;

/// What the server sends over the socket: when something is new, and as a heartbeat, so that a
/// channel that was muted is noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The version of the newest timestamp.
    pub timestamp: u64,
    /// A number that grows with everything that concerns this endpoint, holds that end among it.
    pub revision: u64,
    /// How long the endpoint may wait at most before it looks, in milliseconds, by its own dice.
    #[serde(default)]
    pub spread: u64,
    /// How long it may wait at most before it comes back when the channel has ended, in
    /// milliseconds, by its own dice; 0 where the server does not say, and then it is `spread`.
    #[serde(default)]
    pub reconnect: u64,
    /// In how many seconds the next heartbeat comes at the latest.
    pub heartbeat: u64,
}
