"""A stock of goods: exports `stock` of wit/link.wit."""
from stock import Shelf  # pylint: disable=unused-import # componentize-py looks for it
from wit_world import exports
from wit_world.imports.goods import Item, Unit


class Stock(exports.Stock):
    def count(self, items: list[Item], unit: Unit) -> int:
        return sum(item.unit == unit for item in items)
