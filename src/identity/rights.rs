//! `authorization_details` (RFC 9396 §2): read strictly, and written again. An entry has one of the types that we declare, and
//! exactly the members that its type has; everything else is refused (RFC 9396 §5), since a member that we passed over could be
//! the one that makes the right narrower.
//!
//! | member | |
//! |---|---|
//! | `type` | `door_access`, `barrier_access`, `house_access` |
//! | `actions` | what may be done: one word or more |
//! | `house` | in which house |
//! | `door` or `doors`, `barrier` or `barriers` | at which of its things, by the type; without one, at all of them |
//! | `not_before`, `not_after` | the first and the last second in which it counts, of Unix time |
//! | `hours` | the hours of the week in which it counts: `[{"days": [1, 5], "from": "08:00", "until": "20:00"}]`, 1 being Monday |
//! | `grant_id` | by what it can be revoked alone |
//!
//! Of RFC 9396's common members `actions` is the one that fits; `locations`, `datatypes`, `identifier` and `privileges` say
//! nothing about a door, and are refused like any other.

use crate::identity::claims::LIMITS;
use crate::identity::claims::malformed;
use crate::identity::claims::of_a_claim;
use crate::identity::claims::text;
use crate::identity::claims::texts;
use crate::identity::claims::time;
use crate::identity::fault::IdentityFault;
use crate::json;
use crate::json::Reader;
use crate::model::Extent;
use crate::model::Hours;
use crate::model::Right;
use crate::model::RightKind;
use crate::model::Stranger;
use crate::model::Window;

/// Reads rights that are asked for: the parameter `authorization_details` of a token request (RFC 9396 §6). They are held as
/// strictly as those of a token.
///
/// # Errors
/// [`IdentityFault::RightUnknown`], [`IdentityFault::ClaimInvalid`], [`IdentityFault::ClaimsMalformed`].
pub fn read_rights(text: &[u8]) -> Result<Vec<Right>, IdentityFault> {
    let mut reader = Reader::new(text, LIMITS).map_err(malformed)?;
    let rights = rights(&mut reader)?;
    reader.finish().map_err(malformed)?;
    Ok(rights)
}

/// Writes rights as a token has them, so that [`read_rights`] reads the same.
pub fn write_rights(rights: &[Right], out: &mut Vec<u8>) {
    list(rights, out, |right, out| {
        out.extend_from_slice(b"{\"type\":");
        json::write_string(right.kind.word(), out);
        out.extend_from_slice(b",\"actions\":");
        list(&right.actions, out, write_text);
        member("house", &right.house, out);
        if let (Extent::Only(things), Some(one), Some(several)) =
            (&right.extent, right.kind.thing(), right.kind.things())
        {
            match things.as_slice() {
                [thing] => member(one, thing, out),
                things => {
                    name(several, out);
                    list(things, out, write_text);
                }
            }
        }
        for (key, at) in [("not_before", right.window.not_before), ("not_after", right.window.not_after)] {
            if let Some(at) = at {
                name(key, out);
                out.extend_from_slice(at.to_string().as_bytes());
            }
        }
        if !right.window.hours.is_empty() {
            name("hours", out);
            list(&right.window.hours, out, write_hours);
        }
        if let Some(grant) = &right.grant {
            member("grant_id", grant, out);
        }
        out.push(b'}');
    });
}

/// The claim: an array of objects of a type that we know.
pub(super) fn rights(reader: &mut Reader<'_>) -> Result<Vec<Right>, IdentityFault> {
    let mut rights = Vec::new();
    reader.begin_array().map_err(of_a_claim)?;
    while reader.next_element().map_err(malformed)? {
        rights.push(right(reader)?);
    }
    Ok(rights)
}

/// One entry. Things under a member that its type lacks are unknown: without them the right would be wider.
fn right(reader: &mut Reader<'_>) -> Result<Right, IdentityFault> {
    let unknown = || IdentityFault::RightUnknown;
    let (mut kind, mut house, mut things, mut grant, mut actions) = (None, None, None, None, Vec::new());
    let mut window = Window::default();
    reader.begin_object().map_err(of_a_claim)?;
    while let Some(name) = reader.next_key().map_err(malformed)? {
        match &*name {
            "type" => kind = Some(RightKind::of(&text(reader)?).ok_or_else(unknown)?),
            "house" => house = Some(Stranger::new(text(reader)?)),
            "door" | "barrier" if things.is_none() => things = Some((name, vec![Stranger::new(text(reader)?)])),
            "doors" | "barriers" if things.is_none() => things = Some((name, words(reader)?)),
            "not_before" => window.not_before = Some(time(reader)?.get()),
            "not_after" => window.not_after = Some(time(reader)?.get()),
            "hours" => window.hours = hours(reader)?,
            "grant_id" => grant = Some(Stranger::new(text(reader)?)),
            "actions" => actions = words(reader)?,
            _ => return Err(unknown()),
        }
    }
    let (Some(kind), Some(house), false) = (kind, house, actions.is_empty()) else { return Err(unknown()) };
    // A window that is never open is a slip of whoever wrote it.
    if window.not_before.zip(window.not_after).is_some_and(|(first, last)| first > last) {
        return Err(unknown());
    }
    let extent = match things {
        None => Extent::Whole,
        Some((member, things)) => {
            let is_of_it = [kind.thing(), kind.things()].contains(&Some(&*member));
            is_of_it.then_some(Extent::Only(things)).ok_or_else(unknown)?
        }
    };
    Ok(Right { kind, actions, house, extent, window, grant })
}

/// A list of words, one at least.
fn words(reader: &mut Reader<'_>) -> Result<Vec<Stranger>, IdentityFault> {
    let words: Vec<Stranger> = texts(reader)?.into_iter().map(Stranger::new).collect();
    if words.is_empty() { Err(IdentityFault::RightUnknown) } else { Ok(words) }
}

/// `hours`: one entry at least, each of exactly `days`, `from` and `until`.
fn hours(reader: &mut Reader<'_>) -> Result<Vec<Hours>, IdentityFault> {
    let mut hours = Vec::new();
    reader.begin_array().map_err(of_a_claim)?;
    while reader.next_element().map_err(malformed)? {
        let (mut days, mut from, mut until) = (Vec::new(), None, None);
        reader.begin_object().map_err(of_a_claim)?;
        while let Some(name) = reader.next_key().map_err(malformed)? {
            match &*name {
                "days" => days = weekdays(reader)?,
                "from" => from = Some(text(reader)?),
                "until" => until = Some(text(reader)?),
                _ => return Err(IdentityFault::RightUnknown),
            }
        }
        let one = from.zip(until).and_then(|(from, until)| Hours::between(&days, &from, &until));
        hours.push(one.ok_or(IdentityFault::RightUnknown)?);
    }
    if hours.is_empty() { Err(IdentityFault::RightUnknown) } else { Ok(hours) }
}

/// Days of the week by their numbers.
fn weekdays(reader: &mut Reader<'_>) -> Result<Vec<u8>, IdentityFault> {
    let mut days = Vec::new();
    reader.begin_array().map_err(of_a_claim)?;
    while reader.next_element().map_err(malformed)? {
        days.push(u8::try_from(time(reader)?.get()).map_err(|_| IdentityFault::RightUnknown)?);
    }
    Ok(days)
}

fn write_hours(hours: &Hours, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"days\":");
    let days: Vec<u8> = (1..=7).filter(|day| hours.is_on(*day)).collect();
    list(&days, out, |day, out| out.extend_from_slice(day.to_string().as_bytes()));
    let clock = |minute: u16| Stranger::new(format!("{:02}:{:02}", minute / 60, minute % 60));
    member("from", &clock(hours.from()), out);
    member("until", &clock(hours.until()), out);
    out.push(b'}');
}

fn list<T>(items: &[T], out: &mut Vec<u8>, mut write: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn name(name: &str, out: &mut Vec<u8>) {
    out.push(b',');
    json::write_string(name, out);
    out.push(b':');
}

fn member(key: &str, value: &Stranger, out: &mut Vec<u8>) {
    name(key, out);
    write_text(value, out);
}

fn write_text(text: &Stranger, out: &mut Vec<u8>) {
    json::write_string(text.expose(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Right>, IdentityFault> {
        read_rights(text.as_bytes())
    }

    fn hours_of(hours: &str) -> Result<Vec<Right>, IdentityFault> {
        read(&format!(r#"[{{"type":"door_access","actions":["open"],"house":"h","hours":{hours}}}]"#))
    }

    #[test]
    fn every_member_is_read_and_written_as_it_was() {
        let text = r#"[{"type":"door_access","actions":["open","see"],"house":"h","doors":["d-1","d-2"],"not_before":1790000000,"not_after":1790003600,"hours":[{"days":[1,2,7],"from":"08:00","until":"24:00"},{"days":[6],"from":"00:00","until":"00:01"}],"grant_id":"g-1"},{"type":"barrier_access","actions":["open"],"house":"h","barrier":"b"},{"type":"house_access","actions":["sync-face"],"house":"h"}]"#;
        let rights = read(text).unwrap();
        assert_eq!(rights[0].extent, Extent::Only(vec![Stranger::new("d-1"), Stranger::new("d-2")]));
        assert_eq!(
            (rights[0].window.not_before, rights[0].window.not_after),
            (Some(1_790_000_000), Some(1_790_003_600))
        );
        assert_eq!(
            rights[0].window.hours,
            [Hours::new(&[1, 2, 7], 480, 1_440).unwrap(), Hours::new(&[6], 0, 1).unwrap()]
        );
        assert_eq!((&rights[2].extent, &rights[2].window), (&Extent::Whole, &Window::default()));
        let mut out = Vec::new();
        write_rights(&rights, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }

    #[test]
    fn hours_are_days_and_two_times_of_a_clock() {
        assert!(hours_of(r#"[{"days":[1],"from":"00:00","until":"24:00"}]"#).is_ok());
        for unknown in [
            "[]",
            "[{}]",
            r#"[{"days":[],"from":"08:00","until":"20:00"}]"#,
            r#"[{"days":[0],"from":"08:00","until":"20:00"}]"#,
            r#"[{"days":[8],"from":"08:00","until":"20:00"}]"#,
            r#"[{"days":[257],"from":"08:00","until":"20:00"}]"#,
            r#"[{"from":"08:00","until":"20:00"}]"#,
            r#"[{"days":[1],"until":"20:00"}]"#,
            r#"[{"days":[1],"from":"20:00","until":"08:00"}]"#,
            r#"[{"days":[1],"from":"08:00","until":"08:00"}]"#,
            r#"[{"days":[1],"from":"8:00","until":"20:00"}]"#,
            r#"[{"days":[1],"from":"08:60","until":"20:00"}]"#,
            r#"[{"days":[1],"from":"08:00","until":"24:01"}]"#,
            r#"[{"days":[1],"from":"08:00:00","until":"20:00"}]"#,
            r#"[{"days":[1],"from":"+8:00","until":"20:00"}]"#,
            r#"[{"days":[1],"from":"08:00","until":"20:00","zone":"UTC"}]"#,
        ] {
            assert_eq!(hours_of(unknown), Err(IdentityFault::RightUnknown), "{unknown}");
        }
        for invalid in [
            r#"{"days":[1]}"#,
            "null",
            r#"[{"days":["mo"],"from":"08:00","until":"20:00"}]"#,
            r#"[{"days":1}]"#,
            r#"[{"days":[1],"from":8}]"#,
        ] {
            assert_eq!(hours_of(invalid), Err(IdentityFault::ClaimInvalid), "{invalid}");
        }
        assert_eq!(read("[] []"), Err(IdentityFault::ClaimsMalformed));
        assert_eq!(read("{}"), Err(IdentityFault::ClaimInvalid));
    }
}
