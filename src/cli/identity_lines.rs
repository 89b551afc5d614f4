//! What `status` and `top` show of keys and of whom the gateway asks, a line each, from the members of `/-/status`. Everything in
//! them passes [`text`] or is a number: whoever answered may be anybody.

use crate::cli::ops::number;
use crate::cli::ops::text;
use crate::cli::output::spent;
use crate::json::Value;

/// An issuer: by what its tokens are verified, and how that stands.
pub(super) fn issuer(one: &Value) -> String {
    let name = text(one, "issuer");
    match text(one, "by").as_str() {
        "published" => published(&name, one),
        "asked" => {
            let (under_way, remembered) = (number(one, "under_way"), number(one, "remembered"));
            let good = known(one, "last_good", "none yet");
            let line = format!(
                "{name}: asked about its tokens, {under_way} under way, {remembered} remembered; last answer {good}"
            );
            format!("{line}{}{}", failing(one), certificate(one))
        }
        "file" => format!("{name}: {} keys of a file", number(one, "keys")),
        other => format!("{name}: {other}"),
    }
}

fn published(name: &str, one: &Value) -> String {
    let keys = number(one, "keys");
    let set = match text(one, "came") {
        came if came.is_empty() => "its keys have not come yet".to_owned(),
        _ => {
            let (age, at) = (spent(number(one, "age_s")), text(one, "refused_at"));
            let stands = if keys == 0 { "REFUSED since" } else { "refused from" };
            format!("{keys} keys in force, the set {age} old, {stands} {at}")
        }
    };
    format!("{name}: {set}; next fetch {}{}{}", text(one, "next_fetch"), failing(one), certificate(one))
}

/// A partner's authorisation server.
pub(super) fn token_server(one: &Value) -> String {
    let (partner, kept, under_way) = (text(one, "partner"), number(one, "kept"), number(one, "under_way"));
    let good = known(one, "last_good", "none yet");
    let line = format!("{partner}: {kept} tokens kept, {under_way} fetched now; last good fetch {good}");
    format!("{line}{}{}", failing(one), certificate(one))
}

/// One of the gateway's own keys.
pub(super) fn own_key(one: &Value) -> String {
    let (purpose, state, algorithm) = (text(one, "purpose"), text(one, "state"), text(one, "algorithm"));
    let restart = match one.get("taken_up").and_then(Value::as_boolean) {
        Some(false) => "  (changed by a restart)",
        _ => "",
    };
    format!("{purpose:<12} {state:<5} {algorithm:<5} {}  for {}{restart}", text(one, "kid"), text(one, "for"))
}

/// What guards proofs against a second use.
pub(super) fn proofs(status: &Value) -> String {
    let proofs = status.get("proofs").unwrap_or(&Value::Null);
    let nonces = match text(proofs, "nonces").as_str() {
        "required" => format!("nonces required of proofs dated up to {}", text(proofs, "nonces_until")),
        "offered" => "nonces offered, not required".to_owned(),
        _ => "not told".to_owned(),
    };
    let assertions = proofs.get("assertions").unwrap_or(&Value::Null);
    let held = |value: &Value| format!("{}/{}", number(value, "held"), number(value, "most"));
    format!("{nonces}; {} proofs and {} assertions remembered", held(proofs), held(assertions))
}

/// A line more while it fails.
fn failing(one: &Value) -> String {
    let times = number(one, "failures");
    let failure = one.get("last_failure").unwrap_or(&Value::Null);
    if times == 0 {
        return String::new();
    }
    format!("\n    FAILS, {times} times since: {}, last at {}", text(failure, "fault"), text(failure, "at"))
}

/// A line more about our certificate there, if we show one.
fn certificate(one: &Value) -> String {
    let Some(ours @ Value::Object(_)) = one.get("certificate") else { return String::new() };
    let alarm = match text(ours, "alarm") {
        word if word.is_empty() => String::new(),
        word => format!("  ALARM: {word}"),
    };
    format!("\n    our certificate there: {} days, until {}{alarm}", number(ours, "days"), text(ours, "at"))
}

fn known(one: &Value, name: &str, none: &str) -> String {
    Some(text(one, name)).filter(|told| !told.is_empty()).unwrap_or_else(|| none.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes(), json::Limits::default()).unwrap()
    }

    #[test]
    fn an_issuer_is_told_with_the_age_of_its_keys_and_why_where_they_do_not_come() {
        let one = r#"{"issuer":"https://id.example","by":"published","keys":2,"came":"a","age_s":61,"keep_s":3600,
            "refused_at":"2026-02-02","next_fetch":"2026-01-01","failures":2,"last_failure":{"at":"b","fault":"refused"},
            "certificate":{"days":3,"at":"c","alarm":"week"}}"#;
        let told = "https://id.example: 2 keys in force, the set 1 min 1 s old, refused from 2026-02-02; next fetch 2026-01-01\n    \
                    FAILS, 2 times since: refused, last at b\n    our certificate there: 3 days, until c  ALARM: week";
        assert_eq!(issuer(&value(one)), told);
        let old = one.replace("\"keys\":2", "\"keys\":0");
        assert!(issuer(&value(&old)).contains("REFUSED since 2026-02-02"));
        let none =
            r#"{"issuer":"i","by":"published","keys":0,"came":null,"next_fetch":"n","failures":0,"certificate":null}"#;
        assert_eq!(issuer(&value(none)), "i: its keys have not come yet; next fetch n");
        assert_eq!(issuer(&value(r#"{"issuer":"i","by":"file","keys":1}"#)), "i: 1 keys of a file");
    }

    #[test]
    fn what_a_hostile_end_tells_is_shown_without_its_control_characters() {
        let bad = "\\u001b[2J\\u202e\\n";
        let failure = format!(r#""failures":1,"last_failure":{{"at":"{bad}","fault":"{bad}"}}"#);
        let ours = format!(r#""certificate":{{"days":1,"at":"{bad}","alarm":"{bad}"}}"#);
        let harmless = |told: &str| {
            let lines = told.split("\n    ");
            assert!(lines.flat_map(str::chars).all(|c| !c.is_control() && c != '\u{202e}'), "{told:?}");
            assert!(told.contains("\\u{1b}[2J\\u{202e}\\n"), "{told}");
        };
        for by in ["published", "asked", "file", bad] {
            let one = format!(
                r#"{{"issuer":"{bad}","by":"{by}","came":"{bad}","refused_at":"{bad}","next_fetch":"{bad}","last_good":"{bad}",{failure},{ours}}}"#
            );
            harmless(&issuer(&value(&one)));
        }
        harmless(&token_server(&value(&format!(r#"{{"partner":"{bad}","last_good":"{bad}",{failure},{ours}}}"#))));
        let key = format!(r#"{{"purpose":"{bad}","state":"{bad}","algorithm":"{bad}","kid":"{bad}","for":"{bad}"}}"#);
        harmless(&own_key(&value(&key)));
        harmless(&proofs(&value(&format!(r#"{{"proofs":{{"nonces":"required","nonces_until":"{bad}"}}}}"#))));
    }
}
