/** What a run has shown, and what it has measured. */
export class Report {
  passed = 0;
  failed = 0;

  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  figure(name: string, value: string): void {
    this.say(`  ${name.padEnd(58)}${value}`);
  }

  claim(name: string, isTrue: boolean, detail = ""): void {
    if (isTrue) this.passed++;
    else this.failed++;
    this.say(`  ${isTrue ? "yes" : "NO "}  ${name}${detail === "" ? "" : `: ${detail}`}`);
  }
}

/** What a stretch of work took: on the wall, and of CPU in the program and in the homeserver. */
export interface Took {
  readonly ms: number;
  readonly program: number;
  readonly homeserver: number;
}

export function tookText({ ms, program, homeserver }: Took): string {
  return `${seconds(ms)} (CPU: ${seconds(program)}, the homeserver's ${seconds(homeserver)})`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}
