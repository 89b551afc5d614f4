//! Every key of `gateway.yaml` has an effect: of two configurations that differ in its value alone, each starts a gateway
//! that can be told from the other from outside, or is refused where the other is not. The keys are those that the reader
//! asks for; a limit's row is the test that walks it.

mod log;
mod rows;
mod site;

use crate::harness::Command;
use crate::harness::Event;
use crate::harness::Exchange;
use crate::harness::Page;
use crate::harness::Post;
use crate::harness::Process;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::ask_about_tokens;
use crate::harness::export_records;
use crate::harness::fetch_tokens;
use crate::harness::now;
use crate::harness::ops_page;
use crate::harness::publish_keys;
use crate::harness::take_events;
use crate::harness::until;
use crate::harness::without_mappings;
use crate::limits::WALKS;
use log::LOG_LOOKS;
use portcullis::config::known_keys;
use portcullis::crypto::Jws;
use portcullis::crypto::SigningKey;
use portcullis::crypto::decode_base64url;
use portcullis::devkit::NORTH;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::diagnostic::Diagnostics;
use portcullis::diagnostic::Source;
use portcullis::limits::TABLE;
use portcullis::secret::Secret;
use rows::Look;
use rows::ROWS;
use rows::Row;
use serde_json::Value;
use site::Site;
use site::an_hour_ago;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

const CONFIG: &str = "gateway.yaml";
impl Site {
    /// Writes a configuration; JSON is YAML.
    fn write(&self, config: &Value) {
        fs::write(self.stage.path(CONFIG), serde_json::to_string_pretty(config).unwrap()).unwrap();
    }

    /// The base with the row's value in place of its own.
    fn changed(&self, row: &Row) -> Value {
        let mut config = self.base.clone();
        let text = row.value.replace("{second}", &self.second.address().to_string());
        let text = text.replace("{elsewhere}", &self.endpoints[1].url());
        let text = text.replace("{siem}", &self.siems[1].address.to_string());
        let text = text.replace("{publisher}", &self.publisher.address.to_string());
        let server = self.server.url().replace("/oauth/token", "");
        let text = text.replace("https://{server}", &server);
        let text = text.replace("{otel}", &self.otel.address.to_string());
        *at(&mut config, row.key) = serde_json::from_str(&text).unwrap();
        config
    }

    /// What a gateway of this configuration shows at each look, and `refused` and the codes of the faults where none starts.
    fn shows(&mut self, config: &Value, looks: &[Look]) -> Vec<String> {
        self.write(config);
        match looks {
            [Look::Workers] => {
                return vec![workers(&Process::on(&self.stage), config["workers"].as_u64().unwrap())];
            }
            [look] if LOG_LOOKS.contains(look) => return vec![self.log(config, *look)],
            _ => {}
        }
        match Served::try_on(&self.stage) {
            Ok(gateway) => looks.iter().map(|look| self.look(&gateway, *look)).collect(),
            Err(faults) => {
                let codes: BTreeSet<_> = faults.iter().map(|fault| fault.code).collect();
                let refused = format!("refused {}", codes.into_iter().collect::<Vec<_>>().join(" "));
                vec![refused; looks.len()]
            }
        }
    }

    fn look(&mut self, gateway: &Served, look: Look) -> String {
        match look {
            Look::Start => "starts".into(),
            Look::Workers | Look::Vouched | Look::Reserve | Look::Ahead | Look::Age => {
                panic!("is looked at in a gateway of its own")
            }
            Look::Door => self.give(gateway, &Command::new(&self.stage)).0,
            Look::Barrier => self.look_at_barrier(gateway),
            Look::Asked => {
                self.look_at_barrier(gateway);
                self.server.seen().pop().unwrap().unwrap_or_else(str::to_owned)
            }
            Look::Patience => {
                self.server.hold(true);
                let backend = self.stage.backend_for(gateway.address, PARKLINE_AUTHORITY);
                let command = Command::errand(&self.stage, &NORTH, "openBarrier");
                let given = self.stage.beside(async move { command.give(&backend).await.unwrap().status });
                let patience = Duration::from_secs(3);
                let told = self.stage.wait(async move { tokio::time::timeout(patience, given).await });
                self.server.hold(false);
                told.map_or("waits for longer than 3 s".into(), |status| format!("{} within 3 s", status.unwrap()))
            }
            Look::Answer => {
                self.publisher.page("/introspect", Page::Hang);
                let backend = self.stage.backend(gateway.address);
                let command = Command::new(&self.stage).bearing("never-told".to_owned());
                let given = self.stage.beside(async move { command.give(&backend).await.map(|told| told.status) });
                let patience = Duration::from_secs(4);
                let told = self.stage.wait(async move { tokio::time::timeout(patience, given).await });
                self.publisher.page("/introspect", self.said.clone());
                told.map_or("waits for longer than 4 s".into(), |status| {
                    format!("{} within 4 s", status.unwrap().unwrap())
                })
            }
            Look::SignIn => {
                let token = self.stage.login.mint(&self.stage.claims_of(&self.stage.login)).unwrap();
                self.give(gateway, &Command::new(&self.stage).bearing(token)).0
            }
            Look::Session => {
                let backend = self.stage.backend(gateway.address);
                let answer = self.stage.wait(Exchange::new(&self.stage).give(&backend));
                let receipt = answer.header("receipt-id").unwrap();
                let records = self.records("state/audit");
                let record = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
                let reason = if record.text("kind") == "session" { "done" } else { record.text("reason") };
                format!("{} {reason}", answer.status)
            }
            Look::Published | Look::Discovered => {
                let issuer = &self.published[usize::from(look == Look::Discovered)];
                // A claim that means nothing, unless it is mapped: then it is no list of houses.
                let member = self
                    .stage
                    .member_of(&NORTH, issuer, now())
                    .with("realm", portcullis::json::Object::from_iter([("homes", "house-1")]));
                let token = issuer.mint(&member).unwrap();
                self.give(gateway, &Command::new(&self.stage).bearing(token)).0
            }
            Look::Early => {
                let issuer = &self.published[0];
                let token = issuer.mint(&self.stage.member_of(&NORTH, issuer, now().plus(30))).unwrap();
                self.give(gateway, &Command::new(&self.stage).bearing(token)).0
            }
            Look::Kept => {
                let issuer = self.published[0].name();
                let series = format!("portcullis_issuer_keys_keep_seconds{{issuer=\"{issuer}\"}}");
                format!("{} s", gateway.metric(&series))
            }
            Look::Opaque => self.give(gateway, &Command::new(&self.stage).bearing("opaque".to_owned())).0,
            Look::Asking => {
                self.give(gateway, &Command::new(&self.stage).bearing("opaque".to_owned()));
                let form = self.publisher.form();
                let (_, assertion) = form.iter().find(|(name, _)| name == "client_assertion").unwrap();
                let parts: Vec<Value> = assertion.split('.').take(2).map(decoded).collect();
                let key = if parts[0]["kid"] == self.asking_key { "the first key" } else { "another key" };
                let said = |name: &str| parts[1][name].as_str().unwrap().to_owned();
                format!("{} to {} by {key}", said("iss"), said("aud"))
            }
            Look::Questions => {
                let before = self.publisher.asked("/introspect");
                for _ in 0..2 {
                    self.give(gateway, &Command::new(&self.stage).bearing("asked-twice".to_owned()));
                }
                match self.publisher.asked("/introspect") - before {
                    1 => "1 question".into(),
                    more => format!("{more} questions"),
                }
            }
            Look::Backend => format!("{} {}", gateway.address.ip(), self.give(gateway, &Command::new(&self.stage)).0),
            Look::Inbound => self.inbound(gateway),
            Look::Caller => self.caller(gateway),
            Look::Issuer => self.issuer(gateway),
            Look::Partners => self.partners(gateway),
            Look::Ops => format!("{} {}", gateway.ops.ip(), ops_page(gateway.ops, "/metrics").0),
            Look::Admin => self.admin(),
            Look::Files(kind) => self.files(kind),
            Look::Partner => {
                let moved = |site: &Self| [site.stage.partner.total_actuations(), site.second.total_actuations()];
                let before = moved(self);
                let told = self.give(gateway, &Command::new(&self.stage)).0;
                let after = moved(self);
                format!("{told}, moved {} and {}", after[0] - before[0], after[1] - before[1])
            }
            Look::Event => self.event(gateway),
            Look::Claim(name) => self.claims(gateway)[name].as_str().unwrap().to_owned(),
            Look::Lifetime => {
                let claims = self.claims(gateway);
                let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
                if lifetime <= 3 { "within 3 s".into() } else { "beyond 3 s".into() }
            }
            Look::Pseudonym => {
                let subject = self.claims(gateway)["sub"].as_str().unwrap().to_owned();
                let known = self.pseudonym.get_or_insert_with(|| subject.clone());
                if *known == subject { "the same".into() } else { "another".into() }
            }
            Look::Update => {
                let document =
                    format!(r#"{{"version":1,"kind":"delta","base":7,"revision":8,"made_at":"{}"}}"#, an_hour_ago());
                self.give(gateway, &crate::directory::signed(&self.stage, document.as_bytes())).0
            }
            Look::Trace => {
                let named = "4bf92f3577b34da6a3ce929d0e0e4736";
                let command = Command::new(&self.stage).with("traceparent", &format!("00-{named}-00f067aa0ba902b7-01"));
                let receipt = self.give(gateway, &command).1;
                let taken = |record: &Record| record.text("receipt") == receipt && record.text("trace") == named;
                if self.records("state/audit").iter().any(taken) { "taken".into() } else { "begun anew".into() }
            }
            Look::Bundle => {
                let [doors, keys] = ["policies/cedar/doors.cedar", "pki/login.jwks"].map(|name| self.stage.path(name));
                let [policies, jwks] = [&doors, &keys].map(|path| fs::read_to_string(path).unwrap());
                fs::write(&doors, format!("{policies}// changed\n")).unwrap();
                // A look at the bundle follows each look at these keys; it takes two of them to take anything up.
                for times in 1..=2 {
                    fs::write(&keys, format!("{jwks}{}", "\n".repeat(times))).unwrap();
                    let done = || gateway.metric("portcullis_reloads_total{result=\"done\"}");
                    until("the keys are taken up", || done() == times as u64);
                }
                let swaps = gateway.metric("portcullis_bundle_swaps_total{result=\"done\"}");
                fs::write(&doors, policies).unwrap();
                fs::write(&keys, jwks).unwrap();
                if swaps > 0 { "taken up".into() } else { "waits".into() }
            }
            Look::Siem => self.siem(gateway),
            Look::Otel => self.otel(gateway),
            Look::Archive => self.archive(gateway),
            Look::Places => {
                // The place of a destination that is none any more stays, so that only those are asked for that are told of.
                let status: Value = serde_json::from_str(&ops_page(gateway.ops, "/-/status").1).unwrap();
                let told = status["exports"].as_array().unwrap().iter();
                let names: BTreeSet<_> = told.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
                names.iter().for_each(|name| drop(self.came(gateway, name)));
                let place = |name: &String| self.stage.path(&format!("state/audit/exports/{name}.cursor"));
                names.into_iter().filter(|name| place(name).is_file()).collect::<Vec<_>>().join(" ")
            }
            Look::Log => {
                let receipt = self.give(gateway, &Command::new(&self.stage)).1;
                let holds = |folder: &&str| self.records(folder).iter().any(|record| record.text("receipt") == receipt);
                ["state/audit", "state/other-audit"].into_iter().filter(holds).collect()
            }
        }
    }

    /// Gives a command: the status, the reason on record and what the partner said of it; and the receipt.
    fn give(&self, gateway: &Served, command: &Command) -> (String, String) {
        let refused = self.stage.partner.refusals().len();
        let backend = self.stage.backend(gateway.address);
        let Ok(answer) = self.stage.wait(command.give(&backend)) else {
            return ("no answer".into(), String::new());
        };
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        let records = [self.records("state/audit"), self.records("state/other-audit")].concat();
        let reason =
            records.iter().rfind(|record| record.text("receipt") == receipt).map(|record| record.text("reason"));
        let partner = self.stage.partner.refusals().split_off(refused).join(" ");
        let words = [&answer.status.to_string(), reason.unwrap_or_default(), &partner];
        (words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), receipt)
    }

    /// Looks at a barrier: the status, and the reason on record.
    fn look_at_barrier(&self, gateway: &Served) -> String {
        let backend = self.stage.backend_for(gateway.address, PARKLINE_AUTHORITY);
        let command = Command::errand(&self.stage, &NORTH, "readBarrier");
        let answer = self.stage.wait(command.give(&backend)).unwrap();
        let receipt = answer.header("receipt-id").unwrap();
        let records = self.records("state/audit");
        let record = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
        format!("{} {}", answer.status, record.text("reason"))
    }

    /// Brings an event, and what becomes of the first attempt to deliver it: its record, and at which endpoint it came.
    fn event(&self, gateway: &Served) -> String {
        let came = || self.endpoints.each_ref().map(|endpoint| endpoint.attempts().len());
        let before = came();
        let earlier = self.records("state/audit").iter().filter(|record| record.text("kind") == "event").count();
        // One that was not delivered holds up those about its own house.
        let data = format!(r#"{{"houseId":"house-{}","userId":"u","grantId":"g"}}"#, earlier % 2 + 1);
        let text = format!(r#"{{"type":"grant.revoked","timestamp":"2026-02-28T08:30:00Z","data":{data}}}"#);
        let mut event = Command::new(&self.stage).to("/-/events").saying(&text);
        (event.token, event.time) = (None, None);
        let (status, receipt) = self.give(gateway, &event);
        let ended = |record: &Record| {
            let of_this = record.text("receipt") == receipt && record.text("kind") == "delivery";
            of_this && record.text("state") != "sent"
        };
        let ended = || self.records("state/audit").iter().find(|record| ended(record)).cloned();
        until("an attempt", || ended().is_some());
        let record = ended().unwrap();
        let after = came();
        let at = ["first", "second"].into_iter().zip(0..).filter(|(_, index)| after[*index] > before[*index]);
        let at: String = at.map(|(name, _)| name).collect();
        let words = [&status, record.text("state"), record.text("detail"), &at];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Asks for a token with an assertion of this moment: a gateway that has just begun may not take it, and says so of none
    /// but the client's own.
    fn caller(&self, gateway: &Served) -> String {
        let issuer = "https://smarthome.gateway.prop.example";
        let assertion = self.kit.client_assertion(issuer, "of-the-keys-test", now()).unwrap();
        let form = format!(
            "grant_type=client_credentials&scope=grants.read&client_assertion={assertion}\
             &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        let fields = [("Content-Type", "application/x-www-form-urlencoded")];
        let caller = self.stage.caller(gateway.partners);
        let answer = self.stage.wait(caller.call("POST", "/-/oauth/token", &fields, form.as_bytes())).unwrap();
        let reason = self.stage.records().last().unwrap().text("reason").to_owned();
        match (answer.status, reason.as_str()) {
            // It may have served for long enough by now.
            (401, "assertion-replayed") | (200, _) => "taken for this client's, but for its age".to_owned(),
            (status, reason) => format!("{status} {reason}"),
        }
    }

    /// Whether the keys that are published are those of the first configuration.
    fn issuer(&self, gateway: &Served) -> String {
        let own = fs::read(self.stage.path("pki/clients.key")).unwrap();
        let own = SigningKey::from_pem(&Secret::new(own)).unwrap();
        let caller = self.stage.caller(gateway.partners);
        let published = self.stage.wait(caller.call("GET", "/-/oauth/jwks", &[], b"")).unwrap().text();
        if published.contains(own.kid()) { "the first key".to_owned() } else { "another key".to_owned() }
    }

    /// The partner sends an event, and what becomes of the first attempt to bring it to the backend.
    fn inbound(&self, gateway: &Served) -> String {
        let earlier = self.records("state/audit").iter().filter(|record| record.text("kind") == "event").count();
        // One that was not delivered holds up those about its own door.
        let data = format!(r#"{{"houseId":"house-1","doorId":"told-{}","fault":"blocked"}}"#, earlier % 40);
        let event = Event::new(&self.partner_secret, "access.failed", &data);
        let answer = self.stage.wait(event.send(&self.stage.caller(gateway.partners))).unwrap();
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        let of_this = || self.records("state/audit").into_iter().filter(|record| record.text("receipt") == receipt);
        if answer.status != 204 {
            return format!("{} {}", answer.status, of_this().next().unwrap().text("reason"));
        }
        let ended = || of_this().find(|record| record.text("kind") == "delivery" && record.text("state") != "sent");
        until("an attempt", || ended().is_some());
        let record = ended().unwrap();
        let words = ["204", record.text("state"), record.text("detail")];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// What becomes of the first batch of a destination: nothing where it is taken, else the fault.
    fn came(&self, gateway: &Served, name: &str) -> String {
        let stand = || {
            let status: Value = serde_json::from_str(&ops_page(gateway.ops, "/-/status").1).unwrap();
            status["exports"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned()
        };
        if stand().is_none() {
            return String::new();
        }
        let ended = || stand().filter(|one| !one["last_success"].is_null() || !one["last_failure"].is_null());
        until("a batch", || ended().is_some());
        ended().unwrap()["last_failure"]["fault"].as_str().unwrap_or_default().to_owned()
    }

    fn siem(&self, gateway: &Served) -> String {
        let lots = || self.siems.each_ref().map(|siem| siem.lots().len());
        let before = lots();
        let fault = self.came(gateway, "siem");
        if !fault.is_empty() {
            return fault;
        }
        let at = usize::from(lots()[1] > before[1]);
        let text = String::from_utf8(self.siems[at].lots().pop().unwrap().bytes).unwrap();
        let format = if text.contains("CEF:0") { "cef" } else { "rfc5424" };
        format!("{} takes {format}", ["first", "second"][at])
    }

    fn otel(&self, gateway: &Served) -> String {
        let fault = self.came(gateway, "otel");
        if !fault.is_empty() {
            return fault;
        }
        let head = self.otel.lots().pop().unwrap().head;
        let token = head.split("authorization: Bearer ").nth(1).unwrap().lines().next().unwrap();
        format!("{} {token}", head.split(' ').nth(1).unwrap())
    }

    fn archive(&self, gateway: &Served) -> String {
        self.came(gateway, "archive");
        let file = ["other.jsonl", "archive.jsonl"]
            .into_iter()
            .find(|name| self.stage.path(&format!("state/{name}")).exists());
        let path = self.stage.path(&format!("state/{}", file.unwrap()));
        let text = fs::read_to_string(&path).unwrap();
        // The next look sees its own.
        fs::remove_file(path).unwrap();
        format!("{} {}", file.unwrap(), if text.lines().last().unwrap().starts_with("CEF:0") { "cef" } else { "jsonl" })
    }

    /// Where partners call, and what the partner is told where nothing is.
    fn partners(&self, gateway: &Served) -> String {
        let caller = self.stage.caller(gateway.partners);
        let answer = self.stage.wait(caller.call("GET", "/-/nothing", &[], b""));
        let told = answer.map(|answer| {
            let receipt = answer.header("receipt-id").unwrap();
            let records = self.records("state/audit");
            let record = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
            format!("{} {}", answer.status, record.text("reason"))
        });
        format!("{} {}", gateway.partners.unwrap().ip(), told.unwrap_or_else(|_| "no answer".into()))
    }

    fn records(&self, folder: &str) -> Vec<Record> {
        crate::harness::records(&self.stage.path(folder))
    }

    /// The claims of the token that the partner receives with a good command.
    fn claims(&self, gateway: &Served) -> Value {
        self.give(gateway, &Command::new(&self.stage));
        let last = self.stage.partner.raw().pop().unwrap();
        let text = String::from_utf8(last.bytes).unwrap();
        let (_, token) = text.rsplit_once("Bearer ").unwrap();
        let jws = Jws::split(token.lines().next().unwrap()).unwrap();
        serde_json::from_slice(jws.payload()).unwrap()
    }

    /// How the list of revocations ends for this account.
    fn admin(&self) -> String {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["revocations", "list", "--config"]).arg(self.stage.path(CONFIG));
        let output = command.output().unwrap();
        let code = output.status.code().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let word = text.trim_start_matches("error[").split([' ', ']']).next().unwrap();
        format!("{code} {word}")
    }

    /// The files of one kind that lie in the folder of the state.
    fn files(&self, kind: &str) -> String {
        let files = fs::read_dir(self.stage.path("state")).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|found| found == kind));
        let names: BTreeSet<_> = files.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        names.into_iter().collect::<Vec<_>>().join(" ")
    }
}

/// What a part of a token says.
fn decoded(part: &str) -> Value {
    serde_json::from_slice(&decode_base64url(part).unwrap()).unwrap()
}

/// The value under a key; `[]` is the first item of a list that has what follows, `<name>` the first such entry of a mapping, or its first.
fn at<'v>(value: &'v mut Value, key: &str) -> &'v mut Value {
    let (segment, rest) = key.split_once('.').map_or((key, None), |(one, rest)| (one, Some(rest)));
    let value = match segment.strip_suffix("[]") {
        Some(list) => {
            let items = value[list].as_array_mut().unwrap();
            items.iter_mut().find(|item| rest.is_none_or(|rest| has(item, rest))).unwrap()
        }
        None if segment == "<name>" => {
            let entries = value.as_object_mut().unwrap();
            let having = entries.values().position(|entry| rest.is_none_or(|rest| has(entry, rest)));
            entries.values_mut().nth(having.unwrap_or_default()).unwrap()
        }
        None => &mut value[segment],
    };
    match rest {
        Some(rest) => at(value, rest),
        None => value,
    }
}

/// Whether there is something under a key without lists.
fn has(value: &Value, key: &str) -> bool {
    match key.split_once('.') {
        Some((one, rest)) => value.get(one).is_some_and(|value| has(value, rest)),
        None => value.get(key).is_some(),
    }
}

/// How many threads of a gateway serve requests. They are begun before whoever answers here, and bear their name as soon as
/// they run; `wanted` is only waited for.
fn workers(gateway: &Process, wanted: u64) -> String {
    assert_eq!(ops_page(gateway.ops, "/metrics").0, 200);
    let count = || {
        let threads = fs::read_dir(format!("/proc/{}/task", gateway.id())).unwrap();
        // A thread may end while it is looked at.
        let names = threads.filter_map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")).ok());
        names.filter(|name| name.trim() == "worker").count()
    };
    until("the workers", || u64::try_from(count()).unwrap() >= wanted);
    format!("{} workers", count())
}

/// All keys that the reader asks for, each limit by its name.
fn keys(text: &str) -> BTreeSet<String> {
    let all = known_keys(Source::new(CONFIG, text)).unwrap_or_else(|faults: Diagnostics| panic!("{faults}"));
    let mut keys = without_mappings(&all);
    assert!(keys.remove("limits.<name>"), "{keys:?}");
    keys.extend(TABLE.iter().map(|limit| format!("limits.{}", limit.name)));
    keys
}

/// The keys without a row, and the rows of no key or of one that has a row already.
fn gaps(keys: &BTreeSet<String>, rows: &[String]) -> (Vec<String>, Vec<String>) {
    let mut left = keys.clone();
    let idle = rows.iter().filter(|row| !left.remove(*row)).cloned().collect();
    (left.into_iter().collect(), idle)
}

#[test]
fn every_key_has_a_row_and_every_row_a_key_and_a_dead_key_is_found() {
    let Post { stage, endpoint, .. } = Post::new();
    let _inbound = take_events(&stage);
    // As the sites of the rows have it.
    let kept = "audit: {retention: {age: 400d, archive: {directory: state/archive}}, ";
    let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    export_records(&stage, nobody, nobody);
    publish_keys(&stage, nobody);
    ask_about_tokens(&stage, nobody);
    let _server = fetch_tokens(&stage);
    let mut keys = keys(&fs::read_to_string(stage.path(CONFIG)).unwrap().replace("audit: {", kept));
    let limits = WALKS.iter().map(|(limit, _)| format!("limits.{limit}"));
    let mut rows: Vec<String> = ROWS.iter().map(|row| row.key.to_owned()).chain(limits).collect();
    assert!(keys.len() > 70, "the keys are found: {keys:?}");
    assert_eq!(gaps(&keys, &rows), (vec![], vec![]));
    keys.insert("listeners.backend.dead".into());
    rows.push("sessions.bind".into());
    rows.push("version".into());
    drop(endpoint);
    let (without, idle) = gaps(&keys, &rows);
    assert_eq!(
        (without, idle),
        (vec!["listeners.backend.dead".into()], vec!["sessions.bind".into(), "version".into()])
    );
}

#[test]
fn of_two_configurations_that_differ_in_one_key_each_is_seen_to_be_what_it_says() {
    let mut site = Site::new();
    let alone = |look: &Look| *look == Look::Workers || LOG_LOOKS.contains(look);
    let looks: BTreeSet<Look> = ROWS.iter().map(|row| row.look).collect();
    let (alone, looks): (Vec<Look>, Vec<Look>) = looks.into_iter().partition(alone);
    let base = site.base.clone();
    let shown = site.shows(&base, &looks);
    let mut was: BTreeMap<Look, String> = looks.into_iter().zip(shown).collect();
    for look in alone {
        was.insert(look, site.shows(&base, &[look]).remove(0));
    }
    let mut wrong = Vec::new();
    for row in ROWS {
        let changed = site.changed(row);
        assert_ne!(changed, base, "{}: the row changes nothing", row.key);
        let is = site.shows(&changed, &[row.look]).remove(0);
        if was[&row.look] == is || (was[&row.look].as_str(), is.as_str()) != (row.was, row.is) {
            wrong.push(format!("{}: {:?} became {is:?}", row.key, was[&row.look]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
