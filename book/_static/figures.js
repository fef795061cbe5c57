// Draws the plotly figures of a page as they come into view. On every page, so kept small: plotly.js itself (4.8 MB)
// is fetched once, and only by a page that has a figure to draw.
(() => {
  const page = document.documentElement;
  const vendored = (page.dataset.content_root || "./") + "_static/vendor/";
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let library;

  function loadPlotly() {
    library ||= new Promise((resolve, reject) => {
      // RequireJS, present beside widgets, would claim the library for itself: hide its sign while plotly loads.
      const define = window.define, amd = define?.amd;
      if (amd) define.amd = undefined;
      const script = document.createElement("script");
      const settle = (done) => () => { if (amd) define.amd = amd; done(); };
      script.src = vendored + "plotly.min.js";
      script.onload = settle(() => resolve(window.Plotly));
      script.onerror = settle(() => reject(new Error(`cannot load ${script.src}`)));
      document.head.append(script);
    });
    return library;
  }

  const textColour = () => getComputedStyle(document.body).color;

  function element(tag, attributes, ...children) {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  }

  // plotly's own sliders and buttons are drawn shapes that no key reaches: native ones take their place.
  function controls(Plotly, plot, layout) {
    const run = (step) => step.method !== "skip" && Plotly[step.method](plot, ...(step.args || []));
    const sliders = (layout.sliders || []).map((slider) => {
      const steps = slider.steps, shown = element("output", { textContent: steps[slider.active || 0].label });
      const range = element("input", { type: "range", min: 0, max: steps.length - 1, value: slider.active || 0 });
      range.addEventListener("input", () => { shown.textContent = steps[range.value].label; run(steps[range.value]); });
      return element("label", {}, slider.currentvalue?.prefix || "Step ", range, shown);
    });
    const menus = (layout.updatemenus || []).flatMap((menu) => menu.buttons.map((button) => {
      const made = element("button", { type: "button", textContent: button.label });
      made.addEventListener("click", () => run(button));
      return made;
    }));
    delete layout.sliders;
    delete layout.updatemenus;
    return element("div", { className: "grad-controls" }, ...menus, ...sliders);
  }

  async function draw(figure) {
    figure.dataset.begun = "yes";
    const plot = figure.querySelector(".grad-plot");
    const still = (key, value) => (calm && key === "transition" ? { duration: 0 } : value);
    const { data, layout, frames } = JSON.parse(figure.querySelector("script").textContent, still);
    const Plotly = await loadPlotly();
    plot.after(controls(Plotly, plot, layout));
    layout.font = { ...layout.font, color: textColour() };
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false; // a finger scrolls the page past the figure
    await Plotly.newPlot(plot, data, layout, { responsive: true, displayModeBar: false });
    if (frames) await Plotly.addFrames(plot, frames);
    plot.dataset.drawn = "yes";
  }

  // The sliders of ipywidgets have a visible label but no accessible name: copy it.
  function nameSliders() {
    for (const handle of document.querySelectorAll(".noUi-handle:not([aria-label])")) {
      const label = handle.closest(".jupyter-widgets")?.querySelector(".widget-label");
      handle.setAttribute("aria-label", label?.textContent.trim() || "value");
    }
  }

  addEventListener("DOMContentLoaded", () => {
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        draw(target);
      }
    }, { rootMargin: "400px" });
    document.querySelectorAll(".grad-figure").forEach((figure) => seen.observe(figure));
    // Whoever prints wants all figures; those that are too late leave their words (custom.css).
    addEventListener("beforeprint", () => document.querySelectorAll(".grad-figure").forEach((figure) => {
      seen.unobserve(figure);
      if (!figure.dataset.begun) draw(figure);
    }));

    new MutationObserver(() => {
      const drawn = document.querySelectorAll(".grad-plot[data-drawn]");
      drawn.forEach((plot) => window.Plotly.relayout(plot, { "font.color": textColour() }));
    }).observe(page, { attributeFilter: ["data-theme"] });

    // The bibliography calls itself a list, but its entries are not list items to a screen reader.
    document.querySelectorAll(".citation-list[role]").forEach((list) => list.removeAttribute("role"));

    if (document.querySelector('script[type="application/vnd.jupyter.widget-view+json"]')) {
      new MutationObserver(nameSliders).observe(document.body, { childList: true, subtree: true });
    }
  });
})();
