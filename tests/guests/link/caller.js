// Takes the tour of wit/link.wit through a stock that another component has.
import stock from "guests:link/stock";

const { Shelf } = stock;

function change(shelf, name, tag, val) {
  try {
    return { tag: "ok", val: shelf.change(name, { tag, val }) };
  } catch (reason) {
    return { tag: "err", val: reason.payload };
  }
}

function take() {
  const pantry = new Shelf("pantry");
  const cellar = new Shelf("cellar");
  pantry.put({ name: "milk", amount: 2, unit: "litre", marks: { fresh: true } });
  pantry.put({ name: "eggs", amount: 12, unit: "piece", marks: { fresh: true, fragile: true } });
  cellar.put({ name: "flour", amount: 1, unit: "kilogram", marks: {} });
  cellar.put({ name: "crème fraîche", amount: 3, unit: "piece", marks: { fresh: true, foreign: true } });
  const added = change(pantry, "milk", "add", 3);
  const refused = change(pantry, "eggs", "take", 13);
  change(pantry, "eggs", "rename", "ägg");
  change(pantry, "ägg", "mark", { fragile: true, foreign: true });
  change(cellar, "flour", "clear");
  const both = Shelf.join(pantry, cellar);
  const items = both.items();
  return {
    label: both.label(),
    added,
    refused,
    found: both.find("ägg"),
    missing: both.find("eggs"),
    items,
    pieces: stock.count(items, "piece"),
  };
}

export const tour = { take };
