// What the widget manager needs to know of this site; only pages with widgets load it.
(() => {
  // Where its modules are. Without these paths it would ask a CDN.
  const vendored = (document.documentElement.dataset.content_root || "./") + "_static/vendor/";
  window.requirejs.config({
    paths: {
      anywidget: vendored + "anywidget/index",
      "@jupyter-widgets/html-manager": vendored + "html-manager/index",
      "@jupyter-widgets/html-manager/dist": vendored + "html-manager",
    },
  });
  // It speaks MathJax 2, `Hub.Queue(["Typeset", hub, element])`, wherever a page has maths: answer with MathJax 3.
  addEventListener("DOMContentLoaded", () => {
    if (!window.MathJax) return;
    window.MathJax.Hub = {
      Queue: ([, , element]) => window.MathJax.startup.promise.then(() => window.MathJax.typesetPromise([element])),
    };
  });
})();
