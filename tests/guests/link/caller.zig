//! Takes the tour of wit/link.wit through a stock that another component has, without generated bindings.
const stock = @import("stock.zig");

const Seen = extern struct {
    label: stock.String,
    added: stock.AmountOrReason,
    refused: stock.AmountOrReason,
    found: stock.MaybeItem,
    missing: stock.MaybeItem,
    items: stock.Items,
    pieces: u32,
};

const imports = struct {
    extern "guests:link/stock" fn @"[constructor]shelf"(label: [*]const u8, length: usize) i32;
    extern "guests:link/stock" fn @"[resource-drop]shelf"(shelf: i32) void;
    extern "guests:link/stock" fn @"[method]shelf.label"(shelf: i32, result: *stock.String) void;
    extern "guests:link/stock" fn @"[method]shelf.put"(
        shelf: i32,
        name: [*]const u8,
        length: usize,
        amount: u32,
        unit: u32,
        marks: u32,
    ) void;
    extern "guests:link/stock" fn @"[method]shelf.change"(
        shelf: i32,
        name: [*]const u8,
        length: usize,
        change: u32,
        number: u32,
        size: usize,
        result: *stock.AmountOrReason,
    ) void;
    extern "guests:link/stock" fn @"[method]shelf.find"(
        shelf: i32,
        name: [*]const u8,
        length: usize,
        result: *stock.MaybeItem,
    ) void;
    extern "guests:link/stock" fn @"[method]shelf.items"(shelf: i32, result: *stock.Items) void;
    extern "guests:link/stock" fn @"[static]shelf.join"(one: i32, other: i32) i32;
    extern "guests:link/stock" fn count(items: [*]const stock.Item, length: usize, unit: u32) u32;
};

fn newShelf(label: []const u8) i32 {
    return imports.@"[constructor]shelf"(label.ptr, label.len);
}

fn put(shelf: i32, name: []const u8, amount: u32, unit: stock.Unit, marks: u8) void {
    imports.@"[method]shelf.put"(shelf, name.ptr, name.len, amount, @backingInt(unit), marks);
}

fn change(shelf: i32, name: []const u8, what: stock.Change, number: u32, size: usize) stock.AmountOrReason {
    var result: stock.AmountOrReason = undefined;
    imports.@"[method]shelf.change"(shelf, name.ptr, name.len, @backingInt(what), number, size, &result);
    return result;
}

fn find(shelf: i32, name: []const u8) stock.MaybeItem {
    var result: stock.MaybeItem = undefined;
    imports.@"[method]shelf.find"(shelf, name.ptr, name.len, &result);
    return result;
}

var seen: Seen = undefined;

export fn @"guests:link/tour#take"() *const Seen {
    const pantry = newShelf("pantry");
    const cellar = newShelf("cellar");
    put(pantry, "milk", 2, .litre, stock.fresh);
    put(pantry, "eggs", 12, .piece, stock.fresh | stock.fragile);
    put(cellar, "flour", 1, .kilogram, 0);
    put(cellar, "crème fraîche", 3, .piece, stock.fresh | stock.foreign);
    seen.added = change(pantry, "milk", .add, 3, 0);
    seen.refused = change(pantry, "eggs", .take, 13, 0);
    const new_name = "ägg";
    _ = change(pantry, "eggs", .rename, @intFromPtr(new_name.ptr), new_name.len);
    _ = change(pantry, new_name, .mark, stock.fragile | stock.foreign, 0);
    _ = change(cellar, "flour", .clear, 0, 0);
    const both = imports.@"[static]shelf.join"(pantry, cellar);
    imports.@"[method]shelf.label"(both, &seen.label);
    seen.found = find(both, new_name);
    seen.missing = find(both, "eggs");
    imports.@"[method]shelf.items"(both, &seen.items);
    seen.pieces = imports.count(seen.items.first, seen.items.count, @backingInt(stock.Unit.piece));
    for ([_]i32{ both, cellar, pantry }) |shelf| imports.@"[resource-drop]shelf"(shelf);
    return &seen;
}
