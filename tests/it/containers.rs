//! The image and the manifests of Kubernetes hold together, and with the repository. No engine and no cluster runs here: what
//! one would only find out when it runs them (a file that is not there, a port that nobody listens on, a user that is root)
//! is found by reading, and the configuration in the manifests is read by the gateway's own reader.

use crate::harness::Stage;
use crate::harness::now;
use portcullis::config::Config;
use portcullis::config::ListenAddress;
use portcullis::devkit::Validity;
use portcullis::limits::Limits;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const MANIFESTS: &str = "deploy/kubernetes";

fn file(path: &str) -> String {
    let text = fs::read_to_string(Path::new(ROOT).join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The instructions of a Dockerfile, words each; lines that go on are joined.
fn instructions(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// What is wrong with a Dockerfile of the repository; `built` are the files that the first stage makes.
fn faults(text: &str, built: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let (mut user, mut entry) = (None, 0);
    for words in instructions(text) {
        let rest: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        match words[0].as_str() {
            "FROM" => user = None,
            "ARG" if rest[0].contains(':') && rest[0].ends_with(":latest") => found.push(format!("{rest:?} moves")),
            "ADD" => found.push("ADD may fetch or unpack: COPY".to_owned()),
            "USER" => user = Some(rest[0].to_owned()),
            "COPY" => {
                let from = rest.iter().any(|word| word.starts_with("--from="));
                let paths: Vec<_> = rest.iter().filter(|word| !word.starts_with("--")).collect();
                for source in &paths[..paths.len() - 1] {
                    let there = if from { built.contains(source) } else { Path::new(ROOT).join(source).exists() };
                    if !there {
                        found.push(format!("COPY {source}: is not there"));
                    }
                }
            }
            "RUN" if rest.contains(&"apt-get") && !rest.contains(&"--no-install-recommends") => {
                found.push("apt-get brings more than is named".to_owned());
            }
            "ENTRYPOINT" if rest[0].starts_with('[') => entry += 1,
            "ENTRYPOINT" => {
                found.push("ENTRYPOINT runs a shell, which hears the signals in place of the gateway".to_owned())
            }
            _ => {}
        }
    }
    let number = user.as_deref().and_then(|user| user.split(':').next()).and_then(|user| user.parse::<u32>().ok());
    if number.is_none_or(|number| number == 0) {
        found.push(format!("the last stage runs as {user:?}, which is not known to be other than root"));
    }
    if entry == 0 && text.contains("/usr/bin/portcullis\n") {
        found.push("no ENTRYPOINT".to_owned());
    }
    found
}

#[test]
fn the_image_copies_what_is_there_runs_as_a_number_that_is_not_root_and_a_planted_fault_is_found() {
    let (image, bundle) = (file("deploy/docker/Dockerfile"), file("deploy/docker/Dockerfile.bundle"));
    let built = ["/build/target/dist/portcullis"];
    assert_eq!(faults(&image, &built), [""; 0]);
    assert_eq!(faults(&bundle, &built), [""; 0]);
    for (from, to, fault) in [
        ("COPY src src", "COPY sources src", "COPY sources: is not there"),
        ("target/dist", "target/release", "is not there"),
        ("USER 65532:65532\n", "", "not known to be other than root"),
        ("USER 65532:65532", "USER root", "not known to be other than root"),
        ("USER 65532:65532", "USER 0", "not known to be other than root"),
        ("COPY tests tests", "ADD tests tests", "ADD"),
        (" --no-install-recommends", "", "more than is named"),
        ("ENTRYPOINT [\"/usr/bin/portcullis\"]", "ENTRYPOINT portcullis", "signals"),
        ("rust:1.95-bookworm\nARG", "rust:latest\nARG", "moves"),
    ] {
        let planted = image.replacen(from, to, if from.starts_with("USER") { 9 } else { 1 });
        assert_ne!(planted, image, "{from}");
        let found = faults(&planted, &built);
        assert!(found.iter().any(|found| found.contains(fault)), "{from} → {to}: {found:?}");
    }
}

#[test]
fn the_image_is_built_from_all_that_the_program_is_made_of_by_the_oldest_compiler_that_will_do() {
    let image = file("deploy/docker/Dockerfile");
    let copied: Vec<String> = instructions(&image)
        .into_iter()
        .filter(|words| words[0] == "COPY" && !words[1].starts_with("--from="))
        .flat_map(|words| words[1..words.len() - 1].to_vec())
        .collect();
    let manifest = file("Cargo.toml");
    let named =
        manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"')).map(str::to_owned);
    let needed: BTreeSet<String> = named.chain(included()).chain(["Cargo.lock".to_owned()]).collect();
    assert!(needed.len() > 8, "{needed:?}");
    let covered = |path: &str| copied.iter().any(|from| path == from || path.starts_with(&format!("{from}/")));
    let missing: Vec<_> = needed.iter().filter(|path| !covered(path)).collect();
    assert!(missing.is_empty(), "not in the image's build: {missing:?}");
    let allowed: BTreeSet<String> = file("deploy/docker/Dockerfile.dockerignore")
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .map(str::to_owned)
        .collect();
    assert_eq!(allowed, copied.into_iter().collect(), "the context holds what is copied");
    let wanted =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")).unwrap().trim_end_matches('"');
    assert!(image.contains(&format!("ARG RUST=rust:{wanted}-bookworm\n")));
}

/// The files outside of `src/` that the program is made of: those that its sources include.
fn included() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(ROOT).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.ends_with("tests") || entry.ends_with("tests.rs") {
                continue;
            }
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = fs::read_to_string(&entry).unwrap();
            let product = text.split("#[cfg(test)]").next().unwrap();
            for macro_name in ["include_str!(\"", "include_bytes!(\""] {
                for path in product.split(macro_name).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                    let whole = fs::canonicalize(entry.parent().unwrap().join(path)).unwrap();
                    found.push(whole.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    found.retain(|path| !path.starts_with("src/"));
    found
}

/// All documents of the manifests, by kind and name.
fn manifests() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(Path::new(ROOT).join(MANIFESTS)).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_none_or(|kind| kind != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&entry).unwrap();
        for document in text.split("\n---\n") {
            let value: Value =
                serde_yaml::from_str(document).unwrap_or_else(|error| panic!("{}: {error}", entry.display()));
            let name = value["metadata"]["name"].as_str().unwrap_or_default();
            let key = format!("{} {name}", value["kind"].as_str().unwrap());
            assert!(found.insert(key.trim().to_owned(), value).is_none(), "twice: {}", entry.display());
        }
    }
    found
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn every_manifest_is_applied_and_all_of_them_mean_the_same_pod() {
    let all = manifests();
    let applied: BTreeSet<String> =
        list(&all["Kustomization"]["resources"]).iter().map(|name| text(name).to_owned()).collect();
    let there = fs::read_dir(Path::new(ROOT).join(MANIFESTS)).unwrap().map(|entry| entry.unwrap().file_name());
    let there = there.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".yaml"));
    assert_eq!(applied, there.filter(|name| name != "kustomization.yaml").collect());
    let pod = &all["StatefulSet portcullis"]["spec"]["template"];
    let labels = &pod["metadata"]["labels"];
    assert_eq!(all["StatefulSet portcullis"]["spec"]["selector"]["matchLabels"], *labels);
    assert_eq!(all["NetworkPolicy portcullis"]["spec"]["podSelector"]["matchLabels"], *labels);
    assert_eq!(all["PodDisruptionBudget portcullis"]["spec"]["selector"]["matchLabels"], *labels);
    assert_eq!(all["StatefulSet portcullis"]["spec"]["replicas"], 1);
    let ports: BTreeMap<&str, u64> = list(&pod["spec"]["containers"][0]["ports"])
        .iter()
        .map(|port| (text(&port["name"]), port["containerPort"].as_u64().unwrap()))
        .collect();
    for service in ["Service portcullis", "Service portcullis-ops"] {
        assert_eq!(all[service]["spec"]["selector"], *labels);
        let targets = list(&all[service]["spec"]["ports"]).iter().map(|port| text(&port["targetPort"]));
        assert!(targets.into_iter().all(|target| ports.contains_key(target)), "{service}");
    }
    let open: BTreeSet<u64> = list(&all["NetworkPolicy portcullis"]["spec"]["ingress"])
        .iter()
        .flat_map(|rule| list(&rule["ports"]))
        .map(|port| port["port"].as_u64().unwrap())
        .collect();
    assert_eq!(open, ports.values().copied().collect(), "what listens is what may be reached");
    let exposed: BTreeSet<u64> = instructions(&file("deploy/docker/Dockerfile"))
        .iter()
        .filter(|words| words[0] == "EXPOSE")
        .flat_map(|words| words[1..].iter().map(|port| port.parse().unwrap()).collect::<Vec<u64>>())
        .collect();
    assert_eq!(open, exposed);
}

#[test]
fn the_pod_can_do_nothing_that_it_need_not_and_has_time_to_go_down() {
    let all = manifests();
    let pod = &all["StatefulSet portcullis"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(list(&pod["containers"]).len(), 1);
    assert_eq!((&pod["automountServiceAccountToken"], &pod["hostNetwork"]), (&Value::Bool(false), &Value::Null));
    let user = &pod["securityContext"];
    assert_eq!(user["runAsNonRoot"], true);
    assert_eq!([&user["runAsUser"], &user["runAsGroup"], &user["fsGroup"]], [65532; 3]);
    assert!(file("deploy/docker/Dockerfile").contains("\nUSER 65532:65532\n"));
    assert_eq!(user["seccompProfile"]["type"], "RuntimeDefault");
    let fences = &container["securityContext"];
    assert_eq!((&fences["allowPrivilegeEscalation"], &fences["readOnlyRootFilesystem"]), (&false.into(), &true.into()));
    assert_eq!(fences["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert_eq!(fences["capabilities"]["add"], Value::Null);
    assert_eq!(all["Namespace portcullis"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    let limits = Limits::default();
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap() * 1_000;
    assert!(grace >= limits.shutdown_lead_ms + limits.shutdown_timeout_ms + 5_000);
    let readiness = &container["readinessProbe"];
    let noticed = readiness["periodSeconds"].as_u64().unwrap() * readiness["failureThreshold"].as_u64().unwrap();
    assert!(noticed * 2_000 <= limits.shutdown_lead_ms, "whoever asks has learnt of it before accepting ends");
    for (probe, path) in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        let asked = &container[probe]["httpGet"];
        assert_eq!((text(&asked["path"]), text(&asked["port"])), (path, "ops"), "{probe}");
    }
    assert!(
        text(&container["args"][0]) == "run" && file("deploy/docker/Dockerfile").contains("[\"/usr/bin/portcullis\"]")
    );
}

/// A stage on which the paths of the pod are folders; each is closed to others as the kubelet leaves it.
fn mounted(stage: &Stage, all: &BTreeMap<String, Value>) -> PathBuf {
    let root = stage.path("pod");
    let (pki, put) = (
        |name: &str| fs::read(stage.path(&format!("pki/{name}"))).unwrap(),
        |path: &str, bytes: &[u8]| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o440)).unwrap();
        },
    );
    for (name, from) in [
        ("gateway.pem", "gateway.pem"),
        ("gateway.key", "gateway.key"),
        ("backend-ca.pem", "backend-authority.pem"),
        ("login.jwks", "login.jwks"),
        ("smarthome-ca.pem", "partner-authority.pem"),
        ("gateway-at-smarthome.pem", "gateway-at-partner.pem"),
        ("gateway-at-smarthome.key", "gateway-at-partner.key"),
    ] {
        put(&format!("etc/portcullis/tls/{name}"), &pki(from));
    }
    let none_revoked = stage.pki.backend_authority.crl(&[], Validity::a_day_from(now())).unwrap();
    put("etc/portcullis/tls/backend-ca.crl", none_revoked.as_bytes());
    for (name, from) in [
        ("session", "session"),
        ("store", "store"),
        ("checkpoint", "checkpoint"),
        ("smarthome-token", "partner-token"),
        ("smarthome-signing", "partner-signing"),
        ("smarthome-pseudonym", "pseudonym"),
    ] {
        put(&format!("etc/portcullis/secrets/{name}.key"), &pki(&format!("{from}.key")));
    }
    let data = &all["ConfigMap portcullis-config"]["data"];
    for (name, content) in data.as_object().unwrap() {
        put(&format!("etc/portcullis/config/{name}"), text(content).as_bytes());
    }
    fs::create_dir_all(root.join("etc/portcullis/policies")).unwrap();
    for folder in ["var/lib/portcullis/audit", "var/lib/portcullis/store"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    root
}

#[test]
fn the_gateways_own_reader_takes_the_configuration_of_the_manifests_with_what_is_mounted() {
    let all = manifests();
    let pod = &all["StatefulSet portcullis"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let stage = Stage::new();
    let root = mounted(&stage, &all);
    let path = text(&container["args"][2]);
    let written = root.join(path.trim_start_matches('/'));
    let configuration = fs::read_to_string(&written).unwrap();
    // Every path in it is below a mount, or is what the image with the bundle holds.
    let mounts: Vec<&str> = list(&container["volumeMounts"]).iter().map(|mount| text(&mount["mountPath"])).collect();
    let bundle = "/etc/portcullis/policies";
    assert!(file("deploy/docker/Dockerfile.bundle").contains(&format!(" policies {bundle}\n")));
    let named: BTreeSet<&str> = configuration
        .split([' ', '}', '\n'])
        .filter(|word| word.starts_with("/etc/") || word.starts_with("/var/") || word.starts_with("/run/"))
        .collect();
    assert!(named.len() >= 14, "{named:?}");
    let below = |path: &str| mounts.iter().any(|mount| path == *mount || path.starts_with(&format!("{mount}/")));
    let astray: Vec<_> = named.iter().filter(|path| !below(path) && **path != bundle).collect();
    assert!(below(path) && astray.is_empty(), "not mounted: {astray:?}");
    let prefix = root.display().to_string();
    let local = named.iter().fold(configuration.clone(), |text, path| {
        [" ", "\n", "}"]
            .iter()
            .fold(text, |text, end| text.replace(&format!("{path}{end}"), &format!("{prefix}{path}{end}")))
    });
    fs::set_permissions(&written, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    fs::write(&written, local).unwrap();
    let config = Config::load(&written).unwrap_or_else(|faults| panic!("{faults}"));
    let port = |address: &ListenAddress| match address {
        ListenAddress::Bind(address) => u64::from(address.port()),
        ListenAddress::HandedOver(name) => panic!("nobody hands over {name}"),
    };
    let listened = [("backend", port(&config.backend.address)), ("ops", port(&config.ops))];
    let declared: Vec<(&str, u64)> = list(&container["ports"])
        .iter()
        .map(|port| (text(&port["name"]), port["containerPort"].as_u64().unwrap()))
        .collect();
    assert_eq!(declared, listened);
    assert_eq!(container["resources"]["requests"]["cpu"], config.workers.get().to_string());
    let volumes: BTreeSet<&str> = list(&pod["volumes"]).iter().map(|volume| text(&volume["name"])).collect();
    let claims = &all["StatefulSet portcullis"]["spec"]["volumeClaimTemplates"];
    let claimed = list(claims).iter().map(|claim| text(&claim["metadata"]["name"]));
    let given: BTreeSet<&str> = volumes.into_iter().chain(claimed).collect();
    let used: BTreeSet<&str> = list(&container["volumeMounts"]).iter().map(|mount| text(&mount["name"])).collect();
    assert_eq!(given, used);
}
