//! The TLS library's cryptographic provider: aws-lc, for the whole process, with X25519MLKEM768 first.
//!
//! Pingora installs ring unless a provider is there already, and with ring the hybrid key exchange silently disappears.
//! So ours is installed before anything else happens, and what it offers is looked at, not assumed.

use rustls::NamedGroup;
use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The name of the provider, for the one who asks what this program is.
pub const PROVIDER_NAME: &str = "aws-lc-rs";

/// Why there is no provider to rely on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProviderError {
    /// Somebody installed another provider earlier.
    #[error("another TLS provider was installed before ours")]
    AnotherInstalled,
    /// The provider does not offer X25519MLKEM768 before all other groups.
    #[error("the TLS provider does not offer X25519MLKEM768 first")]
    NoHybridKeyExchange,
}

/// Installs aws-lc as the process's TLS provider. May be called again.
///
/// # Errors
/// [`ProviderError`]; the process must not go on to open a port.
pub fn install_provider() -> Result<(), ProviderError> {
    // An error of `install_default` says that there is one already; whether it is ours is looked at below.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let installed = CryptoProvider::get_default().ok_or(ProviderError::AnotherInstalled)?;
    let ours = rustls::crypto::aws_lc_rs::default_provider();
    // Groups are singletons of their library; ring's X25519 is another object than aws-lc's.
    let same = |(one, other): (&&dyn rustls::crypto::SupportedKxGroup, &&dyn rustls::crypto::SupportedKxGroup)| {
        std::ptr::addr_eq(*one, *other)
    };
    let equal =
        installed.kx_groups.len() == ours.kx_groups.len() && installed.kx_groups.iter().zip(&ours.kx_groups).all(same);
    if !equal {
        return Err(ProviderError::AnotherInstalled);
    }
    match installed.kx_groups.first() {
        Some(group) if group.name() == NamedGroup::X25519MLKEM768 => Ok(()),
        _ => Err(ProviderError::NoHybridKeyExchange),
    }
}

/// The key exchange groups that are offered in TLS, by their IANA names, the preferred one first.
#[must_use]
pub fn tls_groups() -> Vec<&'static str> {
    let groups = rustls::crypto::aws_lc_rs::default_provider().kx_groups;
    groups.iter().filter_map(|group| group.name().as_str()).collect()
}

/// The provider for configurations that are made here, whatever the process's default is.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_can_be_installed_twice_and_offers_the_hybrid_group_first() {
        assert_eq!(install_provider(), Ok(()));
        assert_eq!(install_provider(), Ok(()));
        assert_eq!(provider().kx_groups.first().map(|group| group.name()), Some(NamedGroup::X25519MLKEM768));
    }
}
