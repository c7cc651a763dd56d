/**
 * A profile as Chrome's DevTools and speedscope read it (.cpuprofile: type Profile of the DevTools protocol, domain Profiler).
 *
 * The guest's processes have a tree each below the root: one task runs at a time, so one line of time holds them all.
 */
import type { CodeFunction } from "./elf-image.ts";

interface Node {
  readonly id: number;
  readonly function: CodeFunction;
  readonly children: Map<CodeFunction, Node>;
  hits: number;
}

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly scriptId: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
    readonly hitCount: number;
    readonly children: readonly number[];
  }[];
  /** Microseconds. */
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** DevTools knows these by name. */
const ROOT: CodeFunction = { name: "(root)", file: "" };
const IDLE: CodeFunction = { name: "(idle)", file: "" };

export class ProfileBuilder {
  readonly #nodes: Node[] = [];
  readonly #root: Node;
  readonly #startTime: number;
  /** Node and nanoseconds of each sample; what comes twice in a row is one sample. */
  readonly #samples: number[] = [];
  readonly #weights: number[] = [];

  /** @param startTime nanoseconds */
  constructor(startTime: number) {
    this.#startTime = startTime;
    this.#root = this.#node(ROOT);
  }

  #node(fn: CodeFunction): Node {
    const node: Node = { id: this.#nodes.length + 1, function: fn, children: new Map(), hits: 0 };
    this.#nodes.push(node);
    return node;
  }

  /** @param path from the process to the innermost function */
  add(path: readonly CodeFunction[], nanoseconds: number): void {
    let node = this.#root;
    for (const fn of path) {
      let child = node.children.get(fn);
      if (child === undefined) {
        child = this.#node(fn);
        node.children.set(fn, child);
      }
      node = child;
    }
    node.hits++;
    const last = this.#samples.length - 1;
    if (this.#samples[last] === node.id) (this.#weights[last] as number) += nanoseconds;
    else {
      this.#samples.push(node.id);
      this.#weights.push(nanoseconds);
    }
  }

  addIdle(nanoseconds: number): void {
    this.add([IDLE], nanoseconds);
  }

  finish(): CpuProfile {
    // A sample stands for the time from its own to the next one's: the last one has nothing to stand for.
    this.addIdle(0);
    const timeDeltas: number[] = [];
    let at = this.#startTime;
    let shown = Math.round(at / 1000);
    const startTime = shown;
    for (const weight of [0, ...this.#weights.slice(0, -1)]) {
      at += weight;
      const now = Math.round(at / 1000);
      timeDeltas.push(now - shown);
      shown = now;
    }
    const scripts = new Map<string, number>();
    const scriptOf = (file: string): string => {
      if (!scripts.has(file)) scripts.set(file, scripts.size);
      return String(scripts.get(file));
    };
    const nodes = this.#nodes.map((node) => ({
      id: node.id,
      callFrame: {
        functionName: node.function.name,
        scriptId: scriptOf(node.function.file),
        url: node.function.file,
        lineNumber: -1,
        columnNumber: -1,
      },
      hitCount: node.hits,
      children: [...node.children.values()].map((child) => child.id),
    }));
    return { nodes, startTime, endTime: shown, samples: this.#samples, timeDeltas };
  }
}
