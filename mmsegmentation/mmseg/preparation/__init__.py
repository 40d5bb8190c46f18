"""From the archives that a data set's site gives away to the folders that configs name."""

from mmseg.preparation.recipes import RECIPES, Recipe, prepare

__all__ = ["RECIPES", "Recipe", "prepare"]
