// The official JavaScript SDK. Arguments: url, key, upstream ("" for a real model), alias, steps.
import OpenAI from "openai";
import { readFileSync } from "node:fs";

const [url, key, upstream, alias, steps] = process.argv.slice(2);
const client = (more = {}) => new OpenAI({ baseURL: url, apiKey: key, timeout: 300_000, ...more });
let number = Date.now() * 1000;
const unique = () => `Tom has 17 apples and buys 25 more. How many apples does he have? (Number ${number++}.)`;
const turns = (content) => [{ role: "user", content }];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
class NoWay extends Error {}

function expect(condition, otherwise) {
  if (!condition) throw new Error(typeof otherwise === "string" ? otherwise : JSON.stringify(otherwise)?.slice(0, 200));
}
function expectAnswer(text) {
  expect((upstream ? /\d/ : /\S/).test(text ?? ""), `no answer in ${text}`);
}
async function seen() {
  if (!upstream) throw new NoWay("a real model keeps no count");
  return (await fetch(`${upstream}/seen`)).json();
}
async function rejects(promise, status) {
  let found;
  try {
    found = await promise;
  } catch (error) {
    expect(error.status === status, `status ${error.status}: ${error.message}`);
    return error;
  }
  throw new Error(`no error, but ${JSON.stringify(found).slice(0, 80)}`);
}

const checks = {
  async async() {
    const replies = await Promise.all(
      [1, 2, 3, 4].map(() => client().chat.completions.create({ model: alias, messages: turns(unique()) })),
    );
    for (const reply of replies) expectAnswer(reply.choices[0].message.content);
  },
  async stream() {
    const stream = await client().chat.completions.create({
      model: steps,
      messages: turns(unique()),
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "", stages = "", usage, end;
    for await (const chunk of stream) {
      usage = chunk.usage ?? usage;
      text += chunk.choices[0]?.delta.content ?? "";
      stages += chunk.choices[0]?.delta.reasoning_content ?? "";
      end = chunk.choices[0]?.finish_reason ?? end;
    }
    expectAnswer(text);
    expect(stages.split("\n").length > 2, `stages were not streamed: ${stages}`);
    expect(usage?.completion_tokens > 0 && end === "stop", { usage, end });
  },
  async responses() {
    const reply = await client().responses.create({ model: alias, input: unique() });
    expectAnswer(reply.output_text);
    let text = "", last;
    for await (const event of await client().responses.create({ model: alias, input: unique(), stream: true })) {
      if (event.type === "response.output_text.delta") text += event.delta;
      last = event.type;
    }
    expectAnswer(text);
    expect(last === "response.completed", last);
  },
  async structured() {
    const schema = {
      type: "object",
      properties: { answer: { type: "integer" }, unit: { type: "string" } },
      required: ["answer", "unit"],
      additionalProperties: false,
    };
    const asking = client().chat.completions.parse({
      model: alias,
      messages: turns(`${unique()} [json]`),
      response_format: { type: "json_schema", json_schema: { name: "found", strict: true, schema } },
    });
    const reply = await asking.catch((error) => {
      if (!upstream && /length limit/.test(error.message)) throw new NoWay("the model's JSON was cut off");
      throw error;
    });
    const { parsed, refusal } = reply.choices[0].message;
    expect(upstream ? parsed?.answer === 42 && parsed.unit === "apples" : parsed ?? refusal, reply);
  },
  async n() {
    const reply = await client().chat.completions.create({ model: alias, messages: turns(unique()), n: 3 });
    expect(reply.choices.map((choice) => choice.index).join() === "0,1,2", reply.choices);
  },
  async usage() {
    const before = await seen();
    const { usage } = await client().chat.completions.create({ model: steps, messages: turns(unique()) });
    const after = await seen();
    for (const name of ["prompt_tokens", "completion_tokens"]) {
      expect(usage[name] === after[name] - before[name], `${name}: ${usage[name]} of ${after[name] - before[name]}`);
    }
  },
  async before() {
    const question = unique();
    const messages = [
      { role: "system", content: "Answer like a pirate." },
      { role: "user", content: "I have a parrot." },
      { role: "assistant", content: "Arr." },
      ...turns(question),
    ];
    await client().chat.completions.create({ model: steps, messages });
    const bodies = (await seen()).bodies.map((body) => JSON.stringify(body)).filter((body) => body.includes(question));
    expect(bodies.length >= 2 && bodies.every((body) => body.includes("a pirate") && body.includes("a parrot")), bodies);
  },
  async extension() {
    const body = { model: alias, messages: turns(unique()), kind: "number", series: "new", trace: true };
    const { reasoning } = await client().chat.completions.create(body);
    // A small model's reply need not have a number.
    const value = reasoning?.state === "answered" ? typeof reasoning.value === "number" : !upstream;
    expect(value && reasoning.trace, reasoning);
  },
  async errors() {
    const { completions } = client({ maxRetries: 0 }).chat;
    await rejects(completions.create({ model: "no-such-alias", messages: turns("?") }), 404);
    const error = await rejects(completions.create({ model: alias, messages: turns("?"), temperature: 9 }), 400);
    expect(error.error?.message, error);
  },
  async keys() {
    await rejects(client({ apiKey: "wrong" }).models.list(), 401);
  },
  async retries() {
    if (!upstream) throw new NoWay("only the mock fails on request");
    const before = (await seen()).requests;
    const asking = client({ maxRetries: 3 }).chat.completions.create({
      model: alias,
      messages: turns(`${unique()} [refused]`),
    });
    await asking.then(() => expect(false, "no error"), () => {});
    const asked = (await seen()).requests - before;
    await pause(2000); // until the server calls the provider again
    expect(asked === 1, `${asked} requests reached the provider, which refuses its key`);
  },
  async cancel() {
    if (!upstream) throw new NoWay("only the mock fails on request");
    const before = (await seen()).requests;
    const leaving = new AbortController();
    const asking = client({ maxRetries: 0 }).chat.completions.create(
      { model: steps, messages: turns(`${unique()} [slow]`) },
      { signal: leaving.signal },
    );
    setTimeout(() => leaving.abort(), 400);
    await asking.then(() => expect(false, "the reply came before the client could leave"), () => {});
    await pause(1500);
    const asked = (await seen()).requests - before;
    expect(asked === 1, `${asked} requests were made for a client that had left`);
  },
  async models() {
    const listed = [];
    for await (const model of client().models.list()) listed.push(model.id);
    expect(listed.includes(alias) && listed.includes(steps), listed);
  },
};

const { version } = JSON.parse(readFileSync(new URL("node_modules/openai/package.json", import.meta.url)));
console.log(JSON.stringify({ version }));
for (const [name, check] of Object.entries(checks)) {
  let row = { check: name, outcome: "yes" };
  try {
    await check();
  } catch (error) {
    row = { check: name, outcome: error instanceof NoWay ? "none" : "no", detail: String(error.message).slice(0, 300) };
  }
  console.log(JSON.stringify(row));
}
process.exit(0);
