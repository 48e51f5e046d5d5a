//! A stock of goods: exports `stock` and `moving` of wit/link.wit.

use std::cell::RefCell;

wit_bindgen::generate!({ world: "callee", path: "../wit" });

use exports::guests::link::moving;
use exports::guests::link::stock::{Change, Guest, GuestShelf, Item, Shelf, ShelfBorrow, Unit};

struct Stock;

struct Rack {
    label: String,
    items: RefCell<Vec<Item>>,
}

fn join(one: &Rack, other: &Rack) -> Shelf {
    let items = [one.items.borrow().as_slice(), other.items.borrow().as_slice()].concat();
    Shelf::new(Rack { label: format!("{} and {}", one.label, other.label), items: RefCell::new(items) })
}

impl GuestShelf for Rack {
    fn new(label: String) -> Self {
        Rack { label, items: RefCell::default() }
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn put(&self, goods: Item) {
        self.items.borrow_mut().push(goods);
    }

    fn change(&self, name: String, change: Change) -> Result<u32, String> {
        let mut items = self.items.borrow_mut();
        let item = items.iter_mut().find(|item| item.name == name).ok_or_else(|| format!("no {name}"))?;
        match change {
            Change::Add(amount) => item.amount += amount,
            Change::Take(amount) if amount > item.amount => return Err(format!("only {} {name}", item.amount)),
            Change::Take(amount) => item.amount -= amount,
            Change::Rename(name) => item.name = name,
            Change::Mark(marks) => item.marks = marks,
            Change::Clear => item.amount = 0,
        }
        Ok(item.amount)
    }

    fn find(&self, name: String) -> Option<Item> {
        self.items.borrow().iter().find(|item| item.name == name).cloned()
    }

    fn items(&self) -> Vec<Item> {
        self.items.borrow().clone()
    }

    fn join(one: ShelfBorrow<'_>, other: ShelfBorrow<'_>) -> Shelf {
        join(one.get(), other.get())
    }
}

impl Guest for Stock {
    type Shelf = Rack;

    fn count(items: Vec<Item>, unit: Unit) -> u32 {
        items.iter().filter(|item| item.unit == unit).count() as u32
    }
}

impl moving::Guest for Stock {
    fn merge(one: Shelf, other: Shelf) -> Shelf {
        join(one.get::<Rack>(), other.get::<Rack>())
    }

    fn discard(shelves: Vec<Shelf>) -> u32 {
        shelves.iter().map(|shelf| shelf.get::<Rack>().items.borrow().len() as u32).sum()
    }
}

export!(Stock);
