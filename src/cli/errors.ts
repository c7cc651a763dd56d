/** Failures of tsrcore itself, as opposed to those of the guest; exit statuses as `docker run` has them. */

/** A wrong option, a missing file, a broken archive. */
export const EXIT_TSRCORE = 125;
/** The program was found but cannot be executed. */
export const EXIT_NOT_EXECUTABLE = 126;
export const EXIT_NOT_FOUND = 127;

/** Shown as `tsrcore: message`, without a stack trace. */
export class CliError extends Error {
  readonly exitStatus: number;

  constructor(message: string, exitStatus: number = EXIT_TSRCORE) {
    super(message);
    this.name = "CliError";
    this.exitStatus = exitStatus;
  }
}
