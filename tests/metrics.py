"""What tests/metrics.sh does beside starting and stopping: a load, and questions to Prometheus.

    metrics.py config PORT <deploy/prometheus.yml   the same, for nine services from PORT on
    metrics.py ask PORT FOLDER                      load, then every question; fails if one has no answer
"""

import base64
import glob
import hashlib
import json
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SERVICES = "gateway users payments billing notifications documents utilities analytics webhooks".split()
# How long an answer may take to be there.
PATIENCE_SECONDS = 120
# What a dashboard would choose at this interval of scrapes.
RATE_INTERVAL = "1m"
# Names that the gateway keeps for dashboards of another system; Prometheus would not call them so.
KEPT_NAMES = re.compile(r"gateway_latency_(average|p50|p95|p99)_ms\b")
# Series that are made by what does not happen here.
RARE = {"busbar_metrics_dropped_series_total", "busbar_gateway_bodies_cut_total",
        "busbar_name_addresses", "busbar_name_lookups_total",
        "busbar_billing_unrated_total", "busbar_utilities_readings_total"}


def config(port):
    text = sys.stdin.read()
    text = re.sub(r"(scrape|evaluation)_interval: \S+", r"\1_interval: 5s", text)
    text = text.replace("rules/", str(pathlib.Path("deploy/rules").resolve()) + "/")
    # The names are found on this machine: what a name server would tell, told here.
    text = text.replace("dns_sd_configs:", "static_configs:")
    for index, service in enumerate(SERVICES):
        text, count = re.subn(r"- {names: \[%s\],.*}" % service,
                              "- {targets: ['127.0.0.1:%d'], labels: {__meta_dns_name: %s}}" % (port + index, service), text)
        assert count == 1, service
    print(text, end="")


def call(base, method, path, body=None, token=None, key=None, headers=None):
    """Status and JSON; 0 when there was no answer."""
    headers = dict(headers or {})
    if body is not None:
        headers["content-type"] = "application/json"
    if token:
        headers["authorization"] = "Bearer " + token
    if key:
        headers["idempotency-key"] = key
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(base + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError:
        return 0, None
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text.decode()


def wanted(status, answer):
    code, body = answer
    assert code == status, f"{status} was wanted: {code} {body}"
    return body


def eventually(what, holds):
    end, last = time.monotonic() + PATIENCE_SECONDS, None
    while time.monotonic() < end:
        last = holds()
        if not last:
            return
        time.sleep(0.5)
    sys.exit(f"metrics: {what}: {last}")


def service_token(folder):
    """A token in the name of a service, which the injection of faults asks for."""
    url = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    seed = base64.b64decode((pathlib.Path(folder) / "data/keys/service.key").read_text())
    key = Ed25519PrivateKey.from_private_bytes(seed)
    raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    x = url(key.public_key().public_bytes(*raw))
    name = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    now = int(time.time())
    claims = {"iss": "busbar", "aud": "busbar-internal", "sub": "payments", "iat": now, "exp": now + 60}
    parts = [{"alg": "EdDSA", "typ": "JWT", "kid": url(name)}, claims]
    signed = ".".join(url(json.dumps(part).encode()) for part in parts)
    return signed + "." + url(key.sign(signed.encode()))


class Load:
    """People who pay, people who err, and things that break."""

    def __init__(self, port, folder):
        self.port, self.folder = port, folder
        self.base = f"http://127.0.0.1:{port}"
        person = {"email": "admin@example.org", "password": "a long sentence nobody guesses"}
        self.admin = wanted(200, call(self.base, "POST", "/api/auth/login", person))["access_token"]
        alice = {"email": "alice@example.org", "password": "a bill a day keeps the dark away"}
        self.alice_id = wanted(201, call(self.base, "POST", "/api/users", {**alice, "name": "Alice"}))["id"]
        self.alice = wanted(200, call(self.base, "POST", "/api/auth/login", alice))["access_token"]
        self.done = threading.Event()

    def pay(self, number, method):
        draft = {"user_id": self.alice_id, "provider_id": "river-power", "currency": "USD",
                 "due_on": "2099-12-31", "period": {"start": "2026-11-01", "end": "2026-12-01"},
                 "lines": [{"kind": "fixed", "description": "Electricity", "amount_minor": 4496}]}
        status, bill = call(self.base, "POST", "/api/bills", draft, self.admin)
        if status != 201:
            return
        call(self.base, "POST", f"/api/bills/{bill['id']}/issue", {}, self.admin, f"issue-{number}")
        order = {"bill_id": bill["id"], "amount_minor": 4496, "currency": "USD",
                 "method": {"type": "sim", "token": method}}
        for _ in range(2):
            call(self.base, "POST", "/api/payments", order, self.alice, f"pay-{number}")

    def err(self, number):
        for _ in range(5):
            call(self.base, "GET", f"/api/bills/{number}-nothing", token=self.alice)
            call(self.base, "GET", f"/scanned/{number}")
            call(self.base, "GET", "/api/bills")
            call(self.base, "GET", "/nobody/home")
        call(self.base, "POST", "/api/bills", {"user_id": 7}, self.admin)
        call(self.base, "POST", "/api/auth/login", {"email": "a@example.org", "password": "not this one"})
        for index in range(len(SERVICES)):
            self.mumble(self.port + index)

    def mumble(self, port):
        """What is no request. One that is being replaced need not answer it."""
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as line:
                line.sendall(b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n")
                line.recv(100)
        except OSError:
            pass

    def run_on(self):
        """Until `done`, so that rates have something to show."""
        number = 0
        while not self.done.is_set():
            number += 1
            self.pay(number, ["tok_ok", "tok_decline"][number % 2])
            self.err(number)
            call(self.base, "GET", "/api/analytics/revenue", token=self.admin)
            call(self.base, "GET", "/api/utilities", token=self.admin)
            # The machine has other things to do as well.
            time.sleep(0.2)

    def break_things(self):
        for service, fault in (("billing", "panic_handler"), ("users", "panic_thread")):
            at = f"http://127.0.0.1:{self.port + SERVICES.index(service)}"
            token = service_token(self.folder)
            call(at, "POST", "/internal/fault", {"fault": {"kind": fault}, "count": 1}, token)


class Prometheus:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path, **query):
        status, body = call(self.base, "GET", f"{path}?{urllib.parse.urlencode(query)}")
        if status != 200:
            return {"error": body}
        return body["data"]

    def all_have(self, what, queries):
        """Each has had an answer: on a busy machine a scrape may be late, and its series gone meanwhile."""
        open_ones = dict.fromkeys(queries)
        def unanswered():
            for query in list(open_ones):
                open_ones[query] = self.has(query)
                if open_ones[query] is None:
                    del open_ones[query]
            return "\n".join(open_ones.values())
        eventually(what, unanswered)

    def rules(self):
        return [rule for group in self.get("/rules")["groups"] for rule in group["rules"]]

    def has(self, query):
        """Why there is no answer; nothing when there is one."""
        data = self.get("/query", query=query)
        if "error" in data:
            return f"{query}: {data['error']}"
        return None if data["result"] else f"{query}: no data"


def panels():
    for path in sorted(glob.glob("deploy/grafana/dashboards/*.json")):
        board = json.loads(pathlib.Path(path).read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                query = target["expr"].replace("$__rate_interval", RATE_INTERVAL)
                yield query.replace("$service", ".+")


def inputs(query):
    """The series that an expression looks at, without the windows."""
    query = re.sub(r"(by|on|group_left) *\([^)]*\)", "", query)
    found = re.findall(r"\b(?:busbar|process|service:busbar|up)[a-z0-9_:]*(?:\{[^}]*\})?", query)
    return [selector for selector in found if not re.match(r"service\b(?!:)", selector)]


def documented():
    return set(re.findall(r"^\| `([a-z0-9_]+)", pathlib.Path("docs/metrics.md").read_text(), re.M))


def check_metrics(port):
    scraped = set()
    for index, service in enumerate(SERVICES):
        status, text = call(f"http://127.0.0.1:{port + index}", "GET", "/metrics/prometheus")
        assert status == 200, (service, status)
        names = re.findall(r"^# TYPE (\S+)", text, re.M)
        assert len(names) == len(set(names)), f"{service} shows a metric twice"
        scraped.update(names)
        text = "".join(line + "\n" for line in text.splitlines() if not KEPT_NAMES.search(line))
        told = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
        if told.returncode or told.stderr:
            sys.exit(f"metrics: promtool says of {service}:\n{told.stdout}{told.stderr}")
    unknown, gone = scraped - documented(), documented() - scraped - RARE
    if unknown or gone:
        sys.exit(f"metrics: docs/metrics.md lacks {sorted(unknown)}; nothing measures {sorted(gone)}")
    print(f"{len(scraped)} metrics of nine services: promtool has nothing to say, all are documented")


def check_exemplars(prometheus, folder):
    """The trace of an exemplar is in the log, which is JSON lines."""
    def missing():
        now = time.time()
        found = prometheus.get("/query_exemplars", query="busbar_http_request_duration_seconds_bucket",
                               start=now - 600, end=now)
        traces = {e["labels"]["trace_id"] for series in found for e in series["exemplars"]}
        lines = (json.loads(line) for line in open(f"{folder}/log") if line.startswith("{"))
        logged = {line.get("trace_id") for line in lines}
        if not traces or not traces <= logged:
            return f"{len(traces)} exemplars, not in the log: {sorted(traces - logged)[:3]}"
    eventually("exemplars lead to the log", missing)
    print("exemplars lead to lines of the log")


def ask(port, folder):
    prometheus = Prometheus(port + 9)
    eventually("busbar and Prometheus start", lambda: None
               if call(f"http://127.0.0.1:{port}", "GET", "/health/ready")[0] == 200
               and call(f"http://127.0.0.1:{port + 9}", "GET", "/-/ready")[0] == 200 else "not ready")
    load = Load(port, folder)
    load.break_things()
    worker = threading.Thread(target=load.run_on, daemon=True)
    worker.start()
    eventually("nine are scraped", lambda: prometheus.has('sum(up{job="busbar"}) == 9'))

    boards = list(panels())
    prometheus.all_have("panels have data", boards)
    print(f"{len(boards)} expressions of dashboards have data")

    asked = []
    for rule in prometheus.rules():
        # A recording rule has a result; an alert has none when all is well, but looks at something.
        looked_at = [rule["name"]] if rule["type"] == "recording" else inputs(rule["query"])
        assert looked_at, rule["query"]
        asked += [query for query in looked_at if not any(name in query for name in RARE)]
    prometheus.all_have("rules have something to look at", asked)
    eventually("rules are evaluated", lambda: [
        f"{rule['name']}: {rule.get('lastError')}" for rule in prometheus.rules() if rule["health"] != "ok"])
    print(f"{len(prometheus.rules())} rules are evaluated, and what they look at has data")

    check_exemplars(prometheus, folder)
    load.done.set()
    worker.join(60)
    check_metrics(port)


if __name__ == "__main__":
    if sys.argv[1] == "config":
        config(int(sys.argv[2]))
    else:
        ask(int(sys.argv[2]), sys.argv[3])
