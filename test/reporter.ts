import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestModule, TestSuite } from "vitest/node";

/**
 * Prints `N passed, N failed` as the very last line. Whatever keeps tests from running counts as failed too: a file
 * that cannot be imported, a hook that throws, an error outside of all tests, an end before the tests have ended, and
 * that there are none.
 */
export default class ClosingLine implements Reporter {
  #passed = 0;
  #failed = 1;

  constructor() {
    process.once("exit", () => {
      writeSync(1, `\n${this.#passed} passed, ${this.#failed} failed\n`);
      if (this.#failed > 0) process.exitCode ||= 1;
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: "passed" | "failed"): number => tests.filter((test) => test.result().state === state).length;
    const brokenGroups = modules
      .flatMap((module): readonly (TestModule | TestSuite)[] => [module, ...module.children.allSuites()])
      .filter((group) => group.errors().length > 0);
    const nothingRan = tests.length === 0 && brokenGroups.length === 0 ? 1 : 0;
    this.#passed = count("passed");
    this.#failed = count("failed") + brokenGroups.length + unhandledErrors.length + nothingRan;
  }
}
