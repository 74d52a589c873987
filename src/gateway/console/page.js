// The status page. It asks for the state once a second while it is looked at, and changes what is
// there instead of drawing it anew: what is open stays open, and the focus where it is. All text
// from outside is set as text.
"use strict";

const ASK_MS = 1000;
const WAIT_MS = 4000;
const STALE_MS = 4000;
const SPARK_MAX = 120;
const HOLD = { up: 7, degraded: 8.5, down: 10, unknown: 1 };
const LETTERS = { u: "up", g: "degraded", d: "down", "-": "unknown" };

const $ = (id) => document.getElementById(id);
const rows = new Map();
let token = null;
let last = null;
let before = null;
let receivedAt = 0;
let fault = "";
let words = new Map();
const rates = [];

// ---- text

const number = (value, digits = 0) =>
  value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });

function lasting(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60 ? `${s % 60} s` : ""}`.trim();
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

function bytes(value) {
  if (value < 1024) return `${value} B`;
  const mib = value / 1048576;
  return mib < 1 ? `${number(value / 1024, 1)} KiB` : `${number(mib, mib < 10 ? 1 : 0)} MiB`;
}

const milliseconds = (value) => (value === undefined ? "–" : `${number(value, value < 10 ? 1 : 0)} ms`);

function uptime(service) {
  const share = service.uptime24h;
  if (share === undefined) return "–";
  // 99.9996 is not 100.
  return `${share === 100 ? "100" : number(Math.min(share, 99.999), 3)} %`;
}

const clock = (instant) =>
  new Date(instant).toLocaleString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", day: "numeric", month: "short" });

// ---- elements

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// What is the same stays: somebody may be copying it.
function fill(holder, fresh) {
  if (!holder.firstElementChild?.isEqualNode(fresh)) holder.replaceChildren(fresh);
}

function make(name, kind, ...children) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.append(...children);
  return element;
}

function draw(name, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function sign() {
  const element = make("span", "sign");
  element.setAttribute("aria-hidden", "true");
  return element;
}

const look = (status) => String(status || "UNKNOWN").toLowerCase();

// ---- one service

function standing(service) {
  if (service.missed > 0 && service.status !== "DOWN") return { kind: "degraded", word: "Not answering" };
  const word = { UP: "Up", DEGRADED: "Degraded", DOWN: "Down", UNKNOWN: "Unknown" }[service.status];
  return { kind: look(service.status), word: word || "Unknown" };
}

function row(service) {
  const known = rows.get(service.service);
  if (known) return known;
  const part = {
    word: make("span", "word"), strip: draw("svg", { class: "strip", viewBox: "0 0 96 10", preserveAspectRatio: "none", role: "img" }),
    uptime: make("span"), latency: make("span"), restarts: make("span"), tree: make("div"), ends: make("div"),
  };
  const inner = make("div", "inside", make("div", "", make("h3", "", "Actors"), part.tree), make("div", "", make("h3", "", "Last ends"), part.ends));
  const figures = ["uptime", "latency", "restarts"].map((label) => make("span", "figure", make("span", "label", `${label} `), part[label]));
  const chevron = draw("svg", { class: "chevron", viewBox: "0 0 12 12", "aria-hidden": "true" });
  chevron.append(draw("path", { d: "M4 2l4 4-4 4" }));
  part.verdict = make("span", "verdict", sign(), part.word);
  const summary = make("summary", "row", part.verdict, make("span", "name", service.service), part.strip,
    make("span", "figures", ...figures), chevron);
  part.element = make("details", "service", summary, inner);
  part.element.addEventListener("toggle", () => last && inside(part, byName(last, service.service)));
  $("rows").append(part.element);
  rows.set(service.service, part);
  return part;
}

const byName = (state, name) => state.health.services.find((service) => service.service === name);

function strip(part, service) {
  const letters = service.strip || "-".repeat(96);
  const percent = service.uptime24h === undefined ? "not known yet" : uptime(service);
  const label = `Last 24 hours: ${percent} up, watched ${number(service.watched24h, 1)} % of the time, ${service.changes24h} changes`;
  part.strip.setAttribute("aria-label", label);
  if (part.letters === letters) return;
  part.letters = letters;
  const title = draw("title");
  title.textContent = label;
  const pieces = [...letters].map((letter, at) => {
    const kind = LETTERS[letter] || "unknown";
    return draw("rect", { class: kind, x: at + 0.1, width: 0.8, y: 10 - HOLD[kind], height: HOLD[kind] });
  });
  part.strip.replaceChildren(title, ...pieces);
}

function showService(service) {
  const part = row(service);
  const { kind, word } = standing(service);
  part.element.className = `service ${kind}`;
  part.verdict.className = `verdict ${kind}`;
  put(part.word, word);
  strip(part, service);
  put(part.uptime, uptime(service));
  put(part.latency, service.status === "DOWN" ? "–" : milliseconds(service.latencyMs));
  const restarts = service.instances.reduce((sum, { inside: told }) => (told ? (sum ?? 0) + told.restarts : sum), undefined);
  // What was told before it went away still holds.
  if (restarts !== undefined) put(part.restarts, number(restarts));
  else if (!part.restarts.textContent) put(part.restarts, "–");
  if (part.element.open) inside(part, service);
  tell(service.service, word);
}

function tell(name, word) {
  const earlier = words.get(name);
  words.set(name, word);
  if (earlier && earlier !== word) put($("news"), `${name}: ${word.toLowerCase()}`);
}

// ---- the inside of a service

function state(status, ...text) {
  return make("li", look(status), sign(), ...text);
}

function inside(part, service) {
  if (!part.element.open) return;
  fill(part.tree, tree(service));
  fill(part.ends, ends(service));
}

function tree(service) {
  const now = new Date(last.at).getTime();
  const age = service.checkedAt ? (now - new Date(service.checkedAt).getTime()) / 1000 : null;
  const why = service.reason ? `: ${service.reason}` : "";
  const since = service.since ? ` for ${lasting((now - new Date(service.since).getTime()) / 1000)}` : "";
  const missed = service.missed ? `, ${service.missed} looks without an answer` : "";
  const top = state(service.status, make("strong", "", service.service), ` ${look(service.status)}${since}${why}${missed}`);
  if (service.flapping) top.append(make("span", "alarm", " flapping"));
  if (age !== null && age > 10) top.append(make("span", "quiet", ` looked at ${lasting(age)} ago`));
  top.append(make("ul", "", ...service.instances.map((place) => instance(service, place, now))));
  return make("ul", "tree", top);
}

function instance(service, place, now) {
  const told = place.inside;
  const title = service.instances.length > 1 ? `instance ${place.instance}` : "supervisor";
  const item = state(place.status, title);
  if (!told) {
    item.append(make("span", "quiet", " in another process, which tells nothing now"));
    return item;
  }
  const failures = told.failures ? `, failures that count ${told.failures}` : "";
  item.append(` ${told.state}`, make("span", "quiet", `, restarts ${told.restarts}${failures}, version ${told.version}`));
  const children = [make("li", "", `${told.workers} HTTP ${told.workers === 1 ? "worker" : "workers"}`,
    make("span", "quiet", `, ${number(told.requests)} requests, ${number(told.errors)} errors, half within ${number(told.p50Ms, 1)} ms, 99 % within ${number(told.p99Ms, 1)} ms`))];
  for (const check of place.checks || []) {
    children.push(state(check.status, check.name, make("span", "quiet", check.reason ? `: ${check.reason}` : "")));
  }
  const age = lasting((now - new Date(told.since).getTime()) / 1000);
  const incarnation = make("li", "", `incarnation ${told.generation}`, make("span", "quiet", ` ${told.state} for ${age}`), make("ul", "", ...children));
  item.append(make("ul", "", incarnation));
  return item;
}

function ends(service) {
  const all = service.instances.flatMap(({ inside: told }) => (told ? told.ends : []));
  if (!all.length) return make("p", "quiet", "None since the process started.");
  all.sort((a, b) => b.at.localeCompare(a.at));
  const items = all.slice(0, 5).map((end) => {
    const item = make("li", "", make("strong", "", end.reason), make("span", "quiet", ` of incarnation ${end.generation}, ${clock(end.at)}`));
    if (end.message) item.append(make("div", "", end.message));
    if (end.location) item.append(make("code", "quiet", end.location));
    return item;
  });
  const list = make("ul", "plain ends", ...items);
  return last.isDetailed ? list : make("div", "", list, make("p", "quiet", "An administrator sees why, and where."));
}

// ---- the whole

function showTraffic(now) {
  const { traffic, cache, breakers } = now;
  const seconds = before ? (new Date(now.at) - new Date(before.at)) / 1000 : 0;
  const isSame = before && before.uptimeSeconds <= now.uptimeSeconds;
  if (isSame && seconds > 0) {
    const rate = Math.max(0, traffic.requests - before.traffic.requests) / seconds;
    const errors = Math.max(0, traffic.errors - before.traffic.errors) / seconds;
    rates.push(rate);
    if (rates.length > SPARK_MAX) rates.shift();
    put($("rate"), number(rate, rate < 10 ? 1 : 0));
    put($("errors"), number(errors, 1));
    $("errors").className = errors > 0 ? "alarm" : "";
    const top = Math.max(1, ...rates);
    const points = rates.map((value, at) => `${SPARK_MAX - rates.length + at},${(23 - (value / top) * 22).toFixed(1)}`);
    $("spark").firstElementChild.setAttribute("points", points.join(" "));
  }
  put($("total"), number(traffic.requests));
  put($("under-way"), `${number(traffic.underWay)} of ${number(traffic.underWayMax)}`);
  for (const key of ["p50", "p95", "p99", "average"]) {
    put($(key), traffic.requests ? `${number(traffic.latencyMs[key], 1)}${key === "p50" ? "" : " ms"}` : "–");
  }
  const looks = cache.hits + cache.misses;
  put($("hits"), looks ? `${number((cache.hits / looks) * 100, 1)} %` : "–");
  put($("entries"), `${number(cache.entries)} of ${number(cache.entriesMax)}`);
  put($("bytes"), `${bytes(cache.bytes)} of ${bytes(cache.bytesMax)}`);
  put($("looks"), `${number(cache.hits)}, ${number(cache.misses)}`);
  const closed = breakers.filter((breaker) => breaker.state !== "passing");
  put($("passing"), `${breakers.length - closed.length} of ${breakers.length}`);
  const items = closed.map((breaker) => make("li", breaker.state === "rejecting" ? "alarm" : "",
    make("span", "", `${breaker.upstream}/${breaker.instance}`),
    make("span", "", breaker.state === "rejecting" ? `rejecting, ${lasting(breaker.forMs / 1000)}` : breaker.state)));
  fill($("breakers"), make("ul", "plain", ...(items.length ? items : [make("li", "quiet", "Nobody is left alone.")])));
}

function showBacklog(services) {
  const lines = services.filter((service) => service.service !== "gateway").map((service) => {
    const sums = {};
    for (const { inside: told } of service.instances) {
      for (const [key, value] of Object.entries((told && told.figures) || {})) {
        // Instances of one service look at one database; what each holds itself is added.
        sums[key] = key.startsWith("connections") ? (sums[key] || 0) + value : Math.max(sums[key] || 0, value);
      }
    }
    const cell = (text, isBad) => make("td", isBad ? "alarm" : text === "0" || text === "–" ? "quiet" : "", text);
    const figure = (key) => (sums[key] === undefined ? "–" : number(sums[key]));
    const oldest = sums.outboxOldestSeconds === undefined ? "–" : sums.outboxOldestSeconds ? lasting(sums.outboxOldestSeconds) : "0";
    const title = make("th", "", service.service);
    title.scope = "row";
    const used = sums.connectionsMax === undefined ? "–" : `${number(sums.connectionsUsed || 0)} of ${number(sums.connectionsMax)}`;
    return make("tr", "", title, cell(figure("outboxPending")), cell(oldest, sums.outboxOldestSeconds > 60),
      cell(figure("outboxParked"), sums.outboxParked > 0), cell(figure("jobsWaiting")), cell(figure("jobsDead"), sums.jobsDead > 0),
      cell(used, sums.connectionsWaited > 0));
  });
  const fresh = make("tbody", "", ...lines);
  fresh.id = "backlog";
  if (!$("backlog").isEqualNode(fresh)) $("backlog").replaceWith(fresh);
  const told = services.find((service) => service.service === "webhooks").instances.map(({ inside: it }) => it).find(Boolean);
  const { webhooksPending: waiting, webhooksOldestSeconds: oldest } = (told && told.figures) || {};
  put($("webhooks"), waiting === undefined ? "Webhooks: not known now." : `Webhooks: ${number(waiting)} deliveries wait${waiting ? `, the oldest for ${lasting(oldest)}` : ""}.`);
}

// The worst there is, and of whom.
function verdict({ services }) {
  for (const [kind, one, all] of [["down", "Down", "Nothing answers"], ["degraded", "Degraded", "All are degraded"], ["unknown", "Unknown", "Nothing known yet"]]) {
    const names = services.filter((service) => standing(service).kind === kind).map((service) => service.service);
    if (names.length > 3) return { kind, word: names.length >= services.length - 1 ? all : `${one}: ${names.length} services` };
    if (names.length) return { kind, word: `${one}: ${names.join(", ")}` };
  }
  return { kind: "up", word: "All services answer" };
}

function show(now) {
  before = last;
  last = now;
  const { kind, word } = verdict(now.health);
  $("overall").className = `verdict ${kind}`;
  put($("overall").lastElementChild, word);
  document.title = kind === "up" ? "Busbar" : `${word} – Busbar`;
  put($("version"), now.version);
  put($("uptime"), lasting(now.uptimeSeconds));
  put($("kept"), now.health.isHistoryKept ? "" : ". The history ends with this process: its folder cannot be written to.");
  put($("session"), token ? "Sign out" : "Sign in");
  for (const service of now.health.services) showService(service);
  showTraffic(now);
  showBacklog(now.health.services);
}

function showAge() {
  const age = receivedAt ? performance.now() - receivedAt : null;
  put($("age"), age === null ? "–" : age < 2000 ? "now" : `${lasting(age / 1000)} ago`);
  const isStale = Boolean(fault) && (age === null || age > STALE_MS);
  document.body.classList.toggle("is-stale", isStale && age !== null);
  const text = age === null ? `The gateway does not answer: ${fault}.` : `Connection lost: ${fault}. What you see is ${lasting(age / 1000)} old.`;
  if ($("banner").hidden === isStale) $("banner").hidden = !isStale;
  if (isStale) put($("banner"), text);
}

async function ask() {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const answer = await fetch("console/state", { headers, cache: "no-store", signal: AbortSignal.timeout(WAIT_MS) });
  if (answer.status === 401 && token) {
    forget();
    return ask();
  }
  if (answer.status === 401 || answer.status === 403) throw new Error("this page is for administrators, sign in");
  if (!answer.ok) throw new Error(`it answers ${answer.status}`);
  return answer.json();
}

async function round() {
  if (!document.hidden) {
    try {
      const now = await ask();
      receivedAt = performance.now();
      fault = "";
      show(now);
    } catch (error) {
      fault = error instanceof TypeError ? "no answer" : error.name === "TimeoutError" ? "no answer in time" : error.message;
    }
    showAge();
  }
  setTimeout(round, ASK_MS);
}

// ---- the session of an administrator; it is kept here and nowhere else

function forget() {
  token = null;
  put($("session"), "Sign in");
}

async function signIn(event) {
  event.preventDefault();
  put($("login-fault"), "");
  try {
    const body = JSON.stringify({ email: $("email").value, password: $("password").value, device_name: "Status page" });
    const answer = await fetch("api/auth/login", { method: "POST", body, headers: { "content-type": "application/json" }, signal: AbortSignal.timeout(2 * WAIT_MS) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail || said.title || `it answers ${answer.status}`);
    token = said.access_token;
    $("password").value = "";
    $("login").close();
    show(await ask());
    if (!last.isDetailed) throw new Error("this account is no administrator's");
  } catch (error) {
    if (token && last && !last.isDetailed) await signOut();
    if (!$("login").open) $("login").showModal();
    put($("login-fault"), error instanceof TypeError ? "The users service cannot be reached." : error.message);
  }
}

async function signOut() {
  const headers = { authorization: `Bearer ${token}` };
  forget();
  await fetch("api/auth/logout", { method: "POST", headers }).catch(() => {});
}

$("session").addEventListener("click", () => (token ? signOut() : $("login").showModal()));
$("cancel").addEventListener("click", () => $("login").close());
$("login-form").addEventListener("submit", signIn);
setInterval(showAge, 1000);
round();
