//! The folder of the gateway under test: two tenants, two partners, and everything on as in any installation.

use crate::Fallible;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::random;
use portcullis::devkit::Authority;
use portcullis::devkit::Leaf;
use portcullis::devkit::TokenIssuer;
use portcullis::devkit::Validity;
use std::fmt::Write;
use std::fs;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// By these names the callers mean the partner that answers at once, and the one that takes long.
pub const QUICK: &str = "quick.gateway.test";
pub const SLOW: &str = "slow.gateway.test";
/// The name in the partners' certificates.
pub const UPSTREAM: &str = "upstream.test";

const CONTRACT: &str = include_str!("../peers/portcullis/policies/contracts/upstream.openapi.yaml");
const SCHEMA: &str = include_str!("../peers/portcullis/policies/cedar/schema.cedarschema");
const DOORS: &str = include_str!("../peers/portcullis/policies/cedar/doors.cedar");
/// Who calls, as the policies want it.
const CALLER: &str = "spiffe://bench.test/app";
/// Houses of each tenant, each with a resident who may open its door: enough that nobody is too fast but a tenant.
const HOUSES: usize = 1_000;
/// Requests of a peer in a second. Residents and flood come by the same backend, whose own limit is not what is asked about.
const PEER_RATE: u64 = 100_000;
/// Commands of a tenant in a second: more than the residents give. Then commands under way towards a partner.
const TENANT_RATE: u64 = 250;
const PLACES: u64 = 100;

/// The folder.
pub struct House(PathBuf);

impl House {
    /// Keys, certificates, tokens, directory and bundle in an empty folder.
    pub fn make(path: &Path) -> Fallible<Self> {
        let house = Self(path.to_owned());
        let now = SystemClock::new().now().seconds();
        let validity = Validity::a_day_from(now);
        for folder in ["pki", "state", "state/audit", "policies", "policies/contracts", "policies/cedar"] {
            fs::create_dir(house.path(folder))?;
        }
        let authority = Authority::new("isolation", validity)?;
        fs::write(house.path("pki/authority.pem"), authority.pem())?;
        authority
            .issue(&Leaf::server(&["gateway.test", QUICK, SLOW], validity))?
            .write(&house.path("pki"), "gateway")?;
        authority.issue(&Leaf::server(&[UPSTREAM], validity))?.write(&house.path("pki"), "upstream")?;
        for name in ["quick", "slow"] {
            let client = authority.issue(&Leaf::client("spiffe://bench.test/gateway", validity))?;
            client.write(&house.path("pki"), &format!("gateway-at-{name}"))?;
            house.secret(
                &format!("pki/{name}-token.key"),
                SigningKey::generate_pem(SigningAlgorithm::Es256)?.expose(),
            )?;
            house.secret(
                &format!("pki/{name}-signing.key"),
                SigningKey::generate_pem(SigningAlgorithm::EdDsa)?.expose(),
            )?;
            house.secret(&format!("pki/{name}-pseudonym.key"), &random::<32>())?;
        }
        house.secret("pki/checkpoint.key", SigningKey::generate_pem(SigningAlgorithm::EdDsa)?.expose())?;
        house.secret("pki/store.key", &random::<32>())?;
        let caller = authority.issue(&Leaf::client(CALLER, validity))?;
        caller.write(&house.path("pki"), "caller")?;
        let issuer = TokenIssuer::new("https://login.test", SigningAlgorithm::Es256)?;
        fs::write(house.path("pki/login.jwks"), issuer.jwks())?;
        house.secret("pki/session.key", SigningKey::generate_pem(SigningAlgorithm::Es256)?.expose())?;
        let mut directory = String::from("version: 1\nrevision: 1\ntenants: [north, south]\nhouses:\n");
        for tenant in ["north", "south"] {
            let mut tokens = String::new();
            for number in 0..HOUSES {
                let name = format!("{tenant}-{number:04}");
                writeln!(
                    directory,
                    "  - {{id: {name}, tenant: {tenant}, zone: Europe/Moscow, partners: [quick, slow], doors: [door-1]}}"
                )?;
                let thumbprint = caller.parsed()?.thumbprint;
                let claims = issuer.claims("gateway", &name, &thumbprint, now, 3_600).with("tenant", tenant);
                let claims = claims.with("scope", "profile doors:open").door_access(&name, Some("door-1"), &["open"]);
                writeln!(tokens, "{name} {}", issuer.mint(&claims)?)?;
            }
            fs::write(house.path(&format!("{tenant}.tokens")), tokens)?;
        }
        fs::write(house.path("directory.yaml"), directory)?;
        for (name, text) in [("schema.cedarschema", SCHEMA), ("doors.cedar", DOORS)] {
            fs::write(house.path(&format!("policies/cedar/{name}")), text)?;
        }
        for name in ["quick", "slow"] {
            let contract = CONTRACT.replace("partner: upstream", &format!("partner: {name}"));
            fs::write(house.path(&format!("policies/contracts/{name}.openapi.yaml")), contract)?;
        }
        let requirements = "version: 1\nenvironment: development\nissuers: [https://login.test]\nsessions: https://gateway.test/sessions\n\
                            partners:\n  quick: {hosts: [127.0.0.1]}\n  slow: {hosts: [127.0.0.1]}\n";
        fs::write(house.path("policies/requirements.yaml"), requirements)?;
        Ok(house)
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes `gateway.yaml` for partners at these addresses, the quick one first.
    pub fn configure(&self, upstreams: [&str; 2]) -> io::Result<()> {
        let mut partners = String::new();
        for ((name, authority), upstream) in [("quick", QUICK), ("slow", SLOW)].into_iter().zip(upstreams) {
            partners.push_str(&format!(
                "  {name}:\n    authority: {authority}\n    upstream: https://{upstream}\n    server_name: {UPSTREAM}\n    \
                 tls: {{ca: pki/authority.pem, certificate: pki/gateway-at-{name}.pem, key: pki/gateway-at-{name}.key}}\n    \
                 token: {{issuer: https://gateway.test, audience: https://upstream.test, client_id: gateway, \
                 key: pki/{name}-token.key, lifetime: 30s}}\n    signing: {{key: pki/{name}-signing.key}}\n    pseudonym_key: pki/{name}-pseudonym.key\n"
            ));
        }
        let text = format!(
            "version: 1\nenvironment: development\npublic_url: https://gateway.test\nworkers: 1\nlisteners:\n  backend:\n    address: \"127.0.0.1:0\"\n    \
             tls: {{certificate: pki/gateway.pem, key: pki/gateway.key, client_ca: pki/authority.pem}}\n  \
             ops: {{address: \"127.0.0.1:0\"}}\nissuers:\n  - issuer: https://login.test\n    \
             jwks: {{file: pki/login.jwks}}\n    audience: gateway\n    algorithms: [ES256]\n    max_lifetime: 1h\n    \
             bind: [mtls]\nsessions:\n  issuer: https://gateway.test/sessions\n  keys: [pki/session.key]\n  audience: gateway\n  \
             actors: [{{peer: \"{CALLER}\", audiences: [gateway], clients: [nobody]}}]\n\
             partners:\n{partners}policies: {{directory: policies}}\ndirectory: {{file: directory.yaml}}\n\
             audit: {{directory: state/audit, origin: bench.test/audit, checkpoint_key: pki/checkpoint.key}}\n\
             store: {{sqlite: {{path: state/store.sqlite}}, key: pki/store.key}}\n\
             limits: {{peer_rate_per_second: {PEER_RATE}, tenant_rate_per_second: {TENANT_RATE}, exchanges_per_partner_max: {PLACES}}}\n"
        );
        fs::write(self.path("gateway.yaml"), text)
    }

    fn secret(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(self.path(name))?.write_all(content)
    }
}
