"""A stock of goods: exports `stock` of wit/link.wit."""
from stock import Shelf
from wit_world import exports
from wit_world.imports.goods import Item, Unit


class Moving(exports.Moving):
    def merge(self, one: Shelf, other: Shelf) -> Shelf:
        return Shelf.join(one, other)

    def discard(self, shelves: list[Shelf]) -> int:
        return sum(len(shelf.items()) for shelf in shelves)


class Stock(exports.Stock):
    def count(self, items: list[Item], unit: Unit) -> int:
        return sum(item.unit == unit for item in items)
