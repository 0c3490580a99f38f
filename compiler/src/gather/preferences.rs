//! Managed preferences of macOS as layers.

use codex_schema::source::{Channel, ConfigTier, Source};

use super::{Extra, Gatherer};
use crate::files::Content;
use crate::layers::{Broken, Role};
use crate::machine::Os;
use crate::sources::mdm::{self, Forced, Limits, PreferenceKey, Severity};

/// Where macOS keeps forced preferences of the whole machine.
const MANAGED: &str = "/Library/Managed Preferences/com.openai.codex.plist";

impl Gatherer<'_> {
    pub(super) fn preferences(&mut self, extra: &Extra) {
        let (name, bytes) = match &extra.preferences {
            Some(given) => given.clone(),
            None if self.machine.os == Os::Macos => match self.files.read(MANAGED) {
                Content::Bytes(bytes) => (MANAGED.to_owned(), bytes),
                Content::Absent => return,
                Content::Unreadable(reason) => {
                    self.broken_preferences(MANAGED, reason.to_string(), None, None);
                    return;
                }
            },
            None => return,
        };
        let found = mdm::read(&bytes, &Limits::default());
        for problem in &found.problems {
            let place = problem.place.as_ref().and_then(|place| place.line_column);
            let place = place.map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
            let stops = problem.severity == Severity::WouldStopCodex;
            let says = stops.then(|| problem.message.clone());
            let help = Some(problem.help.clone()).filter(|help| !help.is_empty());
            self.broken_preferences(&format!("{name}{place}"), problem.message.clone(), help, says);
        }
        // The user's own file in a forced folder cannot happen; a bare file that was handed over
        // does not say where it lay, so it counts as forced.
        for key in PreferenceKey::ALL {
            let Some(value) = found.effective(key) else { continue };
            if value.forced == Forced::SetOnce {
                continue;
            }
            let identity = Source::Preference { key: key.name().to_owned(), path: name.clone() };
            let source = self.found.documents.add(identity, value.toml_text.clone());
            let layer = self.layer(source, self.machine.os.system_folder().to_owned());
            match key {
                PreferenceKey::RequirementsToml => self.requirement(Channel::Mdm, layer),
                PreferenceKey::ConfigToml => {
                    self.requirement(Channel::LegacyMdm, layer.clone());
                    self.configuration(ConfigTier::LegacyMdm, layer, None, None);
                }
            }
        }
    }

    fn broken_preferences(
        &mut self,
        name: &str,
        reason: String,
        help: Option<String>,
        codex_says: Option<String>,
    ) {
        self.found.broken.push(Broken {
            name: name.to_owned(),
            role: Role::ManagedPreferences,
            reason,
            help,
            codex_says,
        });
    }
}
