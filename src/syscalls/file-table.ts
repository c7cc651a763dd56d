/** The families of file calls. */
import type { SyscallDefinition } from "./define.ts";
import { fileAttributeCalls } from "./file-attributes.ts";
import { fileDirCalls } from "./file-dir.ts";
import { fileControlCalls } from "./file-fcntl.ts";
import { handleCalls } from "./file-handles.ts";
import { fileInotifyCalls } from "./file-inotify.ts";
import { fileIoCalls } from "./file-io.ts";
import { memfdCalls } from "./file-memfd.ts";
import { mountApiCalls } from "./file-mount-api.ts";
import { fileMountCalls } from "./file-mounts.ts";
import { fileNameCalls } from "./file-names.ts";
import { fileOpenCalls } from "./file-open.ts";
import { filePollCalls } from "./file-poll.ts";
import { fileStatCalls } from "./file-stat.ts";
import { statmountCalls } from "./file-statmount.ts";
import { fileSystemCalls } from "./file-systems.ts";
import { fileTransferCalls } from "./file-transfer.ts";
import { fileXattrCalls } from "./file-xattr.ts";

export const fileFamilies: readonly SyscallDefinition[] = [
  ...fileAttributeCalls,
  ...fileControlCalls,
  ...fileDirCalls,
  ...fileInotifyCalls,
  ...fileIoCalls,
  ...fileMountCalls,
  ...memfdCalls,
  ...mountApiCalls,
  ...handleCalls,
  ...fileNameCalls,
  ...fileOpenCalls,
  ...filePollCalls,
  ...fileStatCalls,
  ...fileTransferCalls,
  ...fileSystemCalls,
  ...statmountCalls,
  ...fileXattrCalls,
];
