import cv2
import numpy as np
import pytest

from mmcv.data import DataError
from mmcv.fileio import FileClient
from mmcv.transforms import LoadImageFromFile, read_array


@pytest.fixture
def folder(tmp_path):
    img = np.random.RandomState(0).randint(0, 256, (20, 30, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "color.png"), img)
    cv2.imwrite(str(tmp_path / "gray.png"), img[..., 0])
    jpeg = cv2.imencode(".jpg", img)[1].tobytes()
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "folder.jpg").mkdir()
    return tmp_path


def load(folder, name, **options):
    results = {"img_prefix": str(folder), "img_info": {"filename": name}}
    return LoadImageFromFile(**options)(results)


def test_loading_sets_image_and_defaults(folder):
    results = load(folder, "color.png")
    expected = cv2.imread(str(folder / "color.png"))
    np.testing.assert_array_equal(results["img"], expected)
    assert results["filename"] == str(folder / "color.png")
    assert results["ori_filename"] == "color.png"
    assert results["img_shape"] == results["ori_shape"] == results["pad_shape"] == (20, 30, 3)
    assert results["scale_factor"] == 1.0
    norm = results["img_norm_cfg"]
    assert norm["mean"].tolist() == [0] * 3 and norm["std"].tolist() == [1] * 3
    assert norm["to_rgb"] is False and norm["mean"].dtype == np.float32


def test_options(folder):
    assert load(folder, "color.png", to_float32=True)["img"].dtype == np.float32
    gray = load(folder, "gray.png", color_type="unchanged")
    assert gray["img"].shape == (20, 30) and gray["img_norm_cfg"]["mean"].shape == (1,)
    assert load(folder, "gray.png", imdecode_backend="pillow")["img"].shape == (20, 30, 3)
    rgb = load(folder, "color.png", channel_order="rgb")["img"]
    np.testing.assert_array_equal(rgb, load(folder, "color.png")["img"][..., ::-1])
    results = {"img_prefix": None, "img_info": {"filename": str(folder / "color.png")}}
    assert LoadImageFromFile()(results)["img"].shape == (20, 30, 3)
    assert repr(LoadImageFromFile()) == (
        "LoadImageFromFile(to_float32=False,color_type='color',imdecode_backend='cv2')"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.jpg", "does not exist: check data_root, img_dir and img_suffix"),
        ("cut.jpg", "cannot be decoded"),
        ("text.jpg", "cannot be decoded"),
        ("folder.jpg", "cannot be read"),
    ],
)
def test_bad_file_is_one_error_with_name_and_cure(folder, name, reason):
    with pytest.raises(DataError, match=reason) as caught:
        load(folder, name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_label_errors_name_the_label_keys(folder):
    with pytest.raises(DataError, match=r"label file .*absent\.png .*ann_dir and seg_map_suffix"):
        read_array(str(folder / "absent.png"), client=FileClient("disk"), what="label")
