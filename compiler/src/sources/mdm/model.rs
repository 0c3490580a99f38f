//! What reading a file gives.

use super::problem::{MdmProblem, Place};

/// Bounds on the work done for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes. Also bounds the text a binary property list may expand to.
    pub max_bytes: usize,
    /// Deepest nesting of dictionaries and arrays.
    pub max_depth: usize,
    /// Largest number of values and keys in one property list.
    pub max_objects: usize,
    /// Largest number of problems reported; one more says that there were others.
    pub max_problems: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 8 << 20, max_depth: 64, max_objects: 100_000, max_problems: 200 }
    }
}

/// Everything found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPreferences {
    /// The preferences that decode, in file order. Empty when the signature is broken.
    pub values: Vec<ManagedValue>,
    /// The preferences that decode, but stand in a file whose signature is broken: to be shown,
    /// never to be applied.
    pub refused: Vec<ManagedValue>,
    /// Everything that is wrong, in the order of discovery.
    pub problems: Vec<MdmProblem>,
    /// What the profile says of itself; absent for a bare preference file.
    pub profile: Option<ProfileInfo>,
    /// The heads of the profile and of its payloads, the profile's first; empty for a bare file.
    pub heads: Vec<PayloadHead>,
    /// Whether the file is signed, and whether the signature holds.
    pub signature: Signature,
}

impl ManagedPreferences {
    /// Returns the value that counts for `key`, if exactly one candidate is not `Set-Once`.
    ///
    /// With several candidates macOS does not say which one it uses, so none is returned;
    /// `problems` then holds [`super::ProblemKind::SeveralValues`] or
    /// [`super::ProblemKind::DuplicateKey`].
    #[must_use]
    pub fn effective(&self, key: PreferenceKey) -> Option<&ManagedValue> {
        let mut candidates =
            self.values.iter().filter(|value| value.key == key && value.forced != Forced::SetOnce);
        let first = candidates.next()?;
        candidates.next().is_none().then_some(first)
    }
}

/// One of the two preferences that Codex reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PreferenceKey {
    /// `config_toml_base64`: managed defaults, the legacy managed configuration.
    ConfigToml,
    /// `requirements_toml_base64`: requirements.
    RequirementsToml,
}

impl PreferenceKey {
    /// Both keys, in the order of their names.
    pub const ALL: [Self; 2] = [Self::ConfigToml, Self::RequirementsToml];

    /// Returns the key as it is spelled in the preference domain.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfigToml => "config_toml_base64",
            Self::RequirementsToml => "requirements_toml_base64",
        }
    }

    /// Returns the key with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }
}

/// Whether macOS forces the value on the user.
///
/// Codex 0.169.0 reads forced values only; older versions read any value of the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forced {
    /// A profile forces it.
    Forced,
    /// A profile sets it once; the user can change it, and newest Codex ignores it.
    SetOnce,
    /// A bare preference file does not say: its folder decides (`/Library/Managed Preferences`
    /// is forced, `~/Library/Preferences` is not).
    NotStated,
}

/// Where in a file a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayloadShape {
    /// The file is the preference domain itself.
    Domain,
    /// `PayloadContent[payload]` has the domain as its type.
    Direct {
        /// Index in the profile's `PayloadContent`, from 0.
        payload: usize,
    },
    /// `PayloadContent[payload]` is `com.apple.ManagedClient.preferences`.
    ManagedClient {
        /// Index in the profile's `PayloadContent`, from 0.
        payload: usize,
        /// Index in `Forced` or `Set-Once`, from 0.
        entry: usize,
    },
}

/// One preference that Codex could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedValue {
    /// Which preference it is.
    pub key: PreferenceKey,
    /// The decoded text, byte for byte; not yet parsed as TOML.
    pub toml_text: String,
    /// Whether the user can change it.
    pub forced: Forced,
    /// Which part of the file holds it.
    pub shape: PayloadShape,
    /// The text of the string element (XML), or the string object (binary).
    pub location: Place,
}

/// What a configuration profile says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileInfo {
    /// `PayloadIdentifier`.
    pub identifier: Option<String>,
    /// `PayloadUUID`.
    pub uuid: Option<String>,
    /// `PayloadDisplayName`.
    pub display_name: Option<String>,
    /// `PayloadOrganization`.
    pub organization: Option<String>,
    /// `PayloadDescription`.
    pub description: Option<String>,
    /// `PayloadScope`: `System` or `User`; macOS takes `User` when it is absent.
    pub scope: Option<String>,
    /// How many payloads the profile has, of any type.
    pub payload_count: usize,
}

/// A text of a file and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What it says.
    pub value: String,
    /// Where.
    pub place: Place,
}

/// What a profile, or one of its payloads, says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadHead {
    /// Index in `PayloadContent`, from 0; `None` is the profile itself.
    pub payload: Option<usize>,
    /// `PayloadIdentifier`.
    pub identifier: Option<Text>,
    /// `PayloadUUID`.
    pub uuid: Option<Text>,
    /// `PayloadVersion`.
    pub version: Option<(i64, Place)>,
    /// `PayloadScope`.
    pub scope: Option<Text>,
    /// `RemovalDate` or `PayloadExpirationDate`.
    pub removal: Option<Text>,
    /// Keys of a profile that Apple does not define.
    pub unknown: Vec<Text>,
    /// The whole of it.
    pub place: Place,
}

impl PayloadHead {
    /// Every place that it names.
    pub(super) fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let Self { payload: _, identifier, uuid, version, scope, removal, unknown, place } = self;
        let texts = [identifier, uuid, scope, removal].into_iter().flatten().chain(unknown);
        texts
            .map(|text| &mut text.place)
            .chain(version.as_mut().map(|(_, place)| place))
            .chain([place])
    }
}

/// The state of the file's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// The file is not signed.
    NotSigned,
    /// Every signature holds against the certificate embedded beside it. Whether that certificate
    /// is to be trusted was not checked.
    Consistent {
        /// Who signed, in the order of the file; never empty.
        signers: Vec<Signer>,
    },
    /// The file claims a signature that does not hold or could not be checked.
    Broken,
}

/// One signer, as the embedded certificate names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The certificate's subject (RFC 4514 text).
    pub subject: String,
    /// The certificate's issuer (RFC 4514 text).
    pub issuer: String,
    /// The certificate's serial number, upper case hexadecimal with colons.
    pub serial: String,
    /// The signature algorithm, for people: `RSA PKCS#1 v1.5 with SHA-256`.
    pub algorithm: &'static str,
    /// Whether the certificate itself could be checked.
    pub issuer_certificate: EmbeddedIssuer,
    /// The certificate, in DER.
    pub certificate: Vec<u8>,
    /// The other certificates of the file, in DER.
    pub others: Vec<Vec<u8>>,
}

/// Whether a signer's certificate was checked with an issuer's certificate from the same file.
///
/// A certificate that fails this check breaks the whole signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddedIssuer {
    /// The certificate is signed with its own key.
    SelfSigned,
    /// Another embedded certificate signed it.
    Embedded,
    /// The issuer's certificate is there, but its algorithm is not supported.
    NotChecked,
    /// The issuer's certificate is not in the file: the names are the file's own claim.
    Missing,
}
