//! Certificates: who signs them, what stands in them, and reading them again.

use codex_fleet::identity::Identity;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
    date_time_ymd, string::Ia5String,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Why there is no certificate, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A key or a certificate has not its form.
    #[error("`{what}` cannot be used: {problem}")]
    Form {
        /// What.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// The request for a certificate.
    #[error("the signing request cannot be used: {0}")]
    Request(String),
}

fn form(what: &str) -> impl Fn(String) -> AuthorityError {
    move |problem| AuthorityError::Form { what: what.to_owned(), problem }
}

/// A key and a certificate, PEM.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pair")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// How many seconds before its making a certificate begins: clocks differ.
const EARLIER: i64 = 600;

/// How many days a certificate of an authority is good.
const AUTHORITY_DAYS: u16 = 3_650;

/// How many days the certificate of a server is good.
const SERVER_DAYS: u16 = 820;

fn dated(mut params: CertificateParams, now: Timestamp, days: u16) -> CertificateParams {
    let epoch = date_time_ymd(1970, 1, 1);
    let at =
        |second: i64| epoch + std::time::Duration::from_secs(u64::try_from(second).unwrap_or(0));
    params.not_before = at(now.as_second() - EARLIER);
    params.not_after = at(now.as_second() + i64::from(days) * 86_400);
    params
}

/// Makes a new authority.
///
/// # Errors
/// When no key can be made.
pub fn new_authority(organisation: &str, now: Timestamp) -> Result<Pair, AuthorityError> {
    let failed = |error: rcgen::Error| form("authority")(error.to_string());
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.distinguished_name.push(DnType::CommonName, "codex-config enrolment");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = dated(params, now, AUTHORITY_DAYS).self_signed(&key).map_err(failed)?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// The enrolment authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// The authority of a key and a certificate in PEM.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(pair: &Pair) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(&pair.key)
            .map_err(|error| form("enrolment key")(error.to_string()))?;
        let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes())
            .map_err(|error| form("enrolment certificate")(error.to_string()))?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|error| form("enrolment certificate")(error.to_string()))?;
        Ok(Self { issuer, certificate, pem: pair.certificate.clone() })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Whether a signing request can be used: so that no token is spent on one that cannot.
    ///
    /// # Errors
    /// When it has not its form, or is not signed by its key.
    pub fn check_request(signing_request: &str) -> Result<(), AuthorityError> {
        CertificateSigningRequestParams::from_pem(signing_request)
            .map(drop)
            .map_err(|error| AuthorityError::Request(error.to_string()))
    }

    /// A certificate for a machine. Of the signing request only the key counts.
    ///
    /// # Errors
    /// When the request has not its form, or is not signed by its key.
    pub fn issue(
        &self,
        signing_request: &str,
        identity: &Identity,
        serial: [u8; 16],
        (now, days): (Timestamp, u16),
    ) -> Result<String, AuthorityError> {
        let request = |problem: String| AuthorityError::Request(problem);
        let asked = CertificateSigningRequestParams::from_pem(signing_request)
            .map_err(|error| request(error.to_string()))?;
        let uri = identity.to_uri().map_err(|error| request(error.to_string()))?;
        let uri = Ia5String::try_from(uri).map_err(|error| request(error.to_string()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, identity.device.as_str());
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = dated(params, now, days)
            .signed_by(&asked.public_key, &self.issuer)
            .map_err(|error| request(error.to_string()))?;
        Ok(certificate.pem())
    }

    /// A certificate and a key for a server of these names.
    ///
    /// # Errors
    /// When a name is none.
    pub fn server(&self, names: &[String], now: Timestamp) -> Result<Pair, AuthorityError> {
        let failed = |error: rcgen::Error| form("server names")(error.to_string());
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "codex-config fleet server");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate =
            dated(params, now, SERVER_DAYS).signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// A machine, as its certificate shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Who it is.
    pub identity: Identity,
    /// When the certificate ends.
    pub ends: Timestamp,
}

/// The machine of a certificate that TLS has verified.
///
/// # Errors
/// When it carries no identity.
pub fn shown(certificate: &CertificateDer<'_>) -> Result<Shown, AuthorityError> {
    let wrong = form("client certificate");
    let parsed = Certificate::from_der(certificate).map_err(|error| wrong(error.to_string()))?;
    let names = parsed.tbs_certificate.get::<SubjectAltName>();
    let (_, SubjectAltName(names)) = names
        .map_err(|error| wrong(error.to_string()))?
        .ok_or_else(|| wrong("it has no names".to_owned()))?;
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
        _ => None,
    });
    let (Some(uri), None) = (uris.next(), uris.next()) else {
        return Err(wrong("it must carry one identity".to_owned()));
    };
    let identity = Identity::from_uri(uri).map_err(|error| wrong(error.to_string()))?;
    let ends = parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
    let ends = i64::try_from(ends).ok().and_then(|second| Timestamp::from_second(second).ok());
    Ok(Shown { identity, ends: ends.unwrap_or(Timestamp::MIN) })
}

/// The certificates of a PEM text.
///
/// # Errors
/// When there is none.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    let wrong = form("server certificate");
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if all.is_empty() { Err(wrong("there is none in the file".to_owned())) } else { Ok(all) }
}

/// The key of a PEM text.
///
/// # Errors
/// When there is none.
pub fn private_key(pem: &[u8], what: &str) -> Result<PrivateKeyDer<'static>, AuthorityError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| form(what)(error.to_string()))
}
