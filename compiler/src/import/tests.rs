//! Machines as repositories.
