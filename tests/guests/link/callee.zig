//! A stock of goods: exports `stock` of wit/link.wit without generated bindings. Nothing is freed but shelves.
const std = @import("std");
const stock = @import("stock.zig");

const allocator = stock.allocator;
const Item = stock.Item;
const String = stock.String;

const Shelf = struct { label: []const u8, items: std.ArrayList(Item) = .empty };

extern "[export]guests:link/stock" fn @"[resource-new]shelf"(shelf: *Shelf) i32;

extern "[export]guests:link/stock" fn @"[resource-rep]shelf"(handle: i32) *Shelf;
extern "[export]guests:link/stock" fn @"[resource-drop]shelf"(handle: i32) void;

fn newShelf(label: []const u8) *Shelf {
    const shelf = allocator.create(Shelf) catch @trap();
    shelf.* = .{ .label = label };
    return shelf;
}

fn append(shelf: *Shelf, items: []const Item) void {
    shelf.items.appendSlice(allocator, items) catch @trap();
}

fn find(shelf: *Shelf, name: []const u8) ?*Item {
    for (shelf.items.items) |*item| {
        if (std.mem.eql(u8, item.name.slice(), name)) return item;
    }
    return null;
}

fn print(comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.allocPrint(allocator, format, arguments) catch @trap();
}

fn refuse(reason: []const u8) stock.AmountOrReason {
    return .{ .failed = true, .value = .{ .reason = String.of(reason) } };
}

fn apply(shelf: *Shelf, name: []const u8, change: stock.Change, number: u32, size: usize) stock.AmountOrReason {
    const item = find(shelf, name) orelse return refuse(print("no {s}", .{name}));
    switch (change) {
        .add => item.amount += number,
        .take => {
            if (number > item.amount) return refuse(print("only {d} {s}", .{ item.amount, name }));
            item.amount -= number;
        },
        .rename => item.name = .{ .pointer = @ptrFromInt(number), .length = size },
        .mark => item.marks = @intCast(number),
        .clear => item.amount = 0,
    }
    return .{ .failed = false, .value = .{ .amount = item.amount } };
}

var changed: stock.AmountOrReason = undefined;
var found: stock.MaybeItem = undefined;
var labelled: String = undefined;
var listed: stock.Items = undefined;

export fn @"guests:link/stock#[constructor]shelf"(text: [*]const u8, length: usize) i32 {
    return @"[resource-new]shelf"(newShelf(text[0..length]));
}

export fn @"guests:link/stock#[dtor]shelf"(shelf: *Shelf) void {
    shelf.items.deinit(allocator);
    allocator.destroy(shelf);
}

export fn @"guests:link/stock#[method]shelf.label"(shelf: *Shelf) *const String {
    labelled = String.of(shelf.label);
    return &labelled;
}

export fn @"guests:link/stock#[method]shelf.put"(
    shelf: *Shelf,
    name: [*]const u8,
    length: usize,
    amount: u32,
    unit: u32,
    marks: u32,
) void {
    append(shelf, &.{.{
        .name = String.of(name[0..length]),
        .amount = amount,
        .unit = @fromBackingInt(@intCast(unit)),
        .marks = @intCast(marks),
    }});
}

export fn @"guests:link/stock#[method]shelf.change"(
    shelf: *Shelf,
    name: [*]const u8,
    length: usize,
    change: u32,
    number: u32,
    size: usize,
) *const stock.AmountOrReason {
    changed = apply(shelf, name[0..length], @fromBackingInt(@intCast(change)), number, size);
    return &changed;
}

export fn @"guests:link/stock#[method]shelf.find"(
    shelf: *Shelf,
    name: [*]const u8,
    length: usize,
) *const stock.MaybeItem {
    found = if (find(shelf, name[0..length])) |item| .{ .there = true, .item = item.* } else .{};
    return &found;
}

export fn @"guests:link/stock#[method]shelf.items"(shelf: *Shelf) *const stock.Items {
    listed = .{ .first = shelf.items.items.ptr, .count = shelf.items.items.len };
    return &listed;
}

export fn @"guests:link/stock#[static]shelf.join"(one: *Shelf, other: *Shelf) i32 {
    const both = newShelf(print("{s} and {s}", .{ one.label, other.label }));
    append(both, one.items.items);
    append(both, other.items.items);
    return @"[resource-new]shelf"(both);
}

// What is owned comes as a handle, what is borrowed as the shelf itself.
export fn @"guests:link/moving#merge"(one: i32, other: i32) i32 {
    const both = @"guests:link/stock#[static]shelf.join"(@"[resource-rep]shelf"(one), @"[resource-rep]shelf"(other));
    for ([_]i32{ one, other }) |shelf| @"[resource-drop]shelf"(shelf);
    return both;
}

export fn @"guests:link/moving#discard"(shelves: [*]const i32, length: usize) u32 {
    var kinds: usize = 0;
    for (shelves[0..length]) |shelf| {
        kinds += @"[resource-rep]shelf"(shelf).items.items.len;
        @"[resource-drop]shelf"(shelf);
    }
    return @intCast(kinds);
}

export fn @"guests:link/stock#count"(items: [*]const Item, length: usize, unit: u32) u32 {
    var result: u32 = 0;
    for (items[0..length]) |item| result += @intFromBool(@backingInt(item.unit) == unit);
    return result;
}
