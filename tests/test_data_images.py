"""Images of every kind become upright 8-bit RGB with the right values, or one sentence."""

import warnings

import numpy as np
import pytest
from PIL import Image

from conftest import save
from gradlib.data.images import image_array, read_image, squash
from gradlib.errors import InputError

HALF = (0.5, 0.5, 0.5)
RAMP = np.arange(0, 256, dtype=np.uint8).reshape(16, 16)


def red_with(alpha: int) -> np.ndarray:
    return np.full((4, 4, 4), (200, 30, 10, alpha), np.uint8)


# --- values ---


def test_grey_image_is_repeated_in_three_channels(tmp_path):
    pixels = np.asarray(read_image(save(RAMP, tmp_path / "grey.png")))
    assert pixels.dtype == np.uint8
    assert (pixels == RAMP[..., None]).all()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_image_is_scaled_and_not_clipped(tmp_path, suffix):
    deep = RAMP.astype(np.uint16) * 257  # 257 * 255 = 65535
    assert (np.asarray(read_image(save(deep, tmp_path / f"deep.{suffix}"))) == RAMP[..., None]).all()


def test_sixteen_bit_image_of_other_byte_order_or_wider_mode_has_the_same_values(tmp_path):
    deep = RAMP.astype(np.uint16) * 257
    big = Image.frombytes("I;16B", (16, 16), deep.astype(">u2").tobytes())
    big.save(tmp_path / "big.tif")
    Image.fromarray(deep.astype(np.int32)).save(tmp_path / "wide.tif")
    for name in ("big.tif", "wide.tif"):
        assert (np.asarray(read_image(tmp_path / name)) == RAMP[..., None]).all()


@pytest.mark.parametrize("values", [np.full((4, 4), 70000, np.int32), np.full((4, 4), -1, np.int32)])
def test_values_beyond_sixteen_bits_are_refused(tmp_path, values):
    with pytest.raises(InputError, match=r"odd\.tif has values from .* beyond 16 bits: save it"):
        read_image(save(values, tmp_path / "odd.tif"))


def test_floating_point_image_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"float\.tif holds floating-point values"):
        read_image(save(np.zeros((4, 4), np.float32), tmp_path / "float.tif"))


@pytest.mark.parametrize("alpha", [0, 128, 255])
def test_alpha_is_dropped_and_the_colour_under_it_stays(tmp_path, alpha):
    pixels = np.asarray(read_image(save(red_with(alpha), tmp_path / "rgba.png")))
    assert (pixels == (200, 30, 10)).all()


def test_alpha_of_grey_and_palette_images_is_dropped(tmp_path):
    Image.fromarray(np.full((4, 4, 2), (77, 0), np.uint8), "LA").save(tmp_path / "la.png")
    assert (np.asarray(read_image(tmp_path / "la.png")) == 77).all()
    palette = Image.fromarray(red_with(255)[..., :3]).quantize(4)
    palette.save(tmp_path / "palette.png", transparency=bytes([10, 128, 255, 255]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow warns of a palette's transparency where it is converted directly
        assert (np.asarray(read_image(tmp_path / "palette.png")) == (200, 30, 10)).all()


def test_cmyk_image_becomes_rgb(tmp_path):
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "cmyk.tif")
    assert (np.asarray(read_image(tmp_path / "cmyk.tif")) == (255, 0, 0)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_orientation_is_applied(tmp_path, dtype):
    lying = np.zeros((4, 6), dtype)
    lying[0, :] = np.iinfo(dtype).max  # the bright row of the sensor is the right edge of the upright image
    image = Image.fromarray(lying)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    pixels = np.asarray(read_image(tmp_path / "turned.png"))[..., 0]
    assert pixels.shape == (6, 4)
    assert (pixels[:, -1] == 255).all()
    assert (pixels[:, :-1] == 0).all()


# --- the array ---


def test_array_of_a_fitting_image_is_its_normalised_pixels(tmp_path):
    draw = np.random.default_rng(1)
    pixels = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    array = image_array(save(pixels, tmp_path / "a.png"), 8, mean, std)
    expected = (pixels / 255 - np.array(mean)) / np.array(std)
    assert array.shape == (3, 8, 8)
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    np.testing.assert_allclose(array, expected.transpose(2, 0, 1), rtol=1e-5, atol=1e-6)


def test_array_is_resized_as_the_protocol_does(tmp_path):
    pixels = np.random.default_rng(2).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(pixels).resize((8, 8), Image.Resampling.BILINEAR))
    array = image_array(save(pixels, tmp_path / "a.png"), 8, (0, 0, 0), (1, 1, 1))
    np.testing.assert_allclose(array * 255, expected.transpose(2, 0, 1), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(squash(Image.fromarray(pixels), 8)[0], expected.transpose(2, 0, 1))


def test_real_image_of_protocol_size_is_left_as_it_is(mvtec_root):
    path = mvtec_root / "bottle" / "train" / "good" / "000.png"
    with Image.open(path) as image:
        pixels = np.array(image.convert("RGB"), np.float32).transpose(2, 0, 1)
    np.testing.assert_allclose(image_array(path, 224, (0, 0, 0), (1, 1, 1)) * 255, pixels, rtol=1e-5, atol=1e-5)


def test_images_that_are_not_square_are_squashed_with_one_warning_a_folder(tmp_path):
    wide = np.zeros((4, 8), np.uint8)
    wide[:, 4:] = 255
    paths = [save(wide, tmp_path / folder / f"{index}.png") for folder in ("a", "b") for index in range(3)]
    save(RAMP, tmp_path / "a" / "square.png")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        arrays = [image_array(path, 4, HALF, HALF) for path in [tmp_path / "a" / "square.png", *paths]]
    assert [str(warning.message).split(" pixels")[0] for warning in heard] == [
        f"{tmp_path / folder / '0.png'} is 8 x 4" for folder in ("a", "b")
    ]
    assert "crop them" in str(heard[0].message)
    assert arrays[1].shape == (3, 4, 4)
    assert arrays[1][0, 0, 0] == -1  # both halves of the photograph are still there
    assert arrays[1][0, 0, 3] == 1


# --- damaged files ---


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow's remark on half a TIFF
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp"])
def test_truncated_image_is_refused_by_name(tmp_path, suffix):
    path = save(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), tmp_path / f"cut.{suffix}")
    content = path.read_bytes()
    for length in (len(content) // 2, 20):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=rf"cut\.{suffix} .*copy it again or remove it") as refusal:
            read_image(path)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", r"bad\.png is empty \(0 bytes\)"), (b"hello", r"bad\.png is no image"), (None, r"bad\.png does not exist")],
)
def test_file_that_is_no_image_is_refused_by_name(tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_image(tmp_path / "bad.png")


@pytest.mark.filterwarnings("ignore")  # Pillow's own remarks on odd headers
def test_damaged_bytes_never_escape_as_another_exception(tmp_path):
    draw, refused = np.random.default_rng(3), 0
    for suffix in ("png", "jpg", "tif", "webp"):
        path = save(draw.integers(0, 256, (16, 16, 3), dtype=np.uint8), tmp_path / f"a.{suffix}")
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            broken = content.copy()
            broken[draw.integers(0, len(broken), 4)] = draw.integers(0, 256, 4)
            path.write_bytes(broken.tobytes())
            try:
                read_image(path)
            except InputError:
                refused += 1
    assert refused > 60


def test_image_too_large_to_be_honest_is_refused(tmp_path, monkeypatch):
    path = save(RAMP, tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"huge\.png is damaged or too large"):
        read_image(path)
