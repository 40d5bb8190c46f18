from mmcv.config import Config
from mmcv.runner.paths import resolve_paths


def make(tmp_path, monkeypatch, text):
    """A config in task/configs/, files beside configs/, and another working directory."""
    task = tmp_path / "task"
    (task / "configs").mkdir(parents=True)
    (task / "data" / "ade" / "images").mkdir(parents=True)
    (task / "pretrained").mkdir()
    (task / "pretrained" / "vit.pth").write_text("x")
    (task / "configs" / "a.py").write_text(text)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    cfg = Config.fromfile(task / "configs" / "a.py")
    resolve_paths(cfg)
    return cfg, task, elsewhere


def test_what_lies_above_the_config_is_found_from_anywhere(tmp_path, monkeypatch):
    text = """
pretrained = './pretrained/vit.pth'
backbone = dict(pretrained=pretrained)
model = dict(backbone=backbone, neck=[dict(init_cfg=dict(checkpoint=pretrained))])
data = dict(train=[dict(data_root='data/ade', img_dir='images')], val=dict(img_prefix='data/ade'))
"""
    cfg, task, _ = make(tmp_path, monkeypatch, text)
    weights = str(task / "pretrained" / "vit.pth")
    assert cfg.pretrained == cfg.model.backbone.pretrained == weights
    assert cfg.model.neck[0].init_cfg.checkpoint == weights
    assert cfg.data.train[0].data_root == str(task / "data" / "ade")
    assert cfg.data.train[0].img_dir == "images"  # below data_root
    assert cfg.data.val.img_prefix == str(task / "data" / "ade")


def test_the_working_directory_comes_first_and_what_is_missing_stays(tmp_path, monkeypatch):
    text = """
load_from = None
a = dict(data_root='data/ade')
b = dict(data_root='data/missing')
c = dict(pretrained='torchvision://resnet50')
d = dict(pretrained='')
"""
    (tmp_path / "elsewhere" / "data" / "ade").mkdir(parents=True)
    monkeypatch.setattr(type(tmp_path), "mkdir", _tolerant(type(tmp_path).mkdir))
    cfg, _, _ = make(tmp_path, monkeypatch, text)
    assert cfg.a.data_root == "data/ade"
    assert cfg.b.data_root == "data/missing"
    assert cfg.c.pretrained == "torchvision://resnet50"
    assert cfg.load_from is None and cfg.d.pretrained == ""


def _tolerant(mkdir):
    return lambda self, *args, **kwargs: mkdir(self, *args, **{**kwargs, "exist_ok": True})
