"""Unpacks and converts a data set: ``prepare_data.py DATASET FOLDER_WITH_ARCHIVES``."""

from mmseg.commands.prepare_data import main

if __name__ == "__main__":
    main()
