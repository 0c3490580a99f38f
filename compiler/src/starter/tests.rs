//! The repository that everybody starts from.
