// The status page as somebody sees it who looks at it in a browser. Three processes: the gateway,
// billing, and the other seven; two of them are killed under the eyes of the page.
//
// node tests/console.mjs PROGRAM FOLDER_WITH_PLAYWRIGHT; tests/console.sh does both.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const [program, tools] = process.argv.slice(2);
const { chromium } = createRequire(path.join(tools, "x.js"))("playwright-core");
const work = fs.mkdtempSync(path.join(os.tmpdir(), "busbar-console-"));
const shots = process.env.SHOTS && path.resolve(process.env.SHOTS);
const base = 20000 + (process.pid % 10000);
const url = `http://127.0.0.1:${base}`;
const admin = { email: "admin@example.org", password: "a long sentence nobody guesses" };
const all = ["gateway", "users", "payments", "billing", "notifications", "documents", "utilities", "analytics", "webhooks"];
// What is promised, and what a machine may take that has other things to do.
const SHOWN_MS = 5_000;
const PATIENCE_MS = 45_000;
const TRIES_MAX = 3;

// ---- the program

const prefixes = ["API_GATEWAY", "USER_SERVICE", "PAYMENT_SERVICE", "BILLING_SERVICE", "NOTIFICATION_SERVICE", "DOCUMENT_SERVICE", "UTILITY_SERVICE", "ANALYTICS_SERVICE", "WEBHOOK_SERVICE"];
const environment = {
  PATH: process.env.PATH,
  BUSBAR_ADMIN_EMAIL: admin.email,
  BUSBAR_ADMIN_PASSWORD: admin.password,
  BUSBAR_FAULT_INJECTION: "true",
  BUSBAR_LOG: "warn,busbar=info",
  // A slow machine is no fault; hashes that cost something would be one.
  GATEWAY_REQUEST_TIMEOUT_MS: "20000",
  BUSBAR_USERS_ARGON2_MEMORY_KIB: "64",
  BUSBAR_USERS_ARGON2_ITERATIONS: "1",
  // The sooner it stops trying, the sooner it is down.
  BUSBAR_SUPERVISION_RESTARTS_MAX: "3",
  ...Object.fromEntries(prefixes.map((prefix, at) => [`${prefix}_PORT`, String(base + at)])),
};
const processes = new Map();

function start(name, services) {
  const log = fs.openSync(path.join(work, `${name}.log`), "a");
  const child = spawn(program, ["start", "--services", services.join(","), "--data", path.join(work, "data")], { env: environment, stdio: ["ignore", log, log] });
  processes.set(name, child);
}

function kill(name) {
  const child = processes.get(name);
  processes.delete(name);
  const gone = new Promise((done) => child.once("exit", done));
  child.kill("SIGKILL");
  return gone;
}

// A token of a service of the house, for the door to faults.
function serviceToken() {
  const seed = Buffer.from(fs.readFileSync(path.join(work, "data/keys/service.key"), "utf8").trim(), "base64");
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  const kid = createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "busbar", aud: "busbar-internal", sub: "gateway", iat: now, exp: now + 60 };
  const text = `${part({ alg: "EdDSA", typ: "JWT", kid })}.${part(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
}

async function inject(service, kind, count) {
  const headers = { authorization: `Bearer ${serviceToken()}`, "content-type": "application/json" };
  const body = JSON.stringify({ fault: { kind }, count });
  const sent = fetch(`http://127.0.0.1:${base + all.indexOf(service)}/internal/fault`, { method: "POST", headers, body });
  // A thread that falls may take its answer along.
  const answer = await sent.catch((error) => { if (kind !== "panic_thread") throw error; });
  assert.ok(!answer || answer.status === 204, `${kind}: ${answer?.status}`);
}

// ---- waiting

async function eventually(what, holds, patience = PATIENCE_MS) {
  const start = performance.now();
  let last;
  for (;;) {
    try {
      if (await holds()) return performance.now() - start;
      last = "not so";
    } catch (error) {
      last = error.message;
    }
    assert.ok(performance.now() - start < patience, `${what}: not within ${patience} ms (${last})`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const answers = (port) => eventually(`port ${port} answers`, async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok);

// ---- the page

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const faults = [];
let mayFail = false;

async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("request", (request) => { if (!request.url().startsWith(url) && !request.url().startsWith("data:")) faults.push(`asks ${request.url()}`); });
  page.on("console", (message) => { if (message.type() === "error" && !mayFail) faults.push(`says ${message.text()}`); });
  page.on("pageerror", (error) => faults.push(`fails: ${error.message}`));
  await page.goto(`${url}/console`);
  return page;
}

const rowOf = (page, name) => page.locator(".service", { has: page.locator(`.name:text-is("${name}")`) });
const changes = (label) => Number(label.match(/, (\d+) changes$/)[1]);
const wordOf = (page, name) => rowOf(page, name).locator("summary .word").textContent();
const labelOf = (page, name) => rowOf(page, name).locator(".strip").getAttribute("aria-label");
const word = (page, name, expected, patience) => eventually(`${name} is ${expected}`, async () => (await wordOf(page, name)) === expected, patience);

async function shoot(page, name) {
  if (!shots) return;
  fs.mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

const steps = [];
async function step(name, run) {
  const start = performance.now();
  await run();
  assert.deepEqual(faults, [], name);
  const took = ((performance.now() - start) / 1000).toFixed(1);
  steps.push(name);
  process.stdout.write(`ok ${steps.length} ${name} (${took} s)\n`);
}

// A day that a gateway before this one has seen: documents was down for 40 minutes of it.
function remember() {
  const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  const line = (service, minutes, status) => ({ at: ago(minutes), service, status });
  const lines = all.map((name) => line(name, 26 * 60, "UP"));
  lines.push(line("documents", 500, "DOWN"), line("documents", 460, "UP"));
  lines.push(line("payments", 900, "DEGRADED"), line("payments", 890, "UP"), { at: ago(20) });
  fs.mkdirSync(path.join(work, "data/health"), { recursive: true });
  fs.writeFileSync(path.join(work, "data/health/history.jsonl"), lines.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
}

async function look() {
  remember();
  start("others", all.filter((name) => name !== "gateway" && name !== "billing"));
  await answers(base + 1); // It makes the keys that all share.
  start("billing", ["billing"]);
  start("gateway", ["gateway"]);
  await Promise.all(all.map((_, at) => answers(base + at)));
  const page = await open({ viewport: { width: 1180, height: 1060 }, colorScheme: "light" });

  await step("nine services, all up, and nobody else is asked", async () => {
    for (const name of all) await word(page, name, "Up");
    assert.deepEqual(await page.locator(".name").allTextContents(), all);
    await eventually("the whole is well", async () => (await page.textContent("#overall .word")) === "All services answer");
    await eventually("another process tells its inside", async () => /^\d+$/.test(await rowOf(page, "billing").locator(".label + span").nth(2).textContent()));
    await eventually("its backlog is known", async () => /\d of \d/.test(await page.locator("#backlog tr", { hasText: "billing" }).textContent()));
    assert.match(await page.textContent("#webhooks"), /deliveries wait/);
    // 40 of 1420 minutes that somebody watched.
    assert.match(await labelOf(page, "documents"), /hours: 97\.1\d\d % up, watched 98\.\d % of the time, [2-9] changes/);
  });

  await step("by keyboard alone", async () => {
    await page.evaluate(() => document.activeElement?.blur());
    const names = [];
    for (let at = 0; at < 12; at++) {
      await page.keyboard.press("Tab");
      const seen = await page.evaluate(() => {
        const it = document.activeElement;
        return { name: it.querySelector?.(".name")?.textContent || it.id || it.className, outline: getComputedStyle(it).outlineStyle };
      });
      assert.notEqual(seen.outline, "none", `the focus on ${seen.name} is not seen`);
      names.push(seen.name);
    }
    assert.deepEqual(names, ["skip", "session", ...all, "card scroll"]);
    await page.locator("summary", { hasText: "users" }).focus();
    await page.keyboard.press("Enter");
    await eventually("the row is open", async () => (await rowOf(page, "users").locator(".inside").textContent()).includes("incarnation 1"));
    // It stays open, and the focus where it is, while the page goes on asking.
    await page.waitForResponse(`${url}/console/state`);
    await page.waitForResponse(`${url}/console/state`);
    assert.equal(await page.evaluate(() => document.activeElement.querySelector(".name")?.textContent), "users");
    await page.keyboard.press("Enter");
    assert.equal(await rowOf(page, "users").getAttribute("open"), null);
    await page.locator("#session").focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "email");
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.id), "session");
    for (const landmark of ["banner", "main"]) assert.equal(await page.getByRole(landmark).count(), 1, landmark);
  });

  await step("a process is killed: shown within 5 s, and so is its return", async () => {
    for (let tries = 1; ; tries++) {
      // A state lasts for five seconds before the next.
      await eventually("billing has been up for a while", async () => {
        const state = await (await fetch(`${url}/console/state`)).json();
        return Date.parse(state.at) - Date.parse(state.health.services[3].since) > 5_500;
      });
      await kill("billing");
      const took = await word(page, "billing", "Down");
      process.stdout.write(`   down was shown after ${(took / 1000).toFixed(1)} s\n`);
      assert.equal(await page.textContent("#overall .word"), "Down: billing");
      assert.equal(await page.title(), "Down: billing – Busbar");
      assert.match(await page.textContent("#news"), /billing: down/);
      start("billing", ["billing"]);
      await answers(base + all.indexOf("billing"));
      await word(page, "billing", "Up");
      assert.match(await labelOf(page, "billing"), /hours: \d+\.\d{3} % up/);
      if (took <= SHOWN_MS) break;
      assert.ok(tries < TRIES_MAX, `it was never shown within ${SHOWN_MS} ms`);
    }
  });

  await step("an incarnation falls: a restart, but no reason for everybody", async () => {
    await inject("documents", "panic_thread", 1);
    await page.locator("summary", { hasText: "documents" }).click();
    const inside = rowOf(page, "documents").locator(".inside");
    await eventually("its end is shown", async () => (await inside.textContent()).includes("panic of incarnation 1"));
    await eventually("it runs again", async () => (await inside.textContent()).includes("incarnation 2"));
    assert.ok(!(await inside.textContent()).includes("injected"));
    assert.equal(await rowOf(page, "documents").locator(".label + span").nth(2).textContent(), "1");
  });

  await step("an administrator sees why, and where", async () => {
    mayFail = true; // The browser tells the console of each 401.
    await page.click("#session");
    await page.fill("#email", admin.email);
    await page.fill("#password", "not this one, surely");
    await page.keyboard.press("Enter");
    await eventually("the refusal is told", async () => (await page.textContent("#login-fault")).length > 5);
    await eventually("the session is there", async () => {
      // Again after a refusal, also when a slow machine is the reason.
      if (await page.textContent("#login-fault")) {
        await page.fill("#password", admin.password);
        await page.press("#password", "Enter");
      }
      return (await page.textContent("#session")) === "Sign out";
    });
    mayFail = false;
    const inside = rowOf(page, "documents").locator(".inside");
    await eventually("the reason is shown", async () => (await inside.textContent()).includes("an injected panic of the incarnation"));
    assert.match(await inside.textContent(), /src\/faults\/happen\.rs:\d+/);
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
    await page.evaluate(() => document.activeElement.blur());
    await page.mouse.move(600, 20);
    await shoot(page, "console-light");
    await page.click("#session");
    await eventually("it is gone again", async () => !(await inside.textContent()).includes("injected"));
    await page.locator("summary", { hasText: "documents" }).click();
  });

  await step("a service that is given up is down", async () => {
    await inject("webhooks", "fail_start", 99);
    await inject("webhooks", "panic_thread", 1);
    await word(page, "webhooks", "Down");
    await page.locator("summary", { hasText: "webhooks" }).click();
    await eventually("the supervisor's last word", async () => (await rowOf(page, "webhooks").locator(".inside").textContent()).length > 20);
    await page.locator("summary", { hasText: "webhooks" }).click();
  });

  await step("on a phone, in the dark, without motion: no scrolling sideways", async () => {
    const phone = await open({ viewport: { width: 360, height: 780 }, colorScheme: "dark", reducedMotion: "reduce", deviceScaleFactor: 2 });
    await word(phone, "webhooks", "Down");
    const width = () => phone.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(await width(), 360);
    await new Promise((done) => setTimeout(done, 1500));
    await shoot(phone, "console-dark-phone");
    for (const name of all) await phone.locator("summary", { hasText: name }).click();
    await phone.waitForResponse(`${url}/console/state`);
    assert.equal(await width(), 360);
    const [ground, ink] = await phone.evaluate(() => { const { backgroundColor, color } = getComputedStyle(document.body); return [backgroundColor, color]; });
    assert.equal(ground, "rgb(14, 17, 20)");
    assert.equal(ink, "rgb(228, 232, 236)");
    assert.equal(await phone.evaluate(() => getComputedStyle(document.querySelector("main")).transitionDuration), "0s");
    await phone.context().close();
  });

  await step("the gateway is killed: the page says how old it is, and then that all is well again", async () => {
    const before = changes(await labelOf(page, "billing"));
    assert.ok(before >= 2, "down and up again");
    mayFail = true; // The browser tells the console of each refused connection.
    await kill("gateway");
    await eventually("the banner is there", async () => /Connection lost.*\d+ s old/.test(await page.textContent("#banner")));
    assert.ok(await page.locator("#banner").isVisible());
    start("gateway", ["gateway"]);
    await answers(base);
    await eventually("the banner is gone", async () => !(await page.locator("#banner").isVisible()));
    mayFail = false;
    await word(page, "billing", "Up");
    assert.ok(changes(await labelOf(page, "billing")) >= before, "what was before the restart is remembered");
  });
}

let outcome = 1;
try {
  await look();
  process.stdout.write(`all ${steps.length} passed\n`);
  outcome = 0;
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  for (const name of ["gateway", "billing", "others"]) {
    const file = path.join(work, `${name}.log`);
    if (fs.existsSync(file)) process.stderr.write(`== ${name}\n${fs.readFileSync(file, "utf8").split("\n").slice(-25).join("\n")}\n`);
  }
} finally {
  await browser.close();
  await Promise.all([...processes.keys()].map(kill));
  fs.rmSync(work, { recursive: true, force: true });
}
process.exit(outcome);
