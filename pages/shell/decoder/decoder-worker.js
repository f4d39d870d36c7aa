/**
 * Runs one decoder in a thread of its own: compiling the runtime takes a second, which would freeze the page.
 *
 * Takes { open: { runtime, wasm, graph, latent } } with addresses once, answers { opened: true }; then takes
 * { id, z } and answers { id, pixels }, RGBA bytes. What fails is answered { error } or { id, error }.
 */

let session = null;
let last = Promise.resolve(); // a session runs one picture at a time

async function open({ runtime: address, wasm, graph, latent }) {
  const [runtime, bytes] = await Promise.all([import(address), fetched(graph)]);
  // Set before the first session. More threads need cross-origin isolation, which would shut out embedded pages.
  runtime.env.wasm.numThreads = 1;
  // By file, not by folder: given a folder, the bundle imports its own loader a second time.
  runtime.env.wasm.wasmPaths = { wasm };
  const opened = await runtime.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  session = async (z) => {
    const { pixels } = await opened.run({ z: new runtime.Tensor("float32", z, [1, latent]) });
    return pixels.data;
  };
}

/** What lies at an address that names the weights exactly; anything else would be another model's decoder. */
async function fetched({ url, fingerprint }) {
  const answer = await fetch(url);
  if (!answer.ok) {
    const said = await answer.json().then(({ error }) => error, () => null);
    throw new Error(said ?? `the server answered ${answer.status} for the decoder`);
  }
  if (answer.headers.get("X-Weights") !== fingerprint) throw new Error("the server has other weights by now");
  return new Uint8Array(await answer.arrayBuffer());
}

async function answer({ id, z }) {
  try {
    const pixels = await session(z);
    self.postMessage({ id, pixels }, [pixels.buffer]);
  } catch (error) {
    self.postMessage({ id, error: String(error.message ?? error) });
  }
}

self.onmessage = async ({ data }) => {
  if (!data.open) {
    last = last.then(() => answer(data));
    return;
  }
  try {
    await open(data.open);
    self.postMessage({ opened: true });
  } catch (error) {
    self.postMessage({ error: String(error.message ?? error) });
  }
};
