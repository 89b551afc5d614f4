//! Every operation of the sample's contracts, for a household of each tenant, at the partner whose operation it is.

use crate::cli::demo::scene::Scene;
use crate::cli::demo::story::Shown;
use crate::cli::demo::story::Story;
use crate::devkit::AUTHORITY;
use crate::devkit::BackendAnswer;
use crate::devkit::Errand;
use crate::devkit::Household;
use crate::devkit::NORTH;
use crate::devkit::SOUTH;
use crate::json::Value;

/// Plays all of it.
pub(super) fn play(scene: &Scene, story: &mut Story) {
    story.chapter("Everything that the two contracts declare, for both tenants");
    for household in [NORTH, SOUTH] {
        let claims = scene.folder.member_of(&household, &scene.folder.login, scene.now());
        let session = scene.session(&claims).map_err(|fault| fault.to_string());
        for errand in household.errands("") {
            let shown = session.as_ref().map_err(Clone::clone);
            let shown = shown.and_then(|session| played(scene, &household, &errand, &session.token));
            story.tell(&format!("{}: {}", household.tenant, errand.operation), shown);
        }
    }
    story.tell("what the partners have learnt", learnt(scene));
}

fn played(scene: &Scene, household: &Household, errand: &Errand, session: &str) -> Shown {
    let given = scene.errand_with(household, errand.operation, session.to_owned());
    let answer = given.and_then(|command| scene.give(&command)).map_err(|fault| fault.to_string())?;
    let receipt = answer.header("receipt-id").ok_or("the answer has no receipt")?;
    let records = scene.records(receipt).map_err(|error| error.to_string())?;
    let done = records.last().is_some_and(|record| record.text("state") == Some("done"));
    if !matches!(answer.status, 200 | 204) || !done {
        return Err(format!("{}: {}; receipt {receipt}", answer.status, answer.text()));
    }
    let partner = if errand.authority == AUTHORITY { "smarthome" } else { "parkline" };
    Ok(format!("{} from {partner}, {}; receipt {receipt}", answer.status, told(household, errand, &answer)?))
}

/// What an answer says, in short.
fn told(household: &Household, errand: &Errand, answer: &BackendAnswer) -> Shown {
    match errand.operation {
        "readEvents" => {
            let events = answer.json();
            let events = events.as_ref().and_then(Value::as_array).ok_or("the answer is no list")?;
            let of_house = |event: &&Value| event.get("houseId").and_then(Value::as_str) == Some(household.house);
            match events.iter().filter(of_house).count() {
                count if count == events.len() && count > 0 => {
                    Ok(format!("records: {count}, all of {}", household.house))
                }
                count => Err(format!("{count} of {} records are of {}", events.len(), household.house)),
            }
        }
        "syncFace" => Ok(format!("a face sealed for the doors: {}", answer.text())),
        "syncPlate" => Ok("a plate sealed for the cameras".to_owned()),
        _ => Ok(answer.text()),
    }
}

/// That neither partner has seen a name, a phone, a car or a plate.
fn learnt(scene: &Scene) -> Shown {
    let partners = [&scene.partner, &scene.parkline];
    let seen: Vec<u8> =
        partners.iter().flat_map(|partner| partner.raw()).flat_map(|connection| connection.bytes).collect();
    let seen = String::from_utf8_lossy(&seen);
    let known = [NORTH, SOUTH].into_iter().flat_map(|household| [household.person, household.phone, household.car]);
    match known.chain(["A001AA77"]).find(|known| seen.contains(known)) {
        Some(known) => Err(format!("`{known}`")),
        None => Ok(format!("no name, phone, car or plate in {} bytes", seen.len())),
    }
}
