//! Answers from the model, in the documents of the oracle.

use codex_compiler::compose::startup_json::Secrets;
use codex_compiler::evaluate::{Evaluation, evaluate};
use codex_compiler::files::{MemoryFiles, Unreadable};
use codex_compiler::gather::Extra;
use codex_compiler::machine::{Machine, Os};
use codex_oracle::{FileSpec, Oracle, SpecialFile, WorldSpec};
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

/// The folders of a world, under the names the model knows them by.
const PLACES: &[(&str, &str)] =
    &[("$CODEX_HOME", "/world/home"), ("$CWD", "/world/cwd"), ("$HOME", "/world/user")];

/// What the model answers; `Err` holds the text with which Codex refuses. `None` means that the
/// model does not answer this question.
pub fn predict(
    spec: &WorldSpec,
    oracle: &Oracle,
    version: Version,
) -> Option<Result<Json, String>> {
    let evaluation = evaluation(spec, version);
    let answer = match oracle {
        Oracle::Startup | Oracle::RequirementsRead => startup(&evaluation),
        other => crate::predict_session::predict(spec, other, version)?,
    };
    Some(answer.map(|json| fold_places(&json)).map_err(|text| fold_text(&text)))
}

/// The model's evaluation of a world.
pub fn evaluation(spec: &WorldSpec, version: Version) -> Evaluation {
    let machine = Machine {
        os: Os::Linux,
        hostname: spec.hostname.clone().unwrap_or_else(|| "localhost".to_owned()),
        home: "/world/user".to_owned(),
        codex_home: "/world/home".to_owned(),
        cwd: "/world/cwd".to_owned(),
        version,
    };
    evaluate(machine, &files(spec), &extra(spec))
}

fn files(spec: &WorldSpec) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    for (path, file) in &spec.files {
        let path = expand(path);
        match file {
            FileSpec::Text(text) => files.put(path, expand(text)),
            FileSpec::Special(SpecialFile::Directory {}) => {
                files.put_unreadable(path, Unreadable::NotAFile);
            }
            FileSpec::Special(_) => {
                files.put_unreadable(path, Unreadable::Refused("unreadable".to_owned()));
            }
        }
    }
    files
}

fn extra(spec: &WorldSpec) -> Extra {
    let bundle = spec.bundle.as_ref().map(|bundle| {
        let fragments = |list: &[(String, String)]| -> Json {
            list.iter()
                .map(|(id, text)| json!({"id": id, "name": format!("N{id}"), "contents": expand(text)}))
                .collect()
        };
        let answer = bundle.raw.clone().unwrap_or_else(|| {
            json!({
                "config_toml": {"enterprise_managed": fragments(&bundle.config)},
                "requirements_toml": {"enterprise_managed": fragments(&bundle.requirements)},
            })
        });
        ("bundle".to_owned(), answer.to_string().into_bytes())
    });
    let arguments = spec.args.iter().map(|argument| expand(argument)).collect();
    Extra { bundle, preferences: None, arguments }
}

fn startup(evaluation: &Evaluation) -> Result<Json, String> {
    evaluation.startup_answer(Secrets::AsCodexPrints).map_err(|error| {
        let text = error.pointer("/error/message").and_then(Json::as_str);
        text.unwrap_or_default().to_owned()
    })
}

fn expand(text: &str) -> String {
    PLACES.iter().fold(text.to_owned(), |text, (name, place)| text.replace(name, place))
}

fn fold_text(text: &str) -> String {
    PLACES.iter().fold(text.to_owned(), |text, (name, place)| text.replace(place, name))
}

fn fold_places(json: &Json) -> Json {
    match json {
        Json::String(text) => Json::String(fold_text(text)),
        Json::Array(elements) => elements.iter().map(fold_places).collect(),
        Json::Object(object) => Json::Object(
            object.iter().map(|(key, value)| (fold_text(key), fold_places(value))).collect(),
        ),
        other => other.clone(),
    }
}
