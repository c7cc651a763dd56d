/** Rust. */

import type { Program } from "../program.ts";

export const rust: readonly Program[] = [
  {
    id: "rustc-hello",
    group: "rust",
    what: "rustc of hello world, and running it",
    script: "rustc -O $I/hello.rs && ./hello",
    limit: 300,
  },
  {
    id: "rustc-threads",
    group: "rust",
    what: "rustc of a program with threads, a HashMap, a channel and a panic that is caught",
    script: "rustc -O $I/threads.rs && ./threads",
    limit: 400,
  },
  {
    id: "cargo",
    group: "rust",
    what: "cargo build, run and test --offline of a small crate",
    script: "cp -r $I/crate . && cd crate && cargo build --offline && cargo run --offline -q && cargo test --offline",
    drop: [/[\d.]+s\b/g, /-[0-9a-f]{16}/g],
    limit: 500,
  },
];
