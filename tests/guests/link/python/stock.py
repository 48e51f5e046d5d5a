"""The resource of `stock` of wit/link.wit: componentize-py looks for it in a module named like the interface."""
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import stock
from wit_world.imports.goods import Item


class Shelf(exports.stock.Shelf):
    def __init__(self, label: str) -> None:
        self._label = label
        self._items: list[Item] = []

    def label(self) -> str:
        return self._label

    def put(self, goods: Item) -> None:
        self._items.append(goods)

    def change(self, name: str, change: stock.Change) -> int:
        item = self.find(name)
        if not item:
            raise Err("no " + name)
        match change:
            case stock.Change_Add(amount):
                item.amount += amount
            case stock.Change_Take(amount):
                if amount > item.amount:
                    raise Err("only %d %s" % (item.amount, name))
                item.amount -= amount
            case stock.Change_Rename(new_name):
                item.name = new_name
            case stock.Change_Mark(marks):
                item.marks = marks
            case stock.Change_Clear():
                item.amount = 0
        return item.amount

    def find(self, name: str) -> Item | None:
        return next((item for item in self._items if item.name == name), None)

    def items(self) -> list[Item]:
        return self._items

    @classmethod
    def join(cls, one: "Shelf", other: "Shelf") -> "Shelf":
        both = cls("%s and %s" % (one._label, other._label))
        both._items = one._items + other._items
        return both
