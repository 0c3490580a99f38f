//! Where policy came from, and whether Codex accepts it.

use codex_schema::source::Channel;
use codex_schema::span::Span;

use super::{ChannelInfo, ChannelState, PolicyInfo, RefusalInfo, setting};
use crate::codex_answers;
use crate::compose::Stage;
use crate::evaluate::Evaluation;
use crate::gather::BundleState;
use crate::layers::Role;

/// The channels, highest first, and Codex's verdict.
pub(super) fn policy(evaluation: &Evaluation) -> PolicyInfo {
    let era = evaluation.inputs().era();
    let mut channels = vec![
        Channel::Mdm,
        Channel::LegacyMdm,
        Channel::LegacyFile,
        Channel::Cloud,
        Channel::System,
    ];
    channels.sort_by_key(|channel| std::cmp::Reverse(era.channel_rank(*channel)));
    PolicyInfo {
        channels: channels.into_iter().map(|channel| info(channel, evaluation)).collect(),
        refusals: refusals(evaluation),
    }
}

/// What Codex refuses with: single documents, or else every session of the whole that they and the
/// user make up.
fn refusals(evaluation: &Evaluation) -> Vec<RefusalInfo> {
    let info = |stage: Stage, says: &str, span: Option<Span>| RefusalInfo {
        stage: format!("{stage:?}").to_lowercase(),
        says: says.trim_end().to_owned(),
        place: span.and_then(|span| setting::place(evaluation, span)),
    };
    if evaluation.refusals.is_empty() {
        let says = codex_answers::thread(evaluation, evaluation).err();
        return says.iter().map(|says| info(Stage::Session, says, None)).collect();
    }
    let documents = evaluation.refusals.iter();
    documents.map(|refusal| info(refusal.stage, &refusal.text, refusal.span)).collect()
}

fn info(channel: Channel, evaluation: &Evaluation) -> ChannelInfo {
    let documents: Vec<String> = evaluation
        .composition
        .layers
        .iter()
        .rev()
        .filter(|layer| layer.channel == channel)
        .filter_map(|layer| evaluation.documents().get(layer.source))
        .map(|document| document.source.to_string())
        .collect();
    let broken = evaluation.gathered.broken.iter().find(|broken| match broken.role {
        Role::Requirements(of) => of == channel,
        Role::Bundle => channel == Channel::Cloud,
        Role::ManagedPreferences => channel == Channel::Mdm,
        Role::Config(_) | Role::Rules => false,
    });
    let (state, note) = match (broken, &evaluation.gathered.bundle) {
        (Some(broken), _) => (ChannelState::Broken, Some(broken.reason.clone())),
        (None, BundleState::UserWritableCache { path, cached }) if channel == Channel::Cloud => {
            let age = cached.as_ref().map_or(String::new(), |cached| {
                format!(", made {}, good until {}", cached.cached_at, cached.expires_at)
            });
            let note = format!("{path} belongs to the user, who can rewrite it{age}");
            (ChannelState::UserWritable, Some(note))
        }
        _ if documents.is_empty() => (ChannelState::Absent, None),
        _ => (ChannelState::Present, None),
    };
    let kind = match channel {
        Channel::System => "system",
        Channel::Cloud => "cloud",
        Channel::LegacyFile => "legacy_file",
        Channel::LegacyMdm => "legacy_mdm",
        Channel::Mdm => "mdm",
    };
    ChannelInfo { kind: kind.to_owned(), state, documents, note }
}
