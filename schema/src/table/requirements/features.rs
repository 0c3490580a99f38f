//! Features.

use crate::key::{Effect, KEY, Key, Order, SECTION, Section, Ty};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[Key {
    path: "features.*",
    ty: Ty::of::<bool>(),
    order: Order::Free,
    effect: Effect::Pins("features"),
    since: Version::of(110),
    doc: "Whether the named feature is forced on or off.",
    example: "true",
    ..KEY
}];

pub(super) static SECTIONS: &[Section] = &[Section {
    path: "features",
    expecting: "struct FeatureRequirementsInput",
    buffered: true,
    was: &["feature_requirements"],
    field: "features",
    ..SECTION
}];
