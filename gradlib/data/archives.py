"""The archives of MVTec AD and VisA: addresses, checksums, and safe unpacking."""

import lzma
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from tqdm import tqdm

from gradlib.errors import InputError

MARKER = (
    ".gradlib-archive"  # holds the archive's sha256; written last, so its presence means that the folder is complete
)


@dataclass(frozen=True)
class Archive:
    """What is needed to download, check and unpack one data set."""

    name: str  # of the data set and of the folder that the archive is unpacked to
    title: str
    file_name: str
    urls: tuple[str, ...]  # tried in this order
    sha256: str
    size: int  # bytes, according to public copies; used only to check the free space
    unpacked: int  # bytes, estimated
    contents: str  # a path that the unpacked data must contain
    licence: str
    page: str
    mirrors: str  # unofficial copies, named in the instruction for a manual download


MVTEC = Archive(
    name="mvtec",
    title="MVTec AD",
    file_name="mvtec_anomaly_detection.tar.xz",
    # the share is renewed from time to time; the two older addresses were dead in 2026 and may return
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
    # two names of one storage bucket: regional and general
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
ARCHIVES = {archive.name: archive for archive in (MVTEC, VISA)}  # the data sets that must be downloaded


def is_unpacked(archive: Archive, target: Path) -> bool:
    """Whether target holds this archive's complete contents; raises InputError if it holds anything else."""
    if not target.exists():
        return False
    marker = target / MARKER
    if marker.is_file() and marker.read_text().strip() == archive.sha256:
        return True
    raise InputError(
        f"{target} exists but was not unpacked by this command: use it as it is (as root, or DATA_ROOT in the book) or "
        "move it away."
    )


def unpack(file: Path, archive: Archive, target: Path) -> None:
    """Unpack a checked archive to target, completely or, on any failure, not at all.

    Raises InputError for an unsafe member, a broken archive, one without the expected contents, and a full disk.
    """
    staging = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(staging, ignore_errors=True)  # left by a killed run
    staging.mkdir(parents=True)
    try:
        with tarfile.open(file) as tar:
            # members are read in sequence: listing them first would decompress everything twice
            members = tqdm(tar, desc="unpacking", unit=" files", disable=None)  # None: silent without a terminal
            tar.extractall(staging, members=members, filter=_safe_member)
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


def _safe_member(member: tarfile.TarInfo, destination: str) -> tarfile.TarInfo:
    """The member without unusual owners and modes; raises InputError if it would write outside the destination."""
    # tarfile's own filter strips a leading slash and allows an inner ..; no genuine data set has either
    posix, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise InputError(
            f"The archive holds the unsafe path {member.name!r} and is refused: download it from another address."
        )
    try:
        return tarfile.data_filter(member, destination)
    except tarfile.FilterError as error:
        raise InputError(f"The archive is refused as unsafe ({error}): download it from another address.") from error


def _top(staging: Path, archive: Archive) -> Path:
    """The folder with the expected contents: the archive's root, or the single folder at its top."""
    for folder in (staging, *(path for path in staging.iterdir() if path.is_dir())):
        if (folder / archive.contents).exists():
            return folder
    raise InputError(
        f"The archive does not hold {archive.contents}, so it is not the expected copy of {archive.title}: "
        f"remove it and run again, or get another copy from {archive.page}."
    )
