//! Differences that are understood and stay.

use super::compare::Difference;

/// A difference between Codex and the model that has a reason. Nothing else is ever passed over.
#[derive(Clone, Copy, Debug)]
pub struct Explained {
    /// Whether a difference is this one.
    pub is: fn(&Difference) -> bool,
    /// Why the difference stays.
    pub reason: &'static str,
}

/// All explained differences.
pub const EXPLAINED: &[Explained] = &[Explained {
    is: another_provider,
    reason: "of several bad model providers Codex names any one, and another one in its next run: \
             measured 5 to 3 in eight runs of the same machine",
}];

/// The explanation of a difference, if it has one.
pub fn explanation(difference: &Difference) -> Option<&'static Explained> {
    EXPLAINED.iter().find(|explained| (explained.is)(difference))
}

/// Both refuse a provider in the same words, under another name.
fn another_provider(difference: &Difference) -> bool {
    let nameless = |text: &str| {
        let (before, rest) = text.split_once("model_providers.")?;
        let (name, after) = rest.split_once(": ")?;
        let plain = !name.contains([' ', '\n', '`']);
        plain.then(|| format!("{before}model_providers.*: {after}"))
    };
    match (nameless(&difference.codex), nameless(&difference.model)) {
        (Some(codex), Some(model)) => codex == model && difference.codex != difference.model,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differ::Question;

    fn difference(codex: &str, model: &str) -> Difference {
        Difference {
            question: Question::Startup,
            class: String::new(),
            pointer: String::new(),
            codex: codex.to_owned(),
            model: model.to_owned(),
        }
    }

    #[test]
    fn only_the_name_of_the_provider_may_differ() {
        let text = |name: &str, words: &str| {
            format!("failed to load configuration: model_providers.{name}: {words}")
        };
        let empty = "provider name must not be empty";
        assert!(explanation(&difference(&text("a", empty), &text("b", empty))).is_some());
        assert!(explanation(&difference(&text("a", empty), &text("a", empty))).is_none());
        assert!(explanation(&difference(&text("a", empty), &text("b", "other"))).is_none());
        assert!(explanation(&difference(&text("a", empty), "something else")).is_none());
    }
}
