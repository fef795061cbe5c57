"""The archives of MVTec AD and VisA: where they are, how they are checked, how they are unpacked safely."""

import lzma
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from tqdm import tqdm

from gradlib.errors import InputError

MARKER = ".gradlib-archive"  # holds the archive's sha256; written last, so that its folder is known to be whole


@dataclass(frozen=True)
class Archive:
    """One data set's archive: all that is needed to fetch, check and unpack it."""

    name: str  # the folder it is unpacked to
    title: str
    file_name: str
    urls: tuple[str, ...]  # tried in this order
    sha256: str
    size: int  # bytes, as public copies state; only the free-space check relies on it
    unpacked: int  # bytes, estimated
    contents: str  # a path that the unpacked data must hold
    licence: str
    page: str
    mirrors: str  # unofficial copies, for the manual instruction


MVTEC = Archive(
    name="mvtec",
    title="MVTec AD",
    file_name="mvtec_anomaly_detection.tar.xz",
    # the share is renewed now and then; the two older addresses were dead in 2026 and may come back
    urls=(
        "https://www.mydrive.ch/shares/150996/b52ecdcbf521176e9db9c731f2304b27/download/420938113-1629960298/"
        "mvtec_anomaly_detection.tar.xz",
        "https://www.mydrive.ch/shares/38536/3830184030e49fe74747669442f0f283/download/420938113-1629960298/"
        "mvtec_anomaly_detection.tar.xz",
        "https://www.mydrive.ch/shares/38536/3830184030e49fe74747669442f0f282/download/420938113-1629952094/"
        "mvtec_anomaly_detection.tar.xz",
    ),
    sha256="cf4313b13603bec67abb49ca959488f7eedce2a9f7795ec54446c649ac98cd3d",
    size=5_264_982_680,
    unpacked=5_300_000_000,
    contents="bottle/train/good",
    licence="CC BY-NC-SA 4.0 (no commercial use)",
    page="https://www.mvtec.com/company/research/datasets/mvtec-ad",
    mirrors="the Hugging Face data sets ProgrammerGnome/MVTecAD or Voxel51/mvtec-ad",
)
VISA = Archive(
    name="visa",
    title="VisA",
    file_name="VisA_20220922.tar",
    # two names of one storage bucket: by region, and the general one
    urls=(
        "https://amazon-visual-anomaly.s3.us-west-2.amazonaws.com/VisA_20220922.tar",
        "https://amazon-visual-anomaly.s3.amazonaws.com/VisA_20220922.tar",
    ),
    sha256="2eb8690c803ab37de0324772964100169ec8ba1fa3f7e94291c9ca673f40f362",
    size=1_929_840_640,
    unpacked=1_930_000_000,
    contents="split_csv/1cls.csv",
    licence="CC BY 4.0",
    page="https://github.com/amazon-science/spot-diff",
    mirrors="the Hugging Face data set hdtech/visual_anomaly_dataset",
)


def unpacked_before(archive: Archive, target: Path) -> bool:
    """Whether target holds this archive's whole contents; raises InputError if it holds something else."""
    if not target.exists():
        return False
    marker = target / MARKER
    if marker.is_file() and marker.read_text().strip() == archive.sha256:
        return True
    raise InputError(
        f"{target} exists but was not unpacked by this command: use it as it is (as root or DATA_ROOT) or move it away."
    )


def unpack(file: Path, archive: Archive, target: Path) -> None:
    """Unpack a checked archive to target: all of it or, on any failure, none.

    Raises InputError for a hostile member, a broken archive, one without the expected contents, and a full disk.
    """
    staging = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(staging, ignore_errors=True)  # from a run that was killed
    staging.mkdir(parents=True)
    try:
        with tarfile.open(file) as tar:
            # members are read one after another: listing them first would decompress everything twice
            tar.extractall(staging, members=_with_progress(tar), filter=_safe_member)
        top = _top(staging, archive)
        (top / MARKER).write_text(archive.sha256 + "\n")
        top.replace(target)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise InputError(f"The archive {file} cannot be unpacked ({error}): remove it and run again.") from error
    except OSError as error:
        raise InputError(
            f"Unpacking {file} to {target.parent} failed ({error.strerror}): free some space or choose another folder "
            "and run again, the archive is kept."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _with_progress(tar: tarfile.TarFile) -> Iterable[tarfile.TarInfo]:
    return tqdm(tar, desc="unpacking", unit=" files", disable=None)  # None: silent where no terminal shows it


def _safe_member(member: tarfile.TarInfo, destination: str) -> tarfile.TarInfo:
    """The member without odd owners and modes; raises InputError if it would touch anything outside the destination."""
    # tarfile's own filter strips a leading slash and lets an inner .. pass; no honest data set has either
    posix, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise InputError(
            f"The archive holds the unsafe path {member.name!r} and is refused: fetch it from another address."
        )
    try:
        return tarfile.data_filter(member, destination)
    except tarfile.FilterError as error:
        raise InputError(f"The archive is refused as unsafe ({error}): fetch it from another address.") from error


def _top(staging: Path, archive: Archive) -> Path:
    """The folder with the expected contents: the archive's root, or the single folder that it wraps everything in."""
    for folder in (staging, *(path for path in staging.iterdir() if path.is_dir())):
        if (folder / archive.contents).exists():
            return folder
    raise InputError(
        f"The archive does not hold {archive.contents}, so it is not {archive.title} as this reader knows it: "
        f"remove it and run again, or get another copy from {archive.page}."
    )
