// A gateway as it is usually written for Node.js: express and axios, kept connections, a Map with
// a time to live for answers, JSON read and written again. One process.
import http from "node:http";
import axios from "axios";
import express from "express";

const [port, upstream] = process.argv.slice(2);
const TTL_MS = 600_000;
const ENTRIES_MAX = 20_000;

const client = axios.create({
  baseURL: `http://127.0.0.1:${upstream}`,
  timeout: 15_000,
  httpAgent: new http.Agent({ keepAlive: true, maxSockets: 2048, maxFreeSockets: 512 }),
  validateStatus: () => true,
});
const kept = new Map();

async function pass(request, response) {
  const answer = await client.request({
    method: request.method,
    url: request.originalUrl,
    data: request.method === "GET" ? undefined : request.body,
    headers: {
      "content-type": request.headers["content-type"],
      "x-forwarded-for": request.socket.remoteAddress,
    },
  });
  response.status(answer.status).json(answer.data);
  return answer;
}

async function fromCache(request, response, next) {
  if (request.method !== "GET") return next();
  const known = kept.get(request.originalUrl);
  if (known && known.until > Date.now()) return response.status(known.status).json(known.data);
  const answer = await pass(request, response);
  if (kept.size >= ENTRIES_MAX) kept.delete(kept.keys().next().value);
  kept.set(request.originalUrl, {
    status: answer.status,
    data: answer.data,
    until: Date.now() + TTL_MS,
  });
}

const failing = (handler) => (request, response, next) =>
  handler(request, response, next).catch((error) => response.status(502).json({ error: error.code }));

const app = express();
app.disable("x-powered-by");
app.use(express.json({ limit: "1mb" }));
app.use("/kept", failing(fromCache));
app.use(failing(pass));
app.listen(Number(port), "127.0.0.1", 4096);
