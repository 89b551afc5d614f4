//! What is particular about an issuer's tokens: `token_types`, `clock_skew`, `required_claims` and `claims` of `issuers[]`.

use crate::config::values;
use crate::config::values::Map;
use crate::config::written::words_of;
use crate::diagnostic::Place;
use crate::identity::ClaimMapping;
use crate::identity::MappedClaim;
use crate::identity::MappingError;
use crate::identity::RequiredClaim;
use crate::identity::TokenRules;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;
use std::ops::RangeInclusive;

/// By how much an issuer's clock may be ahead, in seconds.
pub(super) const SKEW_S: RangeInclusive<u64> = 0..=60;

/// The types of tokens: `true` for the one that says what a token is for.
pub(super) const TOKEN_TYPES: [(&str, bool); 2] = [("at+jwt", true), ("JWT", false)];

/// Reads the keys out of an issuer's mapping. With them goes where types of tokens are written, if they are.
pub(super) fn read(map: &Map<'_>) -> Option<(TokenRules, Option<Place>)> {
    let types = map.may("token_types", |reader, node| Some((words_of(reader, node, &TOKEN_TYPES)?, node.place)));
    let clock_skew = map.may("clock_skew", values::span(SKEW_S));
    let required = map.may("required_claims", |reader, node| words_of(reader, node, &RequiredClaim::WORDS));
    let mapping = map.may("claims", mapping);
    let (types, types_at) = types?.unzip();
    let types = types.unwrap_or_else(|| vec![true]);
    let rules = TokenRules {
        takes_typed: types.contains(&true),
        takes_plain: types.contains(&false),
        clock_skew_s: clock_skew?.map(|skew| skew.as_secs()),
        required: required?.unwrap_or_default(),
        mapping: mapping?.unwrap_or_default(),
    };
    Some((rules, types_at))
}

/// Where the issuer's tokens have our claims.
fn mapping(reader: &Reader, node: &Node) -> Option<ClaimMapping> {
    let map = Map::open(reader, node)?;
    let mut mapping = Some(ClaimMapping::default());
    for claim in MappedClaim::ALL {
        let found = map.may(claim.name(), |reader, node| Some((node, path(reader, node)?)));
        let Some(found) = found else {
            mapping = None;
            continue;
        };
        // A claim that is not named keeps our name.
        let Some((node, path)) = found else { continue };
        mapping = mapping.and_then(|before| {
            let help = "for instance `org.tenant`, or `[https://prop.example/tenant]` where a name has a dot";
            let unfit = |error: MappingError| {
                values::fault(reader, node, "malformed-claim-path", &error.to_string(), Some(help))
            };
            before.with(claim, path).map_or_else(unfit, Some)
        });
    }
    map.close();
    mapping
}

/// Names between dots, or a list of names, which may have dots.
fn path(reader: &Reader, node: &Node) -> Option<Vec<Box<str>>> {
    match &node.value {
        Yaml::List(_) => reader.list(node)?.iter().map(|item| values::text(reader, item)).collect(),
        _ => Some(values::text(reader, node)?.split('.').map(Into::into).collect()),
    }
}
