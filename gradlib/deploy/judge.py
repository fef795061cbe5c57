"""Judge a folder of photographs with a detector file: scores, maps, and a page to look at.

    python -m gradlib.deploy.judge detector.onnx photographs out

writes out/scores.csv row by row, out/maps with one picture for each photograph, and out/index.html, the highest scores
first. One photograph at a time is in memory. A photograph that cannot be read gets a row with the reason, all others
are judged, and the command ends with status 1. Needs no PyTorch. Explained in {ref}`ch-own`.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import onnxruntime
from PIL import Image, ImageOps

from gradlib.data.images import read_image, squash
from gradlib.data.layout import IMAGE_SUFFIXES, image_files
from gradlib.deploy.onnx_session import open_session
from gradlib.errors import InputError

COLUMNS = ("photograph", "score", "verdict", "reason")
DEFECTIVE, PASSES, UNREADABLE = "defective", "passes", "unreadable"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Judged photographs</title><style>
body { font: 1rem system-ui, sans-serif; margin: 1rem; color-scheme: light dark }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; padding: 0 }
li { list-style: none; overflow-wrap: anywhere } img { width: 100%; image-rendering: pixelated }
.defective { font-weight: bold }
</style><h1>Judged photographs</h1><p>{{ counts }}. Left the photograph, right its map: the brightest colour stands for
twice the threshold, {{ "%.4g" % threshold }}.</p><ul>
{% for v in verdicts %}{% if v.reason %}<li><p>{{ v.photograph }}: {{ v.reason }}</p></li>
{% else %}<li><img loading="lazy" src="maps/{{ v.photograph | urlencode }}.png" alt="{{ v.photograph }}, and its map">
<p class="{{ v.verdict }}">{{ v.photograph }}: {{ "%.4g" % v.score }}, {{ v.verdict }}</p></li>
{% endif %}{% endfor %}</ul></html>
"""


@dataclass(frozen=True)
class Verdict:
    """The result for one photograph; if it could not be read, score is NaN and `reason` says why."""

    photograph: str  # relative to the folder
    score: float
    verdict: str
    reason: str = ""


class Judge:
    """A detector file, ready to run. Raises InputError if gradlib did not write it."""

    def __init__(self, file: Path):
        self.session: onnxruntime.InferenceSession = open_session(file)
        metadata = self.session.get_modelmeta().custom_metadata_map
        if not {"image_size", "threshold"} <= metadata.keys():
            raise InputError(f"{file} contains no threshold: give a file by gradlib.deploy.detector.write_detector.")
        self.size, self.threshold = int(json.loads(metadata["image_size"])), float(json.loads(metadata["threshold"]))

    def __call__(self, image: Image.Image) -> tuple[float, np.ndarray]:
        """The score of an image and its map (S, S)."""
        score, maps = self.session.run(["score", "map"], {"image": squash(image, self.size)})
        return float(score.item()), maps[0]

    def side_by_side(self, image: Image.Image, values: np.ndarray) -> Image.Image:
        """The image and its map, 2 S x S pixels; twice the threshold and more is brightest."""
        shades = np.clip(values * (255 / (2 * self.threshold)), 0, 255).astype(np.uint8)
        coloured = ImageOps.colorize(Image.fromarray(shades), black="#0d0887", mid="#cc4778", white="#f0f921")
        both = Image.new("RGB", (2 * self.size, self.size))
        both.paste(image.resize((self.size, self.size), Image.Resampling.BILINEAR), (0, 0))
        both.paste(coloured, (self.size, 0))
        return both


def photographs_in(folder: Path) -> list[Path]:
    """All image files below `folder`, sorted. Raises InputError if the folder is missing or holds none."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: give the one that holds the photographs.")
    photographs = image_files(folder, recursive=True)
    if not photographs:
        raise InputError(f"{folder} holds no image file ({', '.join(sorted(IMAGE_SUFFIXES))}): give another folder.")
    return photographs


def judge_each(judge: Judge, folder: Path, out: Path) -> Iterator[Verdict]:
    """Verdict after verdict; the picture in out/maps is written before the verdict is yielded."""
    for path in photographs_in(folder):
        name = path.relative_to(folder).as_posix()
        try:
            image = read_image(path)
        except InputError as error:
            yield Verdict(name, float("nan"), UNREADABLE, str(error))
            continue
        score, values = judge(image)
        picture = out / "maps" / f"{name}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        judge.side_by_side(image, values).save(picture)
        yield Verdict(name, score, DEFECTIVE if score >= judge.threshold else PASSES)


def write_page(verdicts: Sequence[Verdict], threshold: float, out: Path) -> None:
    """out/index.html: unreadable photographs first, then by falling score; pictures load when scrolled into view."""
    order = sorted(verdicts, key=lambda v: (v.verdict != UNREADABLE, -v.score if v.score == v.score else 0))
    kinds = [v.verdict for v in verdicts]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in (DEFECTIVE, PASSES, UNREADABLE) if kind in kinds)
    template = jinja2.Environment(autoescape=True).from_string(PAGE)  # a file's name may hold any character
    page = template.render(verdicts=order, counts=counts, threshold=threshold)
    (out / "index.html").write_text(page, encoding="utf-8")


def judge_folder(file: Path, folder: Path, out: Path) -> list[Verdict]:
    """Judge every photograph below `folder` and write scores.csv, maps and index.html to `out`.

    Raises InputError if `file` is no detector, the folder has no photograph, or `out` lies in the folder.

        verdicts = judge_folder(Path("detector.onnx"), Path("photographs"), Path("out"))
    """
    judge = Judge(file)
    photographs_in(folder)
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{out} lies in {folder}, so the next run would judge its maps: choose a place beside it.")
    out.mkdir(parents=True, exist_ok=True)
    verdicts = []
    with (out / "scores.csv").open("w", newline="", encoding="utf-8") as table:
        rows = csv.writer(table)
        rows.writerow(COLUMNS)
        for v in judge_each(judge, folder, out):
            rows.writerow([v.photograph, "" if v.verdict == UNREADABLE else f"{v.score:.6g}", v.verdict, v.reason])
            table.flush()  # so that a kill loses one photograph at most
            verdicts.append(v)
    write_page(verdicts, judge.threshold, out)
    return verdicts


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 0, 1 if a photograph could not be read, 2 for an InputError."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", type=Path, help="the ONNX file")
    parser.add_argument("photographs", type=Path, help="a folder, searched with all folders below it")
    parser.add_argument("out", type=Path, help="the folder for the results, created if missing")
    options = parser.parse_args(arguments)
    try:
        verdicts = judge_folder(options.detector, options.photographs, options.out)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    unreadable = [v for v in verdicts if v.verdict == UNREADABLE]
    for v in unreadable:
        print(v.reason, file=sys.stderr)
    defective = sum(v.verdict == DEFECTIVE for v in verdicts)
    print(f"{len(verdicts)} photographs, {defective} defective: look at {options.out / 'index.html'}")
    return 1 if unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
