"""Evaluates a checkpoint: metrics, json files to submit, or pictures of the results.

Usage:
    python tools/test.py CONFIG CHECKPOINT --eval bbox segm
    tools/dist_test.sh CONFIG CHECKPOINT GPUS --eval bbox segm
"""

from mmdet.apis.testing_tool import test_main

if __name__ == "__main__":
    test_main()
