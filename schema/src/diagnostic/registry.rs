//! The registry of codes: the one place where a rule's number, title, severity and explanation
//! stand. `docs/diagnostics` is generated from it.

use super::Severity;

/// A rule that a policy can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its code.
    pub code: Code,
    /// Its number: `CX` and four digits.
    pub number: u16,
    /// How bad it usually is to break it.
    pub severity: Severity,
    /// A few words, lower case.
    pub title: &'static str,
    /// Why it matters and what Codex does.
    pub why: &'static str,
    /// What to do about it.
    pub instead: &'static str,
}

macro_rules! rules {
    ($($name:ident = $number:literal, $severity:ident, $title:literal,
       $why:literal, $instead:literal;)+) => {
        /// The code of a rule. Codes never change their meaning and are never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $name,)+ }

        /// All rules, by number.
        pub static RULES: &[Rule] = &[$(Rule {
            code: Code::$name,
            number: $number,
            severity: Severity::$severity,
            title: $title,
            why: $why,
            instead: $instead,
        },)+];

        impl Code {
            /// The rule of a code.
            pub const fn rule(self) -> Rule {
                match self { $(Self::$name => Rule {
                    code: Self::$name,
                    number: $number,
                    severity: Severity::$severity,
                    title: $title,
                    why: $why,
                    instead: $instead,
                },)+ }
            }
        }
    };
}

mod list;

pub use list::{Code, RULES};

impl Code {
    /// The code written `CX0101`, or just `101`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches(['c', 'C']).trim_start_matches(['x', 'X']);
        let number: u16 = digits.parse().ok()?;
        RULES.iter().find(|rule| rule.number == number).map(|rule| rule.code)
    }

    /// The file name of the code's page.
    pub fn page(self) -> String {
        format!("{self}.md")
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CX{:04}", self.rule().number)
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Rule {
    /// The rule's page, in Markdown.
    pub fn page(&self) -> String {
        format!(
            "# {}: {}\n\nSeverity: {}\n\n{}\n\n**What to do:** {}.\n",
            self.code,
            self.title,
            self.severity.word(),
            self.why,
            self.instead
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_ascending_and_codes_are_found_again() {
        assert!(RULES.is_sorted_by(|left, right| left.number < right.number));
        for rule in RULES {
            assert_eq!(Code::parse(&rule.code.to_string()), Some(rule.code));
            assert_eq!(rule.code.rule(), *rule);
            assert!(!rule.title.ends_with('.') && !rule.instead.ends_with('.'), "{rule:?}");
        }
        assert_eq!(Code::parse("cx0101"), Some(Code::UnknownKey));
        assert_eq!(Code::parse("CX9999"), None);
    }
}
