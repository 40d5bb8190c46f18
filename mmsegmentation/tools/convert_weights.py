"""Writes InternViT weights in another layout: ``convert_weights.py SOURCE TARGET --to LAYOUT``."""

from mmcv.weights.convert import main

if __name__ == "__main__":
    main()
