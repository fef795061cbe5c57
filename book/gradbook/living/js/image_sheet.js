// The images that travel with a figure as one file: gradbook.living.image_sheet.

/** The sheet's address and size, and the place of image n on it; `close` frees it. side: of an image, in pixels. */
export function imageSheet(model, side, count) {
  const address = URL.createObjectURL(new Blob([model.get("images")], { type: "image/webp" })), across = model.get("across");
  const place = (n) => [(n % across) * side, Math.floor(n / across) * side];
  const size = [Math.min(count, across) * side, Math.ceil(count / across) * side];
  return { address, place, size, close: () => URL.revokeObjectURL(address) };
}

/** The same for canvases: `paint` draws image n with `size` pixels, once the sheet has been decoded; then `ready` is called. */
export function sheetPainter(model, side, count, ready) {
  const sheet = imageSheet(model, side, count), image = new Image();
  image.addEventListener("load", ready);
  image.src = sheet.address;
  const paint = (context, n, size = side) => {
    context.clearRect(0, 0, size, size);
    if (image.complete && image.naturalWidth) context.drawImage(image, ...sheet.place(n), side, side, 0, 0, size, size);
  };
  return { paint, close: sheet.close };
}
