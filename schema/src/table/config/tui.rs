//! The terminal interface.

use crate::key::{KEY, Key, SECTION, Section, Ty};
use crate::types::interface::{
    AgentsGrouping, AltScreen, CopyOnSelect, NotificationCondition, NotificationMethod, PetAnchor,
    ResumeFolder, RightClickPaste, SessionPickerView,
};
use crate::types::tool::Notifications;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "tui.default_hosts.*.*",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Host a folder opens on by default.",
        example: r#""build1""#,
        ..KEY
    },
    Key {
        path: "tui.notifications",
        ty: Ty::of::<Notifications>(),
        doc: "Whether, or about what, the terminal notifies the user.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.notification_method",
        ty: Ty::of::<NotificationMethod>(),
        doc: "How the terminal notifies the user.",
        example: r#""auto""#,
        ..KEY
    },
    Key {
        path: "tui.notification_condition",
        ty: Ty::of::<NotificationCondition>(),
        since: Version::of(138),
        doc: "When the terminal notifies the user.",
        example: r#""unfocused""#,
        ..KEY
    },
    Key {
        path: "tui.animations",
        ty: Ty::of::<bool>(),
        doc: "Whether there are animations.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.screen_reader_detection_done",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether Codex has looked for a screen reader.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.effects.starfield",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the starfield is shown.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.effects.shimmer",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether texts shimmer while Codex works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.effects.welcome",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the welcome animation is shown.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.effects.effort",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the reasoning effort is animated.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.effects.progress",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether progress is animated.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.effects.title",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the terminal title is animated.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.rendering.mermaid",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether Mermaid diagrams are drawn.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.rendering.math",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether formulas are typeset.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.rendering.tables",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether tables are drawn.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.rendering.lists",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether lists are drawn.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.show_tooltips",
        ty: Ty::of::<bool>(),
        doc: "Whether tips are shown at the start.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.show_server_version_notice",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether a differing server version is pointed out.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.auto_recap",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether a recap is shown on return.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.disable_paste_burst",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether fast typing is never taken for a paste.",
        example: "false",
        ..KEY
    },
    Key {
        path: "tui.vim_mode_default",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the editor starts in Vim mode.",
        example: "false",
        ..KEY
    },
    Key {
        path: "tui.question_esc_back",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether Escape goes back to the question before.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.raw_output_mode",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether output is shown without formatting.",
        example: "false",
        ..KEY
    },
    Key {
        path: "tui.fullscreen_transcript",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the transcript fills the screen.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.collapse_turn_details",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether details of turns are folded away.",
        example: "false",
        ..KEY
    },
    Key {
        path: "tui.sidebar_width_percent",
        ty: Ty::of::<u8>(),
        since: Version::of(169),
        doc: "Width of the sidebar in percent.",
        example: "30",
        ..KEY
    },
    Key {
        path: "tui.mouse_scroll_speed",
        ty: Ty::of::<f64>(),
        since: Version::of(169),
        doc: "How far one step of the mouse wheel scrolls.",
        example: "1.5",
        ..KEY
    },
    Key {
        path: "tui.copy_on_select",
        ty: Ty::of::<CopyOnSelect>(),
        since: Version::of(169),
        doc: "Whether selected text is copied.",
        example: r#""auto""#,
        ..KEY
    },
    Key {
        path: "tui.copy_on_select_clear_selection",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the selection is cleared after copying.",
        example: "false",
        ..KEY
    },
    Key {
        path: "tui.right_click_paste",
        ty: Ty::of::<RightClickPaste>(),
        since: Version::of(157),
        doc: "Whether a right click pastes.",
        example: r#""auto""#,
        ..KEY
    },
    Key {
        path: "tui.alternate_screen",
        ty: Ty::of::<AltScreen>(),
        doc: "Whether the alternate screen is used.",
        example: r#""auto""#,
        ..KEY
    },
    Key {
        path: "tui.status_line",
        ty: Ty::of::<Vec<String>>(),
        since: Version::of(118),
        doc: "Items of the status line.",
        example: r#"["model"]"#,
        ..KEY
    },
    Key {
        path: "tui.status_line_use_colors",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the status line has colours.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tui.terminal_title",
        ty: Ty::of::<Vec<String>>(),
        since: Version::of(118),
        doc: "Items of the terminal title.",
        example: r#"["project"]"#,
        ..KEY
    },
    Key {
        path: "tui.theme",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Theme of highlighted code.",
        example: r#""base16""#,
        ..KEY
    },
    Key {
        path: "tui.pet",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Pet that is shown.",
        example: r#""cat""#,
        ..KEY
    },
    Key {
        path: "tui.pet_anchor",
        ty: Ty::of::<PetAnchor>(),
        since: Version::of(138),
        doc: "Where the pet sits.",
        example: r#""composer""#,
        ..KEY
    },
    Key {
        path: "tui.session_picker_view",
        ty: Ty::of::<SessionPickerView>(),
        since: Version::of(138),
        doc: "How dense the list of sessions is.",
        example: r#""dense""#,
        ..KEY
    },
    Key {
        path: "tui.agents_overview_grouping",
        ty: Ty::of::<AgentsGrouping>(),
        since: Version::of(169),
        doc: "How agents are grouped.",
        example: r#""project""#,
        ..KEY
    },
    Key {
        path: "tui.resume_cwd",
        ty: Ty::of::<ResumeFolder>(),
        since: Version::patched(157, 1),
        doc: "Which folder a resumed session works in.",
        example: r#""current""#,
        ..KEY
    },
    Key {
        path: "tui.presets.*.input",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Text the preset enters.",
        example: r#""Run the tests.""#,
        ..KEY
    },
    Key {
        path: "tui.presets.*.label",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Name of the preset.",
        example: r#""Tests""#,
        ..KEY
    },
    Key {
        path: "tui.model_availability_nux.*",
        ty: Ty::of::<u32>(),
        since: Version::of(118),
        doc: "How often the news about this model was shown.",
        example: "1",
        ..KEY
    },
    Key {
        path: "tui.terminal_resize_reflow_max_rows",
        ty: Ty::of::<usize>(),
        since: Version::of(138),
        doc: "Most rows laid out anew when the terminal changes size.",
        example: "2000",
        ..KEY
    },
    Key {
        path: "tui.whimsy",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Former switch of all effects.",
        example: "true",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "tui",
        expecting: "struct Tui",
        buffered: true,
        flattened: &["notifications", "notification_method", "notification_condition"],
        ..SECTION
    },
    Section { path: "tui.default_hosts", since: Version::of(169), ..SECTION },
    Section { path: "tui.default_hosts.*", since: Version::of(169), ..SECTION },
    Section {
        path: "tui.effects",
        expecting: "struct TuiEffects",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "tui.rendering",
        expecting: "struct TuiRendering",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section { path: "tui.presets", since: Version::of(169), ..SECTION },
    Section {
        path: "tui.presets.*",
        expecting: "struct QuickDial",
        required: &["input"],
        since: Version::of(169),
        ..SECTION
    },
    Section {
        path: "tui.model_availability_nux",
        expecting: "struct ModelAvailabilityNuxConfig",
        buffered: true,
        since: Version::of(118),
        ..SECTION
    },
];
