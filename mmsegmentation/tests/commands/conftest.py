import pytest
import torch

from mmseg.apis import init_segmentor


@pytest.fixture
def toy(tiny_config, monkeypatch):
    """A config, a checkpoint of it and its data set, in the working directory."""
    monkeypatch.chdir(tiny_config.parent)
    torch.manual_seed(0)
    model = init_segmentor(str(tiny_config), device="cpu")
    classes = ("one", "two", "three")
    palette = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    torch.save(
        {"state_dict": model.state_dict(), "meta": {"CLASSES": classes, "PALETTE": palette}},
        tiny_config.parent / "weights.pth",
    )
    return tiny_config.parent
