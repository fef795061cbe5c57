"""Judge a folder of photographs with a detector file: scores, maps, and a page to look at.

    python -m gradlib.deploy.judge detector.onnx photographs out

writes out/scores.csv row by row, out/maps with one picture for each photograph, and out/index.html, the highest scores
first. One photograph is held in memory at a time. One that cannot be read gets a row that says why, the others are
judged all the same, and the command ends with status 1. Explained in {ref}`ch-own`.
"""

import argparse
import csv
import html
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

from gradlib.data.images import read_image, squashed
from gradlib.data.layout import IMAGE_SUFFIXES
from gradlib.deploy.onnx_session import session
from gradlib.errors import InputError

COLUMNS = ("photograph", "score", "verdict", "reason")
DEFECTIVE, PASSES, UNREADABLE = "defective", "passes", "unreadable"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 1rem system-ui, sans-serif; margin: 1rem; color-scheme: light dark }}
ul {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; padding: 0 }}
li {{ list-style: none; overflow-wrap: anywhere }} img {{ width: 100%; image-rendering: pixelated }}
.defective {{ font-weight: bold }}
</style><h1>{title}</h1><p>{counts}. Left the photograph, right its map: the brightest colour stands for twice the
threshold, {threshold:.4g}.</p><ul>
{items}
</ul></html>
"""


@dataclass(frozen=True)
class Verdict:
    """What the detector says of one photograph; score is NaN where it could not be read, and `reason` says why."""

    photograph: str  # relative to the folder
    score: float
    verdict: str
    reason: str = ""


class Judge:
    """A detector file with what it says of itself. Raises InputError if it is no detector that gradlib wrote."""

    def __init__(self, file: Path):
        self.network: onnxruntime.InferenceSession = session(file)
        told = self.network.get_modelmeta().custom_metadata_map
        if not {"image_size", "threshold"} <= told.keys():
            raise InputError(
                f"{file} has no threshold in it: give a file that gradlib.deploy.detector.write_detector wrote."
            )
        self.size, self.threshold = int(json.loads(told["image_size"])), float(json.loads(told["threshold"]))

    def __call__(self, image: Image.Image) -> tuple[float, np.ndarray]:
        """The score of a photograph and its map (S, S)."""
        score, maps = self.network.run(["score", "map"], {"image": squashed(image, self.size).numpy()})
        return float(score.item()), maps[0]

    def side_by_side(self, image: Image.Image, values: np.ndarray) -> Image.Image:
        """The photograph and its map, (S, 2 S); twice the threshold and more is brightest."""
        shades = np.clip(values * (255 / (2 * self.threshold)), 0, 255).astype(np.uint8)
        coloured = ImageOps.colorize(Image.fromarray(shades), black="#0d0887", mid="#cc4778", white="#f0f921")
        both = Image.new("RGB", (2 * self.size, self.size))
        both.paste(image.resize((self.size, self.size), Image.Resampling.BILINEAR), (0, 0))
        both.paste(coloured, (self.size, 0))
        return both


def photographs_in(folder: Path) -> list[Path]:
    """All image files below `folder`, in order. Raises InputError if there is no such folder or nothing in it."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: give the one that holds the photographs.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if not found:
        raise InputError(f"{folder} holds no image file ({', '.join(sorted(IMAGE_SUFFIXES))}): give another folder.")
    return found


def judged(judge: Judge, folder: Path, out: Path) -> Iterator[Verdict]:
    """One photograph after the other; its picture is written to out/maps before its verdict is given."""
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
    """out/index.html: what could not be read first, then from the highest score down; pictures load when in sight."""
    order = sorted(verdicts, key=lambda v: (v.verdict != UNREADABLE, -v.score if v.score == v.score else 0))
    items = []
    for v in order:
        name = html.escape(v.photograph)
        if v.verdict == UNREADABLE:
            items.append(f"<li><p>{name}: {html.escape(v.reason)}</p></li>")
        else:
            picture = f'<img loading="lazy" src="maps/{quote(v.photograph)}.png" alt="{name}, and its map">'
            items.append(f'<li>{picture}<p class="{v.verdict}">{name}: {v.score:.4g}, {v.verdict}</p></li>')
    kinds = [v.verdict for v in verdicts]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in (DEFECTIVE, PASSES, UNREADABLE) if kind in kinds)
    page = PAGE.format(title="Judged photographs", counts=counts, threshold=threshold, items="\n".join(items))
    (out / "index.html").write_text(page, encoding="utf-8")


def judge_folder(file: Path, folder: Path, out: Path) -> list[Verdict]:
    """Judge every photograph below `folder` and write scores.csv, maps and index.html to `out`.

    Raises InputError if the file is no detector, the folder has no photograph, or `out` lies in the folder.
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
        for v in judged(judge, folder, out):
            rows.writerow([v.photograph, "" if v.verdict == UNREADABLE else f"{v.score:.6g}", v.verdict, v.reason])
            table.flush()  # a kill costs one photograph
            verdicts.append(v)
    write_page(verdicts, judge.threshold, out)
    return verdicts


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", type=Path, help="the ONNX file")
    parser.add_argument("photographs", type=Path, help="a folder, searched with all below it")
    parser.add_argument("out", type=Path, help="a folder for the answers, made if it is not there")
    given = parser.parse_args(arguments)
    try:
        verdicts = judge_folder(given.detector, given.photographs, given.out)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    unreadable = [v for v in verdicts if v.verdict == UNREADABLE]
    for v in unreadable:
        print(v.reason, file=sys.stderr)
    defective = sum(v.verdict == DEFECTIVE for v in verdicts)
    print(f"{len(verdicts)} photographs, {defective} defective: look at {given.out / 'index.html'}")
    return 1 if unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
