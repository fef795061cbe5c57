"""Feature refinement on real images: S, x-hat, d and the image score as functions of k and both weights (Eq. 5, 6)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import traitlets
from torch.nn import functional as F

from gradbook.living.base import joined, packed
from gradbook.living.image_sheet import ImageFigure, image_sheet
from gradlib.config import GradConfig
from gradlib.errors import InputError
from gradlib.model import GradOutput


class Refinement(ImageFigure):
    """The reader moves k and both lambdas; S, x-hat, d and the image score of a few images follow (Eq. 5, 6, 8).

    output: of B images, by a model of this config; paths, names: B each; size: of the images and of the scored maps, in
    pixels; channels: how many can be shown, those of largest variance. Explained in {ref}`ch-refinement`. Raises
    InputError if the numbers of images differ or a file is damaged.
    """

    _esm = joined("refinement_view")
    mse = traitlets.Bytes().tag(sync=True)  # float32, (B, H, W), as the next two
    cosine = traitlets.Bytes().tag(sync=True)
    distance = traitlets.Bytes().tag(sync=True)  # the length of x - f^n
    channels = traitlets.List(traitlets.Int()).tag(sync=True)
    x = traitlets.Bytes().tag(sync=True)  # float32, (B, len(channels), H, W), as the next
    f_n = traitlets.Bytes().tag(sync=True)
    k = traitlets.Float().tag(sync=True)
    lambda_1 = traitlets.Float().tag(sync=True)
    lambda_2 = traitlets.Float().tag(sync=True)
    trained = traitlets.Dict().tag(sync=True)  # k and both lambdas with which the model was trained
    selected = traitlets.Int(0).tag(sync=True)
    channel = traitlets.Int(0).tag(sync=True)
    pixel = traitlets.List(traitlets.Int()).tag(sync=True)  # row, column

    def __init__(
        self,
        output: GradOutput,
        paths: Sequence[Path],
        names: Sequence[str],
        config: GradConfig,
        *,
        size: int = 224,
        channels: int = 4,
    ):
        x, f_n = output.features.detach().cpu(), output.normal.detach().cpu()  # (B, C, H, W)
        B, _, H, W = x.shape
        if not B == len(paths) == len(names):
            raise InputError(
                f"There are features of {B} images, {len(paths)} paths and {len(names)} names: give as many of each."
            )
        most_varying = x.transpose(0, 1).flatten(1).var(dim=1).topk(channels).indices  # (channels,)
        mse = (x - f_n).square().mean(dim=1)  # (B, H, W)
        distance = torch.linalg.vector_norm(x - f_n, dim=1)  # (B, H, W)
        rules = {"k": config.mse_threshold, "lambda_1": config.lambda_mse, "lambda_2": config.lambda_cos}
        super().__init__(
            names=list(names),
            images=image_sheet(paths, size),
            size=size,
            map_size=[H, W],
            mse=packed(mse),
            cosine=packed(F.cosine_similarity(x, f_n, dim=1)),
            distance=packed(distance),
            channels=most_varying.tolist(),
            x=packed(x[:, most_varying]),
            f_n=packed(f_n[:, most_varying]),
            trained=rules,
            pixel=[int(i) for i in np.unravel_index(int(output.error[0].argmax()), (H, W))],
            alt=(
                f"One of {B} photographs beside maps of S and d, and below them one channel of x, f-n and x-hat. "
                "Sliders change k and both lambdas; the maps follow. A point on the photograph picks a pixel, whose "
                "numbers a sentence gives; a table gives each photograph's score."
            ),
            **rules,
        )
