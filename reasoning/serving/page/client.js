// Requests of the page to its server. The key is kept in memory only.

let key = "";
export const useKey = (text) => { key = text; };
export const hasKey = () => key !== "";

// An error that the server states, or that keeps the page from reaching it.
export class Trouble extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

// Return the models of the server.
export const models = async () => (await (await request("v1/models")).json()).data;

// Yield the chunks of a streamed completion.
export async function* chunks(body, signal) {
  const options = { method: "POST", body: JSON.stringify({ ...body, stream: true }), signal };
  yield* read((await request("v1/chat/completions", options)).body);
}

async function request(path, options = {}) {
  const headers = { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  let reply;
  try {
    reply = await fetch(path, { cache: "no-store", credentials: "omit", redirect: "error", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(error.name === "TypeError" ? "The server cannot be reached. Is `reasoning serve` still running?" : error.message);
  }
  if (reply.ok) return reply;
  const wait = reply.headers.get("Retry-After");
  throw new Trouble(`${await message(reply)}${wait ? ` (may be asked again after ${wait} s)` : ""}`, reply.status);
}

async function message(reply) {
  const text = await reply.text();
  try {
    return JSON.parse(text).error.message || text;
  } catch {
    return text.slice(0, 1000) || `The server answered with the status ${reply.status}.`;
  }
}

// Yield the data of server-sent events. A stream without its end mark has been cut.
async function* read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = [];
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Trouble("The connection to the server was lost before the answer had arrived.");
    }
    if (part.done) throw new Trouble("The server closed the connection before the answer had arrived.");
    const lines = part.value.split("\n");
    rest.push(lines.shift());
    while (lines.length) { // a line may arrive in many parts
      const line = rest.join("");
      rest = [lines.shift()];
      if (!line.startsWith("data:")) continue; // a heartbeat or the end of an event
      const data = line.slice(5).trim();
      if (data === "[DONE]") return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new Trouble(chunk.error.message || "The server states an error without a message.");
      yield chunk;
    }
  }
}
