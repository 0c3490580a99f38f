//! Makes a disagreeing machine smaller while the same disagreement stays.

use codex_oracle::{FileSpec, WorldSpec};

/// How often Codex may be asked for one machine.
const PATIENCE: usize = 90;

/// Drops files, fragments, arguments and lines for as long as `disagrees` holds.
pub(super) fn shrink(world: WorldSpec, mut disagrees: impl FnMut(&WorldSpec) -> bool) -> WorldSpec {
    let mut world = world;
    let mut asked = 0;
    loop {
        let smaller = steps(&world).into_iter().find(|step| {
            asked += 1;
            asked <= PATIENCE && disagrees(step)
        });
        match smaller {
            Some(smaller) => world = smaller,
            None => return world,
        }
    }
}

/// Machines that are one step smaller, big steps first.
fn steps(world: &WorldSpec) -> Vec<WorldSpec> {
    let mut all = Vec::new();
    for path in world.files.keys() {
        let mut step = world.clone();
        step.files.remove(path);
        all.push(step);
    }
    if world.bundle.is_some() {
        all.push(WorldSpec { bundle: None, ..world.clone() });
    }
    if !world.args.is_empty() {
        // Flags come with a value.
        for at in (0..world.args.len()).step_by(2) {
            let mut step = world.clone();
            step.args.drain(at..(at + 2).min(step.args.len()));
            all.push(step);
        }
    }
    if world.hostname.is_some() {
        all.push(WorldSpec { hostname: None, ..world.clone() });
    }
    for (path, file) in &world.files {
        let FileSpec::Text(text) = file else { continue };
        for text in texts(text) {
            let mut step = world.clone();
            step.files.insert(path.clone(), FileSpec::Text(text));
            all.push(step);
        }
    }
    all.extend(fragments(world));
    all
}

/// Bundles with a fragment, or a line of a fragment, less.
fn fragments(world: &WorldSpec) -> Vec<WorldSpec> {
    let Some(bundle) = &world.bundle else { return Vec::new() };
    let mut all = Vec::new();
    for (which, list) in [&bundle.requirements, &bundle.config].into_iter().enumerate() {
        for (at, (id, text)) in list.iter().enumerate() {
            let mut shorter = list.clone();
            shorter.remove(at);
            all.push((which, shorter));
            for text in texts(text) {
                let mut shorter = list.clone();
                if let Some(place) = shorter.get_mut(at) {
                    *place = (id.clone(), text);
                }
                all.push((which, shorter));
            }
        }
    }
    let build = |(which, list): (usize, Vec<(String, String)>)| {
        let mut step = world.clone();
        if let Some(bundle) = &mut step.bundle {
            if which == 0 {
                bundle.requirements = list;
            } else {
                bundle.config = list;
            }
        }
        step
    };
    all.into_iter().map(build).collect()
}

/// A text with half of its lines, or one line, less.
fn texts(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut all = Vec::new();
    if lines.len() > 3 {
        let (front, back) = lines.split_at(lines.len() / 2);
        all.extend([front.concat(), back.concat()]);
    }
    for at in 0..lines.len() {
        let mut shorter = lines.clone();
        shorter.remove(at);
        all.push(shorter.concat());
    }
    all
}

#[cfg(test)]
mod tests {
    use codex_oracle::WorldSpec;

    use super::shrink;

    #[test]
    fn keeps_only_what_matters() {
        let world = WorldSpec::new()
            .file("/etc/codex/requirements.toml", "a = 1\nb = 2\nc = 3\nd = 4\n")
            .file("$CODEX_HOME/config.toml", "x = 1\n")
            .args(["-c", "y=1"])
            .hostname("h");
        let small = shrink(world, |world| {
            serde_json::to_string(world).is_ok_and(|text| text.contains("c = 3"))
        });
        assert_eq!(small, WorldSpec::new().file("/etc/codex/requirements.toml", "c = 3\n"));
    }
}
