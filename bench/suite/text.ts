/**
 * Text to compress, the same every time: sentences of made-up words, of which a few are much more frequent than others,
 * with numbers among them. gzip -6 makes about a third of it.
 */
export function text(megabytes: number): Uint8Array {
  let state = 88172645;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const syllables = [
    "ka",
    "lo",
    "min",
    "tar",
    "es",
    "u",
    "ver",
    "di",
    "on",
    "sha",
    "pel",
    "ir",
    "eth",
    "go",
    "ran",
    "ti",
  ];
  const words = Array.from({ length: 4000 }, () =>
    Array.from({ length: 1 + random(4) }, () => syllables[random(syllables.length)]).join(""),
  );
  const size = megabytes << 20;
  const lines: string[] = [];
  for (let length = 0; length < size; ) {
    const count = 4 + random(12);
    const line: string[] = [];
    for (let i = 0; i < count; i++) {
      // The product of two even choices favours small numbers, as the frequencies of words do.
      const word = words[Math.floor((random(4000) * random(4000)) / 4000)] ?? "";
      line.push(random(20) === 0 ? String(random(100_000)) : word);
    }
    lines.push(line.join(" "));
    length += lines.at(-1)?.length ?? 0;
    length++;
  }
  return new TextEncoder().encode(`${lines.join("\n")}\n`).subarray(0, size);
}
