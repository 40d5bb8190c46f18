import warnings

import pytest
import torch
from torch import nn

from mmcv.cnn.initializers import update_init_info
from mmcv.model import (
    BaseModel,
    BaseModule,
    ModuleDict,
    ModuleList,
    Sequential,
    parse_losses,
)
from mmcv.utils.logging import get_logger, logger_initialized


class Leaf(BaseModule):
    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(2, 2, 1)
        self.fc = nn.Linear(2, 2)


class Own(nn.Conv2d, BaseModule):
    """A layer that knows how to initialise itself."""

    def init_weights(self):
        with torch.no_grad():
            for param in self.parameters():
                param.fill_(7)


class Tree(BaseModule):
    def __init__(self, init_cfg=None, leaf_cfg=None):
        super().__init__(init_cfg)
        self.head = nn.Linear(2, 2)
        self.leaf = Leaf(leaf_cfg)
        self.own = Own(2, 2, 1)


def is_all(param, value):
    return bool((param == value).all())


def constant(layer, val, bias=0.0):
    return dict(type="Constant", layer=layer, val=val, bias=bias)


def test_children_override_their_parents():
    tree = Tree([constant("Linear", 1, 2), constant("Conv2d", 3)], constant("Linear", 5, 6))
    tree.init_weights()
    assert is_all(tree.head.weight, 1) and is_all(tree.head.bias, 2)
    assert is_all(tree.leaf.fc.weight, 5) and is_all(tree.leaf.fc.bias, 6)
    assert is_all(tree.leaf.conv.weight, 3)
    assert is_all(tree.own.weight, 7)
    assert tree.is_init and tree.leaf.is_init


def test_override_initialises_an_attribute_as_a_whole():
    cfg = dict(constant("Linear", 1), override=dict(constant(None, 4, 5), name="leaf"))
    tree = Tree(cfg)
    tree.init_weights()
    assert is_all(tree.head.weight, 1)
    assert is_all(tree.leaf.conv.weight, 4) and is_all(tree.leaf.fc.bias, 5)
    same = Tree(dict(constant("Linear", 1), override=dict(name="leaf")))
    same.init_weights()
    assert is_all(same.leaf.conv.weight, 1)


@pytest.mark.parametrize("kind", ["sequential", "list", "dict"])
def test_containers_initialise_their_children(kind):
    cfg = constant("Linear", 2)
    container = {
        "sequential": lambda: Sequential(nn.Linear(2, 2), Leaf(), init_cfg=cfg),
        "list": lambda: ModuleList([nn.Linear(2, 2), Leaf()], init_cfg=cfg),
        "dict": lambda: ModuleDict({"0": nn.Linear(2, 2), "1": Leaf()}, init_cfg=cfg),
    }[kind]()
    container.init_weights()
    first, second = list(container.children())
    assert is_all(first.weight, 2) and is_all(second.fc.weight, 2)


def test_pretrained_ends_the_recursion(tmp_path):
    torch.save({"state_dict": Tree().state_dict()}, tmp_path / "tree.pth")
    expected = torch.load(tmp_path / "tree.pth")["state_dict"]
    tree = Tree(
        dict(type="Pretrained", checkpoint=str(tmp_path / "tree.pth")), constant("Linear", 5)
    )
    tree.init_weights()
    torch.testing.assert_close(dict(tree.state_dict()), dict(expected))


def test_part_of_a_checkpoint_is_loaded_by_prefix(tmp_path):
    whole = Tree()
    torch.save({"state_dict": whole.state_dict()}, tmp_path / "tree.pth")
    cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "tree.pth"), prefix="leaf.")
    leaf = Leaf(cfg)
    leaf.init_weights()
    torch.testing.assert_close(leaf.fc.weight, whole.leaf.fc.weight)


def test_second_call_warns():
    tree = Tree()
    tree.init_weights()
    with pytest.warns(UserWarning, match="init_weights of Tree has been called more than once"):
        tree.init_weights()


def test_config_given_is_not_shared():
    cfg = constant("Linear", 1)
    leaf = Leaf(cfg)
    cfg["val"] = 9
    leaf.init_weights()
    assert is_all(leaf.fc.weight, 1)


def test_who_initialised_is_written_to_the_log_file(tmp_path, monkeypatch):
    monkeypatch.setattr("mmcv.model.logger_initialized", {"init_test": True})
    logger = get_logger("init_test", log_file=tmp_path / "run.log")
    tree = Tree([constant("Linear", 1), dict(type="Normal", layer="Conv2d", std=0.5)])
    tree.init_weights()
    for handler in logger.handlers:
        handler.close()
    logger.handlers.clear()
    logger_initialized.pop("init_test")
    lines = (tmp_path / "run.log").read_text().splitlines()
    after = {line.split(" - ")[0]: lines[i + 1] for i, line in enumerate(lines) if "(2, 2" in line}
    assert "ConstantInit" in after["head.weight"]
    assert "NormalInit" in after["leaf.conv.weight"]
    assert "Initialized by user-defined `init_weights` in Own" in after["own.weight"]
    assert not hasattr(tree, "_params_init_info")


def test_replaced_parameters_are_an_error():
    tree = Tree()
    tree._params_init_info = {}
    with pytest.raises(AssertionError, match=r"head\.weight of Tree was replaced"):
        update_init_info(tree, "who")


def test_initialises_on_the_meta_device():
    with torch.device("meta"):
        tree = Tree(constant("Linear", 1))
    tree.init_weights()
    assert tree.is_init and tree.head.weight.is_meta


def test_losses_are_summed_by_name():
    losses = {
        "decode.loss_ce": torch.tensor([1.0, 3.0], requires_grad=True),
        "decode.acc_seg": torch.tensor([50.0]),
        "aux.loss": [torch.tensor(1.0), torch.tensor([2.0, 4.0])],
    }
    loss, log_vars = parse_losses(losses)
    assert loss.item() == 6.0 and loss.requires_grad
    assert {k: v.item() for k, v in log_vars.items()} == {
        "decode.loss_ce": 2.0,
        "decode.acc_seg": 50.0,
        "aux.loss": 4.0,
        "loss": 6.0,
    }
    assert list(log_vars)[-1] == "loss"
    assert not any(v.requires_grad for v in log_vars.values())


def test_entries_that_are_no_losses_are_refused():
    with pytest.raises(TypeError, match="loss is not a tensor or list of tensors"):
        parse_losses({"loss": 1.0})
    with pytest.raises(ValueError, match="no entry of the losses has 'loss' in its name: acc"):
        parse_losses({"acc": torch.tensor(1.0)})


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1)

    def forward_train(self, img, img_metas, gt=None):
        return {"loss_a": self.fc(img), "acc": torch.tensor(3.0)}

    def simple_test(self, img, img_metas, rescale=False):
        return ["simple", img_metas, rescale]

    def aug_test(self, imgs, img_metas, **kwargs):
        return ["aug", len(imgs)]


def test_forward_trains_or_tests():
    model, img, metas = Model(), torch.ones(3, 2), [{}, {}, {}]
    assert set(model(img, metas, gt=1)) == {"loss_a", "acc"}
    assert model([img], [metas], return_loss=False, rescale=True) == ["simple", metas, True]
    assert model([img, img], [metas, metas], return_loss=False) == ["aug", 2]
    with pytest.raises(TypeError, match="imgs must be a list"):
        model(img, metas, return_loss=False)
    with pytest.raises(ValueError, match=r"num of augmentations \(1\) != num of image meta \(2\)"):
        model([img], [metas, metas], return_loss=False)


def test_train_step_returns_what_1x_runners_read():
    model = Model()
    out = model.train_step(dict(img=torch.ones(3, 2), img_metas=[{}] * 3), None)
    assert set(out) == {"loss", "log_vars", "num_samples"} and out["num_samples"] == 3
    assert out["log_vars"] == pytest.approx(
        {"loss_a": out["loss"].item(), "acc": 3.0, "loss": out["loss"].item()}
    )
    assert model.module is model


def test_no_warning_on_the_first_call():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Tree(constant("Linear", 1)).init_weights()
