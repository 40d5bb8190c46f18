"""A plan as text: tables, and the config lines to paste."""

from __future__ import annotations

from collections.abc import Iterable

from mmcv.planner.hardware import GIB
from mmcv.planner.measure import Parameters
from mmcv.planner.memory import Layout
from mmcv.planner.plan import MODES, Option, Plan


def number(count: float) -> str:
    """Returns 486550 as 0.5M, 435376918 as 0.4B: the way published tables write parameters."""
    if count >= 1e8:
        return f"{count / 1e9:.1f}B"
    return f"{count / 1e6:.1f}M" if count >= 1e5 else f"{count / 1e3:.1f}K"


def render_parameters(params: Parameters) -> str:
    """Returns the table of parameters."""
    trainable, total = params.published
    lines = [
        f"parameters      trainable {number(trainable)} / total {number(total)}"
        " (without auxiliary heads, as published)"
    ]
    for name, (count, grad) in params.parts.items():
        lines.append(f"  {name:<14}{grad:>15,} / {count:>15,}")
    lines.append(f"  {'all':<14}{params.trainable:>15,} / {params.total:>15,}")
    return "\n".join(lines)


def render(plan: Plan) -> str:
    """Returns the whole report."""
    sections = [
        render_parameters(plan.measured.parameters),
        _render_work(plan),
        _render_configured(plan),
        _render_options(plan),
        _render_run(plan),
        _render_advice(plan),
    ]
    return "\n\n".join(sections)


def _render_work(plan: Plan) -> str:
    m = plan.measured
    height, width = m.size
    lines = [
        f"per image       {width} x {height} pixels, weights in {plan.dtype}",
        f"  forward       {m.forward_flops / 1e12:8.2f} TFLOPs",
        f"  step          {m.step_flops / 1e12:8.2f} TFLOPs forward and backward,"
        f" + {m.recompute_flops / 1e12:.2f} with recomputation",
        f"  activations   {_activations(plan)}",
    ]
    return "\n".join(lines + [f"  note          {note}" for note in m.notes])


def _activations(plan: Plan) -> str:
    m = plan.measured
    texts = {"off": "", "selective": " with with_cp=True", "full": " recomputing whole blocks"}
    return ", ".join(
        f"{(m.saved[mode] + (m.block if mode != 'off' else 0)) / GIB:.2f} GiB{texts[mode]}"
        for mode in MODES
        if mode in m.saved
    )


def _render_configured(plan: Plan) -> str:
    memory = plan.configured.memory
    parts = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "activations": memory.activations,
        "comm. buffers": memory.buffers,
        "context etc.": memory.fixed,
    }
    lines = [f"this config     {_name(plan.configured.layout)}, on {plan.gpus} x {plan.gpu.name}"]
    lines += [f"  {name:<14}{value / GIB:8.1f} GiB" for name, value in parts.items()]
    verdict = "fits" if plan.fits(plan.configured) else "does NOT fit"
    have = plan.gpu.memory / GIB
    lines.append(f"  per GPU       {memory.total / GIB:8.1f} GiB of {have:.1f}: {verdict}")
    return "\n".join(lines)


def _render_options(plan: Plan) -> str:
    """One row per way to lay out the state; the columns are images per GPU, GiB each."""
    images = sorted({option.layout.images for option in plan.options})
    head = "".join(f"{n:>9}" for n in images)
    lines = [
        f"options         GiB per GPU for n images at a time ({plan.batch} per update); * fits",
        f"  {'':<34}{head}   host GiB",
    ]
    for layout, row in _rows(plan.options):
        cells = ""
        for n in images:
            option = row.get(n)
            text = "" if option is None else f"{option.memory.total / GIB:.1f}"
            cells += f"{text:>8}" + ("*" if option and plan.fits(option) else " ")
        host = max(option.memory.host for option in row.values()) / GIB
        lines.append(f"  {_state_name(layout):<34}{cells}   {host:8.0f}")
    return "\n".join(lines)


def _rows(options: Iterable[Option]) -> list[tuple[Layout, dict[int, Option]]]:
    rows: dict[Layout, dict[int, Option]] = {}
    for option in options:
        rows.setdefault(option.layout._replace(images=0), {})[option.layout.images] = option
    return list(rows.items())


def _render_run(plan: Plan) -> str:
    option = plan.best or plan.configured
    lines = [f"the run         with {_name(option.layout)}"]
    lines.append(
        f"  update        {option.seconds:8.2f} s for {plan.batch} images,"
        f" {option.communication / 1e9:.1f} GB sent per GPU"
    )
    if plan.updates:
        hours = option.seconds * plan.updates / 3600
        lines.append(f"  whole run     {hours:8.1f} h for {plan.updates:,} updates, no evaluation")
    kept = f", {plan.kept} are kept" if plan.kept > 0 else ""
    lines.append(
        f"  checkpoint    {plan.checkpoint / 1e9:8.1f} GB{kept} (frozen weights that a file of"
        " pretrained ones has are not stored again)"
    )
    return "\n".join(lines)


def _render_advice(plan: Plan) -> str:
    if plan.best is None:
        least = min(plan.options, key=lambda option: option.memory.total)
        return (
            f"recommended     nothing fits: the least is {least.memory.total / GIB:.1f} GiB per GPU"
            f" ({_name(least.layout)}). More GPUs help if ZeRO shares the state; else freeze the"
            " backbone (head_tuning, linear_probing) or take the recipes of InternViT-300M."
        )
    layout = plan.best.layout
    lines = ["recommended     paste into the config:", ""]
    if layout.stage is not None:
        suffix = "_offload" if layout.offload else ""
        lines.append(f"deepspeed_config = 'zero{layout.stage}_{plan.dtype}{suffix}'")
    lines.append(f"data = dict(samples_per_gpu={layout.images})")
    lines.append(f"model = dict(backbone=dict(with_cp={_with_cp(plan, layout)}))")
    if plan.best.steps > 1:
        lines.append(f"optimizer_config = dict(cumulative_iters={plan.best.steps})")
        if plan.updates:
            longer = plan.updates * plan.best.steps
            lines.append(
                f"runner = dict(max_iters={longer})  # an iteration is one of {plan.best.steps}"
                " passes: scale warmup_iters and intervals too"
            )
    return "\n".join(lines)


def _with_cp(plan: Plan, layout: Layout) -> str:
    if layout.recompute == "full" and "selective" in plan.measured.saved:
        return "'full'"
    return str(layout.recompute != "off")


def _state_name(layout: Layout) -> str:
    kind = "data parallel" if layout.stage is None else f"ZeRO-{layout.stage}"
    offload = " offload" if layout.offload else ""
    recompute = "" if layout.recompute == "off" else f", recompute {layout.recompute}"
    return f"{kind}{offload}{recompute}"


def _name(layout: Layout) -> str:
    return f"{_state_name(layout)}, {layout.images} images per GPU at a time"
