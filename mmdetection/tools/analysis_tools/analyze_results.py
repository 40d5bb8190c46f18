"""Best and worst images, confusion of classes: ``analyze_results.py CONFIG RESULTS.pkl FOLDER``."""

from mmdet.apis.analysis import analyze_results_main

if __name__ == "__main__":
    analyze_results_main()
