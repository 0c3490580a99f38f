//! Values of terminal and voice settings chosen from a fixed list, in the order of Codex's error
//! texts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The protocol of voice sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RealtimeVersion {
    /// The first.
    V1,
    /// The second.
    V2,
    /// The third.
    V3,
}

/// The kind of voice sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RealtimeType {
    /// A conversation.
    Conversational,
    /// Transcription only.
    Transcription,
}

/// The transport of voice sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RealtimeTransport {
    /// WebRTC.
    Webrtc,
    /// WebSocket.
    Websocket,
}

/// How the terminal notifies the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationMethod {
    /// As the terminal can.
    Auto,
    /// With escape sequence 9.
    Osc9,
    /// With escape sequence 777.
    Osc777,
    /// With the bell.
    Bel,
}

/// When the terminal notifies the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationCondition {
    /// While it is in the background.
    Unfocused,
    /// Always.
    Always,
}

/// Whether selected text is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CopyOnSelect {
    /// As is usual there.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whether a right click pastes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RightClickPaste {
    /// As is usual there.
    Auto,
    /// It does.
    On,
    /// It does not.
    Off,
}

/// Whether the alternate screen is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AltScreen {
    /// Where it works well.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where the pet sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PetAnchor {
    /// Above the composer.
    Composer,
    /// At the bottom of the screen.
    ScreenBottom,
}

/// How dense the list of sessions is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionPickerView {
    /// Roomy.
    Comfortable,
    /// Tight.
    Dense,
}

/// How agents are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentsGrouping {
    /// By project.
    Project,
    /// By what they are doing.
    Status,
    /// By model.
    Model,
}

/// Which folder a resumed session works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResumeFolder {
    /// The one Codex was started in.
    Current,
    /// The one the session had.
    Session,
}

/// The voice that speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RealtimeVoice {
    /// The voice `alloy`.
    Alloy,
    /// The voice `arbor`.
    Arbor,
    /// The voice `ash`.
    Ash,
    /// The voice `aube`.
    Aube,
    /// The voice `ballad`.
    Ballad,
    /// The voice `breeze`.
    Breeze,
    /// The voice `bubbie`.
    Bubbie,
    /// The voice `cedar`.
    Cedar,
    /// The voice `coral`.
    Coral,
    /// The voice `cove`.
    Cove,
    /// The voice `echo`.
    Echo,
    /// The voice `ember`.
    Ember,
    /// The voice `haetsal`.
    Haetsal,
    /// The voice `hanul`.
    Hanul,
    /// The voice `himari`.
    Himari,
    /// The voice `juniper`.
    Juniper,
    /// The voice `leher`.
    Leher,
    /// The voice `maple`.
    Maple,
    /// The voice `marin`.
    Marin,
    /// The voice `miko`.
    Miko,
    /// The voice `neer`.
    Neer,
    /// The voice `porto`.
    Porto,
    /// The voice `rindo`.
    Rindo,
    /// The voice `rio`.
    Rio,
    /// The voice `rivage`.
    Rivage,
    /// The voice `sage`.
    Sage,
    /// The voice `selva`.
    Selva,
    /// The voice `shimmer`.
    Shimmer,
    /// The voice `sol`.
    Sol,
    /// The voice `sonna`.
    Sonna,
    /// The voice `spruce`.
    Spruce,
    /// The voice `tinta`.
    Tinta,
    /// The voice `vale`.
    Vale,
    /// The voice `verse`.
    Verse,
    /// The voice `viola`.
    Viola,
}
