//! Errands: one good request for each operation of the sample's contracts, as the backend of a household's resident sends
//! it. The demo plays them, prints them as commands to paste, and the tests try each where it must not pass.

use crate::devkit::folder::AUTHORITY;
use crate::devkit::folder::PARKLINE_AUTHORITY;

/// A face template and a plate, sealed once; `sealed/README.md` says how.
const FACE: &str = include_str!("sealed/face.jwe");
const PLATE: &str = include_str!("sealed/plate.jwe");

/// A resident in the sample's directory, and what is theirs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Household {
    /// The management company.
    pub tenant: &'static str,
    /// The house, which has a `door-1` and a `gate-1`.
    pub house: &'static str,
    /// The resident.
    pub person: &'static str,
    /// Their app instance.
    pub phone: &'static str,
    /// Their car.
    pub car: &'static str,
}

/// A household of the tenant north.
pub const NORTH: Household = Household {
    tenant: "north",
    house: "house-1",
    person: "resident-ivanov",
    phone: "phone-of-ivanov",
    car: "car-of-ivanov",
};

/// A household of the tenant south.
pub const SOUTH: Household = Household {
    tenant: "south",
    house: "house-2",
    person: "resident-petrova",
    phone: "phone-of-petrova",
    car: "car-of-petrova",
};

/// One good request.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The operation's id in its contract.
    pub operation: &'static str,
    /// By which name the gateway is called: whose operation it is.
    pub authority: &'static str,
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The body, where it has one.
    pub body: Option<String>,
    /// Whether it moves something, so that it needs a session, a time and a key.
    pub moves: bool,
}

impl Household {
    /// One errand for each operation, in the order of the contracts. `key` is new for each time that they are sent: it is
    /// the key of what moves something, and names the guest's grant that is taken back.
    #[must_use]
    pub fn errands(&self, key: &str) -> Vec<Errand> {
        let Self { house, person, phone, car, .. } = *self;
        let smarthome = |operation, method, path: String, body| Errand {
            operation,
            authority: AUTHORITY,
            method,
            target: format!("/v1/houses/{house}/{path}"),
            body,
            moves: operation == "openDoor",
        };
        let parkline = |operation, method, path: String, body| Errand {
            operation,
            authority: PARKLINE_AUTHORITY,
            method,
            target: format!("/sites/{house}/{path}"),
            body,
            moves: operation == "openBarrier",
        };
        vec![
            smarthome(
                "openDoor",
                "POST",
                "doors/door-1/open".into(),
                Some(format!(r#"{{"userId":"{person}","deviceId":"{phone}"}}"#)),
            ),
            smarthome("readDoor", "GET", "doors/door-1/status".into(), None),
            smarthome("readEvents", "GET", "events?limit=100".into(), None),
            smarthome(
                "syncFace",
                "PUT",
                format!("faces/{person}"),
                Some(format!(r#"{{"template":"{FACE}","consentId":"consent-1"}}"#)),
            ),
            smarthome("revokeGrant", "DELETE", format!("grants/{key}"), None),
            parkline("readBarrier", "GET", "barriers/gate-1".into(), None),
            parkline(
                "openBarrier",
                "POST",
                "barriers/gate-1/commands".into(),
                Some(format!(r#"{{"commandId":"{key}","carId":"{car}","driverId":"{person}"}}"#)),
            ),
            parkline(
                "syncPlate",
                "PUT",
                format!("cars/{car}/plate"),
                Some(format!(r#"{{"plate":"{PLATE}","validUntil":"2030-12-31"}}"#)),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Contract;
    use crate::diagnostic::Source;
    use crate::model::Direction;

    #[test]
    fn there_is_one_errand_for_each_operation_that_the_backend_asks_for_in_the_sample() {
        let contracts = [
            include_str!("../../policies/contracts/smarthome.openapi.yaml"),
            include_str!("../../policies/contracts/parkline.openapi.yaml"),
        ];
        let contracts = contracts.map(|text| Contract::compile(&Source::new("sample.openapi.yaml", text)).unwrap());
        let declared = contracts.iter().flat_map(|contract| {
            let authority = format!("{}.gateway.prop.example", contract.partner());
            let asked = contract.operations().iter().filter(|operation| operation.direction == Direction::Outbound);
            asked.map(move |operation| {
                let path = operation.path.split(['{', '}']).next().unwrap_or_default().to_owned();
                (
                    operation.id.to_string(),
                    authority.clone(),
                    operation.method.to_string(),
                    path,
                    operation.actuates.is_some(),
                )
            })
        });
        let mut declared: Vec<_> = declared.collect();
        let mut errands: Vec<_> = NORTH
            .errands("key-00000001")
            .into_iter()
            .map(|errand| {
                let path = declared.iter().find(|known| *known.0 == *errand.operation).unwrap().3.clone();
                assert!(errand.target.starts_with(&path), "{errand:?}");
                (errand.operation.to_owned(), errand.authority.to_owned(), errand.method.to_owned(), path, errand.moves)
            })
            .collect();
        declared.sort();
        errands.sort();
        assert_eq!(errands, declared);
    }
}
