import type { CredentialVault } from "../../src/actors/sessions.ts";

/** Keeps secrets in memory. Nothing is kept in the same moment as it is given. */
export class FakeVault implements CredentialVault {
  readonly kept = new Map<string, string>();

  get(name: string): string | undefined {
    return this.kept.get(name);
  }

  async set(name: string, value: string): Promise<void> {
    await Promise.resolve();
    this.kept.set(name, value);
  }

  async delete(name: string): Promise<void> {
    await Promise.resolve();
    this.kept.delete(name);
  }

  async *names(prefix: string): AsyncIterable<string> {
    for (const name of this.kept.keys()) if (name.startsWith(prefix)) yield name;
  }
}
