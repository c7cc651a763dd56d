import std/[algorithm, sequtils, strutils, tables]

var counts = initCountTable[string]()
for word in "a b a c b a".split: counts.inc word
counts.sort()
echo counts, toSeq(1..5).mapIt(it * it)
var one = @[1]
try: echo one[counts.len + 4]
except IndexDefect as error: echo error.msg
