import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Structure, structure } from "./structure.ts";

/** A graph with its successors in an order; any node may have none. */
interface Graph {
  readonly successors: readonly (readonly number[])[];
  readonly labelled: ReadonlySet<number>;
}

const graphs: fc.Arbitrary<Graph> = fc.integer({ min: 1, max: 12 }).chain((size) =>
  fc
    .record({
      successors: fc.array(fc.uniqueArray(fc.nat(size - 1), { maxLength: 3 }), { minLength: size, maxLength: size }),
      labelled: fc.uniqueArray(fc.nat(size - 1), { maxLength: 3 }),
    })
    .map(({ successors, labelled }) => ({ successors, labelled: new Set(labelled) })),
);

const reachable = ({ successors }: Graph, without?: number): Set<number> => {
  const seen = new Set<number>(without === 0 ? [] : [0]);
  for (const node of seen) for (const s of successors[node] as number[]) if (s !== without) seen.add(s);
  return seen;
};

/** By T1 and T2: self-loops vanish, a node with one predecessor is merged into it; one node is left of a reducible graph. */
function isReducible(graph: Graph): boolean {
  const nodes = new Map([...reachable(graph)].map((n) => [n, new Set(graph.successors[n])]));
  for (;;) {
    for (const [n, successors] of nodes) successors.delete(n);
    const merged = [...nodes.keys()].find((n) => n !== 0 && [...nodes.values()].filter((s) => s.has(n)).length === 1);
    if (merged === undefined) return nodes.size === 1;
    const into = [...nodes.values()].find((s) => s.has(merged)) as Set<number>;
    into.delete(merged);
    for (const s of nodes.get(merged) as Set<number>) into.add(s);
    nodes.delete(merged);
  }
}

/** What wasm has: code that a branch may leave to the end of a block or the start of a loop around it. */
type Tree =
  | { readonly kind: "block" | "loop"; readonly label: number; readonly body: readonly Tree[] }
  | { readonly kind: "node"; readonly node: number; readonly ways: ReadonlyMap<number, Way> };
/** To a label of the innermost block or loop of that number, into code that stands here, or out of the graph. */
type Way =
  | { readonly kind: "branch"; readonly label: number; readonly loop: boolean }
  | { readonly kind: "inline"; readonly body: readonly Tree[] }
  | { readonly kind: "leave" };

interface Scope {
  readonly label: number;
  readonly loop: boolean;
}

/** The code that a structure stands for. A branch to what is not around it is found here. */
function build({ successors }: Graph, form: Structure): readonly Tree[] {
  const tree = (node: number, scope: readonly Scope[]): readonly Tree[] => {
    if (form.isLoop[node] !== true) return within(node, form.merges[node] as readonly number[], scope);
    const body = within(node, form.merges[node] as readonly number[], [...scope, { label: node, loop: true }]);
    return [{ kind: "loop", label: node, body }];
  };
  const within = (node: number, [merge, ...rest]: readonly number[], scope: readonly Scope[]): readonly Tree[] => {
    if (merge === undefined)
      return [{ kind: "node", node, ways: new Map(successors[node]?.map((to) => [to, way(node, to, scope)])) }];
    const body = within(node, rest, [...scope, { label: merge, loop: false }]);
    return [{ kind: "block", label: merge, body }, ...tree(merge, scope)];
  };
  const way = (from: number, to: number, scope: readonly Scope[]): Way => {
    const edge = form.edge(from, to);
    if (edge === "irreducible") return { kind: "leave" };
    if (edge === "forward" && form.isMerge[to] !== true) return { kind: "inline", body: tree(to, scope) };
    const loop = edge === "back";
    if (!scope.some((s) => s.label === to && s.loop === loop)) throw new Error(`${to} is not around ${from}`);
    return { kind: "branch", label: to, loop };
  };
  return tree(0, []);
}

/** Nodes of the code, each as often as it stands there. */
function nodesOf(code: readonly Tree[]): number[] {
  return code.flatMap((tree) => {
    if (tree.kind !== "node") return nodesOf(tree.body);
    return [tree.node, ...[...tree.ways.values()].flatMap((w) => (w.kind === "inline" ? nodesOf(w.body) : []))];
  });
}

/** Runs the code with choices, as many as there are; the nodes it comes through and where it went out of the graph. */
function execute(code: readonly Tree[], choices: readonly number[]): { path: number[]; left?: number } {
  const path: number[] = [];
  let left: number | undefined;
  let turn = 0;
  const end = Symbol("end");
  const run = (list: readonly Tree[]): Scope | typeof end => {
    for (const tree of list) {
      const to = tree.kind === "node" ? visit(tree) : around(tree);
      if (to !== undefined) return to;
    }
    throw new Error("nothing follows");
  };
  const around = (tree: Exclude<Tree, { kind: "node" }>): Scope | typeof end | undefined => {
    for (;;) {
      const to = run(tree.body);
      if (to === end || to.label !== tree.label || to.loop !== (tree.kind === "loop")) return to;
      if (tree.kind === "block") return undefined;
    }
  };
  const visit = ({ node, ways }: Extract<Tree, { kind: "node" }>): Scope | typeof end => {
    path.push(node);
    const targets = [...ways.keys()];
    const choice = choices[turn++];
    if (choice === undefined || targets.length === 0) return end;
    const target = targets[choice % targets.length] as number;
    const way = ways.get(target) as Way;
    if (way.kind === "inline") return run(way.body);
    if (way.kind === "branch") return way;
    left = target;
    return end;
  };
  run(code);
  return left === undefined ? { path } : { path, left };
}

/** The same on the graph itself. */
function walk({ successors }: Graph, choices: readonly number[]): number[] {
  const path = [0];
  for (const choice of choices) {
    const targets = successors[path[path.length - 1] as number] as readonly number[];
    if (targets.length === 0) break;
    path.push(targets[choice % targets.length] as number);
  }
  return path;
}

describe("structured control flow", () => {
  it("leads through the same nodes as the graph, up to where it says that it leaves", () => {
    void fc.assert(
      fc.property(graphs, fc.array(fc.nat(5), { maxLength: 60 }), (graph, choices) => {
        const { path, left } = execute(build(graph, structure(graph)), choices);
        const expected = walk(graph, choices);
        if (left === undefined) expect(path).toEqual(expected);
        else expect([...path, left]).toEqual(expected.slice(0, path.length + 1));
      }),
      { numRuns: 2000 },
    );
  });

  it("has every node that can be reached once", () => {
    void fc.assert(
      fc.property(graphs, (graph) => {
        const form = structure(graph);
        const expected = [...reachable(graph)].sort((a, b) => a - b);
        expect(nodesOf(build(graph, form)).sort((a, b) => a - b)).toEqual(expected);
        expect(form.sequence.toSorted((a, b) => a - b)).toEqual(expected);
        expect(form.order.flatMap((order, node) => (order === -1 ? [] : [node]))).toEqual(expected);
      }),
    );
  });

  it("leaves the graph where it is not reducible, and only there", () => {
    let irreducible = 0;
    void fc.assert(
      fc.property(graphs, (graph) => {
        const form = structure(graph);
        const kinds = form.sequence.flatMap((n) =>
          (graph.successors[n] as readonly number[]).map((s) => form.edge(n, s)),
        );
        const reducible = isReducible(graph);
        if (!reducible) irreducible++;
        expect(kinds.includes("irreducible")).toBe(!reducible);
      }),
      { numRuns: 1000 },
    );
    expect(irreducible).toBeGreaterThan(20);
  });

  it("knows the dominators: nodes without which another cannot be reached", () => {
    void fc.assert(
      fc.property(graphs, (graph) => {
        const { sequence, dominator, order } = structure(graph);
        expect(dominator[0]).toBe(0);
        for (const node of sequence.slice(1)) {
          const strict = sequence.filter((d) => d !== node && !reachable(graph, d).has(node));
          // The immediate one is the nearest.
          expect(dominator[node]).toBe(strict.toSorted((a, b) => (order[b] as number) - (order[a] as number))[0]);
        }
      }),
    );
  });

  it("gives a label to what a table of branches leads to, though it is the only way there", () => {
    const successors = [[1], [2, 3], [1], []];
    expect(structure({ successors }).isMerge).toEqual([false, false, false, false]);
    const { isMerge, merges, isLoop } = structure({ successors, labelled: new Set([2, 3]) });
    expect(isMerge).toEqual([false, false, true, true]);
    // The last in reverse postorder first.
    expect(merges[1]).toEqual([2, 3]);
    expect(isLoop).toEqual([false, true, false, false]);
  });

  it("calls a loop with two entries irreducible in one of them", () => {
    // 0 -> 1, 2; 1 <-> 2
    const { edge, isLoop } = structure({ successors: [[1, 2], [2], [1]] });
    expect([edge(0, 1), edge(0, 2)]).toEqual(["forward", "forward"]);
    expect([edge(1, 2), edge(2, 1)].sort()).toEqual(["forward", "irreducible"]);
    expect(isLoop).toEqual([false, false, false]);
  });

  it("goes deep without recursion", () => {
    const successors = Array.from({ length: 20_000 }, (_, n) => (n < 19_999 ? [n + 1] : [0]));
    const { sequence, isLoop } = structure({ successors });
    expect(sequence).toHaveLength(20_000);
    expect(isLoop[0]).toBe(true);
  });
});
