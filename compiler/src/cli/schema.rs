//! `schema`: what is derived from the key table.

use super::arguments::{Schema, WhichSchema};
use super::{Outcome, Output};
use crate::explain::Explanation;
use crate::why::Why;

/// Prints a schema or the reference page.
pub(super) fn schema(arguments: &Schema, output: &mut Output) -> Outcome {
    let schema = match arguments.which {
        WhichSchema::Requirements => codex_schema::json_schema::requirements(),
        WhichSchema::Config => codex_schema::json_schema::config(),
        WhichSchema::Policy => codex_schema::json_schema::policy(),
        WhichSchema::Exception => codex_schema::json_schema::exception(),
        WhichSchema::Trust => codex_schema::json_schema::trust(),
        WhichSchema::Test => codex_schema::json_schema::test(),
        WhichSchema::Explain => of::<Explanation>(),
        WhichSchema::WhyBlocked => of::<Why>(),
        WhichSchema::Reference => {
            output.data = codex_schema::reference::page();
            return Outcome::Fine;
        }
    };
    let text = serde_json::to_string_pretty(&schema);
    output.data = text.map_or_else(|error| error.to_string(), |text| text + "\n");
    Outcome::Fine
}

fn of<T: schemars::JsonSchema>() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
