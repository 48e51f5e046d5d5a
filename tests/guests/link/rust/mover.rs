//! Gives shelves of wit/link.wit away to the component that has them.

wit_bindgen::generate!({ world: "mover", path: "../wit" });

use guests::link::goods::{Item, Marks, Unit};
use guests::link::moving::{discard, merge};
use guests::link::stock::Shelf;

struct Mover;

fn shelf_with(label: &str, goods: &str) -> Shelf {
    let shelf = Shelf::new(label);
    shelf.put(&Item { name: goods.into(), amount: 1, unit: Unit::Piece, marks: Marks::empty() });
    shelf
}

impl Guest for Mover {
    fn move_() -> (String, u32) {
        let both = merge(shelf_with("attic", "trunk"), shelf_with("hall", "coat"));
        let label = both.label();
        (label, discard(vec![both, shelf_with("yard", "bike")]))
    }
}

export!(Mover);
