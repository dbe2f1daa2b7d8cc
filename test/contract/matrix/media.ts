import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { failure, never, newUser, type PortUnderContract } from "./server.ts";

export function mediaContract(server: () => PortUnderContract): void {
  it("gives a file as it was uploaded, to everybody who has an account", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    const bytes = new Uint8Array(randomBytes(5_000));
    const mxc = await user.client.upload({ name: "ü / 100 %.bin", contentType: "application/pdf", bytes }, never);
    expect(mxc).toMatch(/^mxc:\/\//);
    const file = await other.client.download(mxc, 5_000, never);
    expect(file.contentType).toBe("application/pdf");
    expect(Buffer.from(file.bytes).equals(bytes)).toBe(true);
  });

  it("gives no more of a file than is wanted", async () => {
    const user = await newUser(server());
    const bytes = new Uint8Array(randomBytes(2_000));
    const mxc = await user.client.upload({ name: "large", contentType: "text/plain", bytes }, never);
    expect(await failure(user.client.download(mxc, 1_999, never))).toMatchObject({ kind: "too-large" });
  });

  it("says that there is no such file", async () => {
    const user = await newUser(server());
    const { serverName } = server().homeserver;
    for (const mxc of [
      `mxc://${serverName}/nosuchfile`,
      "mxc://",
      "https://example.org/file",
      `mxc://${serverName}/a/b`,
    ])
      expect(await failure(user.client.download(mxc, 1_000, never)), mxc).toMatchObject({ kind: "missing" });
  });
}
