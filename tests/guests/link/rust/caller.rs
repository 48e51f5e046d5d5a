//! Takes the tour of wit/link.wit through a stock that another component has.

wit_bindgen::generate!({ world: "caller", path: "../wit" });

use exports::guests::link::tour::{Guest, Seen};
use guests::link::goods::{Item, Marks, Unit};
use guests::link::stock::{count, Change, Shelf};

struct Tour;

fn put(shelf: &Shelf, name: &str, amount: u32, unit: Unit, marks: Marks) {
    shelf.put(&Item { name: name.into(), amount, unit, marks });
}

impl Guest for Tour {
    fn take() -> Seen {
        let (pantry, cellar) = (Shelf::new("pantry"), Shelf::new("cellar"));
        put(&pantry, "milk", 2, Unit::Litre, Marks::FRESH);
        put(&pantry, "eggs", 12, Unit::Piece, Marks::FRESH | Marks::FRAGILE);
        put(&cellar, "flour", 1, Unit::Kilogram, Marks::empty());
        put(&cellar, "crème fraîche", 3, Unit::Piece, Marks::FRESH | Marks::FOREIGN);
        let added = pantry.change("milk", &Change::Add(3));
        let refused = pantry.change("eggs", &Change::Take(13));
        pantry.change("eggs", &Change::Rename("ägg".into())).unwrap();
        pantry.change("ägg", &Change::Mark(Marks::FRAGILE | Marks::FOREIGN)).unwrap();
        cellar.change("flour", &Change::Clear).unwrap();
        let both = Shelf::join(&pantry, &cellar);
        let items = both.items();
        let pieces = count(&items, Unit::Piece);
        let (label, found, missing) = (both.label(), both.find("ägg"), both.find("eggs"));
        Seen { label, added, refused, found, missing, items, pieces }
    }
}

export!(Tour);
