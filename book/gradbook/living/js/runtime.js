// Neural networks in the page, by the site's own copy of onnxruntime-web, which is loaded at the first use.

export const TIMEOUT = 20000; // milliseconds to wait for Python in JupyterLab
export const NO_ANSWER = "Python does not answer: run the cell again";

let library;

async function runtime(folder) {
  library ||= import(`${folder}vendor/ort/ort.wasm.min.mjs`).then((ort) => {
    ort.env.wasm.numThreads = 1; // more would need headers that not every web host sends
    ort.env.wasm.wasmPaths = `${folder}vendor/ort/`;
    return ort;
  }).catch((error) => {
    library = undefined; // otherwise a second attempt would repeat the first failure
    throw error;
  });
  return library;
}

/**
 * Load an ONNX file from the site's generated files; folder: as returned by staticFolder().
 * Returns an async function from { input: [values, shape] } to { output: Float32Array }.
 */
export async function network(folder, name) {
  if (typeof WebAssembly !== "object") throw new Error("this browser has no WebAssembly");
  const ort = await runtime(folder);
  const session = await ort.InferenceSession.create(`${folder}generated/${name}`, { executionProviders: ["wasm"] });
  return async (inputs) => {
    const feeds = {};
    for (const [input, [values, shape]] of Object.entries(inputs)) feeds[input] = new ort.Tensor("float32", Float32Array.from(values), shape);
    const tensors = await session.run(feeds), outputs = {};
    for (const [output, tensor] of Object.entries(tensors)) outputs[output] = tensor.data;
    return outputs;
  };
}

/**
 * A function that calls `run`, one call at a time: calls in the meantime become a single one, `pause` milliseconds after the
 * current one. onBusy(busy) is called at the start and at the end.
 */
export function latestWins(run, { onBusy = () => {}, pause = 60 } = {}) {
  let busy = false, again = false;
  return async () => {
    again = true;
    if (busy) return;
    onBusy(busy = true);
    while (again) {
      again = false;
      await run();
      await new Promise((next) => setTimeout(next, pause)); // so that pointer events are handled in between
    }
    onBusy(busy = false);
  };
}
