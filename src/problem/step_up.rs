//! What an answer of 401 asks for where the token is good, and its user was not authenticated as demanded (RFC 9470 §3).
//!
//! `amr` has no parameter there: whoever lacks one of the means is told of the level and the age alone.

use crate::model::Authentication;
use http::HeaderValue;

/// What is demanded, and of which scheme it is said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StepUp {
    /// Whether the token came with a proof of possession (RFC 9449), so that the scheme is `DPoP`.
    pub proven: bool,
    /// What is demanded.
    pub demand: Authentication,
}

impl StepUp {
    /// The value of `WWW-Authenticate`. The contract's compiler sees to it that all that is demanded can stand in a field.
    pub(super) fn value(&self) -> Option<HeaderValue> {
        let scheme = if self.proven { "DPoP" } else { "Bearer" };
        let mut value = format!("{scheme} error=\"insufficient_user_authentication\"");
        if !self.demand.levels.is_empty() {
            value.push_str(&format!(", acr_values=\"{}\"", self.demand.levels.join(" ")));
        }
        if let Some(seconds) = self.demand.max_age_s {
            value.push_str(&format!(", max_age=\"{seconds}\""));
        }
        HeaderValue::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_says_what_is_demanded_and_nothing_else() {
        let value = |proven, levels: &[&str], max_age_s| {
            let levels = levels.iter().map(|level| Box::from(*level)).collect();
            let demand = Authentication { levels, means: vec!["otp".into()], max_age_s };
            StepUp { proven, demand }.value().unwrap().to_str().unwrap().to_owned()
        };
        // The example of RFC 9470 §3, but for its description.
        assert_eq!(
            value(false, &["myACR"], None),
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"myACR\""
        );
        assert_eq!(
            value(true, &["high", "highest"], Some(5)),
            "DPoP error=\"insufficient_user_authentication\", acr_values=\"high highest\", max_age=\"5\""
        );
        assert_eq!(value(false, &[], None), "Bearer error=\"insufficient_user_authentication\"");
    }
}
