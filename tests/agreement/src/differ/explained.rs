//! Differences that are understood and stay.

use super::compare::{Difference, Question};

/// A difference between Codex and the model that has a reason. Nothing else is ever passed over.
#[derive(Clone, Copy, Debug)]
pub struct Explained {
    /// The question it shows in.
    pub question: Question,
    /// The class of differences, as [`Difference::class`] names it: the whole text must be equal.
    pub class: &'static str,
    /// Why the difference stays.
    pub reason: &'static str,
    /// The test that pins it.
    pub test: &'static str,
}

/// All explained differences.
pub const EXPLAINED: &[Explained] = &[];

/// The explanation of a difference, if it has one.
pub fn explanation(difference: &Difference) -> Option<&'static Explained> {
    EXPLAINED.iter().find(|explained| {
        explained.question == difference.question && explained.class == difference.class
    })
}
