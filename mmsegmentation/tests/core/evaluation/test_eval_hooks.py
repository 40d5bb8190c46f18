from torch.utils.data import DataLoader

from mmcv.hooks.evaluation import EvalHook as BaseEvalHook
from mmseg.core.evaluation import DistEvalHook, EvalHook


def test_intervals_are_in_iterations_by_default():
    loader = DataLoader([1, 2])
    assert EvalHook(loader).by_epoch is False
    assert EvalHook(loader, by_epoch=True, interval=3).interval == 3
    assert DistEvalHook is EvalHook
    assert issubclass(EvalHook, BaseEvalHook)
