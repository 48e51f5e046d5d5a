"""Takes the tour of wit/link.wit through a stock that another component has."""
from componentize_py_types import Err, Ok, Result
from wit_world import exports
from wit_world.exports.tour import Seen
from wit_world.imports import stock
from wit_world.imports.goods import Item, Marks, Unit
from wit_world.imports.stock import Shelf


def change(shelf: Shelf, name: str, what: stock.Change) -> Result[int, str]:
    try:
        return Ok(shelf.change(name, what))
    except Err as refusal:
        return refusal


def see(pantry: Shelf, cellar: Shelf) -> Seen:
    pantry.put(Item("milk", 2, Unit.LITRE, Marks.FRESH))
    pantry.put(Item("eggs", 12, Unit.PIECE, Marks.FRESH | Marks.FRAGILE))
    cellar.put(Item("flour", 1, Unit.KILOGRAM, Marks(0)))
    cellar.put(Item("crème fraîche", 3, Unit.PIECE, Marks.FRESH | Marks.FOREIGN))
    added = change(pantry, "milk", stock.Change_Add(3))
    refused = change(pantry, "eggs", stock.Change_Take(13))
    change(pantry, "eggs", stock.Change_Rename("ägg"))
    change(pantry, "ägg", stock.Change_Mark(Marks.FRAGILE | Marks.FOREIGN))
    change(cellar, "flour", stock.Change_Clear())
    with Shelf.join(pantry, cellar) as both:
        items = both.items()
        return Seen(both.label(), added, refused, both.find("ägg"), both.find("eggs"), items,
                    stock.count(items, Unit.PIECE))


class Tour(exports.Tour):
    def take(self) -> Seen:
        with Shelf("pantry") as pantry, Shelf("cellar") as cellar:
            return see(pantry, cellar)
