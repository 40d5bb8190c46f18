import numpy as np
import pytest
import torch

from mmcv.image import imnormalize, tensor2imgs

MEAN, STD = np.array([10.0, 20.0, 30.0]), np.array([2.0, 3.0, 4.0])


def test_batch_turns_back_into_the_images():
    imgs = np.random.RandomState(0).randint(0, 256, (2, 5, 6, 3)).astype(np.uint8)
    batch = np.stack([imnormalize(img, MEAN, STD) + 1e-3 for img in imgs])
    back = tensor2imgs(torch.from_numpy(batch.transpose(0, 3, 1, 2)), list(MEAN), list(STD))
    for got, img in zip(back, imgs, strict=True):
        np.testing.assert_array_equal(got, img)


def test_grey_batches():
    batch = torch.arange(2 * 3 * 4, dtype=torch.float32).view(2, 1, 3, 4)
    for got, img in zip(tensor2imgs(batch, to_rgb=False), batch, strict=True):
        np.testing.assert_array_equal(got, img[0].numpy())


def test_wrong_arguments():
    for tensor, options in [
        (torch.zeros(3, 4, 4), {}),
        (torch.zeros(1, 2, 4, 4), {}),
        (torch.zeros(1, 3, 4, 4), {"mean": (1,)}),
        (torch.zeros(1, 1, 4, 4), {"mean": (0,), "std": (1,), "to_rgb": True}),
        (np.zeros((1, 3, 4, 4)), {}),
    ]:
        with pytest.raises(AssertionError):
            tensor2imgs(tensor, **options)
