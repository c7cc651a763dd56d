import std.algorithm, std.parallelism, std.range, std.stdio;

void main()
{
    auto sorted = iota(1, 100_001).map!(n => (n * 7919L) % 10_007).array.sort;
    writeln(sorted[7], " ", taskPool.reduce!"a + b"(iota(1000)));
    try
    {
        int[] empty;
        empty[3] = 1;
    }
    catch (Error error)
        writeln(error.msg);
}
