//! What somebody should look at in bundles that compile; each differs from the sample in one thing.

use crate::golden::Case;
use crate::golden::Scene;

const PARKLINE: &str = "policies/contracts/parkline.openapi.yaml";
const BARRIERS: &str = "policies/cedar/barriers.cedar";
const SCHEMA: &str = "policies/cedar/schema.cedarschema";
const CASES: &str = "policies/tests/persons.yaml";
const ACTION: &str = "action == PropDevelopment::Action::\"openBarrier\"";
const ROLE: &str = "principal is PropDevelopment::User in PropDevelopment::Role::\"resident\"";

/// A policy of one's own below the others; `above` stands before it.
fn with_policy(s: &mut Scene, above: &str, policy: &str) {
    s.append(BARRIERS, &format!("\n{above}@id(\"mine\")\n@reason(\"Because.\")\n{policy}\n"));
}

/// An action that nobody asks, declared like `openBarrier`.
fn with_action(s: &mut Scene, name: &str) {
    let declared = format!(
        "  action {name} appliesTo {{ principal: [User], resource: [Barrier], context: {{}} }};\n\n  action revoke"
    );
    s.edit(SCHEMA, "  action revoke", &declared);
}

pub(super) const LINTS: &[Case] = &[
    ("an action without a policy", |s| s.edit(SCHEMA, "allow(action-without-policy): no policy", "no policy")),
    ("an action that nobody asks", |s| with_action(s, "liftBarrier")),
    ("a permit that nothing can trigger", |s| {
        with_action(s, "liftBarrier");
        with_policy(s, "", &format!("permit ({ROLE}, action == PropDevelopment::Action::\"liftBarrier\", resource);"));
    }),
    ("a forbid that can never match", |s| {
        with_action(s, "liftBarrier");
        with_policy(s, "", "forbid (principal, action == PropDevelopment::Action::\"liftBarrier\", resource);");
    }),
    ("a permit for everyone", |s| {
        with_policy(
            s,
            "",
            &format!("permit (principal, {ACTION}, resource) when {{ context.tokenKind == \"session\" }};"),
        )
    }),
    ("two policies that say the same", |s| {
        with_policy(
            s,
            "",
            &format!("forbid (principal, {ACTION}, resource)\nwhen {{ // late\n  context.ageSeconds > 15 }};"),
        );
    }),
    ("a policy that names a partner without a contract", |s| {
        s.edit(BARRIERS, "PropDevelopment::Partner::\"parkline\"", "PropDevelopment::Partner::\"parklien\"");
    }),
    ("a policy that names a barrier by its short name", |s| {
        with_policy(s, "", &format!("forbid (principal, {ACTION}, resource == PropDevelopment::Barrier::\"gate-1\");"));
    }),
    ("a word that an attribute never is", |s| {
        s.edit(BARRIERS, "context.tokenKind == \"session\"", "context.tokenKind == \"sesion\"")
    }),
    ("a purpose that no contract states", |s| {
        s.edit(BARRIERS, "context.purpose == \"operation\"", "context.purpose == \"fun\"")
    }),
    ("an `unless` about what may be absent", |s| {
        with_policy(
            s,
            "",
            &format!(
                "permit ({ROLE}, {ACTION}, resource)\nunless {{ context has tenant && context.tenant == context.resourceTenant }};"
            ),
        );
    }),
    ("a misspelt attribute that is asked for", |s| s.edit(BARRIERS, "context has tenant &&", "context has tennant &&")),
    ("a permit that ends soon", |s| {
        s.edit(BARRIERS, "@id(\"see-granted-barrier\")", "@id(\"see-granted-barrier\")\n@until(\"2027-01-31\")")
    }),
    ("a permit that has ended", |s| {
        s.edit(BARRIERS, "@id(\"see-granted-barrier\")", "@id(\"see-granted-barrier\")\n@until(\"2027-01-19\")")
    }),
    ("a plate that is nobody's", |s| {
        s.edit(PARKLINE, "{class: personal, protect: require-encrypted}", "{class: public}")
    }),
    ("a name in Latin letters that is nobody's", |s| {
        s.edit(PARKLINE, "                  raisedAt:", "                  familiya: {type: string, maxLength: 64, x-portcullis: {class: public}}\n                  raisedAt:");
    }),
    ("a Russian name that is nobody's", |s| {
        s.edit(PARKLINE, "                  raisedAt:", "                  телефон: {type: string, maxLength: 64, x-portcullis: {class: public}}\n                  raisedAt:");
    }),
    ("a pattern without an end", |s| {
        s.edit(PARKLINE, "pattern: \"^[A-Za-z0-9_-]{8,64}$\"", "pattern: \"^[A-Za-z0-9_-]+$\"")
    }),
    ("operations that no case asks for", |s| {
        for name in ["barriers", "bases", "doors", "edges", "events", "houses", "own", "partners", "sessions", "walls"]
        {
            s.remove(&format!("policies/tests/{name}.yaml"));
        }
    }),
    ("a test that speaks of a real person", |s| {
        s.write(CASES, "version: 1\n# +7 916 123-45-68, ivan.petrov@mail.ru\ncases: []\n")
    }),
    ("what is allowed and is not there", |s| {
        with_policy(
            s,
            "// allow(grants-everyone): anybody may do it\n",
            &format!("permit ({ROLE}, {ACTION}, resource);"),
        );
    }),
    ("what is allowed without a reason", |s| {
        with_policy(s, "// allow(grants-everyone)\n", &format!("permit (principal, {ACTION}, resource);"));
    }),
    ("what is allowed by a misspelt code", |s| {
        with_policy(
            s,
            "// allow(grants-everybody): anybody may do it\n",
            &format!("permit (principal, {ACTION}, resource);"),
        );
    }),
];

/// The same, and each is said to be meant.
pub(super) const ALLOWED: &[Case] = &[
    ("a permit for everyone", |s| {
        with_policy(
            s,
            "// allow(grants-everyone): anybody may do it\n",
            &format!("permit (principal, {ACTION}, resource);"),
        );
    }),
    ("a plate that is nobody's", |s| {
        s.edit(PARKLINE, "{class: personal, protect: require-encrypted}", "{class: public}");
        s.edit(
            PARKLINE,
            "                plate:\n",
            "                # allow(soft-class): a plate that is painted on a model\n                plate:\n",
        );
    }),
    ("a test that speaks of a real person", |s| {
        s.write(CASES, "version: 1\nnotes: \"+7 916 123-45-68\"  # allow(real-data): our own switchboard\n");
    }),
];
