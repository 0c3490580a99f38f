//! The recorded vectors, predicted by the model: no Codex is asked here.

use codex_agreement::predict::predict;
use codex_oracle::VectorFile;
use codex_schema::version::Version;

#[test]
fn predicts_every_vector_it_answers() {
    let vectors = VectorFile::codex_0_169_0().unwrap().vectors;
    let (mut answered, mut wrong) = (0, Vec::new());
    for vector in &vectors {
        let Some(answer) = predict(&vector.world, &vector.oracle, Version::NEWEST) else {
            continue;
        };
        answered += 1;
        let mismatches = vector.compare(answer.as_ref().map_err(String::as_str));
        if !mismatches.is_empty() {
            wrong.push(format!("{}: {mismatches:?}", vector.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {answered} wrong\n{}", wrong.len(), wrong.join("\n"));
}
