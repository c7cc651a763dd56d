/** A profile as a tree with times, as its viewers work it out. */
import type { CpuProfile } from "../../src/runtime/profiling.ts";

export interface Tree {
  readonly name: string;
  /** Microseconds, with what it calls. */
  readonly total: number;
  readonly children: readonly Tree[];
}

export function treeOf(profile: CpuProfile): Tree {
  const self = new Map<number, number>();
  profile.samples.forEach((id, i) => {
    self.set(id, (self.get(id) ?? 0) + (profile.timeDeltas[i + 1] ?? 0));
  });
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const build = (id: number): Tree => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    const children = node.children.map(build);
    const total = (self.get(id) ?? 0) + children.reduce((sum, child) => sum + child.total, 0);
    return { name: node.callFrame.functionName, total, children };
  };
  return build(profile.nodes[0]?.id ?? 0);
}

/** What lies at a path of names below a node; of several alike, as those of different processes, the first. */
export function at(tree: Tree, ...path: readonly string[]): Tree | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return tree;
  const child = tree.children.find((c) => c.name === first);
  return child === undefined ? undefined : at(child, ...rest);
}

/** The time of all nodes of a name, each counted once though it may call itself. */
export function timeIn(tree: Tree, name: string): number {
  return tree.name === name ? tree.total : tree.children.reduce((sum, child) => sum + timeIn(child, name), 0);
}

/** The paths that lead to nodes of a name. */
export function pathsTo(tree: Tree, name: string, above: readonly string[] = []): string[] {
  const here = [...above, tree.name];
  return tree.name === name ? [here.join(" > ")] : tree.children.flatMap((child) => pathsTo(child, name, here));
}
