//! The vocabulary of Codex policy: what a policy is and how it is written, without I/O.
pub mod de;
pub mod key;
pub mod reader;
pub mod span;
pub mod table;
pub mod types;
pub mod value;
pub mod version;
