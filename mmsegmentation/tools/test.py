"""Evaluates a checkpoint: metrics, label maps to submit, or pictures of the results.

Usage:
    python tools/test.py CONFIG CHECKPOINT --eval mIoU
    tools/dist_test.sh CONFIG CHECKPOINT GPUS --eval mIoU
"""

from mmseg.apis.testing_tool import test_main

if __name__ == "__main__":
    test_main()
