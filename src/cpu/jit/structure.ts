/**
 * Structured control flow from a control-flow graph.
 *
 * WebAssembly has blocks and loops but no goto. The translation goes down the dominator tree, as in N. Ramsey, "Beyond
 * Relooper" (ICFP 2022): a block that several forward edges lead to is placed behind a wasm `block` that its immediate
 * dominator opens, a block with one predecessor stands where it is jumped to, and a back edge branches to a wasm `loop`.
 * An edge that goes back to a block that does not dominate its source belongs to no natural loop; the caller
 * treats it as one that leaves the graph.
 */

/** Nodes are numbered 0 (the entry), 1, ...; nodes that cannot be reached have order -1. */
export interface FlowGraph {
  readonly successors: readonly (readonly number[])[];
  /** Nodes that need a label whoever leads to them: those of a br_table. */
  readonly labelled?: ReadonlySet<number>;
}

export interface Structure {
  /** The nodes that can be reached, in reverse postorder, and the position of each in it. */
  readonly sequence: readonly number[];
  readonly order: readonly number[];
  /** Immediate dominators; that of the entry is itself. */
  readonly dominator: readonly number[];
  /** More than one forward edge leads here. */
  readonly isMerge: readonly boolean[];
  readonly isLoop: readonly boolean[];
  /** The merge nodes that a node dominates immediately, the last in reverse postorder first. */
  readonly merges: readonly (readonly number[])[];
  /** How an edge is to be made. */
  edge(from: number, to: number): "forward" | "back" | "irreducible";
}

export function structure({ successors, labelled }: FlowGraph): Structure {
  const count = successors.length;
  const postorder = depthFirst(successors);
  const order: number[] = new Array(count).fill(-1);
  postorder.forEach((node, i) => {
    order[node] = postorder.length - 1 - i;
  });
  const at = (node: number): number => order[node] as number;
  const predecessors: number[][] = successors.map(() => []);
  for (const node of postorder) for (const s of successors[node] as number[]) (predecessors[s] as number[]).push(node);

  // Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm".
  const dominator: number[] = new Array(count).fill(-1);
  dominator[0] = 0;
  const intersect = (a: number, b: number): number => {
    let [x, y] = [a, b];
    while (x !== y) {
      while (at(x) > at(y)) x = dominator[x] as number;
      while (at(y) > at(x)) y = dominator[y] as number;
    }
    return x;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = postorder.length - 2; i >= 0; i--) {
      const node = postorder[i] as number;
      let found = -1;
      for (const p of predecessors[node] as number[])
        if (dominator[p] !== -1) found = found === -1 ? p : intersect(found, p);
      if (dominator[node] !== found) {
        dominator[node] = found;
        changed = true;
      }
    }
  }
  const dominates = (a: number, b: number): boolean => {
    let node = b;
    while (at(node) > at(a)) node = dominator[node] as number;
    return node === a;
  };
  const edge = (from: number, to: number): "forward" | "back" | "irreducible" => {
    if (at(to) > at(from)) return "forward";
    return dominates(to, from) ? "back" : "irreducible";
  };
  const forward: number[] = new Array(count).fill(0);
  const isLoop: boolean[] = new Array(count).fill(false);
  for (const node of postorder)
    for (const s of successors[node] as number[]) {
      const kind = edge(node, s);
      if (kind === "forward") forward[s] = (forward[s] as number) + 1;
      else if (kind === "back") isLoop[s] = true;
    }
  const isMerge = forward.map((n, node) => n > 1 || (n > 0 && labelled?.has(node) === true));
  const merges: number[][] = successors.map(() => []);
  // Postorder is reverse postorder backwards: the last come first.
  for (const node of postorder)
    if (isMerge[node] && node !== 0) (merges[dominator[node] as number] as number[]).push(node);
  return { sequence: postorder.toReversed(), order, dominator, isMerge, isLoop, merges, edge };
}

function depthFirst(successors: readonly (readonly number[])[]): number[] {
  const postorder: number[] = [];
  const seen = new Set<number>([0]);
  const stack: { node: number; next: number }[] = [{ node: 0, next: 0 }];
  for (let top = stack[0]; top !== undefined; top = stack[stack.length - 1]) {
    const s = (successors[top.node] as number[])[top.next++];
    if (s === undefined) {
      postorder.push(top.node);
      stack.pop();
    } else if (!seen.has(s)) {
      seen.add(s);
      stack.push({ node: s, next: 0 });
    }
  }
  return postorder;
}
