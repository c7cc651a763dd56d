/** `tsrcore --version`. */
import packageJson from "../../package.json" with { type: "json" };

export const VERSION: string = packageJson.version;

export function main(): number {
  process.stdout.write(`tsrcore ${VERSION}\n`);
  return 0;
}
