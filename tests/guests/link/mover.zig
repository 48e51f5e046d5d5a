//! Gives shelves of wit/link.wit away to the component that has them, without generated bindings.
const stock = @import("stock.zig");

const Moved = extern struct { label: stock.String, discarded: u32 };

const imports = struct {
    extern "guests:link/stock" fn @"[constructor]shelf"(label: [*]const u8, length: usize) i32;
    extern "guests:link/stock" fn @"[method]shelf.label"(shelf: i32, result: *stock.String) void;
    extern "guests:link/stock" fn @"[method]shelf.put"(
        shelf: i32,
        name: [*]const u8,
        length: usize,
        amount: u32,
        unit: u32,
        marks: u32,
    ) void;
    extern "guests:link/moving" fn merge(one: i32, other: i32) i32;
    extern "guests:link/moving" fn discard(shelves: [*]const i32, length: usize) u32;
};

fn shelfWith(label: []const u8, goods: []const u8) i32 {
    const shelf = imports.@"[constructor]shelf"(label.ptr, label.len);
    imports.@"[method]shelf.put"(shelf, goods.ptr, goods.len, 1, @backingInt(stock.Unit.piece), 0);
    return shelf;
}

var moved: Moved = undefined;

export fn move() *const Moved {
    const both = imports.merge(shelfWith("attic", "trunk"), shelfWith("hall", "coat"));
    imports.@"[method]shelf.label"(both, &moved.label);
    const rest = [_]i32{ both, shelfWith("yard", "bike") };
    moved.discarded = imports.discard(&rest, rest.len);
    return &moved;
}
