//! What can be wrong with a file, as data.

/// Bytes `start..end`, counted from 0.
pub type ByteRange = std::ops::Range<usize>;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MdmProblem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// How bad it is.
    pub severity: Severity,
    /// A plain sentence: lower case, no full stop, the file's own text in backticks.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// Where, when that is known.
    pub place: Option<Place>,
    /// The other place of a conflict.
    pub related: Option<Place>,
}

/// The one problem that makes a document unreadable; boxed because results carry it everywhere.
pub(super) type Refusal = Box<MdmProblem>;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Codex works, but the author should know.
    Warning,
    /// The file does not do what its author wants, or what it does is undefined.
    Error,
    /// Codex itself refuses the value and does not start.
    WouldStopCodex,
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which bytes `range` counts.
    pub document: Document,
    /// The bytes.
    pub range: ByteRange,
    /// Line and column of the start inside the XML text; absent for binary property lists. In a
    /// signed file the lines are those of the property list inside.
    pub line_column: Option<LineColumn>,
}

/// Which bytes a range counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Document {
    /// The bytes that were read.
    File,
    /// The property list inside the signature, which does not stand in the file in one piece
    /// (PEM, or BER in chunks).
    SignedContent,
}

/// A position for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

macro_rules! problem_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// What is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemKind { $($(#[doc = $doc])+ $name,)+ }

        impl ProblemKind {
            /// Every kind, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the stable name of the kind, for machine output.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

problem_kinds! {
    /// The file has no bytes, or white space only.
    Empty = "mdm-empty",
    /// The file is larger than the limit.
    TooLarge = "mdm-too-large",
    /// The bytes are none of the known kinds of file.
    NotAPropertyList = "mdm-not-a-property-list",
    /// The XML is UTF-16 or UTF-32.
    WideText = "mdm-utf-16",
    /// The XML declares an encoding other than UTF-8.
    DeclaredEncoding = "mdm-declared-encoding",
    /// The XML is not UTF-8.
    NotUtf8 = "mdm-not-utf-8",
    /// The XML begins with a byte order mark.
    ByteOrderMark = "mdm-byte-order-mark",
    /// The XML is not well-formed.
    XmlSyntax = "mdm-xml-syntax",
    /// The XML declares entities of its own.
    EntityDeclaration = "mdm-entity-declaration",
    /// The XML uses an entity that XML itself does not define.
    UnknownEntity = "mdm-unknown-entity",
    /// The XML is well-formed, but not a property list.
    PlistStructure = "mdm-plist-structure",
    /// The binary property list is cut short.
    TruncatedBinary = "mdm-binary-truncated",
    /// The binary property list is damaged.
    BinaryStructure = "mdm-binary-structure",
    /// Dictionaries and arrays are nested too deeply.
    TooDeep = "mdm-too-deep",
    /// There are too many values, or shared values expand to too much.
    TooManyObjects = "mdm-too-many-objects",
    /// A dictionary has the same key twice.
    DuplicateKey = "mdm-duplicate-key",
    /// The property list is neither the preference domain nor a profile.
    NotADomainOrProfile = "mdm-not-a-domain-or-profile",
    /// The file says nothing to Codex.
    NothingForCodex = "mdm-nothing-for-codex",
    /// The domain has a key that Codex does not read.
    UnknownKey = "mdm-unknown-key",
    /// A payload type or domain is almost the one of Codex.
    MisspeltDomain = "mdm-misspelt-domain",
    /// A part of the profile has the wrong type or is missing.
    ProfileStructure = "mdm-profile-structure",
    /// The profile's payloads are encrypted.
    EncryptedProfile = "mdm-encrypted-profile",
    /// The profile uses both payload shapes for the domain.
    BothShapes = "mdm-both-shapes",
    /// Several payloads are for the domain.
    SeveralPayloads = "mdm-several-payloads",
    /// The same preference is set in several places.
    SeveralValues = "mdm-several-values",
    /// The preference is not forced.
    NotForced = "mdm-not-forced",
    /// The preference is not a string.
    NotAString = "mdm-not-a-string",
    /// The base64 has white space inside.
    Base64Wrapped = "mdm-base64-wrapped",
    /// The base64 uses the URL-safe alphabet.
    Base64UrlSafe = "mdm-base64-url-safe",
    /// The base64 has too little or too much padding.
    Base64Padding = "mdm-base64-padding",
    /// The base64 goes on after its padding.
    Base64Trailing = "mdm-base64-trailing",
    /// The text is not base64.
    Base64Invalid = "mdm-base64-invalid",
    /// The decoded bytes are not UTF-8.
    DecodedNotUtf8 = "mdm-decoded-not-utf-8",
    /// The decoded text begins with a byte order mark.
    TomlByteOrderMark = "mdm-toml-byte-order-mark",
    /// The decoded text has Windows line ends.
    TomlCarriageReturn = "mdm-toml-carriage-return",
    /// The preference is empty.
    EmptyValue = "mdm-empty-value",
    /// The signature's structure cannot be read.
    SignatureStructure = "mdm-signature-structure",
    /// The signature does not contain what it signs.
    SignatureDetached = "mdm-signature-detached",
    /// The signed container has no signer.
    SignerMissing = "mdm-signer-missing",
    /// The signer's certificate is not in the file.
    SignerCertificateMissing = "mdm-signer-certificate-missing",
    /// The signature uses an algorithm that is not supported.
    SignatureAlgorithm = "mdm-signature-algorithm",
    /// The content is not what was signed.
    SignatureDigest = "mdm-signature-digest",
    /// The signature was not made with the certificate's key over these bytes.
    SignatureInvalid = "mdm-signature-invalid",
    /// The signature rests on SHA-1.
    WeakDigest = "mdm-weak-digest",
    /// Bytes follow the signed container.
    TrailingBytes = "mdm-trailing-bytes",
    /// There were more problems than are listed.
    MoreProblems = "mdm-more-problems",
}

/// Collects problems of one document, up to a limit.
#[derive(Debug)]
pub(super) struct Problems {
    found: Vec<MdmProblem>,
    limit: usize,
    dropped: usize,
}

impl Problems {
    pub(super) fn new(limit: usize) -> Self {
        Self { found: Vec::new(), limit, dropped: 0 }
    }

    pub(super) fn add(&mut self, problem: MdmProblem) {
        self.add_with(|| problem);
    }

    /// Adds a problem that is costly to put into words, if it is to be listed at all.
    pub(super) fn add_with(&mut self, problem: impl FnOnce() -> MdmProblem) {
        if self.found.len() < self.limit {
            self.found.push(problem());
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Lets `change` correct every place; used to lift places out of a container.
    pub(super) fn map_places(&mut self, change: impl Fn(&mut Place)) {
        for problem in &mut self.found {
            problem.place.iter_mut().for_each(&change);
            problem.related.iter_mut().for_each(&change);
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        let Self { found, limit: _, dropped } = other;
        for problem in found {
            self.add(problem);
        }
        self.dropped = self.dropped.saturating_add(dropped);
    }

    pub(super) fn finish(self) -> Vec<MdmProblem> {
        let Self { mut found, limit: _, dropped } = self;
        if dropped > 0 {
            found.push(MdmProblem::new(
                ProblemKind::MoreProblems,
                Severity::Warning,
                format!("{dropped} more problems are not listed"),
                "correct the problems above, then check the file again",
            ));
        }
        found
    }
}

impl MdmProblem {
    pub(super) fn new(
        kind: ProblemKind,
        severity: Severity,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            severity,
            message: message.into(),
            help: help.into(),
            place: None,
            related: None,
        }
    }

    pub(super) fn error(
        kind: ProblemKind,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(kind, Severity::Error, message, help)
    }

    pub(super) fn warning(
        kind: ProblemKind,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(kind, Severity::Warning, message, help)
    }

    pub(super) fn at(mut self, range: ByteRange) -> Self {
        self.place = Some(Place::file(range));
        self
    }

    pub(super) fn beside(mut self, range: ByteRange) -> Self {
        self.related = Some(Place::file(range));
        self
    }
}

impl Place {
    pub(super) fn file(range: ByteRange) -> Self {
        Self { document: Document::File, range, line_column: None }
    }
}

/// Makes text of a file fit to be shown in a message: short, and without control characters.
pub(super) fn shown(text: &str) -> String {
    const LONGEST_CHARACTERS: usize = 60;
    let mut out: String = text
        .chars()
        .take(LONGEST_CHARACTERS)
        .flat_map(|c| escaped(c).collect::<Vec<_>>())
        .collect();
    if text.chars().nth(LONGEST_CHARACTERS).is_some() {
        out.push('…');
    }
    out
}

fn escaped(character: char) -> impl Iterator<Item = char> {
    let plain = !character.is_control() && character != '`';
    let escape = (!plain).then(|| character.escape_unicode()).into_iter().flatten();
    plain.then_some(character).into_iter().chain(escape)
}
