//! Answers from the model, in the documents of the oracle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_compiler::compose::startup_json::Secrets;
use codex_compiler::evaluate::{Evaluation, evaluate};
use codex_compiler::files::{MemoryFiles, Unreadable};
use codex_compiler::gather::Extra;
use codex_compiler::gather::bundle::BundleAnswer;
use codex_compiler::machine::{Machine, Os};
use codex_oracle::{Cache, FileSpec, HttpAnswer, Oracle, SpecialFile, WorldSpec};
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

/// The folders of a world, under the names the model knows them by.
const PLACES: &[(&str, &str)] =
    &[("$CODEX_HOME", "/world/home"), ("$CWD", "/world/cwd"), ("$HOME", "/world/user")];

/// What Codex says of the bytes that random machines have in the place of text.
const NOT_UTF8: &str = "invalid utf-8 sequence of 1 bytes from index 6";

const SYSTEM_REQUIREMENTS: &str = "/etc/codex/requirements.toml";

/// What the model answers; `Err` holds the text with which Codex refuses. `None` means that the
/// model does not answer this question.
pub fn predict(
    spec: &WorldSpec,
    oracle: &Oracle,
    version: Version,
) -> Option<Result<Json, String>> {
    let evaluation = evaluation(spec, version);
    let answer = match oracle {
        Oracle::Startup => startup(&evaluation),
        Oracle::RequirementsRead => requirements_read(&evaluation),
        other => crate::predict_session::predict(spec, other, version)?,
    };
    let folded = answer.map(|json| in_the_oracles_order(fold_places(&json)));
    Some(folded.map_err(|text| fold_text(&text)))
}

/// The oracle sorts warnings after it has given places their names.
fn in_the_oracles_order(mut answer: Json) -> Json {
    if let Some(Json::Array(warnings)) = answer.get_mut("warnings") {
        warnings.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    }
    answer
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

/// The files of a world, as the model reads them.
pub fn files(spec: &WorldSpec) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    let mut listed = spec.files.clone();
    if spec.bundle.is_some() || spec.http.is_some() {
        // The harness points Codex at its server in the same way.
        let own = listed.remove(SYSTEM_REQUIREMENTS);
        let before = match own {
            Some(FileSpec::Text(text)) => text,
            _ => String::new(),
        };
        let text = format!(
            "{}\n[config_server]\nbase_url=\"https://127.0.0.1:8443/b\"\n",
            before.trim_end_matches('\n')
        );
        listed.insert(SYSTEM_REQUIREMENTS.to_owned(), FileSpec::Text(text));
    }
    for (path, file) in &listed {
        let path = expand(path);
        match file {
            FileSpec::Text(text) => files.put(path, expand(text)),
            FileSpec::Special(SpecialFile::Directory {}) => {
                files.put_unreadable(path, Unreadable::NotAFile);
            }
            FileSpec::Special(SpecialFile::Base64(text)) => {
                files.put(path, STANDARD.decode(text).unwrap_or_default());
            }
            // A link to nothing is no file to Codex.
            FileSpec::Special(SpecialFile::Symlink(_)) => {}
            FileSpec::Special(_) => {
                files.put_unreadable(path, Unreadable::Refused(NOT_UTF8.to_owned()));
            }
        }
    }
    files
}

fn extra(spec: &WorldSpec) -> Extra {
    let body = spec.bundle.as_ref().map(|bundle| {
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
        BundleAnswer::Body(answer.to_string().into_bytes())
    });
    let answer = match (&spec.http, spec.cache, body) {
        // The cache is no longer believed, and the server answers 404 by then.
        (_, Some(Cache::Tampered), _) => BundleAnswer::Status(404),
        (Some(HttpAnswer { status: 200, body }), _, _) => BundleAnswer::Body(match body {
            Json::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        }),
        (Some(HttpAnswer { status, .. }), _, _) => BundleAnswer::Status(*status),
        (None, _, Some(body)) => body,
        (None, _, None) => BundleAnswer::Unreachable,
    };
    let arguments = spec.args.iter().map(|argument| expand(argument)).collect();
    Extra { bundle: Some(("the server".to_owned(), answer)), preferences: None, arguments }
}

/// What `codex app-server --print-startup-config` answers.
///
/// # Errors
/// The message of its error document.
pub fn startup_answer(spec: &WorldSpec, version: Version) -> Result<Json, String> {
    let answer = evaluation(spec, version).startup_answer(Secrets::AsCodexPrints);
    answer.map(|json| fold_places(&json)).map_err(|error| {
        let text = error.pointer("/error/message").and_then(Json::as_str);
        fold_text(text.unwrap_or_default())
    })
}

/// What older builds, which cannot print requirements, say to `configRequirements/read`.
fn requirements_read(evaluation: &Evaluation) -> Result<Json, String> {
    if let Some(text) = codex_compiler::codex_answers::requirements_refusal(evaluation) {
        return Err(text);
    }
    let shown = codex_compiler::compose::startup_json::requirements(
        &evaluation.composition.merged,
        &evaluation.configuration.merged,
        &evaluation.machine,
        Secrets::AsCodexPrints,
    );
    Ok(json!({"requirements": shown}))
}

/// In the words of the oracle, which adds the codes to the message.
fn startup(evaluation: &Evaluation) -> Result<Json, String> {
    if evaluation.machine.version < Version::of(164) {
        return requirements_read(evaluation);
    }
    evaluation.startup_answer(Secrets::AsCodexPrints).map_err(|error| {
        let text = |pointer: &str| match error.pointer(pointer) {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let [message, code, status] =
            ["/error/message", "/error/data/errorCode", "/error/data/statusCode"].map(text);
        format!("{message} | {code} {status}")
    })
}

/// A text of a world with the folders under the names the model knows them by.
pub(crate) fn expand(text: &str) -> String {
    // Only these two are expanded by the harness.
    let places = PLACES.iter().filter(|(name, _)| *name != "$HOME");
    places.fold(text.to_owned(), |text, (name, place)| text.replace(name, place))
}

/// A text of the model with the folders under their names in a world.
pub fn fold_text(text: &str) -> String {
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
