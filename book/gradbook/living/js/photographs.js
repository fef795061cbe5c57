// The photographs that travel with a figure, as one picture: gradbook.living.photographs.

/** Where the sheet lies (`address`), and how photograph n is cut out of it; `close` frees it. side: pixels of each. */
export function photographs(model, side, count) {
  const address = URL.createObjectURL(new Blob([model.get("photographs")], { type: "image/webp" })), across = model.get("across");
  const place = (n) => [(n % across) * side, Math.floor(n / across) * side];
  const whole = [Math.min(count, across) * side, Math.ceil(count / across) * side];
  return { address, place, whole, close: () => URL.revokeObjectURL(address) };
}

/** The same for canvases: `paint` draws photograph n at `size` pixels once the sheet has been read; then `ready` is called. */
export function painter(model, side, count, ready) {
  const sheet = photographs(model, side, count), picture = new Image();
  picture.addEventListener("load", ready);
  picture.src = sheet.address;
  const paint = (context, n, size = side) => {
    context.clearRect(0, 0, size, size);
    if (picture.complete && picture.naturalWidth) context.drawImage(picture, ...sheet.place(n), side, side, 0, 0, size, size);
  };
  return { paint, close: sheet.close };
}
