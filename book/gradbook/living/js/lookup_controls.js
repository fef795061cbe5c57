import { choice, controls, toggle, write } from "./common.js";

/** Controls for the two rules of a grid, the traits align_corners and padding_mode; `show` updates them from the traits. */
export function ruleControls(model) {
  const align = toggle({ name: "outermost knots at −1 and 1", value: model.get("align_corners"), onChange: (on) => write(model, { align_corners: on }) });
  const padding = choice({
    name: "beyond the ends", options: [["border", "hold the last value"], ["zeros", "count as 0"]],
    value: model.get("padding_mode"), onChange: (rule) => write(model, { padding_mode: rule }),
  });
  const show = () => {
    align.input.checked = model.get("align_corners");
    padding.select.value = model.get("padding_mode");
  };
  return { node: controls(align.node, padding.node), show };
}
