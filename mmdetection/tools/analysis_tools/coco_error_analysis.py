"""What kinds of errors cost how much AP: ``coco_error_analysis.py RESULTS.bbox.json FOLDER``."""

from mmdet.apis.analysis import coco_errors_main

if __name__ == "__main__":
    coco_errors_main()
