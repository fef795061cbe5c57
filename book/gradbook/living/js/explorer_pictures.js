import { floats, staticFolder } from "./common.js";
import { PATIENCE, SILENCE, latestWins, network } from "./runtime.js";

// Who draws the picture at the free point: the network in this page or, in JupyterLab, Python.

/** The site's network, loaded at the first wish. */
function inThisPage(folder, file, [H, W]) {
  let loading;
  return async ({ local, free }) => {
    loading ||= network(folder, file);
    const run = await loaded(loading), began = performance.now();
    const { picture } = await run({ local: [local, [1, 2, H, W]], free: [free, [1, 2]] });
    return { picture, words: `computed in this page in ${Math.round(performance.now() - began)} ms` };
  };
}

/** The network, with a sentence that a reader understands where it cannot be had. */
async function loaded(loading) {
  try {
    return await loading;
  } catch (error) {
    throw new Error(`the network does not run here (${error.message})`, { cause: error });
  }
}

/** Python's answers over the kernel's channel, by the number of the question: `make` asks, `close` stops listening. */
function byPython(model) {
  const waiting = new Map();
  let number = Math.floor(1e9 * Math.random()); // other views of the same figure ask too
  const hear = (message, buffers) => {
    waiting.get(message.number)?.({ picture: floats(buffers[0]), words: `computed by Python in ${Math.round(message.took)} ms` });
    waiting.delete(message.number);
  };
  model.on("msg:custom", hear);
  const make = ({ chosen, free }) => new Promise((resolve, reject) => {
    waiting.set(++number, resolve);
    setTimeout(() => reject(new Error(SILENCE)), PATIENCE);
    model.send({ number, chosen, free });
  });
  return { make, close: () => model.off("msg:custom", hear) };
}

/**
 * `ask` is told a wish { chosen, local, free } and has its picture made: one at a time, and of what was wished meanwhile
 * the latest only. show(wish, { picture, words }) or fail(wish, error) hears of it. `close` when the view goes.
 */
export function pictureMaker(model, { show, fail }) {
  const folder = staticFolder();
  const here = () => ({ make: inThisPage(folder, model.get("network"), model.get("size")), close: () => {} });
  const { make, close } = folder === null ? byPython(model) : here();
  let wish;
  const work = latestWins(async () => {
    const wished = wish;
    try {
      show(wished, await make(wished));
    } catch (error) {
      fail(wished, error);
    }
  }, { breath: 16 });
  const ask = (next) => {
    wish = next;
    work();
  };
  return { ask, close };
}
