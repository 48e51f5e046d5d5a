"""Functions with typed parameters and results, called from outside by `tenon run --invoke`."""
import collections
import math
import sys

import wit_world
from componentize_py_types import Err
from wit_world.imports import shapes


class WitWorld(wit_world.WitWorld):
    def area(self, of: shapes.Shape) -> float:
        match of:
            case shapes.Shape_Circle(radius):
                return math.pi * radius**2
            case shapes.Shape_Polygon(points) if len(points) > 2:
                following = points[1:] + points[:1]
                return abs(sum(p.x * q.y - q.x * p.y for p, q in zip(points, following))) / 2
            case _:
                raise Err("has no area")

    def sort(self, words: list[str], by: shapes.Order | None) -> list[str]:
        return sorted(words, reverse=by == shapes.Order.DESCENDING)

    def count(self, text: str) -> list[tuple[str, int]]:
        return sorted(collections.Counter(text).items())

    def invert(self, these: shapes.Parts) -> shapes.Parts:
        return ~these

    def factorial(self, of: int) -> int:
        return math.factorial(of)

    def version(self) -> str:
        return sys.version.split()[0]
