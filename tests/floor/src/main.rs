//! What reading, merging and writing cost at least: the floor that `cargo xtask bench compile`
//! measures `codex-config compile` against. Stock libraries, one thread, no checks, no provenance,
//! no places: `merge-floor OUT SHARED… -- COHORT…` merges the shared files once and writes one
//! document a cohort.

use std::error::Error;
use std::fs;

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (out, rest) = words.split_first().ok_or("merge-floor OUT SHARED… -- COHORT…")?;
    let mut lists = rest.split(|word| word == "--");
    let shared = lists.next().unwrap_or_default();
    let cohorts = lists.next().unwrap_or_default();
    let mut base = Value::Object(serde_json::Map::new());
    for file in shared {
        merge(&mut base, read(file)?);
    }
    fs::create_dir_all(out)?;
    for (number, file) in cohorts.iter().enumerate() {
        let mut whole = base.clone();
        merge(&mut whole, read(file)?);
        fs::write(format!("{out}/{number}.json"), serde_json::to_vec(&whole)?)?;
    }
    Ok(())
}

fn read(file: &str) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::to_value(toml::from_str::<toml::Table>(&fs::read_to_string(file)?)?)?)
}

/// Tables key by key, rules one after the other, denied hosts stay denied, anything else: the
/// later one.
fn merge(low: &mut Value, high: Value) {
    let (Value::Object(low), Value::Object(high)) = (low, high) else { return };
    for (key, value) in high {
        match (low.get_mut(&key), value) {
            (Some(below @ Value::Object(_)), value @ Value::Object(_)) => merge(below, value),
            (Some(Value::Array(below)), Value::Array(mut above)) if key == "prefix_rules" => {
                below.append(&mut above);
            }
            (Some(Value::String(below)), _) if below == "deny" => {}
            (_, value) => {
                low.insert(key, value);
            }
        }
    }
}
