// Neural networks in the page: the site's own copy of onnxruntime-web, loaded when a figure first asks for it.

export const PATIENCE = 20000; // milliseconds until Python, asked in JupyterLab, counts as gone
export const SILENCE = "Python does not answer: run the cell again";

let library;

async function runtime(folder) {
  library ||= import(`${folder}vendor/ort/ort.wasm.min.mjs`).then((ort) => {
    ort.env.wasm.numThreads = 1; // more would need headers that not every host of a website sends
    ort.env.wasm.wasmPaths = `${folder}vendor/ort/`;
    return ort;
  }).catch((error) => {
    library = undefined; // else a second try would meet the first one's failure
    throw error;
  });
  return library;
}

/**
 * An ONNX file among the site's generated files, ready to run; folder: what staticFolder() gives.
 * Returns a function of { input: [values, shape] } that yields { output: Float32Array }.
 */
export async function network(folder, name) {
  if (typeof WebAssembly !== "object") throw new Error("this browser has no WebAssembly");
  const ort = await runtime(folder);
  const session = await ort.InferenceSession.create(`${folder}generated/${name}`, { executionProviders: ["wasm"] });
  return async (inputs) => {
    const feeds = {};
    for (const [input, [values, shape]] of Object.entries(inputs)) feeds[input] = new ort.Tensor("float32", Float32Array.from(values), shape);
    const found = await session.run(feeds), outputs = {};
    for (const [output, tensor] of Object.entries(found)) outputs[output] = tensor.data;
    return outputs;
  };
}

/** Calls `run` when asked, never twice at a time; what is asked meanwhile is one more call, after a breath. tell(busy). */
export function latestWins(run, { tell = () => {}, breath = 60 } = {}) {
  let busy = false, again = false;
  return async () => {
    again = true;
    if (busy) return;
    tell(busy = true);
    while (again) {
      again = false;
      await run();
      await new Promise((next) => setTimeout(next, breath)); // the pointer's moves are dealt with in between
    }
    tell(busy = false);
  };
}
