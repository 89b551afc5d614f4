//! Where an issuer's tokens say what we ask for: our names of claims, and the paths under which this issuer has them.
//!
//! Compiled when the configuration loads. While a payload is read, each path is followed in the one strict pass
//! (`claims.rs`); a claim that is mapped is read at its path and nowhere else, so that nobody can say it twice. The claims on
//! which a token's validity rests (`iss`, `aud`, `exp`, `cnf` …) have their registered names and no other.

/// The most names of one path.
pub const CLAIM_PATH_MAX: usize = 4;

/// A claim that issuers have under names of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MappedClaim {
    /// The management company.
    Tenant,
    /// The roles.
    Roles,
    /// The user's app instance.
    Device,
    /// The car.
    Car,
    /// The session.
    Session,
    /// The client.
    Client,
    /// The houses that are the user's.
    Houses,
}

/// A claim that an issuer's tokens must have besides those that all must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequiredClaim {
    /// `tenant`.
    Tenant,
    /// `roles`, at least one.
    Roles,
    /// `device_id`.
    Device,
    /// `car_id`.
    Car,
    /// `sid`.
    Session,
    /// `scope`.
    Scope,
    /// `acr`.
    Acr,
    /// `auth_time`.
    AuthTime,
    /// `houses`, at least one.
    Houses,
}

/// The paths of one issuer. Empty: all claims have our names.
#[derive(Clone, Debug, Default)]
pub struct ClaimMapping {
    paths: Vec<(Box<[Box<str>]>, MappedClaim)>,
}

/// Why a mapping is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MappingError {
    /// A path has no name, more than four, or an empty one.
    #[error("a path has 1 to 4 names, none of them empty")]
    Path,
    /// A path begins with a claim that means something else.
    #[error("the path begins with a claim that means something else in every token")]
    Registered,
    /// Two claims lie on one path.
    #[error("two claims lie on one path, or one lies within another")]
    Within,
}

/// What means the same in the tokens of all issuers.
const REGISTERED: &[&str] = &[
    "iss",
    "aud",
    "sub",
    "jti",
    "iat",
    "nbf",
    "exp",
    "cnf",
    "scope",
    "acr",
    "amr",
    "auth_time",
    "authorization_details",
    "act",
    "may_act",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "typ",
    "events",
];

impl MappedClaim {
    /// All of them, in the order in which configuration lists them.
    pub const ALL: [Self; 7] =
        [Self::Tenant, Self::Roles, Self::Device, Self::Car, Self::Session, Self::Client, Self::Houses];

    /// Our name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Roles => "roles",
            Self::Device => "device_id",
            Self::Car => "car_id",
            Self::Session => "sid",
            Self::Client => "client_id",
            Self::Houses => "houses",
        }
    }
}

impl RequiredClaim {
    /// All of them, by our names.
    pub const WORDS: [(&'static str, Self); 9] = [
        ("tenant", Self::Tenant),
        ("roles", Self::Roles),
        ("device_id", Self::Device),
        ("car_id", Self::Car),
        ("sid", Self::Session),
        ("scope", Self::Scope),
        ("acr", Self::Acr),
        ("auth_time", Self::AuthTime),
        ("houses", Self::Houses),
    ];
}

impl ClaimMapping {
    /// The same, with a claim at this path.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn with(mut self, claim: MappedClaim, path: Vec<Box<str>>) -> Result<Self, MappingError> {
        let is_path = (1..=CLAIM_PATH_MAX).contains(&path.len()) && path.iter().all(|name| !name.is_empty());
        let Some(first) = path.first().filter(|_| is_path) else { return Err(MappingError::Path) };
        let others = MappedClaim::ALL.into_iter().filter(|other| *other != claim).map(MappedClaim::name);
        if REGISTERED.iter().copied().chain(others).any(|name| name == &**first) {
            return Err(MappingError::Registered);
        }
        let within = |known: &[Box<str>]| known.starts_with(&path) || path.starts_with(known);
        if self.paths.iter().any(|(known, mapped)| *mapped == claim || within(known)) {
            return Err(MappingError::Within);
        }
        self.paths.push((path.into(), claim));
        Ok(self)
    }

    /// Whether all claims have our names.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether a claim of this name is read elsewhere.
    pub(super) fn replaces(&self, name: &str) -> bool {
        self.paths.iter().any(|(_, claim)| claim.name() == name)
    }

    /// Where each path goes on behind a first `name`.
    pub(super) fn behind(&self, name: &str) -> Vec<Path<'_>> {
        let all: Vec<Path<'_>> = self.paths.iter().map(|(path, claim)| (&**path, *claim)).collect();
        behind(&all, name)
    }
}

/// What is left of a path, and the claim at its end.
pub(super) type Path<'m> = (&'m [Box<str>], MappedClaim);

/// Where each of these paths goes on behind `name`.
pub(super) fn behind<'m>(paths: &[Path<'m>], name: &str) -> Vec<Path<'m>> {
    let goes_on = |(path, claim): &Path<'m>| {
        let (first, rest) = path.split_first()?;
        (**first == *name).then_some((rest, *claim))
    };
    paths.iter().filter_map(goes_on).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn a_path_has_one_to_four_names_and_begins_with_nothing_that_means_something_else() {
        let refusal = |claim, names: &[&str]| ClaimMapping::default().with(claim, path(names)).err();
        assert_eq!(refusal(MappedClaim::Tenant, &["a", "b", "c", "d"]), None);
        assert_eq!(refusal(MappedClaim::Tenant, &["tenant"]), None);
        assert_eq!(refusal(MappedClaim::Tenant, &["tenant", "id"]), None);
        assert_eq!(refusal(MappedClaim::Client, &["azp"]), None);
        for bad in [&[][..], &["a", "b", "c", "d", "e"], &[""], &["a", ""]] {
            assert_eq!(refusal(MappedClaim::Tenant, bad), Some(MappingError::Path), "{bad:?}");
        }
        for bad in ["iss", "aud", "sub", "exp", "cnf", "roles", "device_id", "scope"] {
            assert_eq!(refusal(MappedClaim::Tenant, &[bad]), Some(MappingError::Registered), "{bad}");
            assert_eq!(refusal(MappedClaim::Tenant, &[bad, "x"]), Some(MappingError::Registered), "{bad}");
        }
    }

    #[test]
    fn no_two_claims_lie_on_one_path_and_none_has_two() {
        let mapping = ClaimMapping::default().with(MappedClaim::Tenant, path(&["org", "tenant"])).unwrap();
        let refusal = |claim, names: &[&str]| mapping.clone().with(claim, path(names)).err();
        assert_eq!(refusal(MappedClaim::Car, &["org", "car"]), None);
        assert_eq!(refusal(MappedClaim::Car, &["org", "tenant"]), Some(MappingError::Within));
        assert_eq!(refusal(MappedClaim::Car, &["org"]), Some(MappingError::Within));
        assert_eq!(refusal(MappedClaim::Car, &["org", "tenant", "car"]), Some(MappingError::Within));
        assert_eq!(refusal(MappedClaim::Tenant, &["other"]), Some(MappingError::Within));
        assert!(mapping.replaces("tenant") && !mapping.replaces("car_id") && !mapping.is_empty());
    }
}
