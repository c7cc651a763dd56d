/**
 * /proc/[pid]/pagemap and numa_maps: which pages are there (proc_pid_pagemap(5), numa(7)). Page frames have no numbers: as for
 * whoever may not see them, 0.
 */
import { EINVAL } from "../../abi/errno.ts";
import { PAGE_SHIFT, PAGE_SIZE, TASK_SIZE } from "../../mm/layout.ts";
import type { Vma } from "../../mm/vma.ts";
import { BaseFile, seekTo } from "../../vfs/file.ts";
import type { Path } from "../../vfs/path.ts";
import { SyntheticFile } from "../../vfs/types/synthetic.ts";
import type { File, Inode, OpenContext } from "../../vfs/types.ts";
import type { GuestSpace } from "../mm.ts";
import type { Task } from "../task.ts";
import { hasMemory } from "./process-text.ts";

/** Bytes that tell of one page. */
const ENTRY = 8;
const PRESENT = 1n << 63n;
const OF_FILE_OR_SHARED = 1n << 61n;
const MAPPED_ONCE = 1n << 56n;
/** No record is kept of what was written since somebody asked. */
const SOFT_DIRTY = 1n << 55n;

export class PagemapNode extends SyntheticFile {
  space!: () => GuestSpace | undefined;

  override open(flags: number, context: OpenContext, path?: Path): File {
    this.options.admit?.(context);
    return new PagemapFile(this.space(), this, flags, path);
  }
}

class PagemapFile extends BaseFile {
  readonly #space: GuestSpace | undefined;

  constructor(space: GuestSpace | undefined, inode: Inode, flags: number, path: Path | undefined) {
    super(inode, flags, path);
    this.#space = space;
  }

  override read(into: Uint8Array): number {
    const n = this.pread(into, this.position);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(into: Uint8Array, position: number): number {
    const space = this.#space;
    if (space === undefined || space.users <= 0) return 0;
    if (position % ENTRY !== 0 || into.length % ENTRY !== 0) return -EINVAL;
    const first = position / ENTRY;
    const count = Math.max(0, Math.min(into.length / ENTRY, TASK_SIZE / PAGE_SIZE - first));
    const view = new DataView(into.buffer, into.byteOffset, into.length);
    for (let i = 0; i < count; i++) view.setBigUint64(i * ENTRY, entryOf(space, first + i), true);
    return count * ENTRY;
  }

  override seek(offset: number, whence: number): number {
    return seekTo(this, offset, whence, 0);
  }
}

function entryOf(space: GuestSpace, page: number): bigint {
  const vma = space.vmas.find(page * PAGE_SIZE);
  if (vma === undefined) return 0n;
  if (space.nextRun(page, page + 1) === null) return SOFT_DIRTY;
  const shown = PRESENT | SOFT_DIRTY | (space.sharersOf(page) === 1 ? MAPPED_ONCE : 0n);
  return vma.file !== null || vma.shared !== null ? shown | OF_FILE_OR_SHARED : shown;
}

function pagesIn(space: GuestSpace, vma: Vma): number {
  const end = vma.end >>> PAGE_SHIFT;
  let count = 0;
  for (let run = space.nextRun(vma.start >>> PAGE_SHIFT, end); run !== null; run = space.nextRun(run[1], end))
    count += run[1] - run[0];
  return count;
}

/** All memory is of node 0. */
export function numaText(task: Task): string {
  if (!hasMemory(task)) return "";
  const { space } = task;
  let text = "";
  for (const vma of space.vmas) {
    const name = space.nameOf(vma);
    text += `${vma.start.toString(16).padStart(8, "0")} default`;
    if (vma.file !== null) text += ` file=${name.replaceAll("\n", "\\012")}`;
    else if (name === "[heap]") text += " heap";
    else if (name === "[stack]") text += " stack";
    const count = pagesIn(space, vma);
    if (count > 0) {
      const anonymous = vma.shared === null && (vma.file === null || (vma.prot & 2) !== 0);
      text += ` ${anonymous ? "anon" : "mapped"}=${count}${anonymous ? ` dirty=${count}` : ""} active=0 N0=${count}`;
      text += ` kernelpagesize_kB=${PAGE_SIZE / 1024}`;
    }
    text += "\n";
  }
  return text;
}
