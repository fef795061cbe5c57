"""Living figures: each a small Python model, plain maths in JavaScript, and a view; the same in JupyterLab and online.

`gradlib.widgets.base` says how they are put together. Each figure has a module here, and in js/ its `<name>_maths.js`,
which tests compare with PyTorch, and its `<name>_view.js`.
"""
