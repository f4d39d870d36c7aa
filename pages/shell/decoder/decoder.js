/**
 * Pictures of latent vectors, fast enough to follow a finger.
 *
 * Two tiers draw the same picture: the server over HTTP, which works for every model, and ONNX Runtime Web inside the
 * browser, which neither a training on the server nor the network between can slow down. The first picture comes from
 * whichever is there first: a server that was just started needs seconds to import torch. Then the browser's tier is
 * compared with the server's, and is taken unless it is clearly slower. When one tier fails the other answers.
 */

/** Of the vendored ONNX Runtime Web; pages/shell/decoder/runtime.py serves it under the same number. */
const RUNTIME_VERSION = "1.30.0";

const COMPARED_LATENTS = 2;
const TIMED_DECODES = 6;

/** Grey levels. Sums in another order may fall on two sides of a half; more means another picture. */
const MOST_APART = 2;

/** The browser is taken up to this multiple of the server's time: no training and no distance slows it later. */
const NEARLY_AS_FAST = 1.5;

/** Decodes whose median is shown as the tier's speed. */
const REMEMBERED_DECODES = 12;

/** A first answer may wait for the server to load the model; longer than this it is not coming. */
const PATIENCE_MS = 30_000;

/** The server understood and said no: other weights by now, or no such model. Another tier must not hide that. */
export class RefusedError extends Error {
  constructor(status, message) {
    super(message);
    this.name = "RefusedError";
    this.status = status;
  }
}

/**
 * A decoder of one model with the weights of `fingerprint`.
 *
 * @param {object} options
 * @param {string} options.modelId Run the model came from.
 * @param {string} options.fingerprint Its weights; the server refuses (409) once it has others.
 * @param {number} options.size Side of a picture, pixels.
 * @param {number} options.latent Length of a latent vector.
 * @param {string | URL} [options.base] Address of this module on the server, where its text was inlined instead.
 * @param {function({tier: string, reason: string}): void} [options.onTierChange] Called when another tier takes over.
 * @param {Promise<void>} [options.after] Nothing is fetched before; what it rejects with does not matter.
 * @returns {{
 *   tier: "browser" | "server",
 *   medianMs: number | null,
 *   decode: function(Float32Array): Promise<Uint8ClampedArray>,
 *   ready: Promise<{tier: string, reason: string, browserMs: number | null, serverMs: number | null}>,
 *   close: function(): void,
 * }} `decode` gives RGBA as ImageData takes it. `ready` never rejects: it tells which tier was chosen and why.
 */
export function createDecoder(options) {
  const { modelId, fingerprint, size, latent, base = import.meta.url, onTierChange = () => {}, after } = options;
  const address = (name, query) => {
    const url = new URL(name, base);
    url.search = query ? new URLSearchParams(query) : new URL(base).search; // our scripts share one version
    return url.href;
  };
  const weights = { model: modelId, v: fingerprint };
  const tiers = { server: timed(serverTier(address("../pixels", weights), size)), browser: null };
  let tier = "server";
  let closed = false;

  function switchTo(other, reason) {
    if (other === tier || closed) return;
    tier = other;
    onTierChange({ tier, reason });
  }

  async function openBrowser() {
    const opened = timed(await browserTier(address, weights, latent));
    if (closed) return opened.close();
    tiers.browser = opened;
  }

  function dropBrowser() {
    tiers.browser?.close();
    tiers.browser = null;
  }

  async function choose() {
    try {
      await opening;
    } catch (error) {
      return `the browser cannot decode: ${error.message}`;
    }
    if (closed) return "closed";
    try {
      const apart = await furthestApart(tiers, latent);
      if (apart > MOST_APART) {
        const reason = `the browser's picture differs from the server's by ${apart} grey levels`;
        dropBrowser();
        switchTo("server", reason);
        return reason;
      }
      await race(tiers, latent);
    } catch (error) {
      if (closed) return "closed";
      return `measuring stopped: ${error.message}`;
    }
    const { browser, server } = tiers;
    if (!browser) return "the browser's decoder failed";
    const times = `${browser.medianMs().toFixed(1)} ms in the browser, ${server.medianMs().toFixed(1)} ms by the server`;
    switchTo(browser.medianMs() <= NEARLY_AS_FAST * server.medianMs() ? "browser" : "server", times);
    return times;
  }

  /** The picture of whoever has it first; what the server refuses, it refuses for both. */
  function soonest(z) {
    return new Promise((resolve, reject) => {
      const byServer = tiers.server.run(z);
      const byBrowser = opening.then(() => tiers.browser.run(z));
      byServer.then(resolve, (error) => error instanceof RefusedError && reject(error));
      byBrowser.then(
        (pixels) => {
          if (!tiers.server.hasRun) switchTo("browser", "it drew before the server did");
          resolve(pixels);
        },
        () => byServer.catch(reject),
      );
    });
  }

  let hasBegun = !after;
  const beginning = Promise.resolve(after)
    .catch(() => {})
    .then(() => {
      hasBegun = true;
    });
  const opening = beginning.then(openBrowser);
  const ready = choose().then((reason) => ({
    tier,
    reason,
    browserMs: tiers.browser?.medianMs() ?? null,
    serverMs: tiers.server.medianMs(),
  }));

  async function decode(z) {
    if (z.length !== latent) throw new RangeError(`a latent has ${z.length} numbers; ${modelId} takes ${latent}`);
    const kept = Float32Array.from(z); // the caller may go on changing its own while this one is on its way
    if (!hasBegun) await beginning;
    const first = tier;
    try {
      return await (first === "server" && !tiers.server.hasRun ? soonest(kept) : tiers[first].run(kept));
    } catch (error) {
      if (error instanceof RefusedError || closed) throw error;
      const other = first === "browser" ? "server" : "browser";
      if (other === "browser") await ready;
      if (!tiers[other]) throw error;
      const pixels = await tiers[other].run(kept);
      if (other === "server") dropBrowser(); // out of memory or aborted: a runtime does not recover
      switchTo(other, `the ${first} failed: ${error.message}`);
      return pixels;
    }
  }

  return {
    get tier() {
      return tier;
    },
    get medianMs() {
      return tiers[tier].medianMs();
    },
    decode,
    ready,
    close() {
      closed = true;
      dropBrowser();
    },
  };
}

/**
 * Back-pressure for a decoder: the next latent is sent when the last answer is in, and only the newest one waits.
 *
 * @param {function(Float32Array): Promise<Uint8ClampedArray>} decode
 * @returns {function(Float32Array): Promise<{z: Float32Array, pixels: Uint8ClampedArray} | null>} Gives the picture to
 *   draw and the latent it shows, or null where a newer request took its place.
 */
export function createLatest(decode) {
  let isBusy = false;
  let waiting = null;

  async function answer(request) {
    isBusy = true;
    try {
      request.resolve({ z: request.z, pixels: await decode(request.z) });
    } catch (error) {
      request.reject(error);
    }
    isBusy = false;
    const next = waiting;
    waiting = null;
    if (next) answer(next);
  }

  return (z) =>
    new Promise((resolve, reject) => {
      const request = { z: Float32Array.from(z), resolve, reject };
      if (!isBusy) {
        answer(request);
        return;
      }
      waiting?.resolve(null);
      waiting = request;
    });
}

/** Decoding by the server. */
function serverTier(url, size) {
  return {
    async run(z) {
      const answer = await fetch(url, { method: "POST", body: z, signal: AbortSignal.timeout(PATIENCE_MS) });
      await accept(answer);
      const pixels = new Uint8ClampedArray(await answer.arrayBuffer());
      if (pixels.length !== size * size * 4) throw new Error(`the server sent ${pixels.length} bytes`);
      return pixels;
    },
    close() {},
  };
}

/** Decoding in a worker of this browser, once runtime and model are there. */
async function browserTier(address, weights, latent) {
  const worker = new Worker(address("decoder-worker.js"), { type: "module" });
  const waiting = new Map();
  let nextId = 0;
  let failed = null;

  /** Sends a message; `id` is what its answer will carry. */
  function ask(id, message) {
    return new Promise((resolve, reject) => {
      if (failed) {
        reject(failed);
        return;
      }
      waiting.set(id, { resolve, reject });
      worker.postMessage(message);
    });
  }

  function fail(error) {
    failed = error;
    worker.terminate();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  worker.onmessage = ({ data: { id, pixels, error } }) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error) asked?.reject(new Error(error));
    else asked?.resolve(pixels);
  };
  worker.onerror = (event) => fail(new Error(event.message ?? "its script could not be loaded"));

  try {
    await ask(undefined, {
      open: {
        runtime: address("ort.wasm.bundle.min.mjs", { v: RUNTIME_VERSION }),
        wasm: address("ort-wasm-simd-threaded.wasm", { v: RUNTIME_VERSION }),
        graph: { url: address("../model", weights), fingerprint: weights.v },
        latent,
      },
    });
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    async run(z) {
      const id = (nextId += 1);
      const pixels = await ask(id, { id, z });
      return new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length);
    },
    close: () => fail(new Error("the decoder was closed")),
  };
}

/** Throws what the server's answer says, where it is not a good one. */
async function accept(answer) {
  if (answer.ok) return;
  const said = await answer.json().then(({ error }) => error, () => null);
  const message = said ?? `the server answered ${answer.status}`;
  throw answer.status < 500 ? new RefusedError(answer.status, message) : new Error(message);
}

/** The tier, remembering how long its last pictures took. */
function timed(tier) {
  const times = [];
  let hasRun = false;
  return {
    async run(z) {
      const begun = performance.now();
      const pixels = await tier.run(z);
      hasRun = true;
      times.push(performance.now() - begun);
      if (times.length > REMEMBERED_DECODES) times.shift();
      return pixels;
    },
    get hasRun() {
      return hasRun;
    },
    medianMs: () => (times.length ? median(times) : null),
    forget: () => times.splice(0),
    close: () => tier.close(),
  };
}

/** Grey levels by which the tiers' pictures of a few latents differ at most. Warms both up. */
async function furthestApart({ browser, server }, latent) {
  let furthest = 0;
  for (let index = 0; index < COMPARED_LATENTS; index += 1) {
    const z = trialLatent(index, latent);
    const [drawn, expected] = [await browser.run(z), await server.run(z)];
    drawn.forEach((value, at) => {
      furthest = Math.max(furthest, Math.abs(value - expected[at]));
    });
  }
  return furthest;
}

/** Times both tiers by turns, so that whatever else the machine does slows both. */
async function race({ browser, server }, latent) {
  browser.forget();
  server.forget();
  for (let index = 0; index < TIMED_DECODES; index += 1) {
    const z = trialLatent(index, latent);
    await browser.run(z);
    await server.run(z);
  }
}

/** A latent as a prior might give it, another for each `index`; the same in every browser. */
function trialLatent(index, latent) {
  return Float32Array.from({ length: latent }, (_, dim) => 1.4 * Math.sin((index + 1) * (dim + 1) * 1.618));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
