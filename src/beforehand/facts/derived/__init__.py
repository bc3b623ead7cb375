"""Facts made from facts: a workflow started and not finished, back and forth, waiting, mentions.

    name = ensure(connection, recipe_of(made, metric, metrics, settings))

The table `name` looks like a fact table that has versions (`tables.COLUMNS`): the sum of `sign` over rows learned
before any moment is what was known then. Rows follow from the facts alone, never from the time at which they are made.
"""

from beforehand.facts.derived.making import ensure
from beforehand.facts.derived.phrases import lists
from beforehand.facts.derived.recipe import Recipe, recipe_of
from beforehand.facts.derived.tables import PREFIX, made_tables

__all__ = ["PREFIX", "Recipe", "ensure", "lists", "made_tables", "recipe_of"]
