// The photographs that travel with a figure, as one picture: gradlib.widgets.photographs.

/** Where the sheet lies (`address`), and how photograph n is cut out of it; `close` frees it. side: pixels of each. */
export function photographs(model, side, count) {
  const address = URL.createObjectURL(new Blob([model.get("photographs")], { type: "image/webp" })), across = model.get("across");
  const place = (n) => [(n % across) * side, Math.floor(n / across) * side];
  const whole = [Math.min(count, across) * side, Math.ceil(count / across) * side];
  return { address, place, whole, close: () => URL.revokeObjectURL(address) };
}
