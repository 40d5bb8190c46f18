"""Starts runs of the toy task by forking, in a tenth of the time that importing takes.

A line of JSON on standard input is a command, a line on standard output its answer:
``{"args": [...], "num": 2, "output": PREFIX}`` starts ranks whose output goes to PREFIX.0 ...
and answers with their pids; ``{"wait": [pids]}`` answers with their exit codes.
"""

import json
import os
import socket
import sys
import traceback
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="", DS_ACCELERATOR="cpu")
sys.path.insert(0, str(Path(__file__).parent))

import torch._dynamo  # noqa: F401  (optimizers import it on their first use: seconds)
import toy_run
import yapf  # noqa: F401


def serve():
    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            statuses = [os.waitpid(pid, 0)[1] for pid in command["wait"]]
            answer = [os.waitstatus_to_exitcode(status) for status in statuses]
        elif "import" in command:
            answer = __import__(command["import"]).__name__
            assert len(os.listdir("/proc/self/task")) == 1, "a fork would lose threads"
        else:
            answer = start(**command)
        print(json.dumps(answer), flush=True)


def start(args, num, output, before=None):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    pids = []
    for rank in range(num):
        pid = os.fork()
        if pid == 0:
            be_rank(rank, num, port, args, output, before)
        # In the parent too, so that the group exists before this function returns.
        os.setpgid(pid, pids[0] if pids else pid)
        pids.append(pid)
    return pids


def be_rank(rank, num, port, args, output, before):
    code = 1
    try:
        descriptor = os.open(f"{output}.{rank}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        if num > 1:
            values = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": num, "MASTER_PORT": port}
            os.environ.update({k: str(v) for k, v in values.items()}, MASTER_ADDR="127.0.0.1")
            args = [*args, "--launcher", "pytorch"]
        if before is not None:
            getattr(__import__(before[0]), before[1])(*before[2:])
        toy_run.train_main(toy_run.TASK, args)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
