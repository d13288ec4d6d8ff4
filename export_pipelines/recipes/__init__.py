"""Recipes: the text that loads an artifact into another program without loss, or says first what is lost.

    manifest → table → script + losses → text

Pure: a recipe is made from a manifest alone."""

from export_pipelines.recipes.readers import READERS, recipe_for
from export_pipelines.recipes.recipe import Change, Loss, Reader, Recipe
from export_pipelines.recipes.table import Table

__all__ = ["READERS", "Change", "Loss", "Reader", "Recipe", "Table", "recipe_for"]
