import { describe, expect, test } from "vitest";
import type { CredentialVault } from "../../src/actors/sessions.ts";

/** What is promised of where secrets are kept. */
export function vaultContract(name: string, open: () => Promise<CredentialVault>): void {
  const namesIn = async (vault: CredentialVault, prefix: string) => (await Array.fromAsync(vault.names(prefix))).sort();

  describe(name, () => {
    test("keeps values by name, the latest of each", async () => {
      const vault = await open();
      await vault.set("token", "old");
      await vault.set("token", "secret");
      await vault.set("other", "");
      expect([vault.get("token"), vault.get("other"), vault.get("toke")]).toEqual(["secret", "", undefined]);
      await vault.delete("token");
      await vault.delete("token");
      expect([vault.get("token"), vault.get("other")]).toEqual([undefined, ""]);
    });

    test("tells what it is given as soon as that is durable, and not before", async () => {
      const vault = await open();
      const setting = vault.set("token", "secret");
      expect(vault.get("token")).toBeUndefined();
      await setting;
      const deleting = vault.delete("token");
      expect(vault.get("token")).toBe("secret");
      await deleting;
      expect(vault.get("token")).toBeUndefined();
    });

    test("takes what is given at once in its order", async () => {
      const vault = await open();
      await Promise.all([vault.set("token", "old"), vault.delete("token"), vault.set("token", "new")]);
      expect(vault.get("token")).toBe("new");
    });

    test("names all that begin so, and no other", async () => {
      const vault = await open();
      const names = ["session", "session ", "session @a:test", "session 🎭|x", "session \uffff", "sessions", "token 1"];
      for (const one of names) await vault.set(one, "secret");
      expect(await namesIn(vault, "session ")).toEqual(names.slice(1, 5).sort());
      expect(await namesIn(vault, "")).toEqual(names.toSorted());
      expect(await namesIn(vault, "x")).toEqual([]);
      for await (const one of vault.names("session ")) await vault.delete(one);
      expect(await namesIn(vault, "session ")).toEqual([]);
    });
  });
}
