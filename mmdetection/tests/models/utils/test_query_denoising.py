"""Denoising queries against the definition, object by object."""

import pytest
import torch
from torch import nn

from mmdet.models.utils import CdnQueryGenerator, build_dn_generator

CLASSES, DIMS, QUERIES = 5, 6, 7
METAS = [dict(img_shape=(40, 80, 3)), dict(img_shape=(100, 50, 3))]


def generator(label=0.5, box=0.4, **group_cfg):
    group_cfg = group_cfg or dict(dynamic=True, num_dn_queries=8)
    scale = dict(label=label, box=box)
    cfg = dict(type="CdnQueryGenerator", noise_scale=scale, group_cfg=group_cfg)
    return build_dn_generator(
        {**cfg, "num_queries": QUERIES, "hidden_dim": DIMS, "num_classes": CLASSES}
    )


def ground_truth():
    boxes = [
        torch.tensor([[8.0, 4.0, 40.0, 36.0], [0.0, 0.0, 80.0, 40.0], [10.0, 10.0, 20.0, 20.0]]),
        torch.tensor([[5.0, 10.0, 45.0, 90.0]]),
    ]
    return boxes, [torch.tensor([0, 3, 4]), torch.tensor([2])]


def test_layout_without_noise():
    boxes, labels = ground_truth()
    embedding = nn.Embedding(CLASSES, DIMS)
    contents, logits, mask, meta = generator(0, 0)(boxes, labels, embedding, METAS)
    assert meta == dict(pad_size=12, num_dn_group=2)  # 8 // 3 groups of 2 x 3
    assert contents.shape == (2, 12, DIMS) and logits.shape == (2, 12, 4)
    for image, meta in enumerate(METAS):
        height, width, _ = meta["img_shape"]
        for place in range(12):
            row = place % 3
            if row >= len(labels[image]):
                assert not contents[image, place].any() and not logits[image, place].any()
                continue
            torch.testing.assert_close(contents[image, place], embedding.weight[labels[image][row]])
            x1, y1, x2, y2 = boxes[image][row].tolist()
            box = torch.tensor([(x1 + x2) / 2 / width, (y1 + y2) / 2 / height,
                                (x2 - x1) / width, (y2 - y1) / height])  # fmt: skip
            expected = torch.log(box.clamp(min=1e-3) / (1 - box).clamp(min=1e-3))
            torch.testing.assert_close(logits[image, place], expected)
    total = 12 + QUERIES
    for query in range(total):
        for key in range(total):
            hidden = key < 12 and (query >= 12 or query // 6 != key // 6)
            assert mask[query, key] == hidden


def test_positive_boxes_are_near_and_negative_ones_far():
    torch.manual_seed(0)
    boxes = [torch.tensor([[300.0, 400.0, 500.0, 700.0]]).repeat(50, 1)]
    metas = [dict(img_shape=(1000, 1000, 3))]
    labels = [torch.zeros(50, dtype=torch.long)]
    make = generator(0.5, 0.4, dynamic=False, num_groups=4)
    contents, logits, _, meta = make(boxes, labels, nn.Embedding(CLASSES, DIMS), metas)
    assert meta == dict(pad_size=400, num_dn_group=4)
    centers, sizes = logits.sigmoid()[0].split(2, dim=-1)
    corners = torch.cat([centers - sizes / 2, centers + sizes / 2], -1).view(4, 2, 50, 4)
    moved = (corners - boxes[0][0] / 1000).abs() / torch.tensor([0.1, 0.15, 0.1, 0.15])
    assert moved[:, 0].max() <= 0.4 + 1e-4 and moved[:, 1].min() >= 0.4 - 1e-4
    assert moved[:, 1].max() <= 0.8 + 1e-4 and moved[:, 1].max() > 0.7
    changed = (contents[0] != contents[0].mode(0)[0]).any(-1).float().mean()
    assert 0.1 < changed < 0.3  # a quarter, a fifth of which by chance got the old class


def test_random_numbers_are_those_of_the_original():
    boxes, labels = ground_truth()
    embedding = nn.Embedding(CLASSES, CLASSES)
    embedding.weight.data = torch.eye(CLASSES)
    make = generator()
    make.hidden_dim = CLASSES
    torch.manual_seed(3)
    contents, *_ = make(boxes, labels, embedding, METAS)
    torch.manual_seed(3)
    known = torch.cat(labels).repeat(4, 1).view(-1)
    chosen = torch.nonzero(torch.rand_like(known.float()) < 0.25).view(-1)
    known = known.scatter(0, chosen, torch.randint_like(chosen, 0, CLASSES)).view(4, 4)
    got = contents.argmax(-1)
    assert torch.equal(got[0].view(4, 3), known[:, :3])
    assert torch.equal(got[1, ::3], known[:, 3])


@pytest.mark.parametrize("counts", [(0, 0), (0, 2)])
def test_images_without_objects(counts):
    boxes = [torch.rand(n, 2).repeat(1, 2) + torch.tensor([0.0, 0, 9, 9]) for n in counts]
    labels = [torch.zeros(n, dtype=torch.long) for n in counts]
    contents, logits, mask, meta = generator()(boxes, labels, nn.Embedding(CLASSES, DIMS), METAS)
    groups = 8 // 2 if sum(counts) else 1
    assert meta == dict(pad_size=2 * groups * max(counts), num_dn_group=groups)
    assert contents.shape == (2, meta["pad_size"], DIMS) and logits.isfinite().all()
    assert mask.shape[0] == meta["pad_size"] + QUERIES


def test_number_of_groups():
    assert generator().get_num_groups(3) == 2 and generator().get_num_groups(100) == 1
    assert generator().get_num_groups(0) == 1
    assert generator(dynamic=False, num_groups=5).get_num_groups() == 5
    with pytest.raises(AssertionError, match="num_groups must be a positive int, but got None"):
        generator(dynamic=False, num_groups=None)
    with pytest.raises(NotImplementedError, match="must be DnQueryGenerator or"):
        build_dn_generator(dict(type="Dn"))
    assert build_dn_generator(None) is None and isinstance(generator(), CdnQueryGenerator)
