//! Compares Codex's answer to a question with the model's.

use codex_oracle::{Oracle, OracleError};
use codex_schema::version::Version;
use serde_json::{Map, Value as Json};

use crate::generate::Case;

/// What is asked about every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The composed requirements, or why there are none.
    Startup,
    /// The merged configuration with origins and layers.
    Config,
    /// The session that starts.
    Thread,
}

impl Question {
    /// All questions; requirements first, because Codex's cache answers later ones.
    pub const ALL: [Self; 3] = [Self::Startup, Self::Config, Self::Thread];

    /// The question in the oracle's words for a machine and a version.
    pub fn oracle(self, case: &Case, version: Version) -> Oracle {
        match self {
            // The flag that prints requirements came with 0.164.0.
            Self::Startup if version >= Version::of(164) => Oracle::Startup,
            Self::Startup => Oracle::RequirementsRead,
            Self::Config => Oracle::ConfigRead,
            Self::Thread => Oracle::Thread { thread_params: case.thread.clone() },
        }
    }

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Config => "config",
            Self::Thread => "thread",
        }
    }
}

/// One way in which two answers differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The question.
    pub question: Question,
    /// What kind of difference this is: equal for the same mistake on different machines.
    pub class: String,
    /// Where the answers differ.
    pub pointer: String,
    /// Codex's part of the answer there.
    pub codex: String,
    /// The model's part of the answer there.
    pub model: String,
}

/// How one question was judged.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Both gave the same values.
    ValuesAgree,
    /// Both refused in the same words.
    ErrorsAgree,
    /// Both refused for the same reason in other words; only old versions are judged like this,
    /// see `reason`.
    WordsDiffer,
    /// The model does not answer this question.
    NotPredicted,
    /// Codex was not asked: never an agreement.
    Harness(String),
    /// They differ.
    Differ(Vec<Difference>),
}

/// An answer of the model.
pub type Predicted = Option<Result<Json, String>>;

/// Judges one question.
pub fn judge(
    question: Question,
    codex: &Result<Json, OracleError>,
    model: &Predicted,
    version: Version,
) -> Verdict {
    let Some(model) = model else { return Verdict::NotPredicted };
    match (codex, model) {
        (Err(OracleError::Harness { message }), _) => Verdict::Harness(message.clone()),
        (Err(OracleError::Refused { message }), Err(text)) => {
            let (codex, model) = (one_line(message), one_line(text));
            if codex == model {
                return Verdict::ErrorsAgree;
            }
            if version < WORD_FOR_WORD && reason(&codex) == reason(&model) {
                return Verdict::WordsDiffer;
            }
            let class = format!("words: {} <> {}", abstracted(&codex), abstracted(&model));
            differ(question, class, codex, model)
        }
        (Err(OracleError::Refused { message }), Ok(document)) => {
            let codex = one_line(message);
            let class = format!("only codex refuses: {}", abstracted(&codex));
            differ(question, class, codex, document.to_string())
        }
        (Ok(document), Err(text)) => {
            let model = one_line(text);
            let class = format!("only the model refuses: {}", abstracted(&model));
            differ(question, class, document.to_string(), model)
        }
        (Ok(codex), Ok(model)) => {
            let found = documents(question, codex, model);
            if found.is_empty() { Verdict::ValuesAgree } else { Verdict::Differ(found) }
        }
    }
}

fn differ(question: Question, class: String, codex: String, model: String) -> Verdict {
    let pointer = String::new();
    Verdict::Differ(vec![Difference { question, class, pointer, codex, model }])
}

/// An error text on one line. Two things are not part of it: the error code that the start-up
/// question appends, where it is empty, and what old builds say about the harness's scratch
/// folder when they do not start at all.
fn one_line(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let notice = "WARNING: proceeding, even though we could not update PATH: ";
    let joined = match joined.strip_prefix(notice).and_then(|rest| rest.split_once("\") ")) {
        Some((_, said)) => said.to_owned(),
        None => joined,
    };
    let trimmed = joined.strip_suffix('|').or_else(|| joined.strip_suffix("| null null"));
    trimmed.unwrap_or(&joined).trim().to_owned()
}

/// The first version whose refusals have to be predicted word for word.
const WORD_FOR_WORD: Version = Version::of(157);

/// What a refusal says about its cause: the key, the offending value and what is wrong with it.
/// Older versions wrap the same reason in many ways: by who asks, by when they find out, with
/// the line quoted or with the place in the file. Those wrappings are taken off; what remains
/// has to be equal.
fn reason(text: &str) -> &str {
    const WRAPPINGS: &[&str] = &[
        "Error: ",
        "error loading default config after config error: ",
        "failed to read configuration layers: ",
        "failed to load configuration: ",
        "failed to resolve feature override precedence: ",
        "invalid configuration: ",
        "error deriving config: ",
    ];
    let mut rest = text;
    while let Some(inner) = WRAPPINGS.iter().find_map(|one| rest.strip_prefix(one)) {
        rest = inner;
    }
    // `FILE:LINE:COLUMN: REASON` and a quoted line that ends in `^^^ REASON`.
    if let Some((place, said)) = rest.split_once(": ")
        && place.split(':').rev().take(2).all(|part| part.parse::<u32>().is_ok())
    {
        rest = said;
    }
    if rest.contains("TOML parse error at line ")
        && let Some((_, said)) = rest.rsplit_once("^ ")
    {
        rest = said;
    }
    let bare = rest.rsplit_once(" in `").filter(|(_, key)| key.ends_with('`'));
    bare.map_or(rest, |(said, _)| said)
}

/// A text without what differs from machine to machine.
fn abstracted(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        // Every second part stood between back quotes.
        out.push_str(if at % 2 == 0 { part } else { "`_`" });
    }
    let plain: String =
        out.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    plain.chars().take(110).collect()
}

/// Differences of two documents. The model has to say everything Codex says, except for built-in
/// defaults in the merged configuration that no layer set.
fn documents(question: Question, codex: &Json, model: &Json) -> Vec<Difference> {
    let mut found = Vec::new();
    let (codex, model) = match question {
        Question::Config => (set_by_layers(codex, model), model.clone()),
        Question::Startup => (without_requests(codex), without_requests(model)),
        Question::Thread => (codex.clone(), model.clone()),
    };
    walk(question, "", &codex, &model, &mut found);
    found
}

/// What the world's own server was asked says nothing about policy.
fn without_requests(document: &Json) -> Json {
    let mut document = document.clone();
    if let Some(object) = document.as_object_mut() {
        object.remove("server_requests");
    }
    document
}

/// Takes from Codex's merged configuration every value that no layer set and the model does not
/// predict: those are built-in defaults.
fn set_by_layers(codex: &Json, model: &Json) -> Json {
    let mut codex = codex.clone();
    let origins: Vec<String> = codex
        .get("origins")
        .and_then(Json::as_object)
        .map(|origins| origins.keys().cloned().collect())
        .unwrap_or_default();
    let nothing = Json::Null;
    let predicted = model.get("config").unwrap_or(&nothing);
    if let Some(config) = codex.get_mut("config") {
        keep(config, predicted, "", &origins);
    }
    codex
}

fn keep(codex: &mut Json, model: &Json, path: &str, origins: &[String]) {
    let Some(object) = codex.as_object_mut() else { return };
    let names: Vec<String> = object.keys().cloned().collect();
    for name in names {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let below = format!("{path}.");
        let set = origins.iter().any(|origin| {
            *origin == path || origin.starts_with(&below) || path.starts_with(&format!("{origin}."))
        });
        match model.get(&name) {
            Some(predicted) => {
                if let Some(value) = object.get_mut(&name) {
                    keep(value, predicted, &path, origins);
                }
            }
            None if !set => {
                object.remove(&name);
            }
            None => {}
        }
    }
}

fn walk(
    question: Question,
    pointer: &str,
    codex: &Json,
    model: &Json,
    found: &mut Vec<Difference>,
) {
    match (codex, model) {
        (Json::Object(left), Json::Object(right)) => {
            let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
            for name in names {
                let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                pair(question, &pointer, (left, right), name, found);
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                walk(question, &format!("{pointer}/{at}"), left, right, found);
            }
        }
        _ if codex == model || same_number(codex, model) => {}
        _ => found.push(value(question, pointer, codex.to_string(), model.to_string())),
    }
}

fn pair(
    question: Question,
    pointer: &str,
    (left, right): (&Map<String, Json>, &Map<String, Json>),
    name: &str,
    found: &mut Vec<Difference>,
) {
    // The digest of a layer that names a folder of the world differs from run to run.
    let placed = |layer: &Map<String, Json>| {
        let config = layer.get("config").map(Json::to_string).unwrap_or_default();
        ["$CWD", "$CODEX_HOME", "$HOME"].iter().any(|place| config.contains(place))
    };
    if name == "version" && placed(left) && placed(right) {
        return;
    }
    match (left.get(name), right.get(name)) {
        (Some(left), Some(right)) => walk(question, pointer, left, right, found),
        (Some(left), None) => {
            found.push(value(question, pointer, left.to_string(), "(absent)".to_owned()));
        }
        (None, Some(right)) => {
            found.push(value(question, pointer, "(absent)".to_owned(), right.to_string()));
        }
        (None, None) => {}
    }
}

fn same_number(codex: &Json, model: &Json) -> bool {
    codex.is_number() && model.is_number() && codex.as_f64() == model.as_f64()
}

fn value(question: Question, pointer: &str, codex: String, model: String) -> Difference {
    let steps = pointer.split('/').map(|step| match step.parse::<usize>() {
        Ok(_) => "#",
        Err(_) => step,
    });
    let class = format!("value at {}", steps.take(5).collect::<Vec<_>>().join("/"));
    Difference { question, class, pointer: pointer.to_owned(), codex, model }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(message: &str) -> Result<Json, OracleError> {
        Err(OracleError::Refused { message: message.to_owned() })
    }

    #[test]
    fn harness_errors_are_no_agreement() {
        let codex = Err(OracleError::Harness { message: "pipe".to_owned() });
        let verdict =
            judge(Question::Startup, &codex, &Some(Err("pipe".to_owned())), Version::NEWEST);
        assert_eq!(verdict, Verdict::Harness("pipe".to_owned()));
    }

    #[test]
    fn errors_agree_on_one_line_only_when_equal() {
        let model = Some(Err("a\n  b".to_owned()));
        assert_eq!(
            judge(Question::Startup, &refused("a b | "), &model, Version::NEWEST),
            Verdict::ErrorsAgree
        );
        assert!(matches!(
            judge(Question::Startup, &refused("a b c"), &model, Version::NEWEST),
            Verdict::Differ(_)
        ));
        assert!(matches!(
            judge(Question::Startup, &Ok(json!({})), &model, Version::NEWEST),
            Verdict::Differ(_)
        ));
    }

    #[test]
    fn a_notice_about_the_scratch_folder_hides_no_error() {
        let said = "WARNING: proceeding, even though we could not update PATH: Refusing to create \
                    helper binaries under temporary dir \"/tmp\" (codex_home: \"$CODEX_HOME\")\n\
                    Error: a";
        let model = Some(Err("Error: a".to_owned()));
        assert_eq!(
            judge(Question::Startup, &refused(said), &model, Version::NEWEST),
            Verdict::ErrorsAgree
        );
    }

    #[test]
    fn old_versions_wrap_the_same_reason_in_other_words() {
        let model = Some(Err("invalid configuration: bad `x`\nin `a.b`\n".to_owned()));
        let said = refused("failed to read configuration layers: /etc/c.toml:2:15: bad `x`");
        let judged = |version| judge(Question::Config, &said, &model, version);
        assert_eq!(judged(Version::of(138)), Verdict::WordsDiffer);
        assert!(matches!(judged(Version::patched(157, 1)), Verdict::Differ(_)));
        let other = refused("failed to read configuration layers: /etc/c.toml:2:15: bad `y`");
        let judged = judge(Question::Config, &other, &model, Version::of(138));
        assert!(matches!(judged, Verdict::Differ(_)));
    }

    #[test]
    fn unset_defaults_may_be_missing_and_set_values_may_not() {
        let codex = json!({
            "config": {"a": 1, "b": {"c": 2, "d": null}}, "origins": {"b.c": "user"},
        });
        let full = json!({"config": {"b": {"c": 2}}, "origins": {"b.c": "user"}});
        assert_eq!(
            judge(Question::Config, &Ok(codex.clone()), &Some(Ok(full)), Version::NEWEST),
            Verdict::ValuesAgree
        );
        let short = json!({"config": {}, "origins": {"b.c": "user"}});
        let verdict =
            judge(Question::Config, &Ok(codex.clone()), &Some(Ok(short)), Version::NEWEST);
        let Verdict::Differ(found) = verdict else { panic!("{verdict:?}") };
        assert_eq!(found.first().map(|one| one.pointer.as_str()), Some("/config/b"));
        let wrong = json!({"config": {"a": 2, "b": {"c": 2}}, "origins": {"b.c": "user"}});
        assert!(matches!(
            judge(Question::Config, &Ok(codex), &Some(Ok(wrong)), Version::NEWEST),
            Verdict::Differ(_)
        ));
    }
}
