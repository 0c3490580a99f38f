//! Addresses of buckets, and the vendors' own settings for them.

use std::str::FromStr;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;

use super::http::Connector;
use super::{NoBucket, RETRIES, RETRY_TIME, RetryConfig};
use crate::fleet::connection;

/// How services are reached.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "the environment holds secrets")]
pub struct Settings {
    /// The environment. Variables that begin with `AWS_`, `GOOGLE_` or `AZURE_` count, each for its
    /// service, as the vendors' own programs name them.
    pub environment: Vec<(String, String)>,
    /// Certificates of authorities, PEM: the only ones that are trusted then.
    pub authorities: Option<Vec<u8>>,
}

/// The service at an address, and the folder in the bucket.
pub(super) fn open(
    address: &str,
    settings: &Settings,
) -> Result<(Arc<dyn ObjectStore>, Path), NoBucket> {
    let wrong = || NoBucket::Address(address.to_owned());
    let (scheme, rest) = address.split_once("://").ok_or_else(wrong)?;
    let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '.' | '_');
    if bucket.is_empty() || !bucket.chars().all(plain) {
        return Err(wrong());
    }
    let base = Path::parse(folder).map_err(|_| wrong())?;
    let retry =
        RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIME, ..RetryConfig::default() };
    let connector = Connector(connection(settings.authorities.as_deref())?);
    let unusable = |error: object_store::Error| NoBucket::Settings(error.to_string());
    let store: Arc<dyn ObjectStore> = match scheme {
        "s3" => {
            let set = settings.of("AWS_");
            let builder = set.fold(AmazonS3Builder::new(), |builder, (key, value)| {
                builder.with_config(key, value)
            });
            let builder = builder.with_bucket_name(bucket).with_retry(retry);
            Arc::new(builder.with_http_connector(connector).build().map_err(unusable)?)
        }
        "gs" => {
            let set = settings.of("GOOGLE_");
            let builder = set.fold(GoogleCloudStorageBuilder::new(), |builder, (key, value)| {
                builder.with_config(key, value)
            });
            let builder = builder.with_bucket_name(bucket).with_retry(retry);
            Arc::new(builder.with_http_connector(connector).build().map_err(unusable)?)
        }
        "az" => {
            let set = settings.of("AZURE_");
            let builder = set.fold(MicrosoftAzureBuilder::new(), |builder, (key, value)| {
                builder.with_config(key, value)
            });
            let builder = builder.with_container_name(bucket).with_retry(retry);
            Arc::new(builder.with_http_connector(connector).build().map_err(unusable)?)
        }
        _ => return Err(wrong()),
    };
    Ok((store, base))
}

impl Settings {
    /// The settings of one service that the library knows.
    fn of<K: FromStr>(&self, vendor: &str) -> impl Iterator<Item = (K, &str)> {
        self.environment.iter().filter_map(move |(name, value)| {
            let ours = name.starts_with(vendor);
            let key = ours.then(|| name.to_ascii_lowercase().parse().ok()).flatten()?;
            Some((key, value.as_str()))
        })
    }
}
