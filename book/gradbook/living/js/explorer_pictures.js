import { floats, staticFolder } from "./common.js";
import { NO_ANSWER, TIMEOUT, latestWins, network } from "./runtime.js";

// Pictures at the free point, computed by the network in this page or, in JupyterLab, by Python.

/** By the site's network, which is loaded at the first request. */
function inThisPage(folder, file, [H, W]) {
  let loading;
  return async ({ local, free }) => {
    loading ||= network(folder, file);
    const run = await loaded(loading), began = performance.now();
    const { picture } = await run({ local: [local, [1, 2, H, W]], free: [free, [1, 2]] });
    return { picture, origin: `computed in this page in ${Math.round(performance.now() - began)} ms` };
  };
}

/** The network, or an error with a readable message. */
async function loaded(loading) {
  try {
    return await loading;
  } catch (error) {
    throw new Error(`the network does not run here (${error.message})`, { cause: error });
  }
}

/** By Python over the kernel's channel, answers matched by the number of the request: `compute` asks, `close` stops listening. */
function byPython(model) {
  const waiting = new Map();
  let number = Math.floor(1e9 * Math.random()); // other views of the same figure use the same channel
  const receive = (message, buffers) => {
    waiting.get(message.number)?.({ picture: floats(buffers[0]), origin: `computed by Python in ${Math.round(message.milliseconds)} ms` });
    waiting.delete(message.number);
  };
  model.on("msg:custom", receive);
  const compute = ({ selected, free }) => new Promise((resolve, reject) => {
    waiting.set(++number, resolve);
    setTimeout(() => reject(new Error(NO_ANSWER)), TIMEOUT);
    model.send({ number, selected, free });
  });
  return { compute, close: () => model.off("msg:custom", receive) };
}

/**
 * `ask(request)` computes the picture for a request { selected, local, free }: one at a time, and of the requests in the
 * meantime only the latest. Calls show(request, { picture, origin }) or fail(request, error). `close` when the view is removed.
 */
export function pictureMaker(model, { show, fail }) {
  const folder = staticFolder();
  const byNetwork = () => ({ compute: inThisPage(folder, model.get("network"), model.get("size")), close: () => {} });
  const { compute, close } = folder === null ? byPython(model) : byNetwork();
  let latest;
  const run = latestWins(async () => {
    const request = latest;
    try {
      show(request, await compute(request));
    } catch (error) {
      fail(request, error);
    }
  }, { pause: 16 });
  const ask = (request) => {
    latest = request;
    run();
  };
  return { ask, close };
}
