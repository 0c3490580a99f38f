//! The vocabulary of Codex policy: what a policy is and how it is written, without I/O.
pub mod checks;
pub mod de;
pub mod diagnostic;
pub mod features;
pub mod inspect;
pub mod json_schema;
pub mod key;
pub mod lookup;
pub mod reader;
pub mod reference;
pub mod source;
pub mod span;
pub mod strictness;
pub mod table;
pub mod types;
pub mod value;
pub mod version;
