const std = @import("std");

pub fn main() void {
    var sum: u64 = 0;
    for (0..1000) |n| sum += n * n;
    std.debug.print("{d}\n", .{sum});
}
