//! Voice.

use crate::key::{KEY, Key, SECTION, Section, Ty};
use crate::types::interface::{RealtimeTransport, RealtimeType, RealtimeVersion, RealtimeVoice};
use crate::types::setting_value::MicrophoneChannels;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "audio.microphone_channel",
        ty: Ty::of::<MicrophoneChannels>(),
        since: Version::of(169),
        doc: "Channels of the microphone that are used.",
        example: "1",
        ..KEY
    },
    Key {
        path: "audio.microphone",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Microphone that is used.",
        example: r#""default""#,
        ..KEY
    },
    Key {
        path: "audio.speaker",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Speaker that is used.",
        example: r#""default""#,
        ..KEY
    },
    Key {
        path: "experimental_realtime_ws_base_url",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Address of the voice service over WebSocket.",
        example: r#""wss://voice.example""#,
        ..KEY
    },
    Key {
        path: "experimental_realtime_webrtc_call_base_url",
        ty: Ty::of::<String>(),
        since: Version::patched(157, 1),
        doc: "Address of the voice service over WebRTC.",
        example: r#""https://voice.example""#,
        ..KEY
    },
    Key {
        path: "experimental_realtime_ws_model",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Model of voice sessions.",
        example: r#""gpt-realtime""#,
        ..KEY
    },
    Key {
        path: "realtime.version",
        ty: Ty::of::<RealtimeVersion>(),
        since: Version::of(118),
        doc: "Protocol of voice sessions.",
        example: r#""v2""#,
        ..KEY
    },
    Key {
        path: "realtime.type",
        ty: Ty::of::<RealtimeType>(),
        since: Version::of(118),
        doc: "Kind of voice sessions.",
        example: r#""conversational""#,
        ..KEY
    },
    Key {
        path: "realtime.transport",
        ty: Ty::of::<RealtimeTransport>(),
        since: Version::of(138),
        doc: "Transport of voice sessions.",
        example: r#""webrtc""#,
        ..KEY
    },
    Key {
        path: "realtime.voice",
        ty: Ty::of::<RealtimeVoice>(),
        since: Version::of(138),
        doc: "Voice that speaks.",
        example: r#""alloy""#,
        ..KEY
    },
    Key {
        path: "experimental_realtime_ws_backend_prompt",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Instructions of voice sessions.",
        example: r#""Be kind.""#,
        ..KEY
    },
    Key {
        path: "experimental_realtime_ws_startup_context",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Context that voice sessions start with.",
        example: r#""The user is driving.""#,
        ..KEY
    },
    Key {
        path: "experimental_realtime_start_instructions",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Developer message sent when voice starts.",
        example: r#""Speak slowly.""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "audio",
        expecting: "struct RealtimeAudioToml",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "realtime",
        expecting: "struct RealtimeToml",
        since: Version::of(118),
        ..SECTION
    },
];
