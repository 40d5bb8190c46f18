import json

import pytest
import torch

FILES = ("iter_12.pth", "best_mIoU_iter_12.pth")
EPOCHS = """
runner = dict(type='EpochBasedRunner', max_epochs=3)
checkpoint_config = dict(interval=1)
evaluation = dict(interval=1, pre_eval=True, save_best='mIoU')
log_config = dict(interval=2, hooks=[dict(type='TextLoggerHook')])
"""


@pytest.fixture(scope="module")
def uninterrupted(train_whole):
    """Work dir of a run of 12 iterations: 5 batches per epoch, checkpoints after 4, 8, 12."""
    return train_whole()


@pytest.fixture(scope="module")
def uninterrupted_epochs(train_whole):
    return train_whole(EPOCHS)


def killed_at(at, when, priority="VERY_HIGH"):
    hook = f"dict(type='KillHook', at={at}, when='{when}', real=False, priority='{priority}')"
    return f"custom_hooks = [{hook}]"


@pytest.mark.parametrize(
    ("at", "when", "priority"),
    [
        (1, "after_train_iter", "VERY_HIGH"),  # before the first checkpoint
        (3, "before_save_checkpoint", "VERY_HIGH"),
        (3, "after_save_checkpoint", "VERY_HIGH"),  # before latest.pth points to it
        (3, "before_evaluation", "VERY_HIGH"),  # checkpoint written, not yet evaluated
        (3, "after_train_iter", "LOWEST"),  # best checkpoint written, all logged
        (4, "before_train_iter", "LOWEST"),  # last batch of the first epoch drawn
        (5, "after_train_iter", "VERY_HIGH"),  # second epoch
        (7, "after_train_iter", "NORMAL"),
        (11, "after_save_checkpoint", "VERY_HIGH"),  # before old ones are removed
        (11, "before_evaluation", "VERY_HIGH"),  # all iterations done
    ],
)
def test_resume_equals_uninterrupted_run(
    at, when, priority, uninterrupted, train, config, toy, tmp_path, checkpoint_differences
):
    path, work_dir = config(killed_at(at, when, priority)), tmp_path / "w"
    with pytest.raises(toy.Killed):
        train(path, work_dir, "--seed", "0", "--auto-resume")
    torch.rand(7)  # the new process has other random numbers
    # The seed is asked for again for the cases without a checkpoint: others have it stored.
    train(path, work_dir, "--seed", "0", "--auto-resume")
    for name in FILES:
        assert checkpoint_differences(uninterrupted / name, work_dir / name) == []
    names = {p.name for p in work_dir.iterdir()}
    assert not [name for name in names if name.startswith(".")]
    kept = {n for n in names if n.endswith(".pth")}
    assert kept == {n.name for n in uninterrupted.glob("*.pth")}
    assert (work_dir / "latest.pth").resolve().name == "iter_12.pth"


@pytest.mark.parametrize(
    ("at", "when"),
    [
        (2, "after_train_iter"),
        (5, "after_train_epoch"),
        (5, "before_evaluation"),
        (7, "after_train_iter"),
        (15, "before_evaluation"),
    ],
)
def test_resume_by_epoch_equals_uninterrupted_run(
    at, when, uninterrupted_epochs, train, config, toy, tmp_path, checkpoint_differences
):
    path, work_dir = config(EPOCHS, killed_at(at, when)), tmp_path / "w"
    with pytest.raises(toy.Killed):
        train(path, work_dir, "--seed", "0", "--auto-resume")
    # The seed is asked for again for the cases without a checkpoint: others have it stored.
    train(path, work_dir, "--seed", "0", "--auto-resume")
    for name in [p.name for p in uninterrupted_epochs.glob("*.pth")]:
        assert checkpoint_differences(uninterrupted_epochs / name, work_dir / name) == []


def test_checkpoints_in_the_middle_of_an_epoch_by_epoch_runner(
    train, config, toy, tmp_path, checkpoint_differences
):
    by_iter = EPOCHS + "checkpoint_config = dict(by_epoch=False, interval=4, max_keep_ckpts=3)\n"
    train(config(by_iter), tmp_path / "a", "--seed", "0")
    path = config(by_iter, killed_at(9, "after_train_iter"))
    with pytest.raises(toy.Killed):
        train(path, tmp_path / "b", "--seed", "0")
    train(path, tmp_path / "b", "--auto-resume")
    assert checkpoint_differences(tmp_path / "a/iter_15.pth", tmp_path / "b/iter_15.pth") == []


def test_resume_with_gradients_that_wait_for_the_rest_of_their_group(
    train, config, toy, tmp_path, checkpoint_differences
):
    grouped = "optimizer_config = dict(cumulative_iters=3, grad_clip=dict(max_norm=0.1))"
    train(config(grouped), tmp_path / "a", "--seed", "0")
    path = config(grouped, killed_at(5, "after_train_iter"))
    with pytest.raises(toy.Killed):  # continues from iteration 4: one of three is done
        train(path, tmp_path / "b", "--seed", "0")
    assert torch.load(tmp_path / "b/iter_4.pth")["gradients"]
    train(path, tmp_path / "b", "--auto-resume")
    assert checkpoint_differences(tmp_path / "a/iter_12.pth", tmp_path / "b/iter_12.pth") == []


def test_log_lines_after_a_resume_equal_those_of_the_uninterrupted_run(
    uninterrupted, train, config, toy, tmp_path
):
    path, work_dir = config(killed_at(4, "before_train_iter")), tmp_path / "w"
    with pytest.raises(toy.Killed):
        train(path, work_dir, "--seed", "0")
    next(work_dir.glob("*.json")).unlink()
    train(path, work_dir, "--auto-resume")

    def lines(folder):
        files = [path.read_text().splitlines() for path in folder.glob("*.json")]
        rows = [json.loads(row) for rows in files for row in rows]
        timed = ("time", "data_time", "memory", "env_info", "config")
        return [{k: v for k, v in r.items() if k not in timed} for r in rows if "mode" in r]

    whole = [row for row in lines(uninterrupted) if row["iter"] >= 4]
    assert lines(work_dir) == whole
