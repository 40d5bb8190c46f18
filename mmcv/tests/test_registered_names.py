"""The names that configs may use: a change of this list is a change of the interface.

``make golden`` rewrites ``golden/registered_names.txt``.
"""

import os
import subprocess
import sys
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden/registered_names.txt"

# In a process of its own: other tests register classes of theirs.
LIST = """
import mmdet, mmseg
from mmcv import registry

mmdet.TASK, mmseg.TASK
for root in "MODELS DATASETS PIPELINES HOOKS RUNNERS OPTIMIZERS OPTIMIZER_BUILDERS".split():
    own = getattr(registry, root)
    for scope, names in (("mmcv", own), *sorted(own.children.items())):
        for name, target in sorted(names.module_dict.items()):
            # What torch and timm bring differs with their versions.
            if target.__module__.split(".")[0] in registry.OWN_PACKAGES:
                print(f"{root} {scope}.{name}")
"""


def test_registered_names_are_those_of_the_golden_list():
    run = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(run.stdout)
    assert run.stdout.splitlines() == GOLDEN.read_text().splitlines()
