//! What single steps of the way cost, without sockets and disks: `cargo bench --profile dist --bench components`.
//!
//! One command goes the way once, through the same doors as in the gateway, and each step is measured on what the step
//! before it left. Goals (`docs/performance.md`): a body of 1.5 KiB declared, rebuilt and rendered in 30 µs; a decision in
//! 10 µs, whether ten policies stand beside it or a thousand; the worst body of 64 KiB that a contract at the bound of its cost
//! takes (`docs/contract.md`), at most ten times as long as an ordinary one: `… --bench components -- worst`.
//!
//! What the audit log costs needs a disk, and is measured otherwise: `audit_log.rs`.

mod audit_log;

#[path = "components/possession.rs"]
mod possession;

use criterion::BatchSize;
use criterion::Criterion;
use portcullis::clock::UnixMillis;
use portcullis::clock::UnixSeconds;
use portcullis::contract;
use portcullis::contract::Contract;
use portcullis::contract::Rebuilt;
use portcullis::crypto;
use portcullis::crypto::Algorithm;
use portcullis::crypto::ClientTrust;
use portcullis::crypto::KeySet;
use portcullis::crypto::MessageSignature;
use portcullis::crypto::SecretKey;
use portcullis::crypto::SignatureTerms;
use portcullis::crypto::SignedParts;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::SivKey;
use portcullis::crypto::Standing;
use portcullis::crypto::content_digest;
use portcullis::devkit::Authority;
use portcullis::devkit::Leaf;
use portcullis::devkit::TokenIssuer;
use portcullis::devkit::Validity;
use portcullis::diagnostic::Source;
use portcullis::directory::Directory;
use portcullis::directory::Document;
use portcullis::directory::Signed;
use portcullis::directory::TYPE;
use portcullis::guard::Admitted;
use portcullis::guard::Guard;
use portcullis::identity::Bind;
use portcullis::identity::Caller;
use portcullis::identity::IdentitySettings;
use portcullis::identity::IssuerSettings;
use portcullis::identity::Peer;
use portcullis::identity::TokenDemand;
use portcullis::identity::TokenKind;
use portcullis::identity::TokenRules;
use portcullis::identity::Verifier;
use portcullis::json;
use portcullis::limits::Limits;
use portcullis::model::Head;
use portcullis::model::Located;
use portcullis::model::Name;
use portcullis::model::PublicUrl;
use portcullis::model::ResourceId;
use portcullis::model::Treated;
use portcullis::model::Zone;
use portcullis::policy::Demand;
use portcullis::policy::DemandedBy;
use portcullis::policy::Policies;
use portcullis::protect::Protector;
use portcullis::store::Sqlite;
use std::convert::Infallible;
use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

type Fallible<T> = Result<T, Box<dyn Error>>;
/// The element of this number of a list.
type Element<'a> = &'a dyn Fn(usize) -> String;

const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);
const AUDIENCE: &str = "https://gateway.example";
/// The largest body of an operation.
const BODY_BYTES: usize = 64 * 1024;
/// The most pseudonyms with which the contract below still loads, to the next hundred.
const PSEUDONYMS: usize = 1_800;
/// The same of a set of numbers, to the next thousand.
const SET: usize = 16_000;
const BACKEND: &str = "spiffe://prop.example/backend";
const SCHEMA: &str = include_str!("../policies/cedar/schema.cedarschema");
const DOORS: &str = include_str!("../policies/cedar/doors.cedar");

/// A command, and what the steps before each measured one made of it.
struct Command {
    contract: Arc<Contract>,
    head: Head,
    body: Vec<u8>,
    peer: Peer,
    caller: Caller,
    admitted: Admitted,
    located: Located,
    protector: Protector,
}

fn main() -> Fallible<()> {
    crypto::install_provider()?;
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == "audit-log"
    {
        return audit_log::run(rest);
    }
    let command = Command::new()?;
    let mut criterion = Criterion::default().configure_from_args();
    contract(&mut criterion, &command)?;
    possession::all(&mut criterion, &command.peer)?;
    towards_partner(&mut criterion)?;
    policy(&mut criterion, &command)?;
    worst(&mut criterion)?;
    directory(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn contract(criterion: &mut Criterion, command: &Command) -> Fallible<()> {
    let size = command.body.len();
    render(&command.rebuilt()?)?;
    criterion.bench_function(&format!("contract: declare, rebuild and render {size} bytes"), |bencher| {
        bencher.iter(|| command.rebuilt().and_then(|rebuilt| render(&rebuilt)));
    });
    criterion.bench_function("contract: declare", |bencher| {
        bencher.iter(|| contract::declare(&command.contract, black_box(&command.head)));
    });
    json::parse(&command.body, json::Limits::default())?;
    criterion.bench_function(&format!("json: parse {size} bytes into a tree"), |bencher| {
        bencher.iter(|| json::parse(black_box(&command.body), json::Limits::default()));
    });
    Ok(())
}

/// A hundred thousand doors in five thousand houses: what taking them up costs, and what finding one does.
/// What goes with each request to a partner: the token's signature, and that of the request.
fn towards_partner(criterion: &mut Criterion) -> Fallible<()> {
    let (body, claims) = (body()?, "c".repeat(512));
    for algorithm in SigningAlgorithm::ALL {
        let key = SigningKey::from_pem(&SigningKey::generate_pem(algorithm)?)?;
        let name = algorithm.name();
        criterion.bench_function(&format!("partner: sign a token, {name}"), |bencher| {
            bencher.iter(|| key.sign_jws("partner-token+jwt", black_box(claims.as_bytes())));
        });
        let sign = || -> Fallible<MessageSignature> {
            let digest = content_digest(black_box(body.as_bytes()));
            let mut parts =
                SignedParts::of_request("POST", "api.example", "/v1/houses/house-1/doors/main/open?reason=guest");
            parts.add("content-type", b"application/json")?;
            parts.add("authorization", &[b'a'; 900])?;
            parts.add("receipt-id", b"5dJqkXW0mC3pQm7yO8o2rA")?;
            parts.add("content-digest", digest.as_bytes())?;
            let terms =
                SignatureTerms { created: NOW, expires: NOW.plus(30), nonce: "5dJqkXW0mC3pQm7yO8o2rA", tag: "bench" };
            Ok(parts.sign(&key, &terms)?)
        };
        sign()?;
        criterion.bench_function(&format!("partner: digest and sign a request, {name}"), |bencher| bencher.iter(sign));
    }
    Ok(())
}

fn directory(criterion: &mut Criterion) -> Fallible<()> {
    let house = |number: usize| {
        let doors: Vec<String> = (0..20).map(|door| format!("\"door-{door:02}\"")).collect();
        let head = format!(r#""id":"house-{number:05}","tenant":"north","zone":"Europe/Moscow""#);
        format!(r#"{{{head},"partners":["smarthome","parkline"],"doors":[{}],"barriers":["gate"]}}"#, doors.join(","))
    };
    let houses: Vec<String> = (0..5_000).map(house).collect();
    let head = r#""version":1,"made_at":"2026-11-27T03:00:00Z","#;
    let whole = |revision: u64| {
        let houses = houses.join(",");
        format!(r#"{{{head}"kind":"snapshot","revision":{revision},"tenants":["north"],"houses":[{houses}]}}"#)
    };
    let delta = format!(r#"{{{head}"kind":"delta","base":1,"revision":2,"put":[{}]}}"#, house(7));
    let key = SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::EdDsa)?)?;
    let keys = KeySet::parse(crypto::jwks_json(&[&key]).as_bytes())?;
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{}"}}"#, key.kid(), TYPE);
    let signature = |body: &str| -> Fallible<String> {
        let token = key.sign_jws_with_header(header.as_bytes(), body.as_bytes())?;
        let (protected, rest) = token.split_once('.').ok_or("a token")?;
        Ok(format!("{protected}..{}", rest.split_once('.').ok_or("a token")?.1))
    };
    let latest = UnixMillis::new(u64::MAX);
    let read = |signature: &str, body: &str, base: Option<&Directory>| -> Fallible<Directory> {
        let signed = Signed::verify(&keys, signature, body.as_bytes())?;
        let document = Document::read(&signed).map_err(|place| format!("{place:?}"))?;
        Ok(document.onto(base, latest)?)
    };
    let (before, text) = (resident_bytes()?, whole(1));
    let base = read(&signature(&text)?, &text, None)?;
    say(&format!(
        "directory: {} doors are {} bytes of text; they take {} bytes by our count, and about {} of resident memory\n",
        base.doors(),
        text.len(),
        base.memory_bytes(),
        resident_bytes()?.saturating_sub(before).saturating_sub(text.len() as u64),
    ));
    let (signed_whole, signed_delta) = (signature(&text)?, signature(&delta)?);
    criterion.bench_function("directory: verify and read a snapshot of 100,000 doors", |bencher| {
        bencher.iter_with_large_drop(|| read(&signed_whole, black_box(&text), None));
    });
    criterion.bench_function("directory: verify and read a delta of one house on 100,000 doors", |bencher| {
        bencher.iter_with_large_drop(|| read(&signed_delta, black_box(&delta), Some(&base)));
    });
    criterion.bench_function("directory: write 100,000 doors as they are stored", |bencher| {
        bencher.iter_with_large_drop(|| base.text());
    });
    let door = |house: &str, door: &str| ResourceId { kind: "Door".into(), parts: vec![house.into(), door.into()] };
    for (what, door) in [("is there", door("house-03333", "door-17")), ("is not there", door("house-03333", "door-99"))]
    {
        criterion.bench_function(&format!("directory: find one of 100,000 doors, which {what}"), |bencher| {
            bencher.iter(|| base.locate(black_box(&door)));
        });
    }
    Ok(())
}

/// The memory of this process that is resident, in bytes.
fn resident_bytes() -> Fallible<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

#[expect(clippy::print_stdout, reason = "a figure that is no time stands beside those that criterion prints")]
fn say(text: &str) {
    print!("{text}");
}

fn policy(criterion: &mut Criterion, command: &Command) -> Fallible<()> {
    let rebuilt = command.rebuilt()?;
    let now = UnixMillis::new(NOW.get() * 1000);
    for others in [5, 995] {
        let policies = policies(others)?;
        let decide = || policies.decide(&command.admitted, &command.caller, &rebuilt, &command.located, now);
        let permit = decide()?;
        let name = format!("policy: decide among {} policies, context and entities included", others + 5);
        criterion.bench_function(&name, |bencher| bencher.iter(decide));
        if others > 5 {
            continue;
        }
        let _protected = command.protector.protect(&permit, &command.caller, &rebuilt)?;
        criterion.bench_function("protect: every field, two pseudonyms, digest", |bencher| {
            let protect = |rebuilt: Rebuilt| command.protector.protect(&permit, &command.caller, &rebuilt);
            bencher.iter_batched(|| command.rebuilt(), |rebuilt| rebuilt.map(protect), BatchSize::SmallInput);
        });
    }
    Ok(())
}

/// Bodies of 64 KiB through rebuilding and protection: an ordinary one, and the dearest of each kind, each under a contract that
/// allows as many of them as the bound lets it.
fn worst(criterion: &mut Criterion) -> Fallible<()> {
    let policies = policies(5)?;
    let now = UnixMillis::new(NOW.get() * 1000);
    let public = "x-portcullis: {class: public}";
    let text = format!(r#"{{type: string, pattern: "^[a-z0-9 ,.-]{{1,64}}$", {public}}}"#);
    let note = format!("{{type: object, properties: {{at: {{type: integer, {public}}}, text: {text}}}}}");
    let house = "{type: string, maxLength: 40, x-portcullis: {class: identifier, of: house, protect: pseudonymize}}";
    let list = |most: usize, items: &str| format!("{{type: array, maxItems: {most}, items: {items}}}");
    let integer = format!("{{type: integer, {public}}}");
    let level = format!("{{type: number, multipleOf: 0.1, {public}}}");
    let any = format!("{{type: number, {public}}}");
    let long_fraction =
        |number: usize| format!("0.{}", 12_345_678_901_234_567_u64 + u64::try_from(number % 9).unwrap_or(0));
    let set = format!("{{type: array, maxItems: {SET}, uniqueItems: true, items: {integer}}}");
    let fox =
        |number| format!(r#"{{"at":{number},"text":"the quick brown fox, number {number}, jumps over the dog"}}"#);
    let cases: [(&str, String, Element, usize); 9] = [
        ("ordinary objects", list(BODY_BYTES, &note), &fox, usize::MAX),
        ("numbers of one digit", list(BODY_BYTES, &integer), &|number| (number % 10).to_string(), usize::MAX),
        ("fractions of a multiple", list(BODY_BYTES, &level), &|number| format!("0.{}", number % 9 + 1), usize::MAX),
        ("fractions", list(BODY_BYTES, &any), &|number| format!("0.{}", number % 9 + 1), usize::MAX),
        ("fractions of seventeen digits", list(BODY_BYTES, &any), &long_fraction, usize::MAX),
        (
            "long fractions of a multiple",
            list(BODY_BYTES, &level),
            &|number| format!("1000000000000{}.5", number % 10),
            usize::MAX,
        ),
        ("empty objects", list(BODY_BYTES, &note), &|_| "{}".to_owned(), usize::MAX),
        ("a set of numbers", set, &|number| number.to_string(), SET),
        ("pseudonyms", list(PSEUDONYMS, house), &|number| format!(r#""{number}""#), PSEUDONYMS),
    ];
    for (name, schema, element, most) in cases {
        let command = Command::with_list(&schema)?;
        let body = long_body(element, most)?;
        let rebuild = || -> Fallible<Rebuilt> {
            let declared = contract::declare(&command.contract, &command.head)?;
            Ok(contract::rebuild(declared, &command.caller, black_box(body.as_bytes()))?)
        };
        let permit = policies.decide(&command.admitted, &command.caller, &rebuild()?, &command.located, now)?;
        let protect = || -> Fallible<usize> {
            let protected = command.protector.protect(&permit, &command.caller, &rebuild()?)?;
            Ok(protected.outgoing().body.len())
        };
        protect()?;
        let name = format!("worst: rebuild and protect {} bytes of {name}", body.len());
        criterion.bench_function(&name, |bencher| bencher.iter(protect));
    }
    Ok(())
}

/// A body with a list that is as long as it may be.
fn long_body(element: Element, most: usize) -> Fallible<String> {
    let mut body = format!(r#"{{"userId":"user-1","list":[{}"#, element(0));
    for number in 1..most {
        let next = element(number);
        if body.len() + next.len() + 3 > BODY_BYTES {
            break;
        }
        write!(body, ",{next}")?;
    }
    body.push_str("]}");
    if body.len() < BODY_BYTES - 100 {
        // White space is read as well.
        body.push_str(&" ".repeat(BODY_BYTES - body.len()));
    }
    Ok(body)
}

impl Command {
    fn new() -> Fallible<Self> {
        Self::with_list("{type: array, maxItems: 1, items: {type: boolean, x-portcullis: {class: public}}}")
    }

    /// With a contract that has this schema for the member `list` of its body.
    fn with_list(list: &str) -> Fallible<Self> {
        let contract = Contract::compile(&Source::new("smarthome.openapi.yaml", contract_text(list)))?;
        let authority = Authority::new("backend", Validity::a_day_from(NOW))?;
        let client = authority.issue(&Leaf::client(BACKEND, Validity::a_day_from(NOW)))?;
        let trust = Arc::new(ClientTrust::new(vec![authority.root()], Vec::new())?);
        let standing = Standing::new(trust, &[client.der()]).ok_or("a certificate that can be read")?;
        let certificate = client.parsed()?;
        let issuer = TokenIssuer::new("https://sessions.example", SigningAlgorithm::Es256)?;
        let claims = issuer
            .claims(AUDIENCE, "user-1", &certificate.thumbprint, NOW, 300)
            .with("tenant", "north")
            .acted_by(BACKEND);
        let claims = claims.with("roles", vec![json::Value::from("resident")]).with("scope", "profile doors:open");
        let token = issuer.mint(&claims.door_access("house-1", Some("main"), &["open"]))?;
        let head = head(&token)?;
        let verifier = verifier(&issuer)?;
        let peer = Peer::of(Arc::new(certificate), Arc::new(standing))?;
        let caller = verifier.verify(&peer, &head.fields, &head.method, &head.path, TokenDemand::Session, None, NOW)?;
        let contract = Arc::new(contract);
        let declared = contract::declare(&contract, &head)?;
        let guard = guard()?;
        let paced = guard.pace(caller.peer().name(), Duration::from_secs(1))?;
        let admitted = guard.admit(paced, &declared, &caller, &head.fields, UnixMillis::new(NOW.get() * 1000))?;
        let part = |kind: &str, parts: &[&str]| ResourceId {
            kind: kind.into(),
            parts: parts.iter().map(|part| Box::from(*part)).collect(),
        };
        Ok(Self {
            contract,
            head,
            body: body()?.into_bytes(),
            peer,
            caller,
            admitted,
            located: Located {
                resource: part("Door", &["house-1", "main"]),
                tenant: Name::new("north")?,
                ancestors: vec![part("House", &["house-1"])],
                zone: Zone::UTC,
                partners: Arc::default(),
                directory_version: 1,
            },
            protector: Protector::new(Name::new("smarthome")?, SivKey::new(&SecretKey::new([7; 32]))),
        })
    }

    fn rebuilt(&self) -> Fallible<Rebuilt> {
        let declared = contract::declare(&self.contract, black_box(&self.head))?;
        Ok(contract::rebuild(declared, &self.caller, black_box(&self.body))?)
    }
}

/// The bytes of a body that crosses as it came.
fn render(rebuilt: &Rebuilt) -> Fallible<usize> {
    let outgoing = rebuilt.render(&mut |_| Ok::<_, Infallible>(Treated::Keep))?;
    Ok(outgoing.body.len())
}

fn verifier(issuer: &TokenIssuer) -> Fallible<Verifier> {
    let settings = IssuerSettings {
        issuer: issuer.name().to_owned(),
        keys: Arc::new(KeySet::parse(issuer.jwks().as_bytes())?).into(),
        audience: AUDIENCE.to_owned(),
        algorithms: vec![Algorithm::Es256],
        max_lifetime_s: 600,
        bind: Bind::ALL.to_vec(),
        kind: TokenKind::Session,
        rules: TokenRules::default(),
    };
    let public_url = PublicUrl::new(AUDIENCE).ok_or("an origin")?;
    Ok(Verifier::new(IdentitySettings { issuers: vec![settings], clock_skew_s: 5, proof_age_s: 60, public_url })?)
}

fn guard() -> Fallible<Guard> {
    let folder = tempfile::tempdir()?;
    let key = SecretKey::new([9; 32]);
    let store = Arc::new(Sqlite::open(&folder.path().join("store.sqlite"), &key)?);
    let settings = Limits { clock_skew_s: 5, idempotency_keys_max: 1_000, ..Limits::default() };
    let opened = Guard::open(&settings, &key, store, Vec::new(), UnixMillis::new(NOW.get() * 1000));
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(opened)?)
}

fn head(token: &str) -> Fallible<Head> {
    let mut fields = http::HeaderMap::new();
    fields.insert("authorization", format!("Bearer {token}").try_into()?);
    fields.insert("content-type", "application/json".try_into()?);
    fields.insert("command-time", format!("@{}", NOW.get()).try_into()?);
    fields.insert("idempotency-key", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"".try_into()?);
    Ok(Head {
        method: http::Method::POST,
        path: "/v1/houses/house-1/doors/main/open".into(),
        query: Some("reason=guest".into()),
        authority: "smarthome.example".into(),
        fields,
        content_length: None,
        no_body: false,
    })
}

/// Texts with patterns, a list of objects, and a person's id: 1.5 KiB of them.
fn contract_text(list: &str) -> String {
    let mut texts = String::new();
    for number in 0..16 {
        let rule = r#"{type: string, pattern: "^[a-z0-9 ,.-]{1,64}$", x-portcullis: {class: public}}"#;
        texts.push_str(&format!("                text{number:02}: {rule}\n"));
    }
    format!(
        r#"openapi: 3.1.0
info: {{title: Smart-home partner, version: "1"}}
x-portcullis: {{partner: smarthome, recipient: Smart Home Operator LLC, country: RU, retention: P30D}}
paths:
  /v1/houses/{{houseId}}/doors/{{doorId}}/open:
    post:
      operationId: openDoor
      x-portcullis:
        action: openDoor
        resource: {{type: Door, id: [houseId, doorId]}}
        right: {{type: door_access, action: open}}
        direction: outbound
        actuates: door
        max_age: 10s
        idempotency: header
        purpose: access
        legal_basis: contract
      parameters:
        - name: houseId
          in: path
          required: true
          schema: {{type: string, pattern: "^[a-z0-9-]{{1,40}}$", x-portcullis: {{class: identifier, of: house, protect: keep}}}}
        - name: doorId
          in: path
          required: true
          schema: {{type: string, pattern: "^[a-z0-9-]{{1,40}}$", x-portcullis: {{class: identifier, of: door, protect: keep}}}}
        - {{name: reason, in: query, schema: {{type: string, enum: [access, guest], x-portcullis: {{class: public}}}}}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [userId]
              properties:
                userId: {{type: string, maxLength: 64, x-portcullis: {{class: identifier, of: user, claim: sub, protect: pseudonymize}}}}
                times:
                  type: array
                  maxItems: 20
                  items:
                    type: object
                    required: [from, days]
                    properties:
                      from: {{type: string, pattern: "^[0-2][0-9]:[0-5][0-9]$", x-portcullis: {{class: public}}}}
                      days: {{type: integer, minimum: 0, maximum: 127, x-portcullis: {{class: public}}}}
                list: {list}
{texts}      responses:
        "204": {{description: The door was opened.}}
"#
    )
}

fn body() -> Fallible<String> {
    let mut body = String::from(r#"{"userId":"user-1","times":["#);
    for number in 0..14 {
        let comma = if number == 0 { "" } else { "," };
        write!(body, r#"{comma}{{"from":"{:02}:30","days":{number}}}"#, number + 7)?;
    }
    body.push(']');
    for number in 0..16 {
        write!(body, r#","text{number:02}":"the quick brown fox, number {number:02}, jumps over the dog""#)?;
    }
    body.push('}');
    Ok(body)
}

/// The sample policies, and `others` more about other persons and other houses.
fn policies(others: usize) -> Fallible<Policies> {
    let mut text = String::from(DOORS);
    for number in 0..others {
        let scope = match number % 2 {
            0 => format!(
                "principal == PropDevelopment::User::\"somebody-{number}\", action, resource is PropDevelopment::Door"
            ),
            _ => format!("principal, action, resource in PropDevelopment::House::\"9:smarthome,5:south,{number}\""),
        };
        let action = "action == PropDevelopment::Action::\"openDoor\"";
        let scope = scope.replace("action,", &format!("{action},"));
        write!(text, "\n@id(\"other-{number}\")\n@reason(\"Somebody else.\")\npermit ({scope});\n")?;
    }
    let demand = Demand {
        operation: Name::new("openDoor")?,
        stated: None,
        by: DemandedBy::User,
        action: Name::new("openDoor")?,
        resource: "Door".into(),
        dated: true,
        values: Vec::new(),
    };
    // The schema's other action is for revocations; no policy here speaks of it.
    Ok(Policies::compile(
        &Source::new("schema.cedarschema", SCHEMA),
        &[Source::new("doors.cedar", text)],
        None,
        &[demand],
    )?)
}
