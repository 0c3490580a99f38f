//! Replays the project's vectors against the real Codex they were recorded from.

use std::num::NonZeroUsize;
use std::time::Instant;

use codex_oracle::{VectorFile, install, isolated_pool, require_or_announce};

#[test]
fn codex_0_169_0_answers_every_vector_as_recorded() {
    let Some(binary) = require_or_announce(install("0.169.0")) else { return };
    let only = std::env::var("ORACLE_ONLY").unwrap_or_default();
    let mut vectors = VectorFile::codex_0_169_0().unwrap().vectors;
    vectors.retain(|vector| vector.name.contains(&only));
    let count = vectors.len();
    let started = Instant::now();
    let replayed = isolated_pool(NonZeroUsize::new(2).unwrap(), vectors, |isolation, vector| {
        let began = Instant::now();
        let outcome = vector.replay(isolation, &binary);
        (vector.name, outcome, began.elapsed())
    });
    let Some(replayed) = require_or_announce(replayed) else { return };

    let mut wrong = Vec::new();
    for (name, outcome, elapsed) in &replayed {
        println!("{:>6} ms  {name}", elapsed.as_millis());
        match outcome {
            Ok(mismatches) => wrong.extend(mismatches.iter().map(|text| format!("{name}: {text}"))),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    println!("{count} vectors in {:.1} s", started.elapsed().as_secs_f64());
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
