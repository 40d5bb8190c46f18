import numpy as np
import pytest
import torch

from mmdet.boxes import AssignResult, MaskPseudoSampler, SamplingResult, build_sampler
from mmdet.boxes.demodata import random_boxes

BOXES, OBJECTS = random_boxes(100, 50, rng=0), random_boxes(3, 50, rng=1)
LABELS = torch.tensor([5, 6, 7])


def assigned(num_pos=(20, 2, 1), num_boxes=100):
    gt_inds = torch.zeros(num_boxes, dtype=torch.long)
    start = 0
    for index, number in enumerate(num_pos):
        gt_inds[start : start + number] = index + 1
        start += number
    gt_inds[-3:] = -1
    labels = torch.where(gt_inds > 0, LABELS[(gt_inds - 1).clamp(min=0)], -1)
    overlaps = torch.linspace(0.9, 0.0, num_boxes)
    return AssignResult(3, gt_inds, overlaps, labels)


def sample(config, **kwargs):
    return build_sampler(config).sample(assigned(), BOXES, OBJECTS, LABELS, **kwargs)


def test_random_sampler_keeps_numbers_and_owners():
    config = {"type": "RandomSampler", "num": 32, "pos_fraction": 0.25}
    result = sample(config)
    assert len(result.pos_inds) == 8 and len(result.neg_inds) == 24
    assert torch.equal(result.pos_gt_bboxes, OBJECTS[result.pos_assigned_gt_inds])
    assert torch.equal(result.pos_gt_labels, LABELS[result.pos_assigned_gt_inds])
    assert torch.equal(result.pos_is_gt.bool(), result.pos_inds < 3)
    everything = torch.cat([OBJECTS, BOXES])
    assert torch.equal(result.bboxes[:8], everything[result.pos_inds])
    assert result.neg_inds.max() < 100 and len(result.neg_inds.unique()) == 24


def test_the_draw_is_that_of_torch_randperm():
    config = {"type": "RandomSampler", "num": 32, "pos_fraction": 0.25}
    config["add_gt_as_proposals"] = False
    torch.manual_seed(3)
    result = sample(config)
    torch.manual_seed(3)
    assert result.pos_inds.tolist() == sorted(torch.randperm(23)[:8].tolist())
    assert result.neg_inds.tolist() == sorted((23 + torch.randperm(74)[:24]).tolist())


def test_negatives_can_be_bounded_by_positives():
    config = {"type": "RandomSampler", "num": 64, "pos_fraction": 0.1, "neg_pos_ub": 2}
    result = sample(config)
    assert len(result.pos_inds) == 6 and len(result.neg_inds) == 12


SAMPLERS = [
    {"type": "RandomSampler", "num": 16, "pos_fraction": 0.5},
    {"type": "InstanceBalancedPosSampler", "num": 16, "pos_fraction": 0.5},
    {"type": "IoUBalancedNegSampler", "num": 16, "pos_fraction": 0.5},
    {"type": "IoUBalancedNegSampler", "num": 16, "pos_fraction": 0.5, "floor_thr": 0.2,
     "floor_fraction": 0.5},
    {"type": "IoUBalancedNegSampler", "num": 16, "pos_fraction": 0.5, "floor_thr": 0,
     "num_bins": 1},
    {"type": "CombinedSampler", "num": 16, "pos_fraction": 0.5,
     "pos_sampler": {"type": "InstanceBalancedPosSampler"},
     "neg_sampler": {"type": "IoUBalancedNegSampler", "num_bins": 3}},
    {"type": "PseudoSampler"},
]  # fmt: skip


@pytest.mark.parametrize("config", SAMPLERS)
def test_samples_are_positives_and_negatives_without_repetition(config):
    for _ in range(5):
        result = sample(config)
        add = 0 if config["type"] == "PseudoSampler" else 3
        gt_inds = torch.cat([torch.arange(1, 1 + add), assigned().gt_inds])
        assert (gt_inds[result.pos_inds] > 0).all() and (gt_inds[result.neg_inds] == 0).all()
        expected = (23, 74) if add == 0 else (8, 8)
        assert (len(result.pos_inds.unique()), len(result.neg_inds.unique())) == expected


@pytest.mark.parametrize("config", SAMPLERS)
@pytest.mark.parametrize("gt_shape", [(0, 4), (0,)])
def test_images_without_objects_give_negatives_only(config, gt_shape):
    background = AssignResult(
        0, torch.zeros(100, dtype=torch.long), torch.zeros(100), torch.full((100,), -1)
    )
    result = build_sampler(config).sample(
        background, BOXES, torch.empty(gt_shape), torch.empty(0).long()
    )
    assert len(result.pos_inds) == 0 and len(result.neg_inds) > 0
    assert result.pos_gt_bboxes.shape == (0, 4)
    assert len(result.bboxes) == len(result.pos_inds) + len(result.neg_inds)


@pytest.mark.parametrize("config", SAMPLERS)
def test_images_without_boxes_give_the_objects_at_most(config):
    empty = AssignResult(3, torch.zeros(0).long(), torch.zeros(0), torch.zeros(0).long())
    result = build_sampler(config).sample(empty, torch.empty(0, 4), OBJECTS, LABELS)
    assert len(result.pos_inds) == (0 if config["type"] == "PseudoSampler" else 3)
    assert len(result.neg_inds) == 0


def test_every_object_gets_positives():
    config = {"type": "InstanceBalancedPosSampler", "num": 16, "pos_fraction": 0.5,
              "add_gt_as_proposals": False}  # fmt: skip
    for _ in range(10):
        owners = sample(config).pos_assigned_gt_inds.bincount(minlength=3).tolist()
        assert owners[0] >= 4 and owners[1] >= 1 and sum(owners) == 8


def test_negatives_are_spread_over_their_overlaps():
    config = {"type": "IoUBalancedNegSampler", "num": 30, "pos_fraction": 0.0,
              "add_gt_as_proposals": False}  # fmt: skip
    sampler = build_sampler(config)
    gt_inds = torch.zeros(100, dtype=torch.long)
    overlaps = torch.cat([torch.full((80,), 0.05), torch.linspace(0.3, 0.9, 20)])
    for _ in range(3):
        result = sampler.sample(AssignResult(3, gt_inds, overlaps), BOXES, OBJECTS, LABELS)
        assert (result.neg_inds >= 80).sum() >= 15  # a uniform draw expects 6
    assert sampler.floor_thr == -1


def test_ohem_takes_the_boxes_of_highest_loss():
    class Head:
        num_classes = 80

        def loss(self, cls_score, labels, reduction_override, **kwargs):
            assert reduction_override == "none" and len(labels) == len(cls_score)
            return {"loss_cls": cls_score[:, 0]}

    class Context:
        bbox_head = Head()

        def _bbox_forward(self, feats, rois):
            return {"cls_score": rois[:, 1:2]}  # x1 stands for the loss

    config = {"type": "OHEMSampler", "num": 16, "pos_fraction": 0.25, "context": Context(),
              "add_gt_as_proposals": False}  # fmt: skip
    result = sample(config, feats=None)
    x1 = BOXES[:, 0]
    assert set(result.pos_inds.tolist()) == set(x1[:23].topk(4)[1].tolist())
    assert set(result.neg_inds.tolist()) == set((23 + x1[23:97].topk(12)[1]).tolist())


def test_labels_are_needed_to_add_objects():
    with pytest.raises(ValueError, match="gt_labels"):
        build_sampler(SAMPLERS[0]).sample(assigned(), BOXES, OBJECTS)


def test_choice_of_arrays_and_lists():
    sampler = build_sampler(SAMPLERS[0])
    for gallery in (np.arange(9), list(range(9))):
        chosen = sampler.random_choice(gallery, 4)
        assert isinstance(chosen, np.ndarray) and len(set(chosen.tolist())) == 4
    assert isinstance(sampler.random_choice(torch.arange(9), 4), torch.Tensor)


def test_results_can_be_drawn_moved_and_shown():
    for seed in range(20):
        result = SamplingResult.random(rng=seed)
        assert len(result.bboxes) == len(result.pos_inds) + len(result.neg_inds)
        assert result.to("cpu") is result
        assert "pos_bboxes.shape" in str(result)


def test_masks_are_sampled_as_boxes_are():
    masks, targets = torch.rand(5, 4, 4), torch.rand(2, 4, 4)
    result = MaskPseudoSampler().sample(
        AssignResult(2, torch.tensor([0, 2, 0, 1, 0]), None, torch.tensor([-1, 9, -1, 8, -1])),
        masks, targets,
    )  # fmt: skip
    assert result.pos_inds.tolist() == [1, 3] and result.neg_inds.tolist() == [0, 2, 4]
    assert torch.equal(result.pos_gt_masks, targets[[1, 0]])
    assert torch.equal(result.masks[:2], masks[[1, 3]]) and result.pos_gt_labels.tolist() == [9, 8]
