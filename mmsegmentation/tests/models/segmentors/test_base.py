import cv2
import numpy as np
import pytest
import torch

from mmseg.models.segmentors.base import BaseSegmentor


class Constant(BaseSegmentor):
    """Predicts the mean of the image as the class of every pixel."""

    def extract_feat(self, img):
        return [img]

    def encode_decode(self, img, img_metas):
        return img

    def forward_train(self, img, img_metas, **kwargs):
        return {"loss_a": img.mean(), "acc_seg": img.new_tensor([50.0])}

    def simple_test(self, img, img_metas, **kwargs):
        return ["simple", len(img_metas), kwargs]

    def aug_test(self, imgs, img_metas, **kwargs):
        return ["aug", len(imgs), kwargs]


def meta(**kwargs):
    return dict(ori_shape=(4, 4, 3), img_shape=(4, 4, 3), pad_shape=(4, 4, 3), **kwargs)


def test_one_view_or_several():
    model, img = Constant(), torch.zeros(1, 3, 4, 4)
    assert model(img, [meta()], return_loss=True)["loss_a"] == 0
    assert model([img], [[meta()]], return_loss=False, rescale=True) == [
        "simple",
        1,
        dict(rescale=True),
    ]
    assert model([img] * 2, [[meta()]] * 2, return_loss=False)[:2] == ["aug", 2]


def test_views_must_be_lists_of_one_length():
    model, img = Constant(), torch.zeros(1, 3, 4, 4)
    with pytest.raises(TypeError, match="imgs must be a list"):
        model.forward_test(img, [[meta()]])
    with pytest.raises(TypeError, match="img_metas must be a list"):
        model.forward_test([img], meta())
    with pytest.raises(ValueError, match="num of augmentations"):
        model.forward_test([img], [[meta()]] * 2)


@pytest.mark.parametrize("key", ["ori_shape", "img_shape", "pad_shape"])
def test_images_of_a_test_batch_must_have_one_shape(key):
    metas = [meta(), {**meta(), key: (8, 4, 3)}]
    with pytest.raises(AssertionError, match=key):
        Constant().forward_test([torch.zeros(2, 3, 4, 4)], [metas])


def test_steps_of_1x_runners():
    batch = dict(img=torch.ones(2, 3, 4, 4), img_metas=[meta()] * 2)
    train = Constant().train_step(batch, None)
    assert train["num_samples"] == 2
    assert train["loss"] == 1
    assert train["log_vars"] == dict(loss_a=1.0, acc_seg=50.0, loss=1.0)
    val = Constant().val_step(batch, None)
    assert val["log_vars"] == dict(loss_a_val=1.0, acc_seg_val=50.0, loss_val=1.0)


SEG = np.array([[0, 1, 2], [2, 255, 0]])
PALETTE = [[10, 20, 30], [40, 50, 60], [70, 80, 90]]


@pytest.fixture
def image():
    return np.random.RandomState(0).randint(0, 256, (2, 3, 3), dtype=np.uint8)


@pytest.mark.parametrize("opacity", [0.3, 1.0])
def test_colours_are_blended_into_the_image(image, opacity, tmp_path):
    before = image.copy()
    file = tmp_path / "folder" / "drawn.png"
    drawn = Constant().show_result(
        image, [SEG], palette=PALETTE, out_file=str(file), opacity=opacity, show=True
    )
    for y, x in np.ndindex(2, 3):
        label = SEG[y, x]
        colour = np.array(PALETTE[label][::-1]) if label < 3 else np.zeros(3)
        expected = image[y, x] * (1 - opacity) + colour * opacity
        assert drawn[y, x].tolist() == expected.astype(np.uint8).tolist()
    assert np.array_equal(image, before)
    assert np.array_equal(cv2.imread(str(file)), drawn)


def test_image_may_be_a_file(image, tmp_path):
    cv2.imwrite(str(tmp_path / "image.png"), image)
    model = Constant()
    from_file = model.show_result(str(tmp_path / "image.png"), [SEG], palette=PALETTE)
    assert np.array_equal(from_file, model.show_result(image, [SEG], palette=PALETTE))


def test_palette_of_the_data_set_or_random_colours(image):
    model = Constant()
    model.CLASSES, model.PALETTE = ("a", "b", "c"), PALETTE
    drawn = model.show_result(image, [SEG], opacity=1.0)
    assert drawn[0, 1].tolist() == [60, 50, 40]
    np.random.seed(7)
    state = np.random.get_state()[1].tolist()
    model.PALETTE = None
    drawn = model.show_result(image, [SEG], opacity=1.0)
    np.random.seed(42)
    colours = np.random.randint(0, 255, size=(3, 3))
    assert drawn[0, 1].tolist() == colours[1][::-1].tolist()
    np.random.seed(7)
    model.show_result(image, [SEG])
    assert np.random.get_state()[1].tolist() == state


def test_bad_drawing_arguments(image):
    model = Constant()
    model.CLASSES = ("a", "b", "c")
    with pytest.raises(ValueError, match="opacity"):
        model.show_result(image, [SEG], palette=PALETTE, opacity=0)
    with pytest.raises(ValueError, match="2 colours for 3 classes"):
        model.show_result(image, [SEG], palette=PALETTE[:2])
    with pytest.raises(ValueError, match="shape"):
        model.show_result(image[:1], [SEG], palette=PALETTE)
