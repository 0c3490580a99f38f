//! The recorded vectors, predicted by the model: no Codex is asked here.

use codex_agreement::predict::predict;
use codex_oracle::{Oracle, VectorFile};
use codex_schema::version::Version;

#[test]
fn predicts_every_vector_it_answers() {
    wrong_in(&VectorFile::codex_0_169_0().unwrap(), Version::NEWEST);
}

/// Several layers and several mistakes: what is merged how, and which mistake is reported.
#[test]
fn predicts_stacks_of_layers() {
    let text = include_str!("../../vectors/requirement-stacks-0.169.0.json");
    wrong_in(&VectorFile::parse(text).unwrap(), Version::NEWEST);
}

/// Several mistakes on one machine, pair by pair, and what all three questions say of them.
#[test]
fn predicts_which_mistake_is_told_first() {
    let text = include_str!("../../vectors/several-mistakes-0.169.0.json");
    wrong_in(&VectorFile::parse(text).unwrap(), Version::NEWEST);
}

/// Requirements as four older versions read them.
#[test]
fn predicts_the_requirements_of_older_versions() {
    for (version, text) in [
        ("0.98.0", include_str!("../../vectors/requirements-0.98.0.json")),
        ("0.118.0", include_str!("../../vectors/requirements-0.118.0.json")),
        ("0.138.0", include_str!("../../vectors/requirements-0.138.0.json")),
        ("0.157.1", include_str!("../../vectors/requirements-0.157.1.json")),
    ] {
        wrong_in(&VectorFile::parse(text).unwrap(), version.parse().unwrap());
    }
}

/// Questions about rules on commands are all answered, not passed over.
#[test]
fn answers_every_vector_about_command_rules() {
    let file = VectorFile::codex_0_169_0().unwrap();
    let about_rules = file.vectors.iter().filter(|vector| {
        let rules = vector.world.files.keys().any(|path| path.contains("/rules/"));
        match vector.oracle {
            Oracle::Execpolicy { .. } => true,
            Oracle::Turn(_) => rules,
            _ => false,
        }
    });
    let (mut answered, mut missing) = (0, Vec::new());
    for vector in about_rules {
        match predict(&vector.world, &vector.oracle, Version::NEWEST) {
            Some(_) => answered += 1,
            None => missing.push(&vector.name),
        }
    }
    assert!(answered >= 13 && missing.is_empty(), "{answered} answered, not {missing:?}");
}

fn wrong_in(file: &VectorFile, version: Version) {
    let (mut answered, mut wrong) = (0, Vec::new());
    for vector in &file.vectors {
        let Some(answer) = predict(&vector.world, &vector.oracle, version) else { continue };
        answered += 1;
        let mismatches = vector.compare(answer.as_ref().map_err(String::as_str));
        if !mismatches.is_empty() {
            wrong.push(format!("{}: {mismatches:?}", vector.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{version}: {} of {answered} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
