//! The types of wit/link.wit as the canonical ABI lays them out in memory, and the allocator behind cabi_realloc.
const std = @import("std");

pub const allocator = std.heap.wasm_allocator;

pub const String = extern struct {
    pointer: [*]const u8,
    length: usize,

    pub fn of(text: []const u8) String {
        return .{ .pointer = text.ptr, .length = text.len };
    }

    pub fn slice(self: String) []const u8 {
        return self.pointer[0..self.length];
    }
};

pub const Unit = enum(u8) { piece, litre, kilogram };

pub const fresh: u8 = 1;
pub const fragile: u8 = 2;
pub const foreign: u8 = 4;

pub const Item = extern struct { name: String, amount: u32, unit: Unit, marks: u8 };

pub const Items = extern struct { first: [*]const Item, count: usize };

pub const Change = enum(u32) { add, take, rename, mark, clear };

pub const AmountOrReason = extern struct {
    failed: bool,
    value: extern union { amount: u32, reason: String },
};

pub const MaybeItem = extern struct { there: bool = false, item: Item = undefined };

export fn cabi_realloc(old: ?[*]u8, old_size: usize, alignment: usize, size: usize) [*]u8 {
    if (size == 0) return @ptrFromInt(alignment);
    const result = allocator.alignedAlloc(u8, .@"8", size) catch @trap();
    if (old) |bytes| @memcpy(result[0..old_size], bytes[0..old_size]);
    return result.ptr;
}
