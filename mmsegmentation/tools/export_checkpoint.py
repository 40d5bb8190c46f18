"""Writes one file of weights out of any checkpoint: ``export_checkpoint.py WORK_DIR OUT.pth``."""

from mmcv.runner.export import main

if __name__ == "__main__":
    main()
