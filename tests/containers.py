"""What tests/containers.sh does beside starting and stopping: a load through the gateway, while each
container is killed in turn and a service is scaled to two instances and back.

    containers.py try            all of that, and what must have come of it
    containers.py table EVENTS   image, time to be up and healthy, memory of each container, as a table;
                                 EVENTS is a file that docker writes what happens to, from before the start

A reader takes every answer as it is. A payer does what any client should: what was not answered, or by
503, 502, 504 or "still being worked on", is sent again under the same key. The promises:

* a request to a service whose container lives is answered with success, whichever other one was killed;
* each key ends as one payment, and the bills know each once;
* scaling up and down costs no answer at all.
"""

import calendar
import collections
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

DOCKER = os.environ.get("DOCKER", "docker")
COMPOSE = os.environ["COMPOSE"].split() + ["-f", "deploy/compose.yml", "--env-file", "deploy/.env"]
GATEWAY = os.environ.get("GATEWAY", "http://127.0.0.1:3000")
SERVICES = "users payments billing notifications documents utilities analytics webhooks gateway".split()
# One reader for each service and four payers, who wait for their answer before they ask for more: where all
# is slow the rate falls, and nothing piles up. 20 a second are as much as a program that was compiled for
# tests does with one core.
READS_EVERY, PAYMENTS_EVERY = 0.5, 1
PAYERS, BILLED = 4, 1_000_000
# What tells a payer to come again: no answer, and those that say that it is not decided.
AGAIN = {0, 502, 503, 504}
# How long a payer insists, and how long anything else may take to come about.
PATIENCE_SECONDS = 120
SETTLING_SECONDS = 2
# So long after the last failure the kills are over and done with.
QUIET_SECONDS = 5


def call(method, path, body=None, token=None, key=None, base=GATEWAY):
    """Status, JSON and header fields; status 0 when there was no answer."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = "Bearer " + token
    if key:
        headers["idempotency-key"] = key
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text, fields = answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        status, text, fields = error.code, error.read(), error.headers
    except OSError as error:
        return 0, str(error), {}
    try:
        return status, json.loads(text), fields
    except ValueError:
        return status, text.decode(), fields


def fail(what, cases):
    """Tells how often, of which kinds, and the first of them."""
    kinds = collections.Counter(re.sub(r"[0-9a-f]{8}-[-0-9a-f]{27}|pay-[0-9]+", "…", case)[:120] for case in cases)
    lines = [f"{count} x {kind}" for kind, count in kinds.most_common(10)]
    sys.exit(f"containers: {len(cases)} {what}:\n" + "\n".join([*lines, "the first: " + cases[0]]))


def wanted(status, answer):
    assert answer[0] == status, f"{status} was wanted: {answer[0]} {answer[1]}"
    return answer[1]


def eventually(what, holds):
    end, last = time.monotonic() + PATIENCE_SECONDS, None
    while time.monotonic() < end:
        last = holds()
        if last is True:
            return
        time.sleep(0.1)
    sys.exit(f"containers: {what}: {last}")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"containers: {' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def containers(service):
    return run(*COMPOSE, "ps", "-q", service).split()


def inspect(container, what):
    return run(DOCKER, "inspect", "--format", what, container)


class Payer:
    def __init__(self, number, admin):
        person = {"email": f"payer-{number}@example.org", "password": "a bill a day keeps the dark away"}
        me = wanted(201, call("POST", "/api/users", {**person, "name": "Payer"}))["id"]
        self.token = wanted(200, call("POST", "/api/auth/login", person))["access_token"]
        draft = {"user_id": me, "provider_id": "grid", "currency": "USD", "due_on": "2099-12-31",
                 "period": {"start": "2026-11-01", "end": "2026-12-01"},
                 "lines": [{"kind": "fixed", "description": "Electricity", "amount_minor": BILLED}]}
        self.bill = wanted(201, call("POST", "/api/bills", draft, admin))["id"]
        wanted(200, call("POST", f"/api/bills/{self.bill}/issue", {}, admin, f"issue-{self.bill}"))
        self.keys = 0

    def order(self):
        return {"bill_id": self.bill, "amount_minor": 1, "currency": "USD",
                "method": {"type": "sim", "token": "tok_ok"}}


class Load:
    """Readers and payers, each in a thread of its own."""

    def __init__(self):
        password = open("deploy/secrets/admin_password").read().strip()
        person = {"email": "admin@localhost", "password": password}
        self.admin = wanted(200, call("POST", "/api/auth/login", person))["access_token"]
        self.payers = [Payer(number, self.admin) for number in range(PAYERS)]
        own = self.payers[0].token
        self.reads = [
            ("users", "/api/users/me", own),
            ("payments", "/api/payments?limit=5", own),
            ("billing", f"/api/bills/{self.payers[0].bill}", own),
            ("notifications", "/api/notifications/unread-count", own),
            ("documents", "/api/documents?limit=5", own),
            ("utilities", "/api/service-accounts?limit=5", own),
            ("analytics", "/api/analytics/dashboard", self.admin),
            ("webhooks", "/api/webhooks?limit=5", self.admin),
        ]
        self.lock = threading.Lock()
        self.sent, self.paid, self.again, self.faults = 0, {}, [], []
        # Of each read that was not answered with success: service, from when to when, what it was.
        self.failed = []
        self.over, self.begin = threading.Event(), time.monotonic()
        work = [(READS_EVERY, self.read, read) for read in self.reads]
        work += [(PAYMENTS_EVERY, self.pay, payer) for payer in self.payers]
        self.clients = [threading.Thread(target=self.repeat, args=(number, *each)) for number, each in enumerate(work)]
        for client in self.clients:
            client.start()

    def repeat(self, number, every, send, what):
        self.over.wait(every * number / len(self.clients))
        while not self.over.is_set():
            start = time.monotonic()
            send(what)
            with self.lock:
                self.sent += 1
            self.over.wait(max(0, start + every - time.monotonic()))

    def read(self, what):
        service, path, token = what
        start = time.monotonic()
        status, text, _ = call("GET", path, token=token)
        if not 200 <= status < 300:
            with self.lock:
                self.failed.append((service, start, time.monotonic(), f"GET {path}: {status} {text}"))

    def pay(self, payer):
        payer.keys += 1
        start, key = time.monotonic(), f"pay-{payer.keys}"
        while True:
            status, body, fields = call("POST", "/api/payments", payer.order(), payer.token, key)
            if status == 201:
                with self.lock:
                    self.paid[payer.bill, key] = body["id"]
                return
            in_flight = status == 409 and body["code"] == "idempotency_in_flight"
            if (status not in AGAIN and not in_flight) or time.monotonic() - start > PATIENCE_SECONDS:
                with self.lock:
                    self.faults.append(f"payment {key}: {status} {body}")
                return
            with self.lock:
                self.again.append((time.monotonic(), f"payment {key}: {status} {body}"))
            time.sleep(min(float(fields.get("retry-after", 0.5)), 2))

    def end(self):
        self.over.set()
        for client in self.clients:
            client.join()
        self.per_second = self.sent / (time.monotonic() - self.begin)


class Killed:
    """A container that is killed, and its service: from when to when it need not answer."""

    def __init__(self, load, service):
        self.load, self.service, self.end, self.fault = load, service, None, None
        self.container, = containers(service)
        self.start = time.monotonic()
        os.kill(int(inspect(self.container, "{{.State.Pid}}")), 9)
        eventually(f"{service} is started again", lambda:
                   inspect(self.container, "{{.RestartCount}} {{.State.Running}}") == "1 true")
        self.started = time.monotonic()
        # The breaker may stay with its verdict for a while yet; the next one need not wait for that.
        self.waiter = threading.Thread(target=self.wait)
        self.waiter.start()

    def wait(self):
        path, token = next(((path, token) for name, path, token in self.load.reads if name == self.service),
                           ("/health/ready", None))
        def answers():
            status, text, fields = call("GET", path, token=token)
            is_its_own = fields.get("x-cache", "") not in ("HIT", "STALE")
            return (status == 200 and is_its_own) or f"{status} {text}"
        try:
            eventually(f"{self.service} answers again", answers)
            self.end = time.monotonic()
        except SystemExit as told:
            self.fault = told.code

    def excuses(self, service, start, end):
        return self.service in (service, "gateway") and start < (self.end or end) and end > self.start


def serves_on(load, killed):
    """Reads failed only of services whose container was away."""
    unexcused = [what for service, start, end, what in load.failed
                 if not any(one.excuses(service, start, end) for one in killed)]
    if unexcused:
        fail("requests failed to services that nobody had killed", unexcused)


def answered(container):
    """Requests for payments that an instance has answered, by its own count."""
    addresses = inspect(container, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}").split()
    for address in addresses:
        status, text, _ = call("GET", "/metrics/prometheus", base=f"http://{address}:3002")
        if status == 200:
            lines = [line for line in text.splitlines()
                     if line.startswith("busbar_http_requests_total{") and 'route="/payments"' in line]
            return sum(float(line.rsplit(" ", 1)[1]) for line in lines)
    sys.exit(f"containers: {container} shows no figures")


def scale(count):
    run(*COMPOSE, "up", "-d", "--no-recreate", "--scale", f"payments={count}", "payments")


def scaled(load):
    """Payments in two instances, and one again, under the load. Nothing fails at all."""
    def is_quiet():
        with load.lock:
            ends = [end for _, _, end, _ in load.failed] + [end for end, _ in load.again]
        return time.monotonic() - max(ends, default=0) > QUIET_SECONDS or f"{len(ends)} failures so far"
    eventually("nothing fails any more", is_quiet)
    since = time.monotonic()
    scale(2)
    eventually("there are two instances", lambda: len(containers("payments")) == 2)
    both = containers("payments")
    eventually("both are healthy", lambda: [inspect(one, "{{.State.Health.Status}}") for one in both] == ["healthy"] * 2)
    begun = {one: answered(one) for one in both}
    eventually("both are asked", lambda: all(answered(one) > begun[one] + 5 for one in both)
               or {one: answered(one) - begun[one] for one in both})
    shares = [int(answered(one) - begun[one]) for one in both]
    endings = [subprocess.Popen([DOCKER, "wait", one], stdout=subprocess.PIPE, text=True) for one in both]
    scale(1)
    eventually("there is one instance", lambda: len(containers("payments")) == 1)
    gone = next(index for index, one in enumerate(both) if one not in containers("payments"))
    code = endings[gone].communicate()[0].strip()
    endings[1 - gone].kill()
    endings[1 - gone].communicate()
    if code != "0":
        sys.exit(f"containers: the instance that was too many ended with {code}")
    time.sleep(SETTLING_SECONDS)
    with load.lock:
        bad = [what for _, _, end, what in load.failed if end > since]
        bad += [what for end, what in load.again if end > since]
    if bad:
        fail("answers were lost by scaling", bad)
    print(f"payments: two instances answered {shares[0]} and {shares[1]} requests, then one again; nothing failed")


def is_settled(load):
    """Every key is one payment, every bill knows each once, and the books balance."""
    if load.faults:
        fail("payments came to no end", load.faults)
    keys = sum(payer.keys for payer in load.payers)
    assert len(load.paid) == keys, (len(load.paid), keys)
    assert len(set(load.paid.values())) == keys, "two keys, one payment"
    for payer in load.payers:
        def balance():
            bill = wanted(200, call("GET", f"/api/bills/{payer.bill}", token=payer.token))
            left = BILLED - payer.keys
            if bill["balance_minor"] < left:
                sys.exit(f"containers: {payer.keys} keys of a cent, and {bill['balance_minor']} is left of {BILLED}")
            return bill["balance_minor"] == left or f"{bill['balance_minor']} is left, not {left}"
        eventually("a bill knows its payments", balance)
        listed, cursor = [], ""
        while cursor is not None:
            page = wanted(200, call("GET", f"/api/payments?limit=100{cursor}", token=payer.token))
            listed += page["data"]
            cursor = f"&cursor={page['next_cursor']}" if page.get("next_cursor") else None
        ours = {payment for (bill, _), payment in load.paid.items() if bill == payer.bill}
        assert len(listed) == payer.keys and {payment["id"] for payment in listed} == ours, "other payments than keys"
        assert all(payment["status"] == "succeeded" for payment in listed), listed
    report = wanted(200, call("GET", "/api/admin/invariants", token=load.admin))
    if not report["ok"]:
        sys.exit(f"containers: the books do not balance: {report}")
    return keys


def try_all():
    load, killed = Load(), []
    try:
        for service in SERVICES:
            if service == "gateway":
                for one in killed:
                    one.waiter.join()
            killed.append(Killed(load, service))
            time.sleep(SETTLING_SECONDS)
        for one in killed:
            one.waiter.join()
            if one.fault:
                sys.exit(one.fault)
            print(f"{one.service}: started again after {one.started - one.start:.1f} s, "
                  f"answers through the gateway after {one.end - one.start:.1f} s")
        scaled(load)
    finally:
        load.end()
    serves_on(load, killed)
    keys = is_settled(load)
    print(f"{load.sent} requests, {load.per_second:.0f} a second: {len(load.failed)} reads failed, each of a service "
          f"that was away; {keys} payments, each made once, {len(load.again)} times sent again")


def table(events):
    """Times are from the container's start; an image's size is what it would be without the others."""
    started, healthy = {}, {}
    for line in open(events):
        at, name, action = line.rstrip().split(" ", 2)
        {"start": started, "health_status: healthy": healthy}.get(action, {}).setdefault(name, int(at) / 1e9)
    print("| container | image | up after | healthy after | memory |\n|---|---|---|---|---|")
    rows = [(service, container) for service in ["gateway", *SERVICES[:-1], "postgres"] for container in containers(service)]
    told = run(DOCKER, "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *(row[1] for row in rows))
    memory = dict(line.split(" / ")[0].split(" ") for line in told.splitlines())
    for service, container in rows:
        name, image = inspect(container, "{{.Name}} {{.Image}}").lstrip("/").split()
        size = int(run(DOCKER, "image", "inspect", "--format", "{{.Size}}", image)) / 1e6
        up = next((line.split()[0] for line in logs(container) if " is up on " in line), None)
        up = f"{epoch(up) - started[name]:.1f} s" if up else ""
        print(f"| {service} | {size:.1f} MB | {up} | {healthy[name] - started[name]:.1f} s | {memory[name]} |")


def logs(container):
    done = subprocess.run([DOCKER, "logs", "--timestamps", container], capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).splitlines()


def epoch(stamp):
    """The seconds of 2026-01-31T12:34:56.123456789Z."""
    whole, part = stamp.rstrip("Z").split(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + part)


if __name__ == "__main__":
    try_all() if sys.argv[1] == "try" else table(sys.argv[2])
