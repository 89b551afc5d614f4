//! One row for each key that is no limit: another value for it, and what is seen under the first value and under this one.

/// Where to look for the effect.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Look {
    /// Whether the gateway starts.
    Start,
    /// How many threads serve, in a process of its own.
    Workers,
    /// What becomes of a good command: status, reason, the partner's own word.
    Door,
    /// What becomes of a look at a barrier, whose partner's tokens are fetched.
    Barrier,
    /// What the server that gives them was asked for last.
    Asked,
    /// How long a command waits for one.
    Patience,
    /// What becomes of a command to a door with a sign-in token, which is known and yet opens nothing.
    SignIn,
    /// The same with one of an issuer that publishes its keys.
    Published,
    /// The same with one of an issuer whose metadata says where its keys are.
    Discovered,
    /// The same with one of the first of these whose clock is ahead.
    Early,
    /// How long the keys of the first of these count.
    Kept,
    /// What becomes of a command with a token about which its issuer is asked.
    Opaque,
    /// Who asks, whom, and by which key.
    Asking,
    /// How often it is asked about one token that comes twice.
    Questions,
    /// How long a command waits for what is said of its token.
    Answer,
    /// Whether a backend is given a session for its user.
    Session,
    /// At which address a command is served.
    Backend,
    /// Whether an event of the partner's is taken, and what becomes of the first attempt to bring it to the backend.
    Inbound,
    /// What becomes of a client assertion that was made before the gateway has served for two seconds.
    Caller,
    /// Which key verifies the tokens of partners that call.
    Issuer,
    /// At which address the partner may call, and what it is told where nothing is.
    Partners,
    /// At which address metrics are served.
    Ops,
    /// How `portcullis revocations list` ends, and the first words that it says.
    Admin,
    /// The files with this ending in the folder of the state.
    Files(&'static str),
    /// Which of the two partners moves its door.
    Partner,
    /// What becomes of an event, and at which of the two endpoints it comes.
    Event,
    /// A claim of the token that the partner receives.
    Claim(&'static str),
    /// How long that token is valid.
    Lifetime,
    /// Whether the person has the same pseudonym as under the first configuration.
    Pseudonym,
    /// What becomes of an update of the directory that is signed by the backend's key.
    Update,
    /// In which folder the command is on record.
    Log,
    /// Whose name and key stand in the checkpoint of a log that begins.
    Vouched,
    /// How many records find room in a segment of a MiB and a little where there is no further one.
    Reserve,
    /// How large a segment is made ahead.
    Ahead,
    /// How many segments two records begin that come two minutes apart.
    Age,
    /// Whether a changed bundle comes into force by itself.
    Bundle,
    /// What becomes of the first batch of records at the destinations of syslog, and in which format.
    Siem,
    /// What becomes of it at that of OTLP, at which path, and by which token.
    Otel,
    /// In which file of the state records are, and in which format.
    Archive,
    /// Under which names the places of destinations are kept.
    Places,
    /// Whether the trace that the backend names is the one on record.
    Trace,
}

/// A key, another value for it in JSON, where to look, and what is seen there before and after.
pub struct Row {
    pub key: &'static str,
    pub value: &'static str,
    pub look: Look,
    pub was: &'static str,
    pub is: &'static str,
}

const fn row(key: &'static str, value: &'static str, look: Look, was: &'static str, is: &'static str) -> Row {
    Row { key, value, look, was, is }
}

const KNOWN: &str = "403 session-required";
const MALFORMED: &str = "401 token-malformed";
const UNAVAILABLE: &str = "503 issuer-unavailable";

const UNTOLD: &str = "503 introspection-unavailable";
const ASKING: &str = "portcullis to https://opaque.prop.example by the first key";

const OTHER_NAME: &str = r#""other.example""#;
const OTHER_CA: &str = r#""pki/other-authority.pem""#;
const PARTNERS: &str = r#""pki/partner.pem""#;
const PARTNERS_KEY: &str = r#""pki/partner.key""#;

const DONE: &str = "200 done";
const NONE: &str = "503 partner-token-unavailable";
const ASKED: &str = r#"prop barrier_access.see https://api.parkline.example [{"type":"barrier_access","actions":["see"],"house":"house-1","barrier":"gate-1"}]"#;
const OTHER_SCOPE: &str = r#"doors https://api.parkline.example [{"type":"barrier_access","actions":["see"],"house":"house-1","barrier":"gate-1"}]"#;
const OTHER_RESOURCE: &str = r#"prop barrier_access.see urn:other [{"type":"barrier_access","actions":["see"],"house":"house-1","barrier":"gate-1"}]"#;
const NO_DETAILS: &str = "prop barrier_access.see https://api.parkline.example";

const FIRST_LOG: &str = "gateway.prop.example/audit by the first key";
const OTHER_KEY: &str = "gateway.prop.example/audit by another key";

pub const ROWS: &[Row] = &[
    row("version", "2", Look::Start, "starts", "refused out-of-bounds"),
    row("environment", r#""production""#, Look::Start, "starts", "refused missing-key"),
    row(
        "public_url",
        r#""https://other.prop.example""#,
        Look::Start,
        "starts",
        "refused certificate-names issuer-elsewhere",
    ),
    row("workers", "3", Look::Workers, "2 workers", "3 workers"),
    row("listeners.backend.address", r#""127.0.0.2:0""#, Look::Backend, "127.0.0.1 200 done", "127.0.0.2 200 done"),
    row(
        "listeners.backend.tls.certificate",
        r#""pki/partner.pem""#,
        Look::Start,
        "starts",
        "refused malformed-certificate",
    ),
    row("listeners.backend.tls.key", r#""pki/partner.key""#, Look::Start, "starts", "refused malformed-certificate"),
    row("listeners.backend.tls.client_ca", r#""pki/other-authority.pem""#, Look::Door, "200 done", "no answer"),
    row("listeners.backend.tls.crl", r#""pki/backend-revoked.crl""#, Look::Door, "200 done", "no answer"),
    row("listeners.backend.trace_from", r#"["spiffe://prop.example/backend"]"#, Look::Trace, "begun anew", "taken"),
    row(
        "listeners.partner.address",
        r#""127.0.0.2:0""#,
        Look::Partners,
        "127.0.0.1 404 unknown-operation",
        "127.0.0.2 404 unknown-operation",
    ),
    row(
        "listeners.partner.tls.certificate",
        r#""pki/partner.pem""#,
        Look::Start,
        "starts",
        "refused malformed-certificate",
    ),
    row("listeners.partner.tls.key", r#""pki/partner.key""#, Look::Start, "starts", "refused malformed-certificate"),
    row(
        "listeners.partner.tls.client_ca",
        r#""pki/other-authority.pem""#,
        Look::Partners,
        "127.0.0.1 404 unknown-operation",
        "127.0.0.1 no answer",
    ),
    row(
        "listeners.partner.tls.crl",
        r#""pki/callers-revoked.crl""#,
        Look::Partners,
        "127.0.0.1 404 unknown-operation",
        "127.0.0.1 no answer",
    ),
    row("listeners.ops.address", r#""127.0.0.2:0""#, Look::Ops, "127.0.0.1 200", "127.0.0.2 200"),
    row("listeners.admin.socket", r#""state/other.sock""#, Look::Files("sock"), "admin.sock", "other.sock"),
    row(
        "listeners.admin.roles",
        r#"[{"uid": 4294967294, "person": "nobody", "roles": ["operator"]}]"#,
        Look::Admin,
        "0 nothing",
        "2 unanswered",
    ),
    row("issuers[].issuer", r#""https://other.prop.example""#, Look::SignIn, KNOWN, "401 token-untrusted"),
    row("issuers[].jwks.file", r#""pki/other.jwks""#, Look::SignIn, KNOWN, "401 token-untrusted"),
    row("issuers[].jwks.url", r#""https://{publisher}/other""#, Look::Published, KNOWN, "401 token-untrusted"),
    row(
        "issuers[].jwks.discovery",
        r#""https://{publisher}/other-metadata""#,
        Look::Discovered,
        KNOWN,
        "401 token-untrusted",
    ),
    row("issuers[].jwks.server_name", OTHER_NAME, Look::Published, KNOWN, UNAVAILABLE),
    row("issuers[].jwks.keep", r#""5m""#, Look::Kept, "3600 s", "300 s"),
    row("issuers[].jwks.tls.ca", OTHER_CA, Look::Published, KNOWN, UNAVAILABLE),
    row("issuers[].jwks.tls.certificate", PARTNERS, Look::Start, "starts", "refused malformed-certificate"),
    row("issuers[].jwks.tls.key", PARTNERS_KEY, Look::Start, "starts", "refused malformed-certificate"),
    row(
        "issuers[].introspection.url",
        r#""https://{publisher}/other-introspect""#,
        Look::Opaque,
        KNOWN,
        "401 token-inactive",
    ),
    row(
        "issuers[].introspection.client_id",
        r#""another""#,
        Look::Asking,
        ASKING,
        "another to https://opaque.prop.example by the first key",
    ),
    row(
        "issuers[].introspection.audience",
        r#""https://other.example""#,
        Look::Asking,
        ASKING,
        "portcullis to https://other.example by the first key",
    ),
    row(
        "issuers[].introspection.key",
        r#""pki/other-introspection.key""#,
        Look::Asking,
        ASKING,
        "portcullis to https://opaque.prop.example by another key",
    ),
    row("issuers[].introspection.server_name", OTHER_NAME, Look::Opaque, KNOWN, UNTOLD),
    row("issuers[].introspection.keep", r#""0s""#, Look::Questions, "1 question", "2 questions"),
    row("issuers[].introspection.timeout", r#""10s""#, Look::Answer, "503 within 4 s", "waits for longer than 4 s"),
    row("issuers[].introspection.tls.ca", OTHER_CA, Look::Opaque, KNOWN, UNTOLD),
    row("issuers[].introspection.tls.certificate", PARTNERS, Look::Start, "starts", "refused malformed-certificate"),
    row("issuers[].introspection.tls.key", PARTNERS_KEY, Look::Start, "starts", "refused malformed-certificate"),
    row("issuers[].token_types", r#"["JWT"]"#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].clock_skew", r#""1s""#, Look::Early, KNOWN, "401 token-expired"),
    row("issuers[].required_claims", r#"["auth_time"]"#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].claims.tenant", r#""org.tenant""#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].claims.roles", r#""realm_access.roles""#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].claims.device_id", r#""org.device""#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].claims.car_id", r#""org.car""#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].claims.sid", r#"["https://prop.example/sid"]"#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].claims.client_id", r#""azp""#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].claims.houses", r#""realm.homes""#, Look::Published, KNOWN, MALFORMED),
    row("issuers[].audience", r#""https://other.prop.example""#, Look::SignIn, KNOWN, "401 token-audience"),
    row("issuers[].algorithms", r#"["EdDSA"]"#, Look::SignIn, KNOWN, "401 token-untrusted"),
    row("issuers[].max_lifetime", r#""1m""#, Look::SignIn, KNOWN, "401 token-expired"),
    row("issuers[].bind", r#"["dpop"]"#, Look::SignIn, KNOWN, "401 token-binding"),
    row(
        "sessions.issuer",
        r#""https://gateway.prop.example/other""#,
        Look::Door,
        "200 done",
        "refused requirement-undercut",
    ),
    row("sessions.keys", r#"["pki/other-session.key"]"#, Look::Door, "200 done", "401 token-untrusted"),
    row("sessions.audience", r#""https://other.prop.example""#, Look::Door, "200 done", "401 token-audience"),
    row("sessions.max_lifetime", r#""1m""#, Look::Door, "200 done", "401 token-expired"),
    row(
        "sessions.actors[].peer",
        r#""spiffe://prop.example/other""#,
        Look::Session,
        "200 done",
        "400 exchange-refused",
    ),
    row(
        "sessions.actors[].audiences",
        r#"["https://other.prop.example"]"#,
        Look::Session,
        "200 done",
        "400 exchange-refused",
    ),
    row("sessions.actors[].clients", r#"["another-app"]"#, Look::Session, "200 done", "400 exchange-refused"),
    row("sessions.subjects", r#""one-issuer""#, Look::Start, "starts", "refused subjects-not-apart"),
    row("partners.<name>.authority", r#""localhost""#, Look::Door, "200 done", "421 unknown-authority"),
    row(
        "partners.<name>.upstream",
        r#""https://{second}""#,
        Look::Partner,
        "200 done, moved 1 and 0",
        "200 done, moved 0 and 1",
    ),
    row("partners.<name>.server_name", r#""other.example""#, Look::Door, "200 done", "502 partner-unreachable"),
    row("partners.<name>.tls.ca", r#""pki/other-authority.pem""#, Look::Door, "200 done", "502 partner-unreachable"),
    row(
        "partners.<name>.tls.certificate",
        r#""pki/partner.pem""#,
        Look::Start,
        "starts",
        "refused malformed-certificate",
    ),
    row("partners.<name>.tls.crl", r#""pki/partner-revoked.crl""#, Look::Door, "200 done", "502 partner-unreachable"),
    row("partners.<name>.tls.key", r#""pki/partner.key""#, Look::Start, "starts", "refused malformed-certificate"),
    row(
        "partners.<name>.token.issuer",
        r#""https://other.prop.example""#,
        Look::Claim("iss"),
        "https://gateway.prop.example",
        "https://other.prop.example",
    ),
    row(
        "partners.<name>.token.audience",
        r#""https://other.prop.example""#,
        Look::Claim("aud"),
        "https://api.smarthome.example",
        "https://other.prop.example",
    ),
    row("partners.<name>.token.client_id", r#""other""#, Look::Claim("client_id"), "prop-development", "other"),
    row(
        "partners.<name>.token.key",
        r#""pki/other-token.key""#,
        Look::Door,
        "200 done",
        "502 answer-undeclared token-key",
    ),
    row(
        "partners.<name>.signing.key",
        r#""pki/other-token.key""#,
        Look::Door,
        "200 done",
        "502 answer-undeclared signature-key",
    ),
    row("partners.<name>.token.lifetime", r#""3s""#, Look::Lifetime, "beyond 3 s", "within 3 s"),
    row("partners.<name>.token.fetch.url", r#""https://{server}/elsewhere""#, Look::Barrier, DONE, NONE),
    row("partners.<name>.token.fetch.server_name", r#""other.example""#, Look::Barrier, DONE, NONE),
    row("partners.<name>.token.fetch.tls.ca", r#""pki/other-authority.pem""#, Look::Barrier, DONE, NONE),
    row(
        "partners.<name>.token.fetch.tls.certificate",
        r#""pki/partner.pem""#,
        Look::Start,
        "starts",
        "refused malformed-certificate",
    ),
    row(
        "partners.<name>.token.fetch.tls.key",
        r#""pki/partner.key""#,
        Look::Start,
        "starts",
        "refused malformed-certificate",
    ),
    row("partners.<name>.token.fetch.client_id", r#""other""#, Look::Barrier, DONE, NONE),
    row("partners.<name>.token.fetch.key", r#""pki/other-token.key""#, Look::Barrier, DONE, NONE),
    row("partners.<name>.token.fetch.audience", r#""https://other.example""#, Look::Barrier, DONE, NONE),
    row("partners.<name>.token.fetch.scope", r#""doors""#, Look::Asked, ASKED, OTHER_SCOPE),
    row("partners.<name>.token.fetch.authorization_details", r#"false"#, Look::Asked, ASKED, NO_DETAILS),
    row("partners.<name>.token.fetch.resource", r#""urn:other""#, Look::Asked, ASKED, OTHER_RESOURCE),
    row("partners.<name>.token.fetch.max_lifetime", r#""30s""#, Look::Barrier, DONE, NONE),
    row(
        "partners.<name>.token.fetch.timeout",
        r#""1s""#,
        Look::Patience,
        "waits for longer than 3 s",
        "503 within 3 s",
    ),
    row("partners.<name>.pseudonym_key", r#""pki/other-secret.key""#, Look::Pseudonym, "the same", "another"),
    row(
        "partners.<name>.webhooks.endpoint",
        r#""{elsewhere}""#,
        Look::Event,
        "202 delivered first",
        "202 delivered second",
    ),
    row(
        "partners.<name>.webhooks.server_name",
        r#""other.example""#,
        Look::Event,
        "202 delivered first",
        "202 failed handshake",
    ),
    row(
        "partners.<name>.webhooks.sign",
        r#""pki/other-webhook.key""#,
        Look::Event,
        "202 delivered first",
        "202 failed status first",
    ),
    row(
        "partners.<name>.peer",
        r#""spiffe://other.example/events""#,
        Look::Partners,
        "127.0.0.1 404 unknown-operation",
        "127.0.0.1 403 peer-refused",
    ),
    row(
        "partners.<name>.webhooks.verify",
        r#""pki/other-webhook.key""#,
        Look::Inbound,
        "204 delivered",
        "403 event-signature",
    ),
    row(
        "partners.<name>.client.client_id",
        r#""another-client""#,
        Look::Caller,
        "taken for this client's, but for its age",
        "401 client-refused",
    ),
    row(
        "partners.<name>.client.jwks.file",
        r#""pki/other.jwks""#,
        Look::Caller,
        "taken for this client's, but for its age",
        "401 token-untrusted",
    ),
    row("clients.keys", r#""pki/other-token.key""#, Look::Issuer, "the first key", "another key"),
    row("clients.max_lifetime", r#""301s""#, Look::Start, "starts", "refused out-of-bounds"),
    row("backend.upstream", r#""https://{second}""#, Look::Inbound, "204 delivered", "204 failed handshake"),
    row("backend.server_name", r#""other.example""#, Look::Inbound, "204 delivered", "204 failed handshake"),
    row("backend.tls.certificate", r#""pki/partner.pem""#, Look::Start, "starts", "refused malformed-certificate"),
    row("backend.tls.key", r#""pki/partner.key""#, Look::Start, "starts", "refused malformed-certificate"),
    row("backend.tls.ca", r#""pki/other-authority.pem""#, Look::Inbound, "204 delivered", "204 failed handshake"),
    row(
        "backend.tls.crl",
        r#""pki/backend-server-revoked.crl""#,
        Look::Inbound,
        "204 delivered",
        "204 failed certificate-revoked",
    ),
    row("backend.events.path", r#""/elsewhere""#, Look::Inbound, "204 delivered", "204 failed status"),
    row("backend.events.sign", r#""pki/other-webhook.key""#, Look::Inbound, "204 delivered", "204 failed status"),
    row("policies.directory", r#""other-policies""#, Look::Door, "200 done", "404 policy-denied"),
    row("policies.signers", r#""signers.yaml""#, Look::Start, "starts", "refused approval-missing"),
    row("policies.reload", r#""watch""#, Look::Bundle, "waits", "taken up"),
    row("directory.file", r#""other-directory.yaml""#, Look::Door, "200 done", "404 resource-unknown"),
    row("directory.jwks.file", r#""pki/other.jwks""#, Look::Update, "200", "403 directory-unsigned"),
    row("directory.max_age", r#""5m""#, Look::Door, "200 done", "503 directory-too-old"),
    row("audit.directory", r#""state/other-audit""#, Look::Log, "state/audit", "state/other-audit"),
    row("audit.origin", r#""other.example/audit""#, Look::Vouched, FIRST_LOG, "other.example/audit by the first key"),
    row("audit.checkpoint_key", r#""pki/other-checkpoint.key""#, Look::Vouched, FIRST_LOG, OTHER_KEY),
    row("audit.reserve", r#""64KiB""#, Look::Reserve, "a few find room", "20 find room"),
    row("audit.segments.max_bytes", r#""32MiB""#, Look::Ahead, "67108864 bytes ahead", "33554432 bytes ahead"),
    row("audit.segments.max_age", r#""60s""#, Look::Age, "1 segment in two minutes", "2 segments in two minutes"),
    row("audit.retention.age", r#""24h""#, Look::Start, "starts", "refused out-of-bounds"),
    row("audit.retention.archive.directory", r#""state/audit""#, Look::Start, "starts", "refused archive-in-log"),
    row("audit.exports[].name", r#""other""#, Look::Places, "archive otel siem", "archive otel other"),
    row("audit.exports[].syslog.address", r#""{siem}""#, Look::Siem, "first takes rfc5424", "second takes rfc5424"),
    row("audit.exports[].syslog.server_name", OTHER_NAME, Look::Siem, "first takes rfc5424", "handshake"),
    row("audit.exports[].syslog.tls.ca", OTHER_CA, Look::Siem, "first takes rfc5424", "handshake"),
    row("audit.exports[].syslog.tls.certificate", PARTNERS, Look::Start, "starts", "refused malformed-certificate"),
    row("audit.exports[].syslog.tls.key", PARTNERS_KEY, Look::Start, "starts", "refused malformed-certificate"),
    row("audit.exports[].syslog.format", r#""cef""#, Look::Siem, "first takes rfc5424", "first takes cef"),
    row("audit.exports[].otlp.url", r#""https://{otel}/other""#, Look::Otel, "/v1/logs one", "/other one"),
    row("audit.exports[].otlp.server_name", OTHER_NAME, Look::Otel, "/v1/logs one", "handshake"),
    row("audit.exports[].otlp.headers_file", r#""pki/other.headers""#, Look::Otel, "/v1/logs one", "/v1/logs other"),
    row("audit.exports[].otlp.tls.ca", OTHER_CA, Look::Otel, "/v1/logs one", "handshake"),
    row("audit.exports[].otlp.tls.certificate", PARTNERS, Look::Start, "starts", "refused malformed-certificate"),
    row("audit.exports[].otlp.tls.key", PARTNERS_KEY, Look::Start, "starts", "refused malformed-certificate"),
    row(
        "audit.exports[].file.path",
        r#""state/other.jsonl""#,
        Look::Archive,
        "archive.jsonl jsonl",
        "other.jsonl jsonl",
    ),
    row("audit.exports[].file.format", r#""cef""#, Look::Archive, "archive.jsonl jsonl", "archive.jsonl cef"),
    row("store.key", r#""pki/other-secret.key""#, Look::Start, "starts", "refused unusable"),
    // Begun anew beside a log that knows more.
    row("store.sqlite.path", r#""state/other.sqlite""#, Look::Start, "starts", "refused store-older-than-log"),
];
