//! Paths and queries through the gateway: each opens the one door that it names, or no door at all.

use crate::harness::Scene;

/// A path or query as it is sent, and the status that it meets.
const TARGETS: &[(&str, u16)] = &[
    // The one door, however it is spelled.
    ("/v1/houses/house-1/doors/door-1/open", 200),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest", 200),
    ("/v1/houses/house-1/doors/door-1/open?reason=access", 200),
    ("/v1/houses/%68ouse-1/doors/door-1/open", 200),
    ("/v1/houses/house%2D1/doors/door%2d1/open", 200),
    ("/v1/houses/house-1/doors/door-1/open?reason=%67uest", 200),
    // Paths that are nobody's.
    ("/", 404),
    ("//", 404),
    ("/v1", 404),
    ("/v1/", 404),
    ("/v1/houses", 404),
    ("/v1/houses/house-1/doors/door-1", 404),
    ("/v1/houses/house-1/doors/door-1/", 404),
    ("/v1/houses/house-1/doors/door-1/open/", 404),
    ("/v1/houses/house-1/doors/door-1/open/x", 404),
    ("/v1/houses/house-1/doors/door-1/open;x=y", 404),
    ("/v1/houses/house-1/doors/door-1/open.json", 404),
    ("/v1/houses/house-1/doors/door-1/Open", 404),
    ("/v1/houses/house-1/doors/door-1/close", 404),
    ("/V1/houses/house-1/doors/door-1/open", 404),
    ("/v2/houses/house-1/doors/door-1/open", 404),
    ("//v1/houses/house-1/doors/door-1/open", 404),
    ("/v1//houses/house-1/doors/door-1/open", 404),
    ("/v1/houses/house-1//doors/door-1/open", 404),
    ("/x/../v1/houses/house-1/doors/door-1/open", 404),
    ("/./v1/houses/house-1/doors/door-1/open", 404),
    ("/v1/./houses/house-1/doors/door-1/open", 404),
    ("/v1/houses/house-1/doors/door-1/./open", 404),
    ("/v1/houses/house-1/doors/door-1/../door-1/open", 404),
    ("/v1/houses/house-1/doors/door-1/open/../open", 404),
    ("/%76%31/houses/house-1/doors/door-1/open", 404),
    ("/v1/%68ouses/house-1/doors/door-1/open", 404),
    ("/v1/houses/house-1/doors/door-1/%6fpen", 404),
    ("/v1%2fhouses/house-1/doors/door-1/open", 404),
    ("/v1/houses%2Fhouse-1/doors/door-1/open", 404),
    ("/v1/houses/house-1%2Fdoors/door-1/open", 404),
    ("/v1/houses/house-1/doors/door-1%2Fopen", 404),
    ("/v1/houses/house-1/doors/door-1/open%00", 404),
    ("/v1/houses/house-1/doors/door-1/open%20", 404),
    ("/v1/houses/house-1/doors/door-1/open%3Freason=guest", 404),
    ("/v1/houses/house-1/doors/door-1/open%23", 404),
    ("/v1/houses/house-1/doors/door-1/open&reason=guest", 404),
    ("/v1/houses/*/doors/*/open", 400),
    ("/v1/houses/{houseId}", 400),
    ("/-/", 404),
    ("/-/revocations", 400),
    ("/-/revocations/", 404),
    ("/-/../v1/houses/house-1/doors/door-1/open", 404),
    ("/-", 404),
    ("/.well-known/openid-configuration", 404),
    ("/healthz", 404),
    ("/metrics", 404),
    // Values that no house and no door has.
    ("/v1/houses//doors/door-1/open", 404),
    ("/v1/houses/./doors/door-1/open", 400),
    ("/v1/houses/../doors/door-1/open", 400),
    ("/v1/houses/%2e/doors/door-1/open", 400),
    ("/v1/houses/%2e%2e/doors/door-1/open", 400),
    ("/v1/houses/%2E%2e/doors/door-1/open", 400),
    ("/v1/houses/..%2fhouse-1/doors/door-1/open", 400),
    ("/v1/houses/house-1%2F..%2Fhouse-2/doors/door-1/open", 400),
    ("/v1/houses/house-1%5C/doors/door-1/open", 400),
    ("/v1/houses/house-1;x=y/doors/door-1/open", 400),
    ("/v1/houses/house-1%3Bx/doors/door-1/open", 400),
    ("/v1/houses/house-1%25/doors/door-1/open", 400),
    ("/v1/houses/%2568ouse-1/doors/door-1/open", 400),
    ("/v1/houses/house-1%252f/doors/door-1/open", 400),
    ("/v1/houses/house-1%00/doors/door-1/open", 400),
    ("/v1/houses/house-1%0a/doors/door-1/open", 400),
    ("/v1/houses/house-1%0d%0a/doors/door-1/open", 400),
    ("/v1/houses/house-1%7f/doors/door-1/open", 400),
    ("/v1/houses/house-1%20/doors/door-1/open", 400),
    ("/v1/houses/%20house-1/doors/door-1/open", 400),
    ("/v1/houses/house+1/doors/door-1/open", 400),
    ("/v1/houses/house-1%/doors/door-1/open", 400),
    ("/v1/houses/house-1%2/doors/door-1/open", 400),
    ("/v1/houses/house-1%zz/doors/door-1/open", 400),
    ("/v1/houses/house-1%u0041/doors/door-1/open", 400),
    ("/v1/houses/house-1%c0%af/doors/door-1/open", 400),
    ("/v1/houses/house-1%ff/doors/door-1/open", 400),
    ("/v1/houses/house-1%ed%a0%80/doors/door-1/open", 400),
    ("/v1/houses/h%c3%b6use/doors/door-1/open", 400),
    ("/v1/houses/hou%e2%80%8bse-1/doors/door-1/open", 400),
    ("/v1/houses/%ef%bd%88ouse-1/doors/door-1/open", 400),
    ("/v1/houses/HOUSE-1/doors/door-1/open", 400),
    ("/v1/houses/-house/doors/door-1/open", 400),
    ("/v1/houses/house_1/doors/door-1/open", 400),
    ("/v1/houses/house-1/doors/%2e%2e/open", 400),
    ("/v1/houses/house-1/doors/door-1%2f../open", 400),
    ("/v1/houses/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/doors/door-1/open", 400),
    // Of the right form, and not hers.
    ("/v1/houses/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/doors/door-1/open", 404),
    ("/v1/houses/house-2/doors/door-1/open", 404),
    ("/v1/houses/house-9/doors/door-1/open", 404),
    ("/v1/houses/house-1/doors/door-2/open", 404),
    // Queries.
    ("/v1/houses/house-1/doors/door-1/open?", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=burglary", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=Guest", 400),
    ("/v1/houses/house-1/doors/door-1/open?Reason=guest", 400),
    ("/v1/houses/house-1/doors/door-1/open?%72eason=guest&reason=guest", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest&reason=guest", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest&reason=access", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest&", 400),
    ("/v1/houses/house-1/doors/door-1/open?&reason=guest", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest&x=y", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest;x=y", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest%26x=y", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest%00", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest%0d%0a", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest%", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=%c0%ae", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest+", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest%20", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason==guest", 400),
    ("/v1/houses/house-1/doors/door-1/open?reason=guest?", 400),
    ("/v1/houses/house-1/doors/door-1/open??reason=guest", 400),
    ("/v1/houses/house-1/doors/door-1/open?houseId=house-2", 400),
    ("/v1/houses/house-1/doors/door-1/open?userId=resident-petrov", 400),
    ("/v1/houses/house-1/doors/door-1/open?access_token=x", 400),
];

#[test]
fn every_path_and_query_of_the_table_meets_its_status_and_no_other_door_moves() {
    let scene = Scene::new();
    let partner = &scene.stage.partner;
    let mut astray = Vec::new();
    for (target, status) in TARGETS {
        let answer = scene.stage.wait(scene.command().to(target).give(&scene.backend)).unwrap();
        if answer.status != *status {
            astray.push(format!("{target}: {} instead of {status}", answer.status));
        }
        if answer.status == 200 {
            scene.notes();
        }
        scene.passes_after(target);
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
    assert_eq!(partner.total_actuations(), partner.actuations("house-1", "door-1"));
    let sent: Vec<u8> = partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
    let sent = String::from_utf8(sent).unwrap();
    let open = "/v1/houses/house-1/doors/door-1/open";
    let spellings = ["", "?reason=guest", "?reason=access"].map(|query| format!("{open}{query} HTTP/1.1"));
    let lines: Vec<_> = sent.split("POST ").skip(1).filter_map(|request| request.lines().next()).collect();
    assert!(lines.len() > TARGETS.len());
    let astray: Vec<_> = lines.iter().filter(|line| !spellings.iter().any(|spelling| spelling == *line)).collect();
    assert!(astray.is_empty(), "rebuilt, in one spelling: {astray:?}");
}
