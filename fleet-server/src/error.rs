//! Why a server does not run.

use crate::authority::AuthorityError;
use crate::config::ConfigError;
use crate::store::sql::StoreError;
use crate::world::WorldError;

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file, or the dice.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A key or a certificate.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A key.
    #[error("{0}")]
    Key(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// A task of its own ended badly.
    #[error("a task of the server failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}
