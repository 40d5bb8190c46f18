"""Draws which classes are confused: ``confusion_matrix.py CONFIG RESULTS.pkl DIR``."""

from mmseg.commands.confusion_matrix import main

if __name__ == "__main__":
    main()
