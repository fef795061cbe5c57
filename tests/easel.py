"""Reading the detector's figure in a browser: its sentence, the pixels on its easel, and Python's answer to them."""

import base64
import io
import re

import numpy as np
import pytest
from onnxruntime import InferenceSession
from PIL import Image
from playwright.sync_api import Locator, expect

from gradlib.data.images import squash
from living import states

PAGE = "book/12_detector_in_the_page.html"
SENTENCE = re.compile(
    r"Score (\S+), (below|at or above) the threshold (\S+): (?:passed as normal|called defective)\."
    r"(?: The map's mean is (\S+) where you painted and (\S+) elsewhere\.)?"
)
PIXELS = """canvas => {
  const { width, height } = canvas, bytes = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  return { width, height, bytes: btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join('')) };
}"""


def photographs() -> list[Image.Image]:
    traits = states(PAGE)["detector"]
    strip, count = Image.open(io.BytesIO(traits["images"])), traits["shape"]["count"]
    high = strip.height // count
    return [strip.crop((0, high * n, strip.width, high * (n + 1))) for n in range(count)]


def judged(network: InferenceSession, picture: Image.Image) -> tuple[float, np.ndarray]:
    """Score and map by onnxruntime in Python."""
    score, maps = network.run(["score", "map"], {"image": squash(picture, 224)})
    return score.item(), maps[0]


def shown(figure: Locator) -> tuple[float, float | None, float | None]:
    """The score, and the map's means where painted and elsewhere; the verdict must be the score's."""
    found = SENTENCE.match(figure.locator("p.grad-sentence").inner_text())
    assert found, figure.locator("p.grad-sentence").inner_text()
    score, verdict, threshold, *means = found.groups()
    assert (verdict == "below") == (float(score) < states(PAGE)["detector"]["threshold"])
    assert float(threshold) == pytest.approx(states(PAGE)["detector"]["threshold"], abs=0.006)
    inside, outside = (None if mean is None else float(mean) for mean in means)
    return float(score), inside, outside


def painted(figure: Locator) -> Image.Image:
    """What lies on the easel, in the photograph's own pixels."""
    found = figure.locator(".grad-easel canvas").evaluate(PIXELS)
    flat = np.frombuffer(base64.b64decode(found["bytes"]), np.uint8)
    return Image.fromarray(flat.reshape(found["height"], found["width"], 4)[..., :3].copy())


def settle(figure: Locator) -> None:
    """Wait until the network has answered all that it was asked."""
    figure.page.wait_for_timeout(100)
    expect(figure.locator("p.grad-sentence")).to_have_attribute("aria-busy", "false", timeout=60_000)
