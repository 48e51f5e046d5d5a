//! A WASI preview 1 command in Zig: `zig_program FOLDER ARGUMENT…` uses the environment, standard input,
//! files and the monotonic clock, prints what it saw and ends with code 4.
const std = @import("std");
const Io = std.Io;

pub fn main(init: std.process.Init) !u8 {
    const io = init.io;
    const arena = init.arena.allocator();

    var output_buffer: [1024]u8 = undefined;
    var output_writer = Io.File.stdout().writerStreaming(io, &output_buffer);
    const output = &output_writer.interface;
    const arguments = try init.minimal.args.toSlice(arena);
    for (arguments[2..]) |argument| try output.print("argument: {s}\n", .{argument});
    try output.print("GREETING: {s}\n", .{init.environ_map.get("GREETING") orelse "none"});

    const folder = init.preopens.get(arguments[1]).?.dir;
    try keepSortedLines(io, arena, folder, output);
    try changeNames(io, folder, output);
    if (folder.openFile(io, "escape/secret.txt", .{})) |_| return error.Escaped else |_| {}

    const before = Io.Clock.awake.now(io);
    try Io.sleep(io, Io.Duration.fromMilliseconds(10), .awake);
    const slept = before.durationTo(Io.Clock.awake.now(io)).toMilliseconds();
    if (slept < 10 or slept > 2000) return error.WrongClock;

    var noise: [32]u8 = @splat(0);
    io.random(&noise);
    if (std.mem.allEqual(u8, &noise, 0)) return error.NoRandomNumbers;
    try output.flush();
    return 4;
}

fn keepSortedLines(io: Io, arena: std.mem.Allocator, folder: Io.Dir, output: *Io.Writer) !void {
    var input_buffer: [64]u8 = undefined;
    var input = Io.File.stdin().readerStreaming(io, &input_buffer);
    const text = try input.interface.allocRemaining(arena, .limited(1 << 20));
    var lines: std.ArrayList([]const u8) = .empty;
    var rest = std.mem.tokenizeScalar(u8, text, '\n');
    while (rest.next()) |line| try lines.append(arena, line);
    std.mem.sort([]const u8, lines.items, {}, precedes);
    try folder.writeFile(io, .{ .sub_path = "sorted.txt", .data = try std.mem.join(arena, ",", lines.items) });
    const kept = try folder.readFileAlloc(io, "sorted.txt", arena, .limited(1 << 20));
    try output.print("sorted: {s}\n", .{kept});
}

fn precedes(_: void, left: []const u8, right: []const u8) bool {
    return std.mem.lessThan(u8, left, right);
}

fn changeNames(io: Io, folder: Io.Dir, output: *Io.Writer) !void {
    try folder.createDirPath(io, "one/two");
    try folder.rename("sorted.txt", folder, "one/two/lines.txt", io);
    const status = try folder.statFile(io, "one/two/lines.txt", .{});
    try output.print("size: {d}\n", .{status.size});
    var entries = folder.iterate();
    var count: usize = 0;
    while (try entries.next(io)) |_| count += 1;
    try output.print("entries: {d}\n", .{count});
    try folder.deleteTree(io, "one");
}
