//! Shows data to people. Every meaning that has a colour has a sign and a word too.

pub mod cases;
pub mod diagnostics;
pub mod explain_list;
pub mod explain_one;
pub mod explain_plain;
pub mod names;
pub mod paint;
pub mod plan;
pub mod values;
pub mod why;
