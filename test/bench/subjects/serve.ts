import { type SubjectTask, subjectTask } from "../turn-cost.ts";

/** Runs a subject of the bench: prepares it, says its room, and from then on its CPU time whenever it is asked. */
export function serve(prepare: (task: SubjectTask) => Promise<string>): void {
  process.once("message", async (message) => {
    const roomId = await prepare(subjectTask.parse(message));
    process.on("message", () => {
      const { user, system } = process.cpuUsage();
      process.send?.({ cpuMs: (user + system) / 1_000 });
    });
    process.send?.({ roomId });
  });
}
