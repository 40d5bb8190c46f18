import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.apis import inference_segmentor, init_segmentor
from mmseg.commands.legend import overlay, with_legend
from mmseg.commands.predict import find_sources, main

SMALL = ["--cfg-options", "model.decode_head.num_classes=150", "--device", "cpu"]


def test_folder_file_and_broken_image(toy, capsys):
    broken = toy / "ade/images/validation/broken.jpg"
    broken.write_bytes(b"no picture")
    folder = "ade/images/validation"
    with pytest.raises(SystemExit, match=r"error: .*broken\.jpg"):
        main(["tiny.py", "weights.pth", folder, "--out", "out", *SMALL])
    assert "3 of 4 files written to out" in capsys.readouterr().out
    names = sorted(p.stem for p in (toy / "ade/images/validation").glob("ADE*.jpg"))
    assert sorted(p.stem for p in (toy / "out/masks").iterdir()) == names
    assert sorted(p.stem for p in (toy / "out/overlays").iterdir()) == names
    model = init_segmentor("tiny.py", "weights.pth", device="cpu")
    expected = inference_segmentor(model, f"{folder}/{names[0]}.jpg")[0]
    assert np.array_equal(np.asarray(Image.open(f"out/masks/{names[0]}.png")), expected)


def test_video_gives_a_film_and_a_mask_per_frame(toy):
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    film = cv2.VideoWriter(str(toy / "film.avi"), fourcc, 5, (64, 48))
    for i in range(3):
        film.write(np.full((48, 64, 3), 40 * i, np.uint8))
    film.release()
    main(["tiny.py", "weights.pth", "film.avi", "--out", "out", *SMALL])
    assert len(list((toy / "out/masks/film").glob("*.png"))) == 3
    capture = cv2.VideoCapture(str(toy / "out/overlays/film.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3


def test_overlays_only(toy):
    image = next((toy / "ade/images/validation").glob("*.jpg"))
    main(["tiny.py", "weights.pth", str(image), "--out", "out", "--no-masks", *SMALL])
    assert not (toy / "out/masks").exists() and len(list((toy / "out/overlays").iterdir())) == 1


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["none"], "none: no such file or folder"),
        (["tiny.py"], "is neither an image nor a video"),
        (["empty"], "empty: has no images"),
    ],
)
def test_errors(toy, capsys, inputs, message):
    (toy / "empty").mkdir()
    with pytest.raises(SystemExit):
        main(["tiny.py", "weights.pth", *inputs])
    assert message in capsys.readouterr().err


def test_results_keep_the_folders_of_their_images(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/x.JPG").touch()
    (tmp_path / "a/notes.txt").touch()
    assert [str(source.name) for source in find_sources([tmp_path / "a"])] == ["b/x"]


def test_overlay_mixes_colours_and_leaves_ignored_pixels():
    img = np.full((2, 2, 3), 100, np.uint8)
    labels = np.array([[0, 1], [255, 0]])
    mixed = overlay(img, labels, [[255, 0, 0], [0, 0, 255]], 0.5)
    assert mixed[0, 0].tolist() == [50, 50, 178] and mixed[0, 1].tolist() == [178, 50, 50]
    assert mixed[1, 0].tolist() == [100, 100, 100]


def test_legend_shows_only_classes_that_are_there():
    labels = np.zeros((100, 60), np.int64)
    labels[:10] = 2
    palette = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    picture = with_legend(np.zeros((100, 60, 3), np.uint8), labels, ["a", "b", "c"], palette)
    colours = {tuple(c) for c in picture[:, 60:].reshape(-1, 3).tolist()}
    assert (0, 0, 255) in colours and (255, 0, 0) in colours and (0, 255, 0) not in colours
    labels = np.arange(36).reshape(4, 9)
    many = with_legend(np.zeros((40, 9, 3), np.uint8), labels, "x" * 36, [[0] * 3] * 36)
    assert many.shape[0] == 40
