// A stock of goods: exports `stock` of wit/link.wit.

class Shelf {
  #label;
  #items = [];

  constructor(label) {
    this.#label = label;
  }

  label() {
    return this.#label;
  }

  put(goods) {
    this.#items.push(goods);
  }

  change(name, change) {
    const item = this.find(name);
    if (!item) {
      throw `no ${name}`;
    }
    switch (change.tag) {
      case "add":
        item.amount += change.val;
        break;
      case "take":
        if (change.val > item.amount) {
          throw `only ${item.amount} ${name}`;
        }
        item.amount -= change.val;
        break;
      case "rename":
        item.name = change.val;
        break;
      case "mark":
        item.marks = change.val;
        break;
      case "clear":
        item.amount = 0;
    }
    return item.amount;
  }

  find(name) {
    return this.#items.find((item) => item.name === name) ?? null;
  }

  items() {
    return this.#items;
  }

  static join(one, other) {
    const both = new Shelf(`${one.#label} and ${other.#label}`);
    both.#items = [...one.#items, ...other.#items];
    return both;
  }
}

function count(items, unit) {
  return items.filter((item) => item.unit === unit).length;
}

export const stock = { Shelf, count };
