import { FakeVault } from "./fake-vault.ts";
import { vaultContract } from "./vault-contract.ts";

vaultContract("The fake vault", async () => new FakeVault());
